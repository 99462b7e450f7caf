//! Votes: each counted once, wherever it was cast and whatever dies on its way.

use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};
use zmart::domain::{
    event::Outcome,
    ids::{MarketAddress, Wallet},
    tally::VoteKind,
    user_write::vote_message,
};
use zmart_testkit::{
    chain::{SOL, wallet_of},
    patience::wait_for,
    signed_in::{SignedInClient, post},
};

use super::written::{counts, listening, nobody, number, proposed, tally_is, vote_as, write_as};

const PROPOSAL: &str = "/api/votes/proposal";

fn ballot(market: MarketAddress, vote: bool) -> Value {
    json!({"market_id": market, "vote": vote})
}

fn signed(key: &Keypair, market: MarketAddress, vote: bool) -> Value {
    let message = vote_message(market, VoteKind::Proposal, vote, wallet_of(key));
    json!({"market_id": market, "vote": vote, "signature": key.sign_message(message.as_bytes()).to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_written_past_the_engine_obeys_phase_and_uniqueness_and_reaches_tally_and_subscribers() {
    let (stage, market, creator) = proposed().await;
    let mut connection = listening(&stage, market).await;
    vote_as(&stage.database, nobody(1), market, true).await;
    let frame = connection.next_of("vote_update").await;
    assert_eq!(frame["channel"], format!("market:{market}"));
    let data = &frame["data"];
    assert_eq!((&data["vote_type"], &data["source"]), (&"proposal".into(), &"offchain".into()), "{frame}");
    assert_eq!(data["user_wallet"], nobody(1).to_string());
    assert_eq!((data["vote"].as_bool(), counts(&data["tally"])), (Some(true), (1, 0)));
    assert_eq!(data["tally"]["approval_bps"], 10_000);
    assert!(frame["slot"].as_u64().unwrap() > 0, "it carries the stream's slot: {frame}");

    const SQL: &str = "INSERT INTO proposal_votes (market, vote) VALUES ($1::text, false)";
    let again = write_as(&stage.database, nobody(1), SQL, &[&market.to_string()]).await.unwrap_err();
    assert_eq!(again.code().unwrap().code(), "23505");
    vote_as(&stage.database, nobody(2), market, false).await;
    assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), (1, 1));
    tally_is(&stage.database, market, 1, 1).await;

    stage.chain.approve(market).await;
    stage.chain.client().activate(market, &creator).await;
    stage.shown_active(market).await;
    let late = write_as(&stage.database, nobody(3), SQL, &[&market.to_string()]).await.unwrap_err();
    assert_eq!(late.code().unwrap().code(), "ZM001");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vote_is_counted_once_whatever_dies_on_its_way() {
    let (mut stage, market, _creator) = proposed().await;
    let mut cast = 0_u8;
    let name = market.to_string();
    for blow in ["market", "writer", "outbox", "registry", "kill", "market", "outbox", "kill"] {
        for n in 0..12 {
            cast += 1;
            vote_as(&stage.database, nobody(cast), market, !cast.is_multiple_of(3)).await;
            if n == 5 {
                match blow {
                    "kill" => stage.engine.kill(),
                    "market" => stage.engine.crash(&name).await,
                    actor => stage.engine.crash(actor).await,
                }
            }
        }
        if blow == "kill" {
            stage.engine.start().await;
        }
    }
    let against = (1..=cast).filter(|n| n % 3 == 0).count() as i64;
    tally_is(&stage.database, market, i64::from(cast) - against, against).await;
    let database = &stage.database;
    assert_eq!(number(database, "SELECT count(*) FROM outbox").await, 0);
    assert_eq!(number(database, "SELECT count(*) FROM journal WHERE kind = 'vote'").await, i64::from(cast));
    let wallets = "SELECT count(DISTINCT payload ->> 'wallet') FROM journal WHERE kind = 'vote'";
    assert_eq!(number(database, wallets).await, i64::from(cast));
    assert_eq!(number(database, "SELECT count(*) FROM dead_letters").await, 0);
    stage.engine.ready().await;
    let checked = stage.engine.run(&["verify"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_votes_here_and_on_the_chain_counts_once_and_the_chain_wins() {
    let (mut stage, market, _creator) = proposed().await;
    let mut connection = listening(&stage, market).await;
    let client = stage.chain.client().clone();
    let [first, second] = [client.funded_wallet().await, client.funded_wallet().await];
    vote_as(&stage.database, wallet_of(&first), market, true).await;
    assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), (1, 0));
    client.vote(market, &first, false).await;
    let frame = connection.next_of("vote_update").await;
    assert_eq!((&frame["data"]["source"], counts(&frame["data"]["tally"])), (&"onchain".into(), (0, 1)), "{frame}");
    // The other way round, and by a life that reads its ballots again.
    client.vote(market, &second, true).await;
    assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), (1, 1));
    stage.engine.crash(&market.to_string()).await;
    vote_as(&stage.database, wallet_of(&second), market, false).await;
    let frame = connection.next_of("vote_update").await;
    assert_eq!((&frame["data"]["source"], counts(&frame["data"]["tally"])), (&"offchain".into(), (1, 1)), "{frame}");
    tally_is(&stage.database, market, 1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_can_not_be_used_becomes_a_dead_letter_and_holds_up_no_other() {
    let (stage, market, _creator) = proposed().await;
    const SQL: &str = "INSERT INTO outbox (market, kind, payload) VALUES ($1::text, $2, $3)";
    let client = stage.database.connect().await;
    let poison = serde_json::json!({"wallet": "nobody", "vote": true});
    client.execute(SQL, &[&market.to_string(), &"proposal_vote", &poison]).await.unwrap();
    // Its form is right, its signature is not.
    let forged = serde_json::json!({"wallet": Wallet([9; 32]), "vote": true, "signature": "1".repeat(64)});
    client.execute(SQL, &[&market.to_string(), &"proposal_vote", &forged]).await.unwrap();
    for n in 1..=5 {
        vote_as(&stage.database, nobody(n), market, true).await;
    }
    tally_is(&stage.database, market, 5, 0).await;
    let letters = "SELECT count(*) FROM dead_letters WHERE source = 'outbox' AND reason = 'refused'";
    wait_for("two letters", || async {
        match number(&stage.database, letters).await {
            2 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(number(&stage.database, "SELECT count(*) FROM outbox").await, 0);
    stage.engine.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_wallet_votes_once_and_is_told_the_tally_with_its_vote() {
    let (stage, market, creator) = proposed().await;
    let mut connection = listening(&stage, market).await;
    let api = &stage.engine.api;
    let client = SignedInClient::new(api).await;
    vote_as(&stage.database, nobody(9), market, false).await;
    tally_is(&stage.database, market, 0, 1).await;
    let answer = client.post_once(PROPOSAL, "one", &ballot(market, true)).await;
    let reply = answer.json();
    assert_eq!((answer.status, &reply["vote"], counts(&reply["tally"])), (201, &json!(true), (1, 1)), "{reply}");
    assert_eq!((&reply["tally"]["approval_bps"], &reply["tally"]["min_votes"]), (&json!(5_000), &json!(10)));
    assert_eq!(reply["tally"]["threshold_bps"], 7_000, "the program's");
    for expected in [(0, 1), (1, 1)] {
        assert_eq!(counts(&connection.next_of("vote_update").await["data"]["tally"]), expected);
    }
    // The same request again is the same reply; another one is a second vote.
    let again = client.post_once(PROPOSAL, "one", &ballot(market, true)).await;
    assert_eq!((again.status, again.json(), again.header("idempotency-replayed")), (201, reply, Some("true")));
    let second = client.post(PROPOSAL, &ballot(market, false)).await;
    assert_eq!((second.status, &second.json()["error"]), (409, &json!("CONFLICT")));

    let own = client.get(&format!("/api/votes/{market}")).await.json();
    assert_eq!(own["own"], json!({"proposal": {"vote": true, "source": "offchain"}, "dispute": null}), "{own}");
    assert_eq!((counts(&own["proposal"]), counts(&own["dispute"])), ((1, 1), (0, 0)));
    let anybody = zmart_testkit::http::get(api, &format!("/api/votes/{market}")).await.json();
    assert_eq!(anybody.get("own"), None, "{anybody}");

    let other = SignedInClient::new(api).await;
    let early = other.post("/api/votes/dispute", &ballot(market, true)).await;
    assert!(early.status == 409 && early.json()["message"].as_str().unwrap().contains("PROPOSED"), "{early:?}");
    let forged = signed(&Keypair::new(), market, true);
    for (body, status, field) in [
        (json!({"market_id": market}), 400, Some("vote")),
        (json!({"market_id": market, "vote": "yes"}), 400, Some("vote")),
        (json!({"market_id": "x", "vote": true}), 400, Some("market_id")),
        (json!({"market_id": market, "vote": true, "signature": "x"}), 400, Some("signature")),
        (forged, 400, Some("signature")),
        (json!({"market_id": market, "vote": true, "wallet": nobody(1)}), 400, Some("wallet")),
        (ballot(MarketAddress([7; 32]), true), 404, None),
    ] {
        let refused = other.post(PROPOSAL, &body).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.json());
        if let Some(field) = field {
            assert_eq!(refused.json()["details"][0]["field"], field, "{body}");
        }
    }
    assert_eq!(post(api, PROPOSAL, None, &ballot(market, true), &[]).await.status, 401);
    let taken = other.post(PROPOSAL, &signed(&other.key, market, true)).await;
    assert_eq!((taken.status, counts(&taken.json()["tally"])), (201, (2, 1)));
    let frame = connection.next_of("vote_update").await;
    assert_eq!(frame["data"]["signature"], signed(&other.key, market, true)["signature"], "it is published");

    // The trail, page by page.
    let (mut path, mut seqs) = (format!("/api/markets/{market}/votes?limit=2"), Vec::new());
    loop {
        let page = zmart_testkit::http::get(api, &path).await.json();
        seqs.extend(page["votes"].as_array().unwrap().iter().map(|vote| vote["seq"].as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/markets/{market}/votes?limit=2&cursor={cursor}");
    }
    assert!(seqs.len() == 3 && seqs.is_sorted_by(|a, b| a > b), "{seqs:?}");
    let disputes = zmart_testkit::http::get(api, &format!("/api/markets/{market}/votes?type=dispute")).await.json();
    assert_eq!(disputes["count"], 0);

    stage.chain.approve(market).await;
    stage.chain.client().activate(market, &creator).await;
    stage.shown_active(market).await;
    let late = SignedInClient::new(api).await.post(PROPOSAL, &ballot(market, true)).await;
    assert!(late.status == 409 && late.json()["message"].as_str().unwrap().contains("ACTIVE"), "{late:?}");
    let again = client.post_once(PROPOSAL, "one", &ballot(market, true)).await;
    assert_eq!(again.status, 201, "what was answered once is answered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_vote_and_with_what_is_configured() {
    let (mut stage, market, creator) = proposed().await;
    let client = stage.chain.client().clone();
    let traded = client.funded_wallet().await;
    let tradable = stage.chain.active_market(&creator, 100 * SOL).await;
    let bought = client.buy(tradable, &traded, Outcome::Yes, SOL).await;
    wait_for("the trade", || async {
        let sql = format!("SELECT count(*) FROM trades WHERE signature = '{bought}'");
        if number(&stage.database, &sql).await == 1 { Ok(()) } else { Err("not yet") }
    })
    .await;
    let funded = client.funded_wallet().await;
    for (eligibility, key, status) in [
        ("traded", &funded, 403),
        ("traded", &traded, 201),
        ("min_balance", &Keypair::new(), 403),
        ("min_balance", &funded, 201),
        ("onchain", &creator, 403),
        // What was answered once is answered again under its key, whoever may vote by now.
        ("onchain", &traded, 201),
        ("any", &creator, 201),
    ] {
        stage.engine.kill();
        stage.engine.set("VOTE_ELIGIBILITY", eligibility);
        stage.engine.start().await;
        stage.shown(market).await;
        let voter = SignedInClient::with_key(&stage.engine.api, key.insecure_clone()).await;
        let answer = voter.post_once(PROPOSAL, "a-vote", &ballot(market, true)).await;
        assert_eq!(answer.status, status, "{eligibility}: {}", answer.json());
    }
    tally_is(&stage.database, market, 3, 0).await;
    stage.engine.kill();
    stage.engine.set("VOTE_SIGNATURES", "required");
    stage.engine.start().await;
    stage.shown(market).await;
    let voter = SignedInClient::new(&stage.engine.api).await;
    assert_eq!(voter.post(PROPOSAL, &ballot(market, false)).await.status, 400);
    // Past the engine, too.
    vote_as(&stage.database, nobody(5), market, false).await;
    assert_eq!(voter.post(PROPOSAL, &signed(&voter.key, market, false)).await.status, 201);
    tally_is(&stage.database, market, 3, 1).await;
    let letters = "SELECT count(*) FROM dead_letters WHERE source = 'outbox'";
    wait_for("a letter", || async {
        match number(&stage.database, letters).await {
            1 => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_votes_than_a_message_holds_are_counted_in_their_order() {
    let (stage, market, _creator) = proposed().await;
    let wallets: Vec<String> = (0..700_u16)
        .map(|n| {
            let mut bytes = [7; 32];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            Wallet(bytes).to_string()
        })
        .collect();
    const SQL: &str = "INSERT INTO proposal_votes (market, wallet, vote) \
                       SELECT $1::text, wallet, true FROM unnest($2::text[]) AS voters (wallet)";
    stage.database.connect().await.execute(SQL, &[&market.to_string(), &wallets]).await.unwrap();
    tally_is(&stage.database, market, 700, 0).await;
    const ORDER: &str = "SELECT payload ->> 'wallet' FROM journal WHERE kind = 'vote' ORDER BY seq";
    let rows = stage.database.connect().await.query(ORDER, &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>(), wallets);
}
