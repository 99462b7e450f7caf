//! The actor of a stream: a market, or the program's config.
//!
//! Owns the stream's state ([`life::Life`]) and the list of hubs that listen to it. Everything that changes it comes as
//! [`Apply`] from the listener; what is planned goes to the JournalWriter as one append at a time; what comes meanwhile
//! waits here, bounded. When an append is durable, its frames go to the hubs and the senders are answered. An event that
//! does not fit is a gap, not garbage: the actor turns stale and [`heal`]s from the chain.
//!
//! On `Refused`, `Overtaken`, a panic, or the writer's death the actor stops: no repair in place. Its next life is read
//! from the journal (hydration is a message through the writer), senders find `Closed` and resolve it anew, hubs attach
//! again and resume from the last seq that they have. A stream that nobody needs for a while ends too, so that memory holds
//! those in use: the registry asks it to ([`MayLeave`]).
//!
//! All that is a leader's. On a node that follows nothing is applied or appended: entries come from the leader and the
//! journal ([`follow`]), and everybody who would have something planned is told that this life is over.

mod append;
mod environment;
pub mod follow;
pub mod heal;
pub mod life;
pub mod listeners;
mod look_up;
pub mod messages;
pub mod orders;
pub mod pulse;
pub mod reads;
pub mod rebuild;
mod rollback;
pub mod subject;
mod written;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
pub use environment::StreamEnvironment;
pub use messages::*;
pub use orders::*;
use tokio::sync::oneshot;

use self::{
    follow::Following,
    life::{Known, Life},
    listeners::Listeners,
    pulse::Pulse,
    rollback::Doubted,
    subject::Subject,
    written::WrittenJob,
};
use super::{
    journal_writer::{Close, Generation, Open},
    registry::Child,
    role::Role,
    supervision::Crash,
};
use crate::domain::{config::ProgramConfig, ids::AccountAddress, market::Market};

/// A market's actor.
pub type MarketActor = StreamActor<Market>;
/// The config's actor.
pub type ConfigActor = StreamActor<ProgramConfig>;

/// Events that may wait here; past it, `Apply` is answered with `Full`.
pub const QUEUE_EVENTS_MAX: usize = 1_024;
/// Entries that the finalized point moves over from one reading.
const TAIL_PAGE: u32 = 5_000;
/// Questions that may wait for hydration; one more is told to come again ([`messages::ReadError::Loading`]).
pub const PARKED_MAX: usize = 4_096;
/// An append that takes longer makes the stream stale in readiness.
const APPEND_STALE_AFTER: Duration = Duration::from_secs(30);

/// An `Apply` that is not answered yet.
struct Job {
    outcomes: Vec<Option<Outcome>>,
    missing: usize,
    reply: oneshot::Sender<Result<Vec<Outcome>, ApplyError>>,
}

/// Which event of which job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticket {
    job: u64,
    index: usize,
}

struct Item {
    delivery: Delivery,
    ticket: Ticket,
    /// The journal was asked, and does not know it.
    is_new: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Hydrating,
    Ready,
    LookingUp,
    /// It reads the chain.
    Healing,
    /// It is made anew from its entries.
    Rebuilding,
}

/// A question that waits for hydration.
type Parked<S> = Box<dyn FnOnce(&mut StreamActor<S>)>;

/// See the module.
pub struct StreamActor<S: Subject> {
    address: AccountAddress,
    env: StreamEnvironment,
    mode: Mode,
    generation: Option<Generation>,
    life: Life<S>,
    queue: VecDeque<Item>,
    jobs: HashMap<u64, Job>,
    next_job: u64,
    /// The events of the append in flight, and of what is planned.
    unsettled: Vec<Ticket>,
    append_began: Option<Instant>,
    /// What users wrote, and is not answered yet.
    written: Option<WrittenJob>,
    suspects: Vec<oneshot::Sender<Result<(), ApplyError>>>,
    suspicion: Option<String>,
    doubted: Option<Doubted>,
    rebuilding: rebuild::Rebuilding,
    /// What came of it, and who hears of it when the row is written.
    rebuilt: Option<(rebuild::Rebuilt, rebuild::Rebuilding)>,
    /// The next thing to do is to heal: what is read comes before what waits.
    heal_first: bool,
    stale: Option<Arc<str>>,
    reading_tail: bool,
    listeners: Listeners,
    parked: Vec<Parked<S>>,
    pulse: Arc<Pulse>,
    following: Following,
    /// The registry was asked whether it may end.
    leaving: bool,
    child: Child,
}

