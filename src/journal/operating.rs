//! What operators read and write: what is on its way to the chain, alerts, and a comment that is hidden.
//!
//! Owns the statements of the operators' port but those of what operators did ([`operator_actions`]). Lists are bounded and found in an index. A comment is hidden as its author would
//! delete it, so that it goes the way of all users' writes: by the outbox into the journal, from there to every client; and who
//! did it and why is written down in the same transaction. The text stays in its row, for whoever has to answer for it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

pub use super::alerts::Alert;
use super::{
    alerts::{COLUMNS, alert_of},
    operator_actions::{self, Action, Operator, Outcome},
};

/// Rows of a list.
pub const ROWS_MAX: i64 = 200;

/// A transaction on its way to the chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnItsWay {
    /// `user`: a wallet's own; `governance`: the authorities'.
    pub of: &'static str,
    /// Its signature.
    pub signature: Option<String>,
    /// Who signed it; `null`: an authority.
    pub wallet: Option<String>,
    /// What it is about.
    pub market: String,
    /// The program's instruction, or governance's purpose.
    pub purpose: String,
    /// As the chain was last seen to have it.
    pub status: String,
    /// In which slot it landed.
    pub slot: Option<i64>,
    /// Why it failed, if it may still land.
    pub reason: Option<Value>,
    /// When it was taken.
    pub since: DateTime<Utc>,
    /// When anything last changed.
    pub updated_at: DateTime<Utc>,
}

/// What is on its way, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Submissions {
    /// Users', of all.
    pub users: i64,
    /// Governance's, of all.
    pub governance: i64,
    /// The oldest of both, [`ROWS_MAX`] of each at most.
    pub submissions: Vec<OnItsWay>,
}

/// Transactions that are not settled.
///
/// # Errors
/// The database does not answer.
pub async fn submissions(client: &Client) -> Result<Submissions, tokio_postgres::Error> {
    const USERS: &str = "
        SELECT signature::text, wallet::text, market::text, purpose, status, slot, reason, received_at, updated_at
        FROM submissions WHERE NOT settled ORDER BY received_at, signature LIMIT $1";
    const GOVERNANCE: &str = "
        SELECT signature::text, NULL::text, market::text, purpose, status, slot, reason, created_at, updated_at
        FROM chain_submissions WHERE NOT settled ORDER BY id LIMIT $1";
    const COUNTS: &str = "
        SELECT (SELECT count(*) FROM submissions WHERE NOT settled),
               (SELECT count(*) FROM chain_submissions WHERE NOT settled)";
    let counts = client.query_one(COUNTS, &[]).await?;
    let mut submissions = Vec::new();
    for (of, sql) in [("user", USERS), ("governance", GOVERNANCE)] {
        for row in client.query(sql, &[&ROWS_MAX]).await? {
            submissions.push(on_its_way(of, &row)?);
        }
    }
    submissions.sort_by_key(|submission| submission.since);
    Ok(Submissions { users: counts.try_get(0)?, governance: counts.try_get(1)?, submissions })
}

fn on_its_way(of: &'static str, row: &Row) -> Result<OnItsWay, tokio_postgres::Error> {
    Ok(OnItsWay {
        of,
        signature: row.try_get(0)?,
        wallet: row.try_get(1)?,
        market: row.try_get(2)?,
        purpose: row.try_get(3)?,
        status: row.try_get(4)?,
        slot: row.try_get(5)?,
        reason: row.try_get(6)?,
        since: row.try_get(7)?,
        updated_at: row.try_get(8)?,
    })
}

/// Open alerts, and those that ended last; the newest first, [`ROWS_MAX`] of each at most.
///
/// # Errors
/// The database does not answer.
pub async fn alerts(client: &Client) -> Result<Vec<Alert>, tokio_postgres::Error> {
    let sql = format!(
        "(SELECT {COLUMNS} FROM alerts WHERE resolved_at IS NULL ORDER BY raised_at DESC, id DESC LIMIT $1)
         UNION ALL
         (SELECT {COLUMNS} FROM (SELECT * FROM alerts ORDER BY raised_at DESC, id DESC LIMIT $1) AS newest
          WHERE resolved_at IS NOT NULL)
         ORDER BY raised_at DESC, id DESC"
    );
    client.query(&sql, &[&ROWS_MAX]).await?.iter().map(alert_of).collect()
}

/// A person says that they know of an alert, and that is written down. `None`: there is none of that number.
///
/// # Errors
/// The database does not answer.
pub async fn acknowledge(
    client: &mut Client,
    id: i64,
    operator: &Operator,
    node: &str,
) -> Result<Option<Alert>, tokio_postgres::Error> {
    let sql = format!(
        "UPDATE alerts SET acknowledged_at = coalesce(acknowledged_at, now()) WHERE id = $1 RETURNING {COLUMNS}"
    );
    let tx = client.transaction().await?;
    let Some(row) = tx.query_opt(&sql, &[&id]).await? else { return Ok(None) };
    let alert = alert_of(&row)?;
    let about = Outcome::Done(Some(format!("{} of {}", alert.kind, alert.subject)));
    operator_actions::note(&tx, node, operator, Action::AcknowledgeAlert, &id.to_string(), &about).await?;
    tx.commit().await?;
    Ok(Some(alert))
}

/// Hides a comment, and writes down who did it and why: true if it was not hidden or deleted before, `None` if there is none of
/// that id.
///
/// # Errors
/// The database does not answer: look whether it is hidden.
pub async fn hide_comment(
    client: &mut Client,
    id: Uuid,
    operator: &Operator,
    node: &str,
) -> Result<Option<bool>, tokio_postgres::Error> {
    const FIND: &str = "SELECT deleted_at IS NULL FROM discussions WHERE id = $1 FOR UPDATE";
    const HIDE: &str = "UPDATE discussions SET deleted_at = now() WHERE id = $1";
    let tx = client.transaction().await?;
    let Some(row) = tx.query_opt(FIND, &[&id]).await? else { return Ok(None) };
    let is_shown: bool = row.try_get(0)?;
    if is_shown {
        tx.execute(HIDE, &[&id]).await?;
        let hidden = Outcome::Done(None);
        operator_actions::note(&tx, node, operator, Action::HideComment, &id.to_string(), &hidden).await?;
    }
    tx.commit().await?;
    Ok(Some(is_shown))
}
