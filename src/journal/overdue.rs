//! Markets and transactions by their deadlines: what is due, what is past its time, what comes next.
//!
//! Owns questions only. Each is answered by an index in the order of the moment that the deadline hangs on, from the oldest
//! and at most so many, so that none grows with the table: markets that are over are in none of these indexes. Never decides
//! what is to be done: rows bring what that is decided from.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::{Row, types::Json};

use super::{JournalError, rows::BadRow};
use crate::domain::{
    amount::UnixSeconds,
    config::ProgramConfig,
    deadline::MarketTimes,
    ids::{AccountAddress, Epoch, MarketAddress, Seq},
    market::Market,
    phase::Phase,
};

/// A market with a proposed outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolving {
    /// Which.
    pub market: MarketAddress,
    /// When its outcome was proposed, as the newest entries have it: what these are listed by.
    pub proposed_at: UnixSeconds,
    /// The journal's life, and the newest finalized entry.
    pub epoch: Epoch,
    /// See `epoch`.
    pub finalized_seq: Seq,
    /// The market as it was after that entry; `None`: nothing of it is final.
    pub finalized: Option<Market>,
}

/// Where a page ended.
pub type Place = (UnixSeconds, MarketAddress);

/// Markets whose outcome was proposed at `until` or before and that nobody disputed, oldest first, behind `after`.
///
/// # Errors
/// [`JournalError`].
pub async fn resolving(
    pool: &Pool,
    until: UnixSeconds,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<Resolving>, JournalError> {
    const SQL: &str = "
        SELECT address::text, resolution_proposed_at_unix, epoch, finalized_seq, finalized_state FROM markets
        WHERE phase = 3 AND NOT vanished AND resolution_proposed_at_unix <= $1
          AND (resolution_proposed_at_unix, address) > ($2, $3::text)
        ORDER BY resolution_proposed_at_unix, address LIMIT $4";
    let (at, address) = after.map_or((i64::MIN, String::new()), |(at, address)| (at.0, address.to_string()));
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&until.0, &at, &address, &limit_of(limit)]).await?;
    rows.iter()
        .map(|row| {
            let finalized: Option<Json<Market>> = row.try_get(4)?;
            Ok(Resolving {
                market: market_of(row)?,
                proposed_at: UnixSeconds(row.try_get(1)?),
                epoch: Epoch(u32::try_from(row.try_get::<_, i32>(2)?).unwrap_or_default()),
                finalized_seq: Seq(row.try_get::<_, i64>(3)?.unsigned_abs()),
                finalized: finalized.map(|Json(market)| market),
            })
        })
        .collect()
}

/// The first moment after another at which an outcome was proposed that waits to become final.
///
/// # Errors
/// [`JournalError`].
pub async fn next_resolution(pool: &Pool, after: Option<UnixSeconds>) -> Result<Option<UnixSeconds>, JournalError> {
    const SQL: &str = "SELECT resolution_proposed_at_unix FROM markets
        WHERE phase = 3 AND NOT vanished AND resolution_proposed_at_unix > $1
        ORDER BY resolution_proposed_at_unix LIMIT 1";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let row = client.query_opt(&statement, &[&after.map_or(i64::MIN, |after| after.0)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(UnixSeconds))
}

/// Which markets are asked for, by the moment that their deadline hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Proposed ones, by their creation.
    Proposal,
    /// Approved ones, by their approval.
    Approval,
    /// Active ones, by the time of their question, where the journal knows it.
    Question,
    /// Those with a proposed outcome, by its proposal.
    Resolution,
    /// Disputed ones, by their dispute.
    Dispute,
    /// Those of a phase that ends with a payout, by their creation.
    Creation(Phase),
}

impl Since {
    fn sql(self) -> String {
        let (phase, column) = match self {
            Self::Proposal => (Phase::Proposed, "created_at_unix"),
            Self::Approval => (Phase::Approved, "approved_at_unix"),
            Self::Resolution => (Phase::Resolving, "resolution_proposed_at_unix"),
            Self::Dispute => (Phase::Disputed, "dispute_initiated_at_unix"),
            Self::Creation(phase) => (phase, "created_at_unix"),
            Self::Question => {
                let phase = Phase::Active.code();
                // Figures trail the journal a little: the market itself has the last word on its phase.
                return format!(
                    "SELECT {TIMES}, s.ends_at_unix FROM market_stats s JOIN markets m ON m.address = s.market
                     WHERE s.phase = {phase} AND s.ends_at_unix <= $1 AND m.phase = {phase} AND NOT m.vanished
                     ORDER BY s.ends_at_unix, s.market LIMIT $2"
                );
            }
        };
        format!(
            "SELECT {TIMES}, NULL::bigint FROM markets m WHERE m.phase = {} AND NOT m.vanished AND m.{column} <= $1
             ORDER BY m.{column}, m.address LIMIT $2",
            phase.code()
        )
    }
}

const TIMES: &str = "m.address::text, m.phase, m.created_at_unix, m.approved_at_unix, m.activated_at_unix, \
                     m.resolution_proposed_at_unix, m.dispute_initiated_at_unix";

