//! The listener's coverage passes: list, stage, fetch, settle, move the cursor.
//!
//! Found signatures go to PostgreSQL and come back oldest first, so memory stays flat however much is missing, and a pass
//! that is cut off goes on where it was. A pass is made on one node from its beginning to its end (`nodes` says on which).

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use actix::prelude::*;
use futures_util::{StreamExt, future::OptionFuture};

use super::{
    Listener,
    coverage::{ListEnd, Pass},
    nodes::FAILED_PAUSE,
    retry,
    waiting::{NoRoom, Source},
    window::Admission,
};
use crate::{
    actors::stream::Finalized,
    chain::{
        model::RawTransaction,
        rpc::{ChainReadError, SignaturePage},
    },
    journal::staging::{self, Cursor, DeadLetter, Staged},
    telemetry::health::Part,
};

/// Fetches at the same time.
const FETCHES: usize = 8;
/// Reads of a transaction that the node lists and does not have, before it is given up.
const ABSENT_MAX: u32 = 20;
/// A pass that takes longer turns readiness down.
const COVERAGE_LATE: Duration = Duration::from_secs(30);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

impl Listener {
    /// Begins a pass, unless one is under way.
    pub(super) fn begin_pass(&mut self, ctx: &mut Context<Self>) {
        if self.cursor.is_none() || self.pass.is_some() || self.pass_begins {
            // The pass under way began before this moment: the next follows it at once.
            self.pass_due = Instant::now();
            return;
        }
        if !self.choose_node() {
            return;
        }
        self.pass_began = Instant::now();
        self.pass_due = self.pass_began + INTERVAL_MAX;
        self.pass_begins = true;
        self.pass_missed_connect = false;
        self.pass_spoiled = false;
        self.finality.begin();
        self.look_at_staged();
        let (rpc, pool, program) = (self.pass_rpc.clone(), self.parts.pool.clone(), self.parts.program);
        let unmarked = self.cursor.filter(|cursor| cursor.finalized_slot.is_none());
        let begin = async move {
            let pass = Pass::begin(&rpc).await?;
            // Nothing is recorded yet; what is read in slots that are final by now can't vanish.
            if let Some(cursor) = unmarked {
                let marked = Cursor { finalized_slot: Some(pass.finalized_slot), ..cursor };
                retry("the cursor can't be stored", || staging::save_cursor(&pool, program, marked)).await;
            }
            Ok(pass)
        };
        ctx.spawn(begin.into_actor(self).map(|begun, actor, ctx| actor.begun(begun, "coverage can't begin", ctx)));
    }

    /// The list of a pass, or of what has come since, begins.
    fn begun(&mut self, begun: Result<Pass, ChainReadError>, failure: &str, ctx: &mut Context<Self>) {
        self.pass_begins = false;
        match begun {
            Ok(pass) => {
                if let Err(error) = self.note_begun(&pass) {
                    return self.pass_failed(failure, &error);
                }
                let pass = self.within_bounds(pass);
                if let Some(cursor) = &mut self.cursor {
                    cursor.finalized_slot.get_or_insert(pass.finalized_slot);
                }
                self.pass = Some(pass);
                self.next_page(pass, ctx);
            }
            Err(error) => self.pass_failed(failure, &error),
        }
    }

    /// A pass that waits for a slow market must not keep others from being covered: what has come since is listed at every
    /// interval. The pass keeps its aim, so that it ends when what it waited for is settled.
    pub(super) fn list_since(&mut self, ctx: &mut Context<Self>) {
        let is_due = self.listed_since.max(self.pass_began).elapsed() >= self.parts.coverage_interval;
        let waits = self.drained && !self.draining && !self.staging && !self.pass_begins;
        let Some(pass) = self.pass.filter(|pass| is_due && waits && pass.end == Some(ListEnd::Reached)) else { return };
        self.listed_since = Instant::now();
        self.held_up = Some(pass);
        self.pass = None;
        self.pass_begins = true;
        self.pass_missed_connect = false;
        self.look_at_staged();
        let rpc = self.pass_rpc.clone();
        let begin = async move { Pass::begin(&rpc).await };
        ctx.spawn(begin.into_actor(self).map(|begun, actor, ctx| actor.begun(begun, "coverage can't go on", ctx)));
    }

