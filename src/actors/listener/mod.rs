//! Listener: brings the chain's events to the streams, each in the chain's order, and proves that none is missing.
//!
//! Owns the window of transactions that are not settled, the live connection, the cursor and the coverage passes. Live
//! notifications are the fast path and prove nothing; only coverage moves the cursor. Never decides what an event does:
//! that is the stream's. While a pass after a connect has not found everything, live transactions are held back, so that
//! streams get the older ones first.
//!
//! - Window full, too many held back, or the writer's buffer full: the live subscription is ended (not reading it would
//!   only fill the client's memory) and begun again when there is room; coverage finds what was missed.
//! - One lane full: its further transactions are left to coverage.
//! - Panic: the next life begins at the stored cursor. Nothing that matters lives only here.

mod asking;
mod backfilling;
mod coverage;
mod finality;
pub mod hinted;
mod live;
mod nodes;
mod passes;
mod reconcile;
mod settling;
mod sorting;
mod stale;
mod unmarked;
mod waiting;
mod window;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use actix::prelude::*;
pub use backfilling::{Backfill, Progress, Sight};

use self::{
    asking::{StreamAddr, ask_stream, deliver, suspect},
    backfilling::Backfilling,
    coverage::Pass,
    finality::Finality,
    live::Live,
    nodes::Nodes,
    reconcile::Reconcile,
    settling::{StagedWalk, Unstaging},
    sorting::{Sorted, Sorter},
    waiting::{Source, Waiting},
    window::{Admission, Lane, Window},
};
use super::{
    pauses,
    pressure::Pressure,
    registry::Registry,
    retry,
    supervision::{Crash, DeathGuard, Link},
    trouble::Lasting,
};
use crate::{
    chain::{
        anchor::decode::Touched,
        model::RawTransaction,
        pubsub::LiveOptions,
        rpc::{ChainReadError, ChainRpc},
    },
    domain::{
        fee_timeline::FeeTimeline,
        ids::{AccountAddress, Epoch, ProgramId, Seq, Slot, TxSignature},
    },
    journal::{
        finality::UnmarkedPlace,
        lease::Leased,
        open, read,
        staging::{self, Cursor, DeadLetter},
    },
    telemetry::health::{Health, Part as HealthPart, PartState, STALE_KEPT},
};

/// Live transactions that are held back while older ones are fetched; with more the live subscription is ended.
const HELD_MAX: usize = 4_096;
/// Reads of a live transaction's instructions before it is left to coverage.
const READ_ATTEMPTS: u32 = 5;

/// What the listener needs.
#[derive(Clone)]
pub struct ListenerParts {
    /// Where live notifications come from.
    pub live: LiveOptions,
    /// Where they come from while that is away, if there is a second node. May carry a key.
    pub second_ws: Option<String>,
    /// The program.
    pub program: ProgramId,
    /// Its config account.
    pub config_address: AccountAddress,
    /// How often coverage is proved while the chain is quick to answer.
    pub coverage_interval: Duration,
    /// Of this arbiter.
    pub rpc: ChainRpc,
    /// Of this arbiter.
    pub pool: Leased,
    /// The way to the streams.
    pub registry: Link<Registry>,
    /// The journal's word that it is full.
    pub pressure: Pressure,
    /// Shared with the streams, for healing.
    pub fees: Arc<RwLock<FeeTimeline>>,
    /// The journal's life.
    pub epoch: Epoch,
    /// Where readiness is told.
    pub health: Health,
    /// Nothing live: only what has happened already.
    pub backfill: Option<Backfill>,
}

/// The clock's: time for what is due.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ListenerTick;

