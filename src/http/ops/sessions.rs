//! GET /connections: who is connected by WebSocket, and for whom most waits.

use actix_web::{HttpResponse, web};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{OpsParts, PATIENCE};
use crate::http::{
    error::ApiError,
    ws::hub::{ConnectionSeen, CountSessions, SeeConnections},
};

/// The most that are listed.
const CONNECTIONS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionsQuery {
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Connections {
    /// All of them.
    total: usize,
    /// Of each hub.
    hubs: Vec<usize>,
    /// Those for which most waits, and then the oldest.
    connections: Vec<ConnectionSeen>,
}

/// They, as their hubs see them.
///
/// # Errors
/// VALIDATION_ERROR.
pub async fn list(query: web::Query<ConnectionsQuery>, parts: web::Data<OpsParts>) -> Result<HttpResponse, ApiError> {
    let most = query.limit.unwrap_or(100);
    if !(1..=CONNECTIONS_MAX).contains(&most) {
        return Err(ApiError::invalid_field("limit", format!("1 to {CONNECTIONS_MAX}.")));
    }
    let hubs = parts.hubs.all();
    // One that died meanwhile, or hangs, tells of none.
    let counts = join_all(hubs.iter().map(|hub| timeout(PATIENCE, hub.send(CountSessions)))).await;
    let counts: Vec<usize> =
        counts.into_iter().map(|count| count.ok().and_then(Result::ok).unwrap_or_default()).collect();
    let seen = join_all(hubs.iter().map(|hub| timeout(PATIENCE, hub.send(SeeConnections { most })))).await;
    let mut connections: Vec<ConnectionSeen> = seen.into_iter().flatten().flatten().flatten().collect();
    connections.sort_by_key(|seen| (std::cmp::Reverse(seen.waiting_bytes), seen.id));
    connections.truncate(most);
    Ok(HttpResponse::Ok().json(Connections { total: counts.iter().sum(), hubs: counts, connections }))
}
