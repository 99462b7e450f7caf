//! Limits of who is signed in: by wallet, instead of by address.

use zmart_testkit::{chain::Chain, engine::Engine, http::request, postgres::Database, signed_in::SignedInClient};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_is_counted_by_wallet_and_a_bad_token_by_address() {
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &Database::fresh().await);
    engine.set("TRUSTED_CLIENTS", "none");
    // Two sign-ins are four requests.
    engine.set("RATE_LIMIT_ANONYMOUS", "6/h");
    engine.set("RATE_LIMIT_SIGNED_IN", "3/h");
    engine.start().await;
    engine.ready().await;
    let first = SignedInClient::new(&engine.api).await;
    let second = SignedInClient::new(&engine.api).await;
    for user in [&first, &second] {
        for left in ["2", "1", "0"] {
            let answer = user.get("/api/users/me").await;
            assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, Some(left)));
            assert_eq!(answer.header("ratelimit-limit"), Some("3"));
        }
        let answer = user.get("/api/users/me").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (429, Some("RATE_LIMITED")));
    }
    for (left, status) in [("1", 401), ("0", 401), ("0", 429)] {
        let bad = [("Authorization", "Bearer of.no.good")];
        let answer = request("GET", &engine.api, "/api/markets", &bad, b"").await;
        assert_eq!((answer.status, answer.header("ratelimit-remaining")), (status, Some(left)));
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
}
