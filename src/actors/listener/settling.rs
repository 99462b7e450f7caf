//! What follows when transactions are settled: staged ones are forgotten, there may be room for more, the cursor is stored.
//!
//! Owns those whose rows are still to be deleted. One transaction of the database at a time takes all that were settled since
//! the one before: one for each settled batch would cost more than what it deletes.

use actix::prelude::*;

use super::{Listener, retry};
use crate::{
    domain::ids::TxSignature,
    journal::staging::{self, Cursor, DeadLetter, Done, Staged, StagedPlace},
};

/// Signatures that are forgotten in one transaction.
const UNSTAGED_AT_ONCE: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unstaging {
    /// As many as the window, since they stay in `staged_out` until they are forgotten. Those that were given up have a letter.
    settled: Vec<(Done, Option<Box<DeadLetter>>)>,
    is_busy: bool,
}

impl Unstaging {
    /// One is given up: it is forgotten when its letter is kept.
    pub(super) fn given_up(&mut self, staged: Staged, letter: DeadLetter) {
        self.settled.push(((staged.signature, staged.slot), Some(Box::new(letter))));
    }
}

/// How far staged transactions were given away: those behind it are all still to be read. Those before it are out, or settled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StagedWalk {
    after: Option<StagedPlace>,
    /// Which walk this is: what an earlier one has reached is no news.
    number: u64,
}

impl StagedWalk {
    /// `None`: at the oldest.
    pub(super) fn after(self) -> Option<StagedPlace> {
        self.after
    }

    /// Some are staged, or are to be read once more, that may be older.
    pub(super) fn begin_again(&mut self) {
        *self = Self { after: None, number: self.number + 1 };
    }

    /// What was read from `walk` on has been given away up to here; false if that walk is no more: it says nothing of what is
    /// staged now.
    pub(super) fn reached(&mut self, walk: Self, last: Option<StagedPlace>) -> bool {
        let goes_on = self.number == walk.number;
        if goes_on {
            self.after = last.or(self.after);
        }
        goes_on
    }
}

impl Listener {
    /// Others stage, too: letters that are tried again. Each list is a reason to look once more, however little it finds.
    pub(super) fn look_at_staged(&mut self) {
        self.drained = false;
        self.staged_walk.begin_again();
    }

    /// Transactions are settled: staged ones are forgotten, and there may be room for more.
    pub(super) fn settled(&mut self, signatures: Vec<TxSignature>, ctx: &mut Context<Self>) {
        let slot = |signature| self.staged_out.get(&signature).map(|slot| ((signature, *slot), None));
        self.unstaging.settled.extend(signatures.into_iter().filter_map(slot));
        self.unstage(ctx);
        self.dispatch(ctx);
        self.resume_live_if_room(ctx);
        self.finish_pass(ctx);
    }

    fn unstage(&mut self, ctx: &mut Context<Self>) {
        if self.unstaging.is_busy || self.unstaging.settled.is_empty() {
            return;
        }
        self.unstaging.is_busy = true;
        let some = self.unstaging.settled.len().min(UNSTAGED_AT_ONCE);
        let (unstaged, letters): (Vec<_>, Vec<_>) = self.unstaging.settled.drain(..some).unzip();
        let letters: Vec<DeadLetter> = letters.into_iter().flatten().map(|letter| *letter).collect();
        let pool = self.parts.pool.clone();
        let work = async move {
            retry("staged signatures can't be forgotten", || staging::unstage(&pool, &unstaged, &letters)).await;
            unstaged
        };
        ctx.spawn(work.into_actor(self).map(|unstaged, actor, ctx| {
            actor.unstaging.is_busy = false;
            actor.backfilling.note_settled(unstaged.len());
            for (signature, _) in unstaged {
                actor.staged_out.remove(&signature);
            }
            actor.unstage(ctx);
            actor.drain(ctx);
            actor.finish_pass(ctx);
        }));
    }

    /// One at a time: while the database is away, later ones take the place of each other.
    pub(super) fn save_cursor(&mut self, cursor: Cursor, ctx: &mut Context<Self>) {
        if self.saving_cursor {
            return;
        }
        self.saving_cursor = true;
        let (pool, program) = (self.parts.pool.clone(), self.parts.program);
        let save =
            async move { retry("the cursor can't be stored", || staging::save_cursor(&pool, program, cursor)).await };
        ctx.spawn(save.into_actor(self).map(move |(), actor, ctx| {
            actor.saving_cursor = false;
            actor.cursor_is_stored(cursor);
            if let Some(newest) = actor.cursor.filter(|newest| *newest != cursor) {
                actor.save_cursor(newest, ctx);
            }
        }));
    }
}
