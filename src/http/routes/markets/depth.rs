//! GET /api/markets/{market}/depth: what trades of growing size would cost and leave behind, both sides. Computed from the
//! market as it is shown and the fees in force: exactly what the chain would do now. No history is asked.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::{
        amount::{Lamports, PriceE9, ShareUnits},
        config::ProgramConfig,
        entry::FeeSchedule,
        event::Outcome,
        ids::{MarketAddress, Seq, Slot},
        market::Market,
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        query::QueryReader,
        reply,
    },
};

/// Steps of a ladder where none are asked for, and at most.
const LEVELS: u32 = 10;
const LEVELS_MAX: u32 = 20;
/// The smallest size: 0.01 SOL, and 0.01 share.
const SMALLEST: u64 = 10_000_000;

struct ShowDepth {
    market: MarketRef,
    levels: u32,
}

/// A trade of one size: what it would do, or why the program would refuse it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelView {
    /// A buy: lamports that are offered; a sale: share units.
    #[schema(pattern = "^[0-9]+$")]
    size: String,
    shares: Option<ShareUnits>,
    /// A buy: paid in all; a sale: received net.
    cost: Option<Lamports>,
    /// Of YES, after it.
    price_yes_after: Option<PriceE9>,
    /// The program's name of the error.
    refused: Option<&'static str>,
}

/// The ladders of one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SideView {
    outcome: Outcome,
    buy: Vec<LevelView>,
    sell: Vec<LevelView>,
}

/// Both outcomes.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepthView {
    market_id: MarketAddress,
    price_yes: Option<PriceE9>,
    sides: Vec<SideView>,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/depth", tag = "markets", summary = "What trades of growing size would cost and leave behind, both sides",
    params(("market" = String, Path, description = "Account address or seed"),
        ("levels" = Option<u32>, Query, minimum = 1, maximum = 20)),
    responses((status = 200, body = DepthView), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let levels = reader.count("levels", 1..=LEVELS_MAX, LEVELS);
    reader.finish()?;
    reply::cacheable(&request, &gateway.ask(ShowDepth { market, levels }).await?)
}

/// 1, 2, 5, 10, 20, 50 … times the smallest.
fn ladder(levels: u32) -> impl Iterator<Item = u64> {
    (0..levels).map(|level| SMALLEST * [1, 2, 5][level as usize % 3] * 10_u64.pow(level / 3))
}

fn side(market: &Market, outcome: Outcome, fees: FeeSchedule, is_paused: bool, levels: u32) -> SideView {
    let refused = |size: u64, error: crate::domain::error::ProgramError| LevelView {
        size: size.to_string(),
        shares: None,
        cost: None,
        price_yes_after: None,
        refused: Some(error.name()),
    };
    let done = |size: u64, shares, cost, price| LevelView {
        size: size.to_string(),
        shares: Some(shares),
        cost: Some(cost),
        price_yes_after: Some(price),
        refused: None,
    };
    let buy = |size| match market.quote_buy(outcome, Lamports(size), fees, is_paused) {
        Ok(quote) => done(size, quote.shares, quote.total_cost, quote.price_yes_after),
        Err(error) => refused(size, error),
    };
    // As one who held all of them could.
    let held = market.quantities().of(outcome);
    let sell = |size| match market.quote_sell(held, outcome, ShareUnits(size), Lamports(0), fees, is_paused) {
        Ok(quote) => done(size, ShareUnits(size), quote.net, quote.price_yes_after),
        Err(error) => refused(size, error),
    };
    SideView { outcome, buy: ladder(levels).map(buy).collect(), sell: ladder(levels).map(sell).collect() }
}

impl Question for ShowDepth {
    type Answer = DepthView;

    async fn answer(self, reads: Arc<Reads>) -> Result<DepthView, ApiError> {
        let released = reads.released(self.market).await?;
        let config: Option<Arc<ProgramConfig>> = reads.released_config().await?.config;
        let config = config.ok_or_else(|| ApiError::unavailable("The program's fees are not known yet."))?;
        let market = &released.market;
        let sides = [Outcome::Yes, Outcome::No]
            .map(|outcome| side(market, outcome, config.fees, config.is_paused, self.levels));
        Ok(DepthView {
            market_id: market.address,
            price_yes: market.price_yes,
            sides: sides.into(),
            seq: released.seq,
            slot: released.slot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_grows_by_one_two_five() {
        let sizes: Vec<_> = ladder(7).map(|size| size / SMALLEST).collect();
        assert_eq!(sizes, [1, 2, 5, 10, 20, 50, 100]);
        assert_eq!(ladder(LEVELS_MAX).last(), Some(SMALLEST * 2_000_000));
    }
}
