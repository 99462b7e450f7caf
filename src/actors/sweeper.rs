//! Sweeper: has what is of no more use deleted (`journal::sweep`), again and again.
//!
//! Owns nothing but its timer. One pass at a time; a pass that fails is logged and left to the next. Nothing depends on
//! when it runs.

use std::time::Duration;

use actix::prelude::*;
use deadpool_postgres::Pool;

use super::supervision::{Crash, DeathGuard};
use crate::journal::sweep::sweep;

/// Between two passes.
const PAUSE: Duration = Duration::from_secs(60);

/// See the module.
pub struct Sweeper {
    pool: Pool,
    _guard: DeathGuard,
}

impl Sweeper {
    /// Over that database.
    pub fn new(pool: Pool, guard: DeathGuard) -> Self {
        Self { pool, _guard: guard }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        let pool = self.pool.clone();
        ctx.spawn(async move { sweep(&pool).await }.into_actor(self).map(|swept, _, ctx| {
            match swept {
                Ok(swept) => swept.iter().filter(|(_, rows)| *rows > 0).for_each(|(name, rows)| {
                    log::debug!("{rows} {name} were swept");
                }),
                Err(error) => log::warn!("nothing was swept: {error}"),
            }
            ctx.run_later(PAUSE, |actor, ctx| actor.begin(ctx));
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
