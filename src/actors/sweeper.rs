//! Sweeper: has what is of no more use deleted (`journal::sweep`), again and again, and partitions made long before they
//! are needed (`journal::partitions`).
//!
//! Owns nothing but its timer. One pass at a time; a pass that fails is logged and left to the next. Nothing depends on
//! when it runs.

use std::time::{Duration, SystemTime};

use actix::prelude::*;

use super::supervision::{Crash, DeathGuard};
use crate::journal::{
    lease::Leased,
    partitions,
    sweep::{ROWS_MAX, Retention, sweep},
};

/// Between two passes.
const PAUSE: Duration = Duration::from_secs(60);
/// After a pass that left something.
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Sweeper {
    pool: Leased,
    retention: Retention,
    _guard: DeathGuard,
}

impl Sweeper {
    /// Over that database.
    pub fn new(pool: Leased, retention: Retention, guard: DeathGuard) -> Self {
        Self { pool, retention, _guard: guard }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        let (pool, retention) = (self.pool.clone(), self.retention);
        let pass = async move {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            if let Err(error) = partitions::keep(&pool, i64::try_from(now).unwrap_or(i64::MAX)).await {
                log::warn!("partitions can't be made now, rows go to the default one: {error}");
            }
            sweep(&pool, &retention).await
        };
        ctx.spawn(pass.into_actor(self).map(|swept, _, ctx| {
            let mut pause = PAUSE;
            match swept {
                Ok(swept) => {
                    for (name, rows) in swept.into_iter().filter(|(_, rows)| *rows > 0) {
                        log::debug!("{rows} {name} were swept");
                        if rows >= ROWS_MAX as u64 {
                            pause = SHORT_PAUSE;
                        }
                    }
                }
                Err(error) => log::warn!("nothing was swept: {error}"),
            }
            ctx.run_later(pause, |actor, ctx| actor.begin(ctx));
        }));
    }
}

impl Actor for Sweeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.begin(ctx);
    }
}

impl Handler<Crash> for Sweeper {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("the sweeper was asked to crash");
    }
}
