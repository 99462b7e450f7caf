//! The fees in force, by slot.
//!
//! A trade is priced by the rates at its place in the chain's order. Whoever sees config events in that order notes them
//! here; a trade that is read later finds the rates of its slot. Two rates in one slot can't be told apart by the slot
//! alone: the newest that was noted wins, and a market that it does not fit heals by the others ([`FeeTimeline::during`]).

use super::{
    amount::Bps,
    entry::{Entry, EntryBody, FeeSchedule},
    event::ProgramEvent,
    ids::Slot,
    rollback::reverted_by,
};

/// Changes that are kept; beyond it the oldest are forgotten (and their trades priced by the oldest that is left).
const CHANGES_MAX: usize = 4_096;

/// The rates that `initialize_global_config` sets and its event does not name (docs/program.md, section 2).
const RESOLVER_AT_START: Bps = Bps(200);
const LP_AT_START: Bps = Bps(500);
const PROTOCOL_AT_START: Bps = Bps(300);

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeeTimeline(Vec<(Slot, FeeSchedule)>);

impl FeeTimeline {
    /// Notes an event of the config; others change nothing. Answers with true if the rates changed.
    pub fn note(&mut self, slot: Slot, event: &ProgramEvent) -> bool {
        match event {
            ProgramEvent::GlobalConfigInitialized(e) => self
                .set(slot, FeeSchedule { protocol: e.protocol_fee_bps, resolver: RESOLVER_AT_START, lp: LP_AT_START }),
            ProgramEvent::ConfigUpdated(e) => self.set(
                slot,
                FeeSchedule {
                    protocol: e.protocol_fee_bps,
                    resolver: e.resolver_reward_bps,
                    lp: e.liquidity_provider_fee_bps,
                },
            ),
            _ => false,
        }
    }

    /// Notes an entry of the config's journal.
    pub fn note_entry(&mut self, body: &EntryBody) {
        match body {
            EntryBody::Config { position, config, .. } => {
                self.set(position.slot, config.fees);
            }
            EntryBody::ConfigResync { slot, config, .. } => {
                self.set(*slot, config.fees);
            }
            _ => {}
        }
    }

    /// Notes the config's journal, in order; what it took back itself is left out.
    pub fn note_journal(&mut self, entries: &[Entry]) {
        let fallen = reverted_by(entries);
        for entry in entries.iter().filter(|entry| !fallen.contains(&entry.seq)) {
            self.note_entry(&entry.body);
        }
    }

    /// The config's entries after a slot are these, and no others: what else was noted since never came to be.
    pub fn roll_back(&mut self, after: Slot, standing: &[EntryBody]) {
        self.0.retain(|(since, _)| *since <= after);
        standing.iter().for_each(|body| self.note_entry(body));
    }

    /// Notes rates that are known to be in force at a slot.
    pub fn note_state(&mut self, slot: Slot, fees: FeeSchedule) {
        self.set(slot, fees);
    }

    fn set(&mut self, slot: Slot, fees: FeeSchedule) -> bool {
        if self.at(slot) == fees && !self.0.is_empty() {
            return false;
        }
        let place = self.0.partition_point(|(since, _)| *since <= slot);
        self.0.insert(place, (slot, fees));
        if self.0.len() > CHANGES_MAX {
            self.0.remove(0);
        }
        true
    }

    /// The rates at a slot; before the first change the first ones, and the program's own while none is known.
    pub fn at(&self, slot: Slot) -> FeeSchedule {
        let place = self.0.partition_point(|(since, _)| *since <= slot);
        let known = self.0.get(place.saturating_sub(1)).map(|(_, fees)| *fees);
        known.unwrap_or(FeeSchedule { protocol: PROTOCOL_AT_START, resolver: RESOLVER_AT_START, lp: LP_AT_START })
    }

