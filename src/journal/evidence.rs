//! Evidence of resolutions, as resolvers leave it: rows of `market_evidence`.

use deadpool_postgres::Transaction;

use super::read::ReadFailure;
use crate::domain::{evidence::EvidenceDocument, ids::MarketAddress};

/// Keeps a document of the wallet that the transaction is of.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn insert(
    tx: &Transaction<'_>,
    market: MarketAddress,
    document: &EvidenceDocument,
) -> Result<(), ReadFailure> {
    const SQL: &str = "INSERT INTO market_evidence (market, evidence_hash, document) VALUES ($1::text, $2, $3) \
                       ON CONFLICT DO NOTHING";
    let statement = tx.prepare_cached(SQL).await?;
    let hash = document.hash().text().unwrap_or_default().to_owned();
    tx.execute(&statement, &[&market.to_string(), &hash, &document.json()]).await?;
    Ok(())
}
