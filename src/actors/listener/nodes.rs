//! On which of two nodes a pass is made, and what it may conclude there.
//!
//! Two nodes know different things: one is behind, one keeps less history, one is on a fork. So a pass asks one node only, and
//! what costs something where it is wrong is not concluded from the second one alone:
//!
//! - That history ends above the cursor is believed when the first node says so, and the second as well. The one that
//!   reaches back is the one that the pass is made on. How far the second is behind says nothing of old history: it only has
//!   to have come to where the first one's begins. While it does not answer, or fails, it is waited for, up to
//!   [`SECOND_FAILS_MAX`]: what is passed over is passed over for good.
//! - Without a cursor the end of a list is the beginning of the chain: only of the first one's list.
//! - That a listed transaction is not to be had counts where the first one says so.
//! - What vanished: see `finality`.
//!
//! No pass stays on a node for ever: one that waits for a node that was left, or has failed for too long, is given up.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{Listener, coverage::Pass};
use crate::{
    chain::rpc::{ChainReadError, ChainRpc, Endpoint},
    domain::ids::Slot,
    telemetry::health::Part,
};

/// How long the second node may fail without an answer in between, while its history is needed, before the first one's word
/// stands alone.
const SECOND_FAILS_MAX: Duration = Duration::from_secs(600);
/// Before a node that failed is asked again.
pub(super) const FAILED_PAUSE: Duration = Duration::from_secs(1);

/// Where a history that reaches back to the cursor is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Search {
    /// On the node that is in use.
    #[default]
    InUse,
    /// The first one's ends too early: on the second.
    Second {
        /// Where the first one's begins: the second has to have come so far.
        joins_at: Slot,
    },
    /// The second one's does too, or it failed for too long: the first one's word stands.
    Nowhere,
}

/// What follows from a list that ended above the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The other node is asked.
    Elsewhere,
    /// Nobody reaches back.
    Nowhere,
    /// Nothing: the second one alone said so.
    Unproved,
}

/// The search, pure: it is told what happened and when.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    search: Search,
    /// Without an answer in between, while its history is needed. Kept when the search begins anew: it had its time.
    second_fails_since: Option<Instant>,
    /// That earlier lives may have recorded what the second node told is noted.
    were_noted: bool,
}

impl Nodes {
    fn needs_second(&self) -> bool {
        matches!(self.search, Search::Second { .. })
    }

    /// The list of that node ended above the cursor; it began at that slot.
    fn ended(&mut self, on: Endpoint, are_two: bool, joins_at: Slot) -> Ended {
        match (self.search, on) {
            (Search::InUse, Endpoint::First) if are_two => {
                self.search = Search::Second { joins_at };
                Ended::Elsewhere
            }
            (_, Endpoint::First) => Ended::Nowhere,
            (Search::Second { .. }, Endpoint::Second) => {
                self.search = Search::Nowhere;
                Ended::Elsewhere
            }
            (_, Endpoint::Second) => Ended::Unproved,
        }
    }

    /// A list failed on that node.
    fn failed(&mut self, on: Endpoint, now: Instant) {
        match (self.search, on) {
            (Search::Second { .. }, _) => self.second_failed(now),
            (Search::Nowhere, Endpoint::First) => self.search = Search::InUse,
            (Search::Nowhere | Search::InUse, _) => {}
        }
    }

    /// The second one did not do what it was needed for.
    fn second_failed(&mut self, now: Instant) {
        let since = *self.second_fails_since.get_or_insert(now);
        if self.needs_second() && now.saturating_duration_since(since) >= SECOND_FAILS_MAX {
            log::error!(
                "the second node, whose history may reach back, has failed for too long: the first one's counts"
            );
            self.search = Search::Nowhere;
        }
    }

    /// Is a pass on that node one that would not be made there any more?
    fn is_left(&self, on: Endpoint, in_use: Endpoint) -> bool {
        !self.needs_second() && on != in_use
    }

    /// The pass on that node is given up.
    fn given_up(&mut self, on: Endpoint) {
        if on == Endpoint::First {
            self.search = Search::InUse;
        }
    }
}

