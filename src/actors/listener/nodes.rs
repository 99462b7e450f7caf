//! On which of two nodes a pass is made, and what it may conclude there.
//!
//! Two nodes know different things: one is behind, one keeps less history, one is on a fork. So a pass asks one node only, and
//! what costs something where it is wrong is not concluded from the second one alone:
//!
//! - That history ends above the cursor is believed when the first node says so, and the second (if it is fit) as well. The
//!   one that reaches back is the one that the pass is made on.
//! - Without a cursor the end of a list is the beginning of the chain: only of the first one's list.
//! - That a listed transaction is not to be had counts where the first one says so.
//! - What vanished: see `finality`.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{Listener, coverage::Pass};
use crate::{
    chain::rpc::{ChainReadError, Endpoint},
    telemetry::health::Part,
};

/// Where a history that reaches back to the cursor is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Search {
    /// On the node that is in use.
    #[default]
    InUse,
    /// The first one's ends too early: on the second.
    Second,
    /// The second one's does too, or it does not answer: the first one's word stands.
    Nowhere,
}

impl Listener {
    /// Chooses the node of the next pass; false if there is none that it could be made on now.
    pub(super) fn choose_node(&mut self) -> bool {
        let rpc = match self.search {
            Search::InUse => self.parts.rpc.pinned(),
            Search::Second => self.parts.rpc.at(Endpoint::Second),
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
        self.pass_due = Instant::now() + Duration::from_secs(1);
        self.parts.health.down(Part::Rpc, "history begins where the first node says, and it does not answer");
        false
    }

    /// A pass has begun: how far the chain is.
    pub(super) fn note_begun(&mut self, pass: &Pass) {
        let endpoints = self.parts.rpc.endpoints();
        if !self.nodes_noted && endpoints.are_two() {
            // What was recorded by lives before this one may be known from whichever node.
            self.nodes_noted = true;
            endpoints.second_may_have_served(pass.confirmed_slot);
        }
    }

    /// The list of the pass ended above the cursor. True if that is not the last word.
    pub(super) fn search_elsewhere(&mut self, ctx: &mut Context<Self>) -> bool {
        let is_first = self.pass_rpc.decides();
        let next = match self.search {
            Search::InUse | Search::Second if is_first && self.parts.rpc.endpoints().second_is_fit() => Search::Second,
            Search::Second if !is_first => Search::Nowhere,
            _ if is_first => return false,
            _ => {
                let message = "it ends above the cursor".to_owned();
                let error = ChainReadError::HistoryGone { method: "getSignaturesForAddress", message };
                self.pass_failed("the second node's history proves nothing", &error);
                return true;
            }
        };
        log::warn!("the history of {} ends above the cursor: the other one is asked", self.pass_rpc.endpoint());
        self.search = next;
        (self.pass, self.held_up) = (None, None);
        self.begin_pass(ctx);
        true
    }

    /// The pass failed on its node.
    pub(super) fn search_failed(&mut self) {
        self.search = match self.search {
            Search::Second => Search::Nowhere,
            Search::InUse | Search::Nowhere => Search::InUse,
        };
    }

    /// The node that a pass waits for was left: the pass is given up, and made anew on the other one. One whose list is under
    /// way fails by itself.
    pub(super) fn look_at_nodes(&mut self, ctx: &mut Context<Self>) {
        let endpoints = self.parts.rpc.endpoints().clone();
        if self.live.is_on_second() {
            endpoints.second_notifies();
        }
        self.return_live_if_well(ctx);
        let is_left = self.search == Search::InUse && self.pass_rpc.endpoint() != self.parts.rpc.endpoint();
        let rests = !self.pass_begins && !self.staging && !self.draining && !self.finality.is_running();
        if is_left && rests && self.pass.is_some_and(|pass| pass.end.is_some()) {
            log::info!("the pass of {} is given up", self.pass_rpc.endpoint());
            (self.pass, self.held_up) = (None, None);
            self.drained = false;
            self.staged_walk.begin_again();
            self.pass_due = Instant::now();
        }
    }
}
