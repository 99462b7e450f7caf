//! The ledgers of positions and all that is summed up from them, brought up to date: one transaction a piece of work.
//!
//! Owns how notes (`position_changes`) become ledgers, wallets' hours and the leaderboard. A note is deleted in the
//! transaction that does what it asks for, and leaves by what the transaction sees: whatever is committed later left a
//! note of its own. So the figures are right after any death, in whatever order notes are worked off.
//!
//! A position's ledger goes on from its newest hour; a roll-back takes the hours away that reach its first entry, and
//! the ledger goes on from the hour before. Verdict and claim are no steps but a function of what stands now, so that
//! their roll-back is one more look. What an hour of a wallet gains or loses is the difference of what its positions said
//! before and say after.
//!
//! Never runs twice at a time (a lock), never asks a clock: the hour is an argument.

mod fold;
mod rows;
mod windows;

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use rust_decimal::Decimal;
use tokio_postgres::Row;

pub(super) use self::fold::hour as ledger_hour;
pub use self::windows::move_windows;
use self::{
    fold::{Before, Folded, fold},
    rows::Tallies,
};
use super::{JournalError, lease::Leased, read::ReadFailure, rows::BadRow};
use crate::domain::ids::{Epoch, Seq};

/// Notes in one transaction.
pub const NOTES_MAX: i64 = 256;
/// Trades of one position in one transaction; the position is noted again for the rest.
pub const TRADES_MAX: i64 = 1_000;
/// Positions of a market that one note becomes in one transaction.
pub const POSITIONS_MAX: i64 = 1_000;

/// Held by whoever keeps ledgers: a life that was believed dead must not work beside its successor.
const LOCK: i64 = 0x7a6d_6c65_6467_6572;

/// A position, by market and wallet.
type Key = (String, String);
/// What is to be looked at, and from which entry on it was taken back.
type Positions = BTreeMap<Key, Option<(Epoch, Seq)>>;

/// Works off the oldest notes, at most [`NOTES_MAX`]; how many. Zero: there is nothing to do now.
///
/// # Errors
/// [`JournalError`]: nothing was done; try again.
pub async fn work_off(pool: &Leased) -> Result<usize, JournalError> {
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    if !locked(&tx).await? {
        return Ok(0);
    }
    let (count, positions) = take_notes(&tx).await?;
    if !positions.is_empty() {
        let before = Before::read(&tx, &positions).await?;
        let folded = fold(&positions, before);
        write(&tx, folded).await?;
    }
    tx.commit().await?;
    Ok(count)
}

async fn locked(tx: &Transaction<'_>) -> Result<bool, JournalError> {
    Ok(tx.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&LOCK]).await?.get(0))
}

/// The oldest notes, gone with this transaction. One of a whole market becomes notes of its positions.
async fn take_notes(tx: &Transaction<'_>) -> Result<(usize, Positions), JournalError> {
    const TAKE: &str = "
        DELETE FROM position_changes WHERE id IN (SELECT id FROM position_changes ORDER BY id LIMIT $1)
        RETURNING market, wallet, after_wallet, from_epoch, from_seq";
    const SPREAD: &str = "
        WITH page AS (
            SELECT wallet FROM positions WHERE market = $1::text AND wallet > $2::text ORDER BY wallet LIMIT $3
        ), noted AS (
            INSERT INTO position_changes (market, wallet) SELECT $1::text, wallet FROM page
        )
        INSERT INTO position_changes (market, after_wallet)
        SELECT $1::text, max(wallet::text) FROM page HAVING count(*) = $3";
    let take = tx.prepare_cached(TAKE).await?;
    let notes = tx.query(&take, &[&NOTES_MAX]).await?;
    let mut positions = Positions::new();
    for note in &notes {
        let (market, wallet): (String, Option<String>) = (note.get(0), note.get(1));
        let Some(wallet) = wallet else {
            let after: Option<String> = note.get(2);
            tx.execute(SPREAD, &[&market, &after.unwrap_or_default(), &POSITIONS_MAX]).await?;
            continue;
        };
        let from = match (note.get::<_, Option<i32>>(3), note.get::<_, Option<i64>>(4)) {
            (Some(epoch), Some(seq)) => Some((Epoch(epoch.unsigned_abs()), Seq(seq.unsigned_abs()))),
            _ => None,
        };
        let first = positions.entry((market, wallet)).or_insert(from);
        *first = match (*first, from) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    Ok((notes.len(), positions))
}

async fn write(tx: &Transaction<'_>, folded: Folded) -> Result<(), JournalError> {
    rows::put_hours(tx, &folded.hours).await?;
    rows::put_ledgers(tx, &folded.ledgers).await?;
    rows::remove_ledgers(tx, &folded.gone).await?;
    let Tallies { hours, markets } = folded.tallies;
    rows::add_to_wallets(tx, hours, markets).await?;
    const AGAIN: &str = "INSERT INTO position_changes (market, wallet) SELECT * FROM unnest($1::text[], $2::text[]) AS k (market, wallet)";
    if !folded.unfinished.is_empty() {
        let (markets, wallets): (Vec<_>, Vec<_>) = folded.unfinished.into_iter().unzip();
        tx.execute(AGAIN, &[&markets, &wallets]).await?;
    }
    Ok(())
}

/// A sum: a whole number of any size that the tables have.
pub(super) fn ledger_whole(row: &Row, at: usize) -> Result<i128, ReadFailure> {
    let value: Decimal = row.try_get(at)?;
    Ok(value.trunc().mantissa())
}

/// An amount: never negative, and of 64 bits.
pub(super) fn ledger_amount(row: &Row, at: usize) -> Result<u64, ReadFailure> {
    let value = ledger_whole(row, at)?;
    Ok(u64::try_from(value).map_err(|_| BadRow { table: "ledgers", reason: format!("{value} in column {at}") })?)
}
