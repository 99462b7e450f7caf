//! GET /actors, GET /actors/markets, POST /actors/{name}/{restart,stop,start}: who works in this process, and by an operator's word.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{
    OpsParts, PATIENCE,
    audit::{WhyBody, audited},
};
use crate::{
    actors::{
        registry::{MarketSeen, RestartStream, SeeMarkets},
        root::{NotNow, Order, Ordered},
        supervision::Retire,
    },
    domain::ids::AccountAddress,
    http::{
        body::MaybeChecked,
        error::{ApiError, ErrorCode},
    },
    journal::operator_actions::Action,
    telemetry::census::{ActorView, GATEWAY, HUB, LastPanic, Record, STREAMS, Service, ServiceView, Status},
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

/// A market that runs, or may be behind the chain.
#[derive(Serialize)]
struct MarketView {
    market: AccountAddress,
    /// It may be behind the chain for so long; 0: it is not.
    lag_ms: u64,
    /// Why.
    reason: Option<String>,
    /// Its actor runs; else it rests in the journal.
    running: bool,
    /// Nobody has needed it for so long.
    idle_ms: Option<u64>,
    /// Somebody listens to it, or is asking.
    held: bool,
    /// It has entries that are not final.
    unfinalized: bool,
}

#[derive(Serialize)]
struct MarketsView {
    alive: usize,
    stale: usize,
    markets: Vec<MarketView>,
}

/// How many, and in which order: there is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarketsQuery {
    limit: Option<usize>,
    sort: Option<String>,
}

/// The most that are listed.
const MARKETS_MAX: usize = 1_000;

/// Markets by their lag: those that may be behind the chain for longest, then those that were needed last.
///
/// # Errors
/// VALIDATION_ERROR; UNAVAILABLE while the registry is started again.
pub async fn markets(query: web::Query<MarketsQuery>, parts: web::Data<OpsParts>) -> Result<HttpResponse, ApiError> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=MARKETS_MAX).contains(&limit) {
        return Err(ApiError::invalid_field("limit", format!("1 to {MARKETS_MAX}.")));
    }
    if query.sort.as_deref().is_some_and(|sort| sort != "lag") {
        return Err(ApiError::invalid_field("sort", "lag."));
    }
    let gone = || ApiError::unavailable("The registry is being started again.");
    let seen = timeout(PATIENCE, parts.registry.get().ok_or_else(gone)?.send(SeeMarkets { most: limit })).await;
    let running = seen.ok().and_then(Result::ok).ok_or_else(gone)?;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut running: Vec<_> = running.into_iter().map(Some).collect();
    let stale = parts.health.stale_longest(limit).into_iter().map(|(stream, lag, reason)| {
        let known = running.iter_mut().find(|one| one.is_some_and(|one| one.market.account() == stream));
        let known = known.and_then(Option::take);
        view(stream, known, millis(lag), Some(reason))
    });
    let mut markets: Vec<MarketView> = stale.collect();
    markets.extend(running.into_iter().flatten().map(|one| view(one.market.account(), Some(one), 0, None)));
    markets.truncate(limit);
    let (alive, stale) = (parts.health.streams(), parts.health.stale_streams().len());
    Ok(HttpResponse::Ok().json(MarketsView { alive, stale, markets }))
}

fn view(market: AccountAddress, seen: Option<MarketSeen>, lag_ms: u64, reason: Option<String>) -> MarketView {
    MarketView {
        market,
        lag_ms,
        reason,
        running: seen.is_some(),
        idle_ms: seen.map(|seen| u64::try_from(seen.idle.as_millis()).unwrap_or(u64::MAX)),
        held: seen.is_some_and(|seen| seen.is_held),
        unfinalized: seen.is_some_and(|seen| seen.wants_finality),
    }
}

#[derive(Serialize)]
struct Obeyed<'a> {
    name: &'a str,
    status: Status,
}

