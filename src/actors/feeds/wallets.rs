//! What concerns wallets alone: what becomes of their transactions, and their positions. Only of those that somebody
//! listens for; of all others nothing is kept and nothing is read.
//!
//! An entry says whose position it moves, not what it is then: that is read, of many at once, and told as the newest.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::messages::FeedHead;
use crate::{
    actors::stream::{HubLink, listeners::Listeners},
    domain::{
        entry::{Entry, EntryBody},
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
        position::{Position, PositionDelta},
    },
    journal::submissions::SubmissionRow,
    view::{channel::Channel, order, pack::FramePack},
};

/// Positions that are read at once.
pub const POSITIONS_AT_ONCE: usize = 256;

/// Whose position, and where.
pub type Key = (MarketAddress, Wallet);

/// A roll-back whose wallets are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// The market.
    pub stream: AccountAddress,
    /// Its entries that count no more.
    pub seqs: Vec<Seq>,
    /// By this entry.
    pub by: Arc<Entry>,
}

/// See the module.
#[derive(Default)]
pub struct Wallets {
    listeners: HashMap<Wallet, Listeners>,
    /// Positions that moved, and the newest entry that moved each. Of wallets that are listened for: as many as those trade
    /// between two readings.
    moved: BTreeMap<Key, Arc<Entry>>,
    taken_back: Vec<TakenBack>,
}

impl Wallets {
    /// Adds a hub to those that listen for a wallet.
    pub fn attach(&mut self, wallet: Wallet, link: HubLink, epoch: Epoch) -> FeedHead {
        self.listeners.entry(wallet).or_default().add(link);
        FeedHead { epoch, seq: Seq(0), newest: None }
    }

    /// Takes a hub off.
    pub fn detach(&mut self, wallet: Wallet, hub_id: u64) {
        if let Some(listeners) = self.listeners.get_mut(&wallet) {
            listeners.remove(hub_id);
            if listeners.is_empty() {
                self.listeners.remove(&wallet);
            }
        }
    }

    /// An entry came.
    pub fn note(&mut self, stream: AccountAddress, entry: &Arc<Entry>) {
        if self.listeners.is_empty() {
            return;
        }
        if let EntryBody::Rollback { reverted, .. } = &entry.body {
            self.taken_back.push(TakenBack { stream, seqs: reverted.clone(), by: Arc::clone(entry) });
        } else if let Some((wallet, _)) = PositionDelta::of(&entry.body) {
            self.move_of(stream, wallet, entry);
        }
    }

    /// An entry moved a wallet's position.
    pub fn move_of(&mut self, stream: AccountAddress, wallet: Wallet, entry: &Arc<Entry>) {
        if self.listeners.contains_key(&wallet) {
            let newest = self.moved.entry((MarketAddress(stream.0), wallet)).or_insert_with(|| Arc::clone(entry));
            if newest.seq < entry.seq {
                *newest = Arc::clone(entry);
            }
        }
    }

    /// A roll-back whose wallets are to be read.
    pub fn next_taken_back(&mut self) -> Option<TakenBack> {
        self.taken_back.pop()
    }

    /// Positions that are to be read.
    pub fn next_moved(&mut self) -> Vec<(Key, Arc<Entry>)> {
        std::iter::from_fn(|| self.moved.pop_first()).take(POSITIONS_AT_ONCE).collect()
    }

    /// Nothing was read: it is still to be.
    pub fn again(&mut self, moved: Vec<(Key, Arc<Entry>)>) {
        moved.into_iter().for_each(|((market, wallet), entry)| self.move_of(market.account(), wallet, &entry));
    }

    /// A position, as it was read after an entry moved it.
    pub fn tell_position(&mut self, epoch: Epoch, position: &Position, entry: &Entry) {
        if let Some(listeners) = self.listeners.get_mut(&position.user) {
            let channel = Channel::Wallet(position.user);
            let text = order::position_update(channel, epoch, position, entry);
            listeners.send(&Arc::new(FramePack::new(channel, epoch, Seq(0), &[text])));
        }
    }

    /// What became of a transaction.
    pub fn tell_order(&mut self, epoch: Epoch, row: &SubmissionRow) {
        if let Some(listeners) = self.listeners.get_mut(&row.wallet) {
            let channel = Channel::Wallet(row.wallet);
            let text = order::order_update(channel, row);
            listeners.send(&Arc::new(FramePack::new(channel, epoch, Seq(0), &[text])));
        }
    }

    /// Something was lost: everybody is to begin anew.
    pub fn all_lost(&mut self) {
        self.listeners.values_mut().for_each(Listeners::all_lost);
    }

    /// Hubs that lost something are told so; who is gone is forgotten.
    pub fn remind(&mut self, epoch: Epoch) {
        self.listeners.retain(|wallet, listeners| {
            listeners.remind(Channel::Wallet(*wallet), epoch, Seq(0));
            !listeners.is_empty()
        });
    }
}
