//! What a stream's life promises, whatever comes in whatever batches, with deaths at any point: the journal has each event
//! once, in order, without holes; what is released is durable; what is restored is what was.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    amount::{Lamports, ShareUnits, UnixSeconds},
    event::{
        InstructionFacts, IpfsHash, MarketActivated, MarketCreated, Outcome, ProgramEvent, ProposalAggregated,
        ProposalApproved, ProposalVoteSubmitted, SharesBought, SharesSold,
    },
    ids::{ChainPosition, TxSignature, Wallet},
    market::{
        Market,
        sample::{ADDRESS, CREATOR, SEED, TEN_PERCENT},
    },
};

pub(super) const EPOCH: Epoch = Epoch(3);
const USER: Wallet = Wallet([4; 32]);

pub(super) fn id(number: u64) -> EventId {
    let mut signature = [9; 64];
    signature[..8].copy_from_slice(&number.to_be_bytes());
    EventId { signature: TxSignature(signature), n: 0 }
}

/// The chain as it would have been: every event fits the one before. Two events a slot.
pub(super) struct Chain {
    pub market: Option<Market>,
    pub events: Vec<ChainEvent>,
}

impl Chain {
    /// A market that can be traded.
    pub fn active() -> Self {
        let mut chain = Self { market: None, events: Vec::new() };
        let liquidity = Lamports(50_000_000_000);
        let facts = InstructionFacts::Creation { initial_liquidity: liquidity, question_hash: IpfsHash([b'Q'; 46]) };
        chain.happens(
            MarketCreated {
                market_id: SEED,
                creator: CREATOR,
                b_parameter: 1_000_000_000_000,
                state: 0,
                timestamp: UnixSeconds(1_000),
            },
            Some(facts),
        );
        let timestamp = UnixSeconds(2_000);
        chain.happens(
            ProposalAggregated {
                market_id: SEED,
                likes: 7,
                dislikes: 3,
                approval_percentage: 70,
                approved: true,
                timestamp,
            },
            None,
        );
        chain.happens(ProposalApproved { market_id: SEED, approved_by: USER, timestamp }, None);
        let activated = MarketActivated { market_id: SEED, creator: CREATOR, initial_liquidity: liquidity, timestamp };
        chain.happens(activated, None);
        chain
    }

    fn happens(&mut self, event: impl Into<ProgramEvent>, facts: Option<InstructionFacts>) {
        let number = self.events.len() as u64;
        let position = ChainPosition { slot: Slot(100 + number / 2), transaction_index: None, n: 0 };
        let event = ChainEvent { id: id(number), position, event: event.into(), facts };
        let body = Market::plan(self.market.as_ref(), ADDRESS, &event, TEN_PERCENT).unwrap();
        self.market = Some(Market::advance(self.market.take(), &body).unwrap());
        self.events.push(event);
    }

    pub fn trades(mut self, trades: &[(u8, u64)]) -> Self {
        for (kind, size) in trades {
            let market = self.market.clone().unwrap();
            let (market_id, user, timestamp) = (SEED, USER, UnixSeconds(3_000));
            let outcome = Outcome::from(kind % 2 == 0);
            match kind {
                // A vote leaves the market as it is: a second one would fit as well.
                0 => {
                    self.happens(
                        SharesBought {
                            market_id,
                            user,
                            outcome: true,
                            shares: ShareUnits(0),
                            cost: Lamports(0),
                            new_price_yes: market.price_yes.unwrap(),
                            timestamp,
                        },
                        None,
                    );
                }
                1 | 2 => {
                    let target = Lamports(1_000_000_000 + size);
                    let Ok(quote) = market.quote_buy(outcome, target, TEN_PERCENT, false) else { continue };
                    let (shares, cost, new_price_yes) = (quote.shares, quote.total_cost, quote.price_yes_after);
                    let outcome = outcome.into();
                    let bought = SharesBought { market_id, user, outcome, shares, cost, new_price_yes, timestamp };
                    self.happens(bought, None);
                }
                _ => {
                    let shares = ShareUnits(market.quantities().of(outcome).0 / 4);
                    let quote = market.quote_sell(shares, outcome, shares, Lamports(0), TEN_PERCENT, false);
                    let Ok(quote) = quote else { continue };
                    let (proceeds, new_price_yes, outcome) = (quote.net, quote.price_yes_after, outcome.into());
                    let sold = SharesSold { market_id, user, outcome, shares, proceeds, new_price_yes, timestamp };
                    self.happens(sold, None);
                }
            }
        }
        self
    }
}

