//! Why an event, or a stored entry, does not fit the state that it meets.
//!
//! An event that does not fit is a gap, not garbage: events before it are missing, or they are in another order. Nobody
//! repairs anything here; whoever gets a misfit asks the chain, replays in order, or adopts the account.

use super::{
    amount::{Lamports, PriceE9},
    error::ProgramError,
    phase::{Phase, Step},
};

/// Why something does not fit the state of its stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The stream has no state yet, and this does not begin one: its creation is missing.
    #[error("nothing is known of what this is about: its creation is missing")]
    Unknown,
    /// A creation of what is there already.
    #[error("it exists already")]
    AlreadyExists,
    /// Only the instruction's data tells what is needed; read the transaction.
    #[error("the event alone does not tell enough: its instruction's data is needed")]
    LacksFacts,
    /// The event, or the entry, belongs to another stream.
    #[error("it belongs to another stream")]
    OtherStream,
    /// The phase does not allow it.
    #[error("{step:?} cannot happen in phase {}", .phase.as_str())]
    Phase {
        /// The phase that the market is in.
        phase: Phase,
        /// What the event is.
        step: Step,
    },
    /// The event names a value that is not the state's.
    #[error("the event's {field} is not the state's")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// The trade would have left another price than the chain says.
    #[error("price of YES {computed} computed, {told} told")]
    Price {
        /// By the curve, from the quantities after the trade.
        computed: PriceE9,
        /// By the event.
        told: PriceE9,
    },
    /// No whole number of lamports gives this total with the fees in force (none at all where the fees are zero).
    #[error("no cost before fees gives the total {total}")]
    NoCost {
        /// What was paid.
        total: Lamports,
    },
    /// The curve gives another amount than the event.
    #[error("amount {computed} computed, {told} told")]
    Amount {
        /// By the curve.
        computed: Lamports,
        /// By the event.
        told: Lamports,
    },
    /// More is taken out of this quantity than there is.
    #[error("{field} would become negative")]
    Negative {
        /// Which.
        field: &'static str,
    },
    /// The program's arithmetic refuses it.
    #[error("the program's arithmetic refuses it: {0}")]
    Arithmetic(#[from] ProgramError),
    /// A stored entry says something else than its own event does.
    #[error("the stored entry does not follow from its event")]
    Disagrees,
}
