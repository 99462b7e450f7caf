//! Stand-ins for the engine's streams: actors that hubs attach to and that put each entry's frames into their inboxes, on
//! threads of their own as the real ones are. What a market does before that (decode, compute, commit) is measured
//! elsewhere; here its share would only blur that of the sockets.

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use anyhow::{Context as _, Result};
use zmart::{
    actors::{
        registry::{ConfigHandle, FindConfig, FindMarket, MarketHandle, RegistryHandle},
        stream::{
            AttachConfig, AttachMarket, Detach, HubInput, HubLink, ReadConfig, ReadError, ReadMarket, ReleasedConfig,
            ReleasedMarket, Replay, ReplayAfter, life::Life,
        },
    },
    domain::{
        amount::{Bps, Lamports, UnixSeconds},
        entry::FeeSchedule,
        event::{ChainEvent, InstructionFacts, IpfsHash, MarketCreated},
        ids::{
            AccountAddress, ChainPosition, Epoch, EventId, MarketAddress, MarketSeed, Seq, Slot, TxSignature, Wallet,
        },
        market::Market,
    },
    view::frame::{Channel, FramePack},
};

use crate::frame;

const CONFIG: AccountAddress = AccountAddress([9; 32]);
const EPOCH: Epoch = Epoch(1);
/// Threads of streams, as the engine has them on a small machine.
const THREADS: usize = 2;

/// One stream.
pub struct Stream {
    channel: Channel,
    /// Of a market.
    market: Option<Arc<Market>>,
    seq: u64,
    hubs: Vec<HubLink>,
}

impl Actor for Stream {
    type Context = Context<Self>;
}

impl Stream {
    fn listen(&mut self, hub: HubLink) {
        self.hubs.retain(|known| known.id != hub.id);
        self.hubs.push(hub);
    }

    fn config(&self) -> ReleasedConfig {
        ReleasedConfig { epoch: EPOCH, seq: Seq(self.seq), slot: Slot(1), recorded_at_ms: 0, config: None }
    }

    fn market(&self) -> Result<ReleasedMarket, ReadError> {
        Ok(ReleasedMarket {
            epoch: EPOCH,
            seq: Seq(self.seq),
            slot: Slot(1),
            recorded_at_ms: 0,
            finalized_seq: Seq(self.seq),
            market: self.market.clone().ok_or(ReadError::Unknown)?,
            beside: Default::default(),
            stale: None,
        })
    }

    fn publish(&mut self, at: Option<u64>) {
        self.seq += 1;
        let text = match at {
            Some(at) => frame::market_text(&self.channel.to_string(), self.seq, at),
            None => frame::config_text(self.seq),
        };
        let pack = Arc::new(FramePack::new(self.channel, EPOCH, Seq(self.seq), &[text.into()]));
        for hub in &self.hubs {
            if hub.inbox.try_send(HubInput::Frames(Arc::clone(&pack))).is_err() {
                eprintln!("a hub's inbox is full");
            }
        }
    }
}

impl Handler<ReadConfig> for Stream {
    type Result = Result<ReleasedConfig, ReadError>;
    fn handle(&mut self, _: ReadConfig, _: &mut Context<Self>) -> Self::Result {
        Ok(self.config())
    }
}

impl Handler<AttachConfig> for Stream {
    type Result = Result<ReleasedConfig, ReadError>;
    fn handle(&mut self, AttachConfig(hub): AttachConfig, _: &mut Context<Self>) -> Self::Result {
        self.listen(hub);
        Ok(self.config())
    }
}

impl Handler<ReadMarket> for Stream {
    type Result = Result<ReleasedMarket, ReadError>;
    fn handle(&mut self, _: ReadMarket, _: &mut Context<Self>) -> Self::Result {
        self.market()
    }
}

