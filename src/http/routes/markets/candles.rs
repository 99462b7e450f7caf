//! GET /api/markets/{market}/candles: open, high, low and close of YES, and what was traded, a bucket after another.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::ids::{MarketAddress, Seq, Slot},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        query::QueryReader,
        reply,
    },
    journal::read::charts,
    view::chart::{self, CandleView, Resolution},
};

/// Most candles in an answer.
const CANDLES_MAX: u32 = 500;
/// Candles in an answer where none are asked for.
const CANDLES: u32 = 100;

struct ShowCandles {
    market: MarketRef,
    stretch: Stretch,
}

/// Which candles: whole buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    resolution: Resolution,
    from: i64,
    to: i64,
}

/// Candles, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandlesView {
    market_id: MarketAddress,
    resolution: Resolution,
    candles: Vec<CandleView>,
    /// Candles in this answer.
    count: usize,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/candles", tag = "markets", summary = "Open, high, low and close of YES, and what was traded, a bucket after another",
    params(("market" = String, Path, description = "Account address or seed"),
        ("resolution" = Option<String>, Query, description = "1m, 5m, 15m, 1h (default), 4h, 1d"),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since 1970; limit buckets before `to` if not given"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since 1970; now if not given"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500)),
    responses((status = 200, body = CandlesView), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let stretch = parse(request.query_string(), chrono::Utc::now().timestamp())?;
    reply::cacheable(&request, &gateway.ask(ShowCandles { market, stretch }).await?)
}

fn parse(query: &str, now: i64) -> Result<Stretch, ApiError> {
    let mut reader = QueryReader::new(query)?;
    let resolution = reader.parsed("resolution", "one of 1m, 5m, 15m, 1h, 4h, 1d").unwrap_or(Resolution::Hour);
    let (from, to) = (reader.moment("from"), reader.moment("to"));
    let limit = i64::from(reader.count("limit", 1..=CANDLES_MAX, CANDLES));
    // The bucket of `to` itself is the last one only if something of it is asked for.
    let length = limit * resolution.seconds();
    let (from, to) = match (from, to) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, now + 1),
        (None, to) => {
            let to = to.unwrap_or(now + 1);
            (resolution.bucket(to - 1) + resolution.seconds() - length, to)
        }
    };
    if from >= to {
        reader.refuse("from", "Must be before `to`.");
    }
    reader.finish()?;
    let from = resolution.bucket(from);
    Ok(Stretch { resolution, from, to: to.min(from + length) })
}

impl Question for ShowCandles {
    type Answer = CandlesView;

    async fn answer(self, reads: Arc<Reads>) -> Result<CandlesView, ApiError> {
        let Stretch { resolution, from, to } = self.stretch;
        let released = reads.released(self.market).await?;
        let market = released.market.address;
        let step = resolution.step();
        // Whole buckets of the resolution, so the bound follows from the stretch.
        let last = resolution.bucket(to - 1) + resolution.seconds();
        let parts = u32::try_from((last - from) / i64::from(step)).unwrap_or(u32::MAX);
        let (stored, before) = reads
            .read(async |tx| {
                let stored = charts::candles(tx, market, step, from, last, parts).await?;
                Ok((stored, charts::prices_before(tx, market, &[from]).await?))
            })
            .await?;
        let close_before = before.into_iter().next().flatten();
        let candles = chart::candles(&stored, resolution, from, to, close_before);
        Ok(CandlesView {
            market_id: market,
            resolution,
            count: candles.len(),
            candles,
            seq: released.seq,
            slot: released.slot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_whole_buckets_and_bounded() {
        let now = 1_000_000;
        let read = |query: &str| parse(query, now).map(|it| (it.resolution.seconds(), it.from, it.to));
        assert_eq!(read("").unwrap(), (3_600, 1_000_800 - 360_000, now + 1));
        assert_eq!(read("resolution=1m&from=7200&to=7260&limit=500").unwrap(), (60, 7_200, 7_260));
        assert_eq!(read("resolution=1m&from=7230&to=90000&limit=3").unwrap(), (60, 7_200, 7_380));
        assert_eq!(read("resolution=1d&to=86400&limit=1").unwrap(), (86_400, 0, 86_400));
        for (query, field) in [
            ("resolution=2m", "resolution"),
            ("from=x", "from"),
            ("from=5&to=5", "from"),
            ("limit=501", "limit"),
            ("to=1&to=2", "to"),
        ] {
            assert_eq!(parse(query, now).unwrap_err().details[0].field, field, "{query}");
        }
    }
}
