//! JournalWriter: the one actor that appends.
//!
//! Owns a bounded buffer of appends and the numbers (`generation`) of the streams' lives. No commit in flight: one is
//! started with the whole buffer; when it ends, the next. So an entry is written at once when alone, and in batches under
//! load. Acknowledgements are replies. Never judges an entry, never reads a market.
//!
//! - Buffer full ([`BUFFER_ENTRIES_MAX`]): `Full` at once, nothing is queued, and the listener is told ([`Pressure`]). An
//!   empty buffer takes any append, however long: one that is longer than the bound would never fit.
//! - Server away: the batch is tried for ever with backoff; readiness turns down after [`DOWN_AFTER`].
//! - COMMIT without an answer, also from a server that holds its socket and is silent for [`ANSWER_MAX`]: looked up by its
//!   number before anything is sent again.
//! - A batch refused for its data: written again stream by stream; whoever is refused is told so, the others commit.
//! - [`Open`]: waits until what is buffered for the stream is settled, then raises its generation, so that an append of an
//!   earlier life is refused from then on.
//! - The lease is over: the batch waits, and nothing of it was written. Either the keeper renews the lease, since nobody has
//!   taken it, or it learns that somebody has, and root ends this life, and with it the streams whose appends wait.
//! - Panic: all waiting senders see their reply dropped and stop; the next life begins with new generations and waits for
//!   the transaction of the last.

mod messages;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::sync::{broadcast, oneshot};

pub use self::messages::{Append, AppendError, Close, Generation, Open, WriterGone};
use super::{
    committed::Committed,
    generations::Generations,
    pauses,
    pressure::Pressure,
    supervision::{Crash, DeathGuard},
    trouble::Lasting,
};
use crate::{
    domain::{
        counted::Numbers,
        ids::{AccountAddress, Epoch},
    },
    journal::{
        JournalError,
        lease::Leased,
        pool,
        write::{CommitFailure, StreamAppend, WriterLife},
    },
    telemetry::health::{Health, Part},
};

/// Entries that may wait for a commit.
pub const BUFFER_ENTRIES_MAX: usize = 8_192;
/// A commit that takes longer turns readiness down.
pub const DOWN_AFTER: Duration = Duration::from_secs(5);

/// A server that is silent for so long is asked anew on another connection; twice as long each time, since a commit may
/// really need it.
pub const ANSWER_MAX: Duration = Duration::from_secs(60);
const ANSWER_LONGEST: Duration = Duration::from_secs(960);

struct Waiting {
    append: StreamAppend,
    reply: oneshot::Sender<Result<(), AppendError>>,
    since: Instant,
}

/// See the module.
pub struct JournalWriter {
    pool: Leased,
    health: Health,
    pressure: Pressure,
    committed: Option<broadcast::Sender<Arc<Committed>>>,
    epoch: Epoch,
    answer_max: Duration,
    life: Option<WriterLife>,
    batch: i64,
    buffer: VecDeque<Waiting>,
    buffered_entries: usize,
    /// Being committed.
    entries_out: usize,
    /// Appends of each stream that wait or are in flight.
    busy: HashMap<AccountAddress, usize>,
    committing: bool,
    probing: bool,
    generations: Generations,
    opening: HashMap<AccountAddress, Vec<oneshot::Sender<Generation>>>,
    guard: DeathGuard,
}

impl JournalWriter {
    /// A writer that has not begun its life yet.
    pub fn new(pool: Leased, health: Health, guard: DeathGuard) -> Self {
        Self {
            pool,
            health,
            pressure: Pressure::default(),
            committed: None,
            epoch: Epoch::default(),
            answer_max: ANSWER_MAX,
            life: None,
            batch: 0,
            buffer: VecDeque::new(),
            buffered_entries: 0,
            entries_out: 0,
            busy: HashMap::new(),
            committing: false,
            probing: false,
            generations: Generations::default(),
            opening: HashMap::new(),
            guard,
        }
    }

    /// Tells the listener when the buffer is full.
    pub fn telling(self, pressure: Pressure) -> Self {
        Self { pressure, ..self }
    }

    /// Tells what is committed in this life of the journal, before it is acknowledged; and first that the writer's life
    /// before may have left some of it untold.
    pub fn announcing(self, committed: broadcast::Sender<Arc<Committed>>, epoch: Epoch) -> Self {
        Self { committed: Some(committed), epoch, ..self }
    }

    /// Another time than [`ANSWER_MAX`].
    pub fn with_answers_in(self, answer_max: Duration) -> Self {
        Self { answer_max, ..self }
    }

