//! `zmart serve`: the engine.
//!
//! Start: schema, the chain's identity, the journal's life, the actors, the servers; then one line on the standard output
//! says where they listen. Stop (SIGINT, SIGTERM): in order and in time ([`stopping`]); a second signal ends it at once.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{faults, stopping};
use crate::{
    actors::engine::Engine,
    bus::{
        Bus,
        redis::{Name, RedisBus},
    },
    chain::rpc::{ChainReadError, ChainRpc, Endpoint, Endpoints, RpcBudget, RpcOptions},
    config::{Config, Environment},
    domain::{ids::Epoch, soundness::Bounds},
    http::{
        app::{HttpParts, HttpSettings, RunningServers, serve_some},
        auth::{AuthSettings, siws::Site},
        desk::DeskSettings,
        ops::{self, OpsParts, OpsServer},
        routes::votes::VoteRules,
        webhook::WebhookSettings,
        ws::WsLimits,
    },
    journal::{
        connector::ConnectError,
        current_life::{CurrentLife, LivingDatabase},
        gateway_login, identity,
        migrate::{self, MigrateError},
    },
    telemetry::{health::Health, panics, service_manager},
};

/// Operators are few.
const OPS_CONNECTIONS: usize = 2;
/// Of a server that is not there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// How long the start waits for PostgreSQL and for the chain's node.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Runs until it is told to stop.
pub fn run(config: &Config) -> ExitCode {
    let system = actix::System::new();
    match system.block_on(start(config)) {
        Ok((engine, servers, ops)) => {
            let is_test = config.environment == Environment::Test;
            let ended = until_stopped(engine, servers, ops, is_test, config.ops.stop_within);
            system.block_on(async move { drop(actix::spawn(ended)) });
            match system.run_with_code() {
                Ok(0) => ExitCode::SUCCESS,
                Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
                Err(error) => {
                    log::error!("the runtime failed: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(error) => {
            log::error!("the engine can't start: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(config: &Config) -> anyhow::Result<(Engine, RunningServers, Option<OpsServer>)> {
    let settings = config.database.settings();
    let applied = patiently("PostgreSQL", MigrateError::is_final, || migrate::run(&settings)).await?;
    applied.iter().for_each(|name| log::info!("applied {name}"));
    let gateway =
        gateway_login::ready(&settings, config.database.own_gateway(), config.auth.jwt_secret.bytes()).await?;
    let endpoints = match &config.chain.fallback {
        Some(second) => Endpoints::with_second(&second.rpc_url),
        None => Endpoints::default(),
    };
    let life = bind_journal(config, &endpoints).await?;
    let bus = match &config.edge.redis {
        Some(redis) => Some(RedisBus::named(redis.client().context("REDIS_URL, REDIS_CA_FILE")?, name_of(&life))),
        None => None,
    };
    let bus = bus.map(|bus| Arc::new(bus) as Arc<dyn Bus>);
    let health = Health::new();
    panics::tell(health.census().clone());
    let started_at = chrono::Utc::now();
    let living = LivingDatabase { settings: settings.clone(), life: life.clone() };
    let engine = Engine::start(config, life.clone(), &endpoints, bus, health.clone())?;
    let http = HttpSettings {
        api_host: config.server.host.clone(),
        api_port: config.server.api_port,
        ws_port: config.server.ws_port,
        indexer_port: config.server.indexer_port,
        workers: config.server.workers,
        database: gateway,
        life: Some(life),
        auth: AuthSettings {
            secret: config.auth.jwt_secret.clone(),
            site: Site {
                domain: config.auth.domain.clone(),
                uri: config.auth.uri.clone(),
                chain: config.auth.chain.clone(),
            },
        },
        read_pool_size: config.database.read_connections,
        edge: config.edge.clone(),
        console: config.console.clone(),
        webhook: WebhookSettings {
            auth_header: config.indexer.auth_header.clone(),
            secret: config.indexer.webhook_secret.clone(),
            waiting_max: config.indexer.waiting_max.into(),
        },
        ws: WsLimits { heartbeat: Duration::from_millis(config.server.heartbeat_ms), ..WsLimits::default() },
    };
    // The chain's dispute period has no part in votes.
    let votes = VoteRules::new(config.votes, config.governance.periods(0), engine.chain_reader());
    let trading = &config.trading;
    let desk = DeskSettings {
        rpc: RpcOptions::new(&config.chain.rpc_url, config.chain.program).beside(&endpoints),
        budget: engine.rpc_budget.for_users(),
        max_priority_fee_micro_lamports: trading.max_priority_fee_micro_lamports,
        bounds: Bounds { price_bps: trading.warn_price_bps, cost_bps: trading.warn_cost_bps },
        slot: Duration::from_millis(trading.slot_ms),
        submissions: engine.submissions.clone(),
    };
    let parts = HttpParts {
        registry: engine.registry.clone(),
        feeds: engine.feeds.clone(),
        health: health.clone(),
        votes,
        desk: Some(desk),
        pinned: config.ipfs.gateway.clone(),
    };
    let servers = serve_some(config.node.roles, http, parts).await?;
    let operated = OpsParts {
        root: engine.root(),
        registry: engine.markets(),
        hubs: servers.hubs(),
        pool: living.pool(OPS_CONNECTIONS)?,
        health,
        node: config.node.id.clone(),
        started_at,
        api: servers.api,
        is_behind_tls: config.edge.is_behind_tls,
    };
    let ops = ops::serve(&config.ops, operated)?;
    let ops_at = ops.as_ref().map_or(NOWHERE, |server| server.at);
    let places =
        [("api=http", servers.api), ("ws=ws", servers.ws), ("indexer=http", servers.indexer), ("ops=http", ops_at)];
    let served = places.iter().filter(|(_, at)| at.port() != 0).map(|(name, at)| format!(" {name}://{at}"));
    println!("listening{}", served.collect::<String>());
    service_manager::ready();
    Ok((engine, servers, ops))
}

/// The journal must be of this chain and this program.
/// Answers with its life.
pub(super) async fn bind_journal(config: &Config, endpoints: &Endpoints) -> anyhow::Result<CurrentLife> {
    let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
    let options = RpcOptions::new(&config.chain.rpc_url, config.chain.program).beside(endpoints);
    let rpc = ChainRpc::new(options, budget)?;
    let (genesis_hash, told_by) = patiently("the chain's node", |_| false, || genesis(&rpc)).await?;
    let database = config.database.settings().connector()?;
    let (client, connection) = patiently("PostgreSQL", ConnectError::is_final, || database.connect()).await?;
    let driver = tokio::spawn(connection);
    match told_by {
        Endpoint::First => identity::bind_chain(&client, &genesis_hash, config.chain.program).await?,
        // By its word alone no journal begins.
        Endpoint::Second => identity::check_chain(&client, &genesis_hash, config.chain.program).await?,
    }
    endpoints.bind(&genesis_hash);
    let life = identity::current_life(&client, Epoch(0)).await?;
    drop(client);
    let _ = driver.await;
    log::info!("chain {genesis_hash}, program {}, journal epoch {}", config.chain.program, life.epoch);
    Ok(CurrentLife::new(life, &genesis_hash, config.chain.program))
}

/// What the bus is called by: another name in another life.
fn name_of(life: &CurrentLife) -> Name {
    let life = life.clone();
    Arc::new(move || life.get().name())
}

/// Which chain it is: by the first node, or where that does not answer by the second.
async fn genesis(rpc: &ChainRpc) -> Result<(String, Endpoint), ChainReadError> {
    let error = match rpc.at(Endpoint::First).genesis_hash().await {
        Ok(hash) => return Ok((hash, Endpoint::First)),
        Err(error) => error,
    };
    if !rpc.endpoints().are_two() {
        return Err(error);
    }
    log::warn!("the first node does not answer: {error}");
    let hash = rpc.at(Endpoint::Second).genesis_hash().await?;
    Ok((hash, Endpoint::Second))
}

/// Tries again for a while, but where that is of no use: a server that is started together with the engine needs its time.
pub(super) async fn patiently<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    is_final: impl Fn(&E) -> bool,
    ask: impl Fn() -> F,
) -> Result<T, E> {
    let began = tokio::time::Instant::now();
    loop {
        match ask().await {
            Err(error) if began.elapsed() < START_PATIENCE && !is_final(&error) => {
                log::warn!("waiting for {what}: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn until_stopped(
    engine: Engine,
    mut servers: RunningServers,
    ops: Option<OpsServer>,
    is_test: bool,
    within: Duration,
) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        log::error!("signals can't be received");
        return actix::System::current().stop_with_code(1);
    };
    // The actors live as long as this is held.
    let engine = Rc::new(engine);
    if is_test {
        tokio::task::spawn_local(faults::obey(Rc::clone(&engine), servers.hubs()));
    }
    tokio::select! {
        _ = terminate.recv() => log::info!("told to stop (SIGTERM)"),
        _ = interrupt.recv() => log::info!("told to stop (SIGINT)"),
        ended = servers.ended() => {
            log::error!("a server ended by itself: {ended:?}");
            return actix::System::current().stop_with_code(1);
        }
    }
    service_manager::stopping();
    let ended = stopping::stop(&engine, servers, ops, within);
    tokio::select! {
        () = ended => {}
        _ = terminate.recv() => stopping::at_once(),
        _ = interrupt.recv() => stopping::at_once(),
    }
    actix::System::current().stop();
}