    pub(super) fn pass_failed(&mut self, what: &str, error: &ChainReadError) {
        self.rpc_failed(what, error);
        self.search_failed();
        // One that was held up still waits; what came since a connection was made anew may be missing still.
        self.pass = self.held_up.take();
        self.pass_missed_connect |= self.pass.is_some();
        self.pass_due = Instant::now() + FAILED_PAUSE;
    }

    fn next_page(&mut self, pass: Pass, ctx: &mut Context<Self>) {
        let read = self.page(pass);
        ctx.spawn(read.into_actor(self).map(|page, actor, ctx| actor.listed(page, ctx)));
    }

    /// Asks for the next page of a pass.
    fn page(&self, pass: Pass) -> impl Future<Output = Result<SignaturePage, ChainReadError>> + use<> {
        let rpc = self.pass_rpc.clone();
        let program = crate::domain::ids::AccountAddress(self.parts.program.0);
        // What came since is listed down to a slot only.
        let cursor = self.cursor.filter(|_| self.held_up.is_none()).and_then(|cursor| cursor.signature);
        async move { pass.page(&rpc, program, cursor).await }
    }

    /// The next page of the pass: what it found is staged.
    fn listed(&mut self, page: Result<SignaturePage, ChainReadError>, ctx: &mut Context<Self>) {
        let (Some(mut pass), Some(cursor)) = (self.pass, self.cursor) else { return };
        let page = match page {
            Ok(page) => page,
            Err(error) if self.page_is_asked_again() => {
                self.rpc_failed("a page can't be listed", &error);
                ctx.run_later(FAILED_PAUSE, move |actor, ctx| actor.next_page(pass, ctx));
                return;
            }
            Err(error) => return self.pass_failed("coverage stopped", &error),
        };
        self.node_answered();
        // That it lists is not enough where it does not give what it lists.
        if self.drained || !self.reads_fail {
            self.rpc_answered();
        }
        // What has been listed since the pass that is held up is not listed again, and its aim is not this list's.
        let cursor = match self.held_up {
            Some(first) => Cursor { signature: None, slot: self.listed_up_to.max(first.confirmed_slot), ..cursor },
            None => {
                self.finality.note(&page, cursor.finalized_slot.unwrap_or_default(), &pass);
                cursor
            }
        };
        let found = pass.take(&page, &cursor, |entry| self.window.knows(&entry.signature, entry.slot));
        self.pass = Some(pass);
        if !found.is_empty() {
            log::debug!("coverage found {} transactions", found.len());
            self.drained = false;
            self.staged_walk.begin_again();
        }
        self.note_listed(&found);
        self.stage(found, ctx);
    }

    /// Meanwhile the node is asked for the next page: a long list would wait for the disk and the node in turns.
    fn stage(&mut self, found: Vec<Staged>, ctx: &mut Context<Self>) {
        self.staging = true;
        let pool = self.parts.pool.clone();
        let stage = async move { retry("signatures can't be staged", || staging::stage(&pool, &found)).await };
        let asked = self.pass.filter(|pass| pass.end.is_none());
        let next = OptionFuture::from(asked.map(|pass| self.page(pass)));
        let work = async move { futures_util::join!(stage, next).1 };
        ctx.spawn(work.into_actor(self).map(move |page, actor, ctx| {
            actor.staging = false;
            let Some(pass) = actor.pass else { return };
            match pass.end {
                None => match page.filter(|_| actor.pass == asked) {
                    Some(page) => actor.listed(page, ctx),
                    None => actor.next_page(pass, ctx),
                },
                Some(ListEnd::Reached) => {
                    actor.listed_up_to = pass.confirmed_slot;
                    match actor.held_up.take() {
                        Some(first) => actor.pass = Some(first),
                        None => actor.listing_took = actor.pass_began.elapsed(),
                    }
                    actor.drain(ctx);
                }
                Some(ListEnd::Unfillable) if actor.search_elsewhere(&pass, ctx) => {}
                Some(ListEnd::Unfillable) => actor.unfillable(pass, ctx),
            }
        }));
    }