    /// Starts a commit with all that waits, if none is in flight.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        self.answer_openings();
        if self.committing || self.buffer.is_empty() {
            return;
        }
        let Some(life) = self.life.clone() else { return };
        self.committing = true;
        self.entries_out = std::mem::take(&mut self.buffered_entries);
        self.show_queue();
        self.pressure.set(false);
        let waiting = std::mem::take(&mut self.buffer);
        let streams: Vec<_> = waiting.iter().map(|waiting| waiting.append.stream).collect();
        let (appends, replies): (Vec<_>, Vec<_>) = waiting.into_iter().map(|w| (w.append, (w.reply, w.since))).unzip();
        let (pool, health, answer_max) = (self.pool.clone(), self.health.clone(), self.answer_max);
        let committer = Committer { life, pool, health, answer_max, committed: self.committed.clone() };
        let batch = self.batch;
        let work = async move { committer.settle(batch, appends).await };
        ctx.spawn(work.into_actor(self).map(move |(life, batch, outcomes), actor, ctx| {
            if outcomes.iter().any(|outcome| matches!(outcome, Err(AppendError::WriterGone))) {
                log::error!("the database does not know this life of the writer any more");
                return ctx.stop();
            }
            actor.life = Some(life);
            actor.batch = batch;
            actor.committing = false;
            actor.entries_out = 0;
            actor.show_queue();
            streams.iter().for_each(|stream| actor.settled(stream));
            for ((reply, since), outcome) in replies.into_iter().zip(outcomes) {
                actor.health.metrics().note(|counts| counts.journal_lag.observe(since.elapsed().as_secs_f64()));
                // A market that died meanwhile reads what was written when it lives again.
                let _ = reply.send(outcome);
            }
            actor.pump(ctx);
        }));
    }

    /// Entries that wait or are being committed.
    fn show_queue(&self) {
        self.guard.waits(self.buffered_entries + self.entries_out, BUFFER_ENTRIES_MAX);
        self.health.metrics().note(|counts| counts.journal_waiting.set(self.buffered_entries as i64));
    }

    /// Nobody would notice that an idle engine's database is away: it is asked.
    fn probe(&mut self, ctx: &mut Context<Self>) {
        if self.committing || self.probing || self.life.is_none() {
            return;
        }
        self.probing = true;
        let pool = self.pool.clone();
        let ask = async move { tokio::time::timeout(DOWN_AFTER, crate::journal::ping(pool.pool())).await };
        ctx.spawn(ask.into_actor(self).map(|answer, actor, _| {
            actor.probing = false;
            match answer {
                Ok(Ok(())) => actor.health.up(Part::Database),
                Ok(Err(error)) => actor.health.down(Part::Database, error.to_string()),
                Err(_) => actor.health.down(Part::Database, format!("no answer in {} s", DOWN_AFTER.as_secs())),
            }
        }));
    }

    /// An append of the stream is settled.
    fn settled(&mut self, stream: &AccountAddress) {
        if let Some(appends) = self.busy.get_mut(stream) {
            *appends -= 1;
            if *appends == 0 {
                self.busy.remove(stream);
            }
        }
    }

    fn answer_openings(&mut self) {
        let settled: Vec<_> = self.opening.keys().filter(|stream| !self.busy.contains_key(stream)).copied().collect();
        settled.into_iter().for_each(|stream| self.answer_opening(stream));
    }

    /// Answers who waits to open a stream, if nothing of it is waiting or in flight.
    fn answer_opening(&mut self, stream: AccountAddress) {
        let Some(instance) = self.life.as_ref().map(|life| life.instance).filter(|_| !self.busy.contains_key(&stream))
        else {
            return;
        };
        for reply in self.opening.remove(&stream).unwrap_or_default() {
            let _ = reply.send(Generation { writer: instance, number: self.generations.begin(stream) });
        }
    }
}

impl Actor for JournalWriter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1_024);
        // An earlier life may have died full.
        self.pressure.set(false);
        let (pool, health, limit) = (self.pool.clone(), self.health.clone(), self.answer_max);
        let begin = async move {
            let mut pauses = pauses(PAUSE_MIN, PAUSE_MAX);
            loop {
                let begun = tokio::time::timeout(limit, WriterLife::begin(&pool)).await;
                match begun.unwrap_or(Err(JournalError::NoAnswer(limit))) {
                    Ok(life) => return life,
                    Err(error) => {
                        health.down(Part::Database, error.to_string());
                        tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
                    }
                }
            }
        };
        ctx.run_interval(PROBE_EVERY, |actor, ctx| actor.probe(ctx));
        ctx.spawn(begin.into_actor(self).map(|life, actor, ctx| {
            actor.life = Some(life);
            // The last transaction of the life before has been waited for: what it committed is there to be read.
            if let Some(committed) = &actor.committed {
                // Nobody need be listening.
                let _ = committed.send(Arc::new(Committed::untold(actor.epoch)));
            }
            actor.health.up(Part::Database);
            actor.health.up(Part::Journal);
            actor.pump(ctx);
        }));
    }
}

