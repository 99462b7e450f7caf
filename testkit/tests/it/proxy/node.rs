//! A node made of what a test puts into it, and a client that hides nothing.

use std::sync::{Arc, Mutex, MutexGuard};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};
use zmart::domain::ids::{MarketSeed, TxSignature};
use zmart_testkit::{
    chain::PROGRAM,
    http::{Response, try_request},
    http_server::{HttpConnection, Writing},
    patience::within,
    proxy::{Handle, Proxy},
};

/// The number that the node gives a subscription to logs.
const LOGS: u64 = 22;
/// An address that no transaction names but by being asked for.
pub const PLACE: &str = "Sysvar1111111111111111111111111111111111111";

/// A transaction of the node.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub signature: String,
    pub slot: u64,
    pub keys: Vec<String>,
    pub logs: Vec<String>,
}

/// What the node knows.
#[derive(Debug, Default)]
pub struct World {
    pub slot: u64,
    /// Oldest first.
    pub transactions: Vec<Transaction>,
    /// Address and data.
    pub accounts: Vec<(String, u8)>,
    /// Calls that reached it.
    pub asked: Vec<String>,
}

impl World {
    fn answer(&mut self, method: &str, params: &Value) -> Value {
        self.asked.push(method.to_owned());
        let account = |data: u8| {
            let data = BASE64_STANDARD.encode([data]);
            json!({"owner": PROGRAM, "lamports": 7, "data": [data, "base64"], "executable": false, "rentEpoch": 0})
        };
        let at = |address: &Value| {
            let found = self.accounts.iter().find(|(own, _)| address == own.as_str());
            found.map_or(Value::Null, |(_, data)| account(*data))
        };
        let context = json!({"slot": self.slot});
        let find = |signature: &Value| self.transactions.iter().find(|one| signature == one.signature.as_str());
        match method {
            "getSlot" | "getFirstAvailableBlock" => json!(if method == "getSlot" { self.slot } else { 0 }),
            "getAccountInfo" => json!({"context": context, "value": at(&params[0])}),
            "getMultipleAccounts" => {
                let told: Vec<Value> = params[0].as_array().unwrap().iter().map(at).collect();
                json!({"context": context, "value": told})
            }
            "getProgramAccounts" => {
                let told = self.accounts.iter().map(|(own, data)| json!({"pubkey": own, "account": account(*data)}));
                told.collect::<Vec<_>>().into()
            }
            "getSignaturesForAddress" => {
                let newest_first: Vec<&Transaction> = self.transactions.iter().rev().collect();
                let place = |name: &str| newest_first.iter().position(|one| params[1][name] == one.signature.as_str());
                let from = place("before").map_or(0, |at| at + 1);
                let limit = params[1]["limit"].as_u64().unwrap_or(1_000) as usize;
                let told = newest_first[from..].iter().take(limit).map(|one| {
                    json!({
                        "signature": one.signature, "slot": one.slot, "err": null, "memo": null, "blockTime": 5,
                        "confirmationStatus": "confirmed",
                    })
                });
                told.collect::<Vec<_>>().into()
            }
            "getTransaction" => find(&params[0]).map_or(Value::Null, |one| {
                let message = json!({"accountKeys": one.keys});
                json!({
                    "slot": one.slot, "blockTime": 5, "meta": {"err": null, "logMessages": one.logs},
                    "transaction": {"signatures": [one.signature], "message": message},
                })
            }),
            "getSignatureStatuses" => {
                let told = params[0].as_array().unwrap().iter().map(|signature| {
                    find(signature).map_or(Value::Null, |one| {
                        json!({"slot": one.slot, "err": null, "confirmations": 3, "confirmationStatus": "confirmed"})
                    })
                });
                json!({"context": context, "value": told.collect::<Vec<_>>()})
            }
            "getBlock" => {
                let of = self.transactions.iter().filter(|one| params[0] == one.slot);
                json!({"signatures": of.map(|one| one.signature.clone()).collect::<Vec<_>>()})
            }
            other => json!({"echo": other, "params": params}),
        }
    }
}

/// The node, a proxy before it, and the hand on that.
pub struct Rig {
    pub proxy: Proxy,
    pub faults: Handle,
    world: Arc<Mutex<World>>,
    notes: broadcast::Sender<String>,
}

