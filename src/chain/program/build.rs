//! Builds the program's instructions, accounts included.
//!
//! Derives every address that follows from the program's id; the caller names only what does not (who signs, which fee
//! wallet the config has, who resolved the market). The bytes come from the same table that they are read by.

use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use super::{
    instructions::{
        ActivateMarket, AggregateDisputeVotes, AggregateProposalVotes, ApproveProposal, BuyShares, CancelMarket,
        ClaimWinnings, CreateMarket, EmergencyPause, FinalizeMarket, InitializeGlobalConfig, InitiateDispute,
        ProgramInstruction, ResolveMarket, SellShares, SubmitDisputeVote, SubmitProposalVote, UpdateGlobalConfig,
        WithdrawLiquidity,
    },
    pda::{ProgramAddresses, VoteKind},
};
use crate::{
    chain::anchor::instructions::encode_instruction,
    domain::{
        amount::{Lamports, ShareUnits},
        event::{IpfsHash, Outcome},
        ids::{AccountAddress, MarketAddress, ProgramId, Wallet},
    },
};

/// The system program.
const SYSTEM_PROGRAM: [u8; 32] = [0; 32];

/// Builds instructions for one deployment.
#[derive(Debug, Clone, Copy)]
pub struct InstructionBuilder {
    program: ProgramId,
    addresses: ProgramAddresses,
    config: AccountAddress,
}

impl InstructionBuilder {
    /// For the program at that id.
    pub fn new(program: ProgramId) -> Self {
        let addresses = ProgramAddresses::new(program);
        Self { program, addresses, config: addresses.config().0 }
    }

    /// The program.
    pub fn program(&self) -> ProgramId {
        self.program
    }

    /// The addresses that it derives.
    pub fn addresses(&self) -> &ProgramAddresses {
        &self.addresses
    }

    /// `initialize_global_config`.
    pub fn initialize_global_config(
        &self,
        admin: Wallet,
        fee_wallet: Wallet,
        backend_authority: Wallet,
    ) -> Instruction {
        self.build(
            InitializeGlobalConfig { backend_authority }.into(),
            [admin.0, self.config.0, fee_wallet.0, SYSTEM_PROGRAM],
        )
    }

    /// `create_market`; the market's address follows from its seed.
    pub fn create_market(&self, creator: Wallet, market: CreateMarket) -> Instruction {
        let (address, _) = self.addresses.market(market.market_id);
        self.build(market.into(), [creator.0, address.0, self.config.0, SYSTEM_PROGRAM])
    }

    /// `submit_proposal_vote`; true = like.
    pub fn submit_proposal_vote(&self, market: MarketAddress, user: Wallet, vote: bool) -> Instruction {
        let (record, _) = self.addresses.vote(market, user, VoteKind::Proposal);
        self.build(SubmitProposalVote { vote }.into(), [market.0, record.0, user.0, SYSTEM_PROGRAM])
    }

    /// `aggregate_proposal_votes`, signed by the backend authority.
    pub fn aggregate_proposal_votes(
        &self,
        market: MarketAddress,
        backend_authority: Wallet,
        final_likes: u32,
        final_dislikes: u32,
    ) -> Instruction {
        let tally = AggregateProposalVotes { final_likes, final_dislikes };
        self.build(tally.into(), [market.0, self.config.0, backend_authority.0])
    }

    /// `approve_proposal`.
    pub fn approve_proposal(&self, market: MarketAddress, admin: Wallet) -> Instruction {
        self.build(ApproveProposal {}.into(), [admin.0, market.0, self.config.0])
    }

    /// `activate_market`; the authority is the admin or the creator.
    pub fn activate_market(&self, market: MarketAddress, authority: Wallet) -> Instruction {
        self.build(ActivateMarket {}.into(), [authority.0, market.0, self.config.0])
    }

    /// `buy_shares`; the fee wallet is the config's.
    pub fn buy_shares(
        &self,
        market: MarketAddress,
        user: Wallet,
        fee_wallet: Wallet,
        outcome: Outcome,
        target_cost: Lamports,
    ) -> Instruction {
        let (position, _) = self.addresses.position(market, user);
        self.build(
            BuyShares { outcome: outcome.into(), target_cost }.into(),
            [self.config.0, market.0, position.0, user.0, fee_wallet.0, SYSTEM_PROGRAM],
        )
    }

