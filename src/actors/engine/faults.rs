//! Panics on order, for fault tests: every kind of actor by its name.

use super::Engine;
use crate::{
    actors::{kinds::crash, registry::CrashStream},
    domain::ids::AccountAddress,
};

impl Engine {
    /// Makes an actor panic, for fault tests: `writer`, `reader`, `listener`, `registry`, `clock`, `stats`, `outbox`,
    /// `ledgers`, `submissions`, `feeds`, `sweeper`, `lease`, `governance` (the keeper of its lease), `submitter`, `aggregator`,
    /// `monitor`, `snapshots` (the keeper of that lease), `snapshotter`, `deliveries`, `herald`, `marker`, `follower`, `lookout`, `verifier`, `config`, or the address of a market. False if
    /// there is none of that name.
    pub fn crash(&self, name: &str) -> bool {
        match name {
            "writer" => crash(&self.writer),
            "reader" => crash(&self.reader),
            "listener" => crash(&self.listener),
            "registry" => crash(&self.registry_link),
            "clock" => crash(&self.clock),
            "stats" => crash(&self.stats),
            "outbox" => crash(&self.outbox),
            "ledgers" => crash(&self.ledgers),
            "submissions" => crash(&self.submissions),
            "feeds" => crash(&self.feeds),
            "sweeper" => crash(&self.sweeper),
            "lease" => crash(&self.lease),
            "herald" => crash(&self.herald),
            "marker" => crash(&self.marker),
            "follower" => crash(&self.follower),
            "lookout" => crash(&self.lookout),
            "verifier" => crash(&self.verifier),
            "config" => self.crash_stream(self.config_address),
            name => match self
                .governing
                .crash(name)
                .or_else(|| self.snapshotting.crash(name))
                .or_else(|| self.indexing.crash(name))
            {
                Some(crashed) => crashed,
                None => name.parse().is_ok_and(|address| self.crash_stream(address)),
            },
        }
    }

    fn crash_stream(&self, address: AccountAddress) -> bool {
        self.registry_link.get().is_some_and(|registry| registry.try_send(CrashStream(address)).is_ok())
    }
}