impl<S: Subject> StreamActor<S> {
    /// An actor that will read its state when it starts. It ends when the registry does.
    pub fn new(address: AccountAddress, env: StreamEnvironment, pulse: Arc<Pulse>, child: Child) -> Self {
        let life = env.new_life(address);
        Self {
            address,
            env,
            mode: Mode::Hydrating,
            generation: None,
            life,
            queue: VecDeque::new(),
            jobs: HashMap::new(),
            next_job: 0,
            unsettled: Vec::new(),
            append_began: None,
            written: None,
            suspects: Vec::new(),
            suspicion: None,
            doubted: None,
            rebuilding: Vec::new(),
            rebuilt: None,
            heal_first: false,
            stale: None,
            reading_tail: false,
            listeners: Listeners::default(),
            parked: Vec::new(),
            pulse,
            following: Following::default(),
            leaving: false,
            child,
        }
    }

    fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        let Some(job) = self.jobs.get_mut(&ticket.job) else { return };
        if let Some(place @ None) = job.outcomes.get_mut(ticket.index) {
            *place = Some(outcome);
            job.missing -= 1;
        }
        if job.missing == 0
            && let Some(job) = self.jobs.remove(&ticket.job)
        {
            // A listener that died meanwhile learns the same from the journal.
            let _ = job.reply.send(Ok(job.outcomes.into_iter().flatten().collect()));
        }
    }

    /// Does what can be done now: plans what waits, and sends it to the writer.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        if !self.leads() || self.mode != Mode::Ready || self.life.in_flight() {
            return;
        }
        if !self.life.has_planned() {
            if !self.rebuilding.is_empty() || self.life.wants_to_be_made_anew() {
                return self.rebuild(ctx);
            }
            if let Some(doubted) = self.doubted.take() {
                return self.roll_back(doubted, ctx);
            }
            if std::mem::take(&mut self.heal_first)
                && let Some(reason) = self.suspicion.take()
            {
                return self.heal(reason, ctx);
            }
        }
        // What users wrote is not put off for ever by a busy chain: what it needs first comes first.
        if let Some(kind) = self.written_wants() {
            return self.read_ballots(kind, ctx);
        }
        if self.plan_alone() && self.append_planned(ctx) {
            return;
        }
        let (mut misfit, mut wanted) = (None, None);
        while let Some(item) = self.queue.front() {
            match self.life.knows(&item.delivery.event) {
                // It is on its way to the journal, but not there yet: whoever sent it again waits as well.
                Known::Yes if self.life.is_planned(item.delivery.event.id) => {
                    self.unsettled.push(item.ticket);
                    self.queue.pop_front();
                }
                Known::Yes => self.settle_front(Outcome::Duplicate),
                Known::AskJournal if !item.is_new => {
                    // What is planned goes out first; the journal is asked when it is back.
                    if !self.life.has_planned() {
                        return self.look_up(ctx);
                    }
                    break;
                }
                Known::No | Known::AskJournal => {
                    wanted = self.life.ballots_wanted(&item.delivery.event.event);
                    if wanted.is_some() {
                        break;
                    }
                    let Delivery { event, schedule } = item.delivery.clone();
                    match self.life.plan(&event, schedule, now_ms()) {
                        Ok(()) => {
                            let ticket = item.ticket;
                            self.unsettled.push(ticket);
                            self.queue.pop_front();
                        }
                        Err(error) => {
                            misfit = Some(format!("{} of {}: {error}", event.event.name(), event.id.signature));
                            break;
                        }
                    }
                }
            }
        }
        if misfit.is_none() && wanted.is_none() {
            wanted = self.plan_written();
        }
        if self.append_planned(ctx) {
            return;
        }
        if let Some(kind) = wanted {
            return self.read_ballots(kind, ctx);
        }
        match misfit.or_else(|| self.suspicion.take()) {
            Some(reason) => self.heal(reason, ctx),
            None => self.end_suspicion(),
        }
    }

    /// What is planned goes to the writer; false if there is nothing to write.
    fn append_planned(&mut self, ctx: &mut Context<Self>) -> bool {
        let append = self.life.append();
        append.map(|append| self.send_append(Box::new(append), ctx)).is_some()
    }

    fn settle_front(&mut self, outcome: Outcome) {
        if let Some(item) = self.queue.pop_front() {
            self.settle(item.ticket, outcome);
        }
    }

    fn set_stale(&mut self, reason: Option<String>) {
        self.env.health.stale(self.address, reason.as_deref());
        self.pulse.changes();
        self.stale = reason.map(Arc::from);
    }

    /// Whoever made the stream doubt itself is answered when it does so no more.
    fn answer_when_healed(&mut self, ctx: &mut Context<Self>) -> ResponseFuture<Result<(), ApplyError>> {
        if !self.leads() {
            return Box::pin(std::future::ready(Err(ApplyError::Gone)));
        }
        if self.suspects.len() >= QUEUE_EVENTS_MAX {
            return Box::pin(std::future::ready(Err(ApplyError::Full)));
        }
        self.pulse.needed();
        let (reply, answer) = oneshot::channel();
        self.suspects.push(reply);
        self.pump(ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(ApplyError::Gone)) })
    }

    fn end_suspicion(&mut self) {
        for reply in std::mem::take(&mut self.suspects) {
            let _ = reply.send(Ok(()));
        }
    }

    /// Shows the registry what it is to be told of from now on.
    fn show_pulse(&self) {
        let finality = self.life.released().seq > self.life.finalized_seq();
        self.pulse.show(finality, self.append_began.is_some() || self.listeners.any_behind());
    }

    /// Nothing is on its way. Who listens holds a handle, so the registry does not ask while somebody does: a hub on the
    /// list without one has given up waiting for the answer that it was added, and would keep the stream for ever.
    fn is_idle(&self) -> bool {
        self.mode == Mode::Ready
            && self.jobs.is_empty()
            && self.written.is_none()
            && self.suspects.is_empty()
            && self.doubted.is_none()
            && self.rebuilding.is_empty()
            && self.parked.is_empty()
            && self.stale.is_none()
            && !self.reading_tail
            && !self.following.is_reading()
            && !self.life.has_planned()
            && !self.life.in_flight()
    }

    fn hydrate(&mut self, ctx: &mut Context<Self>) {
        if !self.leads() {
            return self.begin_to_follow(ctx);
        }
        let (env, address) = (self.env.clone(), self.address);
        let open = async move {
            let generation = loop {
                if let Some(writer) = env.writer.get()
                    && let Ok(Ok(generation)) = writer.send(Open(address)).await
                {
                    break generation;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            let stored = super::retry("a stream can't be read", || S::load(&env.pool, address, env.epoch)).await;
            (generation, stored)
        };
        ctx.spawn(open.into_actor(self).map(|(generation, stored), actor, ctx| {
            actor.generation = Some(generation);
            if let Some(stored) = stored {
                actor.life = actor.new_life().restored(stored);
            }
            actor.mode = Mode::Ready;
            // An earlier life ended while it was behind the chain (refused, or a panic in the middle of a heal).
            if let Some(reason) = actor.env.health.why_stale(actor.address) {
                actor.suspicion.get_or_insert(reason);
            }
            actor.answer_parked();
            actor.pump(ctx);
            actor.show_pulse();
        }));
    }

    fn answer_parked(&mut self) {
        for parked in std::mem::take(&mut self.parked) {
            parked(self);
        }
    }

    fn new_life(&self) -> Life<S> {
        self.env.new_life(self.address)
    }

    fn leads(&self) -> bool {
        self.env.role != Role::Following
    }
}

impl<S: Subject> Actor for StreamActor<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(self.child.orphaned().into_actor(self).map(|(), _, ctx| ctx.stop()));
        self.hydrate(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // One that was still being read has not looked at why its last life was behind; one that doubts itself has not
        // looked whether it is.
        if self.stale.is_none() && self.suspicion.is_none() && self.mode != Mode::Hydrating {
            self.env.health.stale(self.address, None);
        }
        if let (Some(generation), Some(writer)) = (self.generation, self.env.writer.get()) {
            // A writer that is too busy to hear of it forgets it when it has too many.
            let _ = writer.try_send(Close { stream: self.address, generation });
        }
    }
}

