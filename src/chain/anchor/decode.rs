//! From a transaction to its events: strict, pure, and never a guess.
//!
//! Owns the rules of what counts (`docs/program.md`, section 5): only data lines of our program's own frames, exactly
//! one event for each invocation that took effect, exact discriminator and length, nothing at all from a transaction
//! that failed. What does not fit is handed back with its reason, to be kept and looked at, not skipped. Where the
//! executed instructions are known too, the two must tell the same story, and an event gets the facts that only its
//! instruction has.
//!
//! A log alone is a hint: a node can cut it short without a word, and where it cuts between two outer instructions
//! nothing shows. Only a decoding with the instructions proves that all events are there.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    codec::CodecError,
    events::{EVENT_BYTES_MAX, decode_event},
    frames::{OurFrame, Unusable, our_frames},
    instructions::decode_executed_instruction,
};
use crate::{
    chain::{
        model::{RawInvocation, RawTransaction},
        program::instructions::{InstructionKind, ProgramInstruction},
    },
    domain::{
        event::{ChainEvent, InstructionFacts, ProgramEvent},
        ids::{AccountAddress, ChainPosition, EventId, MarketAddress, ProgramId, Slot, Wallet},
    },
};

/// The discriminator of Anchor's own instructions on a program's interface file (`sha256("anchor:idl")[..8]`, reversed).
/// They are the only ones that succeed without an event; anyone may send some of them.
const INTERFACE_FILE_TAG: [u8; 8] = [0x40, 0xf4, 0xbc, 0x78, 0xa7, 0xe9, 0x69, 0x0a];

/// The longest base64 text that can be an event.
const EVENT_TEXT_MAX: usize = EVENT_BYTES_MAX.div_ceil(3) * 4;

/// What a transaction turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Its events, in execution order; none if it does not call the program.
    Events(Vec<ChainEvent>),
    /// It had no effect: drop it.
    Failed(FailureEvidence),
    /// Its log is incomplete or absent: read the accounts that it touched.
    Truncated {
        /// What it touched; `None` if its instructions are not known.
        touched: Option<Touched>,
    },
    /// It can't be what it says it is: keep it, and heal what it touched.
    Garbage {
        /// Why.
        reason: GarbageReason,
        /// What it touched; `None` if its instructions are not known.
        touched: Option<Touched>,
    },
}

/// How a failure is known. Only the first is the node's word; a log that was cut short looks like the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureEvidence {
    /// The node says so.
    Reported,
    /// An outermost frame of the log ends in `failed`.
    OutermostFrame {
        /// Whose frame.
        program: ProgramId,
    },
    /// A frame of the log never ends.
    StackNotClosed,
}

/// Streams that a transaction may have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The config account.
    pub config: bool,
    /// Markets, each once, in the order of the instructions.
    pub markets: Vec<MarketAddress>,
}

/// Why a transaction can't be decoded. `line` is the index in the log, `n` the invocation of our program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GarbageReason {
    /// A frame opens at a depth that the stack does not have.
    #[error("line {line} opens a frame at a wrong depth")]
    WrongDepth {
        /// Where.
        line: usize,
    },
    /// A frame ends that is not on top of the stack.
    #[error("line {line} ends a frame that is not on top")]
    NotOnTop {
        /// Where.
        line: usize,
    },
    /// Data is printed while no program runs.
    #[error("line {line} is data outside of any frame")]
    DataOutsideFrames {
        /// Where.
        line: usize,
    },
    /// A line begins like that of a frame and is none.
    #[error("line {line} is a malformed frame line")]
    MalformedFrameLine {
        /// Where.
        line: usize,
    },
    /// More invocations than a transaction can have.
    #[error("too many invocations")]
    TooManyInvocations,
    /// An invocation took effect and printed no event.
    #[error("invocation {n} printed no event")]
    NoEvent {
        /// Which.
        n: u16,
    },
    /// An invocation printed more than one event.
    #[error("invocation {n} printed {count} data lines")]
    SeveralEvents {
        /// Which.
        n: u16,
        /// How many.
        count: usize,
    },
    /// The data line is longer than any event.
    #[error("invocation {n} printed {chars} characters of data")]
    DataTooLong {
        /// Which.
        n: u16,
        /// How long.
        chars: usize,
    },
    /// The data line is not base64.
    #[error("invocation {n} printed data that is no base64")]
    NotBase64 {
        /// Which.
        n: u16,
    },
    /// The data is no event of the program.
    #[error("invocation {n} printed no event of the program: {error}")]
    NotAnEvent {
        /// Which.
        n: u16,
        /// Why.
        error: CodecError,
    },
    /// The log and the instructions disagree on how often the program was called.
    #[error("{logged} invocations in the log, {executed} among the instructions")]
    InvocationCount {
        /// In the log.
        logged: usize,
        /// Among the instructions.
        executed: usize,
    },
    /// The log and the instructions disagree on where the program was called from.
    #[error("invocation {n} is at another depth in the log")]
    InvocationDepth {
        /// Which.
        n: u16,
    },
    /// The instruction is none of the program's.
    #[error("invocation {n} is no instruction of the program: {error}")]
    NotAnInstruction {
        /// Which.
        n: u16,
        /// Why.
        error: CodecError,
    },
    /// The instruction lacks accounts.
    #[error("invocation {n} has too few accounts")]
    TooFewAccounts {
        /// Which.
        n: u16,
    },
    /// The event can't come from that instruction.
    #[error("invocation {n} printed the event of another instruction")]
    WrongEvent {
        /// Which.
        n: u16,
    },
}

