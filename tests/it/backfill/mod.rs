//! `zmart backfill`: the chain's history into a journal, by a process of its own, whatever happens to it.

use std::process::Output;

use serde_json::Value;
use zmart::domain::amount::Lamports;
use zmart_testkit::{
    engine::Engine,
    feeder::{Feeder, Generated, GeneratedStory, Options, Source},
    patience::wait_for,
    postgres::Database,
};

const MARKETS: u32 = 8;

fn generated(trades: u32) -> Generated {
    Generated {
        seed: 23,
        markets: MARKETS,
        wallets: 30,
        trades,
        sales_percent: 30,
        initial_liquidity: Lamports(200_000_000_000),
        ..Generated::default()
    }
}

/// A chain on which all that has happened: its slots end when they are full, so that every run meets the same ones.
async fn history(trades: u32) -> Feeder {
    let options = Options {
        slot_time: None,
        slot_transactions: 50,
        finality_slots: 2,
        ..Options::new(Source::Generated(generated(trades)))
    };
    let feeder = Feeder::start(options).await;
    let all = u64::from(GeneratedStory::setup_len(&generated(trades)) + trades);
    assert_eq!(feeder.emit(all), all);
    (0..4).for_each(|_| feeder.close_slot());
    feeder
}

async fn engine_on(feeder: &Feeder, database: &Database) -> Engine {
    let engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), database);
    let migrated = engine.run(&["migrate"]).await;
    assert!(migrated.status.success(), "migrate: {}", said(&migrated));
    engine
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{}\n{out}\n{err}", output.status)
}

/// What a run prints with `--json`.
fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

async fn backfill(engine: &Engine, arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["backfill", "--json"].iter().chain(arguments).copied().collect();
    let ran = engine.run(&all).await;
    assert!(ran.status.success(), "{}", said(&ran));
    report(&ran)
}

