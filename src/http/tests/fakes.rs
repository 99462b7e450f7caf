//! Stand-in streams: they answer as the real ones do, from entries that a test makes, and they can lose frames, forget,
//! stall and die when a test says so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix::prelude::*;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message as WsMessage},
};

use crate::{
    actors::{
        registry::{ConfigHandle, FindConfig, FindMarket, MarketHandle, RegistryHandle},
        stream::{
            AttachConfig, AttachMarket, Detach, HubInput, HubLink, ReadConfig, ReadError, ReadMarket, ReleasedConfig,
            ReleasedMarket, Replay, ReplayAfter,
        },
    },
    config::{Config, Source},
    domain::{
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Slot},
        market::{Market, sample},
    },
    http::{
        app::{HttpParts, HttpSettings, RunningServers, serve},
        auth::{AuthSettings, siws::Site},
        edge::EdgeSettings,
        webhook::WebhookSettings,
        ws::WsLimits,
    },
    telemetry::health::{Health, Part},
    view::frame::{Channel, FramePack},
};

pub const CONFIG: AccountAddress = AccountAddress([9; 32]);

/// What a stream's journal holds; outlives its actor.
#[derive(Debug)]
pub struct Store {
    pub epoch: Epoch,
    pub head: u64,
    /// Frames so far behind the head are still in memory.
    pub memory: u64,
    pub answer: Option<ReadError>,
    pub hubs: usize,
    /// Everything up to here is final.
    pub finalized: u64,
}

pub type Stores = Arc<Mutex<HashMap<Channel, Store>>>;

