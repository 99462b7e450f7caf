//! Governance's own transactions: rows of `chain_submissions`.
//!
//! Owns every statement that writes them, and what an attempt has to know of those before it. A row is committed under the
//! lease's term before the first byte is sent; afterwards only the submitter changes it. That a purpose has one open attempt
//! a market is the unique index's to say, not a question asked before.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use tokio_postgres::{Row, types::Json};

use super::{JournalError, lease::Leased, rows::BadRow};
use crate::domain::{
    attempt::{AttemptStanding, AttemptStatus, Ended, LOOKED_BACK, ProgramRefusal, SubmissionId, Why, event_of},
    governance::{Intent, Purpose},
    ids::{Epoch, MarketAddress, Seq, Slot, TxSignature},
    tally::Counts,
};

/// Attempts that may be on their way at once, beside those that are kept in one moment: their statuses are one question to
/// the node, or two.
pub const OPEN_MAX: usize = 256;

/// A signed attempt to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewAttempt<'a> {
    /// What was decided.
    pub intent: &'a Intent,
    /// Its name on the chain.
    pub signature: TxSignature,
    /// The bytes that travel.
    pub wire: &'a [u8],
    /// Past this block height, finalized, it can't land.
    pub last_valid_block_height: u64,
}

/// How keeping it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is new, and may be sent.
    New(SubmissionId),
    /// The purpose has an open attempt on that market.
    Open(SubmissionId),
    /// An attempt that ended had this very signature: the same content, on the same blockhash.
    SameSignature,
    /// As many are on their way as may be.
    Full,
}

/// One that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempt {
    /// Its number.
    pub id: SubmissionId,
    /// What for.
    pub purpose: Purpose,
    /// To which market.
    pub market: MarketAddress,
    /// With these counts.
    pub counts: Option<Counts>,
    /// Its name on the chain.
    pub signature: TxSignature,
    /// The bytes that travel.
    pub wire: Vec<u8>,
    /// Past this block height, finalized, it can't land.
    pub last_valid_block_height: u64,
    /// Where it is.
    pub status: AttemptStatus,
    /// The slot that it landed in.
    pub slot: Option<Slot>,
    /// Why it failed, or would.
    pub reason: Option<ProgramRefusal>,
    /// For so long its status has been this one, by the database's clock.
    pub unchanged_for: Duration,
}

/// What an attempt knows of those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The one that is on its way.
    pub open: Option<SubmissionId>,
    /// How the last ones ended, newest first.
    pub ended: Vec<Ended>,
    /// The newest of these, and when it ended.
    pub last: Option<(SubmissionId, DateTime<Utc>)>,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// A change of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub id: SubmissionId,
    /// From where: another hand's change in between is not overwritten.
    pub from: AttemptStatus,
    /// To where.
    pub to: AttemptStanding,
    /// The slot that it is in, if it is in one.
    pub slot: Option<Slot>,
    /// Why it failed.
    pub reason: Option<ProgramRefusal>,
    /// The journal's entry of its event; with [`AttemptStatus::Finalized`], and only then.
    pub entry: Option<(Epoch, Seq)>,
}