impl Rig {
    pub async fn start() -> Self {
        let [http, ws] = [listener().await, listener().await];
        let world = Arc::new(Mutex::new(World { slot: 100, ..World::default() }));
        let notes = broadcast::Sender::new(1_000);
        let rpc_url = format!("http://{}", http.local_addr().unwrap());
        let ws_url = format!("ws://{}", ws.local_addr().unwrap());
        tokio::spawn(serve_http(http, world.clone()));
        tokio::spawn(serve_ws(ws, notes.clone()));
        let proxy = Proxy::before(&rpc_url, &ws_url).await;
        Self { faults: proxy.handle(), proxy, world, notes }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A transaction that trades in a market, notified if anybody listens.
    pub fn execute(&self, name: u8, slot: u64, market: MarketSeed) -> TxSignature {
        let signature = TxSignature([name; 64]);
        let mut data = vec![0; 8];
        data.extend_from_slice(&market.0);
        let logs = [
            format!("Program {PROGRAM} invoke [1]"),
            format!("Program data: {}", BASE64_STANDARD.encode(data)),
            format!("Program {PROGRAM} success"),
        ];
        // Two outer instructions, the second of which is a copy of the first.
        let logs = [logs.clone(), logs].concat();
        let note = json!({"signature": signature, "err": null, "logs": logs});
        self.notify_logs(slot, &note);
        let mut world = self.world();
        world.slot = world.slot.max(slot);
        let transaction = Transaction { signature: signature.to_string(), slot, keys: Vec::new(), logs };
        world.transactions.push(transaction);
        signature
    }

    /// As [`Self::execute`], changing an account too.
    pub fn write(&self, name: u8, slot: u64, address: &str, data: u8) -> TxSignature {
        let signature = self.execute(name, slot, MarketSeed([name; 32]));
        let mut world = self.world();
        world.transactions.last_mut().unwrap().keys.push(address.to_owned());
        world.accounts.retain(|(own, _)| own != address);
        world.accounts.push((address.to_owned(), data));
        signature
    }

    fn notify_logs(&self, slot: u64, value: &Value) {
        let result = json!({"context": {"slot": slot}, "value": value});
        let params = json!({"result": result, "subscription": LOGS});
        self.say(json!({"jsonrpc": "2.0", "method": "logsNotification", "params": params}).to_string());
    }

    /// Tells all sockets a text as it is; nobody may be listening.
    pub fn say(&self, text: String) {
        let _ = self.notes.send(text);
    }

    /// Asks through the proxy.
    pub async fn ask(&self, method: &str, params: Value) -> std::io::Result<Response> {
        let body = json!({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}).to_string();
        let ask = try_request("POST", &self.proxy.rpc_url, "/", &[], body.as_bytes());
        within(method, ask).await
    }

    /// Asks for a result.
    pub async fn result(&self, method: &str, params: Value) -> Value {
        self.ask(method, params).await.unwrap().json()["result"].clone()
    }

    /// (signature's first byte, slot) of a page.
    pub async fn page(&self, config: Value) -> Vec<(u8, u64)> {
        let told = self.result("getSignaturesForAddress", json!([PROGRAM, config])).await;
        told.as_array().unwrap().iter().map(|one| (name_of(&one["signature"]), one["slot"].as_u64().unwrap())).collect()
    }

    /// A client that has subscribed to logs.
    pub async fn listen(&self) -> Listener {
        let (stream, _) = tokio_tungstenite::connect_async(&self.proxy.ws_url).await.unwrap();
        let mut listener = Listener { stream };
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "logsSubscribe", "params": ["all"]});
        listener.stream.send(Message::text(ask.to_string())).await.unwrap();
        assert_eq!(listener.text().await.unwrap(), json!({"id": 1, "jsonrpc": "2.0", "result": LOGS}).to_string());
        listener
    }
}

/// A client of the notifications.
pub struct Listener {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Listener {
    /// The next text; `None` once the socket has ended, however that was.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            match within("a notification", self.stream.next()).await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// The first byte of the next signature.
    pub async fn name(&mut self) -> u8 {
        let note: Value = serde_json::from_str(&self.text().await.expect("a socket")).unwrap();
        name_of(&note["params"]["result"]["value"]["signature"])
    }

    /// The next so many.
    pub async fn names(&mut self, count: usize) -> Vec<u8> {
        let mut names = Vec::new();
        while names.len() < count {
            names.push(self.name().await);
        }
        names
    }
}

pub fn name_of(signature: &Value) -> u8 {
    signature.as_str().unwrap().parse::<TxSignature>().unwrap().0[0]
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn serve_http(listener: TcpListener, world: Arc<Mutex<World>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let world = world.clone();
        tokio::spawn(async move {
            let mut connection = HttpConnection::new(stream);
            while let Ok(Some(body)) = connection.request().await {
                let ask: Value = serde_json::from_slice(&body).unwrap();
                let result = world.lock().unwrap().answer(ask["method"].as_str().unwrap(), &ask["params"]);
                // Spaces that no serializer would write: what passes untouched still has them.
                let answer = format!("{{ \"jsonrpc\":  \"2.0\", \"result\": {result}, \"id\": {} }}", ask["id"]);
                if !connection.answer(200, &[], answer.as_bytes(), Writing::Whole).await.unwrap_or(false) {
                    return;
                }
            }
        });
    }
}

async fn serve_ws(listener: TcpListener, notes: broadcast::Sender<String>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut notes = notes.subscribe();
        tokio::spawn(async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            loop {
                let text = tokio::select! {
                    message = socket.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let ask: Value = serde_json::from_str(&text).unwrap();
                            json!({"id": ask["id"], "jsonrpc": "2.0", "result": LOGS}).to_string()
                        }
                        Some(Ok(_)) => continue,
                        _ => return,
                    },
                    text = notes.recv() => text.unwrap(),
                };
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
        });
    }
}
