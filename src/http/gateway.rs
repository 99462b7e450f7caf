//! The Gateway: one actor a worker, whom handlers ask.
//!
//! A handler parses, sends one message and answers with what comes back; what it takes to find the answer (the registry,
//! the journal) is known here only. Owns its worker's connections for reading, since a connection lives on the runtime
//! that made it. Requests in flight are counted by who sends ([`GatewayHandle`]): past the bound the answer is
//! UNAVAILABLE at once, because an actor's mailbox has no bound of its own.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use actix::prelude::*;
use deadpool_postgres::Transaction;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::{
    auth::caller::Caller,
    desk::Desk,
    error::{ApiError, ErrorCode},
    pool::ReadPool,
};
use crate::{
    actors::{
        registry::{ConfigHandle, MarketHandle, RegistryHandle},
        stream::{ReadError, ReadMarket, ReleasedConfig, ReleasedMarket, pulse::Pulse},
        supervision::start_tended_here,
    },
    domain::{
        config::ProgramConfig,
        ids::{MarketAddress, MarketSeed},
        market::Market,
        phase::Phase,
    },
    journal::{
        read,
        rights::{self, Access, Acting, Claims},
    },
    telemetry::{census::GATEWAY, health::Health, request},
};

/// Most requests in flight in a gateway; past it UNAVAILABLE.
pub const MAX_IN_FLIGHT: usize = 512;
/// Exports at once, of a worker; each holds a connection.
pub const EXPORTS_MAX: usize = 2;
/// Longest that an answer may take; past it TIMEOUT.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for what an answer can do without.
const PATIENCE_FOR_EXTRAS: Duration = Duration::from_millis(500);

/// How a request names a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarketRef {
    /// By its account.
    Address(MarketAddress),
    /// By the seed that it was made from.
    Seed(MarketSeed),
}

/// A text names no market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Must be an account address (base58 of 32 bytes) or a market seed (64 hexadecimal digits).")]
pub struct BadMarketRef;

impl std::str::FromStr for MarketRef {
    type Err = BadMarketRef;
    fn from_str(text: &str) -> Result<Self, BadMarketRef> {
        // An address has at most 44 digits, a seed 64: no text is both.
        let address = || text.parse().map(Self::Address).map_err(|_| BadMarketRef);
        text.parse().map(Self::Seed).or_else(|_| address())
    }
}

/// What can be asked of a gateway.
pub trait Question: Send + 'static {
    /// What is answered.
    type Answer: Send + 'static;
    /// Find the answer.
    fn answer(self, reads: Arc<Reads>) -> impl Future<Output = Result<Self::Answer, ApiError>>;
}

/// Where answers come from.
#[derive(Debug)]
pub struct Reads {
    registry: RegistryHandle,
    pool: ReadPool,
    /// For exports alone, which hold a connection for as long as their reader reads.
    exports: ReadPool,
    config: Mutex<Option<ConfigHandle>>,
    desk: Option<Arc<Desk>>,
    health: Option<Health>,
}

impl Reads {
    /// Answers from the actors behind `registry` and from the journal.
    pub fn new(registry: RegistryHandle, pool: ReadPool) -> Self {
        let exports = pool.beside(EXPORTS_MAX);
        Self { registry, pool, exports, config: Mutex::default(), desk: None, health: None }
    }

    /// With what is known of streams that may be behind the chain.
    pub fn with_health(self, health: Health) -> Self {
        Self { health: Some(health), ..self }
    }

    /// `again`: the one before had died.
    fn start_gateway(self: &Arc<Self>, again: bool) -> Addr<Gateway> {
        let gauge = self.health.as_ref().map(|health| health.census().worker_begins(GATEWAY, again));
        start_tended_here(GATEWAY, &gauge.unwrap_or_default(), Gateway { reads: Arc::clone(self) })
    }

    /// Something new of a user's may be taken now.
    ///
    /// # Errors
    /// PAUSED, by an operator's word.
    pub fn takes(&self) -> Result<(), ApiError> {
        let is_paused = self.health.as_ref().is_some_and(|health| health.intake().is_paused());
        if is_paused { Err(ApiError::paused()) } else { Ok(()) }
    }

    /// The market may be behind the chain: known without asking its actor, which may not run.
    pub fn is_stale(&self, market: MarketAddress) -> bool {
        self.health.as_ref().is_some_and(|health| health.why_stale(market.account()).is_some())
    }

    /// With a desk that builds transactions.
    pub fn with_desk(self, desk: Option<Arc<Desk>>) -> Self {
        Self { desk, ..self }
    }

    /// The desk.
    ///
    /// # Errors
    /// UNAVAILABLE where the process was started without the chain.
    pub fn desk(&self) -> Result<&Desk, ApiError> {
        self.desk.as_deref().ok_or_else(|| ApiError::unavailable("Transactions are not built here."))
    }

