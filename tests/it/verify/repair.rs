//! What another hand has bent, and what the journal never heard of: found by whoever compares, set right by a running engine.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use zmart::{
    domain::{event::Outcome, ids::Wallet},
    journal::{
        DatabaseSettings,
        repairs::{self, Wanted},
    },
};
use zmart_testkit::{
    chain::{Chain, SOL, wallet_of},
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::Database,
    stage::Stage,
};

use super::{all_final, told};

/// `zmart verify` with arguments: its exit code and its report.
async fn verify(engine: &Engine, arguments: &[&str]) -> (i32, Value) {
    let (code, mut lines) = told(engine, &[&["verify", "--json"], arguments].concat()).await;
    (code, lines.pop().unwrap_or_default())
}

/// What differs, by what it is and whom it concerns.
fn subjects(report: &Value) -> BTreeSet<(String, String)> {
    let differences = report["differences"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let whom = |found: &Value| text(if found["wallet"].is_string() { &found["wallet"] } else { &found["market"] });
    differences.iter().map(|found| (text(&found["subject"]), whom(found))).collect()
}

fn outcomes(report: &Value) -> BTreeSet<&str> {
    report["repairs"].as_array().unwrap().iter().map(|repair| repair["outcome"].as_str().unwrap_or("none")).collect()
}

async fn stored(database: &Database, table: &str, rows: i64) {
    let client = database.connect().await;
    wait_for(table, || async {
        let found: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        if found >= rows { Ok(()) } else { Err(found) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_another_hand_has_bent_are_found_and_set_right_by_the_running_engine_though_it_dies_over_it() {
    let mut stage = Stage::set().await;
    let client = stage.chain.client().clone();
    let trader = client.funded_wallet().await;
    // One market that the engine has in memory as it is, one that it will read from its bent row, one that is voted on.
    let live = stage.chain.active_market(&trader, 100 * SOL).await;
    let read = stage.chain.active_market(&trader, 100 * SOL).await;
    let voted = client.proposed_market(&trader, 100 * SOL).await;
    for market in [live, read] {
        client.buy(market, &trader, Outcome::Yes, SOL).await;
    }
    client.vote(voted, &trader, true).await;
    stored(&stage.database, "trades", 2).await;
    stored(&stage.database, "vote_tallies", 1).await;
    all_final(&stage.database).await;
    let (code, report) = verify(&stage.engine, &[]).await;
    assert_eq!((code, &report["differences"]), (0, &json!([])), "{report}");
    assert_eq!((&report["markets"], &report["positions"], &report["votes"]), (&json!(3), &json!(2), &json!(1)));

    let rows = stage.database.connect().await;
    let wallet = wallet_of(&trader);
    let nobody = Wallet([9; 32]);
    rows.batch_execute(&format!(
        "UPDATE markets SET shares_yes = shares_yes + 1 WHERE address IN ('{live}', '{read}');
         UPDATE positions SET total_invested = total_invested - 1 WHERE market = '{live}';
         INSERT INTO positions (market, wallet, shares_yes, shares_no, total_invested, trades_count, last_trade_at_unix,
                                has_claimed, claimed_amount)
             SELECT market, '{nobody}', shares_yes, shares_no, total_invested, trades_count, last_trade_at_unix,
                    has_claimed, claimed_amount FROM positions WHERE market = '{read}';
         UPDATE vote_tallies SET in_favour = 7;
         UPDATE program_config SET state = state || '{{\"dispute_period_seconds\": 1}}'"
    ))
    .await
    .unwrap();
    stage.engine.crash(&read.to_string()).await;
    wait_for("the engine to show what it was made to believe", || async {
        let shown = get(&stage.engine.api, &format!("/api/markets/{read}")).await;
        let bent: String = rows
            .query_one("SELECT shares_yes::text FROM markets WHERE address = $1", &[&read.to_string()])
            .await
            .unwrap()
            .get(0);
        let shown = shown.json()["shares_yes"].to_string();
        if shown.trim_matches('"') == bent { Ok(()) } else { Err(format!("{shown} of {bent}")) }
    })
    .await;

    let (code, report) = verify(&stage.engine, &["--repair"]).await;
    let expected = [
        ("config", String::new()),
        ("market", live.to_string()),
        ("market", read.to_string()),
        ("position", wallet.to_string()),
        ("position", nobody.to_string()),
        ("tally", voted.to_string()),
    ];
    assert_eq!(subjects(&report), expected.map(|(subject, whom)| (subject.to_owned(), whom)).into(), "{report:#}");
    assert!(!outcomes(&report).contains("impossible") && code == 0, "{report:#}");
    assert!(report["repairs"].as_array().unwrap().iter().all(|repair| repair["still"].is_null()), "{report:#}");

    // It dies in the middle of a repair, and the next life takes it up.
    rows.batch_execute("UPDATE vote_tallies SET in_favour = 7").await.unwrap();
    stage.engine.die_at("verifier:healed").await;
    let mut command = stage.engine.command(&["verify", "--repair", "--json", "--market", &voted.to_string()]);
    let repairing = tokio::task::spawn_blocking(move || command.output().unwrap());
    stage.engine.has_died().await;
    stage.engine.start().await;
    let output = repairing.await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", super::said(&output)));
    assert!(output.status.success() && report["repairs"][0]["still"].is_null(), "{report:#}");

    // What no account tells is bent: nothing differs from the chain, and who asks for it by name has it made anew.
    rows.batch_execute(&format!(
        "UPDATE markets SET finalized_state = finalized_state || '{{\"trades_count\": 77}}', trades_count = trades_count + 7
             WHERE address = '{live}'"
    ))
    .await
    .unwrap();
    let (code, report) = verify(&stage.engine, &[]).await;
    assert_eq!(code, 0, "{report:#}");
    let (code, _) = told(&stage.engine, &["replay", "--json", "--market", &live.to_string()]).await;
    assert_eq!(code, 1, "a replay sees it");
    let (code, report) = verify(&stage.engine, &["--repair", "--market", &live.to_string()]).await;
    assert_eq!((code, outcomes(&report)), (0, ["repaired"].into()), "{report:#}");
    for market in [live, read, voted] {
        let (code, report) = told(&stage.engine, &["replay", "--json", "--market", &market.to_string()]).await;
        assert_eq!(code, 0, "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_journal_never_heard_of_is_alerted_of_and_recorded_and_what_can_not_be_repaired_is_said() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut engine = Engine::on(&chain, &database);
    engine.set("VERIFY_CRON", "* * * * * *");
    engine.set("VERIFY_RPC_PER_SECOND", "100");
    engine.start().await;
    engine.ready().await;
    let client = chain.client();
    let creator = client.funded_wallet().await;
    let market = client.proposed_market(&creator, 100 * SOL).await;
    stored(&database, "markets", 1).await;
    engine.stop().await;

    // A vote, a market with a position: and the cursor of somebody who has heard of them.
    client.vote(market, &creator, true).await;
    let unheard = chain.active_market(&creator, 100 * SOL).await;
    client.buy(unheard, &creator, Outcome::No, SOL).await;
    client.all_final().await;
    let rows = database.connect().await;
    let slot = client.slot().await as i64;
    let moved = "UPDATE chain_cursor SET slot = $1, covered_slot = $1, finalized_slot = $1, signature = NULL";
    assert_eq!(rows.execute(moved, &[&slot]).await.unwrap(), 1);
    engine.start().await;
    engine.ready().await;

    let open = "SELECT count(*) FROM alerts WHERE kind = 'journal_differs' AND resolved_at IS NULL";
    let alerts = async |wanted: i64| {
        wait_for(&format!("{wanted} alerts"), || async {
            let found: i64 = rows.query_one(open, &[]).await.unwrap().get(0);
            if found == wanted { Ok(()) } else { Err(found) }
        })
        .await;
    };
    alerts(1).await;
    let figures = get(&engine.indexer, "/metrics").await;
    let figures = String::from_utf8(figures.body).unwrap();
    let figure = |name: &str| {
        let line = figures.lines().find_map(|line| line.strip_prefix(&format!("zmart_verify_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {figures}")).parse::<f64>().unwrap()
    };
    assert!(figure("differences") >= 3.0 && figure("last_success_timestamp_seconds") > 0.0, "{figures}");

    let (code, report) = verify(&engine, &["--repair"]).await;
    let expected = [
        ("market", unheard.to_string()),
        ("position", wallet_of(&creator).to_string()),
        ("vote", wallet_of(&creator).to_string()),
    ];
    assert_eq!(subjects(&report), expected.map(|(subject, whom)| (subject.to_owned(), whom)).into(), "{report:#}");
    assert_eq!(code, 0, "{report:#}");
    let (_, letters) = told(&engine, &["dead-letters", "list", "--all", "--json", "--source", "verify"]).await;
    assert!(letters.len() == 1 && !letters[0]["resolved_at"].is_null(), "the vote was read again: {letters:?}");
    // Whoever sees that it is gone says so.
    alerts(0).await;

    // A vote that the chain does not have: it can't be made, and is not taken away by anything but a roll-back.
    let nobody = Wallet([9; 32]);
    rows.batch_execute(&format!(
        "CREATE TEMP TABLE forged AS SELECT j.* FROM journal j JOIN chain_events e USING (stream, epoch, seq)
             WHERE e.event = 'ProposalVoteSubmitted' AND e.stream = '{market}' LIMIT 1;
         UPDATE forged SET seq = seq + 1000, markets_seq = NULL, trades_seq = NULL,
             payload = jsonb_set(payload, '{{event,user}}', '\"{nobody}\"');
         INSERT INTO journal SELECT * FROM forged;
         INSERT INTO chain_events (signature, n, stream, epoch, seq, event, slot, block_time_unix)
             SELECT signature, n + 100, stream, epoch, seq + 1000, event, slot, block_time_unix FROM chain_events
             WHERE event = 'ProposalVoteSubmitted' AND stream = '{market}'"
    ))
    .await
    .unwrap();
    let only = ["--market", &market.to_string(), "--repair"];
    let (code, report) = verify(&engine, &only).await;
    assert_eq!(subjects(&report), [("vote".to_owned(), nobody.to_string())].into(), "{report:#}");
    assert_eq!((code, outcomes(&report)), (1, ["impossible", "repaired"].into()), "{report:#}");
    let said = report["repairs"][0]["detail"].as_str().unwrap();
    assert!(said.contains("not on the chain") && said.contains("lists no transaction"), "{said}");

    engine.stop().await;
    let (code, report) = verify(&engine, &only).await;
    assert!(code == 3 && report["not_repaired"].is_string(), "nobody leads: {report:#}");

    // Two that ask for the same share a request, and the last that waits no more takes it back.
    let connect_timeout = Duration::from_secs(5);
    let pool = DatabaseSettings { url: database.url.clone(), connect_timeout, ca_file: None }.pool(1).unwrap();
    let row =
        Wanted { what: "row", stream: market.account(), wallet: None, vote_kind: None, difference: String::new() };
    let first = repairs::request(&pool, std::slice::from_ref(&row)).await.unwrap();
    assert_eq!(repairs::request(&pool, &[row]).await.unwrap(), first);
    for is_left in [true, false] {
        repairs::withdraw(&pool, &first).await.unwrap();
        assert_eq!(repairs::oldest(&pool).await.unwrap().is_some(), is_left);
    }
}
