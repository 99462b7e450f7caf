//! What a hub counts for operators: its connections, what they listen to, what they were sent, why they ended.
//!
//! What is written thousands of times a second is summed up here and told once a second, so that hubs do not meet at a counter.
//! A hub that dies takes back what it had told of how much there is.

use actix::prelude::*;

use super::Hub;
use crate::{http::ws::codes::Close, telemetry::metrics::Metrics};

/// A hub's figures.
#[derive(Debug)]
pub(super) struct Told {
    metrics: Metrics,
    /// As told last.
    connections: i64,
    subscriptions: i64,
    /// Not told yet.
    frames: u64,
    bytes: u64,
    heard: u64,
}

impl Told {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, connections: 0, subscriptions: 0, frames: 0, bytes: 0, heard: 0 }
    }

    /// A connection was taken.
    pub fn opened(&self) {
        self.metrics.note(|counts| counts.sockets_opened.inc());
    }

    /// A connection is gone; `close`: what it was told, if it was.
    pub fn closed(&self, close: Option<Close>) {
        let code = close.map_or_else(|| "lost".to_owned(), |close| close.code().to_string());
        self.metrics.note(|counts| counts.sockets_closed.with_label_values(&[code.as_str()]).inc());
    }

    /// So much was handed to a socket.
    pub fn wrote(&mut self, (frames, bytes): (u32, u64)) {
        self.frames += u64::from(frames);
        self.bytes += bytes;
    }

    /// A message or a control frame came.
    pub fn heard(&mut self) {
        self.heard += 1;
    }

    /// An action was answered.
    pub fn answered(&self, action: &str, outcome: &str) {
        self.metrics.note(|counts| counts.commands.with_label_values(&[action, outcome]).inc());
    }

    /// A page of a replay was looked for among those that are kept.
    pub fn looked_up_page(&self, is_there: bool) {
        let outcome = if is_there { "hit" } else { "miss" };
        self.metrics.note(|counts| counts.cache_reads.with_label_values(&["pages", outcome]).inc());
    }

    fn tell(&mut self, connections: i64, subscriptions: i64) {
        let (frames, bytes, heard) =
            (std::mem::take(&mut self.frames), std::mem::take(&mut self.bytes), std::mem::take(&mut self.heard));
        self.metrics.note(|counts| {
            counts.sockets.add(connections - self.connections);
            counts.subscriptions.add(subscriptions - self.subscriptions);
            counts.frames_sent.inc_by(frames);
            counts.bytes_sent.inc_by(bytes);
            counts.messages_heard.inc_by(heard);
        });
        (self.connections, self.subscriptions) = (connections, subscriptions);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.tell(0, 0);
    }
}

impl Hub {
    /// Once a second.
    pub(super) fn tell_figures(&mut self, _: &mut Context<Self>) {
        let subscriptions = self.sessions.values().map(|session| session.channels.len() as i64).sum();
        self.told.tell(self.sockets.count() as i64, subscriptions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::health::Health;

    #[test]
    fn what_hubs_have_is_summed_up_and_taken_back_when_one_dies() {
        let health = Health::new();
        let has = |line: &str| {
            let text = String::from_utf8(health.metrics().text(&health).unwrap()).unwrap();
            assert!(text.lines().any(|own| own == line), "{line} in {text}");
        };
        let (mut one, mut other) = (Told::new(health.metrics().clone()), Told::new(health.metrics().clone()));
        one.wrote((3, 100));
        one.tell(5, 7);
        other.tell(2, 2);
        one.tell(4, 9);
        has("zmart_ws_connections 6");
        has("zmart_ws_subscriptions 11");
        other.wrote((1, 20));
        drop(other);
        has("zmart_ws_connections 4");
        has("zmart_ws_frames_sent_total 4");
        has("zmart_ws_bytes_sent_total 120");
        one.closed(Some(Close::Slow));
        one.closed(None);
        has("zmart_ws_closed_total{code=\"4008\"} 1");
        has("zmart_ws_closed_total{code=\"lost\"} 1");
    }
}