    /// All rates that were in force at some moment of a slot, the oldest first: those it began with, and its changes.
    pub fn during(&self, slot: Slot) -> impl Iterator<Item = FeeSchedule> {
        let began = self.0.partition_point(|(since, _)| *since < slot).saturating_sub(1);
        self.0.iter().skip(began).take_while(move |(since, _)| *since <= slot).map(|(_, fees)| *fees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        amount::UnixSeconds,
        config::ProgramConfig,
        event::ConfigUpdated,
        ids::{ChainPosition, EventId, Seq, TxSignature, Wallet},
    };

    fn update(protocol: u16) -> ProgramEvent {
        ConfigUpdated {
            protocol_fee_bps: Bps(protocol),
            resolver_reward_bps: Bps(1),
            liquidity_provider_fee_bps: Bps(2),
            proposal_approval_threshold: Bps(0),
            dispute_success_threshold: Bps(0),
            min_resolution_delay: 1,
            dispute_period: 1,
            timestamp: UnixSeconds(0),
        }
        .into()
    }

    #[test]
    fn so_many_changes_are_kept_and_the_oldest_are_forgotten() {
        let mut timeline = FeeTimeline::default();
        for slot in 0..=CHANGES_MAX as u64 {
            assert!(timeline.note(Slot(slot), &update((slot % 1_000) as u16)));
        }
        assert_eq!(timeline.0.len(), CHANGES_MAX);
        assert_eq!(timeline.at(Slot(0)), timeline.at(Slot(1)), "priced by the oldest that is left");
        assert_eq!(timeline.at(Slot(2)).protocol, Bps(2));
    }

    #[test]
    fn a_trade_pays_the_rates_of_its_slot() {
        let mut timeline = FeeTimeline::default();
        assert_eq!(timeline.at(Slot(5)).protocol, Bps(300), "the program's own while none is known");
        assert!(timeline.note(Slot(10), &update(10)));
        assert!(timeline.note(Slot(30), &update(30)));
        assert!(timeline.note(Slot(20), &update(20)), "changes may be noted late");
        assert!(!timeline.note(Slot(31), &update(30)), "the same rates are no change");
        for (slot, protocol) in [(0, 10), (9, 10), (10, 10), (19, 10), (20, 20), (29, 20), (30, 30), (99, 30)] {
            assert_eq!(timeline.at(Slot(slot)).protocol, Bps(protocol), "slot {slot}");
        }
        timeline.note(Slot(30), &update(31));
        assert_eq!(timeline.at(Slot(30)).protocol, Bps(31), "in one slot the newest that was noted wins");
    }

    #[test]
    fn of_a_slot_with_changes_all_rates_are_known_and_those_that_it_began_with() {
        let mut timeline = FeeTimeline::default();
        assert_eq!(timeline.during(Slot(5)).count(), 0, "none is known");
        for (slot, protocol) in [(10, 10), (20, 20), (20, 21), (20, 10), (30, 30)] {
            timeline.note(Slot(slot), &update(protocol));
        }
        let table: [(u64, &[u16]); 6] =
            [(9, &[]), (10, &[10]), (11, &[10]), (20, &[10, 20, 21, 10]), (21, &[10]), (30, &[10, 30])];
        for (slot, rates) in table {
            let during: Vec<_> = timeline.during(Slot(slot)).map(|fees| fees.protocol.0).collect();
            assert_eq!(during, rates, "slot {slot}");
        }
    }

    #[test]
    fn a_fee_change_that_vanished_never_was_and_may_come_again() {
        let entry = |seq: u64, body: EntryBody| Entry { seq: Seq(seq), recorded_at_ms: 0, body };
        let position = |slot| ChainPosition { slot: Slot(slot), transaction_index: None, n: 0 };
        let id = EventId { signature: TxSignature([7; 64]), n: 0 };
        let config = |protocol: u16| {
            let fees = FeeSchedule { protocol: Bps(protocol), resolver: Bps(1), lp: Bps(2) };
            Box::new(ProgramConfig { fees, ..sample() })
        };
        let changed = |slot, protocol| EntryBody::Config {
            id,
            position: position(slot),
            event: update(protocol),
            config: config(protocol),
        };
        let rollback = EntryBody::ConfigRollback { reverted: vec![Seq(2)], config: config(10), slot: Slot(50) };
        let journal =
            [entry(1, changed(10, 10)), entry(2, changed(20, 20)), entry(3, rollback), entry(4, changed(24, 20))];

        let mut live = FeeTimeline::default();
        journal[..2].iter().for_each(|entry| live.note_entry(&entry.body));
        assert_eq!(live.at(Slot(22)).protocol, Bps(20));
        live.roll_back(Slot(10), &[]);
        assert_eq!(live.at(Slot(22)).protocol, Bps(10), "trades that come later pay the rates of before");
        live.note_entry(&journal[3].body);
        assert_eq!((live.at(Slot(22)).protocol, live.at(Slot(24)).protocol), (Bps(10), Bps(20)));
        let mut read_again = FeeTimeline::default();
        read_again.note_journal(&journal);
        assert_eq!(read_again, live, "a new life notes the same");

        // What stands since the finalized slot is kept.
        let mut kept = FeeTimeline::default();
        kept.note_journal(&[entry(1, changed(10, 10)), entry(2, changed(20, 20)), entry(3, changed(30, 30))]);
        kept.roll_back(Slot(10), &[changed(30, 30)]);
        assert_eq!([20, 29, 30].map(|slot| kept.at(Slot(slot)).protocol.0), [10, 10, 30]);
    }

    fn sample() -> ProgramConfig {
        ProgramConfig {
            admin: Wallet([1; 32]),
            backend_authority: Wallet([2; 32]),
            protocol_fee_wallet: Wallet([3; 32]),
            fees: FeeSchedule { protocol: Bps(0), resolver: Bps(0), lp: Bps(0) },
            proposal_approval_threshold: Bps(0),
            dispute_success_threshold: Bps(0),
            min_resolution_delay_seconds: 0,
            dispute_period_seconds: 0,
            is_paused: false,
            updated_at: UnixSeconds(0),
            vanished: false,
        }
    }
}
