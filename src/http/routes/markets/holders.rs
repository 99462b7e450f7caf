//! GET /api/markets/{market}/holders: who holds shares of it, most first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::{
        amount::{Lamports, ShareUnits, UnixSeconds},
        ids::{MarketAddress, Seq, Slot, Wallet},
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        page::Cursor,
        query::{QueryReader, Window},
        reply,
    },
    journal::read::activity::{self, Holder, HolderPlace},
};

struct ListHolders {
    market: MarketRef,
    after: Option<HolderPlace>,
    window: Window,
}

/// A holder.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct HolderView {
    pub wallet: Wallet,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_invested: Lamports,
    pub trades_count: u64,
    pub last_trade_at: UnixSeconds,
}

impl From<&Holder> for HolderView {
    fn from(holder: &Holder) -> Self {
        Self {
            wallet: holder.wallet,
            shares_yes: ShareUnits(holder.shares_yes),
            shares_no: ShareUnits(holder.shares_no),
            total_invested: Lamports(holder.total_invested),
            trades_count: holder.trades_count,
            last_trade_at: UnixSeconds(holder.last_trade_at_unix),
        }
    }
}

/// A page of holders.
#[derive(Debug, Serialize, ToSchema)]
pub struct HolderPage {
    market_id: MarketAddress,
    holders: Vec<HolderView>,
    /// Rows in this answer.
    count: usize,
    limit: u32,
    offset: u32,
    next_cursor: Option<String>,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/holders", tag = "markets", summary = "Who holds shares of it, most first",
    params(("market" = String, Path, description = "Account address or seed"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100), ("offset" = Option<u32>, Query, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list")),
    responses((status = 200, body = HolderPage), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let window = reader.window();
    let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    reader.finish()?;
    reply::cacheable(&request, &gateway.ask(ListHolders { market, after, window }).await?)
}

impl Question for ListHolders {
    type Answer = HolderPage;

    async fn answer(self, reads: Arc<Reads>) -> Result<HolderPage, ApiError> {
        let released = reads.released(self.market).await?;
        let (Window { limit, offset }, after, market) = (self.window, self.after, released.market.address);
        let mut holders =
            reads.read(async |tx| Ok(activity::holders(tx, market, after, offset, limit + 1).await?)).await?;
        let more = holders.len() > limit as usize;
        holders.truncate(limit as usize);
        let next_cursor = holders.last().filter(|_| more).map(|last| {
            let shares = i128::from(last.shares_yes) + i128::from(last.shares_no);
            Cursor(HolderPlace { shares, wallet: last.wallet }).to_text()
        });
        let holders: Vec<_> = holders.iter().map(HolderView::from).collect();
        let (seq, slot) = (released.seq, released.slot);
        Ok(HolderPage { market_id: market, count: holders.len(), holders, limit, offset, next_cursor, seq, slot })
    }
}
