//! The operators' port (4003): what runs, how it does, and what an operator may do about it.
//!
//! A server of its own with a worker of its own, so that it answers while all others are busy, and bound to this machine unless
//! the operator says otherwise. Who may ask is decided in [`door`]. Handlers read the census and ask root or the hubs; nothing
//! here is on the way of a user's request, and nothing here is told to the public.

mod actors;
mod audit;
mod desk;
mod door;
mod intake;
mod levels;
mod sessions;

use std::{io, net::SocketAddr, time::Duration};

use actix::{Addr, Arbiter};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web,
};
use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;

use self::door::Door;
use super::{
    body::bounded,
    bounds::{HEAD_PATIENCE, bounds},
    connections::set_up,
    envelope::{BehindTls, envelope},
    routes::{self, health::ServiceName, readable, settable, writable},
};
use crate::{
    actors::{registry::Registry, root::Root, supervision::Link},
    config::ops::OpsConfig,
    http::ws::hub::Hubs,
    telemetry::health::Health,
};

/// Answers under way have so long when the process ends.
const STOP_SECONDS: u64 = 1;
/// Connections: a few people and programs. Past it who connects waits.
const CONNECTIONS_MAX: usize = 64;
/// How long an actor is waited for: this port has to answer while others hang.
const PATIENCE: Duration = Duration::from_secs(1);
/// An operator's browser and its questions each second.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The parts of the process that operators see.
#[derive(Clone)]
pub struct OpsParts {
    /// Who obeys.
    pub root: Addr<Root>,
    /// Whoever knows which markets run.
    pub registry: Link<Registry>,
    /// The hubs of all workers.
    pub hubs: Hubs,
    /// The journal's database, with the engine's own rights.
    pub pool: Pool,
    /// What the parts say of themselves.
    pub health: Health,
    /// This node's name.
    pub node: String,
    /// When the process began.
    pub started_at: DateTime<Utc>,
    /// Where REST is bound: pages from there may ask.
    pub api: SocketAddr,
    /// TLS ends in front of this process.
    pub is_behind_tls: bool,
}

/// The server, running.
pub struct OpsServer {
    /// Where it is bound.
    pub at: SocketAddr,
    handle: ServerHandle,
}

impl OpsServer {
    /// Ends it; the last of all.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}

/// Binds and starts it. Must be called inside an actix system. `None`: this process has none ([`OpsConfig::is_served`]).
///
/// # Errors
/// The port can't be bound.
pub fn serve(config: &OpsConfig, parts: OpsParts) -> io::Result<Option<OpsServer>> {
    if !config.is_served {
        log::warn!("the operators' port is not served: OPS_TOKEN is not set");
        return Ok(None);
    }
    let door = Door::new(config.token.clone(), parts.api.port());
    let server = HttpServer::new(move || {
        parts.health.threads().watch("ops", Arbiter::current());
        App::new()
            .app_data(web::Data::new(parts.health.clone()))
            .app_data(web::Data::new(parts.clone()))
            .app_data(web::Data::new(parts.pool.clone()))
            .app_data(web::Data::new(door.clone()))
            .app_data(web::Data::new(ServiceName("ops")))
            .app_data(BehindTls(parts.is_behind_tls))
            .app_data(bounded())
            .configure(paths)
            .default_service(web::to(routes::nothing_here))
            // The last is the outermost.
            .wrap(from_fn(bounds))
            .wrap(from_fn(door::guard))
            .wrap(door.cors())
            .wrap(from_fn(envelope))
    })
    .workers(1)
    .max_connections(CONNECTIONS_MAX)
    .client_request_timeout(HEAD_PATIENCE)
    .keep_alive(KEEP_ALIVE)
    .on_connect(|connection, _| {
        if let Some(stream) = connection.downcast_ref() {
            set_up(stream);
        }
    })
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .bind((config.bind.as_str(), config.port))?;
    let at = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let server: Server = server.run();
    let handle = server.handle();
    actix::spawn(server);
    log::info!("operators on {at}");
    Ok(Some(OpsServer { at, handle }))
}

fn paths(app: &mut web::ServiceConfig) {
    app.service(readable("/health", routes::health::handle))
        .service(readable("/ready", routes::ready::handle))
        .service(readable("/metrics", routes::metrics::handle))
        .service(readable("/actors", actors::list))
        .service(readable("/actors/markets", actors::markets))
        .service(writable("/actors/{name}/{order}", actors::order))
        .service(readable("/connections", sessions::list))
        .service(readable("/submissions", desk::submissions))
        .service(readable("/alerts", desk::alerts))
        .service(writable("/alerts/{id}/acknowledge", desk::acknowledge))
        .service(writable("/discussions/{id}/hide", desk::hide))
        .service(readable("/audit", audit::list))
        .service(settable("/intake", intake::show, intake::set))
        .service(settable("/log-levels", levels::show, levels::set))
        .service(readable("/logs", levels::recent));
}
