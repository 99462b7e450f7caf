//! The three servers: what is bound where, and how they end.
//!
//! Each port is a server of its own with its own workers: a worker of the API has a gateway and connections for reading,
//! a worker of the WebSocket port has a hub. Ports and addresses are arguments, 0 means any free port, and what was bound
//! is answered, so that tests run beside each other.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::prelude::*;
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web,
};
use futures_util::future::{join_all, select_all};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    auth::{AuthSettings, middleware::identify, sessions::Sessions, tokens::Tokens},
    body::bounded,
    bounds::{BodyMax, HEAD_PATIENCE, bounds},
    compression::compressed,
    connections::Connections,
    console::{Console, ConsoleSettings, Places},
    descriptors,
    desk::{Desk, DeskSettings},
    edge::{Edge, EdgeSettings, actions_for_all},
    envelope::{BehindTls, envelope},
    gateway::{GatewayHandle, Reads},
    limits::{self, WorkerLimits},
    pool::ReadPool,
    routes::{self, export::trades::ExportPlaces, health::ServiceName, votes::VoteRules},
    sockets,
    views::Views,
    webhook::{Gate, MAX_DELIVERY_BYTES, WebhookSettings},
    ws::{
        WsLimits,
        admission::Admission,
        commands::Services,
        hub::{CountSessions, Hub, Hubs, SayGoodbye, Sources},
        identity::Door,
    },
};
use crate::{
    actors::{
        feeds::Feeds,
        registry::RegistryHandle,
        supervision::{Link, start_tended_here},
    },
    config::Roles,
    ipfs::gateway::GatewayUrl,
    journal::{connector::Connector, current_life::CurrentLife},
    telemetry::{census::HUB, health::Health},
};

/// Idle connections of the API are kept so long.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Deliveries are committed one transaction after the other.
const WEBHOOK_CONNECTIONS: usize = 1;
/// Sessions have so long to read their goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// The ports' names, as operators know them.
const API: &str = "api-gateway";
const INDEXER: &str = "event-indexer";
/// Of a server that is not there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Requests have so long to be answered when the servers stop.
const STOP_SECONDS: u64 = 5;

/// Where to listen, and with what.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Address of all three ports, a name or a number.
    pub api_host: String,
    /// REST; 0 = any free port.
    pub api_port: u16,
    /// WebSocket; 0 = any free port.
    pub ws_port: u16,
    /// The indexer's; 0 = any free port.
    pub indexer_port: u16,
    /// Threads of the API, and as many of the WebSocket port.
    pub workers: usize,
    /// The database, by the login that serves requests.
    pub database: Connector,
    /// Which database that must be; `None`: whatever is there.
    pub life: Option<CurrentLife>,
    /// Sign-in.
    pub auth: AuthSettings,
    /// Connections for requests, of each worker of the API and of the WebSocket port.
    pub read_pool_size: usize,
    /// Bounds and periods of WebSocket connections, the heartbeat's among them.
    pub ws: WsLimits,
    /// Who may ask from where, and how much.
    pub edge: EdgeSettings,
    /// Whose deliveries the indexer takes.
    pub webhook: WebhookSettings,
    /// The pages of the API's port.
    pub console: ConsoleSettings,
}

impl HttpSettings {
    fn pool(&self, name: &'static str, size: usize, health: &Health) -> ReadPool {
        let pool = ReadPool::new(self.database.clone(), size).living_in(self.life.clone());
        pool.watched(name, health.pools().clone())
    }
}

/// The parts of the process that the surface shows.
#[derive(Debug, Clone)]
pub struct HttpParts {
    /// The way to every stream.
    pub registry: RegistryHandle,
    /// Who tells of channels over many markets.
    pub feeds: Link<Feeds>,
    /// What the parts say of themselves.
    pub health: Health,
    /// How votes are taken.
    pub votes: VoteRules,
    /// How transactions are built; `None`: they are not.
    pub desk: Option<DeskSettings>,
    /// Where pinned files are read.
    pub pinned: GatewayUrl,
}

