//! GET /api/trades/estimate (and /quote): what a trade would do now, by the chain's own arithmetic and without asking it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::IntoParams;

use super::{
    Place, Size,
    args::{MarketId, OutcomeArg},
};
use crate::{
    domain::{
        amount::{Lamports, ShareUnits},
        event::Outcome,
        ids::{Epoch, MarketAddress, Seq, Slot},
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Observed, Question, Reads},
        openapi::errors::{NotFound, Unprocessable},
        query::QueryReader,
        reply,
    },
    view::quote::QuoteView,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Estimate {
    /// Where.
    pub market: MarketRef,
    /// What.
    pub trade: Asked,
}

/// The trade that an estimate is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Asked {
    /// A buy.
    Buy(Outcome, Size),
    /// A sell of so many.
    Sell(Outcome, ShareUnits),
}

impl Asked {
    /// What it would do here.
    ///
    /// # Errors
    /// CHAIN_REFUSED with the program's error.
    pub fn at(self, place: &Place, reads: &Reads) -> Result<QuoteView, ApiError> {
        match self {
            Self::Buy(outcome, size) => place.buy(reads, outcome, size),
            // Nobody's in particular: whoever holds them.
            Self::Sell(outcome, shares) => place.sell(reads, shares, outcome, shares, Lamports::ZERO),
        }
    }
}

/// An estimate, and the entry of its market at which it holds.
#[derive(Debug, Clone)]
pub(in crate::http) struct Quoted {
    /// The market.
    pub market: MarketAddress,
    /// The journal's life.
    pub epoch: Epoch,
    /// The market's newest entry.
    pub seq: Seq,
    /// Its place on the chain.
    pub slot: Slot,
    /// The estimate; CHAIN_REFUSED if the program would refuse the trade.
    pub quote: Result<QuoteView, ApiError>,
}

impl Quoted {
    /// Of a trade at a place.
    pub fn at(place: &Place, reads: &Reads, trade: Asked) -> Self {
        let released = &place.released;
        let (market, epoch) = (released.market.address, released.epoch);
        Self { market, epoch, seq: released.seq, slot: released.slot, quote: trade.at(place, reads) }
    }
}

enum Side {
    Buy(Size),
    Sell(ShareUnits),
}

const AMOUNT: &str = "a whole number of base units above 0";

impl Estimate {
    /// As a query, or a message, says it.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused fields.
    pub fn read(mut query: QueryReader) -> Result<Self, ApiError> {
        let market: Option<MarketId> = required(&mut query, "market_id", "a market's address or seed");
        let outcome: Option<OutcomeArg> = required(&mut query, "outcome", "YES, NO, true or false");
        let side = query.text("trade_type");
        let shares = amount(&mut query, "shares").map(ShareUnits);
        let spend = amount(&mut query, "spend").map(Lamports);
        let trade = match (side.as_deref(), shares, spend) {
            (Some("buy"), Some(shares), None) => Some(Side::Buy(Size::Shares(shares))),
            (Some("buy"), None, Some(spend)) => Some(Side::Buy(Size::Spend(spend))),
            (Some("sell"), Some(shares), None) => Some(Side::Sell(shares)),
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
            (Some(MarketId(market)), Some(OutcomeArg(outcome)), Some(side)) => {
                let trade = match side {
                    Side::Buy(size) => Asked::Buy(outcome, size),
                    Side::Sell(shares) => Asked::Sell(outcome, shares),
                };
                Ok(Self { market, trade })
            }
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
    let quote = gateway.ask(Estimate::read(QueryReader::new(request.query_string())?)?).await?;
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
        self.trade.at(&Place::of(&reads, self.market).await?, &reads)
    }
}

/// An estimate that tells where it holds, and how long.
pub(in crate::http) struct EstimateAt(pub Estimate);

impl Question for EstimateAt {
    type Answer = (Quoted, Observed);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Estimate { market, trade } = self.0;
        let (place, seen) = Place::observed(&reads, market).await?;
        Ok((Quoted::at(&place, &reads, trade), seen))
    }
}

/// Several trades in one market, each estimated once.
pub(in crate::http) struct EstimateMany {
    /// The market.
    pub market: MarketAddress,
    /// The trades.
    pub trades: Vec<Asked>,
}

impl Question for EstimateMany {
    type Answer = (Vec<Quoted>, Observed);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let (place, seen) = Place::observed(&reads, MarketRef::Address(self.market)).await?;
        let mut quoted = Vec::with_capacity(self.trades.len());
        for trade in self.trades {
            quoted.push(Quoted::at(&place, &reads, trade));
            // A search for a budget takes its time: others of this worker come in between.
            tokio::task::yield_now().await;
        }
        Ok((quoted, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Estimate, ApiError> {
        Estimate::read(QueryReader::new(query).unwrap())
    }

    #[test]
    fn a_query_is_whole_or_refused_by_field() {
        let market = "market_id=7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS";
        let rows: [(&str, Result<Asked, &[&str]>); 11] = [
            ("&trade_type=buy&outcome=YES&shares=5", Ok(Asked::Buy(Outcome::Yes, Size::Shares(ShareUnits(5))))),
            ("&trade_type=buy&outcome=false&spend=5", Ok(Asked::Buy(Outcome::No, Size::Spend(Lamports(5))))),
            ("&trade_type=sell&outcome=NO&shares=5", Ok(Asked::Sell(Outcome::No, ShareUnits(5)))),
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
            let read = parse(&format!("{market}{query}")).map(|asked| asked.trade);
            let fields = |error: ApiError| error.details.iter().map(|d| d.field.to_string()).collect::<Vec<_>>();
            let expected = expected.map_err(|fields| fields.iter().map(ToString::to_string).collect());
            assert_eq!(read.map_err(fields), expected, "{query}");
        }
        assert!(parse("trade_type=buy&outcome=YES&shares=5").is_err());
    }
}
