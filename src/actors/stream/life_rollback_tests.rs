//! What holds over roll-backs, whatever vanishes and lands again, with deaths at any point: what is left of the journal
//! is the chain, event by event, and its fold is the state; no number is used twice; what was taken back can come again.

use proptest::prelude::*;

use super::{
    tests::{Chain, Database, EPOCH, frames, id, live, write_all},
    *,
};
use crate::domain::{
    market::{
        Market,
        sample::{ADDRESS, TEN_PERCENT},
    },
    phase::Phase,
    replay::{Positions, Replay},
};

#[derive(Debug, Clone)]
enum Step {
    Trade(u8, u64),
    /// The fork from here on is given up; of its transactions these land again, later.
    Fork {
        back: usize,
        again: u8,
        proved_at_first: u8,
    },
    /// What is older than so many events is final.
    Finalize(usize),
    Die,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0u8..4, 0u64..1_000_000_000).prop_map(|(kind, size)| Step::Trade(kind, size)),
        3 => (1usize..8, any::<u8>(), any::<u8>())
            .prop_map(|(back, again, proved_at_first)| Step::Fork { back, again, proved_at_first }),
        2 => (0usize..10).prop_map(Step::Finalize),
        1 => Just(Step::Die),
    ];
    proptest::collection::vec(step, 1..40)
}

/// A chain, the journal's idea of it, and how far both are final.
struct World {
    chain: Chain,
    life: Life<Market>,
    database: Database,
    slot: u64,
    number: u64,
    final_events: usize,
    frames: Vec<(u64, String)>,
}

impl World {
    fn begin() -> Self {
        let chain = Chain::active();
        let (life, database) = live(&chain);
        let frames = match life.missed(EPOCH, Seq(0)) {
            Missed::Frames(packs) => frames(&packs),
            other => panic!("{other:?}"),
        };
        Self { chain, life, database, slot: 200, number: 1_000, final_events: 4, frames }
    }

    fn write(&mut self) {
        let packs = write_all(&mut self.life, &mut self.database);
        self.frames.extend(frames(&packs));
    }

    /// A trade lands in a slot of its own; `again` is the transaction, if it is not a new one.
    fn lands(&mut self, kind: u8, size: u64, again: Option<EventId>) {
        let before = self.chain.events.len();
        let chain = std::mem::replace(&mut self.chain, Chain { market: None, events: Vec::new() });
        self.chain = chain.trades(&[(kind, size)]);
        self.slot += 1;
        self.number += 1;
        let (slot, number) = (self.slot, self.number);
        if let Some(event) = self.chain.events.get_mut(before) {
            event.id = again.unwrap_or_else(|| id(number));
            event.position.slot = Slot(slot);
        }
    }

    /// As coverage does: whatever the chain has and the journal does not.
    fn deliver(&mut self) {
        for event in &self.chain.events {
            let fallen = reverted_by(&self.database.entries);
            let is_new = match self.life.knows(event) {
                Known::Yes => false,
                Known::No => true,
                Known::AskJournal => !self.database.entries.iter().any(|entry| {
                    !fallen.contains(&entry.seq) && entry.body.chain_event().is_some_and(|(id, ..)| id == event.id)
                }),
            };
            if is_new {
                self.life.plan(event, TEN_PERCENT, 1_000).unwrap();
            }
        }
        self.write();
    }

    /// Takes back what is condemned, as the actor does.
    fn roll_back(&mut self, condemned: &[(EventId, Slot)]) {
        let mut standing = self.life.standing();
        for entry in &self.database.entries[self.life.finalized_seq().0 as usize..] {
            let is_condemned =
                entry.body.chain_event().is_some_and(|(id, position, _)| condemned.contains(&(id, position.slot)));
            standing.next(entry, is_condemned);
        }
        let (state, reverted) = standing.finish();
        if reverted.is_empty() {
            return;
        }
        let head = self.life.applied().state.clone().unwrap();
        self.life.take(head.plan_rollback(state, reverted, Slot(self.slot)), 1_000).unwrap();
        self.write();
    }

