//! Three nodes in step: the same frames everywhere, and what is written on any of them reaches all.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{
    audit,
    chain::SOL,
    patience::wait_for,
    signed_in::SignedInClient,
    socket::{Connection, Ended},
};

use super::stage::{Nodes, reason};

/// A client of one node, and the entries' frames that it has heard, to the byte.
struct Client {
    connection: Connection,
    frames: Vec<String>,
    last: u64,
}

impl Client {
    async fn of(nodes: &Nodes, node: usize, market: MarketAddress) -> Self {
        let mut connection = Connection::open(&nodes.engines[node].ws).await;
        let subscribed = connection.subscribe(market, None).await;
        let last = subscribed["seq"].as_u64().unwrap_or_else(|| panic!("{subscribed}"));
        Self { connection, frames: Vec::new(), last }
    }

    /// Hears until entry `seq` is there whole.
    async fn hear_up_to(&mut self, seq: u64, closing: &str) {
        while self.last < seq || !self.frames.last().is_some_and(|frame| frame.contains(closing)) {
            let text = match self.connection.next_text().await {
                Ok(text) => text,
                Err(Ended::Code(code)) => panic!("closed with {code} after {}", self.last),
                Err(ended) => panic!("{ended:?} after {}", self.last),
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            let Some(seq) =
                frame["seq"].as_u64().filter(|_| frame["data"].is_object() && frame["type"] != "commitment")
            else {
                continue;
            };
            assert!(seq == self.last || seq == self.last + 1, "{seq} after {}", self.last);
            self.last = seq;
            self.frames.push(text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_on_three_nodes_get_the_same_frames_to_the_byte_with_redis_and_while_it_is_away() {
    let mut nodes = Nodes::set(3, true).await;
    let client = nodes.chain.client().clone();
    let creator = client.funded_wallet().await;
    let market = nodes.chain.active_market(&creator, 100 * SOL).await;
    for node in 0..3 {
        nodes.shown(node, market).await;
        nodes.says(node, "the bus is up", |told| told["parts"]["bus"]["status"] == "up").await;
    }
    // Each from where it stands: they have all entries after the newest of them in common.
    let mut clients = Vec::new();
    for node in 0..3 {
        clients.push(Client::of(&nodes, node, market).await);
    }
    let mut of_all_markets = Vec::new();
    for node in &nodes.engines {
        let mut connection = Connection::open(&node.ws).await;
        connection.send(json!({"id": 1, "action": "subscribe", "channels": ["trades"]})).await;
        let subscribed = connection.answer_to(&json!(1)).await;
        assert_eq!(subscribed["type"], "subscribed", "{subscribed}");
        of_all_markets.push(connection);
    }
    let trader = client.funded_wallet().await;
    let mut traded = 0;
    for (step, nothing_but_the_journal) in [(6, false), (6, true), (6, false)] {
        let redis = nodes.redis.as_mut().unwrap();
        if nothing_but_the_journal {
            redis.kill();
            for node in 0..3 {
                let told = nodes.says(node, "Redis is away", |told| told["parts"]["bus"]["status"] == "degraded").await;
                let instead = reason(&told, "bus");
                assert!(instead.contains("PostgreSQL"), "{instead}");
                nodes
                    .says(node, "limits are counted alone", |told| told["parts"]["redis"]["status"] == "degraded")
                    .await;
            }
        } else if traded > 0 {
            redis.up().await;
            for node in 0..3 {
                nodes.says(node, "Redis is there again", |told| told["parts"]["bus"]["status"] == "up").await;
            }
        }
        for _ in 0..step {
            traded += 1;
            client.buy(market, &trader, Outcome::from(traded % 2 == 0), SOL / 2 + traded).await;
        }
        const HEAD: &str = "SELECT last_seq, (SELECT count(*) FROM trades WHERE market = address) FROM markets \
                            WHERE address = $1::text";
        let rows = nodes.database.connect().await;
        let head = wait_for("the trades to be in the journal", || async {
            let row = rows.query_one(HEAD, &[&market.to_string()]).await.unwrap();
            let (head, trades): (i64, i64) = (row.get(0), row.get(1));
            if trades == i64::try_from(traded).unwrap() { Ok(head.unsigned_abs()) } else { Err(trades) }
        })
        .await;
        for client in &mut clients {
            client.hear_up_to(head, "price_update").await;
        }
    }
    let last: Vec<u64> = clients.iter().map(|client| client.last).collect();
    assert_eq!(last, [last[0]; 3]);
    let common = clients.iter().map(|client| client.frames.len()).min().unwrap();
    assert!(common >= usize::try_from(traded).unwrap() * 2, "two frames a trade: {common}");
    let newest = |client: &Client| client.frames[client.frames.len() - common..].to_vec();
    assert_eq!(newest(&clients[1]), newest(&clients[0]));
    assert_eq!(newest(&clients[2]), newest(&clients[0]));
    // The channel over all markets, which each node makes by itself of what it hears or reads.
    let mut told = Vec::new();
    for connection in &mut of_all_markets {
        let mut trades = Vec::new();
        while trades.len() < usize::try_from(traded).unwrap() {
            let text = connection.next_text().await.unwrap();
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["channel"] == "trades" && frame["type"] == "trade_executed" {
                trades.push(text);
            }
        }
        told.push(trades);
    }
    assert_eq!(told[1], told[0]);
    assert_eq!(told[2], told[0]);
    // What a follower replays is what was live on the leader.
    let first: Value = serde_json::from_str(&newest(&clients[0])[0]).unwrap();
    let (epoch, before) = (first["epoch"].as_u64().unwrap(), first["seq"].as_u64().unwrap() - 1);
    let mut connection = Connection::open(&nodes.engines[2].ws).await;
    let resumed = connection.subscribe(market, Some((epoch, before))).await;
    assert_eq!(resumed["recovered"], true, "{resumed}");
    let mut again = Client { connection, frames: Vec::new(), last: before };
    again.hear_up_to(last[0], "price_update").await;
    assert_eq!(again.frames, newest(&clients[0]));
    assert_eq!(audit::breaches(&nodes.database).await, Vec::<String>::new());
}

/// A signed-in client of one node that listens to its wallet, to a market and to all trades.
struct Watcher {
    connection: Connection,
    epoch: u64,
    /// What became of each transaction, in order.
    orders: Vec<(String, String)>,
    /// How many trades the wallet's position is made of, as it was told last.
    position: u64,
    /// Frames of `trades`, to the byte, and their numbers.
    trades: Vec<(u64, String)>,
    /// The market's newest entry, and the newest that is final.
    newest: u64,
    committed: u64,
}

impl Watcher {
    async fn of(nodes: &Nodes, node: usize, client: &SignedInClient, market: MarketAddress) -> Self {
        let mut connection = Connection::open(&nodes.engines[node].ws).await;
        connection.send(json!({"id": "auth", "action": "auth", "token": client.token})).await;
        assert_eq!(connection.answer_to(&json!("auth")).await["type"], "reply");
        for channel in [format!("wallet:{}", client.wallet()), "trades".to_owned()] {
            connection.send(json!({"id": channel, "action": "subscribe", "channels": [channel]})).await;
            let answer = connection.answer_to(&json!(channel)).await;
            assert_eq!(answer["type"], "subscribed", "{answer}");
        }
        let answer = connection.subscribe(market, None).await;
        let (epoch, newest) = (answer["epoch"].as_u64().unwrap(), answer["seq"].as_u64().unwrap());
        let (orders, trades) = (Vec::new(), Vec::new());
        Self { connection, epoch, orders, position: 0, trades, newest, committed: 0 }
    }

    fn note(&mut self, text: String) {
        let frame: Value = serde_json::from_str(&text).unwrap();
        let channel = frame["channel"].as_str().unwrap_or_default();
        match frame["type"].as_str().unwrap_or_default() {
            "order_update" => {
                let of = |name: &str| frame["data"][name].as_str().unwrap().to_owned();
                self.orders.push((of("signature"), of("status")));
            }
            "position_update" => self.position = frame["data"]["trades_count"].as_u64().unwrap(),
            // It was told to begin anew: the position is in the snapshot.
            "subscribed" if channel.starts_with("wallet:") => {
                let position = &frame["snapshot"]["positions"][0];
                self.position = position["trades_count"].as_u64().unwrap_or(self.position);
            }
            "trade_executed" if channel == "trades" => {
                let seq = frame["seq"].as_u64().unwrap();
                let last = self.trades.last().map(|(seq, _)| *seq);
                assert!(last.is_none_or(|last| seq == last + 1), "{seq} after {last:?}");
                self.trades.push((seq, text));
            }
            "trade_executed" if channel.starts_with("market:") => self.newest = frame["seq"].as_u64().unwrap(),
            "commitment" => self.committed = frame["seq"].as_u64().unwrap(),
            _ => {}
        }
    }

    /// Hears until a transaction, the last of so many trades of its wallet, was told in all that it does.
    async fn hear_of(&mut self, signature: &str, trades: usize) {
        let all = async {
            let is_final = |(of, status): &(String, String)| of == signature && status == "finalized";
            while !self.orders.iter().any(is_final)
                || self.position < trades as u64
                || self.trades.len() < trades
                || self.committed < self.newest
            {
                let text = self.connection.next_text().await.unwrap();
                self.note(text);
            }
        };
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(25), all).await.is_ok();
        assert!(
            in_time,
            "{signature}: {:?}, {} of {trades} trades, {} final of {}, position of {}",
            self.orders,
            self.trades.len(),
            self.committed,
            self.newest,
            self.position
        );
        let first = self.orders.iter().find(|(of, _)| of == signature);
        assert_eq!(first.map(|(_, status)| status.as_str()), Some("received"), "{:?}", self.orders);
    }
}

/// A purchase, signed: its signature and what is handed in.
async fn signed(client: &SignedInClient, order: &Value) -> (String, Value) {
    let built = wait_for("the trade to be built", || async {
        let answer = client.post("/api/trades/buy", order).await;
        if answer.status == 200 { Ok(answer.json()) } else { Err(answer.json()) }
    })
    .await;
    let mut wire = BASE64_STANDARD.decode(built["transaction"].as_str().unwrap()).unwrap();
    let signature = client.key.sign_message(&wire[65..]);
    wire[1..65].copy_from_slice(signature.as_ref());
    let body = json!({"transaction": BASE64_STANDARD.encode(wire), "client_ref": built["client_ref"]});
    (signature.to_string(), body)
}

async fn hand_in(client: &SignedInClient, body: &Value) {
    let answer = client.post("/api/transactions", body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_on_a_node_that_follows_reaches_all_and_its_clients_are_told_also_over_a_takeover() {
    let mut nodes = Nodes::set(2, true).await;
    let client = nodes.chain.client().clone();
    let creator = client.funded_wallet().await;
    let proposed = client.proposed_market(&creator, 100 * SOL).await;
    let active = nodes.chain.active_market(&creator, 100 * SOL).await;
    nodes.shown(1, proposed).await;
    nodes.shown(1, active).await;

    // A vote: told by both nodes, counted once.
    let mut listening = [Client::of(&nodes, 0, proposed).await, Client::of(&nodes, 1, proposed).await];
    let trader = SignedInClient::with_key(&nodes.engines[1].api, client.funded_wallet().await).await;
    let vote = json!({"market_id": proposed.to_string(), "vote": true});
    let answer = trader.post("/api/votes/proposal", &vote).await;
    assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
    let mut told = Vec::new();
    for client in &mut listening {
        let frame = client.connection.next_of("vote_update").await;
        assert_eq!(frame["data"]["tally"]["total"], 1, "{frame}");
        told.push(frame);
    }
    assert_eq!(told[0], told[1]);

    // A transaction: built and handed in here, sent by the leader.
    let order = json!({"market_id": active.to_string(), "outcome": "YES", "shares": SOL.to_string(),
                       "max_cost": (50 * SOL).to_string(), "accept_unsound": true});
    let mut watcher = Watcher::of(&nodes, 1, &trader, active).await;
    let (signature, body) = signed(&trader, &order).await;
    hand_in(&trader, &body).await;
    wait_for("the transaction to land", || async {
        let status = trader.get(&format!("/api/transactions/{signature}")).await.json();
        let landed = ["confirmed", "finalized"].iter().any(|wanted| status["status"] == *wanted);
        if landed { Ok(()) } else { Err(status) }
    })
    .await;
    wait_for("the follower to show the trade", || async {
        let shown = zmart_testkit::http::get(&nodes.engines[1].api, &format!("/api/markets/{active}")).await.json();
        if shown["trades_count"] == 1 { Ok(()) } else { Err(shown) }
    })
    .await;
    let told = nodes.told(1).await.unwrap();
    assert_eq!((&told["status"], &told["lease"]["leader"]), (&json!("ready"), &json!("node-0")), "{told}");
    assert!(reason(&told, "lease").contains("node-0") && reason(&told, "lease").contains("follows"), "{told}");

    // Its own client was told of all that, and of what is final: nothing was missed, so nothing had to be read for it.
    watcher.hear_of(&signature, 1).await;
    wait_for("who comes later to be told at once that all is final", || async {
        let answer = Connection::open(&nodes.engines[1].ws).await.subscribe(active, None).await;
        if answer["finalized_seq"] == answer["seq"] { Ok(()) } else { Err(answer) }
    })
    .await;

    // Who listens since before hears the next of the node that takes over, on the same connection. (A transaction that is
    // handed in while nobody leads may well expire: this chain's blockhashes are short-lived.)
    nodes.engines[0].kill();
    assert_eq!(nodes.another_leads(&[1]).await, (1, 2));
    let (signature, body) = signed(&trader, &order).await;
    hand_in(&trader, &body).await;
    watcher.hear_of(&signature, 2).await;
    nodes.engines[0].start().await;
    nodes.is(0, "follower").await;
    let mut again = Connection::open(&nodes.engines[0].ws).await;
    let before = json!({"trades": {"epoch": watcher.epoch, "seq": watcher.trades[0].0 - 1}});
    again.send(json!({"id": 1, "action": "subscribe", "channels": ["trades"], "since": before})).await;
    let answer = again.answer_to(&json!(1)).await;
    assert_eq!(answer["recovered"], true, "{answer}");
    for (_, told) in &watcher.trades {
        let is_trade = |text: &String| text.contains("trade_executed");
        let mut text = again.next_text().await.unwrap();
        while !is_trade(&text) {
            text = again.next_text().await.unwrap();
        }
        assert_eq!(text, *told, "the same bytes on either node, before and after");
    }
    assert_eq!(audit::breaches(&nodes.database).await, Vec::<String>::new());
}
