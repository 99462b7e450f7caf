//! GET /api/trades/history: the caller's own trades, newest first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        auth::caller::{Caller, SignedIn},
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        query::QueryReader,
        reply,
        routes::users::trades::{WalletTradePage, WalletTrades},
    },
    journal::submissions::client_refs,
    view::trade::TradeView,
};

/// A trade, as its own wallet sees it.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct OwnTradeView {
    #[serde(flatten)]
    pub trade: TradeView,
    /// What the wallet named the intent when it built or sent the transaction here; `null` for any other trade.
    pub client_ref: Option<String>,
}

/// The caller's own trades, newest first.
#[utoipa::path(
    get, path = "/api/trades/history", tag = "trades", summary = "The caller's own trades, newest first", security(("bearer" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "Most rows, 1 to 100; 20 if not given.", minimum = 1, maximum = 100),
        ("offset" = Option<u32>, Query, description = "Rows to skip.", minimum = 0, maximum = 10_000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list."),
    ),
    responses(
        (status = 200, body = WalletTradePage<OwnTradeView>),
        (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "A field was refused."),
        (status = 401, description = "Not signed in."),
        (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long."),
    )
)]
pub async fn handle(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    let trades = WalletTrades::read(caller.wallet, QueryReader::new(request.query_string())?)?;
    reply::cacheable(&request, &gateway.ask(OwnTrades { caller, trades }).await?)
}

/// The caller's trades.
pub(in crate::http) struct OwnTrades {
    /// Whose.
    pub caller: Caller,
    /// Which of them.
    pub trades: WalletTrades,
}

impl Question for OwnTrades {
    type Answer = WalletTradePage<OwnTradeView>;

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Self { caller, trades } = self;
        let page = trades.answer(reads.clone()).await?;
        let signatures: Vec<_> = page.trades.iter().map(|trade| trade.tx_signature).collect();
        let named =
            reads.read_for(Some(&caller), async |tx| Ok(client_refs(&**tx, caller.wallet, &signatures).await?)).await?;
        let WalletTradePage { trades, count, limit, offset, next_cursor } = page;
        let own = |trade: TradeView| OwnTradeView { client_ref: named.get(&trade.tx_signature).cloned(), trade };
        Ok(WalletTradePage { trades: trades.into_iter().map(own).collect(), count, limit, offset, next_cursor })
    }
}
