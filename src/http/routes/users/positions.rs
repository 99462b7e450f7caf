//! GET /api/users/{wallet}/positions: what a wallet holds, as a bare array; the Link header leads to the next page.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};

use super::{places::AfterMarket, wallet_of};
use crate::{
    domain::ids::{MarketAddress, Wallet},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        page::Cursor,
        query::{QueryReader, Window},
        reply,
    },
    journal::read::wallets,
    view::wallet::PositionView,
};

/// What a wallet holds.
pub(in crate::http) struct ListPositions {
    wallet: Wallet,
    after: Option<MarketAddress>,
    window: Window,
}

/// What a wallet holds, in the order of markets' addresses.
///
/// The next page is named by the Link header (`rel="next"`).
#[utoipa::path(
    get, path = "/api/users/{wallet}/positions", tag = "users", summary = "What a wallet holds, as a bare array",
    params(
        ("wallet" = Wallet, Path, description = "The wallet's address."),
        ("limit" = Option<u32>, Query, description = "Most rows, 1 to 100; 20 if not given.", minimum = 1, maximum = 100),
        ("offset" = Option<u32>, Query, description = "Rows to skip.", minimum = 0, maximum = 10_000),
        ("cursor" = Option<String>, Query, description = "Where the next page begins, from the Link header."),
    ),
    responses(
        (status = 200, body = Vec<PositionView>, headers(("Link" = String, description = "The next page, if there is one."))),
        (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "A field was refused."),
        (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long."),
    )
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let wallet = wallet_of(&request)?;
    let asked = ListPositions::read(wallet, QueryReader::new(request.query_string())?)?;
    let limit = asked.window.limit;
    let (positions, next) = gateway.ask(asked).await?;
    let mut reply = reply::cacheable(&request, &positions)?;
    if let Some(cursor) = next {
        let link = format!("</api/users/{wallet}/positions?limit={limit}&cursor={cursor}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::from_str(&link) {
            reply.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(reply)
}

impl ListPositions {
    /// As a query, or a message, says it.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused fields.
    pub fn read(wallet: Wallet, mut reader: QueryReader) -> Result<Self, ApiError> {
        let window = reader.window();
        let after = reader.parsed("cursor", "a cursor of this list").map(|Cursor(AfterMarket(market))| market);
        reader.finish()?;
        Ok(Self { wallet, after, window })
    }
}

impl Question for ListPositions {
    /// A page, and the cursor of the next one.
    type Answer = (Vec<PositionView>, Option<String>);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Window { limit, offset } = self.window;
        let (mut found, config) = reads
            .read(async |tx| {
                // One more than asked for tells whether there is a next page.
                let found = wallets::positions(tx, self.wallet, self.after, offset, limit + 1).await?;
                Ok((found, wallets::config(tx).await?))
            })
            .await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(|last| Cursor(AfterMarket(last.market.address)).to_text());
        let fees = config.map(|config| config.fees);
        Ok((found.iter().map(|position| PositionView::of(position, fees)).collect(), next))
    }
}
