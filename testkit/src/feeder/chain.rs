//! The feeder's chain: which transaction landed where, what is confirmed and finalized, and forks.
//!
//! The newest slot is open: transactions still land in it. It is closed when it is full or its time is over, and what the
//! chain calls its newest slot is the newest closed one, so that whoever has read everything up to it has missed nothing.

use zmart::domain::ids::{AccountAddress, TxSignature};

use super::story::{Number, Story};

/// A transaction's place.
const NOWHERE: u32 = u32::MAX;

/// How slots go on.
#[derive(Debug, Clone)]
pub struct SlotRules {
    /// The first slot.
    pub first: u64,
    /// A slot with so many transactions is full.
    pub transactions: u32,
    /// Slots between the newest and the finalized one.
    pub finality: u64,
}

/// A transaction that has landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// Which.
    pub number: Number,
    /// Slots after the first one.
    slots: u32,
}

/// Transactions that vanished on a fork, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Their numbers.
    pub numbers: Vec<Number>,
    /// Their signatures.
    pub signatures: Vec<TxSignature>,
}

/// Whose transactions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All: the program's, and the config's, which every transaction names.
    Program,
    /// A market's.
    Market(u32),
}

/// See the module.
pub struct Chain {
    /// What happens on it.
    pub story: Box<dyn Story>,
    rules: SlotRules,
    landed: Vec<Landed>,
    /// Where each transaction is in `landed`, by its number.
    places: Vec<u32>,
    /// Places of each market's transactions.
    by_market: Vec<Vec<u32>>,
    /// The open slot.
    slot: u64,
    /// Transactions in it.
    in_slot: u32,
    /// The next that has not been executed yet.
    next: Number,
    /// How many of `landed` are finalized.
    settled: usize,
}

impl Chain {
    /// Nothing has happened.
    pub fn new(story: Box<dyn Story>, rules: SlotRules) -> Self {
        Self {
            story,
            slot: rules.first,
            rules,
            landed: Vec::new(),
            places: Vec::new(),
            by_market: Vec::new(),
            in_slot: 0,
            next: 0,
            settled: 0,
        }
    }

    /// The newest closed slot.
    pub fn confirmed_slot(&self) -> u64 {
        self.slot - 1
    }

    /// The open slot.
    pub fn open_slot(&self) -> u64 {
        self.slot
    }

    /// The newest slot that no fork undoes.
    pub fn finalized_slot(&self) -> u64 {
        self.confirmed_slot().saturating_sub(self.rules.finality)
    }

    /// The oldest slot.
    pub fn first_slot(&self) -> u64 {
        self.rules.first
    }

    /// Closes the open slot.
    pub fn close_slot(&mut self) {
        self.slot += 1;
        self.in_slot = 0;
        let finalized = self.finalized_slot();
        while self.landed.get(self.settled).is_some_and(|landed| self.slot_of(landed) <= finalized) {
            self.settled += 1;
            self.story.settle();
        }
    }

    /// How many have landed.
    pub fn len(&self) -> usize {
        self.landed.len()
    }

    /// How many the story still has.
    pub fn left(&self) -> Number {
        self.story.len() - self.next
    }

    /// The slot of one that has landed.
    pub fn slot_of(&self, landed: &Landed) -> u64 {
        self.rules.first + u64::from(landed.slots)
    }

    /// It can't vanish any more.
    pub fn is_finalized(&self, landed: &Landed) -> bool {
        self.slot_of(landed) <= self.finalized_slot()
    }

    /// Executes the story's next transaction; `None` at its end.
    pub fn land_next(&mut self) -> Option<Landed> {
        while self.next < self.story.len() {
            let number = self.next;
            self.next += 1;
            if let Some(landed) = self.land(number) {
                return Some(landed);
            }
        }
        None
    }

