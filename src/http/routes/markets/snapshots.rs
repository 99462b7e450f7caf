//! GET /api/markets/{market}/snapshots: what of its discussion is pinned to IPFS, the newest document first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::{
        ids::MarketAddress,
        snapshot::{AnchorStatus, Place},
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        page::{Cursor, SnapshotPlace},
        query::{QueryReader, Window},
        reply,
    },
    ipfs::gateway::GatewayUrl,
    journal::{
        read::anchors::{self, Anchor},
        rows::timestamp,
    },
};

struct ListSnapshots {
    market: MarketRef,
    before: Option<SnapshotPlace>,
    window: Window,
    gateway: GatewayUrl,
}

/// An entry of the market's journal, and when it was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct EntryView {
    pub epoch: u32,
    pub seq: u64,
    pub time: String,
}

impl EntryView {
    fn new(place: Place, time: chrono::DateTime<chrono::Utc>) -> Self {
        Self { epoch: place.epoch.0, seq: place.seq.0, time: timestamp(time.timestamp_millis()) }
    }
}

/// A document.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotView {
    /// From 1.
    number: u32,
    /// Its content id (CIDv0).
    cid: String,
    /// That of the document before it.
    previous_cid: Option<String>,
    /// `pending`: on its way; `pinned`; `failed`: refused.
    status: &'static str,
    /// The first of the entries that it tells of.
    from: EntryView,
    /// The last of them.
    to: EntryView,
    /// Comments in it, deleted ones too.
    comments: u32,
    size_bytes: u64,
    created_at: String,
    pinned_at: Option<String>,
    /// Where it can be read, once it is pinned.
    url: Option<String>,
}

impl SnapshotView {
    fn new(anchor: &Anchor, gateway: &GatewayUrl) -> Self {
        let cid = anchor.cid.text().unwrap_or_default();
        let text = |moment: chrono::DateTime<chrono::Utc>| timestamp(moment.timestamp_millis());
        Self {
            number: anchor.number,
            cid: cid.to_owned(),
            previous_cid: anchor.previous_cid.and_then(|cid| cid.text().map(str::to_owned)),
            status: anchor.status.as_str(),
            from: EntryView::new(anchor.from, anchor.from_time),
            to: EntryView::new(anchor.to, anchor.to_time),
            comments: anchor.comments,
            size_bytes: anchor.size_bytes,
            created_at: text(anchor.created_at),
            pinned_at: anchor.pinned_at.map(text),
            url: (anchor.status == AnchorStatus::Pinned).then(|| gateway.link(cid)),
        }
    }
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotPage {
    market_id: MarketAddress,
    snapshots: Vec<SnapshotView>,
    /// Rows in this answer.
    count: usize,
    limit: u32,
    offset: u32,
    next_cursor: Option<String>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/snapshots", tag = "discussions", summary = "What of its discussion is pinned to IPFS, the newest document first",
    params(("market" = String, Path, description = "Account address or seed"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100), ("offset" = Option<u32>, Query, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list")),
    responses((status = 200, body = SnapshotPage), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    pinned: web::Data<GatewayUrl>,
) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let window = reader.window();
    let before = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    reader.finish()?;
    let question = ListSnapshots { market, before, window, gateway: pinned.get_ref().clone() };
    reply::cacheable(&request, &gateway.ask(question).await?)
}

impl Question for ListSnapshots {
    type Answer = SnapshotPage;

    async fn answer(self, reads: Arc<Reads>) -> Result<SnapshotPage, ApiError> {
        let market = reads.released(self.market).await?.market.address;
        let Window { limit, offset } = self.window;
        let before = self.before.map_or(u32::MAX, |SnapshotPlace(number)| number);
        // One more than asked for tells whether there is a next page.
        let mut found =
            reads.read(async |tx| Ok(anchors::before(tx, market, before, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|last| Cursor(SnapshotPlace(last.number)).to_text());
        let snapshots: Vec<_> = found.iter().map(|anchor| SnapshotView::new(anchor, &self.gateway)).collect();
        Ok(SnapshotPage { market_id: market, count: snapshots.len(), snapshots, limit, offset, next_cursor })
    }
}