    /// Reads the database in one transaction, as anybody may: what it sees is of one moment.
    ///
    /// # Errors
    /// What the question answers; UNAVAILABLE if the database does not answer now, TIMEOUT if a statement takes too long.
    pub async fn read<T>(
        &self,
        question: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.run(Acting::Anyone, Access::Read, question).await
    }

    /// As [`Reads::read`], on a connection that no other request waits for.
    ///
    /// # Errors
    /// As there.
    pub async fn export<T>(
        &self,
        question: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut client = self.exports.get().await?;
        rights::run(&mut client, Acting::Anyone, Access::Read, question).await
    }

    /// As [`Reads::read`], as the caller may, if there is one.
    ///
    /// # Errors
    /// As there.
    pub async fn read_for<T>(
        &self,
        caller: Option<&Caller>,
        question: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.run(caller.map_or(Acting::Anyone, Acting::from), Access::Read, question).await
    }

    /// One transaction of the caller's, under the caller's rights; committed if the effect answers `Ok`.
    ///
    /// # Errors
    /// What the effect answers, and what the database's rules say: FORBIDDEN, CONFLICT, NOT_FOUND, VALIDATION_ERROR;
    /// UNAVAILABLE, TIMEOUT. Nothing was written then, except that a lost answer to COMMIT (UNAVAILABLE) leaves it open.
    pub async fn write<T>(
        &self,
        caller: &Caller,
        effect: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.run(caller.into(), Access::Write, effect).await
    }

    /// One transaction of the engine's own (sessions, submissions), which no user's rights reach.
    ///
    /// # Errors
    /// As [`Reads::write`].
    pub async fn engine<T>(
        &self,
        effect: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.run(Acting::Engine, Access::Write, effect).await
    }

    /// A connection, for one transaction of [`rights`] and nothing else.
    pub(super) async fn connection(&self) -> Result<deadpool_postgres::Object, ApiError> {
        Ok(self.pool.get().await?)
    }

    /// As [`Reads::engine`], without writing.
    ///
    /// # Errors
    /// As [`Reads::read`].
    pub async fn engine_read<T>(
        &self,
        question: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.run(Acting::Engine, Access::Read, question).await
    }

    async fn run<T>(
        &self,
        acting: Acting,
        access: Access,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut client = self.connection().await?;
        rights::run(&mut client, acting, access, work).await
    }

    /// The market's account.
    ///
    /// # Errors
    /// NOT_FOUND for a seed that no market was made from.
    pub async fn address(&self, market: MarketRef) -> Result<MarketAddress, ApiError> {
        match market {
            MarketRef::Address(address) => Ok(address),
            MarketRef::Seed(seed) => {
                let found = self.read(async |tx| Ok(read::market_address_by_seed(tx, seed).await?)).await?;
                found.ok_or_else(|| ReadError::Unknown.into())
            }
        }
    }

    /// The market as the world may see it.
    ///
    /// # Errors
    /// NOT_FOUND, or UNAVAILABLE while it is being loaded or restarted.
    pub async fn released(&self, market: MarketRef) -> Result<ReleasedMarket, ApiError> {
        Ok(self.observed(market).await?.0)
    }

    /// As [`Reads::released`], and how to tell whether it is still so.
    ///
    /// # Errors
    /// As there.
    pub async fn observed(&self, market: MarketRef) -> Result<(ReleasedMarket, Observed), ApiError> {
        let address = self.address(market).await?;
        // An actor that is gone is found once more: it may just have been restarted.
        for _ in 0..2 {
            let read = match self.registry.market(address).await {
                Ok(handle) => {
                    let seen = Observed::of(&handle);
                    handle.read().await.map(|released| (released, seen))
                }
                Err(error) => Err(error),
            };
            match read {
                Ok(released) => return Ok(released),
                Err(ReadError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ReadError::Gone.into())
    }

    /// The dispute period in force, if any of these markets needs it and it can be had at once.
    pub async fn dispute_period_seconds(&self, markets: impl IntoIterator<Item = &Market>) -> Option<i64> {
        if !markets.into_iter().any(|market| market.phase == Phase::Resolving) {
            return None;
        }
        self.config_at_once().await.map(|config| config.dispute_period_seconds)
    }

    /// The program's config, if it can be had at once.
    pub async fn config_at_once(&self) -> Option<Arc<ProgramConfig>> {
        tokio::time::timeout(PATIENCE_FOR_EXTRAS, self.released_config()).await.ok()?.ok()?.config
    }

    /// The program's config.
    ///
    /// # Errors
    /// UNAVAILABLE while it is being loaded, or before there is one.
    pub async fn program_config(&self) -> Result<Arc<ProgramConfig>, ApiError> {
        let released = self.released_config().await?;
        released.config.ok_or_else(|| ApiError::unavailable("The program has no config yet."))
    }

    /// The program's config as the world may see it.
    ///
    /// # Errors
    /// UNAVAILABLE while it is being loaded or restarted.
    pub async fn released_config(&self) -> Result<ReleasedConfig, ApiError> {
        let known = self.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let handle = match known.filter(ConfigHandle::is_alive) {
            Some(handle) => handle,
            None => {
                let handle = self.registry.config().await?;
                *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle.clone());
                handle
            }
        };
        Ok(handle.read().await?)
    }
}

/// What a market showed when it was asked: tells, without asking it again, whether it shows the same still. Does not keep
/// the market in memory, but says that it is needed.
#[derive(Debug, Clone)]
pub struct Observed {
    pulse: Weak<Pulse>,
    reads: Recipient<ReadMarket>,
    version: u64,
}

impl Observed {
    /// Before it is asked.
    fn of(handle: &MarketHandle) -> Self {
        let version = handle.held.version();
        Self { pulse: Arc::downgrade(&handle.held), reads: handle.reads.clone(), version }
    }

