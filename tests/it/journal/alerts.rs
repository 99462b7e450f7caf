//! Alerts and scheduled runs: a condition has one open row, ends by itself, and is told once each way; a run is never
//! missed by a clock that jumps.

use chrono::TimeDelta;
use zmart::{
    actors::monitor::{
        refused::Refused,
        webhook::{ROUND_MAX, Round, Webhook},
    },
    domain::alert::{AlertKind, MORE},
    journal::{
        JournalError,
        alerts::{self, Alert, MESSAGE_MAX, NewAlert, News, SUBJECT_MAX},
        lease::{Leased, Term},
        scheduled,
    },
};
use zmart_testkit::{hook::Hook, postgres::Database};

use super::{leased, prepare, settings};

async fn prepared() -> (Database, Leased) {
    let database = Database::fresh().await;
    prepare(&database).await;
    let pool = leased(settings(&database.url).pool(4).unwrap());
    (database, pool)
}

async fn open(pool: &Leased) -> Vec<Alert> {
    alerts::open(pool.pool(), 100).await.unwrap()
}

async fn subjects(pool: &Leased) -> Vec<String> {
    let mut subjects: Vec<_> = open(pool).await.into_iter().map(|alert| alert.subject).collect();
    subjects.sort();
    subjects
}

fn stuck(subject: &str) -> NewAlert {
    NewAlert::new(AlertKind::ProposalStuck, subject, "since yesterday")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_has_one_open_alert_however_often_and_by_how_many_it_is_seen() {
    let (_database, pool) = prepared().await;
    assert!(alerts::raise(&pool, &stuck("a")).await.unwrap(), "new");
    let seen = futures_util::future::join_all((0..20).map(|n| {
        let (pool, alert) = (pool.clone(), NewAlert::new(AlertKind::ProposalStuck, "a", format!("look {n}")));
        async move { alerts::raise(&pool, &alert).await.unwrap() }
    }))
    .await;
    assert!(seen.iter().all(|new| !new));
    let both = [stuck("a"), stuck("b"), stuck("b"), NewAlert::new(AlertKind::TooOld, "a", "")];
    assert_eq!(alerts::raise_all(&pool, &both).await.unwrap(), 2, "told twice at once is one, another kind is another");
    let found = open(&pool).await;
    assert_eq!(found.len(), 3);
    let first = &found[0];
    assert_eq!((first.kind.as_str(), first.subject.as_str(), first.times), ("proposal_stuck", "a", 22));
    assert_eq!((first.severity.as_str(), first.message.as_str()), ("warning", "since yesterday"));
    assert!(first.last_seen_at > first.raised_at && first.resolved_at.is_none());
    assert_eq!(alerts::raise_all(&pool, &[]).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_resolved_and_what_comes_again_is_another_alert() {
    let (database, pool) = prepared().await;
    alerts::raise_all(&pool, &["a", "b", "c"].map(stuck)).await.unwrap();
    alerts::raise(&pool, &NewAlert::new(AlertKind::Unresolved, "a", "")).await.unwrap();
    assert!(alerts::resolve(&pool, AlertKind::ProposalStuck, "a").await.unwrap());
    assert!(!alerts::resolve(&pool, AlertKind::ProposalStuck, "a").await.unwrap(), "it is over");
    assert_eq!(subjects(&pool).await, ["a", "b", "c"], "another kind's is open");
    assert_eq!(alerts::resolve_all_but(&pool, AlertKind::ProposalStuck, &["c".to_owned()]).await.unwrap(), 1);
    assert_eq!(subjects(&pool).await, ["a", "c"]);
    assert!(alerts::raise(&pool, &stuck("a")).await.unwrap(), "it came again");
    let rows = database.connect().await.query("SELECT FROM alerts WHERE subject = 'a'", &[]).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(alerts::resolve_all_but(&pool, AlertKind::ProposalStuck, &[]).await.unwrap(), 2);
    assert_eq!(subjects(&pool).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_and_an_end_are_told_until_each_is_taken() {
    let (database, pool) = prepared().await;
    let told = || async {
        let notices = alerts::unnotified(pool.pool(), &[], 10).await.unwrap();
        notices.into_iter().map(|notice| (notice.alert.id, notice.alert.subject, notice.what)).collect::<Vec<_>>()
    };
    alerts::raise(&pool, &stuck("a")).await.unwrap();
    alerts::raise(&pool, &stuck("b")).await.unwrap();
    let (a, b) = (open(&pool).await[0].id, open(&pool).await[1].id);
    assert_eq!(told().await, [(a, "a".into(), News::Raised), (b, "b".into(), News::Raised)]);
    assert_eq!(alerts::unnotified(pool.pool(), &[], 1).await.unwrap().len(), 1, "as many as asked for");
    assert_eq!(alerts::unnotified(pool.pool(), &[a], 1).await.unwrap()[0].alert.id, b, "nothing of others");
    alerts::note_notified(&pool, b, News::Raised).await.unwrap();
    // It ends before anybody took its beginning: both are told, one after the other.
    alerts::resolve(&pool, AlertKind::ProposalStuck, "a").await.unwrap();
    alerts::note_notified(&pool, b, News::Resolved).await.unwrap();
    assert_eq!(told().await, [(a, "a".into(), News::Raised)], "what is open has no end to be told");
    alerts::note_notified(&pool, a, News::Raised).await.unwrap();
    assert_eq!(told().await, [(a, "a".into(), News::Resolved)]);
    alerts::note_notified(&pool, a, News::Resolved).await.unwrap();
    alerts::resolve(&pool, AlertKind::ProposalStuck, "b").await.unwrap();
    assert_eq!(told().await, [(b, "b".into(), News::Resolved)]);
    let aged =
        "UPDATE alerts SET raised_at = raised_at - interval '2 days', resolved_at = resolved_at - interval '2 days'";
    database.connect().await.batch_execute(aged).await.unwrap();
    assert_eq!(told().await, [], "old news are none");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_lease_neither_raises_nor_resolves() {
    let (_database, pool) = prepared().await;
    alerts::raise(&pool, &stuck("a")).await.unwrap();
    let other = pool.under(Term(7));
    let over = |result: Result<bool, JournalError>| matches!(result, Err(JournalError::LeaseOver(Term(7))));
    assert!(over(alerts::raise(&other, &stuck("b")).await));
    assert!(over(alerts::resolve(&other, AlertKind::ProposalStuck, "a").await));
    assert!(alerts::note_notified(&other, open(&pool).await[0].id, News::Raised).await.is_err());
    assert_eq!(subjects(&pool).await, ["a"]);
    let now = scheduled::last_run(pool.pool(), "x").await.unwrap().now;
    assert!(scheduled::note_run(&other, "x", now).await.is_err());
    assert_eq!(scheduled::last_run(pool.pool(), "x").await.unwrap().last, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_becomes_an_alert() {
    let (_database, pool) = prepared().await;
    let long = "é".repeat(5_000);
    alerts::raise(&pool, &NewAlert::new(AlertKind::TallyFull, &long, format!("a\0b{long}"))).await.unwrap();
    let found = open(&pool).await.remove(0);
    assert_eq!((found.subject.chars().count(), found.message.chars().count()), (SUBJECT_MAX, MESSAGE_MAX));
    assert!(found.message.starts_with("a\u{fffd}b"));
    assert!(alerts::resolve(&pool, AlertKind::TallyFull, &long).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_noted_is_not_forgotten_and_one_from_the_future_does_not_stay() {
    let (database, pool) = prepared().await;
    let last = || async { scheduled::last_run(pool.pool(), "monitor").await.unwrap() };
    let first = last().await;
    assert_eq!(first.last, None);
    scheduled::note_run(&pool, "monitor", first.now).await.unwrap();
    scheduled::note_run(&pool, "monitor", first.now - TimeDelta::hours(1)).await.unwrap();
    assert_eq!(last().await.last, Some(first.now), "never back");
    assert_eq!(scheduled::last_run(pool.pool(), "other").await.unwrap().last, None);
    // PostgreSQL's clock was an hour ahead, and was set right.
    let ahead = "UPDATE scheduled_runs SET last_run_at = now() + interval '1 hour'";
    database.connect().await.batch_execute(ahead).await.unwrap();
    let now = last().await.now;
    scheduled::note_run(&pool, "monitor", now).await.unwrap();
    assert_eq!(last().await.last, Some(now));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_webhook_refuses_holds_up_neither_newer_alerts_nor_an_end() {
    let (_database, pool) = prepared().await;
    let oldest: Vec<NewAlert> = (0..ROUND_MAX).map(|n| stuck(&n.to_string())).collect();
    alerts::raise_all(&pool, &oldest).await.unwrap();
    for subject in ["newer", "over"] {
        alerts::raise(&pool, &stuck(subject)).await.unwrap();
    }
    let over = open(&pool).await.into_iter().find(|alert| alert.subject == "over").unwrap().id;
    alerts::note_notified(&pool, over, News::Raised).await.unwrap();
    alerts::resolve(&pool, AlertKind::ProposalStuck, "over").await.unwrap();

    let hook = Hook::open(vec![(400, None); ROUND_MAX]).await;
    let webhook = Webhook::new(&hook.url, "node").unwrap();
    let mut refused = Refused::default();
    let first = webhook.tell(&pool, &mut refused).await.unwrap();
    assert_eq!(first, Round { refused: ROUND_MAX, more: true, ..Round::default() }, "and there is no pause");
    assert_eq!(webhook.tell(&pool, &mut refused).await.unwrap(), Round { taken: 2, ..Round::default() });
    let heard = hook.heard(ROUND_MAX + 2).await;
    let last: Vec<_> = heard[ROUND_MAX..].iter().map(|message| message["alert"]["subject"].as_str().unwrap()).collect();
    assert_eq!(last, ["newer", "over"]);
    // Those that were refused wait, each by itself.
    assert_eq!(webhook.tell(&pool, &mut refused).await.unwrap(), Round::default());
    let again = webhook.tell(&pool, &mut Refused::default()).await.unwrap();
    assert_eq!(again, Round { taken: ROUND_MAX, more: true, ..Round::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_have_an_alert_each_and_one_stands_for_all_others() {
    let (_database, pool) = prepared().await;
    for market in ["a", "b", "c", "a", "d"] {
        alerts::raise_within(&pool, &stuck(market), 2).await.unwrap();
    }
    let found = open(&pool).await;
    let found: Vec<_> = found.iter().map(|alert| (alert.subject.as_str(), alert.times)).collect();
    assert_eq!(found, [("a", 2), ("b", 1), (MORE, 2)]);
    // When one of them is over there is room again.
    alerts::resolve_all_but(&pool, AlertKind::ProposalStuck, &["a".to_owned()]).await.unwrap();
    assert!(alerts::raise_within(&pool, &stuck("e"), 2).await.unwrap());
    assert_eq!(subjects(&pool).await, ["a", "e"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_settled_is_missing_no_more_and_what_nobody_tries_any_more_does_not_fail() {
    let (database, pool) = prepared().await;
    let rows = "
        INSERT INTO chain_submissions (purpose, market, intent_hash, grounds, term, signature, transaction,
                                       last_valid_block_height, status, settled)
        SELECT 'finalize_undisputed', repeat('1', 31) || market, sha256('x'), '{}', 1, repeat(signature, 64), '\\x01'::bytea,
               1, status, settled
        FROM (VALUES ('2', 'a', 'confirmed', false), ('3', 'b', 'expired', true)) s (market, signature, status, settled)";
    let client = database.connect().await;
    client.batch_execute(rows).await.unwrap();
    let missing = ["a", "b", "c"].map(|one| NewAlert::new(AlertKind::EventMissing, one.repeat(64), ""));
    alerts::raise_all(&pool, &missing).await.unwrap();
    assert_eq!(alerts::resolve_missing_of_what_is_settled(&pool).await.unwrap(), 2);
    assert_eq!(alerts::subjects(pool.pool(), AlertKind::EventMissing).await.unwrap(), ["a".repeat(64)]);

    let failing = ["wanted", "not wanted", MORE].map(|one| NewAlert::new(AlertKind::SubmissionFailing, one, ""));
    alerts::raise_all(&pool, &failing).await.unwrap();
    let seen =
        "UPDATE alerts SET raised_at = raised_at - interval '3 hours', last_seen_at = last_seen_at - interval '3 hours'
                WHERE subject IN ('not wanted', '*')";
    client.batch_execute(seen).await.unwrap();
    assert_eq!(alerts::resolve_failing_of_what_is_past(&pool).await.unwrap(), 2);
    assert_eq!(alerts::subjects(pool.pool(), AlertKind::SubmissionFailing).await.unwrap(), ["wanted"]);
}
