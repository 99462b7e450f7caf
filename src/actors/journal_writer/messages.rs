//! What streams say to the writer, and what it answers.

use actix::prelude::*;

use crate::{domain::ids::AccountAddress, journal::write::StreamAppend};

/// A life of a stream's actor: appends of an earlier one are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    pub(super) writer: uuid::Uuid,
    pub(super) number: u64,
}

/// Why an append was not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Too much is waiting already: nothing was queued; come again later with the append, which is given back.
    #[error("the journal's buffer is full")]
    Full(Box<StreamAppend>),
    /// The stream was opened again since, or its row does not stand where the append begins: this life of its actor is
    /// over.
    #[error("another life of this stream has begun")]
    Overtaken,
    /// The writer's life is over, the next begins: resolve the stream again.
    #[error("the journal writer begins another life")]
    WriterGone,
    /// The database refuses it, and always will.
    #[error("the journal refused it: {0}")]
    Refused(String),
}

/// Write entries of one stream. Answered when they are durable.
#[derive(Message)]
#[rtype(result = "Result<(), AppendError>")]
pub struct Append {
    /// As given by [`Open`].
    pub generation: Generation,
    /// What to write.
    pub append: Box<StreamAppend>,
}

/// Begin a life of a stream's actor: answered once nothing of the stream is waiting or in flight.
#[derive(Message)]
#[rtype(result = "Result<Generation, WriterGone>")]
pub struct Open(pub AccountAddress);

/// A life of a stream's actor is over, and nothing of it is on its way: its generation is forgotten.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Close {
    /// The stream.
    pub stream: AccountAddress,
    /// As given by [`Open`].
    pub generation: Generation,
}

/// The writer died before it could answer: ask its next life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal writer was restarted")]
pub struct WriterGone;
