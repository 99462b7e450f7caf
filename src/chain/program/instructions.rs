//! The 18 instructions as one table: names, discriminators, arguments, accounts, and the event that each emits
//! (`docs/program.md`, section 4).
//!
//! Everything else about instructions is derived from this table: their bytes (`chain::anchor::instructions`), how they
//! are built ([`super::build`]), and which event may follow from which (`chain::anchor::decode`).

use crate::{
    chain::anchor::codec::{CodecError, Discriminator, Reader, Wire, layout},
    domain::{
        amount::{Bps, Lamports, ShareUnits},
        event::IpfsHash,
        ids::{MarketSeed, Wallet},
    },
};

/// One account of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSpec {
    /// Its name in the program's interface.
    pub name: &'static str,
    /// It has to sign.
    pub signer: bool,
    /// It may be changed.
    pub writable: bool,
}

const fn read(name: &'static str) -> AccountSpec {
    AccountSpec { name, signer: false, writable: false }
}
const fn write(name: &'static str) -> AccountSpec {
    AccountSpec { name, signer: false, writable: true }
}
const fn sign(name: &'static str) -> AccountSpec {
    AccountSpec { name, signer: true, writable: false }
}
const fn pay(name: &'static str) -> AccountSpec {
    AccountSpec { name, signer: true, writable: true }
}

macro_rules! instruction_table {
    ($(
        $(#[$doc:meta])*
        $name:ident $text:literal = $discriminator:literal
            { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }
            [$($access:ident $account:ident),* $(,)?]
            => $event:ident;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
            layout! { $name { $($field),* } }
        )*

        /// An instruction with its arguments.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProgramInstruction { $($(#[$doc])* $name($name)),* }

        /// Which of the program's instructions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum InstructionKind { $($(#[$doc])* $name),* }

        impl InstructionKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in the program's interface.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Its first eight bytes: `sha256("global:name")[..8]`.
            pub fn discriminator(self) -> Discriminator {
                u64::to_be_bytes(match self { $(Self::$name => $discriminator),* })
            }

            /// Its accounts, in order. A transaction may pass more behind them, which the program ignores.
            pub fn accounts(self) -> &'static [AccountSpec] {
                match self { $(Self::$name => const { &[$($access(stringify!($account))),*] }),* }
            }

            /// The name of the one event that it emits when it succeeds.
            pub fn event(self) -> &'static str {
                match self { $(Self::$name => stringify!($event)),* }
            }

            /// Reads the arguments and leaves the reader behind them.
            pub(in crate::chain) fn read(self, reader: &mut Reader<'_>) -> Result<ProgramInstruction, CodecError> {
                match self { $(Self::$name => Wire::read(reader).map(ProgramInstruction::$name)),* }
            }
        }

        impl ProgramInstruction {
            /// Which instruction it is.
            pub fn kind(&self) -> InstructionKind {
                match self { $(Self::$name(_) => InstructionKind::$name),* }
            }

            /// Appends the arguments.
            pub(in crate::chain) fn write(&self, out: &mut Vec<u8>) {
                match self { $(Self::$name(arguments) => Wire::write(arguments, out)),* }
            }

            #[cfg(test)]
            pub(in crate::chain) fn show(&self) -> serde_json::Value {
                match self { $(Self::$name(arguments) => Wire::show(arguments)),* }
            }
        }

        $(impl From<$name> for ProgramInstruction {
            fn from(arguments: $name) -> Self {
                Self::$name(arguments)
            }
        })*
    };
}

