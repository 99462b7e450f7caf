//! What a client has to keep of each market to notice a lost message, and to resume. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::ids::MarketAddress;

/// The part of a frame that a client of markets looks at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Frame {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose it is.
    pub market_id: Option<MarketAddress>,
    /// The journal's life.
    pub epoch: Option<u32>,
    /// The entry.
    pub seq: Option<u64>,
    /// In an answer to a subscription: whether what follows is all that was missed.
    pub recovered: Option<bool>,
    /// Of an answer: what was asked.
    pub id: Option<Value>,
    /// In a refusal: whether it may be asked again.
    pub retryable: Option<bool>,
    /// In a refusal: the code.
    pub code: Option<String>,
    /// In a refusal: the reason.
    pub message: Option<String>,
}

/// How often a market is asked for that the engine does not know yet, or is loading.
const ASKS_MAX: u32 = 120;
/// Markets that are asked for and not answered yet, at most: that the engine does not know one counts as a client's mistake,
/// and ten in a row end the connection. The answers come after those to the pings between the questions.
const ASKED_AT_ONCE: usize = 4;

/// Where a client stands in a market's channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    epoch: u32,
    seq: u64,
}

/// A market that is followed.
#[derive(Debug, Default)]
struct Followed {
    place: Option<Place>,
    /// How often the engine was asked for it since it was last subscribed.
    asks: u32,
    refused: bool,
}

/// What a frame meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A trade of a market.
    Trade(MarketAddress),
    /// Something else that is in order.
    Other,
    /// A message was lost, doubled or came out of order: why.
    Breach(String),
}

/// The markets that are followed.
#[derive(Debug, Default)]
pub struct Watching {
    places: BTreeMap<MarketAddress, Followed>,
}

impl Watching {
    /// Starts to follow a market; gives the message to send.
    pub fn follow(&mut self, market: MarketAddress) -> Value {
        self.places.entry(market).or_default();
        self.subscription(market)
    }

    /// Stops to follow it; gives the message to send.
    pub fn leave(&mut self, market: MarketAddress) -> Value {
        self.places.remove(&market);
        json!({"action": "unsubscribe", "market_id": market})
    }

    /// The messages to send on a new connection: each market, after the last entry that came.
    pub fn resume(&self) -> Vec<Value> {
        self.places.keys().map(|market| self.subscription(*market)).collect()
    }

    /// One more market may be asked for.
    pub fn may_ask(&self) -> bool {
        self.unanswered() < ASKED_AT_ONCE
    }

    fn unanswered(&self) -> usize {
        self.places.values().filter(|one| one.place.is_none() && !one.refused).count()
    }

    /// The messages to send for markets that were refused for now, as many as may be asked for. Each follows a `ping`.
    pub fn ask_again(&mut self) -> Vec<Value> {
        let mut asks = Vec::new();
        let room = ASKED_AT_ONCE.saturating_sub(self.unanswered());
        let refused = self.places.iter().filter(|(_, one)| one.refused).map(|(market, _)| *market).take(room);
        for market in refused.collect::<Vec<_>>() {
            if let Some(followed) = self.places.get_mut(&market) {
                followed.refused = false;
                followed.asks += 1;
            }
            asks.extend([json!({"action": "ping"}), self.subscription(market)]);
        }
        asks
    }

