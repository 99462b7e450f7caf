//! Healing: how a stream that met a gap finds its way back to the chain.
//!
//! The stream's transactions since its finalized point are read again, and with the events that wait here replayed in
//! the chain's order. Accounts are compared by content, never by slot alone: healed means that the journal and the first
//! k known events equal the account. A read may catch the chain between two answers, so it is repeated a few times; only
//! where no k is found, or the history is gone, is the account's state adopted by a `resync` entry, and the events that
//! it already contains are recorded without moving a quantity. Where the chain has recorded events in other slots, or with
//! another effect, they are rolled back first. What was logged of an event may have been cut: then it is made from its
//! instruction and the state at its place, and believed because the account is met with it. Where the rates of fees changed
//! within its slot, a trade is priced by those of them that it fits.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::PoisonError,
    time::Duration,
};

use actix::prelude::*;

use super::{
    Delivery, Item, Mode, Outcome, StreamActor, Ticket,
    life::Known,
    now_ms,
    rollback::Doubted,
    subject::{ReadAccount, Subject},
};
use crate::{
    actors::{
        chain_reader::{ChainReader, History, ReadHistory},
        retry,
        supervision::Link,
    },
    domain::{
        event::ChainEvent,
        ids::{EventId, Slot},
        misfit::Misfit,
        tally::{Tally, VoteKind},
    },
    journal::{
        open,
        staging::{self, DeadLetter},
        votes,
    },
};

/// Reads before the account is adopted, 15 s apart from the first to the last: a node can tell accounts of its head while
/// its lists are some seconds behind, and what a busy market's account contains is then not there to be read yet.
const ATTEMPTS: u32 = 6;

/// An event in the chain's order, and who waits for it.
struct Candidate {
    delivery: Delivery,
    tickets: Vec<Ticket>,
}

/// Events that the journal was asked about, and those of them that it has.
struct Asked {
    ids: HashSet<EventId>,
    known: HashSet<EventId>,
    /// What votes among them are counted with, where it had not been read.
    ballots: Vec<(VoteKind, Tally)>,
}

/// What the candidates and the account say together.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// All events fit, and the account was met on the way.
    Whole,
    /// Read again: the account and the events do not meet (yet). Why.
    Unclear(String),
}

impl<S: Subject> StreamActor<S> {
    /// Turns stale and reads the chain.
    pub(super) fn heal(&mut self, reason: String, ctx: &mut Context<Self>) {
        log::info!("{} {} has a gap: {reason}", S::KIND, self.address);
        self.env.health.metrics().note(|counts| counts.streams_healed.inc());
        self.mode = Mode::Healing;
        self.set_stale(Some(reason.clone()));
        self.read_again(reason, 1, None, ctx);
    }

