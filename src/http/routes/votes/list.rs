//! GET /api/markets/{market}/votes: every vote that was cast, newest first, here and on the chain.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        ids::{Seq, Slot},
        tally::VoteKind,
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        page::Cursor,
        query::{QueryReader, Window},
        reply,
        routes::markets::market_of,
    },
    journal::{
        read::TradePosition,
        social::{self, VoteFound},
    },
    view::social::VoteView,
};

struct ListVotes {
    market: MarketRef,
    kind: Option<VoteKind>,
    before: Option<TradePosition>,
    window: Window,
}

/// Votes, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct VotePage {
    votes: Vec<ListedVote>,
    count: usize,
    limit: u32,
    offset: u32,
    next_cursor: Option<String>,
    seq: Seq,
    slot: Slot,
}

/// A vote and its entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedVote {
    #[serde(flatten)]
    vote: VoteView,
    seq: Seq,
}

/// A wallet may vote here and on the chain: both are listed, and the one on the chain counts.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/votes", tag = "votes", summary = "Every vote that was cast, newest first, here and on the chain",
    params(
        ("market" = String, Path, description = "A market's address or seed."),
        ("type" = Option<String>, Query, description = "proposal or dispute; both if left out."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Rows of a page, 20 if left out."),
        ("offset" = Option<u32>, Query, maximum = 10000, description = "Rows left out."),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before.")),
    responses(
        (status = 200, body = VotePage), (status = 304, description = "Not modified."),
        (status = 400, description = "A field was refused."), (status = 404, description = "No such market."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let window = reader.window();
    let before = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    let kind = match reader.text("type").as_deref() {
        None => None,
        Some("proposal") => Some(VoteKind::Proposal),
        Some("dispute") => Some(VoteKind::Dispute),
        Some(_) => {
            reader.refuse("type", "Must be proposal or dispute.");
            None
        }
    };
    reader.finish()?;
    let page = gateway.ask(ListVotes { market, kind, before, window }).await?;
    reply::cacheable(&request, &page)
}

impl Question for ListVotes {
    type Answer = VotePage;

    async fn answer(self, reads: Arc<Reads>) -> Result<VotePage, ApiError> {
        let released = reads.released(self.market).await?;
        let Window { limit, offset } = self.window;
        // Nothing newer than what the world may see, whatever the cursor says.
        let head = TradePosition { epoch: released.epoch, seq: released.seq.next() };
        let before = self.before.filter(|at| (at.epoch, at.seq) < (head.epoch, head.seq)).unwrap_or(head);
        let (market, kind) = (released.market.address, self.kind);
        // One more than asked for tells whether there is a next page.
        let mut found =
            reads.read(async |tx| Ok(social::votes(tx, market, kind, before, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|vote| Cursor(vote.place).to_text());
        let votes: Vec<_> = found.iter().filter_map(listed).collect();
        Ok(VotePage { count: votes.len(), votes, limit, offset, next_cursor, seq: released.seq, slot: released.slot })
    }
}

fn listed(found: &VoteFound) -> Option<ListedVote> {
    Some(ListedVote { vote: VoteView::of(&found.body)?, seq: found.place.seq })
}
