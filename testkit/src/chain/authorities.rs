//! What those do who govern the program, and those who vote by transactions.

use futures_util::future::join_all;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signature::Keypair,
    signer::Signer,
};
use zmart::{
    chain::program::instructions::UpdateGlobalConfig,
    domain::{
        amount::Bps,
        event::Outcome,
        ids::{MarketAddress, TxSignature, Wallet},
        tally::VoteKind,
    },
};

use super::{Chain, ChainClient, wallet_of};

/// Voters of one transaction: with more, it would not fit a packet.
const VOTERS_A_TRANSACTION: usize = 5;

/// What the program decides by.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// From so many basis points in favour on a proposal may be approved.
    pub approval_bps: u16,
    /// From so many basis points on a dispute overturns the outcome.
    pub dispute_bps: u16,
    /// Seconds; as it is if there are none.
    pub dispute_period: Option<i64>,
}

impl Default for Rules {
    /// Those that the program begins with.
    fn default() -> Self {
        Self { approval_bps: 7_000, dispute_bps: 6_000, dispute_period: None }
    }
}

impl Chain {
    /// The wallet of the admin.
    pub fn admin(&self) -> Wallet {
        wallet_of(&self.admin)
    }

    /// The wallet of the backend authority.
    pub fn backend(&self) -> Wallet {
        wallet_of(&self.backend)
    }

    /// Other rules; the fees are what the program begins with.
    pub async fn set_rules(&self, rules: Rules) -> TxSignature {
        let update = UpdateGlobalConfig {
            protocol_fee_bps: Bps(300),
            resolver_reward_bps: Bps(200),
            liquidity_provider_fee_bps: Bps(500),
            proposal_approval_threshold: Bps(rules.approval_bps),
            dispute_success_threshold: Bps(rules.dispute_bps),
            min_resolution_delay: None,
            dispute_period: rules.dispute_period,
        };
        let update = self.client.build.update_global_config(self.admin(), update);
        self.client.must_send(&[update], &[&self.admin]).await
    }

    /// Takes all its money from the backend authority, who pays for what governance sends.
    pub async fn impoverish_backend(&self) {
        /// Of a transaction with one signature.
        const FEE: u64 = 5_000;
        let (from, to) = (self.backend.pubkey(), self.admin.pubkey());
        let lamports = self.client.lamports(self.backend()).await - FEE;
        // The system program's transfer.
        let data = [&2_u32.to_le_bytes()[..], &lamports.to_le_bytes()].concat();
        let accounts = vec![AccountMeta::new(from, true), AccountMeta::new(to, false)];
        let transfer = Instruction { program_id: Pubkey::default(), accounts, data };
        self.client.must_send(&[transfer], &[&self.backend]).await;
    }

    /// Cancels a market.
    pub async fn cancel(&self, market: MarketAddress) -> TxSignature {
        let cancel = self.client.build.cancel_market(market, self.admin());
        self.client.must_send(&[cancel], &[&self.admin]).await
    }
}

impl ChainClient {
    /// So many new wallets with money.
    pub async fn funded_wallets(&self, count: usize) -> Vec<Keypair> {
        join_all((0..count).map(|_| self.funded_wallet())).await
    }

    /// Votes by transactions, several voters each.
    pub async fn vote_together(&self, kind: VoteKind, market: MarketAddress, voters: &[Keypair], vote: bool) {
        for some in voters.chunks(VOTERS_A_TRANSACTION) {
            let instruction = |voter: &Keypair| match kind {
                VoteKind::Proposal => self.build.submit_proposal_vote(market, wallet_of(voter), vote),
                VoteKind::Dispute => self.build.submit_dispute_vote(market, wallet_of(voter), vote),
            };
            let instructions: Vec<_> = some.iter().map(instruction).collect();
            self.must_send(&instructions, &some.iter().collect::<Vec<_>>()).await;
        }
    }

    /// Proposes an outcome. A second of the chain's time must have passed since the activation.
    pub async fn resolve(&self, market: MarketAddress, resolver: &Keypair, outcome: Outcome) {
        if let Err(refused) = self.try_resolve(market, resolver, outcome).await {
            panic!("the chain refused to resolve {market}: {refused}");
        }
    }

    /// Disputes the proposed outcome. A second of the chain's time must have passed since the proposal.
    pub async fn dispute(&self, market: MarketAddress, initiator: &Keypair) -> TxSignature {
        let dispute = self.build.initiate_dispute(market, Wallet(initiator.pubkey().to_bytes()));
        self.must_send(&[dispute], &[initiator]).await
    }
}
