//! OutboxReader: brings what users wrote to the actors of their markets.
//!
//! A user's write is committed when it comes here, together with a row of the outbox. The row is deleted by the batch that
//! writes its entry, and only there: so this actor owns nothing but the list of markets that it has sent something to, and
//! may die at any point. It learns of rows by a notification of the database, and by looking every second. A market has
//! one message in flight; its rows are not read again before that is answered, so that no old reading meets a row that has
//! become an entry meanwhile. Of a market that the journal does not know nothing is read.
//!
//! - At most [`BUSY_MAX`] markets at once, [`PAGE_ROWS`] rows a reading, [`MESSAGE_ROWS`] a message: beyond, rows stay in
//!   the outbox.
//! - A row that can't be understood, or that its market refuses, becomes a dead letter and leaves; so does a vote of a wallet
//!   that may not vote, or one on a dispute whose window is over (`electorate`). Where that can't be known now, votes stay for
//!   [`VOTES_AGAIN_AFTER`], and all else goes on.
//! - An append that the journal refuses may be one row's fault: the rows of that message come again one by one, and the
//!   one that is refused alone leaves.

pub mod electorate;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use actix::prelude::*;
use tokio::sync::mpsc;

use self::electorate::Electorate;
use super::{
    bell::{Bell, ring_on},
    registry::{OpenMarket, Registry},
    retry,
    stream::{RefusedWrite, Written, WrittenError, WrittenRow},
    supervision::{Crash, DeathGuard, Link},
    trouble::Lasting,
};
use crate::{
    domain::{ids::MarketAddress, user_write::UserWrite},
    journal::{
        connector::Connector,
        lease::Leased,
        outbox::{self, OutboxRow, Undeliverable},
    },
    telemetry::health::{Health, Part},
};

/// Markets that may have a message in flight.
pub const BUSY_MAX: usize = 256;
/// Rows of one reading.
pub const PAGE_ROWS: usize = 512;
/// Rows of one message.
pub const MESSAGE_ROWS: usize = 256;
/// It looks so often, whether it was told of rows or not.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A row that has been waiting for longer turns readiness down.
const WAITS_MAX_SECONDS: u64 = 30;
/// A market that can't take anything now is asked again after so long.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Where nobody knows now who may vote, votes are looked at again after so long.
const VOTES_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What the reader works with.
#[derive(Clone)]
pub struct OutboxParts {
    /// Of its arbiter.
    pub pool: Leased,
    /// For the connection that listens.
    pub listen: Connector,
    /// The way to markets.
    pub registry: Link<Registry>,
    /// Where it is told how long rows wait.
    pub health: Health,
    /// Whose votes count.
    pub electorate: Arc<Electorate>,
}

/// What became of a message.
enum Sent {
    /// Each row is durable, but these.
    Done(Vec<RefusedWrite>),
    /// Nothing is known: what is still there is read again.
    Again,
    /// The journal refused an append that they were in.
    Refused(String),
}

/// What was found out about who may vote.
enum Electors {
    /// No vote was among the rows, or the API has taken all of them.
    NotAsked,
    /// Who may and who may not.
    Known,
    /// Nothing, and why.
    Unknown(String),
}

/// See the module.
pub struct OutboxReader {
    parts: OutboxParts,
    busy: HashSet<MarketAddress>,
    /// Markets whose next rows are sent one by one, and how many of them.
    alone: HashMap<MarketAddress, usize>,
    /// Nobody knows now who may vote.
    votes_wait: bool,
    /// Nobody did the last time.
    votes_waited: bool,
    reading: bool,
    read_again: bool,
    asking_age: bool,
    trouble: Lasting,
    guard: DeathGuard,
}

impl OutboxReader {
    /// A reader that has sent nothing yet.
    pub fn new(parts: OutboxParts, guard: DeathGuard) -> Self {
        Self {
            parts,
            busy: HashSet::new(),
            alone: HashMap::new(),
            votes_wait: false,
            votes_waited: false,
            reading: false,
            read_again: false,
            asking_age: false,
            trouble: Lasting::default(),
            guard,
        }
    }

