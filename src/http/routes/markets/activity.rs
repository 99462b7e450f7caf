//! GET /api/markets/activity: what happened of late, over all markets; in the shape that old front ends know.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{amount::UnixSeconds, ids::MarketAddress},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        page::Cursor,
        query::{QueryReader, Window},
        views::Views,
    },
    journal::read::activity::{self, Activity, ActivityKind, ActivityPlace},
    view::chart::Decimals,
};

struct ListActivity {
    after: Option<ActivityPlace>,
    window: Window,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActivityView {
    id: String,
    /// `trade`, `resolution` or `creation`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The wallet.
    user: String,
    action: String,
    /// The market's question, or its address where none is known.
    market: String,
    market_id: MarketAddress,
    time: UnixSeconds,
    /// SOL.
    amount: Decimals,
}

impl From<&Activity> for ActivityView {
    fn from(it: &Activity) -> Self {
        let (kind, action) = match &it.kind {
            ActivityKind::Trade { trade_type, outcome } => {
                let verb = if trade_type == "buy" { "bought" } else { "sold" };
                ("trade", format!("{verb} {outcome}"))
            }
            ActivityKind::Resolution { outcome } => match outcome {
                Some(outcome) => ("resolution", format!("resolved to {outcome}")),
                None => ("resolution", "resolved".to_owned()),
            },
            ActivityKind::Creation => ("creation", "created".to_owned()),
        };
        Self {
            id: it.id.clone(),
            kind,
            user: it.wallet.clone(),
            action,
            market: it.question.clone().unwrap_or_else(|| it.place.market.to_string()),
            market_id: it.place.market,
            time: UnixSeconds(it.place.at_unix),
            amount: Decimals::sol(it.amount),
        }
    }
}

/// A page, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityPage {
    activities: Vec<ActivityView>,
    /// Rows in this answer.
    count: usize,
    limit: u32,
    offset: u32,
    next_cursor: Option<String>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/activity", tag = "markets", summary = "What happened of late, over all markets",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 100), ("offset" = Option<u32>, Query, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list")),
    responses((status = 200, body = ActivityPage), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT")))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    let asked = async {
        let mut reader = QueryReader::new(request.query_string())?;
        let window = reader.window();
        let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
        reader.finish()?;
        gateway.ask(ListActivity { after, window }).await
    };
    views.kept(&request, asked).await
}

impl Question for ListActivity {
    type Answer = ActivityPage;

    async fn answer(self, reads: Arc<Reads>) -> Result<ActivityPage, ApiError> {
        let (after, Window { limit, offset }) = (self.after, self.window);
        let mut found = reads.read(async |tx| Ok(activity::activity(tx, after, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|last| Cursor(last.place).to_text());
        let activities: Vec<_> = found.iter().map(ActivityView::from).collect();
        Ok(ActivityPage { count: activities.len(), activities, limit, offset, next_cursor })
    }
}
