//! GET /api/markets/{market}/price-history: the price in percent, evenly sampled; in the shape that old front ends know.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::{
        amount::{PriceE9, UnixSeconds},
        lmsr::{Curve, Quantities},
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        query::QueryReader,
        reply,
    },
    journal::read::charts,
    view::chart::Decimals,
};

/// Most points in an answer.
const POINTS_MAX: u32 = 500;
/// Points in an answer where none are asked for.
const POINTS: u32 = 100;
const MINUTE: i64 = 60;

struct ShowHistory {
    market: MarketRef,
    from: Option<i64>,
    to: i64,
    sampling: Sampling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sampling {
    Points(i64),
    /// Seconds.
    Every(i64),
}

/// The price at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricePoint {
    timestamp: UnixSeconds,
    /// Percent, 0 to 100.
    yes: Decimals,
    /// Percent, 0 to 100.
    no: Decimals,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/price-history", tag = "markets", summary = "The price in percent, evenly sampled",
    params(("market" = String, Path, description = "Account address or seed"),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since 1970; the market's creation if not given"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since 1970; now if not given"),
        ("points" = Option<u32>, Query, minimum = 2, maximum = 500, description = "How many, evenly spread"),
        ("interval" = Option<String>, Query, description = "Instead: 1m, 5m, 15m, 1h, 4h or 1d between two")),
    responses((status = 200, body = Vec<PricePoint>), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let (from, to) = (reader.moment("from"), reader.moment("to"));
    let points = reader.count("points", 2..=POINTS_MAX, POINTS);
    let interval: Option<crate::view::chart::Resolution> = reader.parsed("interval", "one of 1m, 5m, 15m, 1h, 4h, 1d");
    let to = to.unwrap_or_else(|| chrono::Utc::now().timestamp());
    if from.is_some_and(|from| from >= to) {
        reader.refuse("from", "Must be before `to`.");
    }
    let sampling = interval.map_or(Sampling::Points(points.into()), |interval| Sampling::Every(interval.seconds()));
    if let (Sampling::Every(every), Some(from)) = (sampling, from)
        && (to - from) / every >= i64::from(POINTS_MAX)
    {
        reader.refuse(
            "interval",
            format!("More than {POINTS_MAX} points: ask for a longer interval or a shorter stretch."),
        );
    }
    reader.finish()?;
    reply::cacheable(&request, &gateway.ask(ShowHistory { market, from, to, sampling }).await?)
}

/// The moments to look at, whole minutes, oldest first; the last is the end of the running minute.
fn moments(from: i64, to: i64, sampling: Sampling) -> Vec<i64> {
    let (first, last) = (from - from.rem_euclid(MINUTE), to - to.rem_euclid(MINUTE) + MINUTE);
    let length = (last - first).max(MINUTE);
    match sampling {
        Sampling::Points(points) => {
            let gaps = (points - 1).min(length / MINUTE).max(1);
            let minutes = length / MINUTE;
            (0..=gaps).map(|at| first + minutes * at / gaps * MINUTE).collect()
        }
        Sampling::Every(every) => {
            let points = (length / every + 1).min(POINTS_MAX.into());
            (0..points).rev().map(|back| last - back * every).collect()
        }
    }
}

impl Question for ShowHistory {
    type Answer = Vec<PricePoint>;

    async fn answer(self, reads: Arc<Reads>) -> Result<Vec<PricePoint>, ApiError> {
        let released = reads.released(self.market).await?;
        let market = &*released.market;
        let from = self.from.unwrap_or(market.created_at.0).min(self.to - MINUTE);
        let moments = moments(from, self.to, self.sampling);
        let address = market.address;
        let prices = reads.read(async |tx| Ok(charts::prices_before(tx, address, &moments).await?)).await?;
        // What a market begins with; none where it can't be traded.
        let b = market.b_parameter;
        let first = Curve::Program.price_yes(Quantities::initial(b), b).ok();
        let point = |(at, price): (&i64, Option<u64>)| {
            let price = price.map(PriceE9).or(first)?;
            let timestamp = UnixSeconds(*at);
            Some(PricePoint { timestamp, yes: Decimals::percent(price), no: Decimals::percent(price.complement()) })
        };
        Ok(moments.iter().zip(prices).filter_map(point).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_even_and_reach_from_the_first_minute_to_the_end_of_the_last() {
        assert_eq!(moments(0, 600, Sampling::Points(3)), [0, 300, 660]);
        assert_eq!(moments(30, 119, Sampling::Points(100)), [0, 60, 120]);
        assert_eq!(moments(0, 3_600, Sampling::Every(900)), [60, 960, 1_860, 2_760, 3_660]);
        let many = moments(0, 31_536_000, Sampling::Points(500));
        assert_eq!((many.len(), many[0], many[499]), (500, 0, 31_536_060));
        assert_eq!(moments(0, 31_536_000, Sampling::Every(60)).len(), 500);
    }
}