impl Listener {
    /// Chooses the node of the next pass; false if there is none that it could be made on now.
    pub(super) fn choose_node(&mut self) -> bool {
        let rpc = match self.nodes.search {
            Search::InUse => self.parts.rpc.pinned(),
            // Not before it was seen to answer, and to be of this chain.
            Search::Second { .. } if !self.parts.rpc.endpoints().second_answers() => {
                self.nodes.second_failed(Instant::now());
                self.pass_due = Instant::now() + FAILED_PAUSE;
                let reason = "the first node's history ends above the cursor, and the second one does not answer";
                self.parts.health.down(Part::Rpc, reason);
                return false;
            }
            Search::Second { .. } => self.parts.rpc.at(Endpoint::Second),
            Search::Nowhere => self.parts.rpc.at(Endpoint::First),
        };
        if rpc.endpoint() != self.pass_rpc.endpoint() {
            log::info!("coverage goes on by {}", rpc.endpoint());
            self.absent.clear();
        }
        self.pass_rpc = rpc;
        let has_cursor = self.cursor.is_some_and(|cursor| cursor.signature.is_some());
        if has_cursor || self.pass_rpc.decides() {
            return true;
        }
        self.pass_due = Instant::now() + FAILED_PAUSE;
        self.parts.health.down(Part::Rpc, "history begins where the first node says, and it does not answer");
        false
    }

    /// A pass has begun: how far the chain is.
    ///
    /// # Errors
    /// The second node, whose history is needed, has not come to where the first one's begins: what lies between would be
    /// missing, and nobody would know.
    pub(super) fn note_begun(&mut self, pass: &Pass) -> Result<(), ChainReadError> {
        if let Search::Second { joins_at } = self.nodes.search
            && pass.confirmed_slot < joins_at
        {
            let at = pass.confirmed_slot;
            let detail = format!("the second node is at slot {at}, the first one's history begins at {joins_at}");
            return Err(ChainReadError::Unavailable { method: "getSlot", detail });
        }
        let endpoints = self.parts.rpc.endpoints();
        if endpoints.are_two() && (!self.nodes.were_noted || !self.pass_rpc.decides()) {
            // What was recorded by lives before this one may be known from whichever node.
            self.nodes.were_noted = true;
            endpoints.second_may_have_served(pass.confirmed_slot);
        }
        Ok(())
    }

    /// The list of the pass ended above the cursor. True if that is not the last word.
    pub(super) fn search_elsewhere(&mut self, pass: &Pass, ctx: &mut Context<Self>) -> bool {
        let (on, are_two) = (self.pass_rpc.endpoint(), self.parts.rpc.endpoints().are_two());
        match self.nodes.ended(on, are_two, pass.listed_from()) {
            Ended::Nowhere => false,
            Ended::Unproved => {
                let message = "it ends above the cursor".to_owned();
                let error = ChainReadError::HistoryGone { method: "getSignaturesForAddress", message };
                self.pass_failed("the second node's history proves nothing", &error);
                true
            }
            Ended::Elsewhere => {
                log::warn!("the history of {on} ends above the cursor: the other one is asked");
                (self.pass, self.held_up) = (None, None);
                self.begin_pass(ctx);
                true
            }
        }
    }

    /// A list failed on the node of the pass.
    pub(super) fn search_failed(&mut self) {
        self.nodes.failed(self.pass_rpc.endpoint(), Instant::now());
    }

    /// A page failed. Where only the second one's history may reach back, the page is asked for again: the list may have
    /// thousands, and begun anew for each that fails it would never end.
    pub(super) fn page_is_asked_again(&mut self) -> bool {
        if self.nodes.needs_second() {
            self.nodes.second_failed(Instant::now());
        }
        self.nodes.needs_second() && self.held_up.is_none()
    }

    /// A transaction can't be read on the node of the pass. It counts against the second one only while the first is well:
    /// without that nothing can be concluded anyway.
    pub(super) fn read_failed(&mut self, error: &ChainReadError) {
        self.reads_fail = true;
        self.rpc_failed("a transaction can't be read", error);
        if self.nodes.needs_second() && self.parts.rpc.endpoints().first_is_well() {
            self.nodes.second_failed(Instant::now());
        }
    }

