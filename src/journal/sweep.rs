//! What is of no more use is deleted: nonces and sessions that are over, replies that are no longer kept, refusals that
//! nobody waits for any more, alerts that were over long ago.
//!
//! In small steps, each by an index and each a transaction of its own, so that nobody waits for it. Deletes nothing that any
//! question still asks for: what counts is the moment in the row, never whether the row was swept.

use super::{JournalError, lease::Leased};

/// Most rows of one kind that a pass deletes; the rest is left to the next.
pub const ROWS_MAX: i64 = 5_000;

/// What to delete: a name, and how its rows are found. A session that is over is kept for a day, so that who still holds
/// its tokens is not told that they never were; its refresh tokens go with it.
const STEPS: [(&str, &str); 8] = [
    ("nonces", "DELETE FROM nonces WHERE nonce IN (SELECT nonce FROM nonces WHERE expires_at < now() LIMIT $1)"),
    (
        "sessions that ended",
        "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE revoked_at < now() - interval '1 day' LIMIT $1)",
    ),
    (
        "sessions that ran out",
        "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE expires_at < now() - interval '1 day' LIMIT $1)",
    ),
    (
        "kept replies",
        "DELETE FROM idempotency_keys WHERE (wallet, route, key) IN \
            (SELECT wallet, route, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT $1)",
    ),
    (
        "documents whose market never came",
        "DELETE FROM market_metadata WHERE (market, creator_wallet) IN \
            (SELECT market, creator_wallet FROM market_metadata m WHERE created_at < now() - interval '24 hours' \
             AND NOT EXISTS (SELECT FROM markets WHERE address = m.market AND creator_wallet = m.creator_wallet) LIMIT $1)",
    ),
    (
        "evidence that no market names",
        "DELETE FROM market_evidence WHERE (market, evidence_hash, resolver_wallet) IN \
            (SELECT market, evidence_hash, resolver_wallet FROM market_evidence e \
             WHERE created_at < now() - interval '24 hours' AND NOT EXISTS (SELECT FROM markets m WHERE m.address = e.market \
                AND m.evidence_hash = encode(convert_to(e.evidence_hash, 'UTF8'), 'hex')) LIMIT $1)",
    ),
    (
        "refusals of governance",
        "DELETE FROM chain_submissions WHERE id IN (SELECT id FROM chain_submissions \
         WHERE signature IS NULL AND created_at < now() - interval '30 days' LIMIT $1)",
    ),
    (
        "alerts that are over",
        // An alert ends after its beginning, which is what the index has.
        "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE raised_at < now() - interval '90 days' \
         AND resolved_at < now() - interval '90 days' ORDER BY raised_at LIMIT $1)",
    ),
];

/// One pass; how many rows of each kind went.
///
/// # Errors
/// [`JournalError`]: what was deleted before stays so.
pub async fn sweep(pool: &Leased) -> Result<Vec<(&'static str, u64)>, JournalError> {
    let mut client = pool.get().await?;
    let mut swept = Vec::new();
    for (name, sql) in STEPS {
        let tx = pool.begin(&mut client).await?;
        let statement = tx.prepare_cached(sql).await?;
        swept.push((name, tx.execute(&statement, &[&ROWS_MAX]).await?));
        tx.commit().await?;
    }
    Ok(swept)
}