/// Keeps a signed attempt, if its purpose is free and there is room. Committed when this returns.
///
/// # Errors
/// [`JournalError`]: it is not kept, or (where the connection broke) nobody knows; then it must not be sent.
pub async fn keep(pool: &Leased, new: &NewAttempt<'_>) -> Result<Kept, JournalError> {
    const ROOM: &str = "SELECT count(*) FROM (SELECT FROM chain_submissions WHERE NOT settled LIMIT $1) s";
    const INSERT: &str = "
        INSERT INTO chain_submissions (purpose, market, intent_hash, in_favour, against, grounds, term, signature,
                                       transaction, last_valid_block_height, status)
        VALUES ($1, $2::text, $3, $4, $5, $6, $7, $8::text, $9, $10, 'signed') ON CONFLICT DO NOTHING RETURNING id";
    const OPEN: &str = "SELECT id FROM chain_submissions WHERE purpose = $1 AND market = $2::text AND NOT settled";
    let NewAttempt { intent, signature, wire, last_valid_block_height } = *new;
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let most = i64::try_from(OPEN_MAX).unwrap_or(i64::MAX);
    if tx.query_one(&tx.prepare_cached(ROOM).await?, &[&most]).await?.try_get::<_, i64>(0)? >= most {
        return Ok(Kept::Full);
    }
    let (purpose, market, signature) = (intent.purpose.as_str(), intent.market.to_string(), signature.to_string());
    let (in_favour, against) = counts_of(intent);
    let height = i64::try_from(last_valid_block_height).unwrap_or(i64::MAX);
    let hash = intent.hash();
    let insert = tx.prepare_cached(INSERT).await?;
    let inserted = tx
        .query_opt(
            &insert,
            &[
                &purpose,
                &market,
                &&hash[..],
                &in_favour,
                &against,
                &Json(intent.grounds),
                &pool.term().0,
                &signature,
                &wire,
                &height,
            ],
        )
        .await?;
    let kept = match inserted {
        Some(row) => Kept::New(SubmissionId(row.try_get(0)?)),
        None => match tx.query_opt(&tx.prepare_cached(OPEN).await?, &[&purpose, &market]).await? {
            Some(row) => Kept::Open(SubmissionId(row.try_get(0)?)),
            None => Kept::SameSignature,
        },
    };
    tx.commit().await?;
    Ok(kept)
}

/// Keeps that an attempt was refused before it was signed, so that its pause outlives a restart.
///
/// # Errors
/// [`JournalError`].
pub async fn keep_refused(
    pool: &Leased,
    intent: &Intent,
    refusal: &ProgramRefusal,
) -> Result<SubmissionId, JournalError> {
    const INSERT: &str = "
        INSERT INTO chain_submissions (purpose, market, intent_hash, in_favour, against, grounds, term, status, settled,
                                       reason)
        VALUES ($1, $2::text, $3, $4, $5, $6, $7, 'failed', true, $8) RETURNING id";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let (purpose, market) = (intent.purpose.as_str(), intent.market.to_string());
    let (in_favour, against) = counts_of(intent);
    let hash = intent.hash();
    let insert = tx.prepare_cached(INSERT).await?;
    let row = tx
        .query_one(
            &insert,
            &[
                &purpose,
                &market,
                &&hash[..],
                &in_favour,
                &against,
                &Json(intent.grounds),
                &pool.term().0,
                &Json(refusal),
            ],
        )
        .await?;
    let id = SubmissionId(row.try_get(0)?);
    tx.commit().await?;
    Ok(id)
}

fn counts_of(intent: &Intent) -> (Option<i64>, Option<i64>) {
    let counts = intent.counts;
    (counts.map(|counts| counts.in_favour().into()), counts.map(|counts| counts.against().into()))
}

/// The attempts of a purpose on a market, so far.
///
/// # Errors
/// [`JournalError`].
pub async fn past(pool: &Pool, purpose: Purpose, market: MarketAddress) -> Result<Past, JournalError> {
    const SQL: &str = "
        SELECT id, status, settled, reason ->> 'why', updated_at FROM chain_submissions
        WHERE market = $1::text AND purpose = $2 ORDER BY id DESC LIMIT $3";
    let client = pool.get().await?;
    let limit = i64::try_from(LOOKED_BACK).unwrap_or(i64::MAX);
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&market.to_string(), &purpose.as_str(), &limit]).await?;
    let now = client.query_one("SELECT clock_timestamp()", &[]).await?.try_get(0)?;
    let mut past = Past { open: None, ended: Vec::with_capacity(rows.len()), last: None, now };
    for row in &rows {
        let id = SubmissionId(row.try_get(0)?);
        if !row.try_get::<_, bool>(2)? {
            past.open = Some(id);
            continue;
        }
        let why = row.try_get::<_, Option<&str>>(3)?;
        let is_done = why == Some(Why::AlreadyDone.as_str());
        past.ended.push(match status_of(row, 1)? {
            AttemptStatus::Finalized => Ended::Done,
            _ if is_done => Ended::Done,
            AttemptStatus::Expired => Ended::Expired,
            _ => Ended::Failed(why.and_then(Why::parse).unwrap_or(Why::Other)),
        });
        if past.last.is_none() {
            past.last = Some((id, row.try_get(4)?));
        }
    }
    Ok(past)
}

