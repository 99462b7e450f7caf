//! Votes as the journal has them: what a tally is counted from.
//!
//! Owns the reading of a market's ballots: votes that were cast here by their entries, those on the chain by the entries
//! of their events. What was rolled back counts no more; what was cast here is never rolled back.
//!
//! Two ways to the same count. A market's actor takes the ballots into memory ([`tally`]): it needs to know how each wallet
//! voted. A decision needs the counts alone, and PostgreSQL counts them ([`counted_up_to`]): one row comes back, however many
//! voted. Only where more wallets voted than are counted does it go the first way, since who came too late is not counted.

use std::collections::{BTreeSet, HashSet};

use deadpool_postgres::{Pool, Transaction};
use futures_util::TryStreamExt;
use tokio_postgres::{RowStream, types::ToSql};

use super::JournalError;
use crate::domain::{
    amount::UnixSeconds,
    ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
    tally::{Counts, Tally, VoteKind, VoteSource},
};

/// Wallets whose votes one market counts, of each kind.
pub const VOTERS_MAX: u32 = 200_000;

/// Rows of ballots that are read. A wallet has at most one vote of each source, but where it voted on the chain again after
/// a roll-back.
const ROWS_MAX: i64 = VOTERS_MAX as i64 * 4;

/// Every vote of a kind in a market that was not rolled back: market, kind and its event are the first three values. `cast_at`
/// is the program's own time of a vote on the chain.
const CAST: &str = "
    SELECT false AS on_chain, j.payload ->> 'wallet' AS wallet, (j.payload -> 'vote')::boolean AS vote, j.epoch, j.seq,
           NULL::bigint AS cast_at
    FROM journal j
    WHERE j.stream = $1::text AND j.kind = 'vote' AND j.payload ->> 'vote_kind' = $2
    UNION ALL
    SELECT true, j.payload -> 'event' ->> 'user', (j.payload -> 'event' -> 'vote')::boolean, e.epoch, e.seq, e.block_time_unix
    FROM chain_events e JOIN journal j USING (stream, epoch, seq)
    WHERE e.stream = $1::text AND e.event = $3 AND e.event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted')
      AND NOT e.orphaned";

/// Of [`CAST`]: up to an entry (the next two values), and on the chain before a moment (the sixth; null: whenever). One that was
/// cast here has no time on the chain: whoever took it saw to that.
const IN_TIME: &str = "(epoch, seq) <= ($4::bigint, $5::bigint) AND coalesce(cast_at < $6::bigint, true)";

/// The ballots of one kind, as they stand without the entries that are about to be taken back.
///
/// # Errors
/// [`JournalError`].
pub async fn tally(
    pool: &Pool,
    market: AccountAddress,
    kind: VoteKind,
    epoch: Epoch,
    without: &BTreeSet<Seq>,
) -> Result<Tally, JournalError> {
    let sql = format!(
        "SELECT on_chain, wallet, vote FROM ({CAST}) votes
         WHERE NOT (on_chain AND epoch <= $4::bigint AND seq = ANY ($5::bigint[])) ORDER BY epoch, seq LIMIT $6"
    );
    let client = pool.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let without: Vec<i64> = without.iter().map(|seq| seq.0 as i64).collect();
    let values: [&(dyn ToSql + Sync); 6] =
        [&market.to_string(), &kind.as_str(), &kind.event(), &i64::from(epoch.0), &without, &ROWS_MAX];
    tally_of(client.query_raw(&statement, values).await?).await
}