/// Decodes a transaction for the program at that id.
pub fn decode(program: ProgramId, transaction: &RawTransaction) -> Decoded {
    if transaction.failed {
        return Decoded::Failed(FailureEvidence::Reported);
    }
    let calls = calls_of(program, transaction);
    let touched = || calls.as_deref().map(touched_by);
    let logs = match &transaction.logs {
        // Every executed instruction leaves lines, but for the precompiles: no lines at all prove nothing.
        Some(logs) if !logs.is_empty() => logs,
        _ if calls.as_ref().is_some_and(Vec::is_empty) => return Decoded::Events(Vec::new()),
        _ => return Decoded::Truncated { touched: touched() },
    };
    if transaction.logs_truncated() {
        return Decoded::Truncated { touched: touched() };
    }
    let events = our_frames(program, logs)
        .and_then(|frames| events_of(transaction, &frames, calls.as_deref()).map_err(Unusable::Inconsistent));
    match events {
        Ok(events) => Decoded::Events(events),
        Err(Unusable::Failed(evidence)) => Decoded::Failed(evidence),
        Err(Unusable::Inconsistent(reason)) => Decoded::Garbage { reason, touched: touched() },
    }
}

/// What a transaction calls of the program: the fallback where its log can't be read. `None` if its instructions are not
/// known; whether it took effect is not asked.
pub fn touched(program: ProgramId, transaction: &RawTransaction) -> Option<Touched> {
    calls_of(program, transaction).as_deref().map(touched_by)
}

fn calls_of(program: ProgramId, transaction: &RawTransaction) -> Option<Vec<&RawInvocation>> {
    let invocations = transaction.invocations.as_ref()?;
    Some(invocations.iter().filter(|invocation| invocation.program == program).collect())
}

fn touched_by(calls: &[&RawInvocation]) -> Touched {
    let mut touched = Touched::default();
    for call in calls {
        let Ok((instruction, _)) = decode_executed_instruction(&call.data) else { continue };
        let kind = instruction.kind();
        touched.config |= kind.accounts().iter().any(|spec| spec.name == "global_config" && spec.writable);
        let market = account(kind, call, "market").map(|market| MarketAddress(market.0));
        if let Some(market) = market.filter(|market| !touched.markets.contains(market)) {
            touched.markets.push(market);
        }
    }
    touched
}

pub(super) fn account(kind: InstructionKind, call: &RawInvocation, name: &str) -> Option<AccountAddress> {
    call.accounts.get(kind.account_index(name)?).copied()
}

fn events_of(
    transaction: &RawTransaction,
    frames: &[OurFrame<'_>],
    calls: Option<&[&RawInvocation]>,
) -> Result<Vec<ChainEvent>, GarbageReason> {
    if let Some(calls) = calls.filter(|calls| calls.len() != frames.len()) {
        return Err(GarbageReason::InvocationCount { logged: frames.len(), executed: calls.len() });
    }
    let mut events = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let n = u16::try_from(index).map_err(|_| GarbageReason::TooManyInvocations)?;
        let call = calls.and_then(|calls| calls.get(index).copied());
        if let Some(height) = call.and_then(|call| call.stack_height)
            && usize::try_from(height) != Ok(frame.depth)
        {
            return Err(GarbageReason::InvocationDepth { n });
        }
        if !frame.succeeded {
            continue;
        }
        if frame.data_lines == 0 && call.is_some_and(|call| call.data.starts_with(&INTERFACE_FILE_TAG)) {
            continue;
        }
        let event = event_of(n, frame)?;
        let facts = match call {
            Some(call) => facts_of(n, call, &event)?,
            None => None,
        };
        events.push(ChainEvent {
            id: EventId { signature: transaction.signature, n },
            position: ChainPosition { slot: Slot(transaction.slot), transaction_index: transaction.index_in_block, n },
            event,
            facts,
        });
    }
    Ok(events)
}

fn event_of(n: u16, frame: &OurFrame<'_>) -> Result<ProgramEvent, GarbageReason> {
    let text = frame.data.ok_or(GarbageReason::NoEvent { n })?;
    if frame.data_lines > 1 {
        return Err(GarbageReason::SeveralEvents { n, count: frame.data_lines });
    }
    if text.len() > EVENT_TEXT_MAX {
        return Err(GarbageReason::DataTooLong { n, chars: text.len() });
    }
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| GarbageReason::NotBase64 { n })?;
    decode_event(&bytes).map_err(|error| GarbageReason::NotAnEvent { n, error })
}

fn facts_of(n: u16, call: &RawInvocation, event: &ProgramEvent) -> Result<Option<InstructionFacts>, GarbageReason> {
    let (instruction, _) =
        decode_executed_instruction(&call.data).map_err(|error| GarbageReason::NotAnInstruction { n, error })?;
    let kind = instruction.kind();
    if call.accounts.len() < kind.accounts().len() {
        return Err(GarbageReason::TooFewAccounts { n });
    }
    if kind.event() != event.name() {
        return Err(GarbageReason::WrongEvent { n });
    }
    Ok(match instruction {
        ProgramInstruction::InitializeGlobalConfig(_) => {
            let wallet = account(kind, call, "protocol_fee_wallet").ok_or(GarbageReason::TooFewAccounts { n })?;
            Some(InstructionFacts::Initialization { protocol_fee_wallet: Wallet(wallet.0) })
        }
        ProgramInstruction::CreateMarket(market) => Some(InstructionFacts::Creation {
            initial_liquidity: market.initial_liquidity,
            question_hash: market.ipfs_question_hash,
        }),
        ProgramInstruction::FinalizeMarket(counts) => {
            Some(InstructionFacts::Finalization { agree: counts.dispute_agree, disagree: counts.dispute_disagree })
        }
        _ => None,
    })
}

#[cfg(test)]
#[path = "decode_tests/mod.rs"]
mod tests;
