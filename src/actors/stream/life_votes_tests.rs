//! What holds of votes, whatever is cast where, taken back, landed again, and with deaths at any point: the tally is what a
//! naive count says, every entry tells the tally after it, and what was said here stands.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    tests::{Database, EPOCH, frames, id, write_all},
    *,
};
use crate::actors::stream::WrittenRow;
use crate::domain::{
    amount::UnixSeconds,
    event::ProposalVoteSubmitted,
    ids::Wallet,
    market::{
        Market,
        sample::{ADDRESS, SEED, TEN_PERCENT, creation},
    },
    tally::{Counts, Tally, VoteKind, VoteSource},
    user_write::{CastVote, UserWrite, WriteRefused},
};

const KIND: VoteKind = VoteKind::Proposal;

#[derive(Debug, Clone)]
enum Step {
    OnChain(u8, bool),
    Here(u8, bool),
    Comment,
    /// Of the votes on the chain that are not final, these vanish; of those, these land again.
    Fork(u8, u8),
    /// What is older than so many slots is final.
    Finalize(u64),
    Die,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0u8..6, any::<bool>()).prop_map(|(wallet, vote)| Step::OnChain(wallet, vote)),
        5 => (0u8..6, any::<bool>()).prop_map(|(wallet, vote)| Step::Here(wallet, vote)),
        1 => Just(Step::Comment),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(gone, again)| Step::Fork(gone, again)),
        2 => (0u64..6).prop_map(Step::Finalize),
        2 => Just(Step::Die),
    ];
    proptest::collection::vec(step, 1..50)
}

/// As `journal::votes` reads them.
fn ballots(database: &Database, without: &[Seq], limit: u32) -> Tally {
    let fallen = reverted_by(&database.entries);
    let mut tally = Tally::new(limit);
    for entry in &database.entries {
        let stands = !fallen.contains(&entry.seq) && !without.contains(&entry.seq);
        let vote = match &entry.body {
            EntryBody::Vote { wallet, vote, .. } => Some((*wallet, VoteSource::OffChain, *vote)),
            body => body
                .chain_event()
                .filter(|_| stands)
                .and_then(|(.., event)| VoteKind::of(event).map(|(_, wallet, vote)| (wallet, VoteSource::Chain, vote))),
        };
        if let Some((wallet, source, vote)) = vote {
            let _ = tally.cast(wallet, source, vote);
        }
    }
    tally
}

struct World {
    life: Life<Market>,
    database: Database,
    slot: u64,
    number: u64,
    /// Votes on the chain as it is.
    chain: Vec<(ChainEvent, Wallet, bool)>,
    here: BTreeMap<Wallet, bool>,
    final_slot: u64,
    told: Vec<(u64, String)>,
}

impl World {
    fn begin() -> Self {
        let life = Life::unheard_of(ADDRESS.account(), EPOCH);
        let mut world = Self {
            life,
            database: Database::default(),
            slot: 10,
            number: 0,
            chain: Vec::new(),
            here: BTreeMap::new(),
            final_slot: 0,
            told: Vec::new(),
        };
        world.life.plan(&creation(1_000_000_000_000), TEN_PERCENT, 1).unwrap();
        world.write();
        world
    }

    fn write(&mut self) {
        let packs = write_all(&mut self.life, &mut self.database);
        self.told.extend(frames(&packs));
    }

    fn read_ballots(&mut self) {
        self.life.take_ballots([(KIND, ballots(&self.database, &[], 100))]);
    }

    fn land(&mut self, event: ChainEvent, wallet: Wallet, vote: bool) {
        if self.life.ballots_wanted(&event.event).is_some() {
            self.read_ballots();
        }
        self.life.plan(&event, TEN_PERCENT, 1).unwrap();
        self.chain.push((event, wallet, vote));
        self.write();
    }

