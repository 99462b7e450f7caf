//! Prices for who wants them less often, or can't take all of them: the newest for several, as pure state.
//!
//! Every entry's other frames go on at once and in order; its price goes with them, or waits and is then told by one that
//! stands for all that waited: the newest price, under the number of the newest entry that was sent, so that numbers never
//! go back. A session asks for it by an interval; one that reads too slowly gets it until its outbox has drained. Nothing
//! here knows a socket or a clock: time and room are arguments.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{domain::ids::Seq, view::pack::FramePack};

/// Prices that wait.
#[derive(Debug)]
struct Waiting {
    newest: Arc<FramePack>,
    from: Seq,
    count: u64,
}

/// A session's prices of one channel.
#[derive(Debug, Default)]
pub(super) struct Conflation {
    interval: Option<Duration>,
    waiting: Option<Waiting>,
    /// No price before this.
    due: Option<Instant>,
}

impl Conflation {
    /// A price at most so often; without an interval, each as it comes.
    pub fn set(&mut self, interval: Option<Duration>) {
        self.interval = interval;
        if interval.is_none() {
            self.due = None;
        }
    }

    /// What waits is told otherwise: by a snapshot, or not at all.
    pub fn forget(&mut self) {
        self.waiting = None;
    }

    /// Each price goes as it comes, and none waits.
    pub fn is_idle(&self) -> bool {
        self.interval.is_none() && self.waiting.is_none()
    }

    /// Until when a price waits, if one does; `Some(None)`: only for room.
    pub fn waits_until(&self) -> Option<Option<Instant>> {
        self.waiting.as_ref().map(|_| self.due)
    }

    /// The frames of the next entry are to be sent: what of them goes now, in order. `has_room`: the session reads as fast
    /// as it is sent to.
    pub fn offer(&mut self, pack: &Arc<FramePack>, now: Instant, has_room: bool) -> [Option<Arc<FramePack>>; 2] {
        if !pack.has_price() {
            return [Some(Arc::clone(pack)), None];
        }
        let may_go = self.may_go(now, has_room);
        if may_go && self.waiting.is_none() {
            self.due = self.interval.map(|interval| now + interval);
            return [Some(Arc::clone(pack)), None];
        }
        let (from, count) = self.waiting.as_ref().map_or((pack.seq, 0), |waiting| (waiting.from, waiting.count));
        self.waiting = Some(Waiting { newest: Arc::clone(pack), from, count: count + 1 });
        let price = if may_go { self.take(pack.seq, now) } else { None };
        [pack.without_price(), price]
    }

    /// The price that waits, if it is due; `at` is the newest entry that was sent.
    pub fn due(&mut self, at: Seq, now: Instant, has_room: bool) -> Option<Arc<FramePack>> {
        if self.may_go(now, has_room) { self.take(at, now) } else { None }
    }

    fn may_go(&self, now: Instant, has_room: bool) -> bool {
        has_room && self.due.is_none_or(|due| due <= now)
    }

    fn take(&mut self, at: Seq, now: Instant) -> Option<Arc<FramePack>> {
        let Waiting { newest, from, count } = self.waiting.take()?;
        self.due = self.interval.map(|interval| now + interval);
        newest.conflated(at, from, count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::{
        domain::ids::{Epoch, MarketAddress},
        view::channel::Channel,
    };

    /// The frames of an entry: with a price, where it is a trade.
    fn pack(seq: u64, is_trade: bool) -> Arc<FramePack> {
        let kinds: &[&str] = if is_trade { &["trade_executed", "price_update"] } else { &["discussion"] };
        let text =
            |kind: &&str| format!(r#"{{"type":"{kind}","channel":"market:x","seq":{seq},"data":{{"n":{seq}}}}}"#);
        let texts: Vec<_> = kinds.iter().map(|kind| text(kind).into()).collect();
        Arc::new(FramePack::new(Channel::Market(MarketAddress([7; 32])), Epoch(1), Seq(seq), &texts))
    }

    #[derive(Debug, Clone)]
    enum Step {
        Entry { is_trade: bool },
        Wait { ms: u64 },
        Room { is_there: bool },
        Look,
        Ask { interval_ms: Option<u64> },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => any::<bool>().prop_map(|is_trade| Step::Entry { is_trade }),
            3 => (0..300_u64).prop_map(|ms| Step::Wait { ms }),
            2 => any::<bool>().prop_map(|is_there| Step::Room { is_there }),
            3 => Just(Step::Look),
            1 => prop::option::of(50..500_u64).prop_map(|interval_ms| Step::Ask { interval_ms }),
        ]
    }

    proptest! {
        /// Against one who is sent everything: other frames are the same ones, in the same order and at the same time; each
        /// price is covered by one frame, once; numbers never go back; and who is left in peace ends at the same price.
        #[test]
        fn every_entry_is_covered_once_and_the_newest_price_arrives(
            steps in prop::collection::vec(step(), 1..80),
        ) {
            let (mut conflation, start) = (Conflation::default(), Instant::now());
            let (mut now, mut has_room, mut interval) = (start, true, None);
            let (mut seq, mut last_price_at): (u64, Option<Instant>) = (0, None);
            let (mut prices, mut covered, mut heard_seq, mut heard_price) = (Vec::new(), Vec::new(), 0, None);
            let ending = [Step::Room { is_there: true }, Step::Wait { ms: 10_000 }, Step::Look];
            for step in steps.into_iter().chain(ending) {
                let mut out = Vec::new();
                match step {
                    Step::Entry { is_trade } => {
                        seq += 1;
                        let whole = pack(seq, is_trade);
                        prices.extend(is_trade.then_some(seq));
                        out.extend(conflation.offer(&whole, now, has_room).into_iter().flatten());
                        let kinds: Vec<String> = out.iter().flat_map(|pack| pack.texts()).map(str::to_owned).collect();
                        let first = whole.texts().next().unwrap();
                        prop_assert_eq!(kinds.first().map(String::as_str), Some(first), "at once and as it is");
                    }
                    Step::Wait { ms } => now += Duration::from_millis(ms),
                    Step::Room { is_there } => has_room = is_there,
                    Step::Look => out.extend(conflation.due(Seq(seq), now, has_room)),
                    Step::Ask { interval_ms } => {
                        interval = interval_ms.map(Duration::from_millis);
                        conflation.set(interval);
                        last_price_at = None;
                    }
                }
                for text in out.iter().flat_map(|pack| pack.texts()) {
                    let frame: Value = serde_json::from_str(text).unwrap();
                    let own = frame["seq"].as_u64().unwrap();
                    prop_assert!(own >= heard_seq, "{} after {}", own, heard_seq);
                    heard_seq = own;
                    if frame["type"] != "price_update" {
                        continue;
                    }
                    prop_assert!(has_room);
                    if let (Some(interval), Some(last)) = (interval, last_price_at) {
                        prop_assert!(now - last >= interval);
                    }
                    last_price_at = Some(now);
                    let newest = frame["data"]["n"].as_u64().unwrap();
                    let from = frame["from_seq"].as_u64().unwrap_or(own);
                    let stands_for: Vec<u64> =
                        prices.iter().copied().filter(|price| (from..=own).contains(price)).collect();
                    let count = frame["data"]["conflated"].as_u64().unwrap_or(1);
                    prop_assert_eq!((stands_for.len() as u64, stands_for.last()), (count, Some(&newest)));
                    covered.extend(stands_for);
                    heard_price = Some(newest);
                }
            }
            prop_assert_eq!(&covered, &prices);
            prop_assert_eq!(heard_price, prices.last().copied());
            prop_assert!(conflation.waits_until().is_none());
        }
    }
}