/// What the database does with appends, and what it answers to a new life.
#[derive(Default)]
pub(super) struct Database {
    pub head: Option<RowHead>,
    pub state: Option<Market>,
    pub finalized: Option<Market>,
    pub entries: Vec<Entry>,
    pub slot_highs: Vec<Slot>,
}

impl Database {
    pub fn write(&mut self, append: StreamAppend) {
        let last = self.head.map_or(0, |head| head.last_seq.0);
        assert_eq!(append.first_seq.0, last + 1, "an append begins right after the row");
        assert_eq!(append.slot_high_before, self.slot_highs.last().copied().unwrap_or_default());
        for entry in append.entries {
            assert_eq!(entry.seq.0, self.entries.len() as u64 + 1, "no hole, nothing twice");
            let high = self.slot_highs.last().copied().unwrap_or_default().max(entry.body.slot());
            self.slot_highs.push(high);
            self.entries.push(entry);
        }
        let crate::journal::write::HeadRow::Market(row) = append.row else { panic!("a market's row") };
        self.head = Some(row.head());
        self.state = Some(row.market().unwrap());
        self.finalized = row.finalized_state;
    }

    /// As `journal::open` reads it.
    pub fn life(&self) -> Life<Market> {
        let Some(head) = self.head else { return Life::unheard_of(ADDRESS.account(), EPOCH) };
        let ring_begins = self.entries.len().saturating_sub(RING_ENTRIES as usize);
        let high = |count: usize| count.checked_sub(1).map_or(Slot(0), |at| self.slot_highs[at]);
        let stored = Stored {
            head,
            state: self.state.clone().unwrap(),
            finalized: self.finalized.clone(),
            ring: self.entries[ring_begins..].to_vec(),
            tail: self.entries[head.finalized_seq.0 as usize..].to_vec(),
            slot_high_before_ring: high(ring_begins),
            finalized_slot: high(head.finalized_seq.0 as usize),
            rolled_back: reverted_by(&self.entries[head.finalized_seq.0 as usize..]),
            beside: self.entries.iter().fold(Beside::default(), |mut beside, entry| {
                beside.follow(&entry.body);
                beside
            }),
        };
        Life::restore(ADDRESS.account(), EPOCH, stored)
    }
}

/// Applies what is not known; `ids` of the journal answer where memory can't tell.
fn apply(life: &mut Life<Market>, database: &Database, event: &ChainEvent, now_ms: i64) {
    let known = match life.knows(event) {
        Known::Yes => true,
        Known::No => false,
        Known::AskJournal => {
            database.entries.iter().any(|entry| entry.body.chain_event().is_some_and(|(id, ..)| id == event.id))
        }
    };
    if !known {
        life.plan(event, TEN_PERCENT, now_ms).unwrap();
    }
}

pub(super) fn write_all(life: &mut Life<Market>, database: &mut Database) -> Vec<Arc<FramePack>> {
    let mut packs = Vec::new();
    while let Some(append) = life.append() {
        database.write(append);
        packs.extend(life.release());
    }
    packs
}

pub(super) fn frames(packs: &[Arc<FramePack>]) -> Vec<(u64, String)> {
    packs.iter().flat_map(|pack| pack.texts().map(|frame| (pack.seq.0, frame.to_owned()))).collect()
}

pub(super) fn live(chain: &Chain) -> (Life<Market>, Database) {
    let (mut life, mut database) = (Life::unheard_of(ADDRESS.account(), EPOCH), Database::default());
    for event in &chain.events {
        apply(&mut life, &database, event, 1_000);
    }
    write_all(&mut life, &mut database);
    (life, database)
}

