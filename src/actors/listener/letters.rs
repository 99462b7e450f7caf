//! Dead letters that somebody tries again: their transactions were staged by another hand than the listener's.
//!
//! A pass takes for known what has been settled, and for drained what had nothing staged when it last looked. Neither holds for a
//! letter that was put back: so each pass asks which there are, forgets what it remembers of them, and looks once more. One that
//! the node still does not have is given up at the first reading: it has waited long enough, holds up nobody, and the accounts
//! were compared when it was first given up.

use actix::prelude::*;

use super::Listener;
use crate::journal::dead_letters;

impl Listener {
    /// Finds them. One that can't be asked for now is found by the next pass.
    pub(super) fn look_for_letters(&mut self, ctx: &mut Context<Self>) {
        let pool = self.parts.pool.clone();
        let look = async move { dead_letters::trying(pool.pool()).await };
        ctx.spawn(look.into_actor(self).map(|found, actor, ctx| {
            let found = match found {
                Ok(found) => found,
                Err(error) => return log::debug!("letters that are tried again are looked for later: {error}"),
            };
            // What was given away already is on its way.
            let new: Vec<_> = found.iter().filter(|signature| !actor.staged_out.contains(*signature)).collect();
            if new.is_empty() {
                return;
            }
            new.into_iter().for_each(|signature| actor.window.try_again(*signature));
            actor.drained = false;
            actor.staged_walk.begin_again();
            actor.drain(ctx);
        }));
    }
}