impl<S: Subject> Handler<Apply> for StreamActor<S> {
    type Result = ResponseFuture<Result<Vec<Outcome>, ApplyError>>;

    fn handle(&mut self, Apply(deliveries): Apply, ctx: &mut Self::Context) -> Self::Result {
        if !self.leads() {
            return Box::pin(std::future::ready(Err(ApplyError::Gone)));
        }
        // An empty queue takes any message: one that is longer than the bound would never fit.
        if !self.queue.is_empty() && self.queue.len() + deliveries.len() > QUEUE_EVENTS_MAX {
            return Box::pin(std::future::ready(Err(ApplyError::Full)));
        }
        if deliveries.is_empty() {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        self.pulse.needed();
        let (reply, answer) = oneshot::channel();
        let job = self.next_job;
        self.next_job += 1;
        self.jobs.insert(job, Job { outcomes: vec![None; deliveries.len()], missing: deliveries.len(), reply });
        self.queue.extend(deliveries.into_iter().enumerate().map(|(index, delivery)| Item {
            delivery,
            ticket: Ticket { job, index },
            is_new: false,
        }));
        self.pump(ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(ApplyError::Gone)) })
    }
}

impl<S: Subject> Handler<Suspect> for StreamActor<S> {
    type Result = ResponseFuture<Result<(), ApplyError>>;

