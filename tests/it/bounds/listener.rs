//! The listener before a node that says too much, and behind a journal that takes no more: it ends the live subscription
//! (not reading would only fill the client), and begins it again when there is room.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use zmart::{
    actors::{
        chain_reader::ChainReader,
        journal_writer::JournalWriter,
        listener::{Listener, ListenerParts},
        pressure::Pressure,
        registry::{Registry, StreamHome},
        role::Role,
        stream::StreamEnvironment,
        supervision::{DeathGuard, Link},
    },
    chain::{
        anchor::events::encode_event,
        program::ProgramAddresses,
        pubsub::LiveOptions,
        rpc::{ChainRpc, RpcBudget, RpcOptions},
    },
    domain::{
        amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
        event::SharesBought,
        ids::{MarketSeed, ProgramId, TxSignature, Wallet},
    },
    journal::{
        DatabaseSettings,
        identity::current_epoch,
        lease::{Leased, Term},
        migrate,
    },
    telemetry::health::{Health, Part, PartState},
};
use zmart_testkit::{chain::Chain, patience::wait_for, postgres::Database};

/// Markets that the node's flood is about: enough for the window to be full before each lane is.
const LANES: u64 = 20;
/// As the listener has them.
const WINDOW: u64 = 4_096;
const HELD: u64 = 4_096;

/// A node's notifications: slots for ever, and as many transactions as are asked for.
struct Node {
    url: String,
    /// Connections that are open now.
    open: Arc<AtomicUsize>,
}