    /// Reads a page, if none is being read. Messages are sent only here, so a market that is not busy when a reading begins
    /// is not busy when it ends.
    fn read(&mut self, ctx: &mut Context<Self>) {
        if self.reading || self.busy.len() >= BUSY_MAX {
            self.read_again = true;
            return;
        }
        (self.reading, self.read_again) = (true, false);
        let (pool, busy) = (self.parts.pool.clone(), self.busy.iter().copied().collect::<Vec<_>>());
        let with_all_votes = !self.votes_wait;
        let read = async move { outbox::page(pool.pool(), &busy, with_all_votes, PAGE_ROWS).await };
        ctx.spawn(read.into_actor(self).map(|page, actor, ctx| {
            actor.reading = false;
            match page {
                Ok(rows) => {
                    if let Some(failures) = actor.trouble.over() {
                        log::info!("the outbox can be read again after {failures} failures");
                    }
                    actor.read_again |= rows.len() >= PAGE_ROWS;
                    actor.deliver(rows, ctx);
                }
                // It looks again in a second; the writer tells readiness of a database that is away.
                Err(error) => return log::log!(actor.trouble.failed(), "the outbox can't be read: {error}"),
            }
            if actor.read_again && actor.busy.len() < BUSY_MAX {
                actor.read(ctx);
            }
        }));
    }

    fn deliver(&mut self, rows: Vec<OutboxRow>, ctx: &mut Context<Self>) {
        let mut by_market: BTreeMap<MarketAddress, Vec<OutboxRow>> = BTreeMap::new();
        for row in rows {
            by_market.entry(row.market).or_default().push(row);
        }
        for (market, mut rows) in by_market {
            if self.busy.len() >= BUSY_MAX {
                self.read_again = true;
                break;
            }
            let alone = self.alone.contains_key(&market);
            let most = if alone { 1 } else { MESSAGE_ROWS };
            if rows.len() > most {
                rows.truncate(most);
                self.read_again = true;
            }
            self.busy.insert(market);
            self.guard.waits(self.busy.len(), BUSY_MAX);
            self.send(market, rows, alone, ctx);
        }
    }

    fn send(&mut self, market: MarketAddress, rows: Vec<OutboxRow>, alone: bool, ctx: &mut Context<Self>) {
        let (mut bad, mut writes, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            match self.usable(row) {
                Ok(write) => {
                    asked.extend(self.parts.electorate.asks(row, &write));
                    writes.push(WrittenRow { id: row.id, write, request_id: row.request_id });
                }
                Err(reason) => bad.push(Undeliverable { row: row.clone(), reason }),
            }
        }
        let (registry, pool) = (self.parts.registry.clone(), self.parts.pool.clone());
        let (electorate, metrics) = (Arc::clone(&self.parts.electorate), self.parts.health.metrics().clone());
        let work = async move {
            let judged = electorate.judge(&pool, &asked).await;
            writes.retain(|WrittenRow { id, .. }| match &judged {
                // What was asked about stays where it is.
                Err(_) => !asked.iter().any(|ballot| ballot.row() == *id),
                Ok(refused) => {
                    let why = refused.get(id).zip(rows.iter().find(|row| row.id == *id));
                    bad.extend(why.map(|(reason, row)| Undeliverable { row: row.clone(), reason: reason.clone() }));
                    why.is_none()
                }
            });
            let electors = match judged {
                Err(reason) => Electors::Unknown(reason),
                Ok(_) if asked.is_empty() => Electors::NotAsked,
                Ok(_) => Electors::Known,
            };
            let sent = match writes.is_empty() {
                true if alone && matches!(electors, Electors::Unknown(_)) => Sent::Again,
                true => Sent::Done(Vec::new()),
                false => send(&registry, market, writes, alone).await,
            };
            let refused: HashMap<i64, String> = match &sent {
                Sent::Done(refused) => refused.iter().map(|refused| (refused.id, refused.why.to_string())).collect(),
                Sent::Refused(reason) if alone => rows.iter().map(|row| (row.id, reason.clone())).collect(),
                Sent::Refused(_) | Sent::Again => HashMap::new(),
            };
            let left = rows.len();
            bad.extend(rows.into_iter().filter_map(|row| {
                let reason = refused.get(&row.id)?.clone();
                Some(Undeliverable { row, reason })
            }));
            for Undeliverable { row, reason } in &bad {
                let request = row.request_id.map(|id| format!(" (request {id})")).unwrap_or_default();
                log::warn!("row {} of the outbox, of market {market}, is dropped{request}: {reason}", row.id);
            }
            retry("rows of the outbox can't be dropped", || outbox::refuse(&pool, &bad)).await;
            metrics.note(|counts| counts.outbox_dropped.inc_by(bad.len() as u64));
            (sent, left, electors)
        };
        ctx.spawn(work.into_actor(self).map(move |(sent, count, electors), actor, ctx| {
            actor.busy.remove(&market);
            actor.guard.waits(actor.busy.len(), BUSY_MAX);
            match electors {
                Electors::Unknown(reason) => actor.let_votes_wait(&reason, ctx),
                Electors::Known => actor.votes_waited = false,
                Electors::NotAsked => {}
            }
            match sent {
                Sent::Refused(_) if !alone => {
                    actor.alone.insert(market, count);
                }
                Sent::Done(_) | Sent::Refused(_) if alone => {
                    let left = actor.alone.remove(&market).unwrap_or(0).saturating_sub(1);
                    if left > 0 {
                        actor.alone.insert(market, left);
                    }
                }
                _ => {}
            }
            // There may be more of it.
            actor.read(ctx);
        }));
    }

