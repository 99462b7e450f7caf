//! However a connection ends, `since` goes on where the client was: every frame once, in order, and to the byte as those
//! saw it who were there, and as the journal has it later.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{sync::watch, task::JoinHandle};
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    patience::{wait_for, within},
    raw_socket::{Heard, RawSocket, close, seq_of, text},
    socket::{RECONNECT_AFTER, subscription},
};

use super::Scene;

/// How a client ends its connections.
#[derive(Debug, Clone, Copy)]
enum Habit {
    /// It does not.
    Stays,
    /// With a close frame, after so many frames.
    Closes(usize),
    /// With a reset, after so many frames, wherever the next one is.
    Cuts(usize),
}

/// What a client has of a market.
#[derive(Debug, Default)]
struct Record {
    epoch: u64,
    /// The entry of its first answer.
    first: u64,
    /// Frames after it, each with its entry.
    frames: Vec<(u64, String)>,
    connections: u32,
    faults: Vec<String>,
}

impl Record {
    fn last(&self) -> u64 {
        self.frames.last().map_or(self.first, |(seq, _)| *seq)
    }

    /// Where to go on. The newest entry may not have come with all its frames, if the connection broke between them: it
    /// is let go, and comes again.
    fn place(&mut self) -> Option<(u64, u64)> {
        if self.connections == 0 {
            return None;
        }
        let newest = self.last();
        self.frames.retain(|(seq, _)| *seq < newest);
        Some((self.epoch, self.last()))
    }

