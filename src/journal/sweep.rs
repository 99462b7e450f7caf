//! What is of no more use is deleted: nonces and sessions that are over, replies that are no longer kept, refusals that
//! nobody waits for any more, alerts that were over long ago, bytes of transactions that nobody sends any more.
//!
//! In small steps, each by an index and each a transaction of its own, so that nobody waits for it. Deletes nothing that any
//! question still asks for: what counts is the moment in the row, never whether the row was swept. What is history (entries,
//! events, trades, candles, votes, orders) is never deleted; docs/operating.md lists every table and how long its rows stay.

use super::{JournalError, deliveries, lease::Leased};

/// Most rows of one kind that a pass deletes; the rest is left to the next.
pub const ROWS_MAX: i64 = 5_000;
/// Letters of what never came that are looked at: each names up to 100 transactions.
const LETTERS_MAX: u32 = 500;

/// How long is kept what an operator may want longer or shorter: whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The signed bytes of a user's transaction, after it was settled. Its row stays for good.
    pub submission_bytes_days: u16,
    /// Decisions of governance that were refused before they were signed.
    pub refusals_days: u16,
    /// Alerts, after they were over.
    pub alerts_days: u16,
    /// Deliveries of webhooks, after they were worked off.
    pub deliveries_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { submission_bytes_days: 7, refusals_days: 30, alerts_days: 90, deliveries_days: 7 }
    }
}

/// A kind of rows: its name, how they are found (at most `$1`, of more than `$2` days), and how many days that are where
/// an operator decides.
type Step = (&'static str, &'static str, Option<fn(&Retention) -> u16>);

/// What to delete: a name, and how its rows are found. A session that is over is kept for a day, so that who still holds
/// its tokens is not told that they never were; its refresh tokens go with it.
const STEPS: [Step; 9] = [
    ("nonces", "DELETE FROM nonces WHERE nonce IN (SELECT nonce FROM nonces WHERE expires_at < now() LIMIT $1)", None),
    (
        "sessions that ended",
        "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE revoked_at < now() - interval '1 day' LIMIT $1)",
        None,
    ),
    (
        "sessions that ran out",
        "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE expires_at < now() - interval '1 day' LIMIT $1)",
        None,
    ),
    (
        "kept replies",
        "DELETE FROM idempotency_keys WHERE (wallet, route, key) IN \
            (SELECT wallet, route, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT $1)",
        None,
    ),
    (
        "documents whose market never came",
        "DELETE FROM market_metadata WHERE (market, creator_wallet) IN \
            (SELECT market, creator_wallet FROM market_metadata m WHERE created_at < now() - interval '24 hours' \
             AND NOT EXISTS (SELECT FROM markets WHERE address = m.market AND creator_wallet = m.creator_wallet) LIMIT $1)",
        None,
    ),
    (
        "evidence that no market names",
        "DELETE FROM market_evidence WHERE (market, evidence_hash, resolver_wallet) IN \
            (SELECT market, evidence_hash, resolver_wallet FROM market_evidence e \
             WHERE created_at < now() - interval '24 hours' AND NOT EXISTS (SELECT FROM markets m WHERE m.address = e.market \
                AND m.evidence_hash = encode(convert_to(e.evidence_hash, 'UTF8'), 'hex')) LIMIT $1)",
        None,
    ),
    (
        "refusals of governance",
        "DELETE FROM chain_submissions WHERE id IN (SELECT id FROM chain_submissions \
         WHERE signature IS NULL AND created_at < now() - make_interval(days => $2::int) LIMIT $1)",
        Some(|kept| kept.refusals_days),
    ),
    (
        "alerts that are over",
        // An alert ends after its beginning, which is what the index has.
        "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE raised_at < now() - make_interval(days => $2::int) \
         AND resolved_at < now() - make_interval(days => $2::int) ORDER BY raised_at LIMIT $1)",
        Some(|kept| kept.alerts_days),
    ),
    (
        "bytes of settled transactions",
        "UPDATE submissions SET transaction = NULL WHERE signature IN (SELECT signature FROM submissions \
         WHERE settled AND transaction IS NOT NULL AND updated_at < now() - make_interval(days => $2::int) \
         ORDER BY updated_at LIMIT $1)",
        Some(|kept| kept.submission_bytes_days),
    ),
];

/// One pass; how many rows of each kind went.
///
/// # Errors
/// [`JournalError`]: what was deleted before stays so.
pub async fn sweep(pool: &Leased, retention: &Retention) -> Result<Vec<(&'static str, u64)>, JournalError> {
    let mut client = pool.get().await?;
    let mut swept = Vec::new();
    for (name, sql, days) in STEPS {
        let tx = pool.begin(&mut client).await?;
        let statement = tx.prepare_cached(sql).await?;
        let rows = match days {
            None => tx.execute(&statement, &[&ROWS_MAX]).await?,
            Some(days) => tx.execute(&statement, &[&ROWS_MAX, &i32::from(days(retention))]).await?,
        };
        swept.push((name, rows));
        tx.commit().await?;
    }
    // The sweeper has one connection.
    drop(client);
    let age = u32::from(retention.deliveries_days).saturating_mul(86_400);
    let forgotten = deliveries::forget_settled(pool, age, u32::try_from(ROWS_MAX).unwrap_or(u32::MAX)).await?;
    swept.push(("deliveries that were worked off", forgotten));
    // Nothing is deleted by it, and there is no other place that looks by itself.
    let closed = deliveries::close_letters(pool, LETTERS_MAX).await?;
    if closed > 0 {
        log::info!("{closed} dead letters are closed: what deliveries told of has come after all");
    }
    Ok(swept)
}