fn pack(channel: Channel, epoch: Epoch, seq: u64) -> Arc<FramePack> {
    let head = format!(r#""channel":"{channel}","epoch":{epoch},"seq":{seq}"#);
    let texts = [
        format!(r#"{{"type":"trade_executed",{head},"data":{{}}}}"#).into(),
        format!(r#"{{"type":"price_update",{head},"data":{{}}}}"#).into(),
    ];
    Arc::new(FramePack::new(channel, epoch, Seq(seq), &texts))
}

pub fn market_at(address: MarketAddress) -> Market {
    Market { address, ..sample::market() }
}

/// The actor of a stream.
struct Stream {
    channel: Channel,
    stores: Stores,
    hubs: Vec<HubLink>,
}

impl Actor for Stream {
    type Context = Context<Self>;
}

impl Stream {
    fn with<T>(&self, look: impl FnOnce(&mut Store) -> T) -> T {
        look(self.stores.lock().unwrap().get_mut(&self.channel).unwrap())
    }

    fn attach(&mut self, hub: HubLink) {
        self.hubs.retain(|known| known.id != hub.id);
        self.hubs.push(hub);
        let hubs = self.hubs.len();
        self.with(|store| store.hubs = hubs);
    }

    fn market(&self) -> Result<ReleasedMarket, ReadError> {
        let address = self.channel.market().ok_or(ReadError::Unknown)?;
        self.with(|store| match store.answer {
            Some(error) => Err(error),
            None => Ok(ReleasedMarket {
                epoch: store.epoch,
                seq: Seq(store.head),
                slot: Slot(store.head * 10),
                recorded_at_ms: 1_760_000_000_000,
                finalized_seq: Seq(store.finalized),
                market: Arc::new(market_at(address)),
                beside: Default::default(),
                stale: None,
            }),
        })
    }

    fn config(&self) -> ReleasedConfig {
        self.with(|store| ReleasedConfig {
            epoch: store.epoch,
            seq: Seq(store.head),
            slot: Slot(store.head * 10),
            recorded_at_ms: 1_760_000_000_000,
            config: None,
        })
    }
}

impl Handler<ReadMarket> for Stream {
    type Result = Result<ReleasedMarket, ReadError>;
    fn handle(&mut self, _: ReadMarket, _: &mut Context<Self>) -> Self::Result {
        self.market()
    }
}

impl Handler<ReadConfig> for Stream {
    type Result = Result<ReleasedConfig, ReadError>;
    fn handle(&mut self, _: ReadConfig, _: &mut Context<Self>) -> Self::Result {
        Ok(self.config())
    }
}

impl Handler<AttachMarket> for Stream {
    type Result = Result<ReleasedMarket, ReadError>;
    fn handle(&mut self, AttachMarket(hub): AttachMarket, _: &mut Context<Self>) -> Self::Result {
        let released = self.market()?;
        self.attach(hub);
        Ok(released)
    }
}

impl Handler<AttachConfig> for Stream {
    type Result = Result<ReleasedConfig, ReadError>;
    fn handle(&mut self, AttachConfig(hub): AttachConfig, _: &mut Context<Self>) -> Self::Result {
        self.attach(hub);
        Ok(self.config())
    }
}

impl Handler<Detach> for Stream {
    type Result = ();
    fn handle(&mut self, Detach { hub_id }: Detach, _: &mut Context<Self>) {
        self.hubs.retain(|hub| hub.id != hub_id);
        let hubs = self.hubs.len();
        self.with(|store| store.hubs = hubs);
    }
}

impl Handler<ReplayAfter> for Stream {
    type Result = Result<Replay, ReadError>;
    fn handle(&mut self, ReplayAfter { epoch, after }: ReplayAfter, _: &mut Context<Self>) -> Self::Result {
        let channel = self.channel;
        Ok(self.with(|store| {
            if epoch != store.epoch || after.0 > store.head {
                Replay::NotServable
            } else if store.head - after.0 > store.memory {
                Replay::ReadJournal { head: Seq(store.head) }
            } else {
                Replay::Frames((after.0 + 1..=store.head).map(|seq| pack(channel, epoch, seq)).collect())
            }
        }))
    }
}

/// Make entries; `lost` of them, the first ones, do not reach the hubs.
#[derive(Message)]
#[rtype(result = "()")]
struct Emit {
    count: u64,
    lost: u64,
}

impl Handler<Emit> for Stream {
    type Result = ();
    fn handle(&mut self, Emit { count, lost }: Emit, _: &mut Context<Self>) {
        for n in 0..count {
            let (channel, epoch) = (self.channel, self.with(|store| store.epoch));
            let seq = self.with(|store| {
                store.head += 1;
                store.head
            });
            if n >= lost {
                let pack = pack(channel, epoch, seq);
                self.hubs.iter().for_each(|hub| drop(hub.inbox.try_send(HubInput::Frames(pack.clone()))));
            }
        }
    }
}

/// Say again where the head is.
#[derive(Message)]
#[rtype(result = "()")]
struct Remind;

impl Handler<Remind> for Stream {
    type Result = ();
    fn handle(&mut self, _: Remind, _: &mut Context<Self>) {
        let (epoch, seq) = self.with(|store| (store.epoch, Seq(store.head)));
        for hub in &self.hubs {
            let _ = hub.inbox.try_send(HubInput::Head { channel: self.channel, epoch, seq });
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for Stream {
    type Result = ();
    fn handle(&mut self, _: Die, ctx: &mut Context<Self>) {
        self.with(|store| store.hubs = 0);
        ctx.stop();
    }
}

/// Finds streams, and starts those that are not running.
struct Registry {
    stores: Stores,
    running: Arc<Mutex<HashMap<Channel, Addr<Stream>>>>,
}

impl Actor for Registry {
    type Context = Context<Self>;
}

impl Registry {
    fn stream(&self, channel: Channel) -> Result<Addr<Stream>, ReadError> {
        if !self.stores.lock().unwrap().contains_key(&channel) {
            return Err(ReadError::Unknown);
        }
        let mut running = self.running.lock().unwrap();
        let known = running.get(&channel).filter(|addr| addr.connected()).cloned();
        let stores = self.stores.clone();
        let addr = known.unwrap_or_else(|| Stream { channel, stores, hubs: Vec::new() }.start());
        running.insert(channel, addr.clone());
        Ok(addr)
    }
}

impl Handler<FindMarket> for Registry {
    type Result = Result<MarketHandle, ReadError>;
    fn handle(&mut self, FindMarket(address): FindMarket, _: &mut Context<Self>) -> Self::Result {
        let addr = self.stream(Channel::Market(address))?;
        Ok(MarketHandle {
            address,
            reads: addr.clone().recipient(),
            attach: addr.clone().recipient(),
            detach: addr.clone().recipient(),
            replay: addr.recipient(),
            held: Arc::default(),
        })
    }
}

impl Handler<FindConfig> for Registry {
    type Result = Result<ConfigHandle, ReadError>;
    fn handle(&mut self, _: FindConfig, _: &mut Context<Self>) -> Self::Result {
        let addr = self.stream(Channel::Config(CONFIG))?;
        Ok(ConfigHandle {
            address: CONFIG,
            reads: addr.clone().recipient(),
            attach: addr.clone().recipient(),
            detach: addr.clone().recipient(),
            replay: addr.recipient(),
        })
    }
}

/// The servers over stand-in streams.
pub struct World {
    pub servers: RunningServers,
    pub health: Health,
    pub stores: Stores,
    running: Arc<Mutex<HashMap<Channel, Addr<Stream>>>>,
    registry: Addr<Registry>,
}

pub fn market(n: u8) -> MarketAddress {
    MarketAddress([n; 32])
}

pub fn limits() -> WsLimits {
    WsLimits { heartbeat: Duration::from_millis(200), ..WsLimits::default() }
}

/// The edge of a test configuration with these settings.
pub fn edge(settings: &[(&str, &str)]) -> EdgeSettings {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let mut source = Source::new(move |name| {
        let found = settings.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        found.or_else(|| match name {
            "DATABASE_URL" | "SOLANA_RPC_URL" | "SOLANA_WS_URL" => Some("x".to_owned()),
            "JWT_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            _ => None,
        })
    });
    let config = Config::read(&mut source);
    source.finish().unwrap();
    config.unwrap().edge
}

impl World {
    /// Markets 1 to 3 and the config, each with 5 entries.
    pub async fn new(limits: WsLimits) -> Self {
        Self::behind(limits, edge(&[])).await
    }

    /// The same behind an edge that is set up so.
    pub async fn behind(limits: WsLimits, edge: EdgeSettings) -> Self {
        Self::taking(WebhookSettings::default(), limits, edge).await
    }

    /// The same, where deliveries are taken.
    pub async fn taking(webhook: WebhookSettings, limits: WsLimits, edge: EdgeSettings) -> Self {
        let store = || Store { epoch: Epoch(1), head: 5, memory: 1_024, answer: None, hubs: 0, finalized: 0 };
        let markets = (1..=3).map(|n| Channel::Market(market(n)));
        let stores: HashMap<_, _> = markets.chain([Channel::Config(CONFIG)]).map(|at| (at, store())).collect();
        let stores = Arc::new(Mutex::new(stores));
        let running = Arc::new(Mutex::new(HashMap::new()));
        let registry = Registry { stores: stores.clone(), running: running.clone() }.start();
        let (markets, config) = (registry.clone().recipient(), registry.clone().recipient());
        let handle = RegistryHandle::new(move || Some(markets.clone()), move || Some(config.clone()));
        let health = Health::new();
        health.covered(Slot(70), Slot(72));
        let settings = HttpSettings {
            api_host: "127.0.0.1".into(),
            api_port: 0,
            ws_port: 0,
            indexer_port: 0,
            workers: 1,
            // Nobody listens there.
            database: "host=127.0.0.1 port=1 user=nobody".parse().unwrap(),
            life: None,
            auth: AuthSettings {
                secret: "0123456789abcdef0123456789abcdef".parse().unwrap(),
                site: Site { domain: "x".into(), uri: "https://x".into(), chain: "localnet".into() },
            },
            read_pool_size: 1,
            ws: limits,
            edge,
            webhook,
            console: Default::default(),
        };
        let servers = serve(
            settings,
            HttpParts {
                registry: handle,
                feeds: Default::default(),
                health: health.clone(),
                votes: Default::default(),
                desk: None,
                pinned: Default::default(),
            },
        )
        .await
        .unwrap();
        Self { servers, health, stores, running, registry }
    }

    pub fn all_up(&self) {
        for part in [Part::Lease, Part::Database, Part::Journal, Part::Rpc, Part::Live, Part::Coverage, Part::Outbox] {
            self.health.up(part);
        }
    }

    async fn stream(&self, channel: Channel) -> Addr<Stream> {
        match channel {
            Channel::Market(address) => drop(self.registry.send(FindMarket(address)).await.unwrap().unwrap()),
            Channel::Config(_) => drop(self.registry.send(FindConfig).await.unwrap().unwrap()),
            Channel::Counted(_) | Channel::Ticker | Channel::Wallet(_) => panic!("no stream of its own: {channel}"),
        }
        self.running.lock().unwrap()[&channel].clone()
    }

    pub async fn emit(&self, channel: Channel, count: u64) {
        self.stream(channel).await.send(Emit { count, lost: 0 }).await.unwrap();
    }

    pub async fn emit_lossy(&self, channel: Channel, count: u64, lost: u64) {
        self.stream(channel).await.send(Emit { count, lost }).await.unwrap();
    }

    pub async fn remind(&self, channel: Channel) {
        self.stream(channel).await.send(Remind).await.unwrap();
    }

    pub async fn kill(&self, channel: Channel) {
        self.stream(channel).await.send(Die).await.unwrap();
    }

    pub fn change(&self, channel: Channel, change: impl FnOnce(&mut Store)) {
        change(self.stores.lock().unwrap().get_mut(&channel).unwrap());
    }

    pub async fn connect(&self) -> Client {
        let url = format!("ws://{}/ws", self.servers.ws);
        let (socket, _) = connect_async(url).await.unwrap();
        let mut client = Client { socket };
        assert_eq!(client.next().await.unwrap()["type"], "welcome");
        client
    }

    /// Send a request to the API, and read status, headers (lower case) and body.
    pub async fn request(&self, method: &str, target: &str, headers: &str) -> (u16, String, Vec<u8>) {
        request(self.servers.api, method, target, headers).await
    }

    pub async fn get(&self, target: &str) -> (u16, Value) {
        let (status, _, body) = self.request("GET", target, "").await;
        (status, serde_json::from_slice(&body).unwrap())
    }
}

pub async fn request(at: std::net::SocketAddr, method: &str, target: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let text = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(15), reading).await.expect("an answer in time").unwrap();
    let split = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..split].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, answer[split + 4..].to_vec())
}

/// A WebSocket client.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// How a connection ended: a close code, or without one.
pub type End = Option<u16>;

impl Client {
    pub async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    pub async fn say_text(&mut self, text: &str) {
        self.socket.send(WsMessage::text(text)).await.unwrap();
    }

    pub async fn next(&mut self) -> Result<Value, End> {
        loop {
            let next =
                tokio::time::timeout(Duration::from_secs(10), self.socket.next()).await.expect("a message in time");
            match next {
                Some(Ok(WsMessage::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(WsMessage::Close(close))) => return Err(close.map(|close| close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(Error::ConnectionClosed)) | None => return Err(None),
                Some(Err(error)) => panic!("{error}"),
            }
        }
    }

    /// The next message that is no heartbeat.
    pub async fn heard(&mut self) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["type"] != "heartbeat" {
                return message;
            }
        }
    }

    pub async fn heartbeat(&mut self) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["type"] == "heartbeat" {
                return message;
            }
        }
    }

    pub async fn subscribe(&mut self, market: MarketAddress, since: Option<(u32, u64)>) -> Value {
        let channel = format!("market:{market}");
        let mut message = serde_json::json!({"action": "subscribe", "id": "s", "market_id": market.to_string()});
        if let Some((epoch, seq)) = since {
            message["since"] = serde_json::json!({channel: {"epoch": epoch, "seq": seq}});
        }
        self.say(message).await;
        let answer = self.heard().await;
        assert_eq!((&answer["type"], &answer["id"]), (&"subscribed".into(), &"s".into()), "{answer}");
        answer
    }

    /// Hear the entries of a channel, both frames of each, in order and without anything else between.
    pub async fn entries(&mut self, channel: Channel, seqs: std::ops::RangeInclusive<u64>) {
        for seq in seqs {
            for kind in ["trade_executed", "price_update"] {
                let frame = self.heard().await;
                let heard = (frame["type"].as_str(), frame["channel"].as_str(), frame["seq"].as_u64());
                assert_eq!(heard, (Some(kind), Some(channel.to_string().as_str()), Some(seq)), "{frame}");
            }
        }
    }

    /// Nothing but heartbeats for a while.
    pub async fn silence(&mut self, duration: Duration) {
        let until = tokio::time::Instant::now() + duration;
        while let Ok(next) = tokio::time::timeout_at(until, self.next()).await {
            assert_eq!(next.as_ref().map(|message| message["type"].as_str()), Ok(Some("heartbeat")), "{next:?}");
        }
    }

    pub async fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }
}
