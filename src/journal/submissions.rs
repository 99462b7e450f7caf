//! Users' transactions on their way to the chain: rows of `submissions`.
//!
//! Owns every statement about them. A row is inserted in the request's own transaction and committed before the first byte
//! is sent; afterwards only the submissions actor changes it. That one intent lands once is the unique index's to say, not
//! a question asked before.

use std::collections::HashMap;

use deadpool_postgres::{Pool, Transaction};
use serde::{Deserialize, Serialize};
use tokio_postgres::{GenericClient, Row, types::Json};

use super::{JournalError, lease::Leased, read::ReadFailure, rows::BadRow};
use crate::domain::{
    ids::{MarketAddress, Slot, TxSignature, Wallet},
    submission::{Standing, SubmissionStatus},
};

/// Transactions of a wallet that may be on their way at once, those that failed and may yet land among them.
pub const UNSETTLED_OF_A_WALLET_MAX: i64 = 64;
/// Transactions that may be on their way at once. What a rehearsal refused is not counted: it costs whoever sends it
/// nothing, so with enough wallets it would take everybody's room.
pub const UNSETTLED_MAX: i64 = 16_384;

/// Why a transaction failed, as it is stored and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReason {
    /// The number, where a program gave one.
    pub code: Option<u32>,
    /// The name.
    pub name: String,
}

/// A transaction to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewSubmission<'a> {
    /// Its name.
    pub signature: TxSignature,
    /// Whose.
    pub wallet: Wallet,
    /// The client's name for it.
    pub client_ref: Option<&'a str>,
    /// To which market.
    pub market: MarketAddress,
    /// The program's instruction.
    pub purpose: &'a str,
    /// The bytes that travel.
    pub wire: &'a [u8],
    /// Past this block height, finalized, it can't land.
    pub last_valid_block_height: u64,
}

/// How keeping it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    New,
    /// The intent has a transaction already, which may land or has landed.
    OtherOfIntent(TxSignature),
    /// The wallet has as many on their way as it may.
    WalletFull,
    /// All together are as many as may be.
    Full,
    /// It is not kept: whatever was in its way is gone each time that it is looked for. Asked again, it will be.
    Contended,
}

/// So often a transaction is tried to be kept while others of its intent come and go.
const KEEP_ATTEMPTS: u32 = 3;

/// A transaction as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionRow {
    /// Its name.
    pub signature: TxSignature,
    /// Whose.
    pub wallet: Wallet,
    /// The client's name for it.
    pub client_ref: Option<String>,
    /// To which market.
    pub market: MarketAddress,
    /// The program's instruction.
    pub purpose: String,
    /// Where it is.
    pub status: SubmissionStatus,
    /// Nothing changes that any more.
    pub settled: bool,
    /// The slot that it landed in.
    pub slot: Option<Slot>,
    /// Why it failed.
    pub reason: Option<FailureReason>,
    /// Past this block height it can't land.
    pub last_valid_block_height: u64,
    /// When it came, milliseconds since 1970.
    pub received_at_ms: i64,
    /// When its status last changed, milliseconds since 1970.
    pub updated_at_ms: i64,
    /// The request that handed it in, where that is known.
    #[serde(default)]
    pub request_id: Option<uuid::Uuid>,
}

/// One that is on its way.
#[derive(Debug, Clone)]
pub struct Unsettled {
    /// As its owner may see it.
    pub row: SubmissionRow,
    /// The bytes that travel.
    pub wire: Vec<u8>,
}

/// A change of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub signature: TxSignature,
    /// From where: another hand's change in between is not overwritten.
    pub from: SubmissionStatus,
    /// To where.
    pub to: Standing,
    /// The slot that it is in, if it is in one.
    pub slot: Option<Slot>,
    /// Why it failed.
    pub reason: Option<FailureReason>,
}

pub(super) const COLUMNS: &str = "signature::text, wallet::text, client_ref, market::text, purpose, status, settled, slot, reason, \
                       last_valid_block_height, received_at, updated_at, request_id";

