//! Documents of markets: shown only if they are the creator's and hash to what stands on the chain.

use serde_json::{Value, json};
use zmart::{
    domain::{
        amount::UnixSeconds,
        ids::{MarketAddress, MarketSeed, Wallet},
        metadata::{MarketMetadata, MetadataDocument},
    },
    journal::lease::{Leased, Term},
};
use zmart_testkit::{
    chain::{SOL, wallet_of},
    http::get,
    patience::wait_for,
    postgres::Database,
    signed_in::SignedInClient,
    socket::Connection,
    stage::Stage,
};

use super::{
    market, prepared, settings, wallet,
    written::{listening, nobody, number, write_as},
};

fn document(question: &str) -> MetadataDocument {
    MetadataDocument::new(MarketMetadata {
        question: question.to_owned(),
        description: "Rain counts,\nsnow does not.".to_owned(),
        category: "weather".to_owned(),
        tags: vec!["zürich".to_owned()],
        resolution_criteria: None,
        closes_at: Some(UnixSeconds(1_900_000_000)),
    })
    .unwrap()
}

async fn supply(database: &Database, wallet: Wallet, market: MarketAddress, seed: MarketSeed, text: &str) {
    const SQL: &str = "INSERT INTO market_metadata (market, market_seed, document) VALUES ($1::text, $2, $3)";
    let written = write_as(database, wallet, SQL, &[&market.to_string(), &seed.to_string(), &text]).await;
    assert_eq!(written.unwrap(), 1);
}

