//! GET /api/trades/estimate (and /quote): what a trade would do now, by the chain's own arithmetic and without asking it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::IntoParams;

use super::{
    Place, Size,
    args::{MarketId, OutcomeArg},
};
use crate::{
    domain::amount::{Lamports, ShareUnits},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        openapi::errors::{NotFound, Unprocessable},
        query::QueryReader,
        reply,
    },
    view::quote::QuoteView,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Estimate {
    market: MarketId,
    outcome: OutcomeArg,
    trade: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Buy(Size),
    Sell(ShareUnits),
}

const AMOUNT: &str = "a whole number of base units above 0";

impl Estimate {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut query = QueryReader::new(query)?;
        let market = required(&mut query, "market_id", "a market's address or seed");
        let outcome = required(&mut query, "outcome", "YES, NO, true or false");
        let side = query.text("trade_type");
        let shares = amount(&mut query, "shares").map(ShareUnits);
        let spend = amount(&mut query, "spend").map(Lamports);
        let trade = match (side.as_deref(), shares, spend) {
            (Some("buy"), Some(shares), None) => Some(Asked::Buy(Size::Shares(shares))),
            (Some("buy"), None, Some(spend)) => Some(Asked::Buy(Size::Spend(spend))),
            (Some("sell"), Some(shares), None) => Some(Asked::Sell(shares)),
            (Some("buy"), ..) => {
                query.refuse("shares", "A buy needs one of shares and spend.");
                None
            }
            (Some("sell"), ..) => {
                query.refuse("shares", "A sell needs shares, and no spend.");
                None
            }
            _ => {
                query.refuse("trade_type", "Must be buy or sell.");
                None
            }
        };
        query.finish()?;
        match (market, outcome, trade) {
            (Some(market), Some(outcome), Some(trade)) => Ok(Self { market, outcome, trade }),
            // What is missing was refused above.
            _ => Err(ApiError::invalid_field("query", "Something is missing.")),
        }
    }
}

fn required<T: std::str::FromStr>(query: &mut QueryReader, field: &'static str, what: &'static str) -> Option<T> {
    let text = query.text(field);
    let value = text.and_then(|text| text.parse().ok());
    if value.is_none() {
        query.refuse(field, format!("Must be {what}."));
    }
    value
}

fn amount(query: &mut QueryReader, field: &'static str) -> Option<u64> {
    let text = query.text(field)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| digits && *value > 0);
    if value.is_none() {
        query.refuse(field, format!("Must be {AMOUNT}."));
    }
    value
}

/// What an estimate is of.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // described only: `Estimate::parse` reads it
struct EstimateQuery {
    /// The market's address or seed.
    market_id: String,
    /// buy or sell.
    trade_type: String,
    /// YES, NO, true or false.
    outcome: String,
    /// Share units: bought at least, or sold.
    shares: Option<String>,
    /// Lamports to offer for a buy, instead of shares.
    spend: Option<String>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/trades/estimate",
    tag = "trades",
    summary = "What a trade would do now, by the chain's own arithmetic and without asking it",
    params(EstimateQuery),
    responses((status = 200, body = QuoteView), (status = 304, description = "Not modified"), NotFound, Unprocessable)
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let quote = gateway.ask(Estimate::parse(request.query_string())?).await?;
    reply::cacheable(&request, &quote)
}

/// The same, by another name.
///
/// # Errors
/// As [`handle`].
#[utoipa::path(
    get,
    path = "/api/trades/quote",
    tag = "trades",
    summary = "As /api/trades/estimate",
    params(EstimateQuery),
    responses((status = 200, body = QuoteView), (status = 304, description = "Not modified"), NotFound, Unprocessable)
)]
pub async fn quote(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    handle(request, gateway).await
}

impl Question for Estimate {
    type Answer = QuoteView;

    async fn answer(self, reads: Arc<Reads>) -> Result<QuoteView, ApiError> {
        let Self { market: MarketId(market), outcome: OutcomeArg(outcome), trade } = self;
        let place = Place::of(&reads, market).await?;
        match trade {
            Asked::Buy(size) => place.buy(&reads, outcome, size),
            // Nobody's in particular: whoever holds them.
            Asked::Sell(shares) => place.sell(&reads, shares, outcome, shares, Lamports::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_whole_or_refused_by_field() {
        let market = "market_id=7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS";
        let rows: [(&str, Result<Asked, &[&str]>); 11] = [
            ("&trade_type=buy&outcome=YES&shares=5", Ok(Asked::Buy(Size::Shares(ShareUnits(5))))),
            ("&trade_type=buy&outcome=false&spend=5", Ok(Asked::Buy(Size::Spend(Lamports(5))))),
            ("&trade_type=sell&outcome=NO&shares=5", Ok(Asked::Sell(ShareUnits(5)))),
            ("&trade_type=sell&outcome=NO&spend=5", Err(&["shares"])),
            ("&trade_type=buy&outcome=NO&spend=5&shares=5", Err(&["shares"])),
            ("&trade_type=buy&outcome=NO", Err(&["shares"])),
            ("&trade_type=hold&outcome=NO&shares=5", Err(&["trade_type"])),
            ("&trade_type=buy&shares=5", Err(&["outcome"])),
            ("&trade_type=buy&outcome=YES&shares=0", Err(&["shares", "shares"])),
            ("&trade_type=buy&outcome=YES&shares=-1", Err(&["shares", "shares"])),
            ("&outcome=maybe", Err(&["outcome", "trade_type"])),
        ];
        for (query, expected) in rows {
            let read = Estimate::parse(&format!("{market}{query}")).map(|asked| asked.trade);
            let fields = |error: ApiError| error.details.iter().map(|d| d.field.to_string()).collect::<Vec<_>>();
            let expected = expected.map_err(|fields| fields.iter().map(ToString::to_string).collect());
            assert_eq!(read.map_err(fields), expected, "{query}");
        }
        assert!(Estimate::parse("trade_type=buy&outcome=YES&shares=5").is_err());
    }
}
