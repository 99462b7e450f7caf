//! Rolling back: how a stream takes back what the chain does not hold any more.
//!
//! The listener proves that transactions are not where they were recorded ([`Vanished`]); what to do about it is decided
//! here, when nothing of the stream is planned or in flight. The chain is read once more: what it shows where it was
//! recorded is spared. The stream is rebuilt from its finalized point by applying the entries after it again, without
//! the condemned ones and those that do not fit any more. That is one entry, in an append of its own, so that what the
//! chain still has of the fallen can come again as something new: the stream heals next, before it takes anything else.
//!
//! Entries are read from the journal page by page, so memory holds no more than one page and the numbers that fall.
//! Waits for the database and the node as long as it takes; the stream is stale meanwhile, and its queue is bounded.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use actix::prelude::*;

use super::{Mode, StreamActor, TAIL_PAGE, Vanished, heal::read_history, now_ms, subject::Subject};
use crate::{
    actors::{chain_reader::ReadHistory, retry, stream::ApplyError},
    domain::{
        entry::{Entry, EntryBody},
        event::ChainEvent,
        ids::{EventId, Seq, Slot, TxSignature},
        rollback::Standing,
        tally::{Tally, VoteKind},
    },
    journal::{read, votes},
};

/// Between two readings while the node that may decide is away.
const READ_AGAIN: Duration = Duration::from_secs(2);

/// What the listener has proved, and the stream has not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Doubted {
    signatures: HashSet<TxSignature>,
    proved_at: Slot,
    /// The gap that led here, if it was no proof of the listener's: it stays one where nothing falls.
    gap: Option<String>,
}

impl Doubted {
    /// These, as they were read up to that slot, in a stream with a gap.
    pub(super) fn by_gap(signatures: Vec<TxSignature>, proved_at: Slot, gap: String) -> Self {
        Self { signatures: signatures.into_iter().collect(), proved_at, gap: Some(gap) }
    }
}

/// A stream without the entries that fell.
struct Rest<S> {
    state: Option<S>,
    reverted: Vec<Seq>,
    /// What stands and tells rates.
    rates: Vec<EntryBody>,
    /// What is counted without the votes that fell, where some did.
    ballots: Vec<(VoteKind, Tally)>,
}

/// What is noted of the entries on the way.
#[derive(Default)]
struct Noted {
    rates: Vec<EntryBody>,
    /// Votes on the chain that may fall.
    votes: Vec<(Seq, VoteKind)>,
}

impl<S: Subject> StreamActor<S> {
    /// Decides what falls. Nothing is planned and nothing in flight.
    pub(super) fn roll_back(&mut self, doubted: Doubted, ctx: &mut Context<Self>) {
        self.mode = Mode::Healing;
        self.set_stale(Some("transactions of it have vanished from the chain".to_owned()));
        let (env, address) = (self.env.clone(), self.address);
        let (after, since, mut standing) =
            (self.life.hold_finality(), self.life.finalized_slot(), self.life.standing());
        let work = async move {
            let ask = ReadHistory { address, since, by_blocks: false };
            let mut history = read_history::<S>(&env.reader, ask).await;
            while !history.decides {
                // What falls is the first node's word.
                tokio::time::sleep(READ_AGAIN).await;
                history = read_history::<S>(&env.reader, ask).await;
            }
            let on_chain: HashMap<EventId, ChainEvent> =
                history.events.into_iter().map(|event| (event.id, event)).collect();
            let (mut after, mut noted) = (after, Noted::default());
            loop {
                let page = retry("a stream's entries can't be read", || async {
                    let client = env.pool.get().await?;
                    Ok(read::entries_of_all_lives(&**client, address, after, TAIL_PAGE).await?)
                })
                .await;
                let Some(last) = page.last() else { break };
                after = last.seq;
                take_page(&mut standing, page, &doubted.signatures, (&on_chain, &history.drafts), &mut noted);
            }
            let (state, reverted) = standing.finish();
            let fallen: BTreeSet<Seq> = reverted.iter().copied().collect();
            let fell = noted.votes.iter().filter(|(seq, _)| fallen.contains(seq));
            let mut ballots = Vec::new();
            for kind in fell.map(|(_, kind)| *kind).collect::<BTreeSet<_>>() {
                let read = || votes::tally(&env.pool, address, kind, env.epoch, &fallen);
                ballots.push((kind, retry("ballots can't be read", read).await));
            }
            (Rest { state, reverted, rates: noted.rates, ballots }, doubted)
        };
        ctx.spawn(work.into_actor(self).map(move |(rest, doubted), actor, ctx| actor.take_back(rest, doubted, ctx)));
    }