    fn on_chain(&mut self, wallet: Wallet, vote: bool) {
        // The program takes one vote of a wallet.
        if self.chain.iter().any(|(_, voter, _)| *voter == wallet) {
            return;
        }
        (self.slot, self.number) = (self.slot + 1, self.number + 1);
        let cast = ProposalVoteSubmitted { market_id: SEED, user: wallet, vote, timestamp: UnixSeconds(2_000) };
        let event = ChainEvent {
            id: id(self.number),
            position: ChainPosition { slot: Slot(self.slot), transaction_index: None, n: 0 },
            event: cast.into(),
            facts: None,
        };
        self.land(event, wallet, vote);
    }

    fn written(&mut self, write: UserWrite) {
        let row = row(7, write);
        if let Err(NotTaken::ReadBallots(_)) = self.life.take_written(&row, 1) {
            self.read_ballots();
            self.life.take_written(&row, 1).unwrap();
        }
        let append = self.life.append().unwrap();
        assert_eq!(append.users.outbox, [7], "its row goes with it");
        assert_eq!(append.entries[0].body.request_id(), row.request_id, "and the request that wrote it is named");
        assert_eq!(
            append.entries[0].body.slot(),
            Slot(self.database.slot_highs.last().unwrap().0),
            "the stream's slot"
        );
        self.database.write(append);
        self.told.extend(frames(&self.life.release()));
    }

