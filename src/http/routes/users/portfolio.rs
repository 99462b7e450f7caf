//! GET /api/users/{wallet}/portfolio: what a wallet's positions were worth over time, evenly sampled.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::wallet_of;
use crate::{
    domain::{
        amount::UnixSeconds,
        ids::{MarketAddress, Wallet},
        ledger::{Profit, UnixHour},
        portfolio::{Worth, moments},
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        query::QueryReader,
        views::Views,
    },
    journal::{read::wallets, rows::wallets::WindowName},
    view::wallet::{Sum, WINDOWS},
};

/// Most points in an answer.
const POINTS_MAX: u32 = 60;
/// Points in an answer where none are asked for.
const POINTS: u32 = 30;

/// A portfolio over time.
pub(in crate::http) struct ShowPortfolio {
    wallet: Wallet,
    window: WindowName,
    points: u32,
    /// The end of the running hour.
    end: UnixHour,
}

/// A portfolio at the end of an hour.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct PortfolioPoint {
    /// The end of an hour; of the last point that of the running one, as it stands now.
    pub timestamp: UnixSeconds,
    pub value: Sum,
    /// What it had cost.
    pub cost: Sum,
    /// Up to then.
    pub realized_pnl: Profit,
}

/// A wallet's portfolio over time.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct Portfolio {
    pub wallet: Wallet,
    pub window: &'static str,
    pub points: Vec<PortfolioPoint>,
    /// Positions that were counted: at most the 50 that were traded last.
    pub positions: usize,
    /// There are more positions than were counted, or one with more hours than are looked at.
    pub truncated: bool,
}

/// What a wallet's positions were worth over time, evenly sampled, by the prices of each moment.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields; what the gateway answers.
#[utoipa::path(get, path = "/api/users/{wallet}/portfolio", tag = "users", summary = "What a wallet's positions were worth over time, evenly sampled",
    params(("wallet" = Wallet, Path, description = "The wallet's address."),
        ("window" = Option<String>, Query, description = "24h, 7d, 30d (if not given) or all.", pattern = "^(24h|7d|30d|all)$"),
        ("points" = Option<u32>, Query, minimum = 2, maximum = 60, description = "How many, 2 to 60; 30 if not given.")),
    responses((status = 200, body = Portfolio), (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "A field was refused."), (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long.")))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    let wallet = wallet_of(&request)?;
    let asked = ShowPortfolio::read(wallet, QueryReader::new(request.query_string())?)?;
    views.kept(&request, gateway.ask(asked)).await
}

impl ShowPortfolio {
    /// As a query, or a message, says it.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused fields.
    pub fn read(wallet: Wallet, mut reader: QueryReader) -> Result<Self, ApiError> {
        let window = reader.one_of("window", &WINDOWS).unwrap_or(WindowName::Month);
        let points = reader.count("points", 2..=POINTS_MAX, POINTS);
        reader.finish()?;
        let end = UnixHour(UnixHour::of(UnixSeconds(chrono::Utc::now().timestamp())).0 + 1);
        Ok(Self { wallet, window, points, end })
    }
}

impl Question for ShowPortfolio {
    type Answer = Portfolio;

    async fn answer(self, reads: Arc<Reads>) -> Result<Portfolio, ApiError> {
        let Self { wallet, window, points, end } = self;
        reads
            .read(async |tx| {
                let from = match window.hours() {
                    Some(hours) => UnixHour(end.0 - hours),
                    None => wallets::first_hour(tx, wallet).await?.unwrap_or(end),
                };
                let (pasts, truncated) = wallets::pasts(tx, wallet, from).await?;
                let moments = moments(from, end, points);
                // The running hour is shown as it stands, trades of a chain whose clock is ahead included.
                let cut = |at: UnixHour| if at == end { UnixHour(i64::MAX) } else { at };
                let wanted: Vec<(MarketAddress, UnixHour)> = pasts
                    .iter()
                    .flat_map(|found| {
                        let open = moments.iter().map(|at| cut(*at)).filter(|at| found.past.needs_price(*at));
                        open.map(|at| (found.market, at))
                    })
                    .collect();
                let mut prices = wallets::prices(tx, &wanted).await?.into_iter();
                let mut worth = vec![Worth::default(); moments.len()];
                for found in &pasts {
                    for (at, sum) in moments.iter().zip(&mut worth) {
                        let needed = found.past.needs_price(cut(*at));
                        let price = if needed { prices.next().flatten() } else { None };
                        sum.add(found.past.worth(cut(*at), price.unwrap_or(found.price_yes_now)));
                    }
                }
                let points = moments.iter().zip(worth).map(|(at, worth)| PortfolioPoint {
                    timestamp: UnixSeconds(at.0.saturating_mul(3_600)),
                    value: Sum(worth.value),
                    cost: Sum(worth.cost),
                    realized_pnl: worth.realised,
                });
                let points = points.collect();
                Ok(Portfolio { wallet, window: window.as_str(), points, positions: pasts.len(), truncated })
            })
            .await
    }
}
