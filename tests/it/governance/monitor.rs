//! The market monitor: what nobody disputes becomes final when the chain's time says so, what is stuck is told of once each
//! way, and a pass can be made by hand.

use serde_json::Value;
use zmart::domain::phase::Phase;
use zmart_testkit::{chain::Rules, hook::Hook, patience::wait_for};

use super::court::{APPROVED, Court, FINALIZED, HOUR};

const DAY: i64 = 24 * HOUR;
/// A schedule that does not come while a test runs: what happens all the same happens by a deadline.
const NEVER: (&str, &str) = ("MARKET_MONITOR_CRON", "0 0 29 2 *");
/// An engine that leaves governance to others.
const LEAVES_IT: (&str, &str) = ("ROLES", "api,ws,indexer");

fn json_of(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

/// What a pass may have written: alerts, attempts, runs, terms of the lease.
async fn written(court: &Court) -> [i64; 4] {
    const SQL: &str = "SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM chain_submissions),
                              (SELECT count(*) FROM scheduled_runs WHERE name = 'monitor'),
                              (SELECT coalesce(sum(term), 0)::bigint FROM leases WHERE name = 'governance')";
    let row = court.database.connect().await.query_one(SQL, &[]).await.unwrap();
    [0, 1, 2, 3].map(|index| row.get(index))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_final_after_the_longer_period_of_the_chains_time_without_waiting_for_the_schedule() {
    let mut court = Court::set(&[NEVER]).await;
    // What the first pass has seen is nothing that a later one needs.
    court.engine.crash("monitor").await;
    let client = &court.client;
    let [first] = court.resolving().await;
    client.travel(2 * HOUR).await;
    let [second] = court.resolving().await;
    // The chain's period is 72 hours, longer than our own delay: one is at its end, the other two hours before.
    client.travel(70 * HOUR).await;
    court.all_are(&[first], Phase::Finalized).await;
    assert_eq!(court.phases([second]).await, [Phase::Resolving]);
    assert_eq!(court.submissions(second).await.len(), 0, "nothing was tried");
    let sent = court.submission(first, "finalized", |one| one["status"] == "finalized").await;
    let grounds = &sent["grounds"];
    assert_eq!((&sent["purpose"], &grounds["config_read"]), (&"finalize_undisputed".into(), &true.into()));
    assert!(grounds["chain_time"].as_str() >= grounds["due_at"].as_str(), "{sent:#}");

    // The period is made shorter than what has passed, in the middle: then our own delay is what is waited for.
    court.chain.set_rules(Rules { dispute_period: Some(HOUR), ..Rules::default() }).await;
    court.all_are(&[second], Phase::Finalized).await;
    let [third] = court.resolving().await;
    client.travel(2 * HOUR).await;
    let [fourth] = court.resolving().await;
    client.travel(46 * HOUR).await;
    court.all_are(&[third], Phase::Finalized).await;
    assert_eq!(court.phases([fourth]).await, [Phase::Resolving]);
    court.all_settled().await;
    for market in [first, second, third] {
        court.landed(market, &[APPROVED, FINALIZED]).await;
    }
    court.landed(fourth, &[APPROVED]).await;
    court.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stuck_is_told_of_once_each_way_and_again_until_the_webhook_takes_it() {
    let elsewhere = Hook::open(vec![]).await;
    // Broken, then a redirect: neither has taken it.
    let hook = Hook::open(vec![(500, None), (302, Some(elsewhere.url.clone()))]).await;
    let court = Court::set(&[("ALERT_WEBHOOK_URL", &hook.url)]).await;
    let [stuck] = court.proposed().await;
    court.client.travel(14 * DAY).await;
    let name = stuck.to_string();
    let alert = court.alert("proposal_stuck", &name, true).await;
    let id = alert["id"].as_i64().unwrap();
    wait_for("it to be seen again", || async {
        let again = court.alert("proposal_stuck", &name, true).await;
        assert_eq!(again["id"].as_i64(), Some(id), "one alert");
        if again["times"].as_i64() > Some(2) && !again["notified_at"].is_null() { Ok(()) } else { Err(again) }
    })
    .await;
    court.sent_by_hand(court.chain.approve(stuck).await);
    court.alert("proposal_stuck", &name, false).await;
    let heard = hook.heard(4).await;
    let of = |message: &Value| {
        let alert = &message["alert"];
        (
            message["event"].as_str().unwrap().to_owned(),
            alert["kind"].as_str().unwrap().to_owned(),
            alert["id"].as_i64(),
        )
    };
    let raised = ("alert_raised".to_owned(), "proposal_stuck".to_owned(), Some(id));
    let resolved = ("alert_resolved".to_owned(), "proposal_stuck".to_owned(), Some(id));
    let told: Vec<_> = heard.iter().map(of).collect();
    assert_eq!(told, [raised.clone(), raised.clone(), raised, resolved], "{heard:#?}");
    assert_eq!(heard[3]["alert"]["subject"], name);
    assert_eq!(heard[3]["version"], 1);
    assert!(!heard[3]["alert"]["resolved_at"].is_null());
    assert_eq!(elsewhere.count(), 0, "a redirect is not followed");

    // Each phase has its own.
    court.client.travel(3 * DAY).await;
    court.alert("approval_stuck", &name, true).await;
    court.client.activate(stuck, &court.creator).await;
    court.alert("approval_stuck", &name, false).await;
    let kinds: Vec<_> = court.alerts().await.into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["proposal_stuck", "approval_stuck"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_missed_is_made_up_at_the_start_and_one_that_was_made_is_not_repeated() {
    let mut court = Court::set(&[NEVER, ("AUTHORITY_LOW_BALANCE_LAMPORTS", "1")]).await;
    let runs = "SELECT count(*) FROM scheduled_runs WHERE name = 'monitor'";
    let rows = court.database.connect().await;
    wait_for("the first pass", || async {
        if rows.query_one(runs, &[]).await.unwrap().get::<_, i64>(0) == 1 { Ok(()) } else { Err("none yet") }
    })
    .await;
    let [market] = court.resolving().await;
    court.engine.stop().await;
    // From now on a pass finds something.
    court.engine.set("AUTHORITY_LOW_BALANCE_LAMPORTS", "18446744073709551615");
    court.client.travel(72 * HOUR).await;
    court.open().await;
    court.all_are(&[market], Phase::Finalized).await;
    assert_eq!(court.alerts().await, [], "the schedule has not come");
    court.engine.stop().await;
    // As if the engine had been down over the 29th of February.
    rows.batch_execute("UPDATE scheduled_runs SET last_run_at = last_run_at - interval '5 years'").await.unwrap();
    court.open().await;
    wait_for("both authorities to be poor", || async {
        let alerts = court.alerts().await;
        let low = alerts.iter().filter(|(kind, _, open)| kind == "balance_low" && *open).count();
        if low == 2 { Ok(()) } else { Err(format!("{alerts:?}")) }
    })
    .await;
    let last = "SELECT last_run_at > now() - interval '1 hour' FROM scheduled_runs WHERE name = 'monitor'";
    wait_for("the run to be noted", || async {
        if rows.query_one(last, &[]).await.unwrap().get(0) { Ok(()) } else { Err("not yet") }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_by_hand_shows_what_is_due_and_does_it_only_if_it_is_told_to_and_nobody_else_does() {
    let court = Court::set(&[LEAVES_IT]).await;
    let [market] = court.resolving().await;
    court.client.travel(72 * HOUR).await;
    court.client.all_final().await;
    wait_for("what is due to be final in the journal", || async {
        let seen = court.engine.run(&["monitor", "--once", "--dry-run", "--json"]).await;
        let seen = json_of(&seen);
        if seen["due"][0]["market"] == market.to_string() { Ok(()) } else { Err(seen) }
    })
    .await;
    let looked = court.engine.run(&["monitor", "--once", "--dry-run"]).await;
    let text = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert_eq!(looked.status.code(), Some(1), "something is due: {text}");
    assert!(text.contains(&market.to_string()) && text.contains("due to be finalized: 1"), "{text}");
    assert_eq!(written(&court).await, [0; 4], "it only read");

    let rows = court.database.connect().await;
    let held = "INSERT INTO leases (name, node, term, expires_at) \
                VALUES ('governance', 'another node', 1, now() + interval '1 hour')";
    rows.batch_execute(held).await.unwrap();
    let refused = court.engine.run(&["monitor", "--once"]).await;
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{text}");
    assert!(text.contains("another node") && text.contains("nothing was done"), "{text}");
    assert_eq!(written(&court).await, [0, 0, 0, 1]);

    rows.batch_execute("UPDATE leases SET expires_at = now() WHERE name = 'governance'").await.unwrap();
    let done = court.engine.run(&["monitor", "--once", "--json"]).await;
    let report = json_of(&done);
    assert_eq!(done.status.code(), Some(0), "{report:#}\n{}", String::from_utf8_lossy(&done.stderr));
    let due = &report["due"][0];
    assert_eq!((due["result"].as_str(), due["settled"].as_bool()), (Some("finalized"), Some(true)), "{report:#}");
    court.all_are(&[market], Phase::Finalized).await;
    let is_free: bool =
        rows.query_one("SELECT expires_at < now() FROM leases WHERE name = 'governance'", &[]).await.unwrap().get(0);
    assert!(is_free, "the lease was given up");
    court.landed(market, &[APPROVED, FINALIZED]).await;
    court.is_in_order().await;
}
