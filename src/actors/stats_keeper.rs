//! StatsKeeper: takes the figures of markets again where something moved (`journal::stats`).
//!
//! Owns nothing but a connection: what is due is in PostgreSQL, so it may die at any point. One pass at a time, bounded;
//! while there is more to do the next follows at once, else at the next tick. Whoever reads figures reads those of the last
//! pass: readiness does not depend on it.

use std::time::{Duration, SystemTime};

use actix::prelude::*;
use deadpool_postgres::Client;

use super::{
    supervision::{Crash, DeathGuard},
    trouble::Lasting,
};
use crate::journal::{JournalError, lease::Leased, stats};

/// A pass that takes longer is given up, with its connection.
const PASS_MAX: Duration = Duration::from_secs(30);
/// After a failure, and between passes that follow each other.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
const PAUSE_BETWEEN: Duration = Duration::from_millis(5);

/// See the module.
pub struct StatsKeeper {
    pool: Leased,
    is_busy: bool,
    trouble: Lasting,
    _guard: DeathGuard,
}

impl StatsKeeper {
    /// A keeper that works at each [`StatsTick`].
    pub fn new(pool: Leased, guard: DeathGuard) -> Self {
        Self { pool, is_busy: false, trouble: Lasting::default(), _guard: guard }
    }
}

impl Actor for StatsKeeper {
    type Context = Context<Self>;
}

/// Look for work.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StatsTick;

impl Handler<StatsTick> for StatsKeeper {
    type Result = ();

    fn handle(&mut self, _: StatsTick, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.is_busy, true) {
            return;
        }
        let pool = self.pool.clone();
        ctx.spawn(actix::fut::wrap_future(work(pool)).map(|worked, keeper: &mut Self, ctx: &mut Context<Self>| {
            match worked {
                Ok(()) => {
                    keeper.is_busy = false;
                    if let Some(failures) = keeper.trouble.over() {
                        log::info!("figures of markets are taken again after {failures} failures");
                    }
                }
                Err(error) => {
                    log::log!(keeper.trouble.failed(), "figures of markets can't be taken now: {error}");
                    ctx.run_later(PAUSE_AFTER_FAILURE, |keeper, _| keeper.is_busy = false);
                }
            }
        }));
    }
}

impl Handler<Crash> for StatsKeeper {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the stats keeper was asked to crash");
    }
}

/// Passes until nothing is due.
async fn work(pool: Leased) -> Result<(), JournalError> {
    while pass(&pool).await? {
        tokio::time::sleep(PAUSE_BETWEEN).await;
    }
    Ok(())
}

/// True: there is more to do.
async fn pass(pool: &Leased) -> Result<bool, JournalError> {
    let mut client = pool.get().await?;
    let Ok(passed) = tokio::time::timeout(PASS_MAX, in_transaction(pool, &mut client)).await else {
        drop(Client::take(client));
        return Err(JournalError::NoAnswer(PASS_MAX));
    };
    passed
}

async fn in_transaction(pool: &Leased, client: &mut Client) -> Result<bool, JournalError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let tx = pool.begin(client).await?;
    let passed = stats::pass(&tx, i64::try_from(now).unwrap_or(i64::MAX)).await?;
    tx.commit().await?;
    Ok(passed.more)
}