    /// What a row is, if it may become an entry.
    fn usable(&self, row: &OutboxRow) -> Result<UserWrite, String> {
        let write = row.write.clone()?;
        if let Some(reason) = self.parts.electorate.refuses(&write).filter(|_| !row.is_admitted) {
            return Err(reason.to_owned());
        }
        if let UserWrite::Vote(cast) = &write
            && !cast.is_genuine(row.market)
        {
            return Err("the signature is not the wallet's over this vote".to_owned());
        }
        Ok(write)
    }

    /// Votes that the API has not taken stay in the outbox for a while; what else users write goes on.
    fn let_votes_wait(&mut self, reason: &str, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.votes_wait, true) {
            return;
        }
        if !std::mem::replace(&mut self.votes_waited, true) {
            log::warn!("it can't be known now who may vote, votes wait: {reason}");
        }
        ctx.run_later(VOTES_AGAIN_AFTER, |actor, ctx| {
            actor.votes_wait = false;
            actor.read(ctx);
        });
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.read(ctx);
        if !self.asking_age {
            self.asking_age = true;
            let pool = self.parts.pool.clone();
            let ask = async move { outbox::oldest_age_seconds(pool.pool()).await };
            ctx.spawn(ask.into_actor(self).map(|age, actor, _| {
                actor.asking_age = false;
                if let Ok(age) = &age {
                    let age = age.unwrap_or(0).try_into().unwrap_or(i64::MAX);
                    actor.parts.health.metrics().note(|counts| counts.outbox_age.set(age));
                }
                match age {
                    Ok(Some(age)) if age > WAITS_MAX_SECONDS => {
                        actor.parts.health.down(Part::Outbox, format!("a user's write has been waiting for {age} s"));
                    }
                    Ok(_) => actor.parts.health.up(Part::Outbox),
                    Err(error) => log::debug!("the outbox can't be asked: {error}"),
                }
            }));
        }
    }
}

/// Sends rows to a market's actor and waits for what becomes of them, as long as it takes.
async fn send(registry: &Link<Registry>, market: MarketAddress, rows: Vec<WrittenRow>, alone: bool) -> Sent {
    let Some(registry) = registry.get() else {
        tokio::time::sleep(AGAIN_AFTER).await;
        return Sent::Again;
    };
    let sent = match registry.send(OpenMarket(market)).await {
        Ok(Ok(addr)) => addr.send(Written { rows, alone }).await.unwrap_or(Err(WrittenError::Gone)),
        Ok(Err(_)) | Err(_) => Err(WrittenError::Busy),
    };
    match sent {
        Ok(refused) => Sent::Done(refused),
        Err(WrittenError::Refused(reason)) => Sent::Refused(reason),
        Err(WrittenError::Busy | WrittenError::Gone) => {
            tokio::time::sleep(AGAIN_AFTER).await;
            Sent::Again
        }
    }
}

impl Actor for OutboxReader {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (bell, mut bells) = mpsc::channel(1);
        ctx.add_stream(futures_util::stream::poll_fn(move |cx| bells.poll_recv(cx)));
        ctx.spawn(ring_on(self.parts.listen.clone(), outbox::CHANNEL, bell).into_actor(self));
        ctx.run_interval(LOOK_EVERY, Self::tick);
        self.tick(ctx);
    }
}

impl StreamHandler<Bell> for OutboxReader {
    fn handle(&mut self, _: Bell, ctx: &mut Self::Context) {
        self.read(ctx);
    }
}

impl Handler<Crash> for OutboxReader {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the outbox's reader was asked to crash");
    }
}
