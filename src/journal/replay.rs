//! A stream's entries read through, and folded by the domain (`domain::replay`).
//!
//! Owns the pages. Entries are never changed, so they are read outside of any snapshot, in all lives of the journal, up to a
//! place that the caller took from the row that they are compared with.

use std::collections::BTreeSet;

use deadpool_postgres::Pool;
use tokio_postgres::types::Json;

use super::{
    JournalError, read,
    rows::{MarketRow, PositionRow},
    votes::VOTERS_MAX,
};
use crate::domain::{
    entry::Entry,
    ids::{AccountAddress, Epoch, MarketAddress, Seq},
    metadata::MarketMetadata,
    position::Position,
    replay::{Broken, Place, Positions, Replay},
    rollback::Advance,
    tally::{Counts, VoteKind},
};

/// Entries that are read at once.
const PAGE: i64 = 2_000;

/// Why a stream could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal can't be read now.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its entries contradict each other.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// What is replayed, and how far.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The stream.
    pub stream: AccountAddress,
    /// The last entry.
    pub upto: Place,
    /// Its state is kept where that is finalized.
    pub finalized_at: Option<Seq>,
    /// Whose positions.
    pub positions: Positions,
}

/// Folds a stream's entries, up to one of them.
///
/// # Errors
/// [`ReplayError`].
pub async fn replay<S: Clone + PartialEq>(
    pool: &Pool,
    wanted: Wanted,
    advance: Advance<S>,
    describes: impl Fn(&S, &MarketMetadata) -> bool,
) -> Result<Replay<S>, ReplayError> {
    let Wanted { stream, upto, finalized_at, positions } = wanted;
    let fallen = fallen(pool, stream, upto).await?;
    let mut replay = Replay::new(advance, fallen, finalized_at, positions, VOTERS_MAX);
    fold(pool, stream, upto, &mut replay, describes).await?;
    Ok(replay)
}

/// Folds what follows, up to another entry. What a roll-back among it takes back has been folded already: then all of it is read
/// again, without that.
///
/// # Errors
/// [`ReplayError`].
pub async fn go_on<S: Clone + PartialEq>(
    pool: &Pool,
    stream: AccountAddress,
    upto: Place,
    replay: &mut Replay<S>,
    describes: impl Fn(&S, &MarketMetadata) -> bool,
) -> Result<(), ReplayError> {
    let fallen = fallen(pool, stream, upto).await?;
    if fallen != *replay.fallen() {
        *replay = replay.anew(fallen);
    }
    fold(pool, stream, upto, replay, describes).await
}

async fn fold<S: Clone + PartialEq>(
    pool: &Pool,
    stream: AccountAddress,
    upto: Place,
    replay: &mut Replay<S>,
    describes: impl Fn(&S, &MarketMetadata) -> bool,
) -> Result<(), ReplayError> {
    loop {
        let page = entries(pool, stream, replay.last().unwrap_or((Epoch(0), Seq(0))), upto).await?;
        if page.is_empty() {
            return Ok(());
        }
        for (epoch, entry) in &page {
            replay.next(*epoch, entry, &describes)?;
        }
    }
}

/// A page of entries after a place, in the order of the journal's lives and of their numbers.
async fn entries(
    pool: &Pool,
    stream: AccountAddress,
    after: Place,
    upto: Place,
) -> Result<Vec<(Epoch, Entry)>, JournalError> {
    const SQL: &str = "SELECT seq, recorded_at, payload, epoch::bigint FROM journal
        WHERE stream = $1::text AND (epoch, seq) > ($2::bigint, $3::bigint) AND (epoch, seq) <= ($4::bigint, $5::bigint)
        ORDER BY epoch, seq LIMIT $6";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let (after, upto) = (numbers(after), numbers(upto));
    let rows = client.query(&statement, &[&stream.to_string(), &after.0, &after.1, &upto.0, &upto.1, &PAGE]).await?;
    let of = |row: tokio_postgres::Row| {
        let epoch = Epoch(u32::try_from(row.try_get::<_, i64>(3)?).unwrap_or_default());
        Ok((epoch, read::entry(row)?))
    };
    rows.into_iter().map(of).collect()
}

/// What the roll-backs among a stream's entries take back. A stream has as many as forks have touched it.
async fn fallen(pool: &Pool, stream: AccountAddress, upto: Place) -> Result<BTreeSet<Seq>, JournalError> {
    const SQL: &str = "SELECT payload -> 'reverted' FROM journal \
        WHERE stream = $1::text AND kind = 'rollback' AND (epoch, seq) <= ($2::bigint, $3::bigint)";
    let upto = numbers(upto);
    let rows = pool.get().await?.query(SQL, &[&stream.to_string(), &upto.0, &upto.1]).await?;
    let mut fallen = BTreeSet::new();
    for row in rows {
        let reverted: Json<Vec<Seq>> = row.try_get(0)?;
        fallen.extend(reverted.0);
    }
    Ok(fallen)
}

fn numbers((epoch, seq): Place) -> (i64, i64) {
    (i64::from(epoch.0), i64::try_from(seq.0).unwrap_or(i64::MAX))
}

/// What is stored of a market beside its entries, all of one moment.
#[derive(Debug, Clone)]
pub struct StoredMarket {
    /// Its row.
    pub row: MarketRow,
    /// What is counted of its votes, as stored.
    pub tallies: Vec<(VoteKind, Counts)>,
    /// Its positions, as stored.
    pub positions: Vec<Position>,
}

/// What is stored of a market; `None` if the journal has never heard of it. With a value for each position: about 300 bytes.
///
/// # Errors
/// [`JournalError`].
pub async fn stored_market(pool: &Pool, market: MarketAddress) -> Result<Option<StoredMarket>, JournalError> {
    const ROW: &str = "SELECT to_jsonb(t) FROM markets t WHERE address = $1::text";
    const TALLIES: &str = "SELECT kind, in_favour, against FROM vote_tallies WHERE market = $1::text";
    const POSITIONS: &str = "SELECT to_jsonb(p), wallet::text FROM positions p \
                             WHERE market = $1::text AND wallet > $2::text ORDER BY wallet LIMIT $3";
    let mut client = pool.get().await?;
    let tx = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let address = market.to_string();
    let Some(row) = tx.query_opt(ROW, &[&address]).await? else { return Ok(None) };
    let row: Json<MarketRow> = row.try_get(0)?;
    let mut tallies = Vec::new();
    for row in tx.query(TALLIES, &[&address]).await? {
        let kind = VoteKind::ALL.into_iter().find(|kind| kind.as_str() == row.get::<_, &str>(0));
        let side = |at| row.try_get::<_, i64>(at).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        tallies.extend(kind.zip(Counts::new(side(1)?, side(2)?)));
    }
    let (mut positions, mut after) = (Vec::new(), String::new());
    loop {
        let page = tx.query(POSITIONS, &[&address, &after, &PAGE]).await?;
        for row in &page {
            let row: Json<PositionRow> = row.try_get(0)?;
            positions.push(row.0.position());
        }
        match page.last() {
            Some(last) => after = last.try_get(1)?,
            None => break,
        }
    }
    Ok(Some(StoredMarket { row: row.0, tallies, positions }))
}
