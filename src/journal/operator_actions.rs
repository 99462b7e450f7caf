//! What operators did: who, what, to what, why, when, and what came of it. For whoever has to answer for it later.
//!
//! Owns the table: a row is written and read, and never changed; the engine's own role may not. Texts are cut to what a row takes
//! rather than refused: what was done is written down, whatever it was called.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::{GenericClient, Row};

use super::describe;

/// Rows of a page at most.
pub const PAGE_MAX: i64 = 1_000;
/// The longest reason and detail, in characters.
pub const TEXT_MAX: usize = 500;
/// The longest name of an operator, and of what something was done to, in characters.
pub const NAME_MAX: usize = 128;

/// What was done, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A comment was taken from all readers.
    HideComment,
    /// An actor, a service or a market begins anew.
    Restart,
    /// It ends.
    Stop,
    /// It begins.
    Start,
    /// Nothing new of users is taken.
    PauseIntake,
    /// It is taken again.
    ResumeIntake,
    /// What is logged.
    SetLogLevels,
    /// A person knows of an alert.
    AcknowledgeAlert,
}

impl Action {
    /// Its name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HideComment => "hide_comment",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::PauseIntake => "pause_intake",
            Self::ResumeIntake => "resume_intake",
            Self::SetLogLevels => "set_log_levels",
            Self::AcknowledgeAlert => "acknowledge_alert",
        }
    }
}

/// Who orders, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operator {
    /// As they name themselves: whoever has the token may be several.
    pub by: Option<String>,
    /// Why, as they say.
    pub reason: Option<String>,
    /// The address that the order came from.
    pub peer: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done; how it is since, if there is more to say.
    Done(Option<String>),
    /// It was not, and why.
    Refused(String),
}

/// Writes a row, on this node's behalf.
///
/// # Errors
/// The database does not answer: perhaps it is written.
pub async fn note<C: GenericClient + Sync>(
    client: &C,
    node: &str,
    operator: &Operator,
    action: Action,
    subject: &str,
    outcome: &Outcome,
) -> Result<(), tokio_postgres::Error> {
    const NOTE: &str = "
        INSERT INTO operator_actions (action, subject, reason, by_whom, peer, node, outcome, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (came, detail) = match outcome {
        Outcome::Done(detail) => ("done", detail.as_deref()),
        Outcome::Refused(why) => ("refused", Some(why.as_str())),
    };
    let subject = fit(subject, NAME_MAX).unwrap_or_else(|| "-".to_owned());
    let reason = operator.reason.as_deref().and_then(|reason| fit(reason, TEXT_MAX));
    let by = operator.by.as_deref().and_then(|by| fit(by, NAME_MAX));
    let detail = detail.and_then(|detail| fit(detail, TEXT_MAX));
    client.execute(NOTE, &[&action.as_str(), &subject, &reason, &by, &operator.peer, &node, &came, &detail]).await?;
    Ok(())
}

/// Why a row could not be written, in the server's own words.
pub fn words_of(error: &tokio_postgres::Error) -> String {
    describe(error)
}

/// So much of a text as a row takes, without what no row takes; `None`: nothing is left.
fn fit(text: &str, most: usize) -> Option<String> {
    let fit: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
    Some(fit).filter(|fit| !fit.trim().is_empty())
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Later ones have higher numbers.
    pub id: i64,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who, as they named themselves.
    pub by: Option<String>,
    /// The address that it came from; `null` of what was written down before V21.
    pub peer: Option<String>,
    /// See [`Action`].
    pub action: String,
    /// To what: an actor, a service, `market:ADDRESS`, the id of a comment or of an alert.
    pub subject: String,
    /// Why, as they said.
    pub reason: Option<String>,
    /// `done` or `refused`.
    pub outcome: String,
    /// How it is since, or why it was refused.
    pub detail: Option<String>,
    /// Which node was ordered.
    pub node: String,
}

/// The newest rows, or those before a number; at most `most` of them, and [`PAGE_MAX`].
///
/// # Errors
/// The database does not answer.
pub async fn page<C: GenericClient + Sync>(
    client: &C,
    before: Option<i64>,
    most: i64,
) -> Result<Vec<Noted>, tokio_postgres::Error> {
    const PAGE: &str = "
        SELECT id, done_at, by_whom, peer, action, subject, reason, outcome, detail, node
        FROM operator_actions WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let rows = client.query(PAGE, &[&before.unwrap_or(i64::MAX), &most.clamp(0, PAGE_MAX)]).await?;
    rows.iter().map(noted).collect()
}

fn noted(row: &Row) -> Result<Noted, tokio_postgres::Error> {
    Ok(Noted {
        id: row.try_get(0)?,
        at: row.try_get(1)?,
        by: row.try_get(2)?,
        peer: row.try_get(3)?,
        action: row.try_get(4)?,
        subject: row.try_get(5)?,
        reason: row.try_get(6)?,
        outcome: row.try_get(7)?,
        detail: row.try_get(8)?,
        node: row.try_get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_row_takes_is_cut_and_never_refused() {
        assert_eq!(fit("a\0b\nc", 4).as_deref(), Some("a b "));
        assert_eq!(fit(&"é".repeat(600), TEXT_MAX).map(|text| text.chars().count()), Some(TEXT_MAX));
        assert_eq!((fit("", 4), fit(" \n", 4)), (None, None));
    }
}