/// The servers, running.
#[derive(Debug)]
pub struct RunningServers {
    /// Where REST is bound; port 0 where this node does not serve it.
    pub api: SocketAddr,
    /// Where WebSocket is bound; as above.
    pub ws: SocketAddr,
    /// Where the indexer's port is bound; as above.
    pub indexer: SocketAddr,
    hubs: Hubs,
    handles: Vec<ServerHandle>,
    tasks: Vec<JoinHandle<io::Result<()>>>,
    /// Ends with the servers.
    probe: Option<JoinHandle<()>>,
}

/// A worker's hub; another one if a panic ended it. Its sessions then close themselves and come back to the new one.
#[derive(Debug)]
pub struct HubHandle {
    hub: RefCell<Addr<Hub>>,
    services: Rc<Services>,
    start: HubStart,
}

#[derive(Debug, Clone)]
struct HubStart {
    settings: HttpSettings,
    parts: HttpParts,
    hubs: Hubs,
}

impl HubStart {
    /// `again`: the one before had died.
    fn start(&self, services: Rc<Services>, again: bool) -> Addr<Hub> {
        let pool = self.settings.pool("websocket", self.settings.read_pool_size, &self.parts.health);
        let HttpParts { registry, feeds, health, .. } = self.parts.clone();
        let sources = Sources::new(registry, pool, feeds, health.clone());
        let gauge = health.census().worker_begins(HUB, again);
        let hub = start_tended_here(HUB, &gauge, Hub::new(sources, services, health, self.settings.ws));
        self.hubs.add(hub.clone());
        hub
    }
}

impl HubHandle {
    fn start(start: HubStart, services: Services) -> Self {
        let services = Rc::new(services);
        Self { hub: RefCell::new(start.start(Rc::clone(&services), false)), services, start }
    }

    /// The hub.
    pub fn hub(&self) -> Addr<Hub> {
        let mut hub = self.hub.borrow_mut();
        if !hub.connected() {
            log::error!("a hub died; starting another");
            *hub = self.start.start(Rc::clone(&self.services), true);
        }
        hub.clone()
    }

    /// What its commands are answered with.
    pub fn services(&self) -> &Services {
        &self.services
    }
}

/// Bind and start the three servers. Must be called inside an actix system, which they run on.
///
/// # Errors
/// A port can't be bound.
pub async fn serve(settings: HttpSettings, parts: HttpParts) -> io::Result<RunningServers> {
    let roles = Roles { api: true, ws: true, indexer: true, aggregator: false, monitor: false, ipfs: false };
    serve_some(roles, settings, parts).await
}

