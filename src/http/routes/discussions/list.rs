//! GET /api/discussions/{market} and /api/markets/{market}/discussions: a market's comments, newest first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::CommentView;
use crate::{
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        page::Cursor,
        query::{QueryReader, Window},
        reply,
        routes::markets::market_of,
    },
    journal::social::{self, CommentPosition},
};

struct ListComments {
    market: MarketRef,
    before: Option<CommentPosition>,
    window: Window,
}

/// Comments, newest first; deleted ones are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommentPage {
    discussions: Vec<CommentView>,
    count: usize,
    limit: u32,
    offset: u32,
    next_cursor: Option<String>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/discussions/{market}", tag = "discussions", summary = "A market's comments, newest first",
    params(
        ("market" = String, Path, description = "A market's address or seed."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Rows of a page, 20 if left out."),
        ("offset" = Option<u32>, Query, maximum = 10000, description = "Rows left out."),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before.")),
    responses(
        (status = 200, body = CommentPage), (status = 304, description = "Not modified."),
        (status = 400, description = "A field was refused."), (status = 404, description = "No such market."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let window = reader.window();
    let before = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    reader.finish()?;
    let page = gateway.ask(ListComments { market, before, window }).await?;
    reply::cacheable(&request, &page)
}

/// The same, beside the market's other lists.
///
/// # Errors
/// As [`handle`].
#[utoipa::path(get, path = "/api/markets/{market}/discussions", tag = "discussions", summary = "A market's comments, newest first",
    params(
        ("market" = String, Path, description = "A market's address or seed."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Rows of a page, 20 if left out."),
        ("offset" = Option<u32>, Query, maximum = 10000, description = "Rows left out."),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before.")),
    responses(
        (status = 200, body = CommentPage), (status = 304, description = "Not modified."),
        (status = 400, description = "A field was refused."), (status = 404, description = "No such market."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn of_market(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    handle(request, gateway).await
}

impl Question for ListComments {
    type Answer = CommentPage;

    async fn answer(self, reads: Arc<Reads>) -> Result<CommentPage, ApiError> {
        let market = reads.released(self.market).await?.market.address;
        let (Window { limit, offset }, before) = (self.window, self.before);
        // One more than asked for tells whether there is a next page.
        let mut found =
            reads.read(async |tx| Ok(social::comments(tx, market, before, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|comment| Cursor(comment.place()).to_text());
        let discussions: Vec<_> = found.into_iter().map(CommentView::from).collect();
        Ok(CommentPage { count: discussions.len(), discussions, limit, offset, next_cursor })
    }
}