    /// `by_blocks`: [`ReadHistory::by_blocks`].
    fn read_again(&mut self, reason: String, attempt: u32, by_blocks: Option<Slot>, ctx: &mut Context<Self>) {
        let since = self.life.finalized_slot();
        let (reader, pool, address) = (self.env.reader.clone(), self.env.pool.clone(), self.address);
        let waiting: Vec<_> = self.queue.iter().map(|item| item.delivery.event.id).collect();
        let epoch = self.env.epoch;
        let wanted = |event: &ChainEvent| self.life.ballots_wanted(&event.event);
        let mut kinds: BTreeSet<_> = self.queue.iter().filter_map(|item| wanted(&item.delivery.event)).collect();
        let unread = VoteKind::ALL.map(|kind| (kind, !self.life.has_ballots(kind)));
        let read = async move {
            let ask = ReadHistory { address, since, by_blocks };
            let history = read_history::<S>(&reader, ask).await;
            let mut ids: Vec<_> = history.events.iter().map(|event| event.id).collect();
            ids.extend(waiting);
            let known = retry("events can't be looked up", || open::known_events(&pool, &ids)).await;
            let voted = history.events.iter().filter_map(|event| VoteKind::of(&event.event)).map(|(kind, ..)| kind);
            kinds.extend(voted.filter(|kind| unread.contains(&(*kind, true))));
            let (none, mut ballots) = (BTreeSet::new(), Vec::new());
            for kind in kinds {
                let read = || votes::tally(&pool, address, kind, epoch, &none);
                ballots.push((kind, retry("ballots can't be read", read).await));
            }
            (history, Asked { ids: ids.into_iter().collect(), known: known.into_iter().collect(), ballots })
        };
        ctx.spawn(read.into_actor(self).map(move |(history, mut asked), actor, ctx| {
            actor.life.take_ballots(std::mem::take(&mut asked.ballots));
            let mut candidates = actor.candidates(&history, &asked);
            actor.complete(&mut candidates, &history);
            match actor.judge(&mut candidates, &history) {
                Finding::Whole => actor.replay(candidates, 0, ctx),
                // What is left out on purpose is not there at the next reading either.
                Finding::Unclear(why) if (attempt < ATTEMPTS && !history.is_cut) || !history.decides => {
                    log::info!("{} {} is read again: {why}", S::KIND, actor.address);
                    // What waits stays waiting; the chain's answers need a moment to agree. And by the word of a second
                    // node, which may know less, nothing is adopted or taken back: the first is waited for.
                    actor.queue.extend(candidates.into_iter().flat_map(Candidate::into_items));
                    let pause = Duration::from_millis(250 << attempt);
                    let next = (attempt + 1).min(ATTEMPTS);
                    let lacking = history.events.iter().filter(|event| !asked.known.contains(&event.id));
                    let from = lacking.map(|event| event.position.slot).min();
                    ctx.run_later(pause, move |actor, ctx| actor.read_again(reason, next, from, ctx));
                }
                Finding::Unclear(why) => {
                    // All readings found them elsewhere: not history is missing, but a fork was given up.
                    let whole = history.events.iter().filter(|event| !history.drafts.contains(&event.id));
                    let displaced = actor.life.displaced(&whole.cloned().collect::<Vec<_>>());
                    if displaced.is_empty() {
                        return actor.adopt(candidates, history, format!("{reason}; {why}"), ctx);
                    }
                    actor.queue.extend(candidates.into_iter().flat_map(Candidate::into_items));
                    let newest = history.events.iter().map(|event| event.position.slot).max();
                    let gap = format!("{reason}; {why}");
                    actor.roll_back(Doubted::by_gap(displaced, newest.unwrap_or_default(), gap), ctx);
                }
            }
        }));
    }

    /// The events that are not in the journal, in the chain's order: those of the history, then those that only wait here.
    fn candidates(&mut self, history: &History, asked: &Asked) -> Vec<Candidate> {
        let mut waiting: Vec<Item> = std::mem::take(&mut self.queue).into();
        let is_known = |life: &super::life::Life<S>, event: &ChainEvent| {
            asked.known.contains(&event.id) || life.knows(event) == Known::Yes
        };
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut places: HashMap<EventId, usize> = HashMap::new();
        for event in &history.events {
            if is_known(&self.life, event) || places.contains_key(&event.id) {
                continue;
            }
            places.insert(event.id, candidates.len());
            let schedule = self.env.fees.read().unwrap_or_else(PoisonError::into_inner).at(event.position.slot);
            candidates.push(Candidate { delivery: Delivery { event: event.clone(), schedule }, tickets: Vec::new() });
        }
        let read = candidates.len();
        for item in waiting.drain(..) {
            let event = &item.delivery.event;
            if is_known(&self.life, event) {
                self.settle(item.ticket, Outcome::Duplicate);
            } else if self.life.knows(event) == Known::AskJournal && !item.is_new && !asked.ids.contains(&event.id) {
                // It came while the chain was read, and may be old: it is looked up when the stream is healed.
                self.queue.push_back(item);
            } else if let Some(same) = places.get(&event.id).and_then(|place| candidates.get_mut(*place)) {
                // The listener knows the rates in force at its place, the slot alone may not tell.
                same.delivery.schedule = item.delivery.schedule;
                same.tickets.push(item.ticket);
            } else {
                places.insert(event.id, candidates.len());
                candidates.push(Candidate { delivery: item.delivery, tickets: vec![item.ticket] });
            }
        }
        // Within a slot the history's order is the chain's, and what it does not know yet is newer: a stable sort by slot.
        if candidates.len() > read {
            candidates.sort_by_key(|candidate| candidate.delivery.event.position.slot);
        }
        candidates
    }

