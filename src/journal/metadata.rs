//! Documents of markets, as users leave them: rows of `market_metadata`.
//!
//! Owns their writing under the user's own rights, and the sweep of those whose market never came. Never decides whether a
//! document is the chain's: the market's actor does, when it comes to it by the outbox.

use deadpool_postgres::{Pool, Transaction};

use super::JournalError;
use crate::domain::{
    ids::{MarketAddress, MarketSeed},
    metadata::MetadataDocument,
};

/// Documents whose market has not come by then are forgotten.
const KEPT_HOURS: i32 = 24;
/// Documents that one sweep forgets.
const SWEPT_AT_ONCE: i64 = 1_000;

/// Keeps a document of the wallet that the transaction is of, for the market that is (or will be) at that address; one of
/// the same wallet for the same market is replaced.
///
/// # Errors
/// The database's.
pub async fn insert(
    tx: &Transaction<'_>,
    market: MarketAddress,
    seed: MarketSeed,
    document: &MetadataDocument,
) -> Result<(), tokio_postgres::Error> {
    const SQL: &str = "INSERT INTO market_metadata (market, market_seed, document) VALUES ($1::text, $2, $3) \
                       ON CONFLICT (market, creator_wallet) DO UPDATE SET document = excluded.document";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&market.to_string(), &seed.to_string(), &document.json()]).await?;
    Ok(())
}

/// Forgets documents that are a day old and whose market the journal does not know, or does not know by their wallet.
/// Answers how many; call again while it is not zero.
///
/// # Errors
/// [`JournalError`].
pub async fn sweep(pool: &Pool) -> Result<u64, JournalError> {
    const SQL: &str = "
        DELETE FROM market_metadata m USING (
            SELECT old.market, old.creator_wallet FROM market_metadata old
            WHERE old.created_at < now() - make_interval(hours => $1) AND NOT EXISTS (
                SELECT FROM markets WHERE address = old.market AND creator_wallet = old.creator_wallet)
            ORDER BY old.created_at LIMIT $2
        ) gone WHERE m.market = gone.market AND m.creator_wallet = gone.creator_wallet";
    Ok(pool.get().await?.execute(SQL, &[&KEPT_HOURS, &SWEPT_AT_ONCE]).await?)
}
