//! Backfilling: the listener's own passes for a journal that is far behind, with nothing live beside them.
//!
//! Owns what such a listener does otherwise, and what it tells of its progress. It does not connect to the node's
//! notifications; more is on its way at once ([`Limits::BACKFILL`]); transactions are fetched in batches; it begins and ends
//! where it is told to. What is settled oldest first moves the cursor while the pass is still under way, so that a process
//! that is killed lists, fetches and applies no second time what is below it; and streams hear what is final, so that they
//! keep no long tails. Never decides what is known or durable: that is `passes`'.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::sync::watch;

use super::{
    Listener,
    coverage::Pass,
    retry, suspect,
    window::{Lane, Limits},
};
use crate::{
    actors::stream::Finalized,
    domain::ids::{Slot, TxSignature},
    journal::staging::{self, Cursor, DeadLetter, Staged},
};

/// A pass that took no longer leaves no more than the engine's own first pass takes up.
const NEAR: Duration = Duration::from_secs(10);
/// The cursor is moved so often while a pass is under way.
const CURSOR_EVERY: Duration = Duration::from_secs(2);
/// Streams are told so often what is final.
const FINAL_EVERY: Duration = Duration::from_secs(5);

/// What is to be brought into the journal, and who wants to know how far it is.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// What is older is not fetched.
    pub from_slot: Option<Slot>,
    /// What is newer is not fetched.
    pub until: Option<Slot>,
    /// Where progress is told.
    pub progress: Arc<Progress>,
}

/// How far it is; written by the listener, read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    listed: AtomicU64,
    listed_down_to: AtomicU64,
    is_listed: AtomicU64,
    staged: AtomicU64,
    settled: AtomicU64,
    events: AtomicU64,
    first_slot: AtomicU64,
    slot: AtomicU64,
    target_slot: AtomicU64,
    done: watch::Sender<Option<Cursor>>,
}

/// [`Progress`], at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Transactions that were found, by this process.
    pub listed: u64,
    /// The list has come down to this slot.
    pub listed_down_to: Slot,
    /// The list is complete: transactions are applied.
    pub is_listed: bool,
    /// Transactions that are to be applied: what an earlier process had found and not applied is found again.
    pub staged: u64,
    /// Of them, those that are settled.
    pub settled: u64,
    /// Events that are durable, those included that were so before.
    pub events: u64,
    /// Where the pass begins.
    pub first_slot: Slot,
    /// Everything below it is settled.
    pub slot: Slot,
    /// Where the pass ends.
    pub target_slot: Slot,
}

impl Progress {
    /// How far it is.
    pub fn sight(&self) -> Sight {
        let [listed, down, is_listed, staged, settled, events, first, slot, target] = [
            &self.listed,
            &self.listed_down_to,
            &self.is_listed,
            &self.staged,
            &self.settled,
            &self.events,
            &self.first_slot,
            &self.slot,
            &self.target_slot,
        ]
        .map(|value| value.load(Ordering::Relaxed));
        Sight {
            listed,
            listed_down_to: Slot(down),
            is_listed: is_listed > 0,
            staged,
            settled,
            events,
            first_slot: Slot(first),
            slot: Slot(slot),
            target_slot: Slot(target),
        }
    }

    /// Waits until all is durable that was to be, and the cursor is stored; where it stands then.
    pub async fn done(&self) -> Cursor {
        let mut done = self.done.subscribe();
        // The sender is part of what is borrowed here.
        let stored = done.wait_for(Option::is_some).await.map(|cursor| *cursor);
        stored.ok().flatten().unwrap_or_default()
    }
}

/// How much a listener may have on its way.
pub(super) fn limits(backfill: Option<&Backfill>) -> Limits {
    backfill.map_or_else(Limits::default, |_| Limits::BACKFILL)
}

/// What a listener that backfills keeps in mind.
#[derive(Debug)]
pub(super) struct Backfilling {
    progress: Option<Arc<Progress>>,
    /// The last pass is complete: this is to be stored.
    last: Option<Cursor>,
    /// A transaction that was fetched: when all that is as old is settled, the cursor may be there.
    next: Option<(TxSignature, Slot)>,
    cursor_due: Instant,
    final_due: Instant,
}

impl Backfilling {
    pub(super) fn new(now: Instant) -> Self {
        Self { progress: None, last: None, next: None, cursor_due: now, final_due: now + FINAL_EVERY }
    }

    fn note(&self, which: impl Fn(&Progress) -> &AtomicU64, value: u64) {
        if let Some(progress) = &self.progress {
            which(progress).store(value, Ordering::Relaxed);
        }
    }

