//! A client that follows markets through anything: it reconnects, resumes after the last entry that it has, and writes down
//! every breach of what the protocol promises.
//!
//! The promise, per channel: entries come as 1, 2, 3 … after the first snapshot, none twice, none missing; the frames of one
//! entry come together; a resume is served from the journal.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use zmart::domain::ids::MarketAddress;

use crate::socket::{Connection, Ended, RECONNECT_AFTER, subscription};

/// What was heard of one market.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The journal's life.
    pub epoch: u64,
    /// The entry of the first snapshot.
    pub first: u64,
    /// The newest entry.
    pub last: u64,
    /// The types of the frames of the newest entry.
    frames_of_last: Vec<String>,
    /// Signatures of trades, in the order of their entries, without those that were rolled back.
    pub trades: Vec<(u64, String)>,
    /// Roll-backs: their entries, and those that they took back.
    pub rollbacks: Vec<(u64, Vec<u64>)>,
    /// The market's newest `(price_yes, shares_yes, shares_no)` as told by price updates.
    pub price: Option<(String, String, String)>,
}

/// What a subscriber knows and what it complains of.
#[derive(Debug, Clone, Default)]
pub struct Notebook {
    /// By market.
    pub markets: BTreeMap<MarketAddress, Heard>,
    /// Breaches of the protocol.
    pub faults: Vec<String>,
    /// How often it connected.
    pub connections: u32,
    /// What it is at.
    pub doing: Doing,
    /// Why its last connection, or try of one, was over.
    pub last_end: String,
}

/// What a subscriber is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// It has no connection, and waits for one, or with trying.
    #[default]
    Connecting,
    /// It is connected and has asked.
    Asking,
    /// It was answered on this connection.
    Listening,
}

/// How a subscriber behaves beside what the protocol says.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// A connection that says nothing for so long is dead, whatever TCP says; `None`: that is waited for.
    pub silent_after: Option<Duration>,
    /// Between the end of a connection and the next.
    pub reconnect_after: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        Self { silent_after: None, reconnect_after: RECONNECT_AFTER }
    }
}

/// A running subscriber.
#[derive(Debug)]
pub struct Subscriber {
    notebook: Arc<Mutex<Notebook>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Subscriber {
    /// Follows markets until it is told to stop.
    pub fn start(url: &str, markets: &[MarketAddress]) -> Self {
        Self::start_on(vec![url.to_owned()], markets)
    }

    /// As [`Self::start`], on several servers in turn: whoever loses one goes on with the next.
    pub fn start_on(urls: Vec<String>, markets: &[MarketAddress]) -> Self {
        Self::start_with(Habits::default(), urls, markets)
    }

    /// As [`Self::start_on`], with habits of its own.
    pub fn start_with(habits: Habits, urls: Vec<String>, markets: &[MarketAddress]) -> Self {
        let notebook = Arc::new(Mutex::new(Notebook::default()));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(follow(habits, urls, markets.to_vec(), notebook.clone(), stopped));
        Self { notebook, stop, task }
    }

    /// What it knows by now.
    pub fn notebook(&self) -> Notebook {
        self.notebook.lock().unwrap().clone()
    }

    /// As [`Self::notebook`], without a copy.
    pub fn look<T>(&self, at: impl FnOnce(&Notebook) -> T) -> T {
        at(&self.notebook.lock().unwrap())
    }

    /// True once it has a first state of that many markets.
    pub fn follows(&self, markets: usize) -> bool {
        self.notebook.lock().unwrap().markets.len() == markets
    }

    /// Trades heard so far, over all markets.
    pub fn trades_heard(&self) -> usize {
        self.notebook.lock().unwrap().markets.values().map(|heard| heard.trades.len()).sum()
    }

    /// Ends it.
    pub async fn stop(self) -> Notebook {
        // A task that is gone needs no word.
        let _ = self.stop.send(true);
        self.task.await.unwrap();
        self.notebook.lock().unwrap().clone()
    }
}

async fn follow(
    habits: Habits,
    urls: Vec<String>,
    markets: Vec<MarketAddress>,
    notebook: Arc<Mutex<Notebook>>,
    mut stopped: watch::Receiver<bool>,
) {
    for url in urls.iter().cycle() {
        if *stopped.borrow() {
            return;
        }
        tokio::select! {
            _ = stopped.changed() => return,
            end = one_connection(habits, url, &markets, &notebook) => {
                let mut notebook = notebook.lock().unwrap();
                (notebook.doing, notebook.last_end) = (Doing::Connecting, end);
            }
        }
        tokio::time::sleep(habits.reconnect_after).await;
    }
}

/// Until it is over; why it is.
async fn one_connection(habits: Habits, url: &str, markets: &[MarketAddress], notebook: &Mutex<Notebook>) -> String {
    let silent_after = habits.silent_after.unwrap_or(Duration::MAX);
    let mut connection = match timeout(silent_after, Connection::try_open(url)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return format!("no connection: {error}"),
        Err(_) => return "no connection in time".to_owned(),
    };
    {
        let mut notebook = notebook.lock().unwrap();
        notebook.connections += 1;
        notebook.doing = Doing::Asking;
    }
    for market in markets {
        let since = notebook.lock().unwrap().markets.get(market).map(|heard| (heard.epoch, heard.last));
        connection.send_message(subscription(&json!(market.to_string()), *market, since).to_string().into()).await;
    }
    loop {
        let Ok(heard) = timeout(silent_after, connection.next()).await else { return "silence".to_owned() };
        match heard {
            Ok(frame) => {
                notebook.lock().unwrap().write_down(&frame);
                if let Some(market) = asked_too_early(&frame) {
                    tokio::time::sleep(RECONNECT_AFTER).await;
                    let since = notebook.lock().unwrap().markets.get(&market).map(|heard| (heard.epoch, heard.last));
                    // Between two questions that are too early, a good one: ten bad ones in a row end a connection.
                    for ask in [json!({"action": "ping"}), subscription(&frame["id"], market, since)] {
                        connection.send_message(ask.to_string().into()).await;
                    }
                }
            }
            Err(Ended::Code(code)) if (4500..4600).contains(&code) => {
                let fault = format!("closed with {code}: don't come back");
                notebook.lock().unwrap().faults.push(fault.clone());
                return fault;
            }
            Err(end) => return format!("{end:?}"),
        }
    }
}

/// The market, where the engine does not know it yet, or is loading it.
fn asked_too_early(frame: &Value) -> Option<MarketAddress> {
    let too_early = frame["retryable"] == true || frame["code"] == "NOT_FOUND";
    (frame["type"] == "error" && too_early).then(|| frame["id"].as_str()?.parse().ok()).flatten()
}

impl Notebook {
    fn write_down(&mut self, frame: &Value) {
        if let Err(fault) = self.check(frame) {
            self.faults.push(format!("{fault}: {frame}"));
        }
    }

