//! The server under test: the engine's WebSocket port, hubs, sessions and outboxes, over a stand-in for one stream.
//!
//! The stand-in is the config's stream, an actor on a thread of its own as the real ones are: hubs attach to it, and it
//! puts each entry's frames into their inboxes. What a market does before that (decode, compute, commit) is measured
//! elsewhere; here its share would only blur that of the sockets.

use std::sync::Arc;

use actix::prelude::*;
use anyhow::{Context as _, Result};
use zmart::{
    actors::{
        registry::{ConfigHandle, FindConfig, FindMarket, MarketHandle, RegistryHandle},
        stream::{AttachConfig, Detach, HubInput, HubLink, ReadConfig, ReadError, ReleasedConfig, Replay, ReplayAfter},
    },
    domain::ids::{AccountAddress, Epoch, Seq, Slot},
    http::{
        app::{HttpParts, HttpSettings, serve},
        auth::{AuthSettings, siws::Site},
        edge::EdgeSettings,
        ws::WsLimits,
    },
    telemetry::health::Health,
    view::frame::{Channel, FramePack},
};

use crate::{frame, process};

const CONFIG: AccountAddress = AccountAddress([9; 32]);
const EPOCH: Epoch = Epoch(1);
/// As `zmart serve` has it by default.
const WORKERS: usize = 2;

struct Stream {
    seq: u64,
    hubs: Vec<HubLink>,
}

impl Actor for Stream {
    type Context = Context<Self>;
}

impl Stream {
    fn released(&self) -> ReleasedConfig {
        ReleasedConfig { epoch: EPOCH, seq: Seq(self.seq), slot: Slot(1), recorded_at_ms: 0, config: None }
    }
}

impl Handler<ReadConfig> for Stream {
    type Result = Result<ReleasedConfig, ReadError>;
    fn handle(&mut self, _: ReadConfig, _: &mut Context<Self>) -> Self::Result {
        Ok(self.released())
    }
}

impl Handler<AttachConfig> for Stream {
    type Result = Result<ReleasedConfig, ReadError>;
    fn handle(&mut self, AttachConfig(hub): AttachConfig, _: &mut Context<Self>) -> Self::Result {
        self.hubs.retain(|known| known.id != hub.id);
        self.hubs.push(hub);
        Ok(self.released())
    }
}

impl Handler<Detach> for Stream {
    type Result = ();
    fn handle(&mut self, Detach { hub_id }: Detach, _: &mut Context<Self>) {
        self.hubs.retain(|known| known.id != hub_id);
    }
}

impl Handler<ReplayAfter> for Stream {
    type Result = Result<Replay, ReadError>;
    fn handle(&mut self, _: ReplayAfter, _: &mut Context<Self>) -> Self::Result {
        // Nothing may be lost on the way here: a replay would be another measurement.
        eprintln!("a hub asked for a replay");
        Ok(Replay::NotServable)
    }
}

/// Make so many entries.
#[derive(Message)]
#[rtype(result = "()")]
struct Publish(u64);

impl Handler<Publish> for Stream {
    type Result = ();
    fn handle(&mut self, Publish(frames): Publish, _: &mut Context<Self>) {
        self.publish(frames);
    }
}

impl Stream {
    fn publish(&mut self, count: u64) {
        for _ in 0..count {
            self.seq += 1;
            let texts = [frame::text(self.seq).into()];
            let pack = Arc::new(FramePack::new(Channel::Config(CONFIG), EPOCH, Seq(self.seq), &texts));
            for hub in &self.hubs {
                if hub.inbox.try_send(HubInput::Frames(Arc::clone(&pack))).is_err() {
                    eprintln!("a hub's inbox is full");
                }
            }
        }
    }
}

/// Knows the one stream.
struct Registry(Addr<Stream>);

impl Actor for Registry {
    type Context = Context<Self>;
}

impl Handler<FindMarket> for Registry {
    type Result = Result<MarketHandle, ReadError>;
    fn handle(&mut self, _: FindMarket, _: &mut Context<Self>) -> Self::Result {
        Err(ReadError::Unknown)
    }
}

impl Handler<FindConfig> for Registry {
    type Result = Result<ConfigHandle, ReadError>;
    fn handle(&mut self, _: FindConfig, _: &mut Context<Self>) -> Self::Result {
        let stream = &self.0;
        Ok(ConfigHandle {
            address: CONFIG,
            reads: stream.clone().recipient(),
            attach: stream.clone().recipient(),
            detach: stream.clone().recipient(),
            replay: stream.clone().recipient(),
        })
    }
}

pub fn run() -> Result<()> {
    let system = System::new();
    let stream = Stream::start_in_arbiter(&Arbiter::new().handle(), |_| Stream { seq: 0, hubs: Vec::new() });
    let stand_in = stream.clone();
    let address = system.block_on(async move {
        let registry = Registry(stand_in).start();
        let (markets, config) = (registry.clone(), registry);
        let registry =
            RegistryHandle::new(move || Some(markets.clone().recipient()), move || Some(config.clone().recipient()));
        let settings = HttpSettings {
            api_host: "127.0.0.1".to_owned(),
            api_port: 0,
            ws_port: 0,
            indexer_port: 0,
            workers: WORKERS,
            // Never connected to: nothing is replayed.
            database: tokio_postgres::Config::new(),
            // Nobody signs in.
            auth: AuthSettings {
                secret: "0123456789abcdef0123456789abcdef".parse().map_err(|()| anyhow::anyhow!("no secret"))?,
                site: Site { domain: "x".into(), uri: "https://x".into(), chain: "localnet".into() },
            },
            read_pool_size: 1,
            ws: WsLimits::default(),
            edge: EdgeSettings::open(),
        };
        let parts = HttpParts {
            registry,
            feeds: Default::default(),
            health: Health::new(),
            votes: Default::default(),
            desk: None,
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
        let served = take_commands(&stream);
        system_handle.stop_with_code(i32::from(served.is_err()));
    });
    Ok(system.run()?)
}

fn take_commands(stream: &Addr<Stream>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    process::serve_commands(|frames| runtime.block_on(stream.send(Publish(frames))).context("the stream is gone"))
}
