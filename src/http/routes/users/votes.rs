//! GET /api/users/{wallet}/votes: a wallet's votes, here and on the chain, newest first.

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
    journal::{read::wallets, rows::wallets::VotePosition},
    view::wallet::WalletVoteView,
};

struct WalletVotes {
    wallet: Wallet,
    after: Option<VotePosition>,
    window: Window,
}

/// A page of a wallet's votes.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct WalletVotePage {
    pub votes: Vec<WalletVoteView>,
    pub count: usize,
    pub limit: u32,
    pub offset: u32,
    pub next_cursor: Option<String>,
}

/// A wallet's votes on proposals and disputes, here and on the chain, newest first.
#[utoipa::path(
    get, path = "/api/users/{wallet}/votes", tag = "users", summary = "A wallet's votes, here and on the chain, newest first",
    params(
        ("wallet" = Wallet, Path, description = "The wallet's address."),
        ("limit" = Option<u32>, Query, description = "Most rows, 1 to 100; 20 if not given.", minimum = 1, maximum = 100),
        ("offset" = Option<u32>, Query, description = "Rows to skip.", minimum = 0, maximum = 10_000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list."),
    ),
    responses(
        (status = 200, body = WalletVotePage),
        (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "A field was refused."),
        (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long."),
    )
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let wallet = wallet_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let window = reader.window();
    let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    reader.finish()?;
    reply::cacheable(&request, &gateway.ask(WalletVotes { wallet, after, window }).await?)
}

impl Question for WalletVotes {
    type Answer = WalletVotePage;

    async fn answer(self, reads: Arc<Reads>) -> Result<WalletVotePage, ApiError> {
        let Window { limit, offset } = self.window;
        let mut found =
            reads.read(async |tx| Ok(wallets::votes(tx, self.wallet, self.after, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|vote| Cursor(vote.place).to_text());
        let votes: Vec<_> = found.iter().map(WalletVoteView::of).collect();
        Ok(WalletVotePage { count: votes.len(), votes, limit, offset, next_cursor })
    }
}
