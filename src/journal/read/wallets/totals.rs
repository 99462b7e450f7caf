//! A wallet's profile and its totals.

use deadpool_postgres::Transaction;

use super::{
    super::super::ledgers::ledger_whole,
    ReadFailure,
    rows::{COUNT_MAX, Profile, WalletTotals},
};
use crate::domain::{ids::Wallet, ledger::Profit};

/// What a wallet did in all: four look-ups in indexes of its own. Trades and what follows from them are a moment behind
/// the journal (the keeper of ledgers).
///
/// # Errors
/// See [`ReadFailure`].
pub async fn totals(tx: &Transaction<'_>, wallet: Wallet) -> Result<WalletTotals, ReadFailure> {
    const SQL: &str = "
        SELECT coalesce(l.trades, 0), coalesce(l.volume, 0), coalesce(l.realised, 0), coalesce(l.decided, 0),
               coalesce(l.correct, 0), coalesce(t.markets_traded, 0),
               (SELECT count(*) FROM (SELECT FROM market_stats WHERE creator_wallet = $1 LIMIT $2) c),
               (SELECT count(*) FROM (
                    (SELECT market::text, 'ProposalVoteSubmitted' FROM proposal_votes WHERE wallet = $1::text LIMIT $2)
                    UNION
                    (SELECT market::text, 'DisputeVoteSubmitted' FROM dispute_votes WHERE wallet = $1::text LIMIT $2)
                    UNION
                    (SELECT j.stream::text, j.payload -> 'event' ->> 'event'
                     FROM journal j JOIN chain_events e USING (stream, epoch, seq)
                     WHERE j.kind IN ('event', 'contained') AND NOT e.orphaned
                       AND j.payload -> 'event' ->> 'event' IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted')
                       AND j.payload -> 'event' ->> 'user' = $1 LIMIT $2)) v)
        FROM (SELECT $1::text AS wallet) w
        LEFT JOIN leaderboard l ON l.period = 'all' AND l.wallet = w.wallet
        LEFT JOIN wallet_totals t ON t.wallet = w.wallet";
    let max = i64::from(COUNT_MAX);
    let row = tx.query_one(&tx.prepare_cached(SQL).await?, &[&wallet.to_string(), &max]).await?;
    let count = |at: usize| row.try_get::<_, i64>(at).map(|count| count.max(0).unsigned_abs());
    Ok(WalletTotals {
        trades: count(0)?,
        volume: ledger_whole(&row, 1)?.unsigned_abs(),
        realised: Profit(ledger_whole(&row, 2)?),
        decided: count(3)?,
        correct: count(4)?,
        markets_traded: count(5)?,
        markets_created: count(6)?,
        votes: count(7)?.min(u64::from(COUNT_MAX)),
    })
}

/// The profile of a wallet; `None` if it never signed in.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn profile(tx: &Transaction<'_>, wallet: Wallet) -> Result<Option<Profile>, ReadFailure> {
    const SQL: &str = "SELECT display_name, bio, avatar_url, created_at FROM users WHERE wallet = $1::text";
    let row = tx.query_opt(&tx.prepare_cached(SQL).await?, &[&wallet.to_string()]).await?;
    row.map(|row| {
        Ok(Profile {
            display_name: row.try_get(0)?,
            bio: row.try_get(1)?,
            avatar_url: row.try_get(2)?,
            created_at: row.try_get(3)?,
        })
    })
    .transpose()
}