    /// The node's history ends above the cursor: reported, and healed from accounts.
    fn unfillable(&mut self, pass: Pass, ctx: &mut Context<Self>) {
        let Some(cursor) = self.cursor else { return };
        let detail =
            format!("the node's history does not reach back to slot {} (now {})", cursor.slot, pass.confirmed_slot);
        log::error!("{detail}: what lies between is healed from accounts");
        let letter = DeadLetter {
            source: "coverage",
            signature: cursor.signature,
            n: None,
            stream: None,
            reason: "unfillable",
            detail: detail.clone(),
            raw: None,
        };
        let pool = self.parts.pool.clone();
        let bury = async move {
            retry("a dead letter can't be kept", || staging::bury(&pool, std::slice::from_ref(&letter))).await
        };
        self.want_reconcile(true, detail);
        ctx.spawn(bury.into_actor(self).map(move |(), actor, ctx| {
            if let Some(pass) = &mut actor.pass {
                pass.end = Some(ListEnd::Reached);
            }
            actor.drain(ctx);
        }));
    }

    /// Fetches the oldest staged transactions, as far as there is room.
    pub(super) fn drain(&mut self, ctx: &mut Context<Self>) {
        if !self.draining {
            if !self.waiting.is_empty() {
                self.fetched(Vec::new(), ctx);
            }
            self.read_deferred();
        }
        // Found signatures that are not stored yet would be taken for none.
        let listed = !self.staging && self.pass.is_some_and(|pass| pass.end.is_some());
        let limits = self.window.limits();
        let is_room = self.window.unsettled() + limits.fetch <= limits.window && !self.waiting.is_full();
        if !is_room {
            // Nothing is asked for now: what failed before says nothing of the node.
            self.reads_fail = false;
        }
        if self.draining || self.drained || !listed || !is_room {
            return self.finish_pass(ctx);
        }
        self.draining = true;
        let (pool, rpc, too) = (self.parts.pool.clone(), self.pass_rpc.clone(), self.asked_too());
        // Those that were given away are the oldest rows until they are settled; behind the place of the last they need not
        // be read again.
        let (walk, after) = (self.staged_walk, self.staged_walk.after());
        let limit = if after.is_some() { limits.fetch } else { self.staged_out.len() + limits.fetch };
        let out = if after.is_some() { HashSet::new() } else { self.staged_out.keys().copied().collect() };
        let in_batches = self.parts.backfill.is_some();
        let fetch = async move {
            let read = || staging::staged(pool.pool(), after, limit);
            let (staged, last) = retry("staged signatures can't be read", read).await;
            let new: Vec<Staged> = staged.into_iter().filter(|staged| !out.contains(&staged.signature)).collect();
            if in_batches {
                let signatures: Vec<_> = new.iter().map(|staged| staged.signature).collect();
                let read = rpc.transactions(&signatures).await;
                return (new.into_iter().zip(read).collect(), last);
            }
            let reads = new.into_iter().map(|staged| {
                let (rpc, too) = (rpc.clone(), too.clone());
                async move {
                    match (rpc.transaction(staged.signature).await, too) {
                        (Ok(None) | Err(ChainReadError::BadAnswer { .. }), Some(too)) => {
                            (staged, too.transaction(staged.signature).await)
                        }
                        (read, _) => (staged, read),
                    }
                }
            });
            (futures_util::stream::iter(reads).buffered(FETCHES).collect::<Vec<_>>().await, last)
        };
        ctx.spawn(fetch.into_actor(self).map(move |(fetched, last), actor, ctx| {
            actor.draining = false;
            actor.drained = actor.staged_walk.reached(walk, last) && fetched.is_empty();
            if !fetched.is_empty() && fetched.iter().all(|(_, read)| read.is_ok()) {
                actor.reads_fail = false;
                actor.rpc_answered();
            }
            // The oldest is what the others wait for.
            if fetched.first().is_some_and(|(_, read)| read.is_ok()) {
                actor.node_answered();
            }
            actor.fetched(fetched, ctx);
            actor.finish_pass(ctx);
            if actor.parts.backfill.is_some() && !actor.drained {
                actor.drain(ctx);
            }
        }));
    }