    /// Makes whole events of drafts, each by the state at its place. One that can't be made stays a draft, and fits nothing.
    fn complete(&self, candidates: &mut [Candidate], history: &History) {
        let mut state = self.life.applied().state.as_deref().cloned();
        let is_draft = |candidate: &Candidate| history.drafts.contains(&candidate.delivery.event.id);
        if !candidates.iter().any(is_draft) {
            return;
        }
        for candidate in candidates {
            let is_draft = is_draft(candidate);
            let Delivery { event, schedule } = &mut candidate.delivery;
            if is_draft && let Some(whole) = S::complete(state.as_ref(), &event.event, *schedule) {
                log::info!("{} of {} is made from its instruction", whole.name(), event.id.signature);
                event.event = whole;
            }
            let Ok(next) = self.next(state.as_ref(), &mut candidate.delivery) else { return };
            state = Some(next);
        }
    }

    /// The state after an event, by its own rates or others of its slot: which ones its place in the slot has, only a trade's
    /// own figures tell.
    fn next(&self, state: Option<&S>, delivery: &mut Delivery) -> Result<S, Misfit> {
        let Delivery { event, schedule } = delivery;
        let by =
            |schedule| S::plan(state, self.address, event, schedule).and_then(|body| S::advance(state.cloned(), &body));
        by(*schedule).or_else(|misfit| {
            let fees = self.env.fees.read().unwrap_or_else(PoisonError::into_inner);
            let others = fees.during(event.position.slot).filter(|other| *other != *schedule);
            let fitting = others.map(|other| (other, by(other))).find_map(|(other, next)| Some((other, next.ok()?)));
            let (other, next) = fitting.ok_or(misfit)?;
            *schedule = other;
            Ok(next)
        })
    }

    fn judge(&self, candidates: &mut [Candidate], history: &History) -> Finding {
        let mut state = self.life.applied().state.as_deref().cloned();
        // A node that is behind answers with a state that the stream has left: that is no gap, and not to be adopted.
        let mut met = self.life.went_through(|state| meets(state, history.account.as_ref()));
        for candidate in candidates {
            match self.next(state.as_ref(), &mut candidate.delivery) {
                Ok(next) => state = Some(next),
                Err(misfit) => {
                    let event = &candidate.delivery.event;
                    return Finding::Unclear(format!("{} of {}: {misfit}", event.event.name(), event.id.signature));
                }
            }
            met |= meets(state.as_ref(), history.account.as_ref());
        }
        if met {
            return Finding::Whole;
        }
        let differences = match (&state, &history.account) {
            (Some(state), Some(account)) => state.differences(account).unwrap_or_else(|error| vec![error]).join(", "),
            (Some(_), None) => "the account does not exist".to_owned(),
            (None, _) => "no event tells how it began".to_owned(),
        };
        Finding::Unclear(format!("the account is not met: {differences}"))
    }

    /// The first `contained` events are recorded without moving a quantity, the others are applied.
    fn replay(&mut self, candidates: Vec<Candidate>, contained: usize, ctx: &mut Context<Self>) {
        for (index, candidate) in candidates.into_iter().enumerate() {
            let Delivery { event, schedule } = &candidate.delivery;
            let taken = if index < contained {
                self.life.record_contained(event, *schedule, now_ms())
            } else {
                self.life.plan(event, *schedule, now_ms())
            };
            match taken {
                Ok(()) => self.unsettled.extend(candidate.tickets),
                Err(misfit) => {
                    // It fitted when the candidates were judged; what is left is tried again by the next message.
                    log::error!("{} {}: {} fits no more: {misfit}", S::KIND, self.address, event.id.signature);
                    self.queue.extend(candidate.into_items());
                }
            }
        }
        self.healed(ctx);
    }

    /// No sequence of known events leads to the account: its state is adopted.
    fn adopt(&mut self, mut candidates: Vec<Candidate>, history: History, reason: String, ctx: &mut Context<Self>) {
        let drafts: Vec<_> = candidates.extract_if(.., |one| history.drafts.contains(&one.delivery.event.id)).collect();
        self.bury_drafts(drafts, ctx);
        let current = self.life.applied().state.clone();
        let resync = match &history.account {
            Some(account) => S::adopt(current.as_deref(), self.address, account, reason.clone()),
            None => Err("the account does not exist".to_owned()),
        };
        let resync = resync.and_then(|body| self.life.take(body, now_ms()).map_err(|misfit| misfit.to_string()));
        if let Err(why) = resync {
            log::error!("{} {} can't be healed: {reason}; {why}", S::KIND, self.address);
            return self.refuse(candidates, format!("{reason}; {why}"), ctx);
        }
        log::warn!("{} {} was adopted from its account: {reason}", S::KIND, self.address);
        // The fewest contained events for which all later ones fit: to apply a trade twice would miss its price.
        let contained = (0..candidates.len())
            .find(|contained| self.fits_after_adoption(candidates.get_mut(*contained..).unwrap_or_default()))
            .unwrap_or(candidates.len());
        self.replay(candidates, contained, ctx);
    }