    fn take_back(&mut self, rest: Rest<S>, Doubted { proved_at, gap, .. }: Doubted, ctx: &mut Context<Self>) {
        let Rest { state, reverted, rates, ballots } = rest;
        self.mode = Mode::Ready;
        let Some(head) = self.life.applied().state.clone().filter(|_| !reverted.is_empty()) else {
            log::info!("{} {}: the chain has all of it after all", S::KIND, self.address);
            self.life.let_finality_go();
            match gap {
                // Two readings of the chain disagree: the gap is looked at again.
                Some(gap) => {
                    self.heal_first = true;
                    self.suspicion.get_or_insert(gap);
                }
                None => self.set_stale(None),
            }
            return self.pump(ctx);
        };
        log::warn!("{} {}: {} entries are rolled back: {reverted:?}", S::KIND, self.address, reverted.len());
        self.env.health.metrics().note(|counts| counts.rollbacks.inc());
        let since = self.life.finalized_slot();
        let mut body = S::plan_rollback(&head, state, reverted, proved_at);
        if !ballots.is_empty() {
            body.set_tallies(self.life.take_ballots(ballots));
        }
        if let Err(misfit) = self.life.take(body, now_ms()) {
            // It was made of this very state.
            log::error!("{} {} can't be rolled back: {misfit}", S::KIND, self.address);
            return ctx.stop();
        }
        // It leaves out what has fallen, in the append that says so.
        self.life.let_finality_go();
        S::correct(&self.env.fees, since, &rates);
        // What landed again comes before anything that waits here.
        self.heal_first = true;
        self.suspicion.get_or_insert_with(|| "entries of it were rolled back".to_owned());
        if let Some(append) = self.life.append() {
            self.send_append(Box::new(append), ctx);
        }
    }
}

fn take_page<S: Subject>(
    standing: &mut Standing<S>,
    page: Vec<Entry>,
    doubted: &HashSet<TxSignature>,
    (on_chain, drafts): (&HashMap<EventId, ChainEvent>, &HashSet<EventId>),
    noted: &mut Noted,
) {
    for entry in page {
        let is_condemned = entry.body.chain_event().is_some_and(|(id, position, event)| {
            let is_same = |it: &ChainEvent| drafts.contains(&id) || it.event == *event;
            let is_there = |it: &ChainEvent| it.position.slot == position.slot && is_same(it);
            doubted.contains(&id.signature) && !on_chain.get(&id).is_some_and(is_there)
        });
        let voted = entry.body.chain_event().and_then(|(.., event)| VoteKind::of(event));
        noted.votes.extend(voted.map(|(kind, ..)| (entry.seq, kind)));
        if standing.next(&entry, is_condemned)
            && matches!(entry.body, EntryBody::Config { .. } | EntryBody::ConfigResync { .. })
        {
            noted.rates.push(entry.body);
        }
    }
}

impl<S: Subject> Handler<Vanished> for StreamActor<S> {
    type Result = ResponseFuture<Result<(), ApplyError>>;

    fn handle(&mut self, vanished: Vanished, ctx: &mut Self::Context) -> Self::Result {
        if !self.leads() {
            return Box::pin(std::future::ready(Err(ApplyError::Gone)));
        }
        let Vanished { signatures, proved_at } = vanished;
        let doubted = self.doubted.get_or_insert_default();
        doubted.signatures.extend(signatures);
        doubted.proved_at = doubted.proved_at.max(proved_at);
        self.answer_when_healed(ctx)
    }
}