    /// Executes a transaction at the end of the chain; `None` if it can't happen now.
    pub fn land(&mut self, number: Number) -> Option<Landed> {
        if self.in_slot >= self.rules.transactions {
            self.close_slot();
        }
        if !self.story.execute(number) {
            return None;
        }
        self.in_slot += 1;
        let slots = u32::try_from(self.slot - self.rules.first).expect("fewer than 2^32 slots");
        let place = u32::try_from(self.landed.len()).expect("fewer than 2^32 transactions");
        let landed = Landed { number, slots };
        self.landed.push(landed);
        let index = number as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, NOWHERE);
        }
        self.places[index] = place;
        if let Some(market) = self.story.market_of(number) {
            let market = market as usize;
            if self.by_market.len() <= market {
                self.by_market.resize(market + 1, Vec::new());
            }
            self.by_market[market].push(place);
        }
        Some(landed)
    }

    /// The newest `count` vanish, or as many of them as are not finalized. The slots go on.
    pub fn fork(&mut self, count: usize) -> Fork {
        let mut numbers = Vec::new();
        while numbers.len() < count && self.landed.len() > self.settled {
            let Some(landed) = self.landed.pop() else { break };
            self.story.undo(landed.number);
            self.places[landed.number as usize] = NOWHERE;
            if let Some(market) = self.story.market_of(landed.number) {
                self.by_market[market as usize].pop();
            }
            numbers.push(landed.number);
        }
        numbers.reverse();
        self.close_slot();
        let signatures = numbers.iter().map(|number| self.story.signature(*number)).collect();
        Fork { numbers, signatures }
    }

    /// A transaction by its signature, if it is on the chain.
    pub fn find(&self, signature: &TxSignature) -> Option<Landed> {
        self.place_of(signature).map(|place| self.landed[place])
    }

    fn place_of(&self, signature: &TxSignature) -> Option<usize> {
        let number = self.story.find(signature)?;
        let place = *self.places.get(number as usize)?;
        (place != NOWHERE).then_some(place as usize)
    }

    /// Its index in its block.
    pub fn index_in_block(&self, landed: &Landed) -> usize {
        let place = self.places[landed.number as usize] as usize;
        place - self.landed.partition_point(|one| one.slots < landed.slots)
    }

    /// The transactions of a slot, in order.
    pub fn block(&self, slot: u64) -> &[Landed] {
        let slots = |one: &Landed| self.slot_of(one);
        let from = self.landed.partition_point(|one| slots(one) < slot);
        let to = self.landed.partition_point(|one| slots(one) <= slot);
        &self.landed[from..to]
    }

    /// Whose transactions an address stands for, if the feeder keeps them.
    pub fn of(&self, address: AccountAddress) -> Option<Of> {
        let program = self.story.program();
        let config = zmart::chain::program::ProgramAddresses::new(program).config().0;
        if address.0 == program.0 || address == config {
            return Some(Of::Program);
        }
        self.story.market_index(zmart::domain::ids::MarketAddress(address.0)).map(Of::Market)
    }

    /// A page, newest first, between two signatures (both exclusive). Nothing lies before one that is unknown.
    pub fn page(&self, of: Of, before: Option<&TxSignature>, until: Option<&TxSignature>, limit: usize) -> Vec<Landed> {
        let end = match before.map(|signature| self.place_of(signature)) {
            None => self.landed.len(),
            Some(Some(place)) => place,
            Some(None) => return Vec::new(),
        };
        let begin = until.and_then(|signature| self.place_of(signature)).map_or(0, |place| place + 1);
        let begin = begin.min(end);
        match of {
            Of::Program => self.landed[begin..end].iter().rev().take(limit).copied().collect(),
            Of::Market(market) => {
                let Some(places) = self.by_market.get(market as usize) else { return Vec::new() };
                let from = places.partition_point(|place| (*place as usize) < begin);
                let to = places.partition_point(|place| (*place as usize) < end);
                places[from..to].iter().rev().take(limit).map(|place| self.landed[*place as usize]).collect()
            }
        }
    }
}
