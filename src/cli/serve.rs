//! `zmart serve`: the engine.
//!
//! Start: schema, the chain's identity, the journal's life, the actors, the servers; then one line on the standard output
//! says where they listen. Stop (SIGINT, SIGTERM): no new connections, sessions are told, the servers end, the actors
//! end. Nothing is flushed: what matters is in PostgreSQL already.

use std::{process::ExitCode, rc::Rc, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    actors::engine::Engine,
    chain::rpc::{ChainRpc, RpcBudget, RpcOptions},
    config::{Config, Environment},
    domain::ids::Epoch,
    http::{
        app::{HttpParts, HttpSettings, RunningServers, serve},
        ws::WsLimits,
    },
    journal::{identity, migrate},
    telemetry::health::Health,
};

/// How long the start waits for PostgreSQL and for the chain's node.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Runs until it is told to stop.
pub fn run(config: &Config) -> ExitCode {
    let system = actix::System::new();
    match system.block_on(start(config)) {
        Ok((engine, servers)) => {
            let faults = config.environment == Environment::Test;
            system.block_on(async move { drop(actix::spawn(until_stopped(engine, servers, faults))) });
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

async fn start(config: &Config) -> anyhow::Result<(Engine, RunningServers)> {
    let settings = config.database.settings();
    let applied = patiently("PostgreSQL", || migrate::run(&settings)).await?;
    applied.iter().for_each(|name| log::info!("applied {name}"));
    let epoch = bind_journal(config).await?;
    let health = Health::new();
    let engine = Engine::start(config, epoch, health.clone())?;
    let http = HttpSettings {
        api_host: config.server.host.clone(),
        api_port: config.server.api_port,
        ws_port: config.server.ws_port,
        indexer_port: config.server.indexer_port,
        workers: config.server.workers,
        database: settings.parse()?,
        read_pool_size: config.database.read_connections,
        ws: WsLimits { heartbeat: Duration::from_millis(config.server.heartbeat_ms), ..WsLimits::default() },
    };
    let servers = serve(http, HttpParts { registry: engine.registry.clone(), health }).await?;
    println!("listening api=http://{} ws=ws://{} indexer=http://{}", servers.api, servers.ws, servers.indexer);
    Ok((engine, servers))
}

/// The journal must be of this chain and this program.
async fn bind_journal(config: &Config) -> anyhow::Result<Epoch> {
    let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
    let rpc = ChainRpc::new(RpcOptions::new(&config.chain.rpc_url, config.chain.program), budget)?;
    let genesis_hash = patiently("the chain's node", || rpc.genesis_hash()).await?;
    let (client, connection) = config.database.settings().parse()?.connect(tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    identity::bind_chain(&client, &genesis_hash, config.chain.program).await?;
    let epoch = identity::current_epoch(&client).await?;
    drop(client);
    let _ = driver.await;
    log::info!("chain {genesis_hash}, program {}, journal epoch {epoch}", config.chain.program);
    Ok(epoch)
}

/// Tries again for a while: a server that is started together with the engine needs its time.
async fn patiently<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    ask: impl Fn() -> F,
) -> Result<T, E> {
    let began = tokio::time::Instant::now();
    loop {
        match ask().await {
            Err(error) if began.elapsed() < START_PATIENCE => {
                log::warn!("waiting for {what}: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn until_stopped(engine: Engine, mut servers: RunningServers, faults: bool) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        log::error!("signals can't be received");
        return actix::System::current().stop_with_code(1);
    };
    let engine = Rc::new(engine);
    if faults {
        tokio::task::spawn_local(inject_faults(Rc::clone(&engine)));
    }
    tokio::select! {
        _ = terminate.recv() => log::info!("told to stop (SIGTERM)"),
        _ = interrupt.recv() => log::info!("told to stop (SIGINT)"),
        ended = servers.ended() => {
            log::error!("a server ended by itself: {ended:?}");
            return actix::System::current().stop_with_code(1);
        }
    }
    servers.stop().await;
    engine.ends().await;
    actix::System::current().stop();
}

/// `ZMART_ENV=test` only: a line `crash NAME` on the standard input makes that actor panic. Read on a thread of its own:
/// a read of the standard input can't be cancelled, and must not hold up the end.
async fn inject_faults(engine: Rc<Engine>) {
    let (sender, mut lines) = tokio::sync::mpsc::channel::<String>(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        if let Some(name) = line.strip_prefix("crash ") {
            println!("crash {name} {}", if engine.crash(name.trim()) { "sent" } else { "unknown" });
        }
    }
}