    fn hear(&mut self, market: MarketAddress, heard: &str, since: Option<(u64, u64)>) -> Heed {
        let kind = heard.strip_prefix(r#"{"type":""#).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        match kind {
            "welcome" | "heartbeat" | "pong" | "config_update" | "commitment" | "shutdown" => {}
            "error" if heard.contains(r#""retryable":true"#) || heard.contains("NOT_FOUND") => return Heed::AskAgain,
            "subscribed" => self.subscribed(heard, since),
            "trade_executed" | "price_update" | "market_update" => self.entry(market, heard),
            _ => self.faults.push(format!("not expected: {heard}")),
        }
        Heed::GoOn
    }

    fn subscribed(&mut self, heard: &str, since: Option<(u64, u64)>) {
        let answer: serde_json::Value = serde_json::from_str(heard).unwrap();
        match since {
            None => {
                self.epoch = answer["epoch"].as_u64().unwrap();
                self.first = answer["seq"].as_u64().unwrap();
                self.connections = 1;
            }
            Some((epoch, seq)) => {
                self.connections += 1;
                let is_resumed = answer["recovered"] == true && answer.get("snapshot").is_none_or(|at| at.is_null());
                if !is_resumed || answer["epoch"] != epoch || answer["seq"] != seq {
                    self.faults.push(format!("{since:?} was answered with {heard}"));
                }
            }
        }
    }

    fn entry(&mut self, market: MarketAddress, heard: &str) {
        let seq = seq_of(heard).unwrap_or_default();
        let place =
            format!(r#""channel":"market:{market}","market_id":"{market}","epoch":{},"seq":{seq},"#, self.epoch);
        if !heard.contains(&place) || seq < self.last().max(self.first + 1) || seq > self.last() + 1 {
            self.faults.push(format!("after {}: {heard}", self.last()));
        }
        self.frames.push((seq, heard.to_owned()));
    }
}

#[derive(PartialEq, Eq)]
enum Heed {
    GoOn,
    AskAgain,
}

/// A client that comes back.
struct Follower {
    record: Arc<Mutex<Record>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Follower {
    async fn start(url: &str, market: MarketAddress, habit: Habit) -> Self {
        let record: Arc<Mutex<Record>> = Arc::default();
        let (stop, mut stopped) = watch::channel(false);
        let (url, own) = (url.to_owned(), record.clone());
        let task = tokio::spawn(async move {
            while !*stopped.borrow() {
                tokio::select! {
                    _ = stopped.changed() => return,
                    () = one_connection(&url, market, habit, &own) => {}
                }
                tokio::time::sleep(RECONNECT_AFTER / 4).await;
            }
        });
        let follower = Self { record, stop, task };
        let is_there =
            || async { if follower.record.lock().unwrap().connections > 0 { Ok(()) } else { Err("not yet") } };
        wait_for("a first state", is_there).await;
        follower
    }

    /// Waits until it has an entry with all that came with it, and ends it.
    async fn until(self, seq: u64) -> Record {
        wait_for(&format!("entry {seq}"), || async {
            let last = self.record.lock().unwrap().last();
            if last >= seq { Ok(()) } else { Err(last) }
        })
        .await;
        // The last frames of that entry.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.stop.send_replace(true);
        within("a follower to end", self.task).await.unwrap();
        std::mem::take(&mut self.record.lock().unwrap())
    }
}

async fn one_connection(url: &str, market: MarketAddress, habit: Habit, record: &Mutex<Record>) {
    let since = record.lock().unwrap().place();
    let ask = text(&subscription(&json!("a resume"), market, since).to_string());
    let Ok(mut socket) = RawSocket::try_open(url, None, &ask).await else { return };
    let mut frames = 0;
    loop {
        let Heard::Text(heard) = socket.next().await else { return };
        let (heed, is_subscribed) = {
            let mut record = record.lock().unwrap();
            (record.hear(market, &heard, since), record.connections > 0)
        };
        if heed == Heed::AskAgain {
            tokio::time::sleep(RECONNECT_AFTER).await;
            // A good message between: ten mistakes in a row would end the connection.
            if socket.send(&[text("ping"), ask.clone()].concat()).await.is_err() {
                return;
            }
        }
        frames += usize::from(is_subscribed);
        match habit {
            Habit::Closes(after) if frames > after => {
                // What still comes before the answer is not kept: it is missed.
                let _ = socket.send(&close(1000, b"")).await;
                socket.end().await;
                return;
            }
            Habit::Cuts(after) if frames > after => return socket.reset(),
            _ => {}
        }
    }
}

/// Everything after an entry, on a connection of its own.
async fn replayed(url: &str, market: MarketAddress, since: (u64, u64), head: u64) -> Vec<(u64, String)> {
    let mut record = Record { epoch: since.0, first: since.1, connections: 1, ..Record::default() };
    let ask = text(&subscription(&json!("a replay"), market, Some(since)).to_string());
    let mut socket = RawSocket::try_open(url, None, &ask).await.unwrap();
    // The answer to what is asked after it: by then everything has come.
    let mut has_asked = false;
    loop {
        let Heard::Text(heard) = socket.next().await else { panic!("the replay ended at {}", record.last()) };
        if heard.starts_with(r#"{"type":"pong""#) {
            break;
        }
        assert!(record.hear(market, &heard, Some(since)) == Heed::GoOn, "{heard}");
        if record.last() == head && !has_asked {
            has_asked = true;
            tokio::time::sleep(Duration::from_millis(100)).await;
            socket.send(&text("ping")).await.unwrap();
        }
    }
    assert!(record.faults.is_empty(), "{:#?}", record.faults);
    record.frames
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_connection_ends_a_resume_gives_every_frame_once_and_to_the_byte() {
    const TRADES: u64 = 5_000;
    const PER_SECOND: u64 = 700;

    let mut scene = Scene::set(1, TRADES as u32).await;
    let (url, market) = (scene.engine.ws.clone(), scene.markets[0]);
    let mut followers = Vec::new();
    for habit in [Habit::Stays, Habit::Closes(400), Habit::Cuts(250), Habit::Cuts(111)] {
        followers.push((habit, Follower::start(&url, market, habit).await));
    }
    let feeder = scene.feeder.clone();
    let trading = tokio::spawn(async move { feeder.run(PER_SECOND, TRADES).await });
    let a_while = || tokio::time::sleep(Duration::from_millis(700));
    a_while().await;
    for actor in [market.to_string().as_str(), "hub", "writer", market.to_string().as_str()] {
        scene.engine.crash(actor).await;
        a_while().await;
    }
    // The hub's end is noticed by who says nothing within seconds.
    let all_are_back = || async {
        let connections: Vec<u32> = followers.iter().map(|(_, one)| one.record.lock().unwrap().connections).collect();
        if connections.iter().all(|count| *count > 1) { Ok(()) } else { Err(format!("{connections:?}")) }
    };
    wait_for("everybody to be back after the hub's end", all_are_back).await;
    scene.engine.kill();
    scene.engine.start().await;
    scene.engine.ready().await;
    assert_eq!(within("the trades", trading).await.unwrap(), TRADES);

    let (epoch, head) = scene.heads().await[0];
    assert!(head >= TRADES, "{head}");
    // From the journal: it is older than what a market remembers.
    let whole = replayed(&url, market, (epoch, 0), head).await;
    let entries: Vec<u64> = whole.iter().map(|(seq, _)| *seq).collect();
    assert_eq!((entries.first(), entries.last()), (Some(&1), Some(&head)));
    for (habit, follower) in followers {
        let record = follower.until(head).await;
        assert!(record.faults.is_empty(), "{habit:?}: {:#?}", record.faults);
        // The kill cut them off once more.
        assert!(record.connections > 2, "{habit:?} connected {} times", record.connections);
        let place = whole.iter().position(|(seq, _)| *seq > record.first).unwrap();
        for (own, stored) in record.frames.iter().zip(&whole[place..]) {
            assert_eq!(own, stored, "{habit:?}");
        }
        assert_eq!(record.frames.len(), whole.len() - place, "{habit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_of_many_markets_in_one_message_goes_on_in_each_where_the_client_was() {
    const MARKETS: u32 = 12;
    const TRADES: u64 = 600;

    let scene = Scene::set(MARKETS, TRADES as u32).await;
    scene.feeder.run_unpaced(TRADES).await;
    let heads = scene.heads().await;
    // Each is another number of entries behind, the first one none.
    let places: Vec<(MarketAddress, u64, u64, u64)> = scene
        .markets
        .iter()
        .zip(&heads)
        .zip(0u64..)
        .map(|((market, (epoch, head)), number)| (*market, *epoch, head.saturating_sub(number * 4), *head))
        .collect();
    let names: Vec<String> = places.iter().map(|(market, ..)| format!("market:{market}")).collect();
    let since: serde_json::Map<String, serde_json::Value> = places
        .iter()
        .zip(&names)
        .map(|((_, epoch, seq, _), name)| (name.clone(), json!({"epoch": epoch, "seq": seq})))
        .collect();
    let ask = json!({"id": "all", "action": "subscribe", "channels": names, "since": since});
    let mut socket = RawSocket::try_open(&scene.engine.ws, None, &text(&ask.to_string())).await.unwrap();
    let mut at: std::collections::BTreeMap<String, (u64, bool)> =
        names.iter().zip(&places).map(|(name, (_, _, seq, _))| (name.clone(), (*seq, false))).collect();
    let is_whole = |at: &std::collections::BTreeMap<String, (u64, bool)>| {
        names.iter().zip(&places).all(|(name, (.., head))| at[name] == (*head, true))
    };
    while !is_whole(&at) {
        let heard = socket.next_but_clocks().await;
        let frame = heard.json().unwrap_or_else(|| panic!("{heard:?}"));
        let Some((seq, is_answered)) = frame["channel"].as_str().and_then(|channel| at.get_mut(channel)) else {
            continue;
        };
        if frame["type"] == "subscribed" {
            assert_eq!((&frame["recovered"], &frame["seq"]), (&json!(true), &json!(*seq)), "{frame}");
            *is_answered = true;
        } else {
            let told = frame["seq"].as_u64().unwrap();
            assert!(*is_answered && (told == *seq || told == *seq + 1), "after {seq}: {frame}");
            *seq = told;
        }
    }
}