async fn count(database: &Database, sql: &str) -> i64 {
    database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// All that the chain has told, as text: what a journal holds but for when, in which batch and in which epoch it was written.
async fn told(database: &Database) -> Vec<String> {
    let client = database.connect().await;
    let mut all = Vec::new();
    for (table, without, order) in [
        ("journal", "{recorded_at,markets_seq,trades_seq}", "stream, epoch, seq"),
        ("chain_events", "{}", "stream, epoch, seq"),
        ("trades", "{recorded_at}", "market, epoch, seq"),
        ("positions", "{}", "market, wallet"),
        ("candles", "{}", "market, step, bucket_unix"),
        // How far entries are marked as final is a matter of when a run ended.
        ("markets", "{finalized_seq,finalized_state}", "address"),
        ("program_config", "{finalized_seq,finalized_state}", "address"),
    ] {
        let sql = format!(
            "SELECT (to_jsonb(t) - '{without}'::text[] - '{{epoch,low_epoch}}'::text[])::text FROM {table} t ORDER BY {order}"
        );
        let rows = client.query(&sql, &[]).await.unwrap();
        all.extend(rows.iter().map(|row| format!("{table} {}", row.get::<_, String>(0))));
    }
    all
}

/// What the accounts of markets and the config tell: not when the config was changed.
async fn standing(database: &Database) -> Vec<String> {
    const SQL: &str = "SELECT row(address, phase, b_parameter, current_liquidity, shares_yes, shares_no, resolved_at_unix, \
                              accumulated_resolver_fees, accumulated_lp_fees, lamports)::text FROM markets \
                       UNION ALL SELECT row(address, state - 'updated_at')::text FROM program_config ORDER BY 1";
    database.connect().await.query(SQL, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The journal agrees with the accounts.
async fn is_whole(engine: &Engine, database: &Database) {
    const ODD: &str = "SELECT (SELECT count(*) FROM journal WHERE kind LIKE '%resync') + \
                              (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM staged_signatures)";
    assert_eq!(count(database, ODD).await, 0, "adoptions, letters, and what is still staged");
    let checked = engine.run(&["verify"]).await;
    assert!(checked.status.success(), "{}", said(&checked));
}

/// A market's approval tells two events, every other transaction one.
fn events_of(feeder: &Feeder) -> i64 {
    i64::try_from(feeder.landed()).unwrap() + i64::from(MARKETS)
}

const EVENTS: &str = "SELECT count(*) FROM chain_events";

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_killed_and_run_again_leaves_the_journal_of_an_unbroken_one() {
    // More than is fetched in one go.
    let feeder = history(2_200).await;
    let (landed, all) = (feeder.landed(), events_of(&feeder));
    let (unbroken, broken) = (Database::fresh().await, Database::fresh().await);

    let mut engine = engine_on(&feeder, &unbroken).await;
    engine.set("RPC_CALLS_PER_SECOND", "100000");
    let ran = engine.run(&["backfill"]).await;
    assert!(ran.status.success(), "{}", said(&ran));
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(out.starts_with(&format!("backfilled: {landed} transactions, {all} events in ")), "{out}");
    // No terminal: lines, the last of which is the end.
    assert!(err.contains(&format!(", {landed} of {landed} transactions, {all} events, ")), "{err}");
    is_whole(&engine, &unbroken).await;

    // At this rate it takes more than twenty seconds: it is killed in the middle.
    let mut engine = engine_on(&feeder, &broken).await;
    engine.set("RPC_CALLS_PER_SECOND", "100");
    engine.launch_command(&["backfill"]);
    wait_for("some of it to be in the journal", || async {
        let events = count(&broken, EVENTS).await;
        if events >= 100 { Ok(()) } else { Err(events) }
    })
    .await;
    engine.kill();
    let before = count(&broken, EVENTS).await;
    assert!(before < all, "it was killed before it was done");
    engine.set("RPC_CALLS_PER_SECOND", "100000");
    let after = backfill(&engine, &[]).await;
    assert_eq!(after["outcome"], "done");
    is_whole(&engine, &broken).await;
    assert_eq!(told(&broken).await, told(&unbroken).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_an_engine_that_leads_a_backfill_is_refused_and_names_it() {
    let database = Database::fresh().await;
    let feeder = history(20).await;
    let mut engine = engine_on(&feeder, &database).await;
    engine.set("NODE_ID", "the leader");
    engine.start().await;
    engine.ready().await;
    const TERM: &str = "SELECT term FROM leases WHERE name = 'engine'";
    let term = count(&database, TERM).await;
    let refused = engine.run(&["backfill"]).await;
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(
        String::from_utf8_lossy(&refused.stdout).starts_with("not backfilled: the leader holds the engine's lease")
    );
    let refused = engine.run(&["backfill", "--json"]).await;
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert_eq!((&report(&refused)["outcome"], &report(&refused)["held_by"]), (&"held".into(), &"the leader".into()));
    assert_eq!(count(&database, TERM).await, term, "the engine leads as before");
    // It waits as long as it is told to, and then has nothing to do.
    let mut waits = engine.beside("waits", &["backfill", "--wait", "--json"]);
    wait_for("it to wait", || {
        let log = waits.log();
        std::future::ready(if log.contains("waiting for the lease of the leader") { Ok(()) } else { Err(log) })
    })
    .await;
    engine.stop().await;
    let status = waits.end().await;
    assert!(status.success() && waits.has_said(r#"{"outcome":"done""#), "{}", waits.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_ends_at_the_slot_it_is_told_to_and_the_next_one_goes_on_from_there() {
    let database = Database::fresh().await;
    let feeder = history(400).await;
    let engine = engine_on(&feeder, &database).await;
    let (open, ..) = feeder.slots();
    let until = open - 7;
    let first = backfill(&engine, &["--until", &until.to_string()]).await;
    assert_eq!((&first["outcome"], &first["cursor_slot"]), (&"done".into(), &until.into()));
    const NEWEST: &str = "SELECT max(slot) FROM chain_events";
    assert_eq!(count(&database, NEWEST).await, i64::try_from(until).unwrap());
    let upto = count(&database, EVENTS).await;
    assert!(first["events"].as_i64() >= Some(upto), "{first}");
    let rest = backfill(&engine, &[]).await;
    let all = events_of(&feeder);
    assert_eq!(count(&database, EVENTS).await, all);
    // Of the cursor's own slot all but the newest are looked at again.
    assert!(rest["events"].as_i64().unwrap() < all - upto + 50, "what was there is not fetched again: {rest}");
    is_whole(&engine, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_asked_for_is_not_fetched_and_its_markets_are_adopted_and_reported() {
    let database = Database::fresh().await;
    let feeder = history(400).await;
    let engine = engine_on(&feeder, &database).await;
    let (open, ..) = feeder.slots();
    let from = open - 9;
    let ran = backfill(&engine, &["--from-slot", &from.to_string()]).await;
    assert_eq!(ran["outcome"], "done");
    const OLDEST: &str = "SELECT min(slot) FROM chain_events";
    assert_eq!(count(&database, OLDEST).await, i64::try_from(from).unwrap());
    const ADOPTED: &str = "SELECT count(DISTINCT stream) FROM journal WHERE kind = 'resync'";
    assert_eq!(count(&database, ADOPTED).await, i64::from(MARKETS), "each began before");
    const LETTERS: &str = "SELECT count(*) FROM dead_letters WHERE source = 'coverage' AND reason = 'left out'";
    assert_eq!(count(&database, LETTERS).await, 1);
    // Markets and the config stand where all of their history leads.
    let whole = Database::fresh().await;
    backfill(&engine_on(&feeder, &whole).await, &[]).await;
    assert_eq!(standing(&database).await, standing(&whole).await);
    // It stays left out.
    let again = backfill(&engine, &[]).await;
    assert_eq!(again["outcome"], "done");
    assert_eq!(count(&database, OLDEST).await, i64::try_from(from).unwrap());
    assert_eq!(count(&database, LETTERS).await, 1);
}