    fn fork(&mut self, gone: u8, again: u8) {
        let is_gone =
            |at: usize, event: &ChainEvent| event.position.slot.0 > self.final_slot && gone >> (at % 8) & 1 == 1;
        let (fallen, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.chain).into_iter().enumerate().partition(|(at, (event, ..))| is_gone(*at, event));
        self.chain = kept.into_iter().map(|(_, vote)| vote).collect();
        if fallen.is_empty() {
            return;
        }
        let mut standing = self.life.standing();
        let earlier = reverted_by(&self.database.entries);
        for entry in &self.database.entries[self.life.finalized_seq().0 as usize..] {
            let event = entry.body.chain_event().map(|(id, ..)| id);
            let is_fallen = event.is_some_and(|id| fallen.iter().any(|(_, (event, ..))| event.id == id));
            standing.next(entry, is_fallen && !earlier.contains(&entry.seq));
        }
        let (state, reverted) = standing.finish();
        assert_eq!(reverted.len(), fallen.len(), "what users wrote stands");
        let head = self.life.applied().state.clone().unwrap();
        self.slot += 1;
        let mut body = head.plan_rollback(state, reverted.clone(), Slot(self.slot));
        body.set_tallies(self.life.take_ballots([(KIND, ballots(&self.database, &reverted, 100))]));
        self.life.take(body, 1).unwrap();
        self.write();
        for (at, (mut event, wallet, vote)) in fallen {
            if again >> (at % 8) & 1 == 1 {
                self.slot += 1;
                event.position.slot = Slot(self.slot);
                self.land(event, wallet, vote);
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::OnChain(wallet, vote) => self.on_chain(Wallet([wallet + 1; 32]), vote),
            Step::Here(wallet, vote) => {
                let wallet = Wallet([wallet + 1; 32]);
                if self.here.contains_key(&wallet) {
                    return;
                }
                self.here.insert(wallet, vote);
                let cast = CastVote { kind: KIND, wallet, vote, signature: None, voted_at_ms: 5 };
                self.written(UserWrite::Vote(cast));
            }
            Step::Comment => self.written(UserWrite::Comment {
                id: uuid::Uuid::nil(),
                wallet: Wallet([9; 32]),
                content: "Said.".to_owned(),
                created_at_ms: 5,
            }),
            Step::Fork(gone, again) => self.fork(gone, again),
            Step::Finalize(behind) => {
                self.final_slot = self.final_slot.max(self.slot.saturating_sub(behind));
                self.life.finalize(Slot(self.final_slot));
                self.write();
                // What users wrote is final when all before it is.
                let next = self.database.entries.get(self.life.finalized_seq().0 as usize);
                assert!(next.is_none_or(|entry| entry.body.slot().0 > self.final_slot), "{next:?}");
            }
            Step::Die => self.life = self.database.life(),
        }
    }

    fn check(&self) {
        let mut naive = self.here.clone();
        naive.extend(self.chain.iter().map(|(_, wallet, vote)| (*wallet, *vote)));
        let likes = naive.values().filter(|vote| **vote).count() as u32;
        let counts = Counts::new(likes, naive.len() as u32 - likes).unwrap();
        assert_eq!(self.life.released().beside.counts.of(KIND), counts);
        assert_eq!(self.life.applied().beside, self.life.released().beside);
        assert_eq!(self.database.life().released().beside.counts.of(KIND), counts, "a next life knows it");
    }
}

proptest! {
    #[test]
    fn the_tally_is_what_a_naive_count_says_and_what_was_said_here_stands(steps in steps()) {
        let mut world = World::begin();
        for step in steps {
            world.take(step);
            world.check();
        }
        // What was told live is what is replayed.
        let Missed::Frames(packs) = world.database.life().missed(EPOCH, Seq(0)) else { panic!("all of it is in memory") };
        prop_assert_eq!(frames(&packs), world.told);
    }
}

fn row(id: i64, write: UserWrite) -> WrittenRow {
    WrittenRow { id, write, request_id: Some(uuid::Uuid::from_u128(id as u128)) }
}

#[test]
fn votes_beyond_the_bound_are_refused_here_and_only_recorded_from_the_chain() {
    let mut world = World::begin();
    world.life.take_ballots([(KIND, Tally::new(1))]);
    let cast = |n| CastVote { kind: KIND, wallet: Wallet([n; 32]), vote: true, signature: None, voted_at_ms: 5 };
    world.life.take_written(&row(1, UserWrite::Vote(cast(1))), 1).unwrap();
    let refused = world.life.take_written(&row(2, UserWrite::Vote(cast(2))), 1);
    assert!(matches!(refused, Err(NotTaken::Refused(WriteRefused::Full(_)))), "{refused:?}");
    world.on_chain(Wallet([3; 32]), true);
    let last = world.database.entries.last().unwrap();
    assert!(last.body.chain_event().is_some());
    assert_eq!(last.body.tallies().collect::<Vec<_>>(), [(KIND, Counts::new(1, 0).unwrap())]);
    assert_eq!(world.database.entries.len(), 3);
}

#[test]
fn votes_and_comments_outlive_a_market_whose_creation_vanished_and_its_document_does_not() {
    let mut world = World::begin();
    let cast = CastVote { kind: KIND, wallet: Wallet([1; 32]), vote: true, signature: None, voted_at_ms: 5 };
    world.written(UserWrite::Vote(cast));
    let head = world.life.applied().state.clone().unwrap();
    let mut standing = world.life.standing();
    let stands: Vec<bool> =
        world.database.entries.iter().map(|entry| standing.next(entry, entry.seq == Seq(1))).collect();
    assert_eq!(stands, [false, true]);
    let (state, reverted) = standing.finish();
    world.life.take(head.plan_rollback(state, reverted, Slot(50)), 1).unwrap();
    world.write();
    assert!(world.life.released().state.as_ref().unwrap().vanished);
    assert_eq!(world.life.released().beside.counts.of(KIND), Counts::new(1, 0).unwrap());
    // All of it becomes final, and the market is created again.
    world.life.finalize(Slot(60));
    assert_eq!(world.life.finalized_seq(), Seq(3));
    world.write();
    let mut again = creation(1_000_000_000_000);
    again.position.slot = Slot(61);
    world.life.plan(&again, TEN_PERCENT, 1).unwrap();
    world.write();
    world.life.finalize(Slot(61));
    assert_eq!(world.life.finalized_seq(), Seq(4));
    assert_eq!(world.database.life().released().beside.counts.of(KIND), Counts::new(1, 0).unwrap());
}