async fn shown_with(stage: &Stage, market: MarketAddress, question: &Value) -> Value {
    wait_for(&format!("the question {question}"), || async {
        let answer = get(&stage.engine.api, &format!("/api/markets/{market}")).await;
        if answer.status != 200 {
            return Err(answer.status.into());
        }
        let shown = answer.json();
        if shown["question"] == *question { Ok(shown) } else { Err(shown) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_there_before_its_market_is_shown_with_it_and_after_every_death() {
    let mut stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let document = document("Will it rain in Zürich tomorrow?");
    stage.engine.kill();
    let (market, seed) =
        stage.chain.client().proposed_market_about(&creator, 100 * SOL, document.question_hash()).await;
    supply(&stage.database, nobody(9), market, seed, self::document("Will it snow in Bern, too?").json()).await;
    supply(&stage.database, wallet_of(&creator), market, seed, document.json()).await;
    assert_eq!(number(&stage.database, "SELECT count(*) FROM outbox").await, 0, "there is no such market yet");
    stage.engine.start().await;
    let question = json!("Will it rain in Zürich tomorrow?");
    let shown = shown_with(&stage, market, &question).await;
    assert_eq!(
        (&shown["category"], &shown["tags"], &shown["warnings"]),
        (&json!("weather"), &json!(["zürich"]), &json!([]))
    );
    assert_eq!(shown["closes_at"], "2030-03-17T17:46:40.000Z");
    assert_eq!(shown["ipfs_question_hash"], document.question_hash().text().unwrap());
    let listed = get(&stage.engine.api, "/api/markets").await.json();
    assert_eq!(listed["markets"][0]["question"], question);
    let found =
        "SELECT count(*) FROM markets WHERE category = 'weather' AND search @@ to_tsquery('simple', 'zürich & rain')";
    assert_eq!(number(&stage.database, found).await, 1);

    // It is told by an entry of its own, and is part of snapshots.
    let mut connection = Connection::open(&stage.engine.ws).await;
    let subscribed = connection.subscribe(market, None).await;
    assert_eq!(subscribed["snapshot"]["question"], question, "{subscribed}");
    let epoch = subscribed["epoch"].as_u64().unwrap();
    let mut replayed = Connection::open(&stage.engine.ws).await;
    replayed.subscribe(market, Some((epoch, 1))).await;
    let frame = replayed.next_of("market_update").await;
    assert_eq!(
        (&frame["data"]["reason"], &frame["data"]["action"]),
        (&json!("metadata"), &json!("updated")),
        "{frame}"
    );
    assert_eq!(frame["data"]["market"]["question"], question);

    stage.engine.crash(&market.to_string()).await;
    shown_with(&stage, market, &question).await;
    stage.chain.approve(market).await;
    stage.chain.client().activate(market, &creator).await;
    stage.shown_active(market).await;
    shown_with(&stage, market, &question).await;
    stage.engine.kill();
    stage.engine.start().await;
    shown_with(&stage, market, &question).await;
    assert_eq!(number(&stage.database, "SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_document_or_another_author_is_never_shown() {
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let document = document("Will it rain in Zürich tomorrow?");
    let (market, seed) =
        stage.chain.client().proposed_market_about(&creator, 100 * SOL, document.question_hash()).await;
    stage.shown(market).await;
    let mut connection = listening(&stage, market).await;
    // The right document, by somebody else, is not even told.
    supply(&stage.database, nobody(9), market, seed, document.json()).await;
    assert_eq!(number(&stage.database, "SELECT count(*) FROM outbox").await, 0);
    // Another one by the creator; the right one, but not in its canonical form; and one that claims to be the creator's.
    let author = wallet_of(&creator);
    supply(&stage.database, author, market, seed, self::document("Will it snow in Zürich, too?").json()).await;
    const ROW: &str = "INSERT INTO outbox (market, kind, payload) VALUES ($1::text, 'metadata', $2)";
    let database = stage.database.connect().await;
    for (wallet, text) in [(author, document.json().replace(',', ", ")), (nobody(9), document.json().to_owned())] {
        let payload = json!({"wallet": wallet, "document": text});
        database.execute(ROW, &[&market.to_string(), &payload]).await.unwrap();
    }
    let reasons = "SELECT count(DISTINCT detail) FROM dead_letters WHERE source = 'outbox'";
    wait_for("three letters", || async {
        match number(&stage.database, reasons).await {
            3 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    let shown = shown_with(&stage, market, &Value::Null).await;
    assert_eq!(shown["warnings"][0]["code"], "NO_METADATA");
    // Corrected, it is.
    const CORRECT: &str = "UPDATE market_metadata SET document = $1 WHERE market = $2::text";
    let corrected = write_as(&stage.database, author, CORRECT, &[&document.json(), &market.to_string()]).await;
    assert_eq!(corrected.unwrap(), 1, "only their own");
    let frame = connection.next_of("market_update").await;
    assert_eq!(frame["data"]["reason"], "metadata", "{frame}");
    shown_with(&stage, market, &json!("Will it rain in Zürich tomorrow?")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_creator_supplies_a_document_and_only_the_one_on_the_chain() {
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let document = document("Will it rain in Zürich tomorrow?");
    let (market, seed) =
        stage.chain.client().proposed_market_about(&creator, 100 * SOL, document.question_hash()).await;
    stage.shown(market).await;
    let path = format!("/api/markets/{seed}/metadata");
    let (author, other) =
        (SignedInClient::with_key(&stage.engine.api, creator).await, SignedInClient::new(&stage.engine.api).await);
    let body = json!({
        "question": "Will it rain in Zürich tomorrow?", "description": "Rain counts,\nsnow does not.",
        "category": "weather", "tags": ["zürich"], "closes_at": "2030-03-17T17:46:40Z",
    });
    let put = async |client: &SignedInClient, body: &Value| client.send("PUT", &path, Some(body), &[]).await;
    let refused = put(&other, &body).await;
    assert_eq!((refused.status, &refused.json()["error"]), (403, &json!("FORBIDDEN")));
    let mut wrong = body.clone();
    wrong["category"] = json!("sports");
    let refused = put(&author, &wrong).await;
    let hash = document.question_hash();
    assert_eq!(refused.status, 409, "{}", refused.json());
    assert!(refused.json()["message"].as_str().unwrap().contains(hash.text().unwrap()), "it names the chain's");
    for (field, value) in [("question", json!("short")), ("tags", json!(["a", "a"])), ("more", json!(1))] {
        let mut wrong = body.clone();
        wrong[field] = value;
        let refused = put(&author, &wrong).await;
        assert_eq!(
            (refused.status, &refused.json()["details"][0]["field"]),
            (400, &json!(field)),
            "{}",
            refused.json()
        );
    }
    for _ in 0..2 {
        let taken = put(&author, &body).await;
        assert_eq!(taken.status, 200, "{}", taken.json());
        assert_eq!(taken.json()["document"], document.json());
        assert_eq!(taken.json()["ipfs_question_hash"], hash.text().unwrap());
    }
    let shown = get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
    assert_eq!((&shown["question"], &shown["warnings"]), (&body["question"], &json!([])), "{shown}");
    assert_eq!(number(&stage.database, "SELECT count(*) FROM journal WHERE kind = 'metadata'").await, 1, "once");
    let options = author.send("OPTIONS", &path, None, &[]).await;
    assert_eq!((options.status, options.header("allow")), (204, Some("PUT, OPTIONS")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_written_again_as_it_was_tells_nothing() {
    let (database, _pool) = prepared(1).await;
    let market = market(&database, 1, 0).await;
    let told = async || number(&database, "SELECT count(*) FROM outbox").await;
    supply(&database, wallet(1), market, MarketSeed([1; 32]), "{}").await;
    assert_eq!(told().await, 1);
    const AGAIN: &str = "UPDATE market_metadata SET document = $1 WHERE market = $2::text";
    for (document, expected) in [("{}", 1), ("{}", 1), ("[]", 2), ("[]", 2)] {
        let written = write_as(&database, wallet(1), AGAIN, &[&document, &market.to_string()]).await;
        assert_eq!((written.unwrap(), told().await), (1, expected), "{document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_whose_market_never_came_are_forgotten_after_a_day() {
    let (database, _pool) = prepared(1).await;
    let known = market(&database, 1, 0).await;
    const SQL: &str = "INSERT INTO market_metadata (market, market_seed, creator_wallet, document, created_at) \
                       VALUES ($1::text, repeat('0', 64), $2::text, '{}', now() - make_interval(hours => $3))";
    let client = database.connect().await;
    for (market, author, hours) in [
        (known, wallet(1), 100),
        (known, wallet(2), 25),
        (known, wallet(3), 23),
        (MarketAddress([9; 32]), wallet(1), 25),
        (MarketAddress([9; 32]), wallet(2), 23),
    ] {
        client.execute(SQL, &[&market.to_string(), &author.to_string(), &hours]).await.unwrap();
    }
    database.take_lease().await;
    let pool = Leased::new(settings(&database).pool(1).unwrap(), Term(1));
    for gone in [2, 0] {
        let swept = zmart::journal::sweep::sweep(&pool, &Default::default()).await.unwrap();
        assert!(swept.contains(&("documents whose market never came", gone)), "{swept:?}");
    }
    assert_eq!(number(&database, "SELECT count(*) FROM market_metadata").await, 3);
}