pub(super) fn row_of(row: &Row) -> Result<SubmissionRow, ReadFailure> {
    let bad = |reason: &str| BadRow { table: "submissions", reason: reason.to_owned() };
    let text = |index: usize| row.try_get::<_, String>(index);
    let moment = |index: usize| row.try_get::<_, chrono::DateTime<chrono::Utc>>(index).map(|at| at.timestamp_millis());
    let unsigned = |value: i64| u64::try_from(value).map_err(|_| bad("a number is negative"));
    let reason: Option<Json<FailureReason>> = row.try_get(8)?;
    Ok(SubmissionRow {
        signature: text(0)?.parse().map_err(|_| bad("no signature"))?,
        wallet: text(1)?.parse().map_err(|_| bad("no wallet"))?,
        client_ref: row.try_get(2)?,
        market: text(3)?.parse().map_err(|_| bad("no market"))?,
        purpose: text(4)?,
        status: SubmissionStatus::parse(&text(5)?).ok_or_else(|| bad("no status"))?,
        settled: row.try_get(6)?,
        slot: row.try_get::<_, Option<i64>>(7)?.map(unsigned).transpose()?.map(Slot),
        reason: reason.map(|Json(reason)| reason),
        last_valid_block_height: unsigned(row.try_get(9)?)?,
        received_at_ms: moment(10)?,
        updated_at_ms: moment(11)?,
        request_id: row.try_get(12)?,
    })
}

/// Keeps a transaction that is not known yet, if its intent is free and there is room. As the engine.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn keep(tx: &Transaction<'_>, new: &NewSubmission<'_>) -> Result<Kept, ReadFailure> {
    const ROOM: &str = "SELECT (SELECT count(*) FROM (SELECT FROM submissions \
                                                      WHERE NOT settled AND status <> 'failed' LIMIT $1) s), \
                               (SELECT count(*) FROM (SELECT FROM submissions \
                                                      WHERE wallet = $2::text AND NOT settled LIMIT $3) s)";
    let wallet = new.wallet.to_string();
    let room = tx.prepare_cached(ROOM).await?;
    let counts = tx.query_one(&room, &[&UNSETTLED_MAX, &wallet, &UNSETTLED_OF_A_WALLET_MAX]).await?;
    if counts.try_get::<_, i64>(0)? >= UNSETTLED_MAX {
        return Ok(Kept::Full);
    }
    if counts.try_get::<_, i64>(1)? >= UNSETTLED_OF_A_WALLET_MAX {
        return Ok(Kept::WalletFull);
    }
    // Waits for another request of the same intent to end, and then does nothing.
    const INSERT: &str = "INSERT INTO submissions (signature, wallet, client_ref, market, purpose, transaction, \
                                                   last_valid_block_height) \
                          VALUES ($1::text, $2::text, $3, $4::text, $5, $6, $7) ON CONFLICT DO NOTHING";
    let insert = tx.prepare_cached(INSERT).await?;
    let (signature, market) = (new.signature.to_string(), new.market.to_string());
    let height = i64::try_from(new.last_valid_block_height).unwrap_or(i64::MAX);
    const OTHER: &str = "SELECT signature::text FROM submissions WHERE wallet = $1::text AND (signature = $3::text \
                         OR (client_ref = $2 AND (NOT settled OR status = 'finalized'))) LIMIT 1";
    let other = tx.prepare_cached(OTHER).await?;
    for _ in 0..KEEP_ATTEMPTS {
        let inserted = tx
            .execute(&insert, &[&signature, &wallet, &new.client_ref, &market, &new.purpose, &new.wire, &height])
            .await?;
        if inserted == 1 {
            return Ok(Kept::New);
        }
        if let Some(row) = tx.query_opt(&other, &[&wallet, &new.client_ref, &signature]).await? {
            let named = row.try_get::<_, String>(0)?.parse::<TxSignature>();
            let bad = |_| BadRow { table: "submissions", reason: "no signature".to_owned() };
            return Ok(Kept::OtherOfIntent(named.map_err(bad)?));
        }
        // What was in the way has settled between the two statements.
    }
    Ok(Kept::Contended)
}

/// A wallet's own transaction.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn of_wallet<C: GenericClient + Sync>(
    client: &C,
    wallet: Wallet,
    signature: TxSignature,
) -> Result<Option<SubmissionRow>, ReadFailure> {
    let sql = format!("SELECT {COLUMNS} FROM submissions WHERE signature = $1::text AND wallet = $2::text");
    let row = client.query_opt(&sql, &[&signature.to_string(), &wallet.to_string()]).await?;
    row.as_ref().map(row_of).transpose()
}