impl Node {
    async fn start(program: ProgramId, flood: u64) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", socket.local_addr().unwrap());
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        actix::spawn(async move {
            let mut flood = flood;
            while let Ok((stream, _)) = socket.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let counted = Arc::clone(&counted);
                let many = std::mem::take(&mut flood);
                actix::spawn(async move {
                    // However it ends: that is what the test looks at.
                    let _ = talk(stream, program, many).await;
                    counted.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { url, open }
    }

    async fn connections_are(&self, what: &str, wanted: usize) {
        wait_for(what, || async {
            let open = self.open.load(Ordering::SeqCst);
            if open == wanted { Ok(()) } else { Err(format!("{open} connections")) }
        })
        .await;
    }
}

/// After the flood a transaction with every slot, so that there is always one more.
async fn talk(stream: TcpStream, program: ProgramId, flood: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    for _ in 0..2 {
        let asked: Value = loop {
            match socket.next().await.ok_or("the end")?? {
                Message::Text(text) => break serde_json::from_str(&text)?,
                _ => continue,
            }
        };
        let number = if asked["method"] == "logsSubscribe" { 22 } else { 11 };
        socket.send(said(json!({"id": asked["id"], "result": number}))).await?;
    }
    for number in 0..flood {
        socket.send(transaction(program, number)).await?;
    }
    for number in flood.. {
        if flood > 0 {
            socket.send(transaction(program, number)).await?;
        }
        let slot = json!({"slot": number, "parent": 0, "root": 0});
        socket
            .send(said(json!({"method": "slotNotification", "params": {"result": slot, "subscription": 11}})))
            .await?;
        if let Ok(ended) = tokio::time::timeout(Duration::from_millis(50), socket.next()).await {
            match ended {
                Some(Ok(message)) if !message.is_close() => {}
                _ => return Ok(()),
            }
        }
    }
    Ok(())
}

fn said(mut what: Value) -> Message {
    what["jsonrpc"] = json!("2.0");
    Message::text(what.to_string())
}

/// A purchase on a market that does not exist.
fn transaction(program: ProgramId, number: u64) -> Message {
    let event = SharesBought {
        market_id: MarketSeed([(number % LANES) as u8; 32]),
        user: Wallet([4; 32]),
        outcome: true,
        shares: ShareUnits(1),
        cost: Lamports(1),
        new_price_yes: PriceE9(500_000_000),
        timestamp: UnixSeconds(1),
    };
    let mut signature = [7; 64];
    signature[..8].copy_from_slice(&number.to_le_bytes());
    let logs = [
        format!("Program {program} invoke [1]"),
        format!("Program data: {}", BASE64_STANDARD.encode(encode_event(&event.into()))),
        format!("Program {program} success"),
    ];
    let value = json!({"signature": TxSignature(signature).to_string(), "err": null, "logs": logs});
    let result = json!({"context": {"slot": 1_000_000}, "value": value});
    said(json!({"method": "logsNotification", "params": {"result": result, "subscription": 22}}))
}

/// A listener between that node and a real chain, and the streams behind it.
struct Rig {
    _chain: Chain,
    database: Database,
    health: Health,
    pressure: Pressure,
    registry: Link<Registry>,
    env: StreamEnvironment,
    rpc: ChainRpc,
    _listener: Addr<Listener>,
}

impl Rig {
    async fn start(chain: Chain, node: &Node) -> Self {
        let database = Database::fresh().await;
        let settings =
            DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
        migrate::run(&settings).await.unwrap();
        database.take_lease().await;
        let epoch = current_epoch(&database.connect().await).await.unwrap();
        let program = chain.client().program;
        // The chain is covered as far as it will get: what coverage would find there is not what this is about.
        let covered = "INSERT INTO chain_cursor (program_id, slot, covered_slot, finalized_slot) \
                       VALUES ($1::text, 1000000000, 1, 1)";
        database.connect().await.execute(covered, &[&program.to_string()]).await.unwrap();
        let budget = RpcBudget::new(10_000.try_into().unwrap());
        let rpc = ChainRpc::new(RpcOptions::new(&chain.client().rpc_url, program), budget).unwrap();
        let (health, pressure, registry) = (Health::new(), Pressure::default(), Link::default());
        let env = StreamEnvironment {
            pool: settings.pool(4).unwrap(),
            writer: Link::default(),
            reader: Link::default(),
            fees: Arc::default(),
            epoch,
            role: Role::Leading(Term(1)),
            health: health.clone(),
            idle_after: Duration::from_secs(600),
            is_heard: true,
        };
        let parts = ListenerParts {
            live: LiveOptions {
                url: node.url.clone(),
                program,
                connect_timeout: Duration::from_secs(10),
                silent_after: Duration::from_secs(30),
            },
            second_ws: None,
            program,
            config_address: ProgramAddresses::new(program).config().0,
            coverage_interval: Duration::from_millis(500),
            rpc: rpc.clone(),
            pool: Leased::new(settings.pool(4).unwrap(), Term(1)),
            registry: registry.clone(),
            pressure: pressure.clone(),
            fees: env.fees.clone(),
            epoch,
            health: health.clone(),
            backfill: None,
        };
        let listener = Listener::new(parts, DeathGuard::new().0).start();
        // Its clock.
        let ticked = listener.clone();
        actix::spawn(async move {
            while ticked.send(zmart::actors::listener::ListenerTick).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { _chain: chain, database, health, pressure, registry, env, rpc, _listener: listener }
    }

    /// The streams come to life, and what waits for them goes on.
    fn start_streams(&self) {
        let settings =
            DatabaseSettings { url: self.database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
        let pool = Leased::new(settings.pool(2).unwrap(), Term(1));
        let writer = JournalWriter::new(pool, self.health.clone(), DeathGuard::new().0);
        self.env.writer.set(writer.start());
        let program = self.rpc.program();
        self.env.reader.set(ChainReader::new(self.rpc.clone(), program, DeathGuard::new().0).start());
        let homes = vec![StreamHome { arbiter: Arbiter::current(), env: self.env.clone() }].into();
        let config = ProgramAddresses::new(program).config().0;
        self.registry.set(Registry::new(homes, settings.pool(4).unwrap(), config, DeathGuard::new().0).start());
    }

    fn live(&self) -> PartState {
        self.health.parts()[&Part::Live].clone()
    }
}

#[test]
fn a_full_journal_ends_the_live_subscription_and_room_begins_it_again() {
    System::new().block_on(async {
        let chain = Chain::start().await;
        let node = Node::start(chain.client().program, 0).await;
        let rig = Rig::start(chain, &node).await;
        node.connections_are("the live connection", 1).await;
        rig.pressure.set(true);
        node.connections_are("the live connection to end", 0).await;
        wait_for("readiness to tell", || async { if rig.live() == PartState::Up { Err("up") } else { Ok(()) } }).await;
        rig.pressure.set(false);
        node.connections_are("the live connection to begin again", 1).await;
        wait_for("readiness to tell", || async { if rig.live() == PartState::Up { Ok(()) } else { Err("down") } })
            .await;
    });
}

#[test]
fn a_full_window_ends_the_live_subscription_and_room_begins_it_again() {
    System::new().block_on(async {
        let chain = Chain::start().await;
        // More than may be held back while the first pass runs, more than the window takes, and always one more.
        let node = Node::start(chain.client().program, HELD.max(WINDOW) + 500).await;
        let rig = Rig::start(chain, &node).await;
        node.connections_are("the live connection", 1).await;
        node.connections_are("the live connection to end", 0).await;
        rig.start_streams();
        node.connections_are("the live connection to begin again", 1).await;
        // What was in the window contradicts the chain, which has no such markets: each became a dead letter.
        let dead = "SELECT count(*) FROM dead_letters WHERE reason = 'does not fit'";
        let dead: i64 = rig.database.connect().await.query_one(dead, &[]).await.unwrap().get(0);
        assert!(dead > WINDOW as i64 / 2, "{dead}");
    });
}