#[test]
fn what_was_planned_while_an_append_was_in_flight_is_not_released_with_it() {
    let chain = Chain::active().trades(&[(1, 5), (2, 9)]);
    let (first, later) = chain.events.split_at(5);
    let (mut life, mut database) = (Life::unheard_of(ADDRESS.account(), EPOCH), Database::default());
    first.iter().for_each(|event| life.plan(event, TEN_PERCENT, 1_000).unwrap());
    assert_eq!(life.released().seq, Seq(0), "nothing is seen before it is durable");
    let append = life.append().unwrap();
    later.iter().for_each(|event| life.plan(event, TEN_PERCENT, 2_000).unwrap());
    assert!(life.append().is_none(), "one append in flight");
    assert_eq!((life.released().seq, life.applied().seq), (Seq(0), Seq(6)));
    assert!(life.is_planned(later[0].id) && !life.is_planned(first[0].id));
    assert_eq!(life.entries_in_flight().len(), 5);
    database.write(append);
    assert_eq!(life.release().len(), 5);
    assert_eq!((life.released().seq, life.released().recorded_at_ms), (Seq(5), 1_000));
    let after_five =
        database.entries.iter().fold(None, |state, entry| Some(Market::advance(state, &entry.body).unwrap()));
    assert_eq!(life.released().state.as_deref(), after_five.as_ref());
    assert_eq!(life.finalized_seq(), Seq(0));
    life.finalize(Slot(u64::MAX));
    assert_eq!(life.finalized_seq(), Seq(5), "only what is released can be finalized");
    write_all(&mut life, &mut database);
    assert_eq!(life.released().state.as_deref(), chain.market.as_ref());
}

#[test]
fn an_event_is_known_from_the_moment_it_is_planned_and_old_ones_are_asked_for() {
    let chain = Chain::active().trades(&vec![(1, 7); RING_ENTRIES as usize + 20]);
    let (life, database) = live(&chain);
    let restored = database.life();
    let count = chain.events.len();
    for (at, event) in chain.events.iter().enumerate() {
        let expected = if at + RING_ENTRIES as usize >= count { Known::Yes } else { Known::AskJournal };
        assert_eq!(life.knows(event), expected, "event {at} of {count}");
        assert_eq!(restored.knows(event), expected, "event {at} of {count}, restored");
    }
    let mut newer = chain.events[count - 1].clone();
    newer.id = id(999_999);
    assert_eq!(life.knows(&newer), Known::No);
    newer.position.slot = Slot(100);
    assert_eq!(life.knows(&newer), Known::AskJournal, "memory does not tell what was in so old a slot");
}

#[test]
fn missed_frames_come_from_memory_as_far_as_it_reaches() {
    let chain = Chain::active().trades(&vec![(2, 7); RING_ENTRIES as usize]);
    let (life, database) = live(&chain);
    let head = life.released().seq.0;
    for life in [life, database.life()] {
        let served = |after: u64| match life.missed(EPOCH, Seq(after)) {
            Missed::Frames(packs) => Some(packs.iter().map(|pack| pack.seq.0).collect::<Vec<_>>()),
            Missed::ReadJournal => None,
            Missed::NotServable => Some(vec![0]),
        };
        assert_eq!(served(head), Some(vec![]));
        assert_eq!(served(head - 2), Some(vec![head - 1, head]));
        let oldest = head - u64::from(RING_ENTRIES);
        assert_eq!(served(oldest).map(|seqs| seqs.len()), Some(RING_ENTRIES as usize));
        assert_eq!(served(oldest - 1), None);
        assert_eq!(served(head + 1), Some(vec![0]), "there is no such entry");
        assert!(matches!(life.missed(Epoch(2), Seq(1)), Missed::NotServable), "another life of the journal");
    }
}

#[test]
fn a_long_tail_is_finalized_in_pieces() {
    let chain = Chain::active().trades(&[(1, 3), (2, 4), (1, 5), (2, 6)]);
    let (_, database) = live(&chain);
    let mut stored = database.life();
    assert_eq!(stored.tail_wanted(), None);
    // As if memory had taken only the first three.
    stored.tail.truncate(3);
    stored.tail_is_cut = true;
    stored.finalize(Slot(u64::MAX));
    assert_eq!((stored.finalized_seq(), stored.tail_wanted()), (Seq(3), Some(Seq(3))));
    stored.extend_tail(database.entries[3..5].to_vec());
    stored.finalize(Slot(u64::MAX));
    assert_eq!((stored.finalized_seq(), stored.tail_wanted()), (Seq(5), Some(Seq(5))));
    stored.extend_tail(database.entries[6..].to_vec());
    assert_eq!(stored.tail_wanted(), Some(Seq(5)), "entries that do not follow are no help");
    stored.extend_tail(database.entries[5..].to_vec());
    stored.finalize(Slot(u64::MAX));
    assert_eq!((stored.finalized_seq(), stored.tail_wanted()), (Seq(8), None));
    assert_eq!(stored.finalized.as_ref(), chain.market.as_ref());
}

