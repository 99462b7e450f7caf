//! Streams whose life ended while they were behind the chain: found again from time to time.
//!
//! What such a stream had to write was refused, or it died in the middle of a heal. It heals when it is read again, and
//! nobody may ever ask for it: no trade, no subscriber. How soon it may live again is the registry's decision.

use std::time::{Duration, Instant};

use super::Listener;
use crate::{
    actors::registry::{OpenConfig, OpenMarket},
    domain::ids::MarketAddress,
};

/// How often they are found.
const WAKE_EVERY: Duration = Duration::from_secs(5);

impl Listener {
    /// Finds them, if it is time; to one that is running that means nothing.
    pub(super) fn wake_stale(&mut self) {
        if self.woken.elapsed() < WAKE_EVERY {
            return;
        }
        self.woken = Instant::now();
        let Some(registry) = self.parts.registry.get() else { return };
        for (stream, _) in self.parts.health.stale_streams() {
            let sent = if stream == self.parts.config_address {
                registry.try_send(OpenConfig).is_ok()
            } else {
                registry.try_send(OpenMarket(MarketAddress(stream.0))).is_ok()
            };
            // A registry that is too busy is asked the next time.
            if !sent {
                return;
            }
        }
    }
}