    fn add(&self, which: impl Fn(&Progress) -> &AtomicU64, count: usize) {
        if let Some(progress) = &self.progress {
            which(progress).fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Events have been answered for.
    pub(super) fn note_events(&self, count: usize) {
        self.add(|progress| &progress.events, count);
    }

    /// Staged transactions are forgotten.
    pub(super) fn note_settled(&self, count: usize) {
        self.add(|progress| &progress.settled, count);
    }
}

impl Listener {
    /// The stored cursor, or where it was told to begin.
    pub(super) fn where_to_begin(&mut self, stored: Cursor, ctx: &mut Context<Self>) -> Cursor {
        let Some(backfill) = self.parts.backfill.clone() else { return stored };
        self.backfilling.progress = Some(Arc::clone(&backfill.progress));
        match backfill.from_slot {
            Some(from) if from > stored.slot => self.leave_out(from, stored, ctx),
            Some(from) => {
                log::info!("the journal goes on at slot {}: nothing is left out below slot {from}", stored.slot);
                stored
            }
            None => stored,
        }
    }

    /// What lies below that slot is not fetched: reported, and markets that it has moved are compared with their accounts.
    fn leave_out(&mut self, from: Slot, stored: Cursor, ctx: &mut Context<Self>) -> Cursor {
        let detail = format!("from slot {} to slot {from} nothing was fetched, as was asked for", stored.slot);
        log::warn!("{detail}: markets that began before are adopted from their accounts");
        let letter = DeadLetter {
            source: "coverage",
            signature: stored.signature,
            n: None,
            stream: None,
            reason: "left out",
            detail: detail.clone(),
            raw: None,
        };
        let pool = self.parts.pool.clone();
        let bury = async move {
            retry("a dead letter can't be kept", || staging::bury(&pool, std::slice::from_ref(&letter))).await
        };
        ctx.spawn(bury.into_actor(self));
        // The rates in force come first: trades are checked against them.
        self.draining = true;
        let (registry, why) = (self.parts.registry.clone(), detail.clone());
        let adopt = async move { suspect(&registry, Lane::Config, &why).await };
        ctx.spawn(adopt.into_actor(self).map(|(), actor, ctx| {
            actor.draining = false;
            actor.drain(ctx);
        }));
        // Of a journal without entries, all markets are looked at anyway that no transaction told of.
        if stored.signature.is_some() {
            self.want_reconcile(true, detail);
        }
        Cursor { signature: None, slot: from, ..stored }
    }

    /// It ends before the chain does: accounts, which are told as they are now, are no measure for what it leaves.
    pub(super) fn stops_early(&self) -> bool {
        self.parts.backfill.as_ref().is_some_and(|backfill| backfill.until.is_some())
    }

    /// The pass that begins, up to where it is wanted.
    pub(super) fn within_bounds(&self, pass: Pass) -> Pass {
        let until = self.parts.backfill.as_ref().and_then(|backfill| backfill.until);
        let pass = until.map_or(pass, |until| pass.up_to(until));
        self.backfilling.note(|progress| &progress.target_slot, pass.confirmed_slot.0);
        self.backfilling.note(|progress| &progress.first_slot, self.cursor.unwrap_or_default().slot.0);
        self.backfilling.note(|progress| &progress.is_listed, 0);
        pass
    }

    /// A page was listed, and these are to be staged.
    pub(super) fn note_listed(&self, found: &[Staged]) {
        self.backfilling.add(|progress| &progress.listed, found.len());
        self.backfilling.add(|progress| &progress.staged, found.len());
        if let Some(oldest) = found.last() {
            self.backfilling.note(|progress| &progress.listed_down_to, oldest.slot.0);
        }
    }

    /// The cursor after a complete pass; another pass follows at once, unless this one was the last.
    pub(super) fn after_pass(&mut self, next: Cursor) -> Cursor {
        let Some(backfill) = &self.parts.backfill else { return next };
        // Markets that no transaction told of have not been looked for: the next who covers the chain does it.
        let covered_slot = if self.bootstrapped || self.cursor.is_some_and(|cursor| cursor.covered_slot.0 > 0) {
            next.covered_slot
        } else {
            Slot(0)
        };
        let next = Cursor { covered_slot, ..next };
        self.backfilling.note(|progress| &progress.is_listed, 1);
        if backfill.until.is_some() || self.pass_began.elapsed() < NEAR {
            self.backfilling.last = Some(next);
            // Nobody asks for another.
            self.pass_due = Instant::now() + Duration::from_secs(3_600);
        } else {
            self.pass_due = Instant::now();
        }
        self.backfilling.next = None;
        next
    }

    /// Stored: if it is the last one, all is done.
    pub(super) fn cursor_is_stored(&self, cursor: Cursor) {
        if self.backfilling.last == Some(cursor)
            && let Some(progress) = &self.backfilling.progress
        {
            progress.done.send_replace(Some(cursor));
        }
    }

    /// Time for what is due in the middle of a pass.
    pub(super) fn tend_backfill(&mut self, ctx: &mut Context<Self>) {
        let (Some(pass), Some(cursor), true) = (self.pass, self.cursor, self.parts.backfill.is_some()) else { return };
        let is_listed = pass.end == Some(super::coverage::ListEnd::Reached) && !self.staging && self.held_up.is_none();
        self.backfilling.note(|progress| &progress.is_listed, u64::from(is_listed));
        // Of what is older than the place where the staged ones are read, all is here; where that is not known, nothing is.
        let Some(place) = self.staged_walk.after().filter(|_| is_listed) else { return };
        let oldest = [self.window.oldest_slot(), self.waiting.oldest_slot(), Some(place.slot)];
        let Some(pending) = oldest.into_iter().flatten().min() else { return };
        self.backfilling.note(|progress| &progress.slot, pending.0);
        let now = Instant::now();
        let finalized = cursor.finalized_slot.unwrap_or_default();
        if now >= self.backfilling.final_due
            && let Some(registry) = self.parts.registry.get()
        {
            self.backfilling.final_due = now + FINAL_EVERY;
            // What was recorded there was read when it was final.
            let _ = registry.try_send(Finalized(finalized.min(Slot(pending.0.saturating_sub(1)))));
        }
        let is_sure = !self.pass_spoiled && !self.reconciling && self.reconcile_wanted.is_none();
        if now < self.backfilling.cursor_due || !is_sure {
            return;
        }
        match self.backfilling.next {
            Some((signature, slot)) if slot < pending && slot > cursor.slot && slot <= finalized => {
                self.backfilling.cursor_due = now + CURSOR_EVERY;
                self.backfilling.next = None;
                let moved = Cursor { signature: Some(signature), slot, ..cursor };
                self.cursor = Some(moved);
                self.save_cursor(moved, ctx);
            }
            Some((_, slot)) if slot > cursor.slot && slot <= finalized => {}
            _ => self.backfilling.next = self.window.newest(),
        }
    }
}
