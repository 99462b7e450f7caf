//! GET /api/markets/trending: what is traded just now; in the shape that old front ends know.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{amount::PriceE9, ids::MarketAddress},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        query::QueryReader,
        views::Views,
    },
    journal::read::listing::{self, TrendingRow},
    view::chart::Decimals,
};

struct ListTrending {
    limit: u32,
}

/// A market that is traded just now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingMarket {
    id: MarketAddress,
    question: Option<String>,
    /// Percent.
    yes_price: Option<Decimals>,
    /// Of the price, in percentage points.
    #[serde(rename = "change24h")]
    change_24h: Option<Decimals>,
    /// SOL.
    #[serde(rename = "volume24h")]
    volume_24h: Decimals,
    /// In 24 hours.
    unique_traders: u64,
    /// 0.6 x volume24h + 0.4 x uniqueTraders.
    trending_score: Decimals,
}

impl From<&TrendingRow> for TrendingMarket {
    fn from(row: &TrendingRow) -> Self {
        let change =
            |price: u64| Decimals { units: i128::from(price) - i128::from(row.figures.price_yes_before), places: 7 };
        Self {
            id: row.address,
            question: row.question.clone(),
            yes_price: row.price_yes.map(|price| Decimals::percent(PriceE9(price))),
            change_24h: row.price_yes.map(change),
            volume_24h: Decimals::sol(row.figures.volume_24h),
            unique_traders: row.figures.traders_24h,
            trending_score: Decimals { units: i128::try_from(row.score).unwrap_or(i128::MAX), places: 10 },
        }
    }
}

/// The highest score first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrendingView {
    trending: Vec<TrendingMarket>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/trending", tag = "markets", summary = "What is traded just now",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 100)),
    responses((status = 200, body = TrendingView), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT")))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    let asked = async {
        let mut reader = QueryReader::new(request.query_string())?;
        let limit = reader.window().limit;
        reader.finish()?;
        gateway.ask(ListTrending { limit }).await
    };
    views.kept(&request, asked).await
}

impl Question for ListTrending {
    type Answer = TrendingView;

    async fn answer(self, reads: Arc<Reads>) -> Result<TrendingView, ApiError> {
        let limit = self.limit;
        let rows = reads.read(async |tx| Ok(listing::trending(tx, limit).await?)).await?;
        Ok(TrendingView { trending: rows.iter().map(TrendingMarket::from).collect() })
    }
}
