//! The ticker: every market's newest price, at most once an interval. No actor, no clock.
//!
//! A price that was not told yet is left out for a newer one of its market. Those that wait longest are told first, so many
//! at a time; nothing is done while nobody listens.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    actors::stream::{HubLink, listeners::Listeners},
    domain::{
        entry::Entry,
        ids::{AccountAddress, Epoch, Seq},
    },
    view::{channel::Channel, frame::ticker_price, pack::FramePack},
};

/// Prices that are told at once.
pub const PRICES_AT_ONCE: usize = 256;
/// Markets whose prices may wait; one more is told when it moves again.
pub const WAITING_MAX: usize = 16_384;

/// See the module.
#[derive(Default)]
pub struct Ticker {
    pub(super) listeners: Listeners,
    turns: VecDeque<AccountAddress>,
    newest: HashMap<AccountAddress, Arc<Entry>>,
    /// Which entry's price was told last: what heals late tells no older one. At most as many as may wait.
    told: HashMap<AccountAddress, Seq>,
}

impl Ticker {
    /// Adds a hub.
    pub fn attach(&mut self, link: HubLink) {
        self.listeners.add(link);
    }

    /// An entry came; it may be older than one that is known.
    pub fn note(&mut self, stream: AccountAddress, entry: &Arc<Entry>) {
        if self.listeners.is_empty() || !entry.body.has_price() {
            return;
        }
        if self.told.get(&stream).is_some_and(|told| entry.seq <= *told) {
            return;
        }
        if let Some(known) = self.newest.get_mut(&stream) {
            if known.seq < entry.seq {
                *known = Arc::clone(entry);
            }
        } else if self.turns.len() < WAITING_MAX {
            self.turns.push_back(stream);
            self.newest.insert(stream, Arc::clone(entry));
        }
    }

    /// By the clock: tells the next of them.
    pub fn tell(&mut self, epoch: Epoch) {
        let next = self.turns.len().min(PRICES_AT_ONCE);
        let due: Vec<_> = self.turns.drain(..next).collect();
        let texts = due.into_iter().filter_map(|stream| {
            let entry = self.newest.remove(&stream)?;
            if self.told.len() >= WAITING_MAX {
                self.told.clear();
            }
            self.told.insert(stream, entry.seq);
            ticker_price(epoch, stream, &entry)
        });
        let texts: Vec<_> = texts.collect();
        if !texts.is_empty() {
            self.listeners.send(&Arc::new(FramePack::new(Channel::Ticker, epoch, Seq(0), &texts)));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        actors::stream::HubInput,
        domain::{
            entry::EntryBody,
            ids::Slot,
            market::{Market, sample},
        },
    };

    fn entry(seq: u64) -> Arc<Entry> {
        let market = Box::new(Market { price_yes: Some(crate::domain::amount::PriceE9(seq)), ..sample::market() });
        let body = EntryBody::Resync {
            reason: String::new(),
            price_yes_before: None,
            old_phase: Some(market.phase),
            market,
            slot: Slot(seq),
        };
        Arc::new(Entry { seq: Seq(seq), recorded_at_ms: 0, body })
    }

    fn told(inbox: &mut mpsc::Receiver<HubInput>) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        while let Ok(HubInput::Frames(pack)) = inbox.try_recv() {
            for text in pack.texts() {
                let frame: serde_json::Value = serde_json::from_str(text).unwrap();
                assert_eq!((&frame["type"], &frame["channel"]), (&"price_update".into(), &"ticker".into()));
                assert!(frame.get("seq").is_none());
                all.push((frame["market_id"].to_string(), frame["market_seq"].as_u64().unwrap()));
            }
        }
        all
    }

    #[test]
    fn each_market_is_told_once_with_its_newest_price_and_so_many_at_a_time() {
        let mut ticker = Ticker::default();
        ticker.note(AccountAddress([1; 32]), &entry(1));
        assert!(ticker.turns.is_empty(), "nobody listens");
        let (sender, mut inbox) = mpsc::channel(64);
        ticker.attach(HubLink { id: 1, inbox: sender });
        let stream = |n: usize| AccountAddress([(n % 256) as u8, (n / 256) as u8].repeat(16).try_into().unwrap());
        for n in 0..WAITING_MAX + 10 {
            ticker.note(stream(n), &entry(1));
        }
        assert_eq!(ticker.turns.len(), WAITING_MAX);
        ticker.note(stream(0), &entry(3));
        ticker.note(stream(0), &entry(2));
        ticker.tell(Epoch(1));
        let first = told(&mut inbox);
        assert_eq!((first.len(), first[0].1, first[1].1), (PRICES_AT_ONCE, 3, 1));
        for _ in 0..WAITING_MAX / PRICES_AT_ONCE {
            ticker.tell(Epoch(1));
        }
        assert_eq!(told(&mut inbox).len(), WAITING_MAX - PRICES_AT_ONCE);
        assert!(ticker.newest.is_empty());
    }

    #[test]
    fn a_price_that_heals_late_is_told_unless_a_newer_one_was() {
        let mut ticker = Ticker::default();
        let (sender, mut inbox) = mpsc::channel(64);
        ticker.attach(HubLink { id: 1, inbox: sender });
        let mut tell = |seqs: &[u64]| {
            seqs.iter().for_each(|seq| ticker.note(AccountAddress([1; 32]), &entry(*seq)));
            ticker.tell(Epoch(1));
            told(&mut inbox).into_iter().map(|(_, seq)| seq).collect::<Vec<_>>()
        };
        assert_eq!(tell(&[4]), [4]);
        assert_eq!(tell(&[3, 4]), [0_u64; 0]);
        assert_eq!(tell(&[6, 5]), [6]);
    }
}
