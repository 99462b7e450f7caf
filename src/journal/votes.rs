//! Votes as the journal has them: what a tally is counted from.
//!
//! Owns the reading of a market's ballots: votes that were cast here by their entries, those on the chain by the entries
//! of their events. What was rolled back counts no more; what was cast here is never rolled back.

use std::collections::{BTreeSet, HashSet};

use deadpool_postgres::Pool;

use super::JournalError;
use crate::domain::{
    ids::{AccountAddress, Epoch, Seq, Wallet},
    tally::{Tally, VoteKind, VoteSource},
};

/// Wallets whose votes one market counts, of each kind.
pub const VOTERS_MAX: u32 = 200_000;

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
    const SQL: &str = "
        SELECT false, j.payload ->> 'wallet', (j.payload -> 'vote')::boolean, j.epoch, j.seq FROM journal j
        WHERE j.stream = $1::text AND j.kind = 'vote' AND j.payload ->> 'vote_kind' = $2
        UNION ALL
        SELECT true, j.payload -> 'event' ->> 'user', (j.payload -> 'event' -> 'vote')::boolean, e.epoch, e.seq
        FROM chain_events e JOIN journal j USING (stream, epoch, seq)
        WHERE e.stream = $1::text AND e.event = $3 AND e.event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted')
          AND NOT e.orphaned AND NOT (e.epoch = $4::bigint AND e.seq = ANY ($5::bigint[]))
        ORDER BY 4, 5 LIMIT $6";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let without: Vec<i64> = without.iter().map(|seq| seq.0 as i64).collect();
    // A wallet has at most one vote of each source, but where it voted on the chain again after a roll-back.
    let limit = i64::from(VOTERS_MAX) * 4;
    let rows = client
        .query(&statement, &[&market.to_string(), &kind.as_str(), &kind.event(), &i64::from(epoch.0), &without, &limit])
        .await?;
    let mut tally = Tally::new(VOTERS_MAX);
    for row in rows {
        let source = if row.try_get(0)? { VoteSource::Chain } else { VoteSource::OffChain };
        let Some(wallet) = row.try_get::<_, &str>(1)?.parse::<Wallet>().ok() else { continue };
        // One too many was not counted when it came either.
        let _ = tally.cast(wallet, source, row.try_get(2)?);
    }
    Ok(tally)
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