/// Markets whose moment was at `until` or before, oldest first, as their newest entries have them.
///
/// # Errors
/// [`JournalError`].
pub async fn markets(
    pool: &Pool,
    since: Since,
    until: UnixSeconds,
    limit: usize,
) -> Result<Vec<(MarketAddress, MarketTimes)>, JournalError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(&since.sql()).await?;
    let rows = client.query(&statement, &[&until.0, &limit_of(limit)]).await?;
    rows.iter()
        .map(|row| {
            let seconds = |index: usize| row.try_get::<_, i64>(index).map(UnixSeconds);
            let phase: i16 = row.try_get(1)?;
            let phase = u8::try_from(phase).ok().and_then(Phase::from_code);
            let times = MarketTimes {
                phase: phase.ok_or_else(|| bad("no phase"))?,
                created_at: seconds(2)?,
                approved_at: seconds(3)?,
                activated_at: seconds(4)?,
                resolution_proposed_at: seconds(5)?,
                dispute_initiated_at: seconds(6)?,
                closes_at: row.try_get::<_, Option<i64>>(7)?.map(UnixSeconds),
            };
            Ok((market_of(row)?, times))
        })
        .collect()
}

/// The program's config after its newest finalized entry; `None` if there is none (yet, or any more).
///
/// # Errors
/// [`JournalError`].
pub async fn finalized_config(pool: &Pool, address: AccountAddress) -> Result<Option<ProgramConfig>, JournalError> {
    const SQL: &str = "SELECT finalized_state FROM program_config WHERE address = $1::text";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let row = client.query_opt(&statement, &[&address.to_string()]).await?;
    let config = row.map(|row| row.try_get::<_, Option<Json<ProgramConfig>>>(0)).transpose()?.flatten();
    Ok(config.map(|Json(config)| config).filter(|config| !config.vanished))
}

/// A decision of ours whose transactions are not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The first of the attempts in a row that did not land, or have not yet.
    pub signature: String,
    /// What they are for.
    pub purpose: String,
    /// To which market.
    pub market: String,
    /// When the first one's row was made.
    pub created_at: chrono::DateTime<chrono::Utc>,
}

/// Decisions of ours that are on their way since longer than that, in however many attempts, and that nobody has seen
/// confirmed; oldest first. An attempt ends with its blockhash, after a minute or so: it is the row of them that is old.
/// `known` are the signatures of those that were found before. They are found between two attempts, too; one of which there
/// has been no attempt for longer than the pause between two is over.
///
/// # Errors
/// [`JournalError`].
pub async fn unconfirmed(
    pool: &Pool,
    older: Duration,
    known: &[String],
    limit: usize,
) -> Result<Vec<Unconfirmed>, JournalError> {
    const SQL: &str = "
        WITH asked AS (
            SELECT purpose, market FROM chain_submissions WHERE NOT settled
            UNION SELECT purpose, market FROM chain_submissions WHERE signature = ANY ($2::text[]))
        SELECT first.signature::text, a.purpose, a.market::text, first.created_at
        FROM asked a
        CROSS JOIN LATERAL (
            SELECT settled, updated_at FROM chain_submissions
            WHERE market = a.market AND purpose = a.purpose ORDER BY id DESC LIMIT 1) last
        CROSS JOIN LATERAL (
            SELECT signature, created_at FROM chain_submissions
            WHERE market = a.market AND purpose = a.purpose AND id > coalesce((
                SELECT id FROM chain_submissions
                WHERE market = a.market AND purpose = a.purpose
                  AND status NOT IN ('signed', 'sent', 'processed', 'expired')
                ORDER BY id DESC LIMIT 1), 0)
            ORDER BY id LIMIT 1) first
        WHERE first.created_at < clock_timestamp() - make_interval(secs => $1)
          AND (NOT last.settled OR last.updated_at > clock_timestamp() - interval '10 minutes')
        ORDER BY first.created_at, first.signature LIMIT $3";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&older.as_secs_f64(), &known, &limit_of(limit)]).await?;
    let unconfirmed = |row: &Row| -> Result<Unconfirmed, JournalError> {
        Ok(Unconfirmed {
            signature: row.try_get(0)?,
            purpose: row.try_get(1)?,
            market: row.try_get(2)?,
            created_at: row.try_get(3)?,
        })
    };
    rows.iter().map(unconfirmed).collect()
}

/// How an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number.
    pub id: i64,
    /// The text of its status.
    pub status: String,
    /// Nothing changes it any more.
    pub settled: bool,
    /// Its name on the chain, if it was signed.
    pub signature: Option<String>,
}

/// How these attempts stand.
///
/// # Errors
/// [`JournalError`].
pub async fn attempts(pool: &Pool, ids: &[i64]) -> Result<Vec<Attempt>, JournalError> {
    const SQL: &str = "SELECT id, status, settled, signature::text FROM chain_submissions WHERE id = ANY ($1)";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&ids]).await?;
    let attempt = |row: &Row| -> Result<Attempt, JournalError> {
        Ok(Attempt {
            id: row.try_get(0)?,
            status: row.try_get(1)?,
            settled: row.try_get(2)?,
            signature: row.try_get(3)?,
        })
    };
    rows.iter().map(attempt).collect()
}

fn market_of(row: &Row) -> Result<MarketAddress, JournalError> {
    Ok(row.try_get::<_, &str>(0)?.parse().map_err(|_| bad("no address"))?)
}

fn bad(reason: &str) -> BadRow {
    BadRow { table: "markets", reason: reason.to_owned() }
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
