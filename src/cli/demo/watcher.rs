//! A client of the engine: follows every market of the demo over one WebSocket and tells what it hears.
//!
//! Connects again when it is cut off, a bounded number of times, and resumes each market after the last entry that it has.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::{
    Stop,
    error::DemoError,
    tally::{Counts, Tally},
    watching::{Frame, Meaning, Watching},
};
use crate::domain::ids::MarketAddress;

/// Wishes that wait for a connection; more than the demo ever has markets at once.
const WISHES_MAX: usize = 1_024;

/// Connections tried in a row without a message heard.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// How often a summary is told.
const SUMMARY_EVERY: Duration = Duration::from_secs(5);

/// Breaches that are told in words; all are counted.
const BREACHES_TOLD_MAX: u64 = 20;

enum Wish {
    Follow(MarketAddress),
    Leave(MarketAddress),
}

/// Tells the client which markets to follow.
#[derive(Debug, Clone)]
pub struct Watcher {
    wishes: mpsc::Sender<Wish>,
}

impl Watcher {
    /// A client that is not running yet, and the way to tell it what to follow.
    pub fn new(url: String, tally: Arc<Tally>) -> (Self, WatcherTask) {
        let (wishes, inbox) = mpsc::channel(WISHES_MAX);
        (Self { wishes }, WatcherTask { url, tally, inbox, watching: Watching::default(), round: Round::default() })
    }

    /// Follow a market.
    pub async fn follow(&self, market: MarketAddress) {
        self.wish(Wish::Follow(market)).await;
    }

    /// Stop following it.
    pub async fn leave(&self, market: MarketAddress) {
        self.wish(Wish::Leave(market)).await;
    }

    async fn wish(&self, wish: Wish) {
        // The client is gone only when the demo ends.
        let _ = self.wishes.send(wish).await;
    }
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Follow(market) => write!(f, "follow {market}"),
            Self::Leave(market) => write!(f, "leave {market}"),
        }
    }
}

/// What was heard since the last summary.
#[derive(Debug, Default)]
struct Round {
    trades: BTreeMap<MarketAddress, u64>,
    before: Counts,
}

/// The client.
#[derive(Debug)]
pub struct WatcherTask {
    url: String,
    tally: Arc<Tally>,
    inbox: mpsc::Receiver<Wish>,
    watching: Watching,
    round: Round,
}

/// How a connection ended.
enum Ended {
    Stopped,
    Cut { heard_anything: bool, reason: String },
    Dismissed(u16),
}

impl WatcherTask {
    /// Follows until told to stop.
    ///
    /// # Errors
    /// [`DemoError::EngineAway`], [`DemoError::Dismissed`]; at the end [`DemoError::Breaches`], if there were any.
    pub async fn run(mut self, mut stopped: Stop) -> Result<(), DemoError> {
        let mut attempt = 0;
        loop {
            match self.connection(&mut stopped).await {
                Ended::Stopped => break,
                Ended::Dismissed(code) => return Err(DemoError::Dismissed(code)),
                Ended::Cut { heard_anything: true, reason } => {
                    println!("the connection to the engine is cut: {reason}");
                    attempt = 0;
                }
                Ended::Cut { heard_anything: false, reason } if attempt >= ATTEMPTS => {
                    return Err(DemoError::EngineAway { url: self.url, reason });
                }
                Ended::Cut { .. } => attempt += 1,
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stopped.told() => break,
            }
        }
        let counts = self.tally.counts();
        println!(
            "{} trades sent, {} refused by the program, {} heard through the engine, {} markets settled, {} breaches",
            counts.sent, counts.refused, counts.heard, counts.settled, counts.breaches
        );
        if counts.breaches == 0 { Ok(()) } else { Err(DemoError::Breaches(counts.breaches)) }
    }

    async fn connection(&mut self, stopped: &mut Stop) -> Ended {
        let mut heard_anything = false;
        let cut = |heard_anything, reason: String| Ended::Cut { heard_anything, reason };
        let connected = tokio::select! {
            connected = connect_async(&self.url) => connected,
            () = stopped.told() => return Ended::Stopped,
        };
        let mut socket = match connected {
            Ok((socket, _)) => socket,
            Err(error) => return cut(false, error.to_string()),
        };
        for ask in self.watching.resume() {
            if let Err(reason) = say(&mut socket, ask).await {
                return cut(false, reason);
            }
        }
        let mut summaries = interval(SUMMARY_EVERY);
        summaries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        summaries.reset();
        let mut since = Instant::now();
        let mut repeats = interval(PAUSE);
        repeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped.told() => {
                    // The engine sees the connection end either way.
                    let _ = socket.close(None).await;
                    return Ended::Stopped;
                }
                _ = summaries.tick() => {
                    self.summary(since.elapsed());
                    since = Instant::now();
                }
                _ = repeats.tick() => {
                    for ask in self.watching.ask_again() {
                        if let Err(reason) = say(&mut socket, ask).await {
                            return cut(heard_anything, reason);
                        }
                    }
                }
                Some(wish) = self.inbox.recv(), if self.watching.may_ask() => {
                    let ask = match wish {
                        Wish::Follow(market) => self.watching.follow(market),
                        Wish::Leave(market) => self.watching.leave(market),
                    };
                    if let Err(reason) = say(&mut socket, ask).await {
                        return cut(heard_anything, reason);
                    }
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        heard_anything = true;
                        self.hear(&text);
                    }
                    Some(Ok(Message::Close(Some(close)))) => {
                        let code = u16::from(close.code);
                        let stay_away = (4_500..4_600).contains(&code);
                        return if stay_away { Ended::Dismissed(code) } else { cut(heard_anything, format!("closed with {code}")) };
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return cut(heard_anything, error.to_string()),
                    None => return cut(heard_anything, "the end of the stream".to_owned()),
                },
            }
        }
    }

    fn hear(&mut self, text: &str) {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            return self.breach(&format!("not a frame: {text}"));
        };
        match self.watching.hear(&frame) {
            Meaning::Trade(market) => {
                self.tally.heard();
                *self.round.trades.entry(market).or_default() += 1;
            }
            Meaning::Other => {}
            Meaning::Breach(reason) => self.breach(&reason),
        }
    }

    fn breach(&self, reason: &str) {
        self.tally.breach();
        if self.tally.counts().breaches <= BREACHES_TOLD_MAX {
            println!("out of order: {reason}");
        }
    }

    fn summary(&mut self, took: Duration) {
        let now = self.tally.counts();
        let trades = now.heard - self.round.before.heard;
        let active = self.round.trades.len();
        let least = self.round.trades.values().min().copied().unwrap_or_default();
        println!(
            "{trades} trades in {} s on {active} markets, {least} or more on each; {} markets followed, {} refused, {} breaches",
            took.as_secs(),
            self.watching.count(),
            now.refused - self.round.before.refused,
            now.breaches
        );
        self.round = Round { trades: BTreeMap::new(), before: now };
    }
}

async fn say(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>, ask: Value) -> Result<(), String> {
    socket.send(Message::text(ask.to_string())).await.map_err(|error| error.to_string())
}
