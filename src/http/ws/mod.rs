//! WebSocket: port 4001.
//!
//! A connection is a thin session actor ([`session`]) that parses what its client says ([`protocol`]), and a body
//! ([`body`]) that writes what it is given. One hub a worker ([`hub`]) holds the sockets, is sent each frame once by the streams, and sees to it that
//! every session gets each entry exactly once and in order ([`delivery`]). Between hub and session stands a bounded
//! outbox ([`outbox`]): a reader that falls behind it is closed with a code that means "reconnect and resume".
//!
//! Who a connection is ([`identity`]) stands with its session in the hub. What it asks for beside channels is answered by the
//! same questions as REST asks ([`commands`]).

pub mod body;
pub mod codes;
pub mod commands;
pub mod delivery;
pub mod errors;
pub mod guard;
pub mod hub;
pub mod identity;
pub mod messages;
pub mod outbox;
pub mod protocol;
pub mod rate;
pub mod session;
pub mod snapshots;

use std::time::Duration;

/// Bounds of a connection.
#[derive(Debug, Clone, Copy)]
pub struct WsLimits {
    /// Largest message from a client, in bytes; a larger one closes with 1009, by its header.
    pub message_bytes: usize,
    /// Messages a second from a client, in the long run; more closes with 4009.
    pub messages_per_second: u32,
    /// Messages from a client at once.
    pub message_burst: u32,
    /// Channels a connection; more are refused.
    pub channels: usize,
    /// Live frames that wait for a slow reader; more closes with 4008.
    pub outbox_frames: usize,
    /// Bytes of them; more closes with 4008.
    pub outbox_bytes: usize,
    /// Entries that a resume may be behind; one further behind gets a snapshot.
    pub resume_entries: u64,
    /// A client that says nothing for so long is pinged.
    pub silence: Duration,
    /// A pinged client that says nothing for so long is closed with 4012.
    pub pong_wait: Duration,
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// Actions of a connection that may wait for their answers at once; more are refused.
    pub actions_in_flight: usize,
    /// Quote streams a connection; more are refused.
    pub quote_streams: usize,
    /// A quote stream says something new no more often.
    pub quote_interval: Duration,
}

impl Default for WsLimits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            messages_per_second: 100,
            message_burst: 200,
            channels: 200,
            outbox_frames: 1_024,
            outbox_bytes: 1024 * 1024,
            resume_entries: 100_000,
            silence: Duration::from_secs(60),
            pong_wait: Duration::from_secs(20),
            heartbeat: Duration::from_secs(10),
            actions_in_flight: 16,
            quote_streams: 32,
            quote_interval: Duration::from_millis(50),
        }
    }
}
