//! The database refuses: one row for good, or all of them for a while.

use zmart_testkit::{
    audit,
    chain::{Chain, SOL},
    patience::wait_for,
    postgres::{Cluster, Database},
};

use zmart::domain::event::Outcome;

use super::{
    journal_of, journal_with,
    scene::{Cast, Scene},
};

const TRADES: usize = 24;
/// Holds a database of the tests (about 10 MiB) and a little more.
const SMALL_DISK_MIB: u32 = 24;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_refused_stops_its_market_only_and_is_written_when_it_is_refused_no_more() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut scene = Scene::set(Cast::default(), chain, database, &[]).await;
    scene.trade(TRADES).await;
    scene.is_well("nothing").await;
    // One more market, that nobody listens to and that is traded by one wallet only.
    let trader = scene.client.funded_wallet().await;
    let market = scene.chain.active_market(&trader, 100 * SOL).await;
    let first = scene.client.buy(market, &trader, Outcome::Yes, SOL).await;
    journal_with(&scene.database, market, first).await;

    let rows = scene.database.connect().await;
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN RAISE EXCEPTION 'this market is refused' USING ERRCODE = '23514'; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON journal FOR EACH ROW WHEN (NEW.stream = '{market}') \
         EXECUTE FUNCTION refuse()"
    );
    rows.batch_execute(&refuse).await.unwrap();
    let before = journal_of(&scene.database, market).await;
    scene.client.buy(market, &trader, Outcome::No, SOL + 1).await;
    wait_for("the refusal to be kept", || async {
        let letters = audit::dead_letters(&scene.database).await;
        if letters.iter().any(|(_, reason, _)| reason == "refused") { Ok(()) } else { Err(format!("{letters:?}")) }
    })
    .await;
    // The others go on.
    scene.trade(TRADES).await;
    wait_for("the other markets' trades", || async {
        let trades: i64 = rows.query_one("SELECT count(*) FROM trades", &[]).await.unwrap().get(0);
        if trades as usize == scene.load.done() + 1 { Ok(()) } else { Err(trades) }
    })
    .await;
    // It is stale, and readiness says so, however often it is tried again.
    let reason = scene.rig.engine.down("markets").await;
    assert!(reason.contains(&market.to_string()) && reason.contains("this market is refused"), "{reason}");
    assert_eq!(journal_of(&scene.database, market).await, before, "nothing of a refused append is there");

    // A restart does not forget it.
    scene.rig.engine.kill();
    scene.rig.engine.start().await;
    let reason = scene.rig.engine.down("markets").await;
    assert!(reason.contains(&market.to_string()) && reason.contains("this market is refused"), "{reason}");

    // Nobody asks for the market and nothing happens on it: it heals all the same.
    rows.batch_execute("DROP TRIGGER refuse ON journal").await.unwrap();
    let second = scene.client.signatures(market).await.pop().unwrap();
    let journal = journal_with(&scene.database, market, second).await;
    assert!(journal.iter().all(|(kind, _)| kind != "resync"), "{journal:?}");
    scene.journal_is_the_chain().await;
    wait_for("the letters to be resolved", || async {
        let open = "SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL";
        match rows.query_one(open, &[]).await.unwrap().get::<_, i64>(0) {
            0 => Ok(()),
            open => Err(open),
        }
    })
    .await;
    let letters = audit::dead_letters(&scene.database).await;
    assert!(letters.iter().all(|(source, reason, _)| (source.as_str(), reason.as_str()) == ("journal", "refused")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let chain = Chain::start().await;
    // Where no small disk can be mounted, the server only says that its disk is full.
    let disk = Cluster::with_small_disk(SMALL_DISK_MIB).await;
    let database = match &disk {
        Some((_, database)) => database.clone(),
        None => Database::fresh().await,
    };
    let scene = Scene::set(Cast::default(), chain, database, &[]).await;
    scene.trade(TRADES).await;
    let rows = scene.database.connect().await;
    eprintln!("a disk that is really full: {}", disk.is_some());
    match &disk {
        Some((cluster, _)) => cluster.fill_small_disk().await,
        None => rows.batch_execute(FULL).await.unwrap(),
    }
    // Pages that are there still have room: trade until none is left.
    wait_for("the journal to find the disk full", || async {
        scene.let_trade(TRADES);
        scene.traded().await;
        let down = scene.rig.engine.parts_down().await.unwrap_or_default();
        let full = down.iter().any(|(part, reason)| part == "journal" && reason.contains("53100"));
        if full { Ok(()) } else { Err(format!("{} trades, down: {down:?}", scene.load.done())) }
    })
    .await;
    match &disk {
        Some((cluster, _)) => cluster.empty_small_disk().await,
        None => rows.batch_execute("DROP TRIGGER full_disk ON journal").await.unwrap(),
    }
    scene.is_well("a full disk").await;
}

const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ \
                    BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$; \
                    CREATE TRIGGER full_disk BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION full_disk()";
