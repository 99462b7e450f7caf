//! What the listener, the registry and the clock tell a stream. Only these move it.

use actix::prelude::*;

use crate::domain::{
    entry::FeeSchedule,
    event::ChainEvent,
    ids::{Slot, TxSignature},
    user_write::{UserWrite, WriteRefused},
};

/// An event and the fees in force at its place.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: ChainEvent,
    /// The fees.
    pub schedule: FeeSchedule,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the journal.
    Durable,
    /// It was there already.
    Duplicate,
    /// It can't be used; a dead letter says why.
    Dead,
}

/// Events of this stream in the chain's order. Answered when each is durable, known, or dead; one message of one sender
/// at a time.
#[derive(Message)]
#[rtype(result = "Result<Vec<Outcome>, ApplyError>")]
pub struct Apply(pub Vec<Delivery>);

/// Why events were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Too many wait already; come again later.
    #[error("the stream's queue is full")]
    Full,
    /// This life of the actor is over: resolve the stream again and send again.
    #[error("the stream's actor has stopped")]
    Gone,
}

/// Compare with the chain's account, and heal if it differs. Answered when that is done.
#[derive(Clone, Message)]
#[rtype(result = "Result<(), ApplyError>")]
pub struct Suspect {
    /// Why.
    pub reason: String,
}

/// These transactions are not where they were recorded, though their slots are final: twice, apart in time, a node that
/// is not behind knew nothing of them there. Answered when what the chain does not hold is taken back, and what it holds
/// instead is durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), ApplyError>")]
pub struct Vanished {
    /// The transactions.
    pub signatures: Vec<TxSignature>,
    /// The finalized slot at which it was proved.
    pub proved_at: Slot,
}

/// What users wrote in this market, in the order of the outbox. Answered when each is durable or refused: the refused ones,
/// and why. One message at a time; who sends it again after a death may meet rows that are durable by now, and then the
/// stream is read again.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<RefusedWrite>, WrittenError>")]
pub struct Written {
    /// The outbox's rows.
    pub rows: Vec<WrittenRow>,
    /// Each in an append of its own: one of them is suspected to be what the journal refused.
    pub alone: bool,
}

/// A row of the outbox.
#[derive(Debug, Clone)]
pub struct WrittenRow {
    /// Its number.
    pub id: i64,
    /// What was written.
    pub write: UserWrite,
    /// By which request.
    pub request_id: Option<uuid::Uuid>,
}

/// A row that becomes no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedWrite {
    /// The outbox's row.
    pub id: i64,
    /// Why.
    pub why: WriteRefused,
}

/// Why users' writes were not taken; none of them is lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrittenError {
    /// Others are on their way: come again.
    #[error("the stream has others on their way")]
    Busy,
    /// This life of the actor is over: resolve the stream again and send again.
    #[error("the stream's actor has stopped")]
    Gone,
    /// The journal refused the append that they were in.
    #[error("the journal refused it: {0}")]
    Refused(String),
}

/// Everything at or below this slot is finalized, durable, and was found on the finalized chain.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Finalized(pub Slot);

/// The listener's: a stream that is alive looks whether an earlier life of it left it behind the chain.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LookAgain;

/// The clock's: time for what is due.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StreamTick;

/// The registry's: nobody has needed the stream for long. It asks back ([`super::super::registry::Leave`]) if it can end.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct MayLeave;
