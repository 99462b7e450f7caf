//! Figures of markets (`market_stats`) and of categories: how they are taken, and whose are to be taken again.
//!
//! The writer leaves a row in `stats_due` for each market that a batch moved; a market whose window of 24 hours loses
//! something is found by its own row. A pass takes a bounded number of both and is one transaction: what is taken away is
//! counted, or stays. No figure of a market is added to: each is taken from candles and the market's row, so a pass that is
//! done twice or never finished leaves nothing wrong; those of categories are, so passes come one at a time (a lock).

use tokio_postgres::Transaction;

use super::{JournalError, read::charts::Window};

/// Rows of `stats_due` that a pass takes away.
const DUE_ROWS_MAX: i64 = 2_000;
/// Markets that a pass counts.
const MARKETS_MAX: usize = 500;
/// Held by whoever takes figures: those of categories are added to by what a pass read before, so a keeper that was
/// believed dead must not work beside its successor.
const LOCK: i64 = 0x7a6d_7374_6174_7300;

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Markets that were counted.
    pub markets: usize,
    /// There may be more to do now.
    pub more: bool,
}

/// Takes the figures of those that are due, by this time of the host (seconds since 1970). The caller commits. Nothing is
/// done while another transaction does it.
///
/// # Errors
/// [`JournalError`]: nothing is lost, another pass does it.
pub async fn pass(tx: &Transaction<'_>, now_unix: i64) -> Result<Pass, JournalError> {
    if !tx.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&LOCK]).await?.get::<_, bool>(0) {
        return Ok(Pass { markets: 0, more: false });
    }
    const TAKE: &str = "DELETE FROM stats_due WHERE id IN (SELECT id FROM stats_due ORDER BY id LIMIT $1)
                        RETURNING market";
    let taken = tx.query(TAKE, &[&DUE_ROWS_MAX]).await?;
    let mut more = taken.len() as i64 == DUE_ROWS_MAX;
    let mut markets: Vec<String> = taken.iter().map(|row| row.get(0)).collect();
    markets.sort_unstable();
    markets.dedup();
    const MOVED: &str = "SELECT market FROM market_stats WHERE due_at_unix <= $1 ORDER BY due_at_unix LIMIT $2";
    let moved = tx.query(MOVED, &[&now_unix, &(MARKETS_MAX as i64)]).await?;
    more |= moved.len() == MARKETS_MAX;
    markets.extend(moved.iter().map(|row| row.get::<_, String>(0)));
    markets.sort_unstable();
    markets.dedup();
    for some in markets.chunks(MARKETS_MAX) {
        take(tx, some, now_unix).await?;
    }
    Ok(Pass { markets: markets.len(), more })
}

/// Takes the figures of these markets.
///
/// # Errors
/// [`JournalError`].
pub async fn take(tx: &Transaction<'_>, markets: &[String], now_unix: i64) -> Result<(), JournalError> {
    let window = Window::at(now_unix);
    tx.execute(TAKE_FIGURES, &[&markets, &now_unix, &window.since, &window.whole_hours]).await?;
    Ok(())
}