/// See the module.
pub struct Listener {
    parts: ListenerParts,
    sorter: Sorter,
    window: Window,
    held: VecDeque<RawTransaction>,
    live: Live,
    /// `None` until it is loaded.
    cursor: Option<Cursor>,
    pass: Option<Pass>,
    /// The node that the pass is made on, from its beginning to its end.
    pass_rpc: ChainRpc,
    nodes: Nodes,
    finality: Finality,
    /// The node was asked where the pass is to begin.
    pass_begins: bool,
    /// A live connection was made since the pass began: what happened before it may be missing from the pass.
    pass_missed_connect: bool,
    /// A transaction that the pass took for known has left the window unsettled: the pass proves nothing.
    pass_spoiled: bool,
    /// The pass that waits for what it found, while what has come since is listed.
    held_up: Option<Pass>,
    listed_since: Instant,
    /// Everything at or below it has been listed, and is staged or known.
    listed_up_to: Slot,
    /// How long the list of the pass took the node.
    listing_took: Duration,
    pass_began: Instant,
    pass_due: Instant,
    woken: Instant,
    unmarked_due: Instant,
    /// Where that look goes on.
    unmarked_after: Option<UnmarkedPlace>,
    last_covered: Instant,
    /// Older transactions than those that live notifications tell may still be missing.
    catching_up: bool,
    /// Found signatures are on their way to PostgreSQL: a pass does not end before they are there and drained.
    staging: bool,
    /// Staged transactions that were given away.
    staged_out: HashMap<TxSignature, Slot>,
    staged_walk: StagedWalk,
    unstaging: Unstaging,
    backfilling: Backfilling,
    /// Nothing is staged that was not given away.
    drained: bool,
    /// The node lists transactions, and does not give them.
    reads_fail: bool,
    rpc_trouble: Lasting,
    draining: bool,
    /// Staged transactions that were read and did not find room.
    waiting: Waiting,
    /// The cursor is being stored.
    saving_cursor: bool,
    /// Accounts are to be compared with the journal, and why; a pass does not end before.
    reconcile_wanted: Option<Reconcile>,
    reconciling: bool,
    /// Markets that no transaction told of were looked for.
    bootstrapped: bool,
    /// Staged transactions that the node did not have, and how often.
    absent: HashMap<TxSignature, u32>,
    guard: DeathGuard,
}

impl Listener {
    /// A listener that begins at the stored cursor.
    pub fn new(parts: ListenerParts, guard: DeathGuard) -> Self {
        let now = Instant::now();
        Self {
            sorter: Sorter::new(parts.program),
            window: Window::within(backfilling::limits(parts.backfill.as_ref())),
            held: VecDeque::new(),
            live: Live::default(),
            cursor: None,
            pass: None,
            pass_rpc: parts.rpc.pinned(),
            nodes: Nodes::default(),
            finality: Finality::default(),
            pass_begins: false,
            pass_missed_connect: false,
            pass_spoiled: false,
            held_up: None,
            listed_since: now,
            listed_up_to: Slot(0),
            listing_took: Duration::ZERO,
            pass_began: now,
            pass_due: now,
            woken: now,
            unmarked_due: now,
            unmarked_after: None,
            last_covered: now,
            catching_up: true,
            staging: false,
            staged_out: HashMap::new(),
            staged_walk: StagedWalk::default(),
            unstaging: Unstaging::default(),
            backfilling: Backfilling::new(now),
            drained: false,
            reads_fail: false,
            rpc_trouble: Lasting::default(),
            draining: false,
            waiting: Waiting::default(),
            saving_cursor: false,
            reconcile_wanted: None,
            reconciling: false,
            bootstrapped: false,
            absent: HashMap::new(),
            parts,
            guard,
        }
    }

    /// A transaction came this way, for operators.
    fn came(&self, way: &str) {
        self.parts.health.metrics().note(|counts| counts.chain_transactions.with_label_values(&[way]).inc());
    }

