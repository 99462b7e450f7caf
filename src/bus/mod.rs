//! The bus: what the leader tells the other nodes as it happens.
//!
//! Owns how a message travels ([`redis`]; [`memory`] in tests) and what it is ([`wire`]); beside messages, a set of markets
//! whose votes have changed ([`dirty`]). It is a fast way and never the
//! truth: a message may be lost, come late or come from a leader that is none any more, and nobody is told. Messages are
//! numbered, so whoever hears notices what he missed, and reads it from PostgreSQL. Never decides what to do with a message.
//!
//! Nothing here holds anybody up: who speaks puts a message into a bounded queue or loses it; who hears gets a bounded
//! queue, and loses what does not fit.

pub mod dirty;
#[cfg(test)]
pub mod memory;
pub mod redis;
pub mod wire;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use self::dirty::DirtyMarkets;

/// Messages that wait to be sent; one more is lost.
pub const SPEAK_MAX: usize = 256;
/// Messages that wait to be heard; one more is lost.
pub const HEAR_MAX: usize = 1_024;

/// What comes to who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message of somebody.
    Message(Bytes),
    /// From now on messages come; what was said before is lost.
    Up,
    /// None come, and why.
    Down(String),
}

/// How the way to the others is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// What is said goes out.
    Up,
    /// What is said is lost, and why.
    Down(String),
}

/// Who speaks.
#[derive(Debug)]
pub struct Speaker {
    /// Messages to be sent; a full queue loses them.
    pub queue: mpsc::Sender<Bytes>,
    /// How the way is, each time that it changes.
    pub connection: mpsc::Receiver<Connection>,
}

/// A way to the other nodes of a database. Both work on the runtime of the caller, and end when what they answer with is
/// dropped.
pub trait Bus: Send + Sync + 'static {
    /// Speak to all others.
    fn speak(&self) -> Speaker;

    /// Hear all others, and oneself.
    fn hear(&self) -> mpsc::Receiver<Heard>;

    /// A way to the set of changed markets that all share, for one user.
    fn dirty(&self) -> Arc<dyn DirtyMarkets>;
}
