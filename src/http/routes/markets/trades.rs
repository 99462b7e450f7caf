//! GET /api/markets/{market}/trades: a market's trades, newest first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MarketPath, market_of};
use crate::{
    domain::ids::{Seq, Slot},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        openapi::errors::NotFound,
        page::Cursor,
        query::{ListQuery, QueryReader, Window},
        reply,
    },
    journal::{
        read::{self, TradePosition},
        rows::BadRow,
    },
    view::trade::{TradeStatus, TradeView},
};

struct ListTrades {
    market: MarketRef,
    before: Option<TradePosition>,
    window: Window,
}

#[derive(Serialize, ToSchema)]
struct TradePage {
    trades: Vec<TradeView>,
    /// Rows in this answer.
    count: usize,
    limit: u32,
    offset: u32,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/markets/{market}/trades",
    tag = "markets",
    summary = "A market's trades, newest first",
    params(MarketPath, ListQuery),
    responses((status = 200, body = TradePage), NotFound)
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let window = reader.window();
    let before = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    reader.finish()?;
    let page = gateway.ask(ListTrades { market, before, window }).await?;
    reply::cacheable(&request, &page)
}

impl Question for ListTrades {
    type Answer = TradePage;

    async fn answer(self, reads: Arc<Reads>) -> Result<TradePage, ApiError> {
        let released = reads.released(self.market).await?;
        let Window { limit, offset } = self.window;
        // Nothing newer than what the world may see, whatever the cursor says.
        let head = TradePosition { epoch: released.epoch, seq: released.seq.next() };
        let before = self.before.filter(|at| (at.epoch, at.seq) < (head.epoch, head.seq)).unwrap_or(head);
        let market = released.market.address;
        // One more than asked for tells whether there is a next page.
        let mut found = reads.read(async |tx| Ok(read::trades(tx, market, before, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let status = |epoch: u32, seq: u64| {
            // A market goes on counting in a new life of the journal.
            let finalized = epoch <= released.epoch.0 && seq <= released.finalized_seq.0;
            if finalized { TradeStatus::Finalized } else { TradeStatus::Confirmed }
        };
        let next_cursor = found.last().filter(|_| more).map(|trade| {
            let place = TradePosition { epoch: crate::domain::ids::Epoch(trade.row.epoch), seq: Seq(trade.row.seq) };
            Cursor(place).to_text()
        });
        let trades: Vec<_> = found
            .iter()
            .map(|trade| TradeView::of_row(&trade.row, status(trade.row.epoch, trade.row.seq), trade.contained))
            .collect::<Result<_, BadRow>>()
            .map_err(ApiError::internal)?;
        Ok(TradePage {
            count: trades.len(),
            trades,
            limit,
            offset,
            next_cursor,
            seq: released.seq,
            slot: released.slot,
        })
    }
}
