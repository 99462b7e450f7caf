//! Keeping deliveries: all that have come while a transaction was under way are committed by the next one together.
//!
//! So one alone is kept at once, and thousands a second cost a few hundred commits. Owns a connection's worth of work and
//! nothing else: what waits here holds its own body, and the place in memory that the gate gave it for that. Who is not answered in time is told that nothing is
//! known, and sends again: a body is kept once.

use std::{cell::RefCell, collections::HashSet, time::Duration};

use actix_web::web::Bytes;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};

use crate::{
    faults,
    http::{error::ApiError, pool::ReadPool},
    journal::{
        deliveries::{self, Sha256Bytes, Waiting},
        rights::{self, Access, Acting},
    },
};

/// Deliveries that wait for the transaction under way.
const WAITING_MAX: usize = 1_024;
/// Of one transaction.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// A commit has so long. Senders wait for a second or a few, and then send again.
const COMMIT_PATIENCE: Duration = Duration::from_secs(4);
/// What waits to be worked off is counted so often; what comes in between is added.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Bodies that may wait to be worked off, in bytes.
const STORED_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A delivery is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// By this.
    New,
    /// It was already.
    Known,
}

/// A delivery is not known to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// Too many wait to be worked off.
    Full,
    /// The database gives no answer, or there is too much before it.
    NoAnswer,
}

#[derive(Debug)]
struct Arrival {
    name: Sha256Bytes,
    body: Bytes,
    /// Its room in memory: taken as long as the body is there, also where its sender has hung up.
    _place: OwnedSemaphorePermit,
    reply: oneshot::Sender<Result<Kept, NotKept>>,
}

/// See the module; one a worker.
#[derive(Debug)]
pub struct Intake {
    pool: ReadPool,
    rows_max: u64,
    arrivals: RefCell<Option<mpsc::Sender<Arrival>>>,
}

impl Intake {
    /// Into that database, while fewer than so many rows wait there.
    pub fn new(pool: ReadPool, rows_max: u64) -> Self {
        Self { pool, rows_max, arrivals: RefCell::default() }
    }

    /// Keeps one, which has that place in memory.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn keep(&self, body: Bytes, place: OwnedSemaphorePermit) -> Result<Kept, NotKept> {
        let (reply, answer) = oneshot::channel();
        let arrival = Arrival { name: Sha256::digest(&body).into(), body, _place: place, reply };
        self.arrivals().try_send(arrival).map_err(|_| NotKept::NoAnswer)?;
        answer.await.unwrap_or(Err(NotKept::NoAnswer))
    }

    /// To whoever keeps them: another one if a panic ended it.
    fn arrivals(&self) -> mpsc::Sender<Arrival> {
        let mut arrivals = self.arrivals.borrow_mut();
        match arrivals.as_ref().filter(|arrivals| !arrivals.is_closed()) {
            Some(arrivals) => arrivals.clone(),
            None => {
                let (sender, receiver) = mpsc::channel(WAITING_MAX);
                actix_web::rt::spawn(Keeper::new(self.pool.clone(), self.rows_max).run(receiver));
                *arrivals = Some(sender.clone());
                sender
            }
        }
    }
}

struct Keeper {
    pool: ReadPool,
    rows_max: u64,
    /// As counted, and when.
    waiting: Option<(Waiting, Instant)>,
}

impl Keeper {
    fn new(pool: ReadPool, rows_max: u64) -> Self {
        Self { pool, rows_max, waiting: None }
    }

    async fn run(mut self, mut arrivals: mpsc::Receiver<Arrival>) {
        while let Some(first) = arrivals.recv().await {
            let (mut bytes, mut batch) = (first.body.len(), vec![first]);
            while batch.len() < BATCH_ROWS
                && bytes < BATCH_BYTES
                && let Ok(next) = arrivals.try_recv()
            {
                bytes += next.body.len();
                batch.push(next);
            }
            let kept = tokio::time::timeout(COMMIT_PATIENCE, self.keep(&batch)).await;
            let kept = match kept {
                Ok(Ok(kept)) => Some(kept),
                Ok(Err(error)) => {
                    log::warn!("{} deliveries are not kept: {error}", batch.len());
                    None
                }
                Err(_) => {
                    log::warn!("{} deliveries are not kept: the database does not answer", batch.len());
                    None
                }
            };
            if kept.is_some() {
                faults::reached("webhook:kept");
            } else {
                self.waiting = None;
            }
            for Arrival { name, reply, .. } in batch {
                let answer = match &kept {
                    None => Err(NotKept::NoAnswer),
                    Some(kept) if kept.new.contains(&name) => Ok(Kept::New),
                    Some(kept) if kept.known.contains(&name) => Ok(Kept::Known),
                    Some(_) => Err(NotKept::Full),
                };
                // Who has hung up sends again.
                let _ = reply.send(answer);
            }
        }
    }

    async fn keep(&mut self, batch: &[Arrival]) -> Result<Batch, ApiError> {
        let mut client = self.pool.get().await?;
        let counted = self.waiting.filter(|(_, at)| at.elapsed() < COUNT_EVERY).map(|(waiting, _)| waiting);
        let rows_max = self.rows_max;
        let (batch, waiting) = rights::run(&mut client, Acting::Engine, Access::Write, async move |tx| {
            let mut waiting = match counted {
                Some(waiting) => waiting,
                None => deliveries::waiting_in(tx).await?,
            };
            // As many as there is room for; the others are told so, unless they are there already.
            let room = usize::try_from(rows_max.saturating_sub(waiting.rows)).unwrap_or(usize::MAX);
            let room = if waiting.bytes >= STORED_BYTES_MAX { 0 } else { room };
            let (fit, rest) = batch.split_at(room.min(batch.len()));
            let mut kept = Batch::default();
            if !fit.is_empty() {
                let fit: Vec<_> = fit.iter().map(|arrival| (arrival.name, &arrival.body[..])).collect();
                kept.new = deliveries::keep(tx, &fit).await?;
                kept.known.extend(fit.iter().map(|(name, _)| *name));
            }
            if !rest.is_empty() {
                let names: Vec<_> = rest.iter().map(|arrival| arrival.name).collect();
                kept.known.extend(deliveries::kept(tx, &names).await?);
            }
            waiting.rows += kept.new.len() as u64;
            waiting.bytes += fit.iter().map(|arrival| arrival.body.len() as u64).sum::<u64>();
            Ok::<_, ApiError>((kept, waiting))
        })
        .await?;
        let at = self.waiting.filter(|_| counted.is_some()).map_or_else(Instant::now, |(_, at)| at);
        self.waiting = Some((waiting, at));
        Ok(batch)
    }
}

/// What is committed.
#[derive(Debug, Default)]
struct Batch {
    new: HashSet<Sha256Bytes>,
    known: HashSet<Sha256Bytes>,
}