impl Handler<AttachMarket> for Stream {
    type Result = Result<ReleasedMarket, ReadError>;
    fn handle(&mut self, AttachMarket(hub): AttachMarket, _: &mut Context<Self>) -> Self::Result {
        self.listen(hub);
        self.market()
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
pub struct Publish {
    pub count: u64,
    /// When that was ordered, on a market's channel.
    pub at: Option<u64>,
}

impl Handler<Publish> for Stream {
    type Result = ();
    fn handle(&mut self, Publish { count, at }: Publish, _: &mut Context<Self>) {
        (0..count).for_each(|_| self.publish(at));
    }
}

/// The config's stream and those of markets.
#[derive(Clone)]
pub struct Streams {
    pub config: Addr<Stream>,
    markets: Arc<HashMap<MarketAddress, Addr<Stream>>>,
}

impl Streams {
    /// Start the config's and so many markets'.
    pub fn start(markets: usize) -> Result<Self> {
        let threads: Vec<Arbiter> = (0..THREADS).map(|_| Arbiter::new()).collect();
        let start = |number: usize, channel, market| {
            let thread = threads[number % THREADS].handle();
            Stream::start_in_arbiter(&thread, move |_| Stream { channel, market, seq: 0, hubs: Vec::new() })
        };
        let mut all = HashMap::new();
        for number in 0..markets {
            let address = frame::market(number);
            let state = state(address).context("a market that can't be made")?;
            all.insert(address, start(number, Channel::Market(address), Some(state)));
        }
        Ok(Self { config: start(0, Channel::Config(CONFIG), None), markets: Arc::new(all) })
    }

    /// The stream of a market's channel.
    pub fn of(&self, channel: &str) -> Result<&Addr<Stream>> {
        let address = channel.strip_prefix("market:").context("not a market's channel")?;
        let address: MarketAddress = address.parse().map_err(|_| anyhow::anyhow!("no address: {address}"))?;
        self.markets.get(&address).context("no such market")
    }

    /// As the servers find them.
    pub fn registry(&self) -> RegistryHandle {
        let registry = Registry(self.clone()).start();
        let (markets, config) = (registry.clone(), registry);
        RegistryHandle::new(move || Some(markets.clone().recipient()), move || Some(config.clone().recipient()))
    }
}

/// Knows the streams.
struct Registry(Streams);

impl Actor for Registry {
    type Context = Context<Self>;
}

impl Handler<FindMarket> for Registry {
    type Result = Result<MarketHandle, ReadError>;
    fn handle(&mut self, FindMarket(address): FindMarket, _: &mut Context<Self>) -> Self::Result {
        let stream = self.0.markets.get(&address).ok_or(ReadError::Unknown)?;
        Ok(MarketHandle {
            address,
            reads: stream.clone().recipient(),
            attach: stream.clone().recipient(),
            detach: stream.clone().recipient(),
            replay: stream.clone().recipient(),
            held: Default::default(),
        })
    }
}

impl Handler<FindConfig> for Registry {
    type Result = Result<ConfigHandle, ReadError>;
    fn handle(&mut self, _: FindConfig, _: &mut Context<Self>) -> Self::Result {
        let stream = &self.0.config;
        Ok(ConfigHandle {
            address: CONFIG,
            reads: stream.clone().recipient(),
            attach: stream.clone().recipient(),
            detach: stream.clone().recipient(),
            replay: stream.clone().recipient(),
        })
    }
}

/// A market as the chain's creation of it makes it.
fn state(address: MarketAddress) -> Option<Arc<Market>> {
    let created = MarketCreated {
        market_id: MarketSeed(address.0),
        creator: Wallet([9; 32]),
        b_parameter: 1_000_000_000_000,
        state: 0,
        timestamp: UnixSeconds(1_700_000_000),
    };
    let facts = InstructionFacts::Creation {
        initial_liquidity: Lamports(50_000_000_000),
        question_hash: IpfsHash(*b"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"),
    };
    let event = ChainEvent {
        id: EventId { signature: TxSignature([79; 64]), n: 0 },
        position: ChainPosition { slot: Slot(1), transaction_index: None, n: 0 },
        event: created.into(),
        facts: Some(facts),
    };
    let fees = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
    let mut life = Life::<Market>::unheard_of(address.account(), EPOCH);
    life.plan(&event, fees, 1_760_000_000_000).ok()?;
    life.applied().state.clone()
}