    fn fetched(
        &mut self,
        fetched: Vec<(Staged, Result<Option<RawTransaction>, ChainReadError>)>,
        ctx: &mut Context<Self>,
    ) {
        let mut settled = Vec::new();
        // Those that found no room are older: of each lane they go first.
        let waiting = self.waiting.take().into_iter();
        let waiting = waiting.map(|one| (one.staged, Ok(Some(one.transaction)), Source::Line));
        let mut fetched = waiting.chain(fetched.into_iter().map(|(staged, read)| (staged, read, Source::Fetched)));
        while let Some((staged, read, source)) = fetched.next() {
            let signature = staged.signature;
            if staged.retried && source == Source::Fetched {
                self.window.forget(&signature);
            }
            match read {
                Ok(Some(transaction)) => {
                    self.absent.remove(&signature);
                    self.staged_out.insert(signature, staged.slot);
                    if source == Source::Fetched {
                        self.came("coverage");
                    }
                    match self.ingest(transaction.clone(), source, ctx) {
                        // Its market is slow: it waits here, and so will the younger ones of that market, and no others.
                        Admission::LaneFull(lane) => {
                            self.waiting.push(NoRoom { staged, transaction, lane: Some(lane) }, source);
                        }
                        // No room: it waits here, and so do the younger ones, up to the first that could not be read.
                        Admission::WindowFull => {
                            self.waiting.push(NoRoom { staged, transaction, lane: None }, source);
                            for (staged, read, _) in fetched.by_ref() {
                                let Ok(Some(transaction)) = read else {
                                    self.staged_walk.begin_again();
                                    break;
                                };
                                self.staged_out.insert(staged.signature, staged.slot);
                                self.waiting.push(NoRoom { staged, transaction, lane: None }, source);
                            }
                            break;
                        }
                        Admission::Known | Admission::Taken if self.window.is_settled(&signature) => {
                            settled.push(signature)
                        }
                        // `Known`, but not settled: the window will say.
                        Admission::Known | Admission::Taken => {}
                    }
                }
                Ok(None) if self.is_gone(staged) => {
                    let why = if staged.retried {
                        "the node does not have it"
                    } else {
                        "the node lists it and does not have it"
                    };
                    self.give_up_unread(staged, "absent", why.into());
                }
                // A transaction that nobody can read must not keep all others from being read.
                Err(ChainReadError::BadAnswer { detail, .. }) if self.is_gone(staged) => {
                    self.give_up_unread(staged, "unreadable", detail);
                }
                // The order is kept: what comes after it waits for it, and is read again with it.
                Ok(None) => {
                    self.staged_walk.begin_again();
                    break;
                }
                Err(error) => {
                    self.staged_walk.begin_again();
                    self.read_failed(&error);
                    break;
                }
            }
        }
        self.settled(settled, ctx);
    }

    /// What was deferred is asked for again where its lane has taken all that was before it.
    fn read_deferred(&mut self) {
        for signature in self.waiting.due() {
            self.staged_out.remove(&signature);
            self.drained = false;
            self.staged_walk.begin_again();
        }
        if self.drained && !self.staging {
            self.waiting.open_lanes();
        }
    }

    fn is_gone(&mut self, staged: Staged) -> bool {
        // Nobody lists it: nothing is concluded but that this try was in vain, and a second node may say that.
        if staged.retried {
            return true;
        }
        // A second node may never have had what the first one listed: that is waited for, unless the first lacks it too.
        if !self.pass_rpc.decides() && self.asked_too().is_none() {
            return false;
        }
        // Counts of transactions that came by another way meanwhile; those that are still wanted are counted anew.
        if self.absent.len() > self.window.limits().fetch {
            self.absent.clear();
        }
        let tries = self.absent.entry(staged.signature).or_insert(0);
        *tries += 1;
        *tries > ABSENT_MAX && self.absent.remove(&staged.signature).is_some()
    }