impl Handler<Append> for JournalWriter {
    type Result = ResponseFuture<Result<(), AppendError>>;

    fn handle(&mut self, message: Append, ctx: &mut Self::Context) -> Self::Result {
        let Append { generation, append } = message;
        let is_current = self.generations.is_current(append.stream, generation.number);
        let lives = self.life.as_ref().is_some_and(|life| life.instance == generation.writer);
        if !lives || !is_current || self.opening.contains_key(&append.stream) {
            return Box::pin(std::future::ready(Err(AppendError::Overtaken)));
        }
        // An append that only moves the finalized point counts too: every queue is bounded.
        let weight = append.entries.len().max(1);
        if self.buffered_entries > 0 && self.buffered_entries + weight > BUFFER_ENTRIES_MAX {
            self.pressure.set(true);
            return Box::pin(std::future::ready(Err(AppendError::Full(append))));
        }
        self.buffered_entries += weight;
        *self.busy.entry(append.stream).or_insert(0) += 1;
        let (reply, answer) = oneshot::channel();
        self.buffer.push_back(Waiting { append: *append, reply, since: Instant::now() });
        self.show_queue();
        self.pump(ctx);
        // The reply is dropped only with this actor: the stream's actor then stops, like on `Overtaken`.
        Box::pin(async move { answer.await.unwrap_or(Err(AppendError::Overtaken)) })
    }
}

impl Handler<Open> for JournalWriter {
    type Result = ResponseFuture<Result<Generation, WriterGone>>;

    fn handle(&mut self, Open(stream): Open, _: &mut Self::Context) -> Self::Result {
        let (reply, answer) = oneshot::channel();
        self.opening.entry(stream).or_default().push(reply);
        self.answer_opening(stream);
        // The answer is awaited beside this actor and outlives it: it must end when the writer does.
        Box::pin(async move { answer.await.map_err(|_| WriterGone) })
    }
}

impl Handler<Close> for JournalWriter {
    type Result = ();

    fn handle(&mut self, Close { stream, generation }: Close, _: &mut Self::Context) {
        if self.life.as_ref().is_some_and(|life| life.instance == generation.writer) {
            self.generations.end(stream, generation.number);
        }
    }
}

impl Handler<Crash> for JournalWriter {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the journal writer was asked to crash");
    }
}

/// An idle writer asks the database so often whether it is there.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Settles one buffer: every append in it is either durable or refused for good.
struct Committer {
    life: WriterLife,
    pool: Leased,
    health: Health,
    answer_max: Duration,
    committed: Option<broadcast::Sender<Arc<Committed>>>,
}

type Settled = (WriterLife, i64, Vec<Result<(), AppendError>>);

impl Committer {
    /// Answers with the life and the number of the last batch that was committed, and an outcome for each append.
    async fn settle(mut self, batch: i64, appends: Vec<StreamAppend>) -> Settled {
        match self.commit(batch + 1, &appends).await {
            Ok(numbers) => {
                let outcomes = appends.iter().map(|_| Ok(())).collect();
                self.announce(appends, numbers);
                (self.life, batch + 1, outcomes)
            }
            Err(error) if appends.len() == 1 => (self.life, batch, vec![Err(error)]),
            Err(AppendError::WriterGone) => (self.life, batch, vec![Err(AppendError::WriterGone)]),
            Err(error) => {
                log::warn!("a batch of {} streams was refused, writing it stream by stream: {error}", appends.len());
                let mut batch = batch;
                let mut outcomes = Vec::with_capacity(appends.len());
                for append in appends {
                    let alone = [append];
                    let outcome = self.commit(batch + 1, &alone).await;
                    outcomes.push(outcome.map(|numbers| {
                        batch += 1;
                        self.announce(alone.into(), numbers);
                    }));
                }
                (self.life, batch, outcomes)
            }
        }
    }

    /// Told before anybody is answered. Nobody may be listening; who listens too slowly reads the journal.
    fn announce(&self, appends: Vec<StreamAppend>, numbers: Vec<Vec<Numbers>>) {
        let entries: usize = appends.iter().map(|append| append.entries.len()).sum();
        self.health.metrics().note(|counts| {
            counts.journal_batches.inc();
            counts.journal_entries.inc_by(entries as u64);
        });
        if let Some(committed) = &self.committed {
            Committed::of(appends, numbers).into_iter().for_each(|batch| drop(committed.send(Arc::new(batch))));
        }
    }

