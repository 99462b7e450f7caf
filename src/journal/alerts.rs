//! Alerts: rows of `alerts`, one open row for each kind and subject.
//!
//! Owns every statement about them, and that a condition which begins is said once at error level, whoever sees it.
//! Conditions are told as they are seen ([`raise`], again and again), and resolved by whoever sees that they are gone; who
//! looks at all subjects of a kind at once resolves all others of it ([`resolve_all_but`]). What the webhook has taken is
//! noted per row, so that each alert and each end of one is told at least once.

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use serde::Serialize;
use tokio_postgres::Row;

use super::{JournalError, lease::Leased};
use crate::domain::alert::{AlertKind, MORE};

/// Characters of a message; what is longer is cut.
pub const MESSAGE_MAX: usize = 2_000;
/// Characters of a subject; what is longer is cut.
pub const SUBJECT_MAX: usize = 128;
/// An alert that ended longer ago is not told any more.
const TOLD_WITHIN: &str = "1 day";

/// A condition that somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    kind: AlertKind,
    subject: String,
    message: String,
}

impl NewAlert {
    /// A condition: whom it concerns, and what a person should know of it. Name nothing in the message that changes at each
    /// look, such as an age.
    pub fn new(kind: AlertKind, subject: impl ToString, message: impl ToString) -> Self {
        Self {
            kind,
            subject: text(&subject.to_string(), SUBJECT_MAX),
            message: text(&message.to_string(), MESSAGE_MAX),
        }
    }

    /// What it is.
    pub fn kind(&self) -> AlertKind {
        self.kind
    }

    /// Whom it concerns.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What a person should know of it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// As PostgreSQL's text holds it, and not longer than that.
fn text(text: &str, characters_max: usize) -> String {
    text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(characters_max).collect()
}

/// An alert as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// The text of an [`AlertKind`]; another engine may know others.
    pub kind: String,
    /// Whom it concerns.
    pub subject: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// For people.
    pub message: String,
    /// When it was first seen.
    pub raised_at: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
    /// How often it was seen.
    pub times: i64,
    /// When it was seen to be gone; `None`: it is open.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When a person said that they know.
    pub acknowledged_at: Option<DateTime<Utc>>,
}

pub(super) const COLUMNS: &str =
    "id, kind, subject, severity, message, raised_at, last_seen_at, times, resolved_at, acknowledged_at";

/// Of [`COLUMNS`].
pub(super) fn alert_of(row: &Row) -> Result<Alert, tokio_postgres::Error> {
    Ok(Alert {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        subject: row.try_get(2)?,
        severity: row.try_get(3)?,
        message: row.try_get(4)?,
        raised_at: row.try_get(5)?,
        last_seen_at: row.try_get(6)?,
        times: row.try_get(7)?,
        resolved_at: row.try_get(8)?,
        acknowledged_at: row.try_get(9)?,
    })
}

/// A condition is seen. True if it was not known: then it is said at error level.
///
/// # Errors
/// [`JournalError`]: it is not kept; tell it again.
pub async fn raise(pool: &Leased, alert: &NewAlert) -> Result<bool, JournalError> {
    Ok(raise_all(pool, std::slice::from_ref(alert)).await? == 1)
}

/// As [`raise`], of several at once; how many of them were not known.
///
/// # Errors
/// [`JournalError`]: none of them is kept.
pub async fn raise_all(pool: &Leased, alerts: &[NewAlert]) -> Result<usize, JournalError> {
    const SQL: &str = "
        INSERT INTO alerts AS a (kind, subject, severity, message)
        SELECT DISTINCT ON (kind, subject) kind, subject, severity, message
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (kind, subject, severity, message)
        ORDER BY kind, subject
        ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO UPDATE
        SET times = a.times + 1, last_seen_at = now(), message = excluded.message, severity = excluded.severity
        RETURNING times = 1, kind, subject, message";
    if alerts.is_empty() {
        return Ok(0);
    }
    let kinds: Vec<&str> = alerts.iter().map(|alert| alert.kind.as_str()).collect();
    let subjects: Vec<&str> = alerts.iter().map(|alert| alert.subject.as_str()).collect();
    let severities: Vec<&str> = alerts.iter().map(|alert| alert.kind.severity().as_str()).collect();
    let messages: Vec<&str> = alerts.iter().map(|alert| alert.message.as_str()).collect();
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&kinds, &subjects, &severities, &messages]).await?;
    tx.commit().await?;
    let mut new = 0;
    for row in rows.iter().filter(|row| row.get(0)) {
        new += 1;
        let (kind, subject, message): (&str, &str, &str) = (row.get(1), row.get(2), row.get(3));
        log::error!("alert {kind}: {subject}: {message}");
    }
    Ok(new)
}