    /// Its letter is kept in the transaction that unstages it.
    fn give_up_unread(&mut self, staged: Staged, reason: &'static str, detail: String) {
        let letter = DeadLetter {
            source: "coverage",
            signature: Some(staged.signature),
            n: None,
            stream: None,
            reason,
            detail: format!("slot {}: {detail}", staged.slot),
            raw: None,
        };
        self.staged_out.insert(staged.signature, staged.slot);
        self.window.settle(staged.signature, staged.slot);
        self.unstaging.given_up(staged, letter);
        // Whatever it did, the accounts tell. Of one that no node lists they were asked, if anything spoke for it, when its letter
        // was first kept.
        if !staged.retried {
            self.want_reconcile(true, format!("{} is listed and {reason}", staged.signature));
        }
    }

    /// Live transactions are held back until the older ones have their places in the lanes, or wait for their lane: from then
    /// on each lane keeps the order by itself, and a market that is slow holds up no other.
    fn end_catching_up(&mut self, ctx: &mut Context<Self>) {
        let listed = !self.staging && self.pass.is_some_and(|pass| pass.end == Some(ListEnd::Reached));
        let placed = self.drained && !self.draining && !self.waiting.for_the_window();
        // Where history is missing, accounts are adopted first.
        let is_begun = self.bootstrapped || self.cursor.is_some_and(|cursor| cursor.covered_slot.0 > 0);
        let is_whole = is_begun && !self.reconciling && self.reconcile_wanted.is_none();
        if self.catching_up && !self.pass_missed_connect && listed && placed && is_whole {
            self.catching_up = false;
            self.take_held(ctx);
        }
    }

    /// Ends the pass once all that it found is settled.
    pub(super) fn finish_pass(&mut self, ctx: &mut Context<Self>) {
        self.end_catching_up(ctx);
        let (Some(pass), Some(cursor)) = (self.pass, self.cursor) else { return };
        let settled = || self.window.oldest_slot().is_none_or(|oldest| oldest > pass.confirmed_slot);
        if pass.end != Some(ListEnd::Reached)
            || self.staging
            || !self.drained
            || self.draining
            || !self.staged_out.is_empty()
            || !settled()
        {
            return;
        }
        if cursor.covered_slot.0 == 0 && !self.bootstrapped && !self.stops_early() {
            // A program may be older than the node's history: markets that no transaction told of.
            self.bootstrapped = true;
            self.want_reconcile(false, "older than the node's history".into());
        }
        if self.reconciling {
            return;
        }
        if let Some(wanted) = self.reconcile_wanted.take() {
            return self.reconcile(wanted, ctx);
        }
        if !self.finality.is_done() && !self.pass_spoiled {
            return self.look_at_finality(pass, ctx);
        }
        self.pass = None;
        if self.pass_spoiled {
            self.pass_due = Instant::now();
            return;
        }
        // Less often where the node is slow; what a slow market takes is no reason to look away from the others.
        let due = self.pass_began + (self.listing_took * 10).min(INTERVAL_MAX).max(self.parts.coverage_interval);
        let due = self.doubts_wait().map_or(due, |pause| due.min(Instant::now() + pause));
        self.pass_due = self.pass_due.min(due);
        self.last_covered = Instant::now();
        self.search_ends();
        let next = self.after_pass(pass.cursor(&cursor));
        self.cursor = Some(next);
        self.parts.rpc.endpoints().covered(next.covered_slot);
        self.parts.health.covered(next.covered_slot, pass.confirmed_slot);
        self.parts.health.up(Part::Coverage);
        let finalized = next.final_slot();
        self.parts.health.finalized(finalized);
        if let Some(registry) = self.parts.registry.get() {
            // A registry that is too busy hears of the next.
            let _ = registry.try_send(Finalized(finalized));
        }
        self.save_cursor(next, ctx);
    }

    pub(super) fn tell_coverage(&self) {
        if self.last_covered.elapsed() > COVERAGE_LATE {
            let seconds = self.last_covered.elapsed().as_secs();
            self.parts.health.down(Part::Coverage, format!("the chain was last covered {seconds} s ago"));
        }
    }
}
