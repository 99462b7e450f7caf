//! Sorting: what is to be done with a transaction. Pure but for the fee timeline, which it keeps up to date, and for addresses
//! of markets that it remembers: deriving one costs a good part of what else a trade costs the listener.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use super::window::Lane;
use crate::{
    actors::stream::Delivery,
    chain::{
        anchor::{
            decode::{Decoded, FailureEvidence, Touched, decode},
            drafts::drafts,
        },
        model::RawTransaction,
        program::ProgramAddresses,
    },
    domain::{
        event::{ChainEvent, EventSubject},
        fee_timeline::FeeTimeline,
        ids::{MarketAddress, MarketSeed, ProgramId},
    },
};

/// Addresses that are remembered; past it all are forgotten, and derived anew as they come.
const ADDRESSES_MAX: usize = 16_384;

/// What is to be done with a transaction.
#[derive(Debug)]
pub enum Sorted {
    /// Its events, by stream, in order.
    Streams(BTreeMap<Lane, Vec<Delivery>>),
    /// It has no effect on us.
    Nothing,
    /// It failed as far as a notification can tell, which is not far: coverage will say.
    LeaveToCoverage,
    /// Its instructions must be read first; the streams that wait for it, as far as they are known.
    Read(Vec<Lane>),
    /// It can't be used: to be kept, and its streams compared with the chain.
    Unusable {
        /// For the dead letter.
        reason: &'static str,
        /// Its events can be made from its instructions: there is nothing to keep for people unless that fails.
        has_drafts: bool,
        /// For people.
        detail: String,
        /// What it may have changed.
        touched: Touched,
    },
}

/// How a transaction is sorted.
pub struct Sorter {
    program: ProgramId,
    addresses: ProgramAddresses,
    markets: RefCell<HashMap<MarketSeed, MarketAddress>>,
}

impl Sorter {
    /// For one program.
    pub fn new(program: ProgramId) -> Self {
        Self { program, addresses: ProgramAddresses::new(program), markets: RefCell::default() }
    }

    fn market(&self, seed: MarketSeed) -> MarketAddress {
        let mut markets = self.markets.borrow_mut();
        if markets.len() >= ADDRESSES_MAX && !markets.contains_key(&seed) {
            markets.clear();
        }
        *markets.entry(seed).or_insert_with(|| self.addresses.market(seed).0)
    }

    fn lane(&self, event: &ChainEvent) -> Lane {
        match event.event.subject() {
            EventSubject::Config => Lane::Config,
            EventSubject::Market(seed) => Lane::Market(self.market(seed)),
            EventSubject::MarketAccount(market) => Lane::Market(market),
        }
    }

    /// `fees` are those in force right before this transaction, and are moved by it.
    pub fn sort(&self, transaction: &RawTransaction, fees: &mut FeeTimeline) -> Sorted {
        let was_read = transaction.invocations.is_some();
        match decode(self.program, transaction) {
            Decoded::Events(events) if events.is_empty() => Sorted::Nothing,
            Decoded::Events(events) if events.iter().any(ChainEvent::lacks_facts) && !was_read => {
                let mut lanes: Vec<Lane> = events.iter().map(|event| self.lane(event)).collect();
                lanes.sort_unstable();
                lanes.dedup();
                Sorted::Read(lanes)
            }
            Decoded::Events(events) => {
                let mut streams: BTreeMap<Lane, Vec<Delivery>> = BTreeMap::new();
                for event in events {
                    fees.note(event.position.slot, &event.event);
                    let schedule = fees.at(event.position.slot);
                    streams.entry(self.lane(&event)).or_default().push(Delivery { event, schedule });
                }
                Sorted::Streams(streams)
            }
            Decoded::Failed(_) if !was_read => Sorted::LeaveToCoverage,
            // The node says that it succeeded, and its log has no end: it was cut short without a word.
            Decoded::Failed(FailureEvidence::StackNotClosed) => Sorted::Unusable {
                reason: "log without an end",
                has_drafts: drafts(self.program, transaction).is_some(),
                detail: "the node reports no error, but the log of a frame does not end".into(),
                touched: crate::chain::anchor::decode::touched(self.program, transaction).unwrap_or_default(),
            },
            Decoded::Failed(_) => Sorted::Nothing,
            Decoded::Truncated { .. } | Decoded::Garbage { .. } if !was_read => Sorted::Read(Vec::new()),
            Decoded::Truncated { touched } => Sorted::Unusable {
                reason: "log truncated",
                has_drafts: drafts(self.program, transaction).is_some(),
                detail: "the log is not complete: its streams are compared with their accounts".into(),
                touched: touched.unwrap_or_default(),
            },
            Decoded::Garbage { reason, touched } => Sorted::Unusable {
                reason: "undecodable",
                has_drafts: false,
                detail: reason.to_string(),
                touched: touched.unwrap_or_default(),
            },
        }
    }
}

#[cfg(test)]
#[path = "sorting_tests.rs"]
mod tests;