    /// How many are followed.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    fn subscription(&self, market: MarketAddress) -> Value {
        let mut ask = json!({"id": market, "action": "subscribe", "market_id": market});
        if let Some(Place { epoch, seq }) = self.places.get(&market).and_then(|followed| followed.place) {
            ask["since"] = json!({ format!("market:{market}"): {"epoch": epoch, "seq": seq} });
        }
        ask
    }

    fn refused(&mut self, frame: &Frame) -> Meaning {
        let market = frame.id.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok());
        let for_now = frame.retryable == Some(true) || matches!(frame.code.as_deref(), Some("NOT_FOUND" | "CANCELLED"));
        match market.and_then(|market: MarketAddress| self.places.get_mut(&market)) {
            Some(followed) if for_now && followed.asks < ASKS_MAX => {
                followed.refused = true;
                Meaning::Other
            }
            // Left while the question was on its way.
            None => Meaning::Other,
            _ => Meaning::Breach(frame.message.clone().unwrap_or_default()),
        }
    }

    /// Takes a frame in.
    pub fn hear(&mut self, frame: &Frame) -> Meaning {
        if frame.kind == "error" {
            return self.refused(frame);
        }
        let (Some(market), Some(epoch), Some(seq)) = (frame.market_id, frame.epoch, frame.seq) else {
            return Meaning::Other;
        };
        // Frames of a market that was just left may still be on their way.
        let Some(Followed { place, asks, .. }) = self.places.get_mut(&market) else { return Meaning::Other };
        match (frame.kind.as_str(), *place) {
            ("commitment", _) => Meaning::Other,
            ("subscribed", Some(known)) if frame.recovered == Some(true) && (known != Place { epoch, seq }) => {
                Meaning::Breach(format!("{market}: resumed at {seq}, asked for {}", known.seq))
            }
            ("subscribed", _) => {
                *asks = 0;
                *place = Some(Place { epoch, seq });
                Meaning::Other
            }
            (_, None) => Meaning::Breach(format!("{market}: {} before a first state", frame.kind)),
            (kind, Some(known)) => {
                let new = known.epoch == epoch && seq == known.seq + 1;
                // The frames of one entry share its number.
                let same = known == Place { epoch, seq } && kind != "trade_executed";
                *place = Some(Place { epoch, seq });
                match (new || same, kind) {
                    (true, "trade_executed") => Meaning::Trade(market),
                    (true, _) => Meaning::Other,
                    (false, _) => Meaning::Breach(format!("{market}: {seq} after {}", known.seq)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: MarketAddress = MarketAddress([7; 32]);

    fn frame(kind: &str, seq: u64, more: Value) -> Frame {
        let mut value = json!({"type": kind, "market_id": MARKET, "epoch": 1, "seq": seq});
        for (key, more) in more.as_object().unwrap() {
            value[key] = more.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn kinds(watching: &mut Watching, frames: &[(&str, u64)]) -> Vec<bool> {
        frames
            .iter()
            .map(|(kind, seq)| matches!(watching.hear(&frame(kind, *seq, json!({}))), Meaning::Breach(_)))
            .collect()
    }

    #[test]
    fn holes_repeats_and_disorder_are_noticed() {
        let mut watching = Watching::default();
        watching.follow(MARKET);
        assert!(matches!(watching.hear(&frame("trade_executed", 5, json!({}))), Meaning::Breach(_)), "no state yet");
        watching.hear(&frame("subscribed", 5, json!({"recovered": false})));
        let heard = [
            ("trade_executed", 6),
            ("price_update", 6),
            ("trade_executed", 7),
            ("trade_executed", 7),
            ("market_update", 8),
            ("trade_executed", 10),
            ("price_update", 9),
        ];
        assert_eq!(kinds(&mut watching, &heard), [false, false, false, true, false, true, true]);
    }

    #[test]
    fn a_market_that_is_not_known_yet_is_asked_for_again_but_not_for_ever() {
        let mut watching = Watching::default();
        watching.follow(MARKET);
        let refusal = |code: &str, retryable: bool| -> Frame {
            let value = json!({"type": "error", "id": MARKET, "code": code, "message": "no", "retryable": retryable});
            serde_json::from_value(value).unwrap()
        };
        assert!(watching.ask_again().is_empty());
        for (code, retryable) in [("NOT_FOUND", false), ("UNAVAILABLE", true)] {
            assert_eq!(watching.hear(&refusal(code, retryable)), Meaning::Other);
            assert_eq!(watching.ask_again().len(), 2);
            assert!(watching.ask_again().is_empty());
        }
        assert!(matches!(watching.hear(&refusal("VALIDATION_ERROR", false)), Meaning::Breach(_)));
        for _ in 0..ASKS_MAX {
            watching.hear(&refusal("NOT_FOUND", false));
            watching.ask_again();
        }
        assert!(matches!(watching.hear(&refusal("NOT_FOUND", false)), Meaning::Breach(_)));
    }

    #[test]
    fn so_many_unknown_markets_are_asked_for_at_once_and_the_others_in_their_turn() {
        let mut watching = Watching::default();
        let markets: Vec<_> = (0..12).map(|n| MarketAddress([n; 32])).collect();
        for market in &markets {
            watching.follow(*market);
            let value = json!({"type": "error", "id": market, "code": "NOT_FOUND", "message": "no"});
            watching.hear(&serde_json::from_value(value).unwrap());
        }
        assert!(watching.may_ask(), "all have been answered");
        assert_eq!(watching.ask_again().len(), 2 * ASKED_AT_ONCE);
        assert!(!watching.may_ask() && watching.ask_again().is_empty());
    }

    #[test]
    fn a_new_connection_resumes_after_the_last_entry() {
        let mut watching = Watching::default();
        let first = watching.follow(MARKET);
        assert!(first.get("since").is_none());
        watching.hear(&frame("subscribed", 5, json!({"recovered": false})));
        watching.hear(&frame("trade_executed", 6, json!({})));
        let again = watching.resume();
        assert_eq!(again[0]["since"][format!("market:{MARKET}")], json!({"epoch": 1, "seq": 6}));
        assert_eq!(watching.hear(&frame("subscribed", 6, json!({"recovered": true}))), Meaning::Other);
        assert!(matches!(watching.hear(&frame("subscribed", 5, json!({"recovered": true}))), Meaning::Breach(_)));
        watching.leave(MARKET);
        assert_eq!((watching.count(), watching.hear(&frame("trade_executed", 99, json!({})))), (0, Meaning::Other));
    }
}
