//! GET /actors, POST /actors/{name}/{restart,stop,start}: who works in this process, and by an operator's word.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::OpsParts;
use crate::{
    actors::root::{NotNow, Order, Ordered},
    http::error::{ApiError, ErrorCode},
    telemetry::census::{ActorView, LastPanic, Record, ServiceView, Status},
};

#[derive(Serialize)]
struct Process<'a> {
    node: &'a str,
    pid: u32,
    started_at: DateTime<Utc>,
    version: &'static str,
    services: Vec<ServiceView>,
    actors: Vec<ActorView>,
    markets: Markets,
    /// Panics of who is in no list, and the newest of them.
    panics_elsewhere: u64,
    last_panic_elsewhere: Option<LastPanic>,
}

/// Counted, not listed.
#[derive(Serialize)]
struct Markets {
    /// Their actors run; the config's is one of them.
    alive: usize,
    /// They may be behind the chain.
    stale: usize,
}

/// Root itself, which is in no record: the process ends with it.
fn root(started_at: DateTime<Utc>) -> ActorView {
    ActorView {
        name: "root",
        parent: None,
        kind: "root",
        service: None,
        status: Status::Running,
        runs: "always",
        restarts: 0,
        panics: 0,
        started_at: Some(started_at),
        queue: None,
        queue_max: None,
        processed: 0,
        busy_ms: 0,
        last_panic: None,
    }
}

/// All that runs.
pub async fn list(parts: web::Data<OpsParts>) -> HttpResponse {
    let census = parts.health.census();
    let (panics_elsewhere, last_panic_elsewhere) = census.elsewhere();
    let records = census.records();
    HttpResponse::Ok().json(Process {
        node: &parts.node,
        pid: std::process::id(),
        started_at: parts.started_at,
        version: env!("CARGO_PKG_VERSION"),
        services: census.services(),
        actors: std::iter::once(root(parts.started_at))
            .chain(records.iter().map(|record: &std::sync::Arc<Record>| record.view()))
            .collect(),
        markets: Markets { alive: parts.health.streams(), stale: parts.health.stale_streams().len() },
        panics_elsewhere,
        last_panic_elsewhere,
    })
}

#[derive(Serialize)]
struct Obeyed<'a> {
    name: &'a str,
    status: Status,
}

/// Ends, begins, or begins anew one of them, or all of a service.
///
/// # Errors
/// NOT_FOUND: nobody has that name; CONFLICT: it can't be now, and why.
pub async fn order(path: web::Path<(String, String)>, parts: web::Data<OpsParts>) -> Result<HttpResponse, ApiError> {
    let (name, order) = path.into_inner();
    let order = match &*order {
        "restart" => Order::Restart,
        "stop" => Order::Stop,
        "start" => Order::Start,
        _ => return Err(ApiError::not_found("There is nothing at this path.")),
    };
    let asked = parts.root.send(Ordered { name: name.clone(), order }).await;
    match asked.map_err(|_| ApiError::unavailable("Root does not answer: the process is about to end."))? {
        Ok(status) => Ok(HttpResponse::Accepted().json(Obeyed { name: &name, status })),
        Err(NotNow::Unknown) => Err(ApiError::not_found("Nobody has that name.")),
        Err(NotNow::Refused(why)) => Err(ApiError::new(ErrorCode::Conflict, format!("Not now: {why}."))),
    }
}