/// Those that are on their way, oldest first: all of them, since [`keep`] bounds their number. It counts without a lock, so
/// `at_once` that are kept in one moment may be more.
///
/// # Errors
/// [`JournalError`].
pub async fn open(pool: &Pool, at_once: usize) -> Result<Vec<OpenAttempt>, JournalError> {
    const SQL: &str = "
        SELECT id, purpose, market::text, signature::text, transaction, last_valid_block_height, status, slot, reason,
               extract(epoch FROM clock_timestamp() - updated_at)::float8, in_favour, against
        FROM chain_submissions WHERE NOT settled ORDER BY id LIMIT $1";
    let limit = i64::try_from(OPEN_MAX + at_once).unwrap_or(i64::MAX);
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    client.query(&statement, &[&limit]).await?.iter().map(attempt_of).collect()
}

fn bad(reason: &str) -> BadRow {
    BadRow { table: "chain_submissions", reason: reason.to_owned() }
}

fn status_of(row: &Row, index: usize) -> Result<AttemptStatus, JournalError> {
    Ok(AttemptStatus::parse(row.try_get(index)?).ok_or_else(|| bad("no status"))?)
}

fn attempt_of(row: &Row) -> Result<OpenAttempt, JournalError> {
    let unsigned = |value: i64| u64::try_from(value).map_err(|_| bad("a number is negative"));
    let reason: Option<Json<ProgramRefusal>> = row.try_get(8)?;
    let votes =
        |index: usize| Ok::<_, JournalError>(row.try_get::<_, Option<i64>>(index)?.and_then(|n| n.try_into().ok()));
    let counts = votes(10)?.zip(votes(11)?).and_then(|(in_favour, against)| Counts::new(in_favour, against));
    Ok(OpenAttempt {
        id: SubmissionId(row.try_get(0)?),
        purpose: Purpose::parse(row.try_get(1)?).ok_or_else(|| bad("no purpose"))?,
        market: row.try_get::<_, &str>(2)?.parse().map_err(|_| bad("no market"))?,
        counts,
        signature: row.try_get::<_, &str>(3)?.parse().map_err(|_| bad("no signature"))?,
        wire: row.try_get(4)?,
        last_valid_block_height: unsigned(row.try_get(5)?)?,
        status: status_of(row, 6)?,
        slot: row.try_get::<_, Option<i64>>(7)?.map(unsigned).transpose()?.map(Slot),
        reason: reason.map(|Json(reason)| reason),
        // The database's clock may have been set back.
        unchanged_for: Duration::try_from_secs_f64(row.try_get(9)?).unwrap_or_default(),
    })
}

/// Where the journal has what an attempt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The entry.
    pub entry: (Epoch, Seq),
    /// The entry's slot.
    pub slot: Slot,
}

/// Of these attempts, the entries of their events that are final in the journal.
///
/// # Errors
/// [`JournalError`].
pub async fn entries(
    pool: &Pool,
    attempts: &[(TxSignature, Purpose)],
) -> Result<HashMap<TxSignature, Recorded>, JournalError> {
    const SQL: &str = "
        SELECT e.signature::text, e.epoch, e.seq, e.slot
        FROM unnest($1::text[], $2::text[]) AS a (signature, event)
        JOIN chain_events e ON e.signature = a.signature AND e.event = a.event AND NOT e.orphaned
        JOIN markets m ON m.address = e.stream AND (m.epoch, m.finalized_seq) >= (e.epoch, e.seq)";
    if attempts.is_empty() {
        return Ok(HashMap::new());
    }
    let (signatures, events): (Vec<String>, Vec<&str>) =
        attempts.iter().map(|(signature, purpose)| (signature.to_string(), event_of(*purpose))).unzip();
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    client.query(&statement, &[&signatures, &events]).await?.iter().map(recorded_of).collect()
}

