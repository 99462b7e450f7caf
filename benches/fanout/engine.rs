//! The server under test: the engine's WebSocket port, hubs, sessions and outboxes, over stand-ins for the streams.

use actix::prelude::*;
use anyhow::{Context as _, Result};
use zmart::{
    http::{
        app::{HttpParts, HttpSettings, serve},
        auth::{AuthSettings, siws::Site},
        edge::EdgeSettings,
        ws::WsLimits,
    },
    telemetry::health::Health,
};

use crate::{
    process::{self, Command},
    streams::{Publish, Streams},
};

/// As `zmart serve` has it by default.
const WORKERS: usize = 2;

pub fn run(markets: usize) -> Result<()> {
    let system = System::new();
    let streams = system.block_on(async move { Streams::start(markets) })?;
    let stand_ins = streams.clone();
    let address = system.block_on(async move {
        let settings = HttpSettings {
            api_host: "127.0.0.1".to_owned(),
            api_port: 0,
            ws_port: 0,
            indexer_port: 0,
            workers: WORKERS,
            // Never connected to: nothing is replayed.
            database: "host=127.0.0.1".parse()?,
            life: None,
            // Nobody signs in.
            auth: AuthSettings {
                secret: "0123456789abcdef0123456789abcdef".parse().map_err(|()| anyhow::anyhow!("no secret"))?,
                site: Site { domain: "x".into(), uri: "https://x".into(), chain: "localnet".into() },
            },
            read_pool_size: 1,
            ws: WsLimits::default(),
            edge: EdgeSettings::open(),
            webhook: Default::default(),
            console: Default::default(),
        };
        let registry = stand_ins.registry();
        let parts = HttpParts {
            registry,
            feeds: Default::default(),
            health: Health::new(),
            votes: Default::default(),
            desk: None,
            pinned: Default::default(),
        };
        let servers = serve(settings, parts).await?;
        let address = servers.ws;
        actix::spawn(async move {
            let mut servers = servers;
            if let Err(error) = servers.ended().await {
                eprintln!("a server ended: {error}");
            }
        });
        anyhow::Ok(address)
    })?;
    println!("{address}");
    let system_handle = system.block_on(async { System::current() });
    std::thread::spawn(move || {
        let served = take_commands(&streams);
        system_handle.stop_with_code(i32::from(served.is_err()));
    });
    Ok(system.run()?)
}

fn take_commands(streams: &Streams) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    process::serve_commands(|command| match command {
        Command::Config(count) => {
            let published = streams.config.send(Publish { count, at: None });
            runtime.block_on(published).context("the stream is gone")
        }
        Command::Markets { at, channels } => {
            for channel in &channels {
                streams.of(channel)?.do_send(Publish { count: 1, at: Some(at) });
            }
            Ok(())
        }
    })
}