#[test]
fn a_state_that_the_stream_has_left_is_recognized_until_it_is_finalized() {
    let chain = Chain::active().trades(&[(1, 3), (2, 4)]);
    let (mut life, database) = live(&chain);
    let states: Vec<Market> = database
        .entries
        .iter()
        .scan(None, |state, entry| {
            *state = Some(Market::advance(state.take(), &entry.body).unwrap());
            state.clone()
        })
        .collect();
    let met = |life: &Life<Market>| -> Vec<bool> {
        states.iter().map(|state| life.went_through(|seen| seen == Some(state))).collect()
    };
    assert_eq!(met(&life), [true; 6]);
    assert!(!life.went_through(|seen| seen.is_none()), "nothing at all is no state of a market that exists");
    // Slots 100 and 101: four entries.
    life.finalize(Slot(101));
    assert_eq!(met(&life), [false, false, false, true, true, true]);
    assert!(Life::<Market>::unheard_of(ADDRESS.account(), EPOCH).went_through(|seen| seen.is_none()));
}

#[test]
fn a_misfit_changes_nothing() {
    let chain = Chain::active().trades(&[(1, 3), (1, 4)]);
    let mut life: Life<Market> = Life::unheard_of(ADDRESS.account(), EPOCH);
    chain.events[..4].iter().for_each(|event| life.plan(event, TEN_PERCENT, 5).unwrap());
    let before = life.applied().clone();
    assert!(life.plan(&chain.events[5], TEN_PERCENT, 6).is_err(), "the trade before it is missing");
    assert_eq!((life.applied().seq, life.applied().state.clone()), (before.seq, before.state));
    assert_eq!(life.knows(&chain.events[5]), Known::No);
    assert!(
        Life::<Market>::unheard_of(ADDRESS.account(), EPOCH)
            .record_contained(&chain.events[4], TEN_PERCENT, 7)
            .is_err()
    );
}

#[test]
fn recorded_times_never_run_backwards() {
    let chain = Chain::active();
    let (mut life, mut database) = (Life::unheard_of(ADDRESS.account(), EPOCH), Database::default());
    for (event, now_ms) in chain.events.iter().zip([50, 40, 60, 10]) {
        life.plan(event, TEN_PERCENT, now_ms).unwrap();
    }
    write_all(&mut life, &mut database);
    let times: Vec<i64> = database.entries.iter().map(|entry| entry.recorded_at_ms).collect();
    assert_eq!(times, [50, 50, 60, 60]);
}

