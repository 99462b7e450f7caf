//! The state of a stream, without an actor around it: what is applied, what is released, what is finalized.
//!
//! *Applied* is what the next event is checked against; *released* is what the world sees, always a prefix of it;
//! *finalized* trails behind. Entries move a stream in three steps: [`Life::plan`] applies an event and makes its entry,
//! [`Life::append`] takes what was planned into one append (one in flight), [`Life::release`] shows it once it is durable.
//! Pure but for nothing: time is an argument, nobody is called. A stream that is refused or overtaken is thrown away and
//! read again: no repair in place.

mod beside;
mod follow;
mod rebuilt;

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

pub use self::beside::{Beside, NotTaken};
use super::subject::{Stored, Subject};
use crate::{
    domain::{
        entry::{Entry, EntryBody, FeeSchedule},
        event::{ChainEvent, ProgramEvent},
        ids::{AccountAddress, ChainPosition, Epoch, EventId, Seq, Slot, TxSignature},
        metadata::MarketMetadata,
        misfit::Misfit,
        rollback::{Standing, reverted_by, step},
    },
    journal::{
        open::{RING_ENTRIES, TAIL_ENTRIES_MAX},
        rows::RowHead,
        write::{StreamAppend, UsersPart},
    },
    view::frame::FramePack,
};

/// A state and the entry that led to it.
#[derive(Debug, Clone)]
pub struct Point<S> {
    /// The entry; 0 = none yet.
    pub seq: Seq,
    /// Its slot.
    pub slot: Slot,
    /// When it was recorded.
    pub recorded_at_ms: i64,
    /// The state; `None` before the first entry.
    pub state: Option<Arc<S>>,
    /// What it has beside that state.
    pub beside: Beside,
}

struct Kept {
    seq: Seq,
    slot: Slot,
    id: Option<EventId>,
    /// `None` where nobody hears.
    pack: Option<Arc<FramePack>>,
}

/// What the stream says to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is in the journal, or on its way there.
    Yes,
    /// It is not.
    No,
    /// It may be older than memory: ask the journal.
    AskJournal,
}

/// What a stream answers about frames after a number.
#[derive(Debug, Clone)]
pub enum Missed {
    /// All of them.
    Frames(Vec<Arc<FramePack>>),
    /// Older than memory.
    ReadJournal,
    /// There is no such number.
    NotServable,
}

/// See the module.
pub struct Life<S: Subject> {
    address: AccountAddress,
    epoch: Epoch,
    applied: Point<S>,
    released: Point<S>,
    finalized_seq: Seq,
    finalized_slot: Slot,
    finalized: Option<S>,
    finalized_stored: Seq,
    /// Released entries right after the finalized point, at most [`TAIL_ENTRIES_MAX`].
    tail: VecDeque<(Seq, Slot, EntryBody)>,
    /// Entries after the finalized point that were taken back: it moves over them and leaves them out.
    rolled_back: BTreeSet<Seq>,
    /// There are more than the tail holds: they are read from the journal when it has been used up.
    tail_is_cut: bool,
    /// The stored finalized state does not lead to the entries after it: it stays where it is.
    finalized_is_stuck: bool,
    /// While something is made of it the finalized point stands still: how far it goes afterwards.
    held_finality: Option<Slot>,
    /// It was tried in this life to make the state anew from the entries.
    was_made_anew: bool,
    slot_high: Slot,
    /// The highest slot of any entry that has left the ring: an event above it is known if and only if it is in `ids`.
    slot_high_before_ring: Slot,
    ring: VecDeque<Kept>,
    ids: HashSet<EventId>,
    planned: Vec<Entry>,
    in_flight: Option<Vec<Entry>>,
    ballots: beside::Ballots,
    /// The outbox's rows that are among what is planned.
    outbox: Vec<i64>,
    /// The document that is stored, as far as appends have been made.
    document_stored: Option<Arc<MarketMetadata>>,
    /// The next append writes the row anew, whatever else is to be written.
    rewrites: bool,
    /// Nobody hears what is released: no frames are made.
    is_silent: bool,
}

impl<S: Subject> Life<S> {
    /// A stream that the journal has never heard of.
    pub fn unheard_of(address: AccountAddress, epoch: Epoch) -> Self {
        let nothing = Point { seq: Seq(0), slot: Slot(0), recorded_at_ms: 0, state: None, beside: Beside::default() };
        Self {
            address,
            epoch,
            applied: nothing.clone(),
            released: nothing,
            finalized_seq: Seq(0),
            finalized_slot: Slot(0),
            finalized: None,
            finalized_stored: Seq(0),
            tail: VecDeque::new(),
            rolled_back: BTreeSet::new(),
            tail_is_cut: false,
            finalized_is_stuck: false,
            held_finality: None,
            was_made_anew: false,
            slot_high: Slot(0),
            slot_high_before_ring: Slot(0),
            ring: VecDeque::new(),
            ids: HashSet::new(),
            planned: Vec::new(),
            in_flight: None,
            ballots: beside::Ballots::default(),
            outbox: Vec::new(),
            document_stored: None,
            rewrites: false,
            is_silent: false,
        }
    }