/// As [`raise`], where so many of the kind have an alert of their own: beyond, one stands for all others. (Of those that are
/// raised at the same moment all may have one.)
///
/// # Errors
/// [`JournalError`]: it is not kept; tell it again.
pub async fn raise_within(pool: &Leased, alert: &NewAlert, most: usize) -> Result<bool, JournalError> {
    let open = subjects(pool.pool(), alert.kind).await?;
    if open.len() < most || open.contains(&alert.subject) {
        return raise(pool, alert).await;
    }
    let message = format!("more than {most}: {}; the first ones are named", alert.kind.meaning());
    raise(pool, &NewAlert::new(alert.kind, MORE, message)).await
}

/// The subjects of all open alerts of a kind, which whoever raises them bounds.
///
/// # Errors
/// [`JournalError`].
pub async fn subjects(pool: &Pool, kind: AlertKind) -> Result<Vec<String>, JournalError> {
    let client = pool.get().await?;
    let statement =
        client.prepare_cached("SELECT subject FROM alerts WHERE kind = $1 AND resolved_at IS NULL ORDER BY id").await?;
    let rows = client.query(&statement, &[&kind.as_str()]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// What is said of an open one; `None`: it is not.
///
/// # Errors
/// [`JournalError`].
pub async fn message(pool: &Pool, kind: AlertKind, subject: &str) -> Result<Option<String>, JournalError> {
    const SQL: &str = "SELECT message FROM alerts WHERE kind = $1 AND subject = $2 AND resolved_at IS NULL";
    let row = pool.get().await?.query_opt(SQL, &[&kind.as_str(), &subject]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// A condition is gone. True if it was open.
///
/// # Errors
/// [`JournalError`]: it stays open; tell it again.
pub async fn resolve(pool: &Leased, kind: AlertKind, subject: impl ToString) -> Result<bool, JournalError> {
    const SQL: &str = "UPDATE alerts SET resolved_at = greatest(now(), raised_at) \
                       WHERE kind = $1 AND subject = $2 AND resolved_at IS NULL RETURNING subject";
    let subject = text(&subject.to_string(), SUBJECT_MAX);
    Ok(resolved(pool, SQL, kind, &[&kind.as_str(), &subject]).await? > 0)
}

/// Of this kind there is nothing but these; how many others were open.
///
/// # Errors
/// [`JournalError`]: they stay open; tell it again.
pub async fn resolve_all_but(pool: &Leased, kind: AlertKind, subjects: &[String]) -> Result<usize, JournalError> {
    const SQL: &str = "UPDATE alerts SET resolved_at = greatest(now(), raised_at) \
                       WHERE kind = $1 AND resolved_at IS NULL AND subject <> ALL ($2::text[]) RETURNING subject";
    let subjects: Vec<String> = subjects.iter().map(|subject| text(subject, SUBJECT_MAX)).collect();
    resolved(pool, SQL, kind, &[&kind.as_str(), &subjects]).await
}

/// What fails to be done to a market is of no interest once the market is where nothing is to be done by us (somebody else
/// did it, or cancelled it), nor once nobody wants it any more: each attempt that fails is seen, and the longest pause
/// between two is an hour and a quarter. How many such alerts were open.
///
/// # Errors
/// [`JournalError`]: they stay open; tell it again.
pub async fn resolve_failing_of_what_is_past(pool: &Leased) -> Result<usize, JournalError> {
    // Proposed, resolving and disputed markets wait for us. The subject is a market, a slash, and what fails to be done to it.
    const SQL: &str = "UPDATE alerts a SET resolved_at = greatest(now(), raised_at) \
                       WHERE kind = $1 AND resolved_at IS NULL AND (last_seen_at < now() - interval '2 hours' \
                            OR EXISTS (SELECT FROM markets m WHERE m.address = split_part(a.subject, '/', 1) \
                                       AND (m.vanished OR m.phase NOT IN (0, 3, 4)))) \
                       RETURNING subject";
    let kind = AlertKind::SubmissionFailing;
    resolved(pool, SQL, kind, &[&kind.as_str()]).await
}

/// The event of a transaction that is settled is missing no more: it has come, or the transaction is not on the chain. How
/// many such alerts were open.
///
/// # Errors
/// [`JournalError`]: they stay open; tell it again.
pub async fn resolve_missing_of_what_is_settled(pool: &Leased) -> Result<usize, JournalError> {
    const SQL: &str = "UPDATE alerts a SET resolved_at = greatest(now(), raised_at) \
                       WHERE kind = $1 AND resolved_at IS NULL AND NOT EXISTS (SELECT FROM chain_submissions s \
                           WHERE s.signature = a.subject AND NOT s.settled) RETURNING subject";
    let kind = AlertKind::EventMissing;
    resolved(pool, SQL, kind, &[&kind.as_str()]).await
}

async fn resolved(
    pool: &Leased,
    sql: &str,
    kind: AlertKind,
    values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<usize, JournalError> {
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, values).await?;
    tx.commit().await?;
    for row in &rows {
        log::info!("alert {} is over: {}", kind.as_str(), row.get::<_, &str>(0));
    }
    Ok(rows.len())
}

/// What the webhook is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The alert as it is now.
    pub alert: Alert,
    /// What of it is news.
    pub what: News,
}

/// See [`Notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// That it is there.
    Raised,
    /// That it is gone.
    Resolved,
}

/// What nobody has taken yet: open alerts first, then those that ended within a day; the oldest first. An alert that ended
/// before its beginning was told is told from the beginning. Nothing of those `without` whom it is asked.
///
/// # Errors
/// [`JournalError`].
pub async fn unnotified(pool: &Pool, without: &[i64], limit: usize) -> Result<Vec<Notice>, JournalError> {
    let raised = format!(
        "SELECT {COLUMNS}, true FROM alerts \
         WHERE resolved_at IS NULL AND notified_at IS NULL AND id <> ALL ($2) ORDER BY id LIMIT $1"
    );
    let ended = format!(
        "SELECT {COLUMNS}, notified_at IS NULL FROM alerts \
         WHERE resolved_at IS NOT NULL AND resolution_notified_at IS NULL \
         AND resolved_at > now() - interval '{TOLD_WITHIN}' AND id <> ALL ($2) ORDER BY resolved_at, id LIMIT $1"
    );
    let limit_rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let client = pool.get().await?;
    let mut notices = Vec::new();
    for sql in [raised, ended] {
        let statement = client.prepare_cached(&sql).await?;
        for row in client.query(&statement, &[&limit_rows, &without]).await? {
            let what = if row.try_get(10)? { News::Raised } else { News::Resolved };
            notices.push(Notice { alert: alert_of(&row)?, what });
        }
    }
    notices.truncate(limit);
    Ok(notices)
}

/// The webhook took this.
///
/// # Errors
/// [`JournalError`]: it will be told again.
pub async fn note_notified(pool: &Leased, id: i64, what: News) -> Result<(), JournalError> {
    let sql = match what {
        News::Raised => "UPDATE alerts SET notified_at = now() WHERE id = $1 AND notified_at IS NULL",
        News::Resolved => {
            "UPDATE alerts SET resolution_notified_at = now() \
             WHERE id = $1 AND resolved_at IS NOT NULL AND resolution_notified_at IS NULL"
        }
    };
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute(sql, &[&id]).await?;
    tx.commit().await?;
    Ok(())
}

/// How many alerts of each kind are open; those without any are left out.
///
/// # Errors
/// [`JournalError`].
pub async fn open_by_kind(pool: &Pool) -> Result<Vec<(AlertKind, i64)>, JournalError> {
    const SQL: &str = "SELECT kind, count(*) FROM alerts WHERE resolved_at IS NULL GROUP BY kind";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let mut kinds = Vec::new();
    for row in client.query(&statement, &[]).await? {
        // One that another release knows is not counted here.
        kinds.extend(AlertKind::parse(row.try_get(0)?).zip(row.try_get(1)?));
    }
    Ok(kinds)
}

/// Open alerts, the oldest first.
///
/// # Errors
/// [`JournalError`].
pub async fn open(pool: &Pool, limit: usize) -> Result<Vec<Alert>, JournalError> {
    let sql = format!("SELECT {COLUMNS} FROM alerts WHERE resolved_at IS NULL ORDER BY raised_at, id LIMIT $1");
    let client = pool.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    Ok(rows.iter().map(alert_of).collect::<Result<_, _>>()?)
}