    fn fork(&mut self, back: usize, again: u8, proved_at_first: u8) {
        let keep = self.chain.events.len().saturating_sub(back).max(self.final_events);
        let given_up = self.chain.events.split_off(keep);
        self.chain.market = self.chain.events.iter().fold(None, |market, event| {
            let body = Market::plan(market.as_ref(), ADDRESS, event, TEN_PERCENT).unwrap();
            Some(Market::advance(market, &body).unwrap())
        });
        for (at, event) in given_up.iter().enumerate().filter(|(at, _)| again >> (at % 8) & 1 == 1) {
            // On another fork it leads to something else.
            self.lands(1 + (at % 3) as u8, 77 + event.position.slot.0, Some(event.id));
        }
        let places: Vec<_> = given_up.iter().map(|event| (event.id, event.position.slot)).collect();
        // Not all are proved at once, but the oldest is among them.
        let first: Vec<_> = places
            .iter()
            .enumerate()
            .filter(|(at, _)| *at == 0 || proved_at_first >> (at % 8) & 1 == 1)
            .map(|(_, place)| *place)
            .collect();
        self.roll_back(&first);
        self.roll_back(&places);
        for event in given_up.iter().filter(|given_up| !self.chain.events.iter().any(|event| event.id == given_up.id)) {
            assert_ne!(self.life.knows(event), Known::Yes, "what was taken back may come again");
        }
    }

    fn check(&self) {
        let fallen = reverted_by(&self.database.entries);
        let standing: Vec<&Entry> = self
            .database
            .entries
            .iter()
            .filter(|entry| !entry.body.is_rollback() && !fallen.contains(&entry.seq))
            .collect();
        let ids: Vec<_> = standing.iter().filter_map(|entry| entry.body.chain_event()).map(|(id, ..)| id).collect();
        let on_chain: Vec<_> = self.chain.events.iter().map(|event| event.id).collect();
        assert_eq!(ids, on_chain, "what stands is the chain, in its order, each once");
        let from_scratch =
            standing.iter().fold(None, |state, entry| Some(Market::advance(state, &entry.body).unwrap()));
        assert_eq!(self.chain.market, from_scratch);
        assert_eq!(self.life.released().state.as_deref(), from_scratch.as_ref());
        // One by one, roll-backs included, the journal leads there, too.
        let in_a_row =
            self.database.entries.iter().fold(None, |state, entry| Some(Market::advance(state, &entry.body).unwrap()));
        assert_eq!(in_a_row, from_scratch);
        // What a new life replays is what was live.
        if let Missed::Frames(packs) = self.database.life().missed(EPOCH, Seq(0)) {
            assert_eq!(frames(&packs), self.frames);
        }
    }
}

proptest! {
    #[test]
    fn whatever_vanishes_and_lands_again_the_standing_entries_are_the_chain(steps in steps()) {
        let mut world = World::begin();
        for step in steps {
            match step {
                Step::Trade(kind, size) => world.lands(kind, size, None),
                Step::Fork { back, again, proved_at_first } => world.fork(back, again, proved_at_first),
                Step::Finalize(back) => {
                    world.deliver();
                    let upto = world.chain.events.len().saturating_sub(back).max(world.final_events);
                    world.final_events = upto;
                    let slot = world.chain.events[upto - 1].position.slot;
                    world.life.finalize(slot);
                    world.write();
                }
                Step::Die => world.life = world.database.life(),
            }
            world.deliver();
        }
        world.check();
        world.life = world.database.life();
        world.life.finalize(Slot(u64::MAX));
        prop_assert_eq!(world.life.finalized_seq(), world.life.released().seq);
        prop_assert_eq!(world.life.finalized.as_ref(), world.chain.market.as_ref(), "the finalized point moves over it");
    }
}

#[test]
fn a_market_whose_creation_vanished_says_so_and_can_be_created_again() {
    let chain = Chain::active().trades(&[(1, 5)]);
    let (mut life, mut database) = live(&chain);
    let mut standing = life.standing();
    database.entries.iter().enumerate().for_each(|(at, entry)| {
        standing.next(entry, at == 0);
    });
    let (state, reverted) = standing.finish();
    assert_eq!((state.is_none(), reverted.len()), (true, 5), "nothing stands without its beginning");
    let head = life.applied().state.clone().unwrap();
    life.take(head.plan_rollback(state, reverted, Slot(500)), 1).unwrap();
    write_all(&mut life, &mut database);
    let gone = life.released().state.clone().unwrap();
    assert!(gone.vanished && gone.trades_count == 0 && gone.price_yes.is_none());
    assert_eq!(gone.address, ADDRESS);
    assert_eq!(life.plan(&chain.events[1], TEN_PERCENT, 2), Err(Misfit::Unknown), "it does not exist");
    for mut life in [database.life(), life] {
        let mut database = copy_of(&database);
        for event in &chain.events {
            assert_ne!(life.knows(event), Known::Yes);
            life.plan(event, TEN_PERCENT, 2).unwrap();
        }
        write_all(&mut life, &mut database);
        assert_eq!(life.released().state.as_deref(), chain.market.as_ref());
        assert_eq!(life.released().seq, Seq(11), "five, the roll-back, and five again");
        life.finalize(Slot(u64::MAX));
        assert_eq!((life.finalized_seq(), life.finalized.as_ref()), (Seq(11), chain.market.as_ref()));
    }
}