    /// `sell_shares`; the fee wallet is the config's. `min_proceeds` is net of fees.
    pub fn sell_shares(
        &self,
        market: MarketAddress,
        user: Wallet,
        fee_wallet: Wallet,
        outcome: Outcome,
        shares_to_sell: ShareUnits,
        min_proceeds: Lamports,
    ) -> Instruction {
        let (position, _) = self.addresses.position(market, user);
        self.build(
            SellShares { outcome: outcome.into(), shares_to_sell, min_proceeds }.into(),
            [self.config.0, market.0, position.0, user.0, fee_wallet.0, SYSTEM_PROGRAM],
        )
    }

    /// `resolve_market`.
    pub fn resolve_market(
        &self,
        market: MarketAddress,
        resolver: Wallet,
        outcome: Outcome,
        ipfs_evidence_hash: IpfsHash,
    ) -> Instruction {
        self.build(
            ResolveMarket { proposed_outcome: outcome.into(), ipfs_evidence_hash }.into(),
            [self.config.0, market.0, resolver.0],
        )
    }

    /// `initiate_dispute`.
    pub fn initiate_dispute(&self, market: MarketAddress, initiator: Wallet) -> Instruction {
        self.build(InitiateDispute {}.into(), [self.config.0, market.0, initiator.0])
    }

    /// `submit_dispute_vote`; true = the proposed outcome is wrong.
    pub fn submit_dispute_vote(&self, market: MarketAddress, user: Wallet, vote: bool) -> Instruction {
        let (record, _) = self.addresses.vote(market, user, VoteKind::Dispute);
        self.build(SubmitDisputeVote { vote }.into(), [market.0, record.0, user.0, SYSTEM_PROGRAM])
    }

    /// `aggregate_dispute_votes` (see its warning in the table).
    pub fn aggregate_dispute_votes(
        &self,
        market: MarketAddress,
        backend_authority: Wallet,
        final_agrees: u32,
        final_disagrees: u32,
    ) -> Instruction {
        let tally = AggregateDisputeVotes { final_agrees, final_disagrees };
        self.build(tally.into(), [market.0, self.config.0, backend_authority.0])
    }

    /// `finalize_market`; `counts` (agree, disagree) are needed from Disputed.
    pub fn finalize_market(
        &self,
        market: MarketAddress,
        backend_authority: Wallet,
        counts: Option<(u32, u32)>,
    ) -> Instruction {
        let finalize = FinalizeMarket {
            dispute_agree: counts.map(|(agree, _)| agree),
            dispute_disagree: counts.map(|(_, disagree)| disagree),
        };
        self.build(finalize.into(), [self.config.0, market.0, backend_authority.0])
    }

    /// `claim_winnings`; the resolver is the market's.
    pub fn claim_winnings(&self, market: MarketAddress, user: Wallet, resolver: Wallet) -> Instruction {
        let (position, _) = self.addresses.position(market, user);
        self.build(ClaimWinnings {}.into(), [self.config.0, market.0, position.0, user.0, resolver.0, SYSTEM_PROGRAM])
    }

    /// `withdraw_liquidity`.
    pub fn withdraw_liquidity(&self, market: MarketAddress, creator: Wallet) -> Instruction {
        self.build(WithdrawLiquidity {}.into(), [market.0, creator.0])
    }

    /// `update_global_config`.
    pub fn update_global_config(&self, admin: Wallet, update: UpdateGlobalConfig) -> Instruction {
        self.build(update.into(), [admin.0, self.config.0])
    }

    /// `emergency_pause`: pauses, or resumes.
    pub fn emergency_pause(&self, admin: Wallet) -> Instruction {
        self.build(EmergencyPause {}.into(), [admin.0, self.config.0])
    }

    /// `cancel_market`.
    pub fn cancel_market(&self, market: MarketAddress, admin: Wallet) -> Instruction {
        self.build(CancelMarket {}.into(), [admin.0, market.0, self.config.0])
    }

    // The fixture tests build every instruction, so a list of another length than the table's can't stay unnoticed.
    fn build<const N: usize>(&self, instruction: ProgramInstruction, keys: [[u8; 32]; N]) -> Instruction {
        let specs = instruction.kind().accounts();
        debug_assert_eq!(specs.len(), N);
        let accounts = specs.iter().zip(keys).map(|(spec, key)| AccountMeta {
            pubkey: Pubkey::new_from_array(key),
            is_signer: spec.signer,
            is_writable: spec.writable,
        });
        Instruction {
            program_id: Pubkey::new_from_array(self.program.0),
            accounts: accounts.collect(),
            data: encode_instruction(&instruction),
        }
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