    /// The same stream where nobody hears it: a frame of each of the newest entries is some two kilobytes, and nobody's.
    pub fn silent(self) -> Self {
        Self { is_silent: true, ..self }
    }

    /// A stream as it was stored.
    pub fn restore(address: AccountAddress, epoch: Epoch, stored: Stored<S>) -> Self {
        Self::unheard_of(address, epoch).restored(stored)
    }

    /// A stream that nothing was told yet, as it was stored.
    pub fn restored(self, stored: Stored<S>) -> Self {
        let mut life = self;
        let newest = stored.ring.last();
        let head = Point {
            seq: stored.head.last_seq,
            slot: newest.map_or(stored.head.slot_high, |entry| entry.body.slot()),
            recorded_at_ms: newest.map_or(0, |entry| entry.recorded_at_ms),
            state: Some(Arc::new(stored.state)),
            beside: stored.beside,
        };
        life.document_stored = head.beside.document.clone();
        life.applied = head.clone();
        life.released = head;
        life.finalized_seq = stored.head.finalized_seq;
        life.finalized_stored = stored.head.finalized_seq;
        life.finalized_slot = stored.finalized_slot;
        life.finalized = stored.finalized;
        life.slot_high = stored.head.slot_high;
        life.slot_high_before_ring = stored.slot_high_before_ring;
        let fallen = reverted_by(&stored.ring);
        for entry in &stored.ring {
            life.keep(entry, !fallen.contains(&entry.seq));
        }
        life.rolled_back = stored.rolled_back;
        life.tail_is_cut = stored.head.finalized_seq < stored.head.last_seq;
        life.extend_tail(stored.tail);
        life
    }

    /// What the world sees.
    pub fn released(&self) -> &Point<S> {
        &self.released
    }

    /// What the next event is checked against.
    pub fn applied(&self) -> &Point<S> {
        &self.applied
    }

    /// The journal's life.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Everything up to here is finalized.
    pub fn finalized_seq(&self) -> Seq {
        self.finalized_seq
    }

    /// The slot up to which everything is finalized and known.
    pub fn finalized_slot(&self) -> Slot {
        self.finalized_slot
    }

    /// Is this event in the journal?
    pub fn knows(&self, event: &ChainEvent) -> Known {
        if self.ids.contains(&event.id) {
            Known::Yes
        } else if event.position.slot > self.slot_high_before_ring {
            Known::No
        } else {
            Known::AskJournal
        }
    }

    /// Applies an event that is not known yet.
    ///
    /// # Errors
    /// [`Misfit`]: nothing was changed; a gap.
    pub fn plan(&mut self, event: &ChainEvent, schedule: FeeSchedule, now_ms: i64) -> Result<(), Misfit> {
        let body = S::plan(self.applied.state.as_deref(), self.address, event, schedule)?;
        self.take(body, now_ms)
    }

    /// Records an event that the state contains already.
    ///
    /// # Errors
    /// [`Misfit`]: there is no state yet.
    pub fn record_contained(&mut self, event: &ChainEvent, schedule: FeeSchedule, now_ms: i64) -> Result<(), Misfit> {
        let Some(state) = self.applied.state.as_deref() else { return Err(Misfit::Unknown) };
        let body = S::contained(state, event, schedule);
        self.take(body, now_ms)
    }

    /// Applies an entry.
    ///
    /// # Errors
    /// [`Misfit`]: nothing was changed.
    pub fn take(&mut self, mut body: EntryBody, now_ms: i64) -> Result<(), Misfit> {
        let state = if body.fits_always() && self.applied.state.is_some() {
            self.applied.state.clone()
        } else {
            Some(Arc::new(S::advance(self.applied.state.as_deref().cloned(), &body)?))
        };
        self.count(&mut body);
        // Recorded times never run backwards within a stream, whatever the host's clock does.
        let recorded_at_ms = now_ms.max(self.applied.recorded_at_ms);
        let entry = Entry { seq: self.applied.seq.next(), recorded_at_ms, body };
        if let Some((id, ..)) = entry.body.chain_event() {
            self.ids.insert(id);
        }
        self.forget(entry.body.reverted());
        let mut beside = std::mem::take(&mut self.applied.beside);
        beside.follow(&entry.body);
        self.applied = Point { seq: entry.seq, slot: entry.body.slot(), recorded_at_ms, state, beside };
        self.planned.push(entry);
        Ok(())
    }

