//! Streams whose life ended while they were behind the chain: found again from time to time.
//!
//! What such a stream had to write was refused, or it died in the middle of a heal. It heals when it is read again, and
//! nobody may ever ask for it: no trade, no subscriber. How soon it may live again is the registry's decision.

use std::time::{Duration, Instant};

use super::Listener;
use crate::actors::registry::WakeStream;

/// How often they are found.
const WAKE_EVERY: Duration = Duration::from_secs(5);

impl Listener {
    /// Finds them, if it is time; one that is running looks again whether it is behind.
    pub(super) fn wake_stale(&mut self) {
        if self.woken.elapsed() < WAKE_EVERY {
            return;
        }
        self.woken = Instant::now();
        let Some(registry) = self.parts.registry.get() else { return };
        for (stream, _) in self.parts.health.stale_streams() {
            let sent = registry.try_send(WakeStream(stream)).is_ok();
            // A registry that is too busy is asked the next time.
            if !sent {
                return;
            }
        }
    }
}
