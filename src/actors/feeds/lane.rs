//! A channel over many markets as this process has it: its newest entries without holes, and who is told. No actor, no clock.
//!
//! Entries come in the order of their numbers, or leave a hole that shows: then the lane waits for the journal
//! ([`Lane::wanted`]) and takes nothing else. Frames are made when somebody is told of them, once.

use std::{cell::OnceCell, collections::VecDeque, sync::Arc};

use super::messages::FeedHead;
use crate::{
    actors::stream::{HubLink, Replay, listeners::Listeners},
    domain::{
        counted::Counted,
        entry::Entry,
        ids::{AccountAddress, Epoch, Seq},
    },
    view::{channel::Channel, pack::FramePack},
};

/// Entries of a channel that are kept in memory: most resumes are served from them.
pub const RING_ENTRIES: usize = 1_024;

struct Kept {
    seq: Seq,
    stream: AccountAddress,
    entry: Arc<Entry>,
    pack: OnceCell<Arc<FramePack>>,
}

/// See the module.
pub struct Lane {
    channel: Counted,
    epoch: Epoch,
    /// Everything up to here came; `None` before the journal was read.
    head: Option<Seq>,
    /// The newest that is known to exist.
    target: Seq,
    ring: VecDeque<Kept>,
    listeners: Listeners,
}

impl Lane {
    /// Nothing is known yet.
    pub fn new(channel: Counted, epoch: Epoch) -> Self {
        let (ring, listeners) = (VecDeque::new(), Listeners::default());
        Self { channel, epoch, head: None, target: Seq(0), ring, listeners }
    }

    /// The channel begins here; what the journal has of it up to this number follows by [`Lane::take`].
    pub fn begin(&mut self, after: Seq) {
        self.head = Some(after);
        self.target = self.target.max(after);
    }

    /// An entry of this number exists.
    pub fn announce(&mut self, seq: Seq) {
        self.target = self.target.max(seq);
    }

    /// The newest that came.
    pub fn head(&self) -> Option<Seq> {
        self.head
    }

    /// What is missing follows this entry; `None` if nothing is, or the beginning is not known.
    pub fn wanted(&self) -> Option<Seq> {
        self.head.filter(|head| *head < self.target)
    }

    /// An entry came. It is told if it is the next one; one after a hole only says that there is one.
    pub fn take(&mut self, seq: Seq, stream: AccountAddress, entry: &Arc<Entry>) {
        self.announce(seq);
        if self.head.map(Seq::next) != Some(seq) {
            return;
        }
        self.head = Some(seq);
        self.ring.push_back(Kept { seq, stream, entry: Arc::clone(entry), pack: OnceCell::new() });
        if self.ring.len() > RING_ENTRIES {
            self.ring.pop_front();
        }
        if !self.listeners.is_empty()
            && let Some(pack) = self.ring.back().map(|kept| self.pack(kept))
        {
            self.listeners.send(&pack);
        }
    }

    fn pack(&self, kept: &Kept) -> Arc<FramePack> {
        let make = || Arc::new(FramePack::counted(self.channel, self.epoch, kept.seq, kept.stream, &kept.entry));
        Arc::clone(kept.pack.get_or_init(make))
    }

    /// Adds a hub, and says after which entry it will be told; `None` before that is known.
    pub fn attach(&mut self, link: HubLink) -> Option<FeedHead> {
        let seq = self.head?;
        self.listeners.add(link);
        let newest = self.ring.back().map(|kept| (kept.entry.body.slot(), kept.entry.recorded_at_ms));
        Some(FeedHead { epoch: self.epoch, seq, newest })
    }

    /// Takes a hub off the list.
    pub fn detach(&mut self, hub_id: u64) {
        self.listeners.remove(hub_id);
    }

    /// Hubs that lost a frame are told where the channel stands.
    pub fn remind(&mut self) {
        if let Some(head) = self.head {
            self.listeners.remind(Channel::Counted(self.channel), self.epoch, head);
        }
    }

    /// What follows an entry; `None` before that can be said.
    pub fn missed(&self, epoch: Epoch, after: Seq) -> Option<Replay> {
        let head = self.head?;
        if epoch != self.epoch || after > head {
            return Some(Replay::NotServable);
        }
        let missing = usize::try_from(head.0 - after.0).unwrap_or(usize::MAX);
        if missing > self.ring.len() {
            return Some(Replay::ReadJournal { head });
        }
        let kept = self.ring.iter().skip(self.ring.len() - missing);
        Some(Replay::Frames(kept.map(|kept| self.pack(kept)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        actors::stream::HubInput,
        domain::{
            entry::EntryBody,
            ids::{Slot, Wallet},
        },
    };

    fn entry(seq: u64) -> Arc<Entry> {
        let body = EntryBody::CommentDeleted {
            id: uuid::Uuid::nil(),
            wallet: Wallet([1; 32]),
            slot: Slot(seq),
            request_id: None,
        };
        Arc::new(Entry { seq: Seq(seq), recorded_at_ms: 1_760_000_000_000, body })
    }

    fn stream() -> AccountAddress {
        AccountAddress([7; 32])
    }

    #[test]
    fn a_replay_comes_from_memory_as_far_as_it_reaches_and_is_what_was_told() {
        let mut lane = Lane::new(Counted::Trades, Epoch(1));
        let (inbox, mut told) = mpsc::channel(4_096);
        assert!(lane.attach(HubLink { id: 1, inbox: inbox.clone() }).is_none(), "nothing is known yet");
        lane.begin(Seq(0));
        let head = lane.attach(HubLink { id: 1, inbox }).unwrap();
        assert_eq!((head.seq, head.newest), (Seq(0), None));
        (1..=1_500).for_each(|seq| lane.take(Seq(seq), stream(), &entry(seq)));
        let live: Vec<_> = std::iter::from_fn(|| told.try_recv().ok())
            .map(|input| if let HubInput::Frames(pack) = input { pack } else { panic!("{input:?}") })
            .collect();
        let Some(Replay::Frames(packs)) = lane.missed(Epoch(1), Seq(1_500 - RING_ENTRIES as u64)) else { panic!() };
        assert_eq!(packs[..], live[1_500 - RING_ENTRIES..]);
        assert!(matches!(lane.missed(Epoch(1), Seq(1)), Some(Replay::ReadJournal { head: Seq(1_500) })));
        assert!(matches!(lane.missed(Epoch(1), Seq(1_501)), Some(Replay::NotServable)));
        assert!(matches!(lane.missed(Epoch(2), Seq(1)), Some(Replay::NotServable)));
    }

    proptest! {
        /// Entries are lost, doubled and late; the journal has all of them.
        #[test]
        fn whatever_is_lost_on_the_way_every_entry_is_told_once_and_in_order(
            steps in prop::collection::vec((1..60_u64, any::<bool>()), 1..60),
        ) {
            let mut lane = Lane::new(Counted::Markets, Epoch(1));
            let (inbox, mut told) = mpsc::channel(4_096);
            lane.begin(Seq(0));
            lane.attach(HubLink { id: 1, inbox });
            for (seq, heals) in steps {
                lane.take(Seq(seq), stream(), &entry(seq));
                if let Some(after) = lane.wanted().filter(|_| heals) {
                    (after.0 + 1..=after.0 + 5).for_each(|seq| lane.take(Seq(seq), stream(), &entry(seq)));
                }
            }
            let mut next = 1;
            while let Ok(HubInput::Frames(pack)) = told.try_recv() {
                prop_assert_eq!(pack.seq, Seq(next));
                next += 1;
            }
            prop_assert_eq!(lane.head(), Some(Seq(next - 1)));
        }
    }
}