    /// A stream as it stands at its finalized point: what follows can be applied again, without what was taken back.
    pub fn standing(&self) -> Standing<S> {
        Standing::from_finalized(self.finalized.clone(), self.rolled_back.clone(), S::advance)
    }

    /// Entries after the finalized point that the chain holds otherwise: in another slot, or with another effect.
    pub fn displaced(&self, on_chain: &[ChainEvent]) -> Vec<TxSignature> {
        let on_chain: HashMap<EventId, &ChainEvent> = on_chain.iter().map(|event| (event.id, event)).collect();
        let standing = self.tail.iter().filter(|(seq, ..)| !self.rolled_back.contains(seq));
        let recorded = standing.filter_map(|(_, _, body)| body.chain_event());
        let differs = |(id, position, event): &(EventId, ChainPosition, &ProgramEvent)| {
            on_chain.get(id).is_some_and(|there| there.position.slot != position.slot || there.event != **event)
        };
        recorded.filter(differs).map(|(id, ..)| id.signature).collect()
    }

    /// What was taken back is known no more: it may come again, as something new.
    fn forget(&mut self, reverted: &[Seq]) {
        for kept in self.ring.iter_mut().filter(|kept| reverted.binary_search(&kept.seq).is_ok()) {
            if let Some(id) = kept.id.take() {
                self.ids.remove(&id);
            }
        }
        self.rolled_back.extend(reverted);
    }

    /// Is this event on its way to the journal, but not in an append yet?
    pub fn is_planned(&self, id: EventId) -> bool {
        self.planned.iter().any(|entry| entry.body.chain_event().is_some_and(|(planned, ..)| planned == id))
    }

    /// The entries of the append in flight.
    pub fn entries_in_flight(&self) -> &[Entry] {
        self.in_flight.as_deref().unwrap_or_default()
    }

    /// Was the stream in a state like this since its finalized point, as far as memory tells?
    pub fn went_through(&self, is_it: impl Fn(Option<&S>) -> bool) -> bool {
        if is_it(self.applied.state.as_deref()) {
            return true;
        }
        let mut state = self.finalized.clone();
        // Before the first entry there is nothing to compare with: a stream that is gone is no older state of it.
        if state.is_some() && is_it(state.as_ref()) {
            return true;
        }
        let stands = |(seq, _, body): &&(Seq, Slot, EntryBody)| !self.rolled_back.contains(seq) && !body.is_rollback();
        for (_, _, body) in self.tail.iter().filter(stands) {
            let Ok(next) = step(S::advance, state.take(), body) else { return false };
            if next.is_some() && is_it(next.as_ref()) {
                return true;
            }
            state = next;
        }
        false
    }

    /// Entries that wait for an append.
    pub fn has_planned(&self) -> bool {
        !self.planned.is_empty()
    }

    /// An append is in flight.
    pub fn in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The next append, if there is something to write and none is in flight.
    pub fn append(&mut self) -> Option<StreamAppend> {
        let finalized_moved = self.finalized_seq > self.finalized_stored;
        if self.in_flight.is_some() || (self.planned.is_empty() && !finalized_moved && !self.rewrites) {
            return None;
        }
        let state = self.applied.state.clone()?;
        let entries = std::mem::take(&mut self.planned);
        let slot_high_before = self.slot_high;
        self.slot_high = entries.iter().map(|entry| entry.body.slot()).fold(self.slot_high, Slot::max);
        let head = RowHead {
            epoch: self.epoch,
            last_seq: self.applied.seq,
            slot_high: self.slot_high,
            finalized_seq: self.finalized_seq,
        };
        self.finalized_stored = self.finalized_seq;
        let document = self.applied.beside.document.clone();
        let rewrites = std::mem::take(&mut self.rewrites);
        let document = (rewrites && S::HAS_DOCUMENT || document != self.document_stored).then(|| {
            self.document_stored = document.clone();
            document
        });
        self.in_flight = Some(entries.clone());
        Some(StreamAppend {
            stream: self.address,
            epoch: self.epoch,
            first_seq: self.released.seq.next(),
            entries,
            slot_high_before,
            row: S::row(head, self.address, &state, self.finalized.as_ref()),
            users: UsersPart { outbox: std::mem::take(&mut self.outbox), document },
        })
    }