/// Ends, begins, or begins anew one of them, or all of a service; and has it written down who wanted it.
///
/// # Errors
/// NOT_FOUND: nobody has that name; CONFLICT: it can't be now, and why.
pub async fn order(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    parts: web::Data<OpsParts>,
    why: MaybeChecked<WhyBody>,
) -> Result<HttpResponse, ApiError> {
    let (name, order) = path.into_inner();
    let (order, action) = match &*order {
        "restart" => (Order::Restart, Action::Restart),
        "stop" => (Order::Stop, Action::Stop),
        "start" => (Order::Start, Action::Start),
        _ => return Err(ApiError::not_found("There is nothing at this path.")),
    };
    let obeyed = {
        let (name, parts) = (name.clone(), parts.clone());
        async move { obey(&name, order, &parts).await }
    };
    let told = |status: &Status| Some(status.name().to_owned());
    let status = audited(parts, why.of(&request), action, name.clone(), obeyed, told).await?;
    Ok(HttpResponse::Accepted().json(Obeyed { name: &name, status }))
}

async fn obey(name: &str, order: Order, parts: &OpsParts) -> Result<Status, ApiError> {
    if let Some(market) = name.strip_prefix("market:") {
        restart_market(market, order, parts).await?;
        return Ok(Status::Starting);
    }
    if let Some(status) = order_workers(name, order, parts)? {
        return Ok(status);
    }
    let asked = parts.root.send(Ordered { name: name.to_owned(), order }).await;
    match asked.map_err(|_| ApiError::unavailable("Root does not answer: the process is about to end."))? {
        Ok(status) => Ok(status),
        Err(NotNow::Unknown) => Err(ApiError::not_found("Nobody has that name.")),
        Err(NotNow::Refused(why)) => Err(ApiError::new(ErrorCode::Conflict, format!("Not now: {why}."))),
    }
}

/// What servers' workers begin themselves, root can't order. `None`: it is root's, or root's too.
fn order_workers(name: &str, order: Order, parts: &OpsParts) -> Result<Option<Status>, ApiError> {
    let refused = |why: &'static str| Err(ApiError::new(ErrorCode::Conflict, why));
    let is_hub = name == HUB;
    match (name, order) {
        (_, Order::Restart) if is_hub || name == Service::WebsocketServer.name() => {
            log::warn!("an operator orders: restart of all hubs");
            // Its clients come back to the next, which begins with the first of them.
            for hub in parts.hubs.all() {
                // It waits for room in the mailbox.
                actix::spawn(async move {
                    let _ = hub.send(Retire).await;
                });
            }
            Ok(is_hub.then_some(Status::Starting))
        }
        (HUB, _) => refused("Hubs serve as long as the process does: they can only be restarted."),
        (GATEWAY | "root", _) => refused("It has nothing of its own: it begins anew with the process."),
        (STREAMS, _) => refused("Restart one of them (market:ADDRESS), or the registry with all of them."),
        _ => Ok(None),
    }
}

/// A market has no life of its own to be stopped: it rests when nobody needs it, and runs when somebody does.
async fn restart_market(market: &str, order: Order, parts: &OpsParts) -> Result<(), ApiError> {
    let nothing = || ApiError::not_found("No market of that address runs.");
    let address: AccountAddress = market.parse().map_err(|_| nothing())?;
    if order != Order::Restart {
        return Err(ApiError::new(ErrorCode::Conflict, "A market can only be restarted: it rests by itself."));
    }
    let gone = || ApiError::unavailable("The registry is being started again.");
    let registry = parts.registry.get().ok_or_else(gone)?;
    let asked = timeout(PATIENCE, registry.send(RestartStream(address))).await;
    let is_there = asked.ok().and_then(Result::ok).ok_or_else(gone)?;
    log::warn!("an operator orders: restart stream {address}");
    if is_there { Ok(()) } else { Err(nothing()) }
}
