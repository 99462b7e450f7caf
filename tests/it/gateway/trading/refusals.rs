//! What is refused before anybody signs, and what is not taken when it comes back.

use serde_json::{Value, json};
use solana_sdk::{
    hash::Hash,
    instruction::{AccountMeta, Instruction},
    message::Message,
    pubkey::Pubkey,
    signature::Keypair,
    signer::Signer,
    transaction::Transaction,
};
use zmart::domain::event::Outcome;
use zmart_testkit::{chain::SOL, http::request, patience::wait_for, signed_in::SignedInClient};

use super::{Floor, Trader, sign};

fn assert_refused(answer: &Value, status: u16, code: &str, what: &str) {
    assert_eq!((&answer["status"], &answer["error"]), (&json!(status), &json!(code)), "{what}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chain_would_refuse_is_refused_before_anybody_signs() {
    let floor = Floor::open().await;
    let (creator, trader) = (floor.trader().await, floor.trader().await);
    let market = floor.active_market(creator.key(), 100 * SOL).await;
    floor.client().buy(market, creator.key(), Outcome::Yes, 20 * SOL).await;
    floor.shown(market, |body| body["trades_count"] == 1).await;
    let order = |extra: Value| {
        let mut body = json!({"market_id": market.to_string(), "outcome": "YES", "shares": SOL.to_string(),
                              "max_cost": (2 * SOL).to_string()});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let sale = json!({"market_id": market.to_string(), "outcome": "NO", "shares": "1000000000", "min_proceeds": "1"});
    let step = |verb: &str| format!("/api/markets/{market}/{verb}");
    let rows: Vec<(&str, String, Value, u16, &str, Value)> = vec![
        (
            "above max_cost",
            "/api/trades/buy".into(),
            order(json!({"max_cost": "1000000"})),
            422,
            "CHAIN_REFUSED",
            json!({"code": 6015, "name": "SlippageExceeded"}),
        ),
        (
            "below min_shares",
            "/api/trades/buy".into(),
            order(json!({"min_shares": (90 * SOL).to_string()})),
            422,
            "CHAIN_REFUSED",
            json!({"code": 6015, "name": "SlippageExceeded"}),
        ),
        (
            "more than is held",
            "/api/trades/sell".into(),
            sale,
            422,
            "CHAIN_REFUSED",
            json!({"code": 6014, "name": "InsufficientShares"}),
        ),
        (
            "too early",
            step("claim"),
            json!({}),
            422,
            "CHAIN_REFUSED",
            json!({"code": 6007, "name": "InvalidMarketState"}),
        ),
        (
            "already active",
            step("activate"),
            json!({}),
            422,
            "CHAIN_REFUSED",
            json!({"code": 6029, "name": "Unauthorized"}),
        ),
        (
            "nothing proposed",
            step("dispute"),
            json!({}),
            422,
            "CHAIN_REFUSED",
            json!({"code": 6007, "name": "InvalidMarketState"}),
        ),
        (
            "another's liquidity",
            step("withdraw"),
            json!({}),
            422,
            "CHAIN_REFUSED",
            json!({"code": 6029, "name": "Unauthorized"}),
        ),
        (
            "shares and spend",
            "/api/trades/buy".into(),
            order(json!({"spend": "5000000"})),
            400,
            "VALIDATION_ERROR",
            Value::Null,
        ),
        ("an unknown field", "/api/trades/buy".into(), order(json!({"tip": 1})), 400, "VALIDATION_ERROR", Value::Null),
        (
            "no evidence",
            step("resolve"),
            json!({"outcome": true, "evidence": " "}),
            400,
            "VALIDATION_ERROR",
            Value::Null,
        ),
        (
            "a b that can't be traded",
            "/api/markets".into(),
            json!({"question": "Will it rain tomorrow?", "category": "weather", "b_parameter": "99999999999", "initial_liquidity": "1"}),
            400,
            "VALIDATION_ERROR",
            Value::Null,
        ),
    ];
    for (what, path, body, status, code, program_error) in rows {
        let answer = trader.post(&path, body).await.json();
        assert_refused(&answer, status, code, what);
        assert_eq!(answer.get("program_error").cloned().unwrap_or_default(), program_error, "{what}: {answer}");
    }
    // A wallet without a lamport: said by the rehearsal.
    let poor = Trader(SignedInClient::new(&floor.engine.api).await);
    let answer = poor.post("/api/trades/buy", order(json!({}))).await.json();
    assert_refused(&answer, 422, "CHAIN_REFUSED", "a poor wallet");
    assert_eq!(answer["program_error"]["name"], "AccountNotFound", "{answer}");
    for path in ["/api/trades/buy", "/api/trades/sell", "/api/transactions", "/api/markets", &step("resolve")] {
        let headers = [("Content-Type", "application/json")];
        let answer = request("POST", &floor.engine.api, path, &headers, b"{}").await.json();
        assert_refused(&answer, 401, "UNAUTHORIZED", path);
    }
    floor.chain.toggle_pause().await;
    wait_for("the pause to be known", || async {
        let answer = trader.post("/api/trades/buy", order(json!({}))).await.json();
        if answer["program_error"]["name"] == "ProtocolPaused" { Ok(()) } else { Err(answer) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_trouble_is_said_without_a_word_of_where_it_is() {
    use zmart_testkit::proxy::{Bad, Methods, When};
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let order =
        json!({"market_id": market.to_string(), "outcome": "YES", "spend": SOL.to_string(), "accept_unsound": true});
    let market = json!({"question": "Will it rain tomorrow?", "category": "weather",
                        "b_parameter": (100 * SOL).to_string(), "initial_liquidity": SOL.to_string()});
    let created = trader.post_keyed("/api/markets", &market, "a-market").await;
    assert_eq!(created.status, 200, "{}", created.json());
    for bad in [Bad::Status(502), Bad::Garbage, Bad::Error(-32603)] {
        let fault = floor.hand.answer_badly(Methods::Of(&["simulateTransaction"]), bad, When::Always);
        let answer = trader.post("/api/trades/buy", order.clone()).await.json();
        assert_refused(&answer, 503, "UNAVAILABLE", &format!("{bad:?}"));
        assert!(!answer.to_string().contains("127.0.0.1"), "{answer}");
        // What was answered already needs no node.
        let again = trader.post_keyed("/api/markets", &market, "a-market").await;
        assert_eq!((again.status, again.json()), (200, created.json()), "{bad:?}");
        fault.lift();
    }
    trader.built("/api/trades/buy", order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_shares_than_asked_for_are_refused_by_the_rehearsal_where_the_quote_is_behind_the_chain() {
    use zmart_testkit::proxy::{Bad, Methods, When, Which};
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let order = |min: Option<u64>| {
        json!({"market_id": market.to_string(), "outcome": "YES", "spend": SOL.to_string(), "accept_unsound": true,
               "min_shares": min.map(|min| min.to_string())})
    };
    let first = trader.built("/api/trades/buy", order(None)).await;
    assert_eq!((&first["guard"], &first["rehearsed"]["shares"]), (&Value::Null, &first["quote"]["shares"]));
    let quoted: u64 = first["quote"]["shares"].as_str().unwrap().parse().unwrap();
    // Nothing is heard of the other's trade, and nothing can be asked of what was missed.
    let deaf = floor.hand.withhold(Which::Logs, When::Always);
    let blind = Methods::Of(&["getSignaturesForAddress"]);
    let blind = floor.hand.answer_badly(blind, Bad::Error(-32603), When::Always);
    let other = floor.client().funded_wallet().await;
    floor.client().buy(market, &other, Outcome::Yes, 30 * SOL).await;
    let answer = trader.post("/api/trades/buy", order(Some(quoted))).await.json();
    assert_refused(&answer, 422, "CHAIN_REFUSED", "fewer shares");
    assert_eq!(answer["details"][0]["field"], "min_shares", "{answer}");
    let fewer = trader.built("/api/trades/buy", order(Some(1))).await;
    assert_eq!(fewer["guard"], "simulation");
    let rehearsed: u64 = fewer["rehearsed"]["shares"].as_str().unwrap().parse().unwrap();
    assert!(rehearsed < quoted, "{fewer}");
    assert_eq!(fewer["quote"]["shares"], first["quote"]["shares"], "the quote knows nothing of the other trade");
    deaf.lift();
    blind.lift();
}

fn transaction(instructions: &[Instruction], signers: &[&Keypair], blockhash: Hash) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let message = Message::new_with_blockhash(instructions, Some(&signers[0].pubkey()), &blockhash);
    let mut transaction = Transaction::new_unsigned(message);
    transaction.sign(signers, blockhash);
    let mut wire = vec![u8::try_from(transaction.signatures.len()).unwrap()];
    transaction.signatures.iter().for_each(|signature| wire.extend_from_slice(signature.as_ref()));
    wire.extend_from_slice(&transaction.message.serialize());
    BASE64_STANDARD.encode(wire)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_built_here_and_signed_by_the_caller_is_taken() {
    let floor = Floor::open().await;
    let (trader, other) = (floor.trader().await, floor.trader().await);
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let order =
        json!({"market_id": market.to_string(), "outcome": "YES", "spend": SOL.to_string(), "accept_unsound": true});
    let built = trader.built("/api/trades/buy", order).await;
    let blockhash = floor.client().blockhash().await;
    let user = trader.key();
    let buy = floor.client().buy_instruction(market, user.pubkey(), Outcome::Yes, SOL);
    let transfer = {
        let mut data = vec![2, 0, 0, 0];
        data.extend_from_slice(&SOL.to_le_bytes());
        let accounts = vec![AccountMeta::new(user.pubkey(), true), AccountMeta::new(other.key().pubkey(), false)];
        Instruction { program_id: Pubkey::default(), accounts, data }
    };
    let elsewhere = {
        let mut instruction = buy.clone();
        instruction.accounts[4].pubkey = other.key().pubkey();
        instruction
    };
    let mut altered = sign(user, built["transaction"].as_str().unwrap());
    altered.replace_range(120..121, if &altered[120..121] == "A" { "B" } else { "A" });
    let rows = [
        ("not signed", built["transaction"].as_str().unwrap().to_owned()),
        ("signed by another", sign(other.key(), built["transaction"].as_str().unwrap())),
        ("altered", altered),
        ("paid by another", transaction(std::slice::from_ref(&buy), &[other.key(), user], blockhash)),
        ("a hidden transfer", transaction(&[buy.clone(), transfer.clone()], &[user], blockhash)),
        ("nothing of the program", transaction(&[transfer], &[user], blockhash)),
        ("twice", transaction(&[buy.clone(), buy.clone()], &[user], blockhash)),
        ("fees to another wallet", transaction(&[elsewhere], &[user], blockhash)),
        ("garbage", "AAAA".to_owned()),
    ];
    for (what, text) in rows {
        let answer = trader.post("/api/transactions", json!({"transaction": text})).await.json();
        assert_refused(&answer, 400, "VALIDATION_ERROR", what);
        assert_eq!(answer["details"][0]["field"], "transaction", "{what}: {answer}");
    }
    let unknown = transaction(std::slice::from_ref(&buy), &[user], Hash::new_from_array([7; 32]));
    let answer = trader.post("/api/transactions", json!({"transaction": unknown})).await.json();
    assert_refused(&answer, 422, "CHAIN_REFUSED", "an unknown blockhash");
    assert_eq!(answer["program_error"]["name"], "BlockhashNotFound");
    assert_eq!(floor.client().position(market, trader.wallet()).await, None, "nothing was sent");

    // What is taken is the owner's to see, and nobody else's.
    let signature = trader.submit(&built).await;
    trader.stands(&signature, &["confirmed", "finalized"]).await;
    assert_eq!(other.status(&signature).await.status, 404);
    let anonymous = floor.get(&format!("/api/transactions/{signature}")).await;
    assert_eq!(anonymous.status, 401);
    let seen: &Trader = &trader;
    assert_eq!(seen.status("nonsense").await.status, 400);
}
