//! GET /api/users/{wallet}/trades: a wallet's trades, newest first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::wallet_of;
use crate::{
    domain::ids::Wallet,
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        page::Cursor,
        query::{QueryReader, Window},
        reply,
    },
    journal::read::wallets::{self, WalletTradeFound, WalletTradePosition},
    view::trade::{TradeStatus, TradeView},
};

/// Which trades of a wallet.
pub struct WalletTrades {
    wallet: Wallet,
    after: Option<WalletTradePosition>,
    window: Window,
}

/// A page of a wallet's trades.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct WalletTradePage<T> {
    pub trades: Vec<T>,
    pub count: usize,
    pub limit: u32,
    pub offset: u32,
    pub next_cursor: Option<String>,
}

/// A wallet's trades, newest first.
#[utoipa::path(
    get, path = "/api/users/{wallet}/trades", tag = "users", summary = "A wallet's trades, newest first",
    params(
        ("wallet" = Wallet, Path, description = "The wallet's address."),
        ("limit" = Option<u32>, Query, description = "Most rows, 1 to 100; 20 if not given.", minimum = 1, maximum = 100),
        ("offset" = Option<u32>, Query, description = "Rows to skip.", minimum = 0, maximum = 10_000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list."),
    ),
    responses(
        (status = 200, body = WalletTradePage<TradeView>),
        (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "A field was refused."),
        (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long."),
    )
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let question = WalletTrades::read(wallet_of(&request)?, QueryReader::new(request.query_string())?)?;
    reply::cacheable(&request, &gateway.ask(question).await?)
}

impl WalletTrades {
    /// As a query, or a message, says it.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused fields.
    pub fn read(wallet: Wallet, mut reader: QueryReader) -> Result<Self, ApiError> {
        let window = reader.window();
        let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
        reader.finish()?;
        Ok(Self { wallet, after, window })
    }
}

impl Question for WalletTrades {
    type Answer = WalletTradePage<TradeView>;

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Window { limit, offset } = self.window;
        // One more than asked for tells whether there is a next page.
        let mut found =
            reads.read(async |tx| Ok(wallets::trades(tx, self.wallet, self.after, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let place = found.last().filter(|_| more).map(WalletTradeFound::place).transpose();
        let next_cursor = place.map_err(ApiError::internal)?.map(|place| Cursor(place).to_text());
        let trades: Vec<_> = found.iter().map(view).collect::<Result<_, _>>().map_err(ApiError::internal)?;
        Ok(WalletTradePage { count: trades.len(), trades, limit, offset, next_cursor })
    }
}

fn view(found: &WalletTradeFound) -> Result<TradeView, crate::journal::rows::BadRow> {
    let status = if found.finalized { TradeStatus::Finalized } else { TradeStatus::Confirmed };
    TradeView::of_row(&found.row, status, found.contained)
}
