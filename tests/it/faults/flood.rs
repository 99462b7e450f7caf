//! More comes than can be kept while nothing can be written: the listener ends its subscription rather than let a queue
//! grow, and finds what it missed when there is room again.

use zmart::domain::{amount::Lamports, ids::MarketAddress};
use zmart_testkit::{
    audit,
    engine::Engine,
    feeder::{Feeder, Generated, Options, Source},
    patience::wait_for,
    postgres::Cluster,
    subscriber::Subscriber,
};

/// Many enough for their lanes to hold more than the window.
const MARKETS: u32 = 40;
const TRADES: u32 = 15_000;
const PER_SECOND: u64 = 1_000;
/// Trades before the server goes away, and after it is back.
const BEFORE: u64 = 500;
const FOLLOWED: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_while_nothing_can_be_written_ends_the_subscription_and_loses_nothing() {
    let mut cluster = Cluster::start().await;
    let database = cluster.database().await;
    let story = Generated {
        seed: 5,
        markets: MARKETS,
        wallets: 50,
        trades: TRADES,
        initial_liquidity: Lamports(200_000_000_000),
        ..Generated::default()
    };
    let feeder = Feeder::start(Options::new(Source::Generated(story))).await;
    let mut engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), &database);
    engine.set("COVERAGE_INTERVAL_MS", "500");
    engine.start().await;
    engine.ready().await;
    // The config, and four transactions a market until it is traded.
    feeder.emit(1 + 3 * u64::from(MARKETS) + BEFORE);
    let rows = database.connect().await;
    wait_for("all markets", || async {
        let markets: i64 = rows.query_one("SELECT count(*) FROM markets", &[]).await.unwrap().get(0);
        if markets == i64::from(MARKETS) { Ok(()) } else { Err(markets) }
    })
    .await;
    let addresses = rows.query("SELECT address::text FROM markets ORDER BY 1", &[]).await.unwrap();
    let followed: Vec<MarketAddress> =
        addresses.iter().take(FOLLOWED).map(|row| row.get::<_, String>(0).parse().unwrap()).collect();
    let listening = Subscriber::start(&engine.ws, &followed);
    wait_for("a first state", || async { if listening.follows(FOLLOWED) { Ok(()) } else { Err("none") } }).await;

    cluster.stop();
    // By the engine itself: it says so. Where that takes longer than a lease is valid, it is the lease that it can't renew,
    // and all of the listener ends.
    wait_for("the subscription to be ended", || async {
        feeder.run(PER_SECOND, PER_SECOND / 2).await;
        let down = engine.parts_down().await.unwrap_or_default();
        let is_ended = down.iter().any(|(part, reason)| (part == "live" && reason == "stopped") || part == "lease");
        if is_ended { Ok(()) } else { Err(format!("{} landed, down: {down:?}", feeder.landed())) }
    })
    .await;
    assert!(feeder.left() > BEFORE, "it was not ended before everything was told");
    engine.cannot_write().await;
    cluster.up().await;
    feeder.run(PER_SECOND, u64::MAX).await;

    let rows = database.connect().await;
    wait_for("every transaction in the journal", || async {
        const SQL: &str = "SELECT count(DISTINCT signature) FROM chain_events";
        let seen: i64 = rows.query_one(SQL, &[]).await.unwrap().get(0);
        if u64::try_from(seen) == Ok(feeder.landed()) { Ok(()) } else { Err(format!("{seen} of {}", feeder.landed())) }
    })
    .await;
    engine.ready().await;
    assert_eq!((feeder.left(), feeder.lost()), (0, 0));
    wait_for("the journal's rules to hold", || async {
        let breaches = audit::breaches(&database).await;
        if breaches.is_empty() { Ok(()) } else { Err(format!("{breaches:#?}")) }
    })
    .await;
    assert_eq!(audit::dead_letters(&database).await, []);
    assert_eq!(audit::adoptions(&database).await, 0);
    let checked = engine.run(&["verify"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let heads: Vec<(MarketAddress, u64)> = rows
        .query("SELECT address::text, last_seq FROM markets", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get::<_, String>(0).parse().unwrap(), row.get::<_, i64>(1) as u64))
        .filter(|(market, _)| followed.contains(market))
        .collect();
    wait_for("the subscriber to be at every head", || async {
        let heard = listening.notebook().markets;
        let behind = heads.iter().filter(|(market, head)| heard[market].last != *head).count();
        if behind == 0 { Ok(()) } else { Err(behind) }
    })
    .await;
    let notebook = listening.stop().await;
    assert!(notebook.faults.is_empty(), "{:#?}", notebook.faults);
    assert_eq!(notebook.connections, 1);
}