    /// The node of the pass did what was asked of it.
    pub(super) fn node_answered(&mut self) {
        if !self.pass_rpc.decides() && self.nodes.second_fails_since.take().is_some() {
            self.rpc_answered();
        }
    }

    /// A complete pass: the next is made wherever things are.
    pub(super) fn search_ends(&mut self) {
        self.nodes.search = Search::InUse;
    }

    /// Who is asked too for what the node of the pass lacks: the first, where it listed what the second may not have yet.
    pub(super) fn asked_too(&self) -> Option<ChainRpc> {
        // A backfill reads in batches, and knows one node only.
        let is_asked = self.nodes.needs_second() && self.parts.backfill.is_none();
        is_asked.then(|| self.parts.rpc.at(Endpoint::First))
    }

    /// The node that a pass waits for was left: the pass is given up, and made anew where the search says. One whose list is
    /// under way fails by itself.
    pub(super) fn look_at_nodes(&mut self, ctx: &mut Context<Self>) {
        let endpoints = self.parts.rpc.endpoints().clone();
        if self.live.is_on_second() {
            endpoints.second_notifies();
        }
        self.return_live_if_well(ctx);
        let on = self.pass_rpc.endpoint();
        let is_left = self.nodes.is_left(on, self.parts.rpc.endpoint());
        let rests = !self.pass_begins && !self.staging && !self.draining && !self.finality.is_running();
        if is_left && rests && self.pass.is_some_and(|pass| pass.end.is_some()) {
            log::info!("the pass of {on} is given up");
            self.nodes.given_up(on);
            (self.pass, self.held_up) = (None, None);
            self.drained = false;
            self.staged_walk.begin_again();
            self.pass_due = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint::*, *};

    const JOINS_AT: Slot = Slot(7);

    /// The first one's list has ended too early.
    fn searching() -> Nodes {
        let mut nodes = Nodes::default();
        assert_eq!(nodes.ended(First, true, JOINS_AT), Ended::Elsewhere);
        assert!(nodes.needs_second());
        nodes
    }

    #[test]
    fn history_is_nowhere_only_when_both_nodes_say_so_or_the_second_has_failed_for_long() {
        assert_eq!(Nodes::default().ended(First, false, JOINS_AT), Ended::Nowhere, "there is one node");
        assert_eq!(Nodes::default().ended(Second, true, JOINS_AT), Ended::Unproved, "the first may reach back");

        let mut both = searching();
        assert_eq!(both.ended(Second, true, JOINS_AT), Ended::Elsewhere);
        assert_eq!(both.ended(First, true, JOINS_AT), Ended::Nowhere);

        let (mut fails, began) = (searching(), Instant::now());
        fails.failed(Second, began);
        fails.failed(Second, began + SECOND_FAILS_MAX - Duration::from_secs(1));
        assert!(fails.needs_second(), "it is waited for");
        fails.failed(Second, began + SECOND_FAILS_MAX);
        assert_eq!(fails.ended(First, true, JOINS_AT), Ended::Nowhere);
        // The first failed too, and begins anew: the second had its time.
        fails.failed(First, began + SECOND_FAILS_MAX);
        assert_eq!(fails.ended(First, true, JOINS_AT), Ended::Elsewhere);
        fails.failed(Second, began + SECOND_FAILS_MAX);
        assert_eq!(fails.ended(First, true, JOINS_AT), Ended::Nowhere);
    }

    #[test]
    fn no_pass_stays_on_a_node_that_was_left_or_has_failed_for_long() {
        let (mut nodes, began) = (searching(), Instant::now());
        nodes.second_failed(began);
        assert!(!nodes.is_left(Second, First), "the second is the one that reaches back");
        nodes.second_failed(began + SECOND_FAILS_MAX);
        assert!(nodes.is_left(Second, First));
        nodes.given_up(Second);
        assert_eq!(nodes.search, Search::Nowhere, "the next is made on the first");
        assert!(!nodes.is_left(First, First));
        assert!(nodes.is_left(First, Second), "which is away now");
        nodes.given_up(First);
        assert_eq!(nodes.search, Search::InUse);
        assert!(nodes.is_left(Second, First) && nodes.is_left(First, Second));
    }
}