/// Bind and start those of the three servers that a node of these roles has. As [`serve`].
///
/// # Errors
/// A port can't be bound.
pub async fn serve_some(roles: Roles, settings: HttpSettings, parts: HttpParts) -> io::Result<RunningServers> {
    let hubs = Hubs::default();
    let (host, workers) = (settings.api_host.clone(), settings.workers.max(1));
    let health = web::Data::new(parts.health.clone());
    let edge = Edge::new(&settings.edge, &parts.health)?;
    let metrics = parts.health.metrics().clone();
    let behind_tls = BehindTls(settings.edge.is_behind_tls);

    let sign_in = web::Data::new(settings.auth.clone());
    let tokens = web::Data::new(Tokens::new(&settings.auth).map_err(io::Error::other)?);
    let sessions = web::Data::new(Sessions::default());

    let door = Door::new(tokens.clone().into_inner(), sessions.clone().into_inner());

    let first = |addresses: Vec<SocketAddr>| addresses.first().copied().ok_or(io::ErrorKind::AddrNotAvailable);

    let socket = if roles.ws { Some(sockets::listen(&host, settings.ws_port)?) } else { None };
    let ws_port = socket.as_ref().map(|socket| socket.local_addr().map(|at| at.port())).transpose()?;

    let api = if roles.api {
        let (settings, parts, health, edge) = (settings.clone(), parts.clone(), health.clone(), edge.clone());
        let places = Places::of(&settings.console, settings.api_port, ws_port);
        let console = Console::new(settings.console.clone(), places);
        let port = settings.api_port;
        let connections = Connections::new(API, settings.edge.connections.api, &settings.edge.limits, metrics.clone());
        let server = HttpServer::new(move || {
            health.threads().watch("api", Arbiter::current());
            let app = App::new()
                .app_data(web::Data::new(gateway(&settings, &parts)))
                .app_data(web::Data::new(Views::measured_by(health.metrics())))
                .app_data(web::Data::new(ExportPlaces::default()))
                .app_data(web::Data::new(WorkerLimits::new(edge.limits.clone())))
                .app_data(health.clone())
                .app_data(sign_in.clone())
                .app_data(tokens.clone())
                .app_data(sessions.clone())
                .app_data(web::Data::new(ServiceName(API)))
                .app_data(web::Data::new(parts.votes.clone()))
                .app_data(web::Data::new(parts.pinned.clone()))
                .app_data(bounded())
                .app_data(behind_tls)
                .configure(routes::api)
                .configure(|app| routes::of_operators(app, settings.edge.are_metrics_public))
                .configure(|app| console.configure(app))
                .default_service(web::to(routes::nothing_here));
            // The last is the outermost: see `edge`.
            app.wrap(from_fn(bounds))
                .wrap(from_fn(limits::charge))
                .wrap(from_fn(identify))
                .wrap(from_fn(limits::around))
                .wrap(edge.cors())
                .wrap(from_fn(actions_for_all))
                .wrap(from_fn(compressed))
                .wrap(from_fn(envelope))
        })
        .workers(workers)
        .max_connections(descriptors::for_requests(workers))
        .client_request_timeout(HEAD_PATIENCE)
        .keep_alive(KEEP_ALIVE)
        .on_connect(move |connection, kept| connections.begin(connection, kept))
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals()
        .bind((host.as_str(), port))?;
        Some((first(server.addrs())?, server.run()))
    } else {
        None
    };

    let ws = if let Some(listener) = socket {
        let at = listener.local_addr()?;
        let start = HubStart { settings: settings.clone(), parts: parts.clone(), hubs: hubs.clone() };
        let pages = api.as_ref().filter(|_| settings.console.is_on).map(|(at, _)| at.port());
        let admission = Admission::new(settings.edge.sockets, &settings.edge.limits, &settings.edge.origins, pages);
        let limits = edge.limits.clone();
        let parts = sockets::Parts { health: health.clone(), admission: admission.into(), behind_tls };
        let server = actix_server::Server::build()
            .workers(workers)
            .shutdown_timeout(STOP_SECONDS)
            .disable_signals()
            .listen("websocket", listener, move || {
                parts.health.threads().watch("websocket", Arbiter::current());
                let services = Services {
                    gateway: gateway(&start.settings, &start.parts),
                    limits: WorkerLimits::new(limits.clone()),
                    door: door.clone(),
                    votes: web::Data::new(start.parts.votes.clone()),
                };
                sockets::service(web::Data::new(HubHandle::start(start.clone(), services)), &parts)
            })?
            .run();
        Some((at, server))
    } else {
        None
    };

    let indexer = if roles.indexer {
        let (limits, webhook) = (edge.limits.clone(), settings.webhook.clone());
        let pool = settings.pool("webhook", WEBHOOK_CONNECTIONS, &health);
        let connections = Connections::new(INDEXER, settings.edge.connections.indexer, &settings.edge.limits, metrics);
        let server = HttpServer::new(move || {
            health.threads().watch("indexer", Arbiter::current());
            let limits = WorkerLimits::new(limits.clone());
            let gate = Gate::new(webhook.clone(), pool.beside(WEBHOOK_CONNECTIONS), limits, health.metrics().clone());
            App::new()
                .app_data(BodyMax(MAX_DELIVERY_BYTES))
                .app_data(web::Data::new(gate))
                .app_data(health.clone())
                .app_data(behind_tls)
                .app_data(web::Data::new(ServiceName(INDEXER)))
                .configure(routes::indexer)
                .default_service(web::to(routes::nothing_here))
                .wrap(from_fn(bounds))
                .wrap(from_fn(envelope))
        })
        .workers(1)
        .max_connections(descriptors::DELIVERIES)
        .client_request_timeout(HEAD_PATIENCE)
        .on_connect(move |connection, kept| connections.begin(connection, kept))
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals()
        .bind((host.as_str(), settings.indexer_port))?;
        Some((first(server.addrs())?, server.run()))
    } else {
        None
    };

    let at = |server: &Option<(SocketAddr, Server)>| server.as_ref().map_or(NOWHERE, |(at, _)| *at);
    let (api_at, ws_at, indexer_at) = (at(&api), at(&ws), at(&indexer));
    log::info!("REST on {api_at}, WebSocket on {ws_at}, indexer on {indexer_at} (port 0: not here)");
    let servers: Vec<Server> = [api, ws, indexer].into_iter().flatten().map(|(_, server)| server).collect();
    let handles = servers.iter().map(|server| server.handle()).collect();
    let tasks = servers.into_iter().map(|server| actix::spawn(server)).collect();
    let probe = edge.redis.map(|redis| actix::spawn(redis.probe()));
    Ok(RunningServers { api: api_at, ws: ws_at, indexer: indexer_at, hubs, handles, tasks, probe })
}