    fn fits_after_adoption(&self, candidates: &mut [Candidate]) -> bool {
        let mut state = self.life.applied().state.as_deref().cloned();
        candidates.iter_mut().all(|candidate| {
            let next = self.next(state.as_ref(), &mut candidate.delivery);
            next.map(|next| state = Some(next)).is_ok()
        })
    }

    /// What drafts came to is in the account that is adopted; what they were can't be told.
    fn bury_drafts(&mut self, drafts: Vec<Candidate>, ctx: &mut Context<Self>) {
        let letter = |draft: &Candidate| DeadLetter {
            source: S::KIND,
            signature: Some(draft.delivery.event.id.signature),
            n: Some(draft.delivery.event.id.n),
            stream: Some(self.address),
            reason: "log truncated",
            detail: "its log was cut, and its instruction alone does not lead to the account".to_owned(),
            raw: None,
        };
        let letters: Vec<_> = drafts.iter().map(letter).collect();
        self.queue.extend(drafts.into_iter().flat_map(Candidate::into_items));
        if !letters.is_empty() {
            let pool = self.env.leased();
            let bury = async move { retry("dead letters can't be kept", || staging::bury(&pool, &letters)).await };
            ctx.spawn(bury.into_actor(self));
        }
    }

    /// There is nothing to adopt: the events contradict the chain itself.
    fn refuse(&mut self, candidates: Vec<Candidate>, reason: String, ctx: &mut Context<Self>) {
        let letters: Vec<DeadLetter> = candidates
            .iter()
            .map(|candidate| DeadLetter {
                source: S::KIND,
                signature: Some(candidate.delivery.event.id.signature),
                n: Some(candidate.delivery.event.id.n),
                stream: Some(self.address),
                reason: "does not fit",
                detail: reason.clone(),
                raw: serde_json::to_value(&candidate.delivery.event.event).ok(),
            })
            .collect();
        let pool = self.env.leased();
        let keep = async move {
            retry("dead letters can't be kept", || staging::bury(&pool, &letters)).await;
            candidates
        };
        ctx.spawn(keep.into_actor(self).map(|candidates, actor, ctx| {
            for ticket in candidates.into_iter().flat_map(|candidate| candidate.tickets) {
                actor.settle(ticket, Outcome::Dead);
            }
            actor.healed(ctx);
        }));
    }

    pub(super) fn healed(&mut self, ctx: &mut Context<Self>) {
        self.mode = Mode::Ready;
        self.pump(ctx);
        // What was missing is on its way: until it is durable the stream is still behind.
        if !self.life.in_flight() && !matches!(self.mode, Mode::Healing | Mode::Rebuilding) {
            self.caught_up(ctx);
        }
    }
}

/// The stream's transactions after a slot, and its account; asked for until it is answered.
pub(super) async fn read_history<S: Subject>(reader: &Link<ChainReader>, ask: ReadHistory) -> History {
    loop {
        if let Some(reader) = reader.get() {
            match reader.send(ask).await {
                Ok(Ok(history)) => return history,
                Ok(Err(error)) => log::warn!("the history of {} {} can't be read: {error}", S::KIND, ask.address),
                // Its next life is asked.
                Err(_) => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

impl Candidate {
    fn into_items(self) -> impl Iterator<Item = Item> {
        let delivery = self.delivery;
        self.tickets.into_iter().map(move |ticket| Item { delivery: delivery.clone(), ticket, is_new: true })
    }
}

fn meets<S: Subject>(state: Option<&S>, account: Option<&ReadAccount>) -> bool {
    match (state.filter(|state| state.exists()), account) {
        (Some(state), Some(account)) => state.differences(account).is_ok_and(|differences| differences.is_empty()),
        (None, None) => true,
        _ => false,
    }
}