    /// The append in flight is durable: its frames, in order, may leave.
    pub fn release(&mut self) -> Vec<Arc<FramePack>> {
        let entries = self.in_flight.take().unwrap_or_default();
        let Some(last) = entries.last() else { return Vec::new() };
        let state = if self.planned.is_empty() {
            self.applied.state.clone()
        } else {
            // Only entries of this append may be seen; what was planned since is not durable.
            entries
                .iter()
                .try_fold(self.released.state.as_deref().cloned(), |state, entry| step(S::advance, state, &entry.body))
                .ok()
                .flatten()
                .map(Arc::new)
        };
        let mut beside = std::mem::take(&mut self.released.beside);
        entries.iter().for_each(|entry| beside.follow(&entry.body));
        self.released =
            Point { seq: last.seq, slot: last.body.slot(), recorded_at_ms: last.recorded_at_ms, state, beside };
        if self.planned.is_empty() {
            self.forget_ballots();
        }
        let mut packs = Vec::with_capacity(entries.len());
        for entry in entries {
            packs.extend(self.keep(&entry, true));
            self.tail_is_cut |= self.tail.len() >= TAIL_ENTRIES_MAX as usize;
            if !self.tail_is_cut {
                self.tail.push_back((entry.seq, entry.body.slot(), entry.body));
            }
        }
        packs
    }

    /// Everything at or below this slot is finalized: the finalized point moves over released entries.
    pub fn finalize(&mut self, slot: Slot) {
        if let Some(held) = &mut self.held_finality {
            *held = slot.max(*held);
            return;
        }
        while !self.finalized_is_stuck && self.tail.front().is_some_and(|(_, entry_slot, _)| *entry_slot <= slot) {
            let Some((seq, slot, body)) = self.tail.pop_front() else { break };
            // Without what was taken back, the state is what the roll-back says anyway.
            if self.rolled_back.remove(&seq) || body.is_rollback() {
                self.finalized_seq = seq;
                self.finalized_slot = self.finalized_slot.max(slot);
                continue;
            }
            match step(S::advance, self.finalized.clone(), &body) {
                Ok(state) => {
                    self.finalized = state;
                    self.finalized_seq = seq;
                    self.finalized_slot = self.finalized_slot.max(body.slot());
                }
                Err(misfit) => {
                    log::error!(
                        "{} {}: entry {seq} does not follow from the finalized state: {misfit}",
                        S::KIND,
                        self.address
                    );
                    self.finalized_is_stuck = true;
                    self.tail.push_front((seq, slot, body));
                }
            }
        }
    }

    /// The tail was cut and has been used up: the entry after which the journal has more.
    pub fn tail_wanted(&self) -> Option<Seq> {
        let wanted = self.tail_is_cut && self.tail.is_empty() && !self.finalized_is_stuck;
        wanted.then_some(self.finalized_seq)
    }

    /// Entries of the journal that follow the finalized point and the tail; what does not follow is left out.
    pub fn extend_tail(&mut self, entries: Vec<Entry>) {
        let mut end = self.tail.back().map_or(self.finalized_seq, |(seq, ..)| *seq);
        for entry in entries {
            if entry.seq == end.next() && end < self.released.seq {
                end = entry.seq;
                self.tail.push_back((entry.seq, entry.body.slot(), entry.body));
            }
        }
        self.tail_is_cut &= end < self.released.seq;
    }

    /// The frames after a number, as the world may see them.
    pub fn missed(&self, epoch: Epoch, after: Seq) -> Missed {
        if epoch != self.epoch || after > self.released.seq {
            return Missed::NotServable;
        }
        let missing = (self.released.seq.0 - after.0) as usize;
        let packs = |skip| self.ring.iter().skip(skip).map(|kept| kept.pack.clone()).collect::<Option<_>>();
        self.ring.len().checked_sub(missing).and_then(packs).map_or(Missed::ReadJournal, Missed::Frames)
    }

    /// Answers with its frames, if somebody hears them.
    fn keep(&mut self, entry: &Entry, stands: bool) -> Option<Arc<FramePack>> {
        let pack = (!self.is_silent).then(|| Arc::new(FramePack::of(S::channel(self.address), self.epoch, entry)));
        let id = entry.body.chain_event().map(|(id, ..)| id).filter(|_| stands);
        self.ids.extend(id);
        self.ring.push_back(Kept { seq: entry.seq, slot: entry.body.slot(), id, pack: pack.clone() });
        if self.ring.len() > RING_ENTRIES as usize
            && let Some(old) = self.ring.pop_front()
        {
            self.slot_high_before_ring = self.slot_high_before_ring.max(old.slot);
            if let Some(id) = old.id {
                self.ids.remove(&id);
            }
        }
        pack
    }
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "life_rollback_tests.rs"]
mod rollback_tests;

#[cfg(test)]
#[path = "life_votes_tests.rs"]
mod votes_tests;