/// One step of a stream's life.
#[derive(Debug, Clone)]
enum Step {
    /// So many events that are new, after so many that were delivered before.
    Deliver { new: usize, again: usize },
    /// What is planned goes out.
    Append,
    /// What is out has been written, and the answer comes.
    Answer,
    /// The actor dies; what was out was written, or not.
    Die { written: bool },
    /// Everything up to a slot is finalized.
    Finalize(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..6, 0usize..4).prop_map(|(new, again)| Step::Deliver { new, again }),
        3 => Just(Step::Append),
        3 => Just(Step::Answer),
        1 => any::<bool>().prop_map(|written| Step::Die { written }),
        1 => (100u64..130).prop_map(Step::Finalize),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_batches_with_any_deaths_make_the_journal_of_a_calm_life(
        trades in prop::collection::vec((0u8..5, 0u64..2_000_000_000), 1..40),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let chain = Chain::active().trades(&trades);
        let (calm, calm_database) = live(&chain);
        let (mut life, mut database) = (Life::unheard_of(ADDRESS.account(), EPOCH), Database::default());
        let mut out: VecDeque<StreamAppend> = VecDeque::new();
        let (mut delivered, mut heard) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Deliver { new, again } => {
                    let end = (delivered + new).min(chain.events.len());
                    for event in &chain.events[delivered.saturating_sub(again)..end] {
                        apply(&mut life, &database, event, 1_000);
                    }
                    delivered = end;
                }
                Step::Append => out.extend(life.append()),
                Step::Answer => {
                    if let Some(append) = out.pop_front() {
                        database.write(append);
                        heard.extend(life.release());
                    }
                }
                Step::Die { written } => {
                    // The writer settles what is out before it lets a new life begin; subscribers read what they missed.
                    if let Some(append) = out.pop_front().filter(|_| written) {
                        database.write(append);
                    }
                    life = database.life();
                    let Missed::Frames(packs) = life.missed(EPOCH, Seq(heard.len() as u64)) else {
                        panic!("memory holds everything here")
                    };
                    heard.extend(packs);
                    // The listener has no answer for what was not durable: it delivers again.
                    delivered = database.entries.len();
                }
                Step::Finalize(slot) => life.finalize(Slot(slot)),
            }
            let released = life.released();
            prop_assert_eq!(released.seq.0, heard.len() as u64);
            prop_assert!(life.finalized_seq() <= released.seq && released.seq <= life.applied().seq);
            prop_assert!(released.seq.0 <= database.entries.len() as u64, "what is released is durable");
        }
        if let Some(append) = out.pop_front() {
            database.write(append);
            heard.extend(life.release());
        }
        for event in &chain.events {
            apply(&mut life, &database, event, 1_000);
        }
        heard.extend(write_all(&mut life, &mut database));

        prop_assert_eq!(&database.entries, &calm_database.entries);
        prop_assert_eq!(life.released().state.as_deref(), chain.market.as_ref());
        let Missed::Frames(calm_frames) = calm.missed(EPOCH, Seq(0)) else { panic!("memory holds everything here") };
        prop_assert_eq!(frames(&heard), frames(&calm_frames));
        life.finalize(Slot(u64::MAX));
        prop_assert_eq!(life.finalized.as_ref(), chain.market.as_ref());
        prop_assert_eq!(life.finalized_seq(), life.released().seq);
        // The row alone, moved once more, gives the same life back.
        write_all(&mut life, &mut database);
        let restored = database.life();
        prop_assert_eq!(restored.finalized.as_ref(), chain.market.as_ref());
        prop_assert_eq!(restored.finalized_slot(), chain.events[chain.events.len() - 1].position.slot);
        prop_assert_eq!(restored.released().seq, life.released().seq);
        prop_assert_eq!(restored.released().slot, life.released().slot);
        prop_assert_eq!(restored.released().recorded_at_ms, life.released().recorded_at_ms);
        prop_assert_eq!(restored.released().state.clone(), life.released().state.clone());
        prop_assert!(database.life().append().is_none(), "nothing is left to be written");
    }
}

/// Used where an event that leaves the state as it is has to be told from another.
#[test]
fn an_event_that_moves_nothing_is_known_all_the_same() {
    let mut chain = Chain { market: None, events: Vec::new() };
    let created = Chain::active().events[0].clone();
    chain.happens(created.event, created.facts);
    let vote = ProposalVoteSubmitted { market_id: SEED, user: USER, vote: true, timestamp: UnixSeconds(1_500) };
    chain.happens(vote, None);
    let (mut life, mut database) = live(&chain);
    for event in &chain.events {
        apply(&mut life, &database, event, 9_000);
    }
    assert!(write_all(&mut life, &mut database).is_empty());
    assert_eq!(database.entries.len(), 2);
}

#[test]
fn a_stream_that_nobody_hears_makes_no_frames_and_is_otherwise_the_same() {
    let chain = Chain::active().trades(&vec![(1, 7); RING_ENTRIES as usize + 5]);
    let (heard, written) = live(&chain);
    let (mut silent, mut database) = (Life::unheard_of(ADDRESS.account(), EPOCH).silent(), Database::default());
    chain.events.iter().for_each(|event| silent.plan(event, TEN_PERCENT, 1_000).unwrap());
    database.write(silent.append().unwrap());
    assert!(silent.release().is_empty(), "there is nobody to send them to");
    assert!(written.entries.iter().map(|entry| &entry.body).eq(database.entries.iter().map(|entry| &entry.body)));
    assert_eq!(silent.released().state, heard.released().state);
    for event in &chain.events {
        assert_eq!(silent.knows(event), heard.knows(event), "duplicates are known as ever");
    }
    assert!(silent.ring.iter().all(|kept| kept.pack.is_none()) && silent.ring.len() == RING_ENTRIES as usize);
    let behind = Seq(silent.released().seq.0 - 3);
    assert!(matches!(silent.missed(EPOCH, behind), Missed::ReadJournal), "whoever asks reads the journal");
}