    fn handle(&mut self, Suspect { reason }: Suspect, ctx: &mut Self::Context) -> Self::Result {
        self.suspicion.get_or_insert(reason);
        self.answer_when_healed(ctx)
    }
}

impl<S: Subject> Handler<Finalized> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, Finalized(slot): Finalized, ctx: &mut Self::Context) {
        self.life.finalize(slot);
        if let Some(after) = self.life.tail_wanted().filter(|_| !self.reading_tail) {
            self.read_tail(after, slot, ctx);
        }
        self.pump(ctx);
        self.show_pulse();
    }
}

impl<S: Subject> Handler<StreamTick> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, _: StreamTick, _: &mut Self::Context) {
        let released = self.life.released();
        self.listeners.remind(S::channel(self.address), self.life.epoch(), released.seq);
        if self.append_began.is_some_and(|began| began.elapsed() > APPEND_STALE_AFTER) && self.stale.is_none() {
            self.env.health.stale(self.address, Some("an append has been waiting for 30 s"));
        }
        self.show_pulse();
    }
}

impl<S: Subject> Handler<MayLeave> for StreamActor<S> {
    type Result = ();

    /// In two steps: the registry takes it off its map, if nobody was given a handle meanwhile; then it ends. Who still
    /// holds a bare address finds it closed and resolves the stream anew: what has an effect is answered, so none is lost.
    fn handle(&mut self, _: MayLeave, ctx: &mut Self::Context) {
        if self.leaving {
            return;
        }
        if !self.is_idle() {
            // Asked again when it has been idle for as long once more.
            return self.pulse.needed();
        }
        self.leaving = true;
        let granted = self.child.ask_to_leave();
        ctx.spawn(granted.into_actor(self).map(|granted, actor, ctx| {
            actor.leaving = false;
            if granted {
                actor.child.leaves();
                ctx.stop();
            }
        }));
    }
}

impl<S: Subject> Handler<Crash> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("a stream's actor was asked to crash");
    }
}

/// The engine's clock, in milliseconds since 1970: only ever recorded, never decided by.
fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
