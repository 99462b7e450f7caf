//! What an actor needs to live again: its row, the newest entries, and the entries that are not finalized yet.

use std::collections::BTreeSet;

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::types::Json;

use super::{
    JournalError,
    read::{self, ask::Ask},
    rows::{ConfigRow, MarketRow},
};
use crate::domain::{
    entry::Entry,
    ids::{AccountAddress, Epoch, EventId, Seq, Slot},
};

/// Entries that a stream holds in memory: it serves most resumes and knows most duplicates.
pub const RING_ENTRIES: u32 = 1_024;

/// Entries after the finalized point that a stream takes into memory; beyond, the finalized point waits for a repair.
pub const TAIL_ENTRIES_MAX: u32 = 20_000;

/// A stream as it is stored.
#[derive(Debug, Clone)]
pub struct StoredStream<R> {
    /// Its row.
    pub row: R,
    /// Its newest entries of this epoch, oldest first, at most [`RING_ENTRIES`].
    pub ring: Vec<Entry>,
    /// The entries after its finalized point, oldest first.
    pub tail: Vec<Entry>,
    /// The highest slot of any entry that is older than the ring.
    pub slot_high_before_ring: Slot,
    /// The highest slot of any entry up to the finalized one: everything at or below it is known.
    pub finalized_slot: Slot,
    /// Entries that roll-backs after the finalized point took back.
    pub rolled_back: BTreeSet<Seq>,
}

macro_rules! load {
    ($(#[$doc:meta])* $name:ident, $row:ident, $sql:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`JournalError`].
        pub async fn $name(
            pool: &Pool,
            stream: AccountAddress,
            epoch: Epoch,
        ) -> Result<Option<StoredStream<$row>>, JournalError> {
            let mut client = pool.get().await?;
            // One snapshot for the row and its entries.
            let tx = client
                .build_transaction()
                .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            let Some(row) = Ask::query_opt(&tx, $sql, &[&stream.to_string()]).await? else {
                return Ok(None);
            };
            let row: Json<$row> = row.try_get(0)?;
            let head = row.0.head();
            let before_ring = Seq(head.last_seq.0.saturating_sub(u64::from(RING_ENTRIES)));
            let ring = read::entries_after(&tx, stream, epoch, before_ring, RING_ENTRIES).await?;
            // What the ring holds of the tail is not read twice.
            let ring_begins = ring.first().map_or(head.last_seq, |entry| Seq(entry.seq.0.saturating_sub(1)));
            let mut tail = Vec::new();
            if head.finalized_seq < ring_begins {
                let missing = (ring_begins.0 - head.finalized_seq.0).min(u64::from(TAIL_ENTRIES_MAX)) as u32;
                tail = read::entries_of_all_lives(&tx, stream, head.finalized_seq, missing).await?;
            }
            tail.extend(ring.iter().filter(|entry| entry.seq > head.finalized_seq).cloned());
            let slot_high_before_ring = slot_high_at(&tx, stream, ring_begins).await?;
            let finalized_slot = slot_high_at(&tx, stream, head.finalized_seq).await?;
            let rolled_back = rolled_back_after(&tx, stream, head.finalized_seq).await?;
            Ok(Some(StoredStream { row: row.0, ring, tail, slot_high_before_ring, finalized_slot, rolled_back }))
        }
    };
}

load! {
    /// A market as it is stored; `None` if the journal has never heard of it.
    load_market, MarketRow,
    "SELECT to_jsonb(t) || jsonb_build_object('tallies', (
         SELECT jsonb_object_agg(kind, jsonb_build_object('in_favour', in_favour, 'against', against))
         FROM vote_tallies WHERE market = t.address))
     FROM markets t WHERE address = $1::text"
}
load! {
    /// The config as it is stored.
    load_config, ConfigRow, "SELECT to_jsonb(t) FROM program_config t WHERE address = $1::text"
}

/// The highest slot of a stream's entries up to one, in whatever life of the journal.
async fn slot_high_at(tx: &Transaction<'_>, stream: AccountAddress, seq: Seq) -> Result<Slot, JournalError> {
    const SQL: &str =
        "SELECT slot_high FROM journal WHERE stream = $1::text AND seq <= $2 ORDER BY epoch DESC, seq DESC LIMIT 1";
    let row = Ask::query_opt(tx, SQL, &[&stream.to_string(), &(seq.0 as i64)]).await?;
    Ok(Slot(row.map_or(0, |row| row.get::<_, i64>(0)) as u64))
}

/// What the roll-backs among a stream's entries after one took back.
async fn rolled_back_after(
    tx: &Transaction<'_>,
    stream: AccountAddress,
    after: Seq,
) -> Result<BTreeSet<Seq>, JournalError> {
    const SQL: &str = "SELECT payload -> 'reverted' FROM journal_epochs e \
                       JOIN journal j ON j.stream = $1::text AND j.epoch = e.epoch AND j.seq > $2 AND j.kind = 'rollback'";
    let rows = Ask::query(tx, SQL, &[&stream.to_string(), &(after.0 as i64)]).await?;
    let mut seqs = BTreeSet::new();
    for row in rows {
        let reverted: Json<Vec<Seq>> = row.try_get(0)?;
        seqs.extend(reverted.0);
    }
    Ok(seqs)
}

/// Which of these events are in the journal already.
///
/// # Errors
/// [`JournalError`].
pub async fn known_events(pool: &Pool, ids: &[EventId]) -> Result<Vec<EventId>, JournalError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let client = pool.get().await?;
    let signatures: Vec<String> = ids.iter().map(|id| id.signature.to_string()).collect();
    let numbers: Vec<i32> = ids.iter().map(|id| i32::from(id.n)).collect();
    let statement = client
        .prepare_cached(
            "SELECT ask.at FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS ask (signature, n, at)
             JOIN chain_events e ON e.signature = ask.signature AND e.n = ask.n AND NOT e.orphaned",
        )
        .await?;
    let rows = client.query(&statement, &[&signatures, &numbers]).await?;
    Ok(rows.iter().filter_map(|row| ids.get((row.get::<_, i64>(0) - 1) as usize).copied()).collect())
}

/// Does the journal know this market?
///
/// # Errors
/// [`JournalError`].
pub async fn market_exists(pool: &Pool, market: crate::domain::ids::MarketAddress) -> Result<bool, JournalError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached("SELECT 1 FROM markets WHERE address = $1::text").await?;
    Ok(client.query_opt(&statement, &[&market.to_string()]).await?.is_some())
}