/// A worker's gateway.
fn gateway(settings: &HttpSettings, parts: &HttpParts) -> GatewayHandle {
    let pool = settings.pool("requests", settings.read_pool_size, &parts.health);
    // Its settings were tried before: a worker without a desk builds nothing.
    let desk = parts.desk.clone().and_then(|settings| Desk::new(settings).map(Arc::new).ok());
    let reads = Reads::new(parts.registry.clone(), pool).with_desk(desk).with_health(parts.health.clone());
    GatewayHandle::start(reads)
}

impl RunningServers {
    /// Waits until one of the servers ends by itself, which none should. A node need not have any.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn ended(&mut self) -> io::Result<()> {
        if self.tasks.is_empty() {
            return std::future::pending().await;
        }
        let (ended, index, _) = select_all(self.tasks.iter_mut()).await;
        drop(self.tasks.swap_remove(index));
        ended.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }

    /// The hubs of the WebSocket port.
    pub fn hubs(&self) -> Hubs {
        self.hubs.clone()
    }

    /// Say goodbye to WebSocket clients, let requests be answered, and stop. Takes a few seconds at most.
    pub async fn stop(self) {
        let hubs = self.hubs.all();
        // A thread that hangs keeps nobody: what comes after this gives the leases up.
        let told = timeout(GOODBYE, join_all(hubs.iter().map(|hub| hub.send(SayGoodbye)))).await;
        let told: usize = told.into_iter().flatten().flatten().sum();
        if told > 0 {
            log::info!("{told} WebSocket clients were told to come back");
        }
        let until = Instant::now() + GOODBYE;
        while Instant::now() < until {
            let left = timeout(GOODBYE, join_all(hubs.iter().map(|hub| hub.send(CountSessions)))).await;
            if left.is_ok_and(|left| left.into_iter().flatten().sum::<usize>() == 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (handles, tasks) = (self.handles, self.tasks);
        let ended = async {
            join_all(handles.iter().map(|handle| handle.stop(true))).await;
            join_all(tasks).await;
        };
        if timeout(Duration::from_secs(STOP_SECONDS + 1), ended).await.is_err() {
            log::warn!("a server does not end: its thread hangs");
        }
        if let Some(probe) = self.probe {
            probe.abort();
        }
    }
}