    /// Takes a transaction from whatever source.
    fn ingest(&mut self, transaction: RawTransaction, source: Source, ctx: &mut Context<Self>) -> Admission {
        let (signature, slot) = (transaction.signature, Slot(transaction.slot));
        if self.window.knows(&signature, slot) {
            return Admission::Known;
        }
        let sorted = {
            let mut fees = self.parts.fees.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            self.sorter.sort(&transaction, &mut fees)
        };
        match sorted {
            Sorted::Nothing => {
                self.window.settle(signature, slot);
                Admission::Taken
            }
            Sorted::LeaveToCoverage => Admission::Taken,
            Sorted::Streams(streams) if let Some(lane) = self.older_wait(streams.keys(), source) => {
                Admission::LaneFull(lane)
            }
            Sorted::Read(lanes) if let Some(lane) = self.older_wait(lanes.iter(), source) => Admission::LaneFull(lane),
            Sorted::Streams(streams) => {
                let parts = streams.into_iter().map(|(lane, deliveries)| (lane, Some(deliveries))).collect();
                self.window.admit(signature, slot, parts)
            }
            Sorted::Read(lanes) => {
                let parts = lanes.iter().map(|lane| (*lane, None)).collect();
                let admission = self.window.admit(signature, slot, parts);
                if admission == Admission::Taken {
                    self.read_instructions(signature, lanes, ctx);
                }
                admission
            }
            Sorted::Unusable { reason, has_drafts, detail, touched } => {
                let admission = self.window.admit(signature, slot, Vec::new());
                if admission == Admission::Taken {
                    let letter = (!has_drafts).then(|| letter_of(&transaction, reason, &detail));
                    log::warn!("{signature} can't be used as it is: {reason}: {detail}");
                    self.set_aside(signature, reason, letter, touched, ctx);
                }
                admission
            }
        }
    }

    /// A lane in which an older transaction waits before one from there.
    fn older_wait<'l>(&self, mut lanes: impl Iterator<Item = &'l Lane>, source: Source) -> Option<Lane> {
        lanes.find(|lane| self.waiting.is_before(lane, source)).copied()
    }

    /// A live transaction whose log does not tell enough; `lanes` are kept for it.
    fn read_instructions(&mut self, signature: TxSignature, lanes: Vec<Lane>, ctx: &mut Context<Self>) {
        let rpc = self.parts.rpc.clone();
        let read = async move {
            let mut pauses = pauses(Duration::from_millis(50), Duration::from_secs(1));
            for _ in 0..READ_ATTEMPTS {
                if let Ok(Some(transaction)) = rpc.transaction(signature).await
                    && transaction.invocations.is_some()
                {
                    return Some(transaction);
                }
                tokio::time::sleep(pauses.next().unwrap_or_default()).await;
            }
            None
        };
        ctx.spawn(read.into_actor(self).map(move |transaction, actor, ctx| {
            if let Some(transaction) = transaction {
                let sorted = {
                    let mut fees = actor.parts.fees.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                    actor.sorter.sort(&transaction, &mut fees)
                };
                match sorted {
                    // Its places in the lanes were kept: they are those that it has.
                    Sorted::Streams(streams) if streams.keys().eq(&lanes) => {
                        actor.window.fill(signature, streams.into_iter().collect());
                    }
                    _ => {
                        actor.give_up(signature);
                        actor.ingest(transaction, Source::Live, ctx);
                        if actor.window.is_settled(&signature) {
                            actor.settled(vec![signature], ctx);
                        }
                    }
                }
            } else {
                log::info!("{signature} can't be read now, it is left to coverage");
                actor.give_up(signature);
            }
            actor.dispatch(ctx);
        }));
    }

    /// A transaction leaves the window unsettled: coverage has to find it again, also where it took it for known.
    fn give_up(&mut self, signature: TxSignature) {
        self.window.give_up(signature);
        self.pass_spoiled = true;
        self.listed_up_to = Slot(0);
        if self.staged_out.remove(&signature).is_some() {
            self.drained = false;
            self.staged_walk.begin_again();
        }
    }

    /// Keeps what can't be used, and has the streams that it may have changed compared with the chain.
    fn set_aside(
        &mut self,
        signature: TxSignature,
        reason: &'static str,
        letter: Option<DeadLetter>,
        touched: Touched,
        ctx: &mut Context<Self>,
    ) {
        let (pool, registry) = (self.parts.pool.clone(), self.parts.registry.clone());
        let work = async move {
            if let Some(letter) = letter {
                retry("a dead letter can't be kept", || staging::bury(&pool, std::slice::from_ref(&letter))).await;
            }
            let config = touched.config.then_some(Lane::Config);
            for lane in touched.markets.into_iter().map(Lane::Market).chain(config) {
                suspect(&registry, lane, &format!("{signature}: {reason}")).await;
            }
        };
        ctx.spawn(work.into_actor(self).map(move |(), actor, ctx| {
            if actor.window.released(signature) {
                actor.settled(vec![signature], ctx);
            }
        }));
    }

    /// Sends each lane's next batch.
    fn dispatch(&mut self, ctx: &mut Context<Self>) {
        for (lane, parts) in self.window.next_batches() {
            let registry = self.parts.registry.clone();
            let work = async move { deliver(&registry, lane, &parts).await };
            ctx.spawn(work.into_actor(self).map(move |events, actor, ctx| {
                actor.backfilling.note_events(events);
                let settled = actor.window.lane_done(lane);
                actor.settled(settled, ctx);
            }));
        }
    }

    /// Told once, until it is over: by readiness, which has a line of its own where a part that was up is down.
    fn rpc_failed(&mut self, what: &str, error: &ChainReadError) {
        let was_up = self.parts.health.parts().get(&HealthPart::Rpc) == Some(&PartState::Up);
        let level = self.rpc_trouble.failed();
        log::log!(if was_up { log::Level::Debug } else { level }, "{what}: {error}");
        self.parts.health.down(HealthPart::Rpc, format!("{what}: {error}"));
    }

    fn rpc_answered(&mut self) {
        self.rpc_trouble.over();
        self.parts.health.up(HealthPart::Rpc);
    }
}