    /// Nothing has changed since, and the market's actor is there.
    pub fn is_current(&self) -> bool {
        let Some(pulse) = self.pulse.upgrade().filter(|_| self.reads.connected()) else { return false };
        pulse.needed();
        pulse.version() == self.version
    }
}

impl From<&Caller> for Acting {
    fn from(caller: &Caller) -> Self {
        Self::User(Claims { user: caller.user, wallet: caller.wallet, session: caller.session })
    }
}

/// The actor.
#[derive(Debug)]
pub struct Gateway {
    reads: Arc<Reads>,
}

impl Actor for Gateway {
    type Context = Context<Self>;
}

/// A question, and the place among those in flight that it holds until it is answered.
#[derive(Message)]
#[rtype(result = "Result<Q::Answer, ApiError>")]
struct Ask<Q: Question> {
    question: Q,
    place: OwnedSemaphorePermit,
    /// Of which request.
    request: Option<Uuid>,
}

impl<Q: Question> Handler<Ask<Q>> for Gateway {
    type Result = ResponseFuture<Result<Q::Answer, ApiError>>;

    fn handle(&mut self, ask: Ask<Q>, _: &mut Context<Self>) -> Self::Result {
        let reads = self.reads.clone();
        let Ask { question, place, request } = ask;
        Box::pin(request::within(request, async move {
            let answer = tokio::time::timeout(PATIENCE, question.answer(reads)).await;
            // Held to here even if the client is gone by now: the work was done all the same.
            drop(place);
            answer.unwrap_or_else(|_| Err(ApiError::new(ErrorCode::Timeout, "It took too long.")))
        }))
    }
}

/// A worker's gateway, as its handlers know it.
#[derive(Debug)]
pub struct GatewayHandle {
    reads: Arc<Reads>,
    places: Arc<Semaphore>,
    gateway: RefCell<Addr<Gateway>>,
}

impl GatewayHandle {
    /// Start a gateway on this worker.
    pub fn start(reads: Reads) -> Self {
        let reads = Arc::new(reads);
        let gateway = reads.start_gateway(false);
        Self { reads, places: Arc::new(Semaphore::new(MAX_IN_FLIGHT)), gateway: RefCell::new(gateway) }
    }

    /// Where its answers come from: for what is asked before there is a question, or is longer than an answer (exports).
    pub fn reads(&self) -> &Arc<Reads> {
        &self.reads
    }

    /// Ask, and wait for the answer.
    ///
    /// # Errors
    /// What the answer is, UNAVAILABLE past [`MAX_IN_FLIGHT`], TIMEOUT past [`PATIENCE`].
    pub async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, ApiError> {
        let busy = |_| ApiError::unavailable("Too many requests are being answered.");
        let place = self.places.clone().try_acquire_owned().map_err(busy)?;
        let lost = |_| ApiError::unavailable("The request was interrupted.");
        let gateway = self.gateway();
        gateway.send(Ask { question, place, request: request::current() }).await.map_err(lost)?
    }

    /// As [`Self::ask`], in the asker's own task instead of the actor's: what is dropped is not worked on any more, and a
    /// panic is that task's. For who has a task for each question.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn answer<Q: Question>(&self, question: Q) -> Result<Q::Answer, ApiError> {
        let busy = |_| ApiError::unavailable("Too many requests are being answered.");
        let _place = self.places.clone().try_acquire_owned().map_err(busy)?;
        let answer = tokio::time::timeout(PATIENCE, question.answer(Arc::clone(&self.reads))).await;
        answer.unwrap_or_else(|_| Err(ApiError::new(ErrorCode::Timeout, "It took too long.")))
    }

    /// The actor; a new one if a panic ended it. It has no state to lose.
    fn gateway(&self) -> Addr<Gateway> {
        let mut gateway = self.gateway.borrow_mut();
        if !gateway.connected() {
            log::warn!("a gateway died; starting another");
            *gateway = self.reads.start_gateway(true);
        }
        gateway.clone()
    }
}
