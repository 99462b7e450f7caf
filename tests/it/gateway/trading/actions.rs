//! A wallet trades from a link: no sign-in, any site, the same transactions.

use serde_json::{Value, json};
use solana_sdk::signer::Signer;
use zmart_testkit::{
    chain::{SOL, wallet_of},
    http::{Response, request},
};

use super::{Floor, sign};

fn assert_open(answer: &Response, what: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{what}");
    assert!(answer.header("x-action-version").is_some(), "{what}");
}

async fn post(floor: &Floor, path: &str, body: &Value) -> Response {
    let headers = [("Content-Type", "application/json"), ("Origin", "https://elsewhere.example")];
    request("POST", &floor.engine.api, path, &headers, body.to_string().as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_market_can_be_traded_from_by_any_wallet_on_any_site() {
    let floor = Floor::open().await;
    let client = floor.client();
    let creator = client.funded_wallet().await;
    let market = floor.active_market(&creator, 100 * SOL).await;
    // Away from exact balance, where prices can be trusted.
    client.buy(market, &creator, zmart::domain::event::Outcome::Yes, 20 * SOL).await;
    floor.shown(market, |body| body["trades_count"] == 1).await;

    let rules = floor.get("/actions.json").await;
    assert_open(&rules, "the rules");
    assert!(rules.json()["rules"].as_array().unwrap().iter().any(|rule| rule["apiPath"] == "/api/actions/**"));
    let path = format!("/api/actions/markets/{market}");
    let options = request("OPTIONS", &floor.engine.api, &path, &[("Origin", "https://elsewhere.example")], b"").await;
    assert_eq!(options.status, 204);
    assert_open(&options, "OPTIONS");

    // Whatever a client says of the way that it came by.
    let said =
        [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "javascript"), ("Forwarded", "host=evil.example")];
    let action = request("GET", &floor.engine.api, &path, &said, b"").await;
    assert_open(&action, "GET");
    let chain = format!("solana:{}", &floor.chain.genesis[..32]);
    assert_eq!(action.header("x-blockchain-ids"), Some(chain.as_str()));
    let action = action.json();
    assert_eq!((&action["type"], &action["disabled"]), (&json!("action"), &json!(false)), "{action}");
    let icon = action["icon"].as_str().unwrap().strip_prefix("http://localhost:3000").unwrap().to_owned();
    assert_eq!(floor.get(&icon).await.header("content-type"), Some("image/svg+xml"));
    let links = action["links"]["actions"].as_array().unwrap();
    for outcome in ["YES", "NO"] {
        let link = links.iter().find(|link| link["label"] == format!("Buy {outcome}")).unwrap();
        assert_eq!(link["parameters"][0]["name"], "amount", "{link}");
        let buyer = client.funded_wallet().await;
        let path = link["href"].as_str().unwrap().replace("{amount}", "1.5");
        let answer = post(&floor, &path, &json!({"account": buyer.pubkey().to_string()})).await;
        assert_open(&answer, "POST");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let reply = answer.json();
        // The wallet itself sends it.
        client.send_wire(&sign(&buyer, reply["transaction"].as_str().unwrap())).await.unwrap();
        let position = client.position(market, wallet_of(&buyer)).await.unwrap();
        let (bought, none) = match outcome {
            "YES" => (position.shares_yes, position.shares_no),
            _ => (position.shares_no, position.shares_yes),
        };
        assert!(bought.0 > 0 && none.0 == 0, "{position:?}");
        assert!(position.total_invested.0 <= 1_500_000_000, "{position:?}");
        let said = format!("{}.{:09} {outcome} shares", bought.0 / SOL, bought.0 % SOL);
        assert!(reply["message"].as_str().unwrap().contains(&said), "{reply}");
    }

    let nobody = wallet_of(&solana_sdk::signature::Keypair::new()).to_string();
    for (query, body, status, code) in [
        ("outcome=YES&amount=0", json!({"account": nobody}), 400, "VALIDATION_ERROR"),
        ("outcome=YES&amount=1", json!({"account": "nobody"}), 400, "VALIDATION_ERROR"),
        ("amount=1", json!({"account": nobody}), 400, "VALIDATION_ERROR"),
        // A wallet without a lamport is told before it signs.
        ("outcome=YES&amount=1", json!({"account": nobody}), 422, "CHAIN_REFUSED"),
    ] {
        let answer = post(&floor, &format!("{path}?{query}"), &body).await;
        assert_open(&answer, query);
        let told = answer.json();
        assert_eq!((answer.status, &told["error"]), (status, &json!(code)), "{query}: {told}");
        assert!(told["message"].is_string());
    }
}