    /// A batch was not written at once.
    fn retried(&self, reason: &str) {
        self.health.metrics().note(|counts| counts.journal_retries.with_label_values(&[reason]).inc());
    }

    /// Tries for ever; an error is final.
    async fn commit(&mut self, batch: i64, appends: &[StreamAppend]) -> Result<Vec<Vec<Numbers>>, AppendError> {
        let health = self.health.clone();
        let mut pauses = pauses(PAUSE_MIN, PAUSE_MAX);
        let began = tokio::time::Instant::now();
        let slow = tokio::time::sleep(DOWN_AFTER);
        tokio::pin!(slow);
        let mut limit = self.answer_max;
        let mut trouble = Lasting::default();
        let result = loop {
            let outcome = {
                let mut attempt = std::pin::pin!(self.attempt(batch, appends, limit));
                tokio::select! {
                    outcome = &mut attempt => outcome,
                    () = &mut slow, if !slow.is_elapsed() => {
                        health.down(Part::Journal, format!("a commit has been waiting for {} s", DOWN_AFTER.as_secs()));
                        attempt.await
                    }
                }
            };
            let error = match outcome {
                Ok(numbers) => break Ok(numbers),
                Err(CommitFailure::Refused(reason)) => {
                    self.retried("refused");
                    break Err(AppendError::Refused(reason));
                }
                Err(CommitFailure::LifeOver) => break Err(AppendError::WriterGone),
                Err(CommitFailure::Overtaken(reason)) => {
                    log::warn!("an append was overtaken: {reason}");
                    break Err(AppendError::Overtaken);
                }
                Err(CommitFailure::Unknown(error)) => {
                    self.retried("unknown");
                    if let Some(numbers) = self.look_up(batch, appends, &error).await {
                        break Ok(numbers);
                    }
                    limit = (limit * 2).min(ANSWER_LONGEST);
                    error
                }
                Err(CommitFailure::LeaseOver) => {
                    self.retried("lease_over");
                    JournalError::LeaseOver(self.pool.term())
                }
                Err(CommitFailure::Again(error)) => {
                    self.retried("again");
                    error
                }
            };
            self.life.set_patient(true);
            let pause = pauses.next().unwrap_or(PAUSE_MAX);
            log::log!(trouble.failed(), "a batch was not written, trying again in {} ms: {error}", pause.as_millis());
            if began.elapsed() > DOWN_AFTER {
                self.health.down(Part::Journal, error.to_string());
                if error.is_connection() {
                    self.health.down(Part::Database, error.to_string());
                }
            }
            tokio::time::sleep(pause).await;
        };
        if let Some(failures) = trouble.over() {
            log::info!("the batch has its end after {failures} failures");
        }
        self.life.set_patient(false);
        self.health.metrics().note(|counts| counts.journal_commit.observe(began.elapsed().as_secs_f64()));
        self.health.up(Part::Database);
        self.health.up(Part::Journal);
        result
    }

    /// One attempt, bounded: a server may hold its socket and never answer. What became of it then is not known.
    async fn attempt(
        &mut self,
        batch: i64,
        appends: &[StreamAppend],
        limit: Duration,
    ) -> Result<Vec<Vec<Numbers>>, CommitFailure> {
        let attempt = tokio::time::timeout(limit, self.life.commit(&self.pool, batch, appends)).await;
        attempt.unwrap_or_else(|_| Err(CommitFailure::Unknown(self.gave_up(limit))))
    }

    /// The connection went back to the pool in the middle of something: it is dropped, and with it what is open on it.
    fn gave_up(&self, limit: Duration) -> JournalError {
        pool::drop_idle(self.pool.pool());
        JournalError::NoAnswer(limit)
    }

    /// The numbers of the entries, if it was committed.
    async fn look_up(
        &mut self,
        batch: i64,
        appends: &[StreamAppend],
        error: &JournalError,
    ) -> Option<Vec<Vec<Numbers>>> {
        log::warn!("batch {batch} has no answer to its COMMIT, looking it up: {error}");
        let mut pauses = pauses(PAUSE_MIN, PAUSE_MAX);
        let mut limit = self.answer_max;
        loop {
            let asked = tokio::time::timeout(limit, self.life.was_committed(&self.pool, batch, appends)).await;
            match asked.unwrap_or_else(|_| Err(self.gave_up(limit))) {
                Ok(committed) => return committed,
                Err(error) => {
                    self.health.down(Part::Database, error.to_string());
                    limit = (limit * 2).min(ANSWER_LONGEST);
                    tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
                }
            }
        }
    }
}