fn letter_of(transaction: &RawTransaction, reason: &'static str, detail: &str) -> DeadLetter {
    DeadLetter {
        source: "decoder",
        signature: Some(transaction.signature),
        n: None,
        stream: None,
        reason,
        detail: detail.to_owned(),
        raw: serde_json::to_value(transaction).ok(),
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (pool, program, config, epoch) =
            (self.parts.pool.clone(), self.parts.program, self.parts.config_address, self.parts.epoch);
        let load = async move {
            let cursor = retry("the cursor can't be read", || staging::load_cursor(pool.pool(), program)).await;
            let entries = retry("the config's journal can't be read", || async {
                let client = pool.get().await?;
                Ok(read::entries_of_all_lives(&**client, config, Seq(0), 4_096).await?)
            })
            .await;
            let stored = retry("the config can't be read", || open::load_config(pool.pool(), config, epoch)).await;
            let refused =
                retry("refused streams can't be read", || staging::refused_streams(pool.pool(), STALE_KEPT)).await;
            (cursor, entries, stored, refused)
        };
        ctx.spawn(load.into_actor(self).map(|(cursor, entries, stored, refused), actor, ctx| {
            {
                let mut fees = actor.parts.fees.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                fees.note_journal(&entries);
                // A new life of the journal begins without entries, and after very many changes not all were read.
                if let Some(stored) = stored {
                    fees.note_state(Slot(stored.row.slot_high), stored.row.state.fees);
                }
            }
            actor.parts.health.covered(cursor.covered_slot, cursor.covered_slot);
            actor.parts.rpc.endpoints().covered(cursor.covered_slot);
            for (stream, reason) in refused {
                actor.parts.health.stale(stream, Some(&reason));
            }
            actor.cursor = Some(actor.where_to_begin(cursor, ctx));
            actor.connect(ctx);
            actor.begin_pass(ctx);
        }));
    }
}

impl Handler<ListenerTick> for Listener {
    type Result = ();

    fn handle(&mut self, _: ListenerTick, ctx: &mut Self::Context) {
        self.guard.waits(self.window.unsettled(), self.window.limits().window);
        self.look_at_nodes(ctx);
        if self.pass.is_none() && Instant::now() >= self.pass_due {
            self.begin_pass(ctx);
        }
        self.pause_live_if_full();
        self.list_since(ctx);
        self.drain(ctx);
        self.tend_backfill(ctx);
        self.resume_live_if_room(ctx);
        self.tell_coverage();
        self.wake_stale();
        self.wake_unmarked(ctx);
    }
}

impl Handler<Crash> for Listener {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the listener was asked to crash");
    }
}