/// A wallet's own transactions that are on their way, newest first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn open_of_wallet<C: GenericClient + Sync>(
    client: &C,
    wallet: Wallet,
    limit: u32,
) -> Result<Vec<SubmissionRow>, ReadFailure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM submissions WHERE wallet = $1::text AND NOT settled \
         ORDER BY received_at DESC, signature DESC LIMIT $2"
    );
    let rows = client.query(&sql, &[&wallet.to_string(), &i64::from(limit)]).await?;
    rows.iter().map(row_of).collect()
}

/// The clients' names of a wallet's transactions, where they have one. At most as many signatures as a page has rows.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn client_refs<C: GenericClient + Sync>(
    client: &C,
    wallet: Wallet,
    signatures: &[TxSignature],
) -> Result<HashMap<TxSignature, String>, ReadFailure> {
    const SQL: &str = "SELECT signature::text, client_ref FROM submissions \
                       WHERE signature = ANY($1::text[]) AND wallet = $2::text AND client_ref IS NOT NULL";
    let signatures: Vec<String> = signatures.iter().map(ToString::to_string).collect();
    let rows = client.query(SQL, &[&signatures, &wallet.to_string()]).await?;
    let named = rows.iter().map(|row| {
        let signature: String = row.try_get(0)?;
        let signature =
            signature.parse().map_err(|_| BadRow { table: "submissions", reason: "no signature".to_owned() })?;
        Ok((signature, row.try_get(1)?))
    });
    named.collect()
}

/// Where a walk over those that are on their way stands: the last one seen.
pub type Place = (chrono::DateTime<chrono::Utc>, String);

/// Those that are on their way, oldest first, after a place; at most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn unsettled(
    pool: &Pool,
    after: Option<&Place>,
    limit: usize,
) -> Result<(Vec<Unsettled>, Option<Place>), JournalError> {
    let sql = format!(
        "SELECT {COLUMNS}, transaction FROM submissions \
         WHERE NOT settled AND (received_at, signature) > ($1, $2::text) ORDER BY received_at, signature LIMIT $3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (at, name) = after.cloned().unwrap_or_else(|| (chrono::DateTime::UNIX_EPOCH, String::new()));
    let rows = pool.get().await?.query(&sql, &[&at, &name, &limit]).await?;
    let place = rows.last().map(|row| Ok::<_, JournalError>((row.try_get(10)?, row.try_get(0)?))).transpose()?;
    let found = rows.iter().map(|row| Ok(Unsettled { row: row_of(row)?, wire: row.try_get(13)? }));
    Ok((found.collect::<Result<_, JournalError>>()?, place))
}

/// Writes changes, in one transaction. Answers those that were made: a row that stood elsewhere is left alone.
///
/// # Errors
/// [`JournalError`]: nothing was written, or (where the connection broke) it is unknown; writing them again is harmless.
pub async fn record(pool: &Leased, changes: Vec<Change>) -> Result<Vec<Change>, JournalError> {
    const SQL: &str = "UPDATE submissions SET status = $3, settled = $4, slot = $5, reason = $6, updated_at = now() \
                       WHERE signature = $1::text AND status = $2 AND NOT settled";
    if changes.is_empty() {
        return Ok(changes);
    }
    let mut client = pool.get().await?;
    let transaction = pool.begin(&mut client).await?;
    let update = transaction.prepare_cached(SQL).await?;
    let mut made = Vec::with_capacity(changes.len());
    for change in changes {
        let slot = change.slot.map(|slot| i64::try_from(slot.0).unwrap_or(i64::MAX));
        let (signature, reason) = (change.signature.to_string(), change.reason.as_ref().map(Json));
        let (from, to) = (change.from.as_str(), change.to.status.as_str());
        let changed =
            transaction.execute(&update, &[&signature, &from, &to, &change.to.settled, &slot, &reason]).await?;
        if changed == 1 {
            made.push(change);
        }
    }
    transaction.commit().await?;
    Ok(made)
}