fn copy_of(database: &Database) -> Database {
    Database {
        head: database.head,
        state: database.state.clone(),
        finalized: database.finalized.clone(),
        entries: database.entries.clone(),
        slot_highs: database.slot_highs.clone(),
    }
}

#[test]
fn an_orphan_that_leaves_the_ring_does_not_take_its_successor_with_it() {
    let chain = Chain::active().trades(&[(1, 5)]);
    let (mut life, mut database) = live(&chain);
    let trade = chain.events[4].clone();
    let mut standing = life.standing();
    database.entries.iter().for_each(|entry| {
        standing.next(entry, entry.seq == Seq(5));
    });
    let (state, reverted) = standing.finish();
    assert_eq!(reverted, [Seq(5)]);
    let head = life.applied().state.clone().unwrap();
    life.take(head.plan_rollback(state, reverted, Slot(500)), 1).unwrap();
    write_all(&mut life, &mut database);
    life.plan(&trade, TEN_PERCENT, 2).unwrap();
    write_all(&mut life, &mut database);
    // So many entries that the orphan has left the ring and its successor has not.
    let mut world = Chain { market: life.applied().state.as_deref().cloned(), events: Vec::new() };
    let votes: Vec<(u8, u64)> = vec![(0, 0); RING_ENTRIES as usize - 1];
    world = world.trades(&votes);
    for (at, event) in world.events.iter_mut().enumerate() {
        (event.id, event.position.slot) = (id(5_000 + at as u64), Slot(600));
        life.plan(event, TEN_PERCENT, 3).unwrap();
    }
    write_all(&mut life, &mut database);
    for life in [database.life(), life] {
        assert_eq!(life.knows(&trade), Known::Yes);
    }
}

/// What the database's entries make.
fn folded(database: &Database, finalized_at: Seq) -> Replay<Market> {
    let fallen = reverted_by(&database.entries);
    let mut replay = Replay::new(Market::advance, fallen, Some(finalized_at), Positions::None, 100);
    for entry in &database.entries {
        replay.next(EPOCH, entry, Market::is_described_by).unwrap();
    }
    replay
}

#[test]
fn what_becomes_final_while_a_state_is_made_anew_is_made_up_for_then_and_state_and_number_are_of_one_point() {
    let chain = Chain::active().trades(&[(1, 5), (1, 9), (2, 7)]);
    let (mut life, mut database) = live(&chain);
    // The fifth and the sixth entry are of one slot.
    life.finalize(chain.events[4].position.slot);
    let held = life.hold_finality();
    let replay = folded(&database, held);
    life.finalize(Slot(u64::MAX));
    assert_eq!((life.finalized_seq(), held), (Seq(6), Seq(6)), "it stands still");
    assert!(!life.made_anew(&replay), "memory was right");
    write_all(&mut life, &mut database);
    assert_eq!(life.finalized_seq(), Seq(chain.events.len() as u64));
    assert_eq!(database.head.unwrap().finalized_seq, life.finalized_seq());
    assert_eq!(database.finalized, chain.market, "the state is of that very number");
}

#[test]
fn a_finalized_state_that_does_not_lead_on_is_kept_asks_to_be_made_anew_once_and_goes_on_then() {
    let chain = Chain::active().trades(&[(1, 5), (1, 9), (2, 7)]);
    let (mut life, mut database) = live(&chain);
    life.finalize(chain.events[4].position.slot);
    write_all(&mut life, &mut database);
    let right = database.finalized.clone();
    let mut bent = right.clone().unwrap();
    bent.phase = Phase::Finalized;
    database.finalized = Some(bent.clone());
    {
        let mut life = database.life();
        life.finalize(Slot(u64::MAX));
        assert!(life.wants_to_be_made_anew() && life.finalized_seq() == Seq(6));
        let replay = folded(&database, life.hold_finality());
        life.rewrite();
        assert!(!life.wants_to_be_made_anew(), "once a life");
        write_all(&mut life, &mut database);
        assert_eq!(database.finalized, Some(bent.clone()), "it is not lost where it can't be made anew");
        life.hold_finality();
        life.finalize(Slot(u64::MAX));
        life.made_anew(&replay);
        assert_eq!(replay.finalized(), right.as_ref());
        let mut written = Database { entries: database.entries.clone(), ..Database::default() };
        written.head = database.head;
        written.slot_highs = database.slot_highs.clone();
        write_all(&mut life, &mut written);
        assert_eq!((written.finalized, life.finalized_seq()), (chain.market.clone(), Seq(7)));
    }
}