instruction_table! {
    /// Makes the config account. Anyone may, once.
    InitializeGlobalConfig "initialize_global_config" = 0x71d87a83e1d11637 {
        /// The key that reports tallies and finalizes.
        backend_authority: Wallet,
    } [pay admin, write global_config, read protocol_fee_wallet, read system_program] => GlobalConfigInitialized;

    /// Proposes a market.
    CreateMarket "create_market" = 0x67e261ebc8bcfbfe {
        /// The market's own id; its address follows from it.
        market_id: MarketSeed,
        /// LMSR's b, fixed point 1e9.
        b_parameter: u64,
        /// Liquidity on paper; no lamports move.
        initial_liquidity: Lamports,
        /// The question's document.
        ipfs_question_hash: IpfsHash,
    } [pay creator, write market, read global_config, read system_program] => MarketCreated;

    /// Votes on a proposal, on chain.
    SubmitProposalVote "submit_proposal_vote" = 0xb1bb3be61db90ef0 {
        /// True = like.
        vote: bool,
    } [read market, write vote_record, pay user, read system_program] => ProposalVoteSubmitted;

    /// Reports a tally of proposal votes.
    AggregateProposalVotes "aggregate_proposal_votes" = 0x1a9c1215b9b0ca48 {
        /// Votes for it.
        final_likes: u32,
        /// Votes against it.
        final_dislikes: u32,
    } [write market, read global_config, sign backend_authority] => ProposalAggregated;

    /// Approves a proposal.
    ApproveProposal "approve_proposal" = 0x886c665562720793 {
    } [pay admin, write market, read global_config] => ProposalApproved;

    /// Opens trading.
    ActivateMarket "activate_market" = 0x0a1ac57471634859 {
    } [pay authority, write market, read global_config] => MarketActivated;

    /// Buys shares.
    BuyShares "buy_shares" = 0x28ef8a9a08256a6c {
        /// True = YES.
        outcome: bool,
        /// What may be paid in all, fees included.
        target_cost: Lamports,
    } [
        read global_config, write market, write position, pay user, write protocol_fee_wallet, read system_program,
    ] => SharesBought;

    /// Sells shares (the deployed program always aborts it).
    SellShares "sell_shares" = 0xb8a4a910e79ec7c4 {
        /// True = YES.
        outcome: bool,
        /// How many.
        shares_to_sell: ShareUnits,
        /// What must come out, net of fees.
        min_proceeds: Lamports,
    } [
        read global_config, write market, write position, pay user, write protocol_fee_wallet, read system_program,
    ] => SharesSold;

    /// Proposes an outcome.
    ResolveMarket "resolve_market" = 0x9b1750ad2e4a17ef {
        /// True = YES.
        proposed_outcome: bool,
        /// The evidence's document.
        ipfs_evidence_hash: IpfsHash,
    } [read global_config, write market, pay resolver] => MarketResolved;

    /// Disputes the proposed outcome.
    InitiateDispute "initiate_dispute" = 0x80f2a0172c3dab25 {
    } [read global_config, write market, sign initiator] => DisputeInitiated;

    /// Votes on a dispute, on chain.
    SubmitDisputeVote "submit_dispute_vote" = 0x31df3d4298eb48e6 {
        /// True = the proposed outcome is wrong.
        vote: bool,
    } [read market, write vote_record, pay user, read system_program] => DisputeVoteSubmitted;

    /// Reports a tally of dispute votes. Never used here: it discards the vote, or ends the market without an outcome.
    AggregateDisputeVotes "aggregate_dispute_votes" = 0x4a0e1e13d48d7019 {
        /// Votes that the outcome is wrong.
        final_agrees: u32,
        /// Votes that it is right.
        final_disagrees: u32,
    } [write market, read global_config, sign backend_authority] => DisputeAggregated;

    /// Makes the outcome final.
    FinalizeMarket "finalize_market" = 0x10e1261cd5d901f7 {
        /// Votes that the outcome is wrong; needed from Disputed, ignored from Resolving.
        dispute_agree: Option<u32>,
        /// Votes that it is right; likewise.
        dispute_disagree: Option<u32>,
    } [read global_config, write market, sign backend_authority] => MarketFinalized;

    /// Pays a winner.
    ClaimWinnings "claim_winnings" = 0xa1d7183b0eecf2dd {
    } [
        read global_config, write market, write position, pay user, write resolver, read system_program,
    ] => WinningsClaimed;

    /// Pays the creator what is left.
    WithdrawLiquidity "withdraw_liquidity" = 0x959e21b92ff3fd1f {
    } [write market, pay creator] => LiquidityWithdrawn;

    /// Changes fees and thresholds.
    UpdateGlobalConfig "update_global_config" = 0xa45482bd6f3afac8 {
        /// New protocol fee.
        protocol_fee_bps: Bps,
        /// New resolver reward.
        resolver_reward_bps: Bps,
        /// New liquidity fee.
        liquidity_provider_fee_bps: Bps,
        /// New approval threshold.
        proposal_approval_threshold: Bps,
        /// New dispute threshold.
        dispute_success_threshold: Bps,
        /// Seconds; `None` keeps it.
        min_resolution_delay: Option<i64>,
        /// Seconds; `None` keeps it.
        dispute_period: Option<i64>,
    } [sign admin, write global_config] => ConfigUpdated;

    /// Pauses or resumes the program.
    EmergencyPause "emergency_pause" = 0x158f1b8ec8b5d2ff {
    } [sign admin, write global_config] => ProtocolPauseStatusChanged;

    /// Cancels a proposal.
    CancelMarket "cancel_market" = 0xcd7954d2de47960b {
    } [sign admin, write market, read global_config] => MarketCancelled;
}

impl InstructionKind {
    /// Where an account of that name stands in the list.
    pub fn account_index(self, name: &str) -> Option<usize> {
        self.accounts().iter().position(|account| account.name == name)
    }
}
