//! Documents of markets, as users leave them: rows of `market_metadata`.
//!
//! Owns their writing under the user's own rights; those whose market never came are swept (`sweep`). Never decides whether
//! a document is the chain's: the market's actor does, when it comes to it by the outbox.

use deadpool_postgres::Transaction;

use crate::domain::{
    ids::{MarketAddress, MarketSeed},
    metadata::MetadataDocument,
};

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
