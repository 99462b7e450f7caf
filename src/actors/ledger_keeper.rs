//! LedgerKeeper: keeps ledgers, wallets' hours and the leaderboard up to date, beside the way of a trade.
//!
//! Owns when that is done: at each tick, until no note is left, one piece of work at a time; what is done is
//! `journal::ledgers`'. The append path only leaves notes, because average cost depends on the order of a position's
//! trades and a roll-back rewrites it from the middle: work that readers can wait a moment for, and the journal not. It
//! has nothing to lose: what it did not finish was rolled back, and its notes are still there.

use actix::prelude::*;
use chrono::Utc;

use super::{
    retry,
    supervision::{Crash, DeathGuard},
};
use crate::{
    domain::{amount::UnixSeconds, ledger::UnixHour},
    journal::{
        lease::Leased,
        ledgers::{move_windows, work_off},
    },
};

/// Look for work. One that comes while there is work going on is no news.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LedgerTick;

/// See the module.
pub struct LedgerKeeper {
    pool: Leased,
    is_working: bool,
    _guard: DeathGuard,
}

impl LedgerKeeper {
    /// Works over `pool`, whose connections must find every row by its key.
    pub fn new(pool: Leased, guard: DeathGuard) -> Self {
        Self { pool, is_working: false, _guard: guard }
    }
}

impl Actor for LedgerKeeper {
    type Context = Context<Self>;
}

impl Handler<LedgerTick> for LedgerKeeper {
    type Result = ();

    fn handle(&mut self, _: LedgerTick, ctx: &mut Self::Context) {
        if !std::mem::replace(&mut self.is_working, true) {
            let work = work(self.pool.clone()).into_actor(self);
            ctx.spawn(work.map(|(), actor, _| actor.is_working = false));
        }
    }
}

/// All that there is to do now.
async fn work(pool: Leased) {
    while retry("ledgers can't be kept", || work_off(&pool)).await > 0 {}
    let now = UnixHour::of(UnixSeconds(Utc::now().timestamp()));
    while retry("the leaderboard can't be kept", || move_windows(&pool, now)).await {}
}

impl Handler<Crash> for LedgerKeeper {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the keeper of ledgers was asked to crash");
    }
}