/// The wallets of a day are counted trade by trade. Where there are many, not at each pass: a thousand trades a second of
/// each market at most.
const TAKE_FIGURES: &str = "
    WITH old AS (
        SELECT s.* FROM unnest($1::text[]) AS asked (market) JOIN market_stats s USING (market)
    ), fresh AS (
        SELECT m.address AS market, m.last_seq, m.creator_wallet, m.phase, m.vanished, m.category,
               m.created_at_unix, extract(epoch FROM (m.metadata ->> 'closes_at')::timestamptz)::bigint AS ends_at_unix, coalesce(m.price_yes, -1) AS price_yes,
               coalesce(day.close, 500000000) AS price_yes_before, m.total_volume, m.current_liquidity, m.traders_count,
               w.volume, w.trades, w.low_epoch, w.low_seq, before.volume AS volume_before,
               old.market IS NULL OR w.trades <= 2000
                   OR old.counted_at_unix <= $2::bigint - 60 - w.trades / 1000 AS counts,
               old.traders_24h, old.counted_at_unix, w.oldest
        FROM unnest($1::text[]) AS asked (market)
        JOIN markets m ON m.address = asked.market
        LEFT JOIN old ON old.market = asked.market
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(c.volume), 0) AS volume, coalesce(sum(c.trades), 0)::bigint AS trades,
                   min(c.low_epoch) AS low_epoch, min(c.low_seq) AS low_seq, min(c.bucket_unix) AS oldest
            FROM (
                SELECT * FROM candles
                WHERE market = asked.market AND step = 60 AND bucket_unix >= $3::bigint AND bucket_unix < $4::bigint
                UNION ALL
                SELECT * FROM candles WHERE market = asked.market AND step = 3600 AND bucket_unix >= $4::bigint
            ) c
        ) w
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(volume), 0) AS volume FROM candles
            WHERE market = asked.market AND step = 3600 AND bucket_unix >= $4::bigint - 25 * 3600
              AND bucket_unix < $4::bigint - 3600
        ) before
        LEFT JOIN LATERAL (
            -- Mostly there is one in the quarter before: only where there is none every partition is looked into.
            SELECT coalesce(
                (SELECT close FROM candles WHERE market = asked.market AND step = 60 AND bucket_unix < $3::bigint
                     AND bucket_unix >= $3::bigint - 7948800 ORDER BY bucket_unix DESC LIMIT 1),
                (SELECT close FROM candles WHERE market = asked.market AND step = 60
                     AND bucket_unix < $3::bigint - 7948800 ORDER BY bucket_unix DESC LIMIT 1)) AS close
        ) day ON true
    ), kept AS (
        INSERT INTO market_stats AS s (market, seq, creator_wallet, phase, category, created_at_unix, ends_at_unix, price_yes,
            price_yes_before, volume, liquidity, traders, volume_24h, trades_24h, traders_24h, volume_before,
            counted_at_unix, due_at_unix)
        SELECT market, last_seq, creator_wallet, phase, category, created_at_unix, ends_at_unix, price_yes,
               price_yes_before, total_volume, current_liquidity, traders_count, volume, trades,
               CASE WHEN trades = 0 THEN 0 WHEN NOT counts THEN traders_24h ELSE (
                   SELECT count(DISTINCT t.user_wallet) FROM trades t
                   WHERE t.market = fresh.market AND (t.epoch, t.seq) >= (fresh.low_epoch, fresh.low_seq)
                     AND t.block_time_unix >= $3::bigint AND NOT t.orphaned) END,
               volume_before,
               CASE WHEN counts THEN $2::bigint ELSE counted_at_unix END,
               CASE WHEN trades > 0 THEN least(oldest + 86400, CASE WHEN NOT counts
                                                               THEN counted_at_unix + 61 + trades / 1000 END)
                    WHEN volume_before > 0 THEN $2::bigint + 3600 END
        FROM fresh WHERE NOT vanished
        ON CONFLICT (market) DO UPDATE SET (seq, phase, category, ends_at_unix, price_yes, price_yes_before, volume,
            liquidity, traders, volume_24h, trades_24h, traders_24h, volume_before, counted_at_unix, due_at_unix,
            creator_wallet, created_at_unix)
            = ROW (excluded.seq, excluded.phase, excluded.category, excluded.ends_at_unix, excluded.price_yes,
            excluded.price_yes_before, excluded.volume, excluded.liquidity, excluded.traders, excluded.volume_24h,
            excluded.trades_24h, excluded.traders_24h, excluded.volume_before, excluded.counted_at_unix,
            excluded.due_at_unix, excluded.creator_wallet, excluded.created_at_unix)
        RETURNING s.category, s.volume_24h, s.volume_before
    ), gone AS (
        DELETE FROM market_stats s USING fresh WHERE s.market = fresh.market AND fresh.vanished
    )
    INSERT INTO category_stats AS c (category, markets, volume_24h, volume_before)
    SELECT category, sum(markets), sum(volume_24h), sum(volume_before) FROM (
        SELECT category, 1 AS markets, volume_24h, volume_before FROM kept
        UNION ALL
        SELECT category, -1, -volume_24h, -volume_before FROM old
    ) moved
    WHERE category IS NOT NULL
    GROUP BY category
    ON CONFLICT (category) DO UPDATE SET markets = c.markets + excluded.markets,
        volume_24h = c.volume_24h + excluded.volume_24h, volume_before = c.volume_before + excluded.volume_before";
