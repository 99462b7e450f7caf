//! Reading candles and what follows from them: stored buckets, the price at given moments, the extremes of a day.
//!
//! Every question is bounded by what it asks for: buckets of a stretch, or a look-up a moment. Never looks at trades.

use tokio_postgres::Row;

use super::{ReadFailure, ask::Ask, listing::number, unsigned};
use crate::{domain::ids::MarketAddress, journal::rows::StoredCandle};

/// The newest 1,440 minutes: the running one and those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first second of it.
    pub since: i64,
    /// From here on, whole hours.
    pub whole_hours: i64,
}

impl Window {
    /// At this time.
    pub fn at(now_unix: i64) -> Self {
        let since = now_unix - now_unix.rem_euclid(60) - 1_439 * 60;
        Self { since, whole_hours: since + (-since).rem_euclid(3_600) }
    }
}

/// The stored candles of `step` (60 or 3,600 s) from one second to before another, oldest first, at most `limit`.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn candles<C: Ask>(
    client: &C,
    market: MarketAddress,
    step: i32,
    from_unix: i64,
    to_unix: i64,
    limit: u32,
) -> Result<Vec<StoredCandle>, ReadFailure> {
    const SQL: &str = "SELECT bucket_unix, open, high, low, close, volume::text, trades FROM candles
                       WHERE market = $1 AND step = $2 AND bucket_unix >= $3 AND bucket_unix < $4
                       ORDER BY bucket_unix LIMIT $5";
    let rows = client.query(SQL, &[&market.to_string(), &step, &from_unix, &to_unix, &i64::from(limit)]).await?;
    rows.iter().map(candle).collect()
}

fn candle(row: &Row) -> Result<StoredCandle, ReadFailure> {
    let price = |at: usize| Ok::<_, ReadFailure>(unsigned("candles", row.try_get(at)?)?);
    let volume: String = row.try_get(5)?;
    Ok(StoredCandle {
        bucket_unix: row.try_get(0)?,
        open: price(1)?,
        high: price(2)?,
        low: price(3)?,
        close: price(4)?,
        volume: number("candles", &volume)?,
        trades: price(6)?,
    })
}

/// The price of YES right before each of these seconds (whole minutes), in their order; `None` before the first trade.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn prices_before<C: Ask>(
    client: &C,
    market: MarketAddress,
    moments_unix: &[i64],
) -> Result<Vec<Option<u64>>, ReadFailure> {
    // Mostly there is one in the quarter before: only where there is none every partition is looked into.
    const SQL: &str = "SELECT coalesce(
                           (SELECT close FROM candles WHERE market = $1 AND step = 60
                              AND bucket_unix < at.moment AND bucket_unix >= at.moment - 7948800
                            ORDER BY bucket_unix DESC LIMIT 1),
                           (SELECT close FROM candles WHERE market = $1 AND step = 60
                              AND bucket_unix < at.moment - 7948800 ORDER BY bucket_unix DESC LIMIT 1))
                       FROM unnest($2::bigint[]) WITH ORDINALITY AS at (moment, place) ORDER BY at.place";
    let rows = client.query(SQL, &[&market.to_string(), &moments_unix]).await?;
    rows.iter()
        .map(|row| Ok(row.try_get::<_, Option<i64>>(0)?.map(|price| unsigned("candles", price)).transpose()?))
        .collect()
}

/// The highest and the lowest price of YES from one second on; `None` if nothing was traded. `whole_hours_unix` is the
/// next whole hour.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn extremes<C: Ask>(
    client: &C,
    market: MarketAddress,
    since_unix: i64,
    whole_hours_unix: i64,
) -> Result<Option<(u64, u64)>, ReadFailure> {
    const SQL: &str = "SELECT max(high), min(low) FROM (
            SELECT high, low FROM candles WHERE market = $1 AND step = 60 AND bucket_unix >= $2 AND bucket_unix < $3
            UNION ALL
            SELECT high, low FROM candles WHERE market = $1 AND step = 3600 AND bucket_unix >= $3) day";
    let row = client.query_one(SQL, &[&market.to_string(), &since_unix, &whole_hours_unix]).await?;
    let (high, low): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    match (high, low) {
        (Some(high), Some(low)) => Ok(Some((unsigned("candles", high)?, unsigned("candles", low)?))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_1_440_minutes_and_its_hours_are_whole() {
        for now in [0, 59, 60, 3_599, 3_600, 86_400, 1_700_000_000, 1_700_006_399] {
            let Window { since, whole_hours } = Window::at(now);
            assert_eq!((since % 60, whole_hours % 3_600), (0, 0), "{now}");
            assert_eq!((now - since) / 60, 1_439, "{now}");
            assert!((since..since + 3_600).contains(&whole_hours), "{now}");
        }
    }
}
