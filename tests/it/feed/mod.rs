//! The engine on the feeder: thousands of transactions at rates that a development chain does not reach, live and by
//! coverage, and a journal that equals the accounts.

mod forks;

use zmart::domain::{amount::Lamports, ids::TxSignature};
use zmart_testkit::{
    engine::Engine,
    feeder::{Feeder, Generated, Options, Order, Source},
    patience::wait_for,
    postgres::Database,
};

/// Trades over few markets, sales among them.
fn generated(trades: u32) -> Generated {
    Generated {
        seed: 11,
        markets: 20,
        wallets: 50,
        trades,
        sales_percent: 30,
        initial_liquidity: Lamports(200_000_000_000),
        ..Generated::default()
    }
}

async fn engine_on(feeder: &Feeder, database: &Database) -> Engine {
    engine_that_covers(feeder, database, "500").await
}

async fn engine_that_covers(feeder: &Feeder, database: &Database, interval_ms: &str) -> Engine {
    let mut engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), database);
    engine.set("COVERAGE_INTERVAL_MS", interval_ms);
    let migrated = engine.run(&["migrate"]).await;
    assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
    engine.start().await;
    engine.ready().await;
    engine
}

/// Transactions in the journal.
async fn journaled(database: &Database) -> i64 {
    const SQL: &str = "SELECT count(DISTINCT signature) FROM chain_events";
    database.connect().await.query_one(SQL, &[]).await.unwrap().get(0)
}

async fn all_journaled(database: &Database, feeder: &Feeder) {
    wait_for("all transactions in the journal", || async {
        let (seen, landed) = (journaled(database).await, feeder.landed());
        if u64::try_from(seen) == Ok(landed) { Ok(()) } else { Err(format!("{seen} of {landed}")) }
    })
    .await;
}

/// Neither gaps nor dead letters, and no difference.
async fn is_whole(engine: &Engine, database: &Database) {
    let client = database.connect().await;
    let resyncs: i64 =
        client.query_one("SELECT count(*) FROM journal WHERE kind LIKE '%resync'", &[]).await.unwrap().get(0);
    let dead: i64 = client.query_one("SELECT count(*) FROM dead_letters", &[]).await.unwrap().get(0);
    assert_eq!((resyncs, dead), (0, 0));
    let checked = engine.run(&["verify"]).await;
    let report = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{report}");
}

/// Rates change within the slot of a trade, and the changes are heard of before it is: the slot does not tell which ones it
/// paid, its own figures do.
#[tokio::test(flavor = "multi_thread")]
async fn a_trade_that_is_found_after_its_slot_changed_the_fees_is_priced_by_those_of_its_place() {
    let database = Database::fresh().await;
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/program_transactions.jsonl");
    let recording = std::fs::read_to_string(recording).unwrap();
    let trade = recording.lines().position(|line| line.contains("H buy with 4% fees")).unwrap() as u64;
    let before = recording.lines().take(trade as usize).filter(|line| line.contains(r#""err":null"#)).count() as i64;
    // What is final is where a list ends at once.
    let options = Options { slot_time: None, finality_slots: 0, ..Options::new(Source::Recorded(recording)) };
    let feeder = Feeder::start(options).await;
    // Long enough for what is told to be there before what is not.
    let engine = engine_that_covers(&feeder, &database, "3000").await;
    let all_read = async |succeeded: i64| {
        wait_for("what succeeded in the journal", || async {
            let seen = journaled(&database).await;
            if seen == succeeded { Ok(()) } else { Err(format!("{seen} of {succeeded}")) }
        })
        .await;
    };
    feeder.emit(trade);
    feeder.close_slot();
    all_read(before).await;
    feeder.set_silent(true);
    feeder.emit(1);
    feeder.set_silent(false);
    // 30 %, none, and back.
    feeder.emit(5);
    feeder.close_slot();
    all_read(before + 4).await;
    is_whole(&engine, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_fed_transactions_are_ingested_live_and_by_coverage() {
    let database = Database::fresh().await;
    let feeder = Feeder::start(Options::new(Source::Generated(generated(5_000)))).await;
    // What happened before the engine is there.
    feeder.emit(561);
    let engine = engine_on(&feeder, &database).await;
    // Live.
    assert_eq!(feeder.run(1_000, 3_000).await, 3_000);
    all_journaled(&database, &feeder).await;
    // By coverage alone.
    feeder.set_silent(true);
    assert_eq!(feeder.emit(1_000), 1_000);
    all_journaled(&database, &feeder).await;
    feeder.set_silent(false);
    assert_eq!(feeder.run(500, 10_000).await, 500);
    all_journaled(&database, &feeder).await;
    assert_eq!((feeder.landed(), feeder.lost()), (5_061, 0));
    is_whole(&engine, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lands_again_in_another_order_before_anybody_was_told_is_ingested_as_it_landed() {
    let database = Database::fresh().await;
    let feeder =
        Feeder::start(Options { finality_slots: 1_000, ..Options::new(Source::Generated(generated(500))) }).await;
    let engine = engine_on(&feeder, &database).await;
    feeder.emit(361);
    all_journaled(&database, &feeder).await;
    // The fork is over before the engine could see what vanished.
    feeder.set_silent(true);
    feeder.emit(40);
    let fork = feeder.fork(40);
    feeder.set_silent(false);
    let landed: Vec<TxSignature> = feeder.land_again(&fork, Order::Reversed);
    assert!(landed.len() > 30, "{}", landed.len());
    all_journaled(&database, &feeder).await;
    is_whole(&engine, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_transactions_of_the_deployed_program_are_ingested_without_a_difference() {
    let database = Database::fresh().await;
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/program_transactions.jsonl");
    let recording = std::fs::read_to_string(recording).unwrap();
    let succeeded = recording.lines().filter(|line| line.contains(r#""err":null"#)).count();
    let feeder = Feeder::start(Options::new(Source::Recorded(recording))).await;
    let engine = engine_on(&feeder, &database).await;
    assert_eq!(feeder.run(200, 1_000).await, 166);
    wait_for("what succeeded in the journal", || async {
        let seen = journaled(&database).await;
        if usize::try_from(seen) == Ok(succeeded) { Ok(()) } else { Err(format!("{seen} of {succeeded}")) }
    })
    .await;
    is_whole(&engine, &database).await;
}
