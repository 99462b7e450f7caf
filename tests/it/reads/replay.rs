//! A client that is further behind than a market remembers is served from the journal, page by page, and then live.

use std::sync::Arc;

use actix::prelude::*;
use zmart::{
    actors::{
        registry::{FindConfig, FindMarket, MarketHandle, RegistryHandle},
        stream::{AttachMarket, Detach, HubInput, HubLink, ReadError, ReadMarket, ReleasedMarket, Replay, ReplayAfter},
    },
    domain::{
        entry::Entry,
        ids::{Epoch, Seq, Slot},
        market::Market,
        phase::Phase,
    },
    http::{
        app::{HttpParts, HttpSettings, serve},
        auth::{AuthSettings, siws::Site},
        edge::EdgeSettings,
        ws::WsLimits,
    },
    telemetry::health::Health,
    view::frame::{Channel, FramePack},
};
use zmart_testkit::{engine::JWT_SECRET, http::get, socket::Connection};

use super::{insert_market, insert_trade, journal, market, trade};

/// Entries in the journal when the client comes.
const BEHIND: u64 = 1_000;

/// A market that remembers nothing.
struct Forgetful {
    market: Arc<Market>,
    head: u64,
    hubs: Vec<HubLink>,
}

impl Actor for Forgetful {
    type Context = Context<Self>;
}

impl Forgetful {
    fn released(&self) -> ReleasedMarket {
        ReleasedMarket {
            epoch: Epoch(2),
            seq: Seq(self.head),
            slot: Slot(77),
            recorded_at_ms: 0,
            finalized_seq: Seq(3),
            market: Arc::clone(&self.market),
            beside: Default::default(),
            stale: None,
        }
    }
}

impl Handler<ReadMarket> for Forgetful {
    type Result = Result<ReleasedMarket, ReadError>;

    fn handle(&mut self, _: ReadMarket, _: &mut Context<Self>) -> Self::Result {
        Ok(self.released())
    }
}

impl Handler<AttachMarket> for Forgetful {
    type Result = Result<ReleasedMarket, ReadError>;

    fn handle(&mut self, AttachMarket(hub): AttachMarket, _: &mut Context<Self>) -> Self::Result {
        self.hubs.push(hub);
        Ok(self.released())
    }
}

impl Handler<Detach> for Forgetful {
    type Result = ();

    fn handle(&mut self, Detach { hub_id }: Detach, _: &mut Context<Self>) {
        self.hubs.retain(|hub| hub.id != hub_id);
    }
}

impl Handler<ReplayAfter> for Forgetful {
    type Result = Result<Replay, ReadError>;

    fn handle(&mut self, ask: ReplayAfter, _: &mut Context<Self>) -> Self::Result {
        let head = Seq(self.head);
        Ok(if ask.after == head { Replay::Frames(Vec::new()) } else { Replay::ReadJournal { head } })
    }
}

/// An entry was journaled.
#[derive(Message)]
#[rtype(result = "()")]
struct Journaled(Entry);

impl Handler<Journaled> for Forgetful {
    type Result = ();

    fn handle(&mut self, Journaled(entry): Journaled, _: &mut Context<Self>) {
        self.head = entry.seq.0;
        let pack = Arc::new(FramePack::of(Channel::Market(self.market.address), Epoch(2), &entry));
        for hub in &self.hubs {
            hub.inbox.try_send(HubInput::Frames(Arc::clone(&pack))).unwrap();
        }
    }
}

struct Registry(Addr<Forgetful>, Arc<Market>);

impl Actor for Registry {
    type Context = Context<Self>;
}

impl Handler<FindMarket> for Registry {
    type Result = Result<MarketHandle, ReadError>;

    fn handle(&mut self, FindMarket(address): FindMarket, _: &mut Context<Self>) -> Self::Result {
        if address != self.1.address {
            return Err(ReadError::Unknown);
        }
        let addr = &self.0;
        Ok(MarketHandle {
            address,
            reads: addr.clone().recipient(),
            attach: addr.clone().recipient(),
            detach: addr.clone().recipient(),
            replay: addr.clone().recipient(),
            held: Default::default(),
        })
    }
}

impl Handler<FindConfig> for Registry {
    type Result = Result<zmart::actors::registry::ConfigHandle, ReadError>;

    fn handle(&mut self, _: FindConfig, _: &mut Context<Self>) -> Self::Result {
        Err(ReadError::Unknown)
    }
}

#[actix_web::test]
async fn a_client_far_behind_is_served_from_the_journal_and_then_live() {
    let (database, client) = journal().await;
    let shown = market(1, Phase::Active, 1_000);
    insert_market(&client, &shown, (2, BEHIND)).await;
    for seq in 1..=BEHIND {
        insert_trade(&client, &shown, Epoch(2), &trade(&shown, seq, false)).await;
    }
    let shown = Arc::new(shown);
    let stream = Forgetful { market: Arc::clone(&shown), head: BEHIND, hubs: Vec::new() }.start();
    let registry = Registry(stream.clone(), Arc::clone(&shown)).start();
    let (markets, config) = (registry.clone().recipient(), registry.recipient());
    let settings = HttpSettings {
        api_host: "127.0.0.1".into(),
        api_port: 0,
        ws_port: 0,
        indexer_port: 0,
        workers: 1,
        database: database.url.parse().unwrap(),
        life: None,
        auth: AuthSettings {
            secret: JWT_SECRET.parse().unwrap(),
            site: Site { domain: "x".into(), uri: "https://x".into(), chain: "localnet".into() },
        },
        read_pool_size: 2,
        ws: WsLimits::default(),
        edge: EdgeSettings::open(),
        webhook: Default::default(),
        console: Default::default(),
    };
    let registry = RegistryHandle::new(move || Some(markets.clone()), move || Some(config.clone()));
    let parts = HttpParts {
        registry,
        feeds: Default::default(),
        health: Health::new(),
        votes: Default::default(),
        desk: None,
        pinned: Default::default(),
    };
    let servers = serve(settings, parts).await.unwrap();

    let mut connection = Connection::open(&format!("ws://{}", servers.ws)).await;
    assert_eq!(connection.next_frame().await["type"], "welcome");
    let subscribed = connection.subscribe(shown.address, Some((2, 0))).await;
    assert_eq!((&subscribed["recovered"], &subscribed["seq"]), (&true.into(), &0.into()), "{subscribed}");

    let live = trade(&shown, BEHIND + 1, false);
    insert_trade(&client, &shown, Epoch(2), &live).await;
    stream.send(Journaled(live)).await.unwrap();
    for seq in 1..=BEHIND + 1 {
        let entry = trade(&shown, seq, false);
        let pack = FramePack::of(Channel::Market(shown.address), Epoch(2), &entry);
        for expected in pack.texts() {
            let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
            assert_eq!(connection.next_frame().await, expected, "entry {seq}");
        }
    }

    let api = format!("http://{}", servers.api);
    let target = format!("/api/markets/{}/trades?limit=100", shown.seed);
    let mut cursor = String::new();
    let mut seqs = Vec::new();
    loop {
        let page = get(&api, &format!("{target}{cursor}")).await.json();
        for trade in page["trades"].as_array().unwrap() {
            seqs.push(trade["seq"].as_u64().unwrap());
            let status = if trade["seq"].as_u64() <= Some(3) { "finalized" } else { "confirmed" };
            assert_eq!(trade["status"], status, "{trade}");
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(seqs.into_iter().eq((1..=BEHIND + 1).rev()), "each trade once, newest first");
    servers.stop().await;
}