    fn check(&mut self, frame: &Value) -> Result<(), String> {
        let kind = frame["type"].as_str().ok_or("no type")?;
        match kind {
            "welcome" | "pong" | "shutdown" | "config_update" => return Ok(()),
            "heartbeat" => return self.check_heartbeat(frame),
            "error" if asked_too_early(frame).is_some() => return Ok(()),
            "error" => return Err("an error".to_owned()),
            _ => {}
        }
        let channel = frame["channel"].as_str().ok_or("no channel")?;
        let name = channel.strip_prefix("market:").ok_or("no market's channel")?;
        let market: MarketAddress = name.parse().map_err(|_| "no market's channel")?;
        if frame["market_id"] != name {
            return Err("market_id is not that of the channel".to_owned());
        }
        if kind == "commitment" {
            return Ok(());
        }
        let epoch = frame["epoch"].as_u64().ok_or("no epoch")?;
        let seq = frame["seq"].as_u64().ok_or("no seq")?;
        match kind {
            "subscribed" => self.subscribed(market, epoch, seq, frame),
            _ => self.entry(market, kind, epoch, seq, frame),
        }
    }

    fn subscribed(&mut self, market: MarketAddress, epoch: u64, seq: u64, frame: &Value) -> Result<(), String> {
        self.doing = Doing::Listening;
        let recovered = frame["recovered"].as_bool().ok_or("no `recovered`")?;
        if recovered == frame["snapshot"].is_object() {
            return Err("a snapshot is due where nothing is recovered, and nowhere else".to_owned());
        }
        match self.markets.get(&market) {
            None if recovered => Err("recovered, though nothing was given".to_owned()),
            None => {
                self.markets.insert(market, Heard { epoch, first: seq, last: seq, ..Heard::default() });
                Ok(())
            }
            Some(_) if !recovered => Err("not recovered".to_owned()),
            Some(heard) if heard.last != seq => Err(format!("recovered after {seq}, given was {}", heard.last)),
            Some(_) => Ok(()),
        }
    }

