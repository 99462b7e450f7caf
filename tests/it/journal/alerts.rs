//! Alerts and scheduled runs: a condition has one open row, ends by itself, and is told once each way; a run is never
//! missed by a clock that jumps.

use chrono::TimeDelta;
use zmart::{
    domain::alert::AlertKind,
    journal::{
        JournalError,
        alerts::{self, Alert, MESSAGE_MAX, NewAlert, News, SUBJECT_MAX},
        lease::{Leased, Term},
        scheduled,
    },
};
use zmart_testkit::postgres::Database;

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
        let notices = alerts::unnotified(pool.pool(), 10).await.unwrap();
        notices.into_iter().map(|notice| (notice.alert.id, notice.alert.subject, notice.what)).collect::<Vec<_>>()
    };
    alerts::raise(&pool, &stuck("a")).await.unwrap();
    alerts::raise(&pool, &stuck("b")).await.unwrap();
    let (a, b) = (open(&pool).await[0].id, open(&pool).await[1].id);
    assert_eq!(told().await, [(a, "a".into(), News::Raised), (b, "b".into(), News::Raised)]);
    assert_eq!(alerts::unnotified(pool.pool(), 1).await.unwrap().len(), 1, "as many as asked for");
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