/// Of attempts that are final on the chain in these slots, and whose events are lost: final entries by which their markets
/// were adopted, from accounts as they were in that slot or later. Looked for among a market's newest entries only: such an
/// entry is new when it is looked for.
///
/// # Errors
/// [`JournalError`].
pub async fn adoptions(
    pool: &Pool,
    attempts: &[(TxSignature, MarketAddress, Slot)],
) -> Result<HashMap<TxSignature, Recorded>, JournalError> {
    const SQL: &str = "
        SELECT a.signature, j.epoch, j.seq, j.slot
        FROM unnest($1::text[], $2::text[], $3::bigint[]) AS a (signature, market, slot)
        JOIN markets m ON m.address = a.market
        CROSS JOIN LATERAL (
            SELECT * FROM (SELECT epoch, seq, slot, kind FROM journal
                           WHERE stream = m.address AND epoch = m.epoch AND seq <= m.finalized_seq
                           ORDER BY seq DESC LIMIT 10000) newest
            WHERE kind = 'resync' AND newest.slot >= a.slot ORDER BY seq DESC LIMIT 1) j";
    if attempts.is_empty() {
        return Ok(HashMap::new());
    }
    let signatures: Vec<String> = attempts.iter().map(|(signature, ..)| signature.to_string()).collect();
    let markets: Vec<String> = attempts.iter().map(|(_, market, _)| market.to_string()).collect();
    let slots: Vec<i64> = attempts.iter().map(|(.., slot)| i64::try_from(slot.0).unwrap_or(i64::MAX)).collect();
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    client.query(&statement, &[&signatures, &markets, &slots]).await?.iter().map(recorded_of).collect()
}

/// A signature, an epoch, an entry's number, its slot.
fn recorded_of(row: &Row) -> Result<(TxSignature, Recorded), JournalError> {
    let signature = row.try_get::<_, &str>(0)?.parse().map_err(|_| bad("no signature"))?;
    let epoch = u32::try_from(row.try_get::<_, i32>(1)?).map_err(|_| bad("no epoch"))?;
    let seq = u64::try_from(row.try_get::<_, i64>(2)?).map_err(|_| bad("no number"))?;
    let slot = u64::try_from(row.try_get::<_, i64>(3)?).map_err(|_| bad("no slot"))?;
    Ok((signature, Recorded { entry: (Epoch(epoch), Seq(seq)), slot: Slot(slot) }))
}

/// Writes changes, in one transaction. Answers those that were made: a row that stood elsewhere is left alone.
///
/// # Errors
/// [`JournalError`]: nothing was written, or (where the connection broke) it is unknown; writing them again is harmless.
pub async fn record(pool: &Leased, changes: Vec<Change>) -> Result<Vec<Change>, JournalError> {
    const SQL: &str = "
        UPDATE chain_submissions SET status = $3, settled = $4, slot = $5, reason = $6, entry_epoch = $7, entry_seq = $8,
                                     updated_at = clock_timestamp()
        WHERE id = $1 AND status = $2 AND NOT settled";
    if changes.is_empty() {
        return Ok(changes);
    }
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let update = tx.prepare_cached(SQL).await?;
    let mut made = Vec::with_capacity(changes.len());
    for change in changes {
        let bigint = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let slot = change.slot.map(|slot| bigint(slot.0));
        let epoch = change.entry.map(|(epoch, _)| i32::try_from(epoch.0).unwrap_or(i32::MAX));
        let seq = change.entry.map(|(_, seq)| bigint(seq.0));
        let (from, to, reason) = (change.from.as_str(), change.to.status.as_str(), change.reason.as_ref().map(Json));
        let changed =
            tx.execute(&update, &[&change.id.0, &from, &to, &change.to.settled, &slot, &reason, &epoch, &seq]).await?;
        if changed == 1 {
            made.push(change);
        }
    }
    tx.commit().await?;
    Ok(made)
}
