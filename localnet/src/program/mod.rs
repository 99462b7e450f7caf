//! The zmart-core program, written a second time from its documented behaviour (`docs/program.md`).
//!
//! Owns: all 18 instructions, their checks in their order, accounts, events, errors and arithmetic. Never: anything of
//! the machine that runs it ([`host::Host`] is that), and nothing of the engine: the two check each other. Its one
//! intended difference from the deployed program is [`Payout::Direct`].

mod accounts;
pub mod error;
mod event;
pub mod host;
mod instructions;
pub mod layout;
pub mod lmsr;

use std::sync::LazyLock;

use error::{Abort, Code, Outcome};
use host::Host;
use instructions as ix;
use layout::discriminator;

/// How `sell_shares` pays the seller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payout {
    /// By direct lamport arithmetic, like a claim.
    Direct,
    /// By a system transfer that nobody signs for, as deployed: every sell fails with `PrivilegeEscalation`.
    AsDeployed,
}

type Handler = fn(&mut dyn Host, &[u8], Payout) -> Outcome;

/// Names as in the interface (they make the discriminator) and as in the log, and what runs.
const INSTRUCTIONS: [(&str, &str, Handler); 18] = [
    ("initialize_global_config", "InitializeGlobalConfig", ix::config::initialize),
    ("create_market", "CreateMarket", ix::lifecycle::create),
    ("submit_proposal_vote", "SubmitProposalVote", ix::votes::submit_proposal),
    ("aggregate_proposal_votes", "AggregateProposalVotes", ix::votes::aggregate_proposal),
    ("approve_proposal", "ApproveProposal", ix::lifecycle::approve),
    ("activate_market", "ActivateMarket", ix::lifecycle::activate),
    ("buy_shares", "BuyShares", ix::trade::buy),
    ("sell_shares", "SellShares", ix::trade::sell),
    ("resolve_market", "ResolveMarket", ix::resolution::resolve),
    ("initiate_dispute", "InitiateDispute", ix::resolution::dispute),
    ("submit_dispute_vote", "SubmitDisputeVote", ix::votes::submit_dispute),
    ("aggregate_dispute_votes", "AggregateDisputeVotes", ix::votes::aggregate_dispute),
    ("finalize_market", "FinalizeMarket", ix::resolution::finalize),
    ("claim_winnings", "ClaimWinnings", ix::payout::claim),
    ("withdraw_liquidity", "WithdrawLiquidity", ix::payout::withdraw),
    ("update_global_config", "UpdateGlobalConfig", ix::config::update),
    ("emergency_pause", "EmergencyPause", ix::config::pause),
    ("cancel_market", "CancelMarket", ix::lifecycle::cancel),
];

static DISCRIMINATORS: LazyLock<Vec<[u8; 8]>> =
    LazyLock::new(|| INSTRUCTIONS.iter().map(|(name, _, _)| discriminator("global", name)).collect());

/// Runs one instruction. A failure is logged here; the machine only has to turn it into its own error.
///
/// # Errors
/// [`Abort`], with the code that the instruction fails with or the machine's own refusal.
pub fn process(host: &mut dyn Host, data: &[u8], payout: Payout) -> Result<(), Abort> {
    let outcome = dispatch(host, data, payout);
    if let Err(Abort::Failure(failure)) = &outcome {
        failure.log(host);
    }
    outcome
}

fn dispatch(host: &mut dyn Host, data: &[u8], payout: Payout) -> Outcome {
    let (kind, arguments) = data.split_at_checked(8).ok_or(Code::InstructionFallbackNotFound)?;
    let known = DISCRIMINATORS.iter().zip(&INSTRUCTIONS).find(|(discriminator, _)| *discriminator == kind);
    let (_, (_, name, handler)) = known.ok_or(Code::InstructionFallbackNotFound)?;
    host.log(&format!("Instruction: {name}"));
    handler(host, arguments, payout)
}
