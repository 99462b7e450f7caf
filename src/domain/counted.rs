//! Channels over many markets that count their entries: which entry is on which of them, and what number it gets.
//!
//! Owns the rule and the arithmetic. Never asks what a channel's frames look like, and never remembers a number longer than
//! its caller does: the journal's writer keeps the heads of its life, and PostgreSQL those of all lives.

use std::collections::BTreeMap;

use super::{
    entry::EntryBody,
    event::ProgramEvent,
    ids::{Epoch, Seq},
};

/// A channel over many markets with numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// What a list of markets shows of each: its beginning, phases, metadata, tallies, and what is taken back. No trades and
    /// no comments.
    Markets,
    /// Every trade, and every roll-back of a market: it may take trades back.
    Trades,
}

impl Counted {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Markets, Self::Trades];

    /// As clients and the journal name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markets => "markets",
            Self::Trades => "trades",
        }
    }

    /// Is an entry on it? Decided by the entry alone, so that every node and every replay decides the same.
    pub fn has(self, body: &EntryBody) -> bool {
        match body {
            EntryBody::Trade { event, .. } | EntryBody::Contained { event, .. } => {
                let is_trade = matches!(event, ProgramEvent::SharesBought(_) | ProgramEvent::SharesSold(_));
                (self == Self::Trades) == is_trade
            }
            EntryBody::Rollback { .. } => true,
            EntryBody::Event { .. }
            | EntryBody::Resync { .. }
            | EntryBody::Metadata { .. }
            | EntryBody::Vote { .. } => self == Self::Markets,
            EntryBody::Config { .. }
            | EntryBody::ConfigResync { .. }
            | EntryBody::ConfigRollback { .. }
            | EntryBody::Comment { .. }
            | EntryBody::CommentDeleted { .. } => false,
        }
    }
}

/// An entry's numbers on the channels that it is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// On `markets`.
    pub markets: Option<Seq>,
    /// On `trades`.
    pub trades: Option<Seq>,
}

impl Numbers {
    /// On a channel.
    pub fn on(self, channel: Counted) -> Option<Seq> {
        match channel {
            Counted::Markets => self.markets,
            Counted::Trades => self.trades,
        }
    }
}

/// The newest number of each channel, in each life of the journal; a channel without entries has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(BTreeMap<(Epoch, Counted), Seq>);

impl Heads {
    /// The newest number; 0 where there is none.
    pub fn of(&self, epoch: Epoch, channel: Counted) -> Seq {
        self.0.get(&(epoch, channel)).copied().unwrap_or_default()
    }

    /// As it was read.
    pub fn set(&mut self, epoch: Epoch, channel: Counted, seq: Seq) {
        self.0.insert((epoch, channel), seq);
    }

    /// The next number of each channel that an entry is on.
    pub fn number(&mut self, epoch: Epoch, body: &EntryBody) -> Numbers {
        let mut next = |channel: Counted| {
            channel.has(body).then(|| {
                let seq = self.of(epoch, channel).next();
                self.set(epoch, channel, seq);
                seq
            })
        };
        Numbers { markets: next(Counted::Markets), trades: next(Counted::Trades) }
    }

    /// The channels whose head stands elsewhere than before: where it stood, and where it stands.
    pub fn moved<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (Epoch, Counted, Seq, Seq)> + 'a {
        self.0.iter().filter_map(move |((epoch, channel), after)| {
            let stood = before.of(*epoch, *channel);
            (stood != *after).then_some((*epoch, *channel, stood, *after))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Slot, Wallet};

    fn comment() -> EntryBody {
        EntryBody::CommentDeleted { id: uuid::Uuid::nil(), wallet: Wallet([1; 32]), slot: Slot(1), request_id: None }
    }

    fn vote() -> EntryBody {
        EntryBody::Vote {
            vote_kind: crate::domain::tally::VoteKind::Proposal,
            wallet: Wallet([1; 32]),
            vote: true,
            signature: None,
            voted_at_ms: 0,
            tally: crate::domain::tally::Counts::default(),
            slot: Slot(1),
            request_id: None,
        }
    }

    #[test]
    fn each_channel_counts_its_own_entries_and_each_life_of_the_journal_anew() {
        let mut heads = Heads::default();
        let before = heads.clone();
        let on_markets = |seq| Numbers { markets: Some(Seq(seq)), trades: None };
        assert_eq!(heads.number(Epoch(1), &vote()), on_markets(1));
        assert_eq!(heads.number(Epoch(1), &comment()), Numbers::default());
        assert_eq!(heads.number(Epoch(1), &vote()), on_markets(2));
        assert_eq!(heads.number(Epoch(2), &vote()), on_markets(1));
        let moved: Vec<_> = heads.moved(&before).collect();
        let expected = [(1, 2), (2, 1)].map(|(epoch, head)| (Epoch(epoch), Counted::Markets, Seq(0), Seq(head)));
        assert_eq!(moved, expected);
        assert_eq!(heads.moved(&heads).count(), 0);
    }
}