    fn entry(&mut self, market: MarketAddress, kind: &str, epoch: u64, seq: u64, frame: &Value) -> Result<(), String> {
        let heard = self.markets.get_mut(&market).ok_or("a frame before `subscribed`")?;
        if epoch != heard.epoch {
            return Err(format!("epoch {epoch} after {}", heard.epoch));
        }
        if seq == heard.last + 1 {
            heard.last = seq;
            heard.frames_of_last.clear();
        } else if seq != heard.last {
            return Err(format!("seq {seq} after {}", heard.last));
        }
        if seq == heard.first || heard.frames_of_last.iter().any(|own| own == kind) {
            return Err(format!("{kind} of {seq} twice"));
        }
        heard.frames_of_last.push(kind.to_owned());
        let data = &frame["data"];
        match kind {
            "trade_executed" => {
                let signature = data["tx_signature"].as_str().ok_or("a trade without tx_signature")?;
                heard.trades.push((seq, signature.to_owned()));
            }
            "rollback" => {
                let reverted: Option<Vec<u64>> =
                    data["reverted_seqs"].as_array().and_then(|seqs| seqs.iter().map(Value::as_u64).collect());
                let reverted = reverted.filter(|seqs| !seqs.is_empty()).ok_or("a roll-back of nothing")?;
                if reverted.iter().any(|reverted| *reverted >= seq) {
                    return Err("a roll-back of what is not there yet".to_owned());
                }
                heard.trades.retain(|(seq, _)| !reverted.contains(seq));
                heard.rollbacks.push((seq, reverted));
            }
            "price_update" => {
                let text = |name: &str| data[name].as_str().map(str::to_owned).ok_or(format!("no {name}"));
                heard.price = Some((text("price_yes")?, text("shares_yes")?, text("shares_no")?));
            }
            _ => {}
        }
        Ok(())
    }

    /// A heartbeat names no entry that was not sent on this connection.
    fn check_heartbeat(&self, frame: &Value) -> Result<(), String> {
        frame["slot"].as_u64().ok_or("no slot")?;
        for (market, heard) in &self.markets {
            let told = &frame["channels"][format!("market:{market}")]["seq"];
            if told.as_u64().is_some_and(|seq| seq > heard.last) {
                return Err(format!("{market} at {told}, the newest that came is {}", heard.last));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: MarketAddress = MarketAddress([9; 32]);

    fn frame(kind: &str, seq: u64) -> Value {
        json!({"type": kind, "channel": format!("market:{MARKET}"), "market_id": MARKET.to_string(), "epoch": 1, "seq": seq,
               "data": {"tx_signature": format!("s{seq}"), "price_yes": "1", "shares_yes": "0", "shares_no": "0",
                        "reverted_seqs": [1]}})
    }

    fn subscribed(seq: u64, recovered: bool) -> Value {
        let mut answer = frame("subscribed", seq);
        answer["recovered"] = json!(recovered);
        if !recovered {
            answer["snapshot"] = json!({});
        }
        answer
    }

    fn heard(frames: &[Value]) -> Notebook {
        let mut notebook = Notebook::default();
        frames.iter().for_each(|frame| notebook.write_down(frame));
        notebook
    }

    #[test]
    fn what_the_protocol_promises_is_no_fault() {
        let told = [
            subscribed(4, false),
            frame("trade_executed", 5),
            frame("price_update", 5),
            frame("discussion", 6),
            subscribed(6, true),
            frame("trade_executed", 7),
        ];
        let notebook = heard(&told);
        assert_eq!(notebook.faults, [""; 0]);
        assert_eq!((notebook.markets[&MARKET].last, notebook.markets[&MARKET].trades.len()), (7, 2));
    }

    #[test]
    fn every_breach_of_the_protocol_is_written_down() {
        let begun = [subscribed(4, false), frame("trade_executed", 5)];
        let mut other_epoch = frame("price_update", 5);
        other_epoch["epoch"] = json!(2);
        let ahead = json!({"type": "heartbeat", "slot": 1, "channels": {format!("market:{MARKET}"): {"seq": 6}}});
        let mut both = subscribed(5, true);
        both["snapshot"] = json!({});
        for (doctored, fault) in [
            (frame("trade_executed", 7), "seq 7 after 5"),
            (frame("trade_executed", 5), "trade_executed of 5 twice"),
            (frame("vote_update", 4), "seq 4 after 5"),
            (other_epoch, "epoch 2 after 1"),
            (subscribed(4, true), "recovered after 4, given was 5"),
            (subscribed(9, false), "not recovered"),
            (both, "a snapshot is due"),
            (ahead, "the newest that came is 5"),
            (json!({"type": "error", "code": "INTERNAL"}), "an error"),
        ] {
            let notebook = heard(&[&begun[..], std::slice::from_ref(&doctored)].concat());
            assert_eq!(notebook.faults.len(), 1, "{doctored}: {:?}", notebook.faults);
            assert!(notebook.faults[0].contains(fault), "{fault}: {}", notebook.faults[0]);
        }
    }
}