/// What is counted of one kind up to an entry (that one included): each wallet once, as in [`tally`]. With `before`, only votes on
/// the chain from before that moment of its clock; a wallet whose vote there is too late counts by its vote here, if it has one.
/// Of a finalized entry it is the same whenever it is asked.
///
/// # Errors
/// [`JournalError`].
pub async fn counted_up_to(
    tx: &Transaction<'_>,
    market: AccountAddress,
    kind: VoteKind,
    (epoch, seq): (Epoch, Seq),
    before: Option<UnixSeconds>,
) -> Result<Counts, JournalError> {
    // Addresses are compared as bytes: a language's order costs more than all the rest.
    let count = format!(
        "WITH counted AS (
             SELECT DISTINCT ON (wallet COLLATE \"C\") vote FROM ({CAST}) votes WHERE {IN_TIME}
             ORDER BY wallet COLLATE \"C\", on_chain DESC, epoch DESC, seq DESC)
         SELECT count(*) FILTER (WHERE vote), count(*) FILTER (WHERE NOT vote) FROM counted"
    );
    let (market, epoch, seq) = (market.to_string(), i64::from(epoch.0), i64::try_from(seq.0).unwrap_or(i64::MAX));
    let before = before.map(|before| before.0);
    let values: [&(dyn ToSql + Sync); 6] = [&market, &kind.as_str(), &kind.event(), &epoch, &seq, &before];
    let statement = tx.prepare_cached(&count).await?;
    let row = tx.query_one(&statement, &values).await?;
    let side = |at| row.try_get::<_, i64>(at).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let counts = Counts::new(side(0)?, side(1)?);
    if let Some(counts) = counts.filter(|counts| counts.total() <= VOTERS_MAX) {
        return Ok(counts);
    }
    let one_by_one =
        format!("SELECT on_chain, wallet, vote FROM ({CAST}) votes WHERE {IN_TIME} ORDER BY epoch, seq LIMIT $7");
    let statement = tx.prepare_cached(&one_by_one).await?;
    let values: [&(dyn ToSql + Sync); 7] = [&market, &kind.as_str(), &kind.event(), &epoch, &seq, &before, &ROWS_MAX];
    Ok(tally_of(tx.query_raw(&statement, values).await?).await?.counts())
}

/// Of votes in the order in which they were recorded: on the chain or not, whose, which way.
async fn tally_of(votes: RowStream) -> Result<Tally, JournalError> {
    let mut votes = std::pin::pin!(votes);
    let mut tally = Tally::new(VOTERS_MAX);
    while let Some(row) = votes.try_next().await? {
        let source = if row.try_get(0)? { VoteSource::Chain } else { VoteSource::OffChain };
        let Some(wallet) = row.try_get::<_, &str>(1)?.parse::<Wallet>().ok() else { continue };
        // One too many was not counted when it came either.
        let _ = tally.cast(wallet, source, row.try_get(2)?);
    }
    Ok(tally)
}

/// Markets that take votes, and whose tally takes no more wallets; oldest proposals first. What it costs grows with the
/// number of markets that take votes: they are few among all, and tallies change too often for an index of their size.
///
/// # Errors
/// [`JournalError`].
pub async fn full(pool: &Pool, limit: usize) -> Result<Vec<MarketAddress>, JournalError> {
    const SQL: &str = "
        SELECT m.address::text FROM markets m
        JOIN vote_tallies t ON t.market = m.address AND t.kind = CASE m.phase WHEN 0 THEN 'proposal' ELSE 'dispute' END
        WHERE m.phase IN (0, 4) AND NOT m.vanished AND t.in_favour + t.against >= $1
        ORDER BY m.created_at_unix, m.address LIMIT $2";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut full = Vec::new();
    for row in client.query(&statement, &[&i64::from(VOTERS_MAX), &limit]).await? {
        full.extend(row.try_get::<_, &str>(0)?.parse::<MarketAddress>().ok());
    }
    Ok(full)
}

/// Which of these wallets have traded, in any market.
///
/// # Errors
/// [`JournalError`].
pub async fn which_traded(pool: &Pool, wallets: &[Wallet]) -> Result<HashSet<Wallet>, JournalError> {
    const SQL: &str =
        "SELECT DISTINCT wallet::text FROM positions WHERE wallet::text = ANY ($1::text[]) AND trades_count > 0";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let names: Vec<String> = wallets.iter().map(ToString::to_string).collect();
    let rows = client.query(&statement, &[&names]).await?;
    let mut traded = HashSet::with_capacity(rows.len());
    for row in rows {
        traded.extend(row.try_get::<_, &str>(0)?.parse::<Wallet>().ok());
    }
    Ok(traded)
}
