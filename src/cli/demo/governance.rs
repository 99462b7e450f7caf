//! What the program's keepers do: make the config, approve proposals, make outcomes final.
//!
//! Without `--approve` the keepers' part is left to the engine, and this waits for it, bounded.

use std::{sync::Arc, time::Duration};

use solana_sdk::signature::Keypair;

use super::{
    Arguments,
    chain::DemoChain,
    error::DemoError,
    keys::{read_or_make, wallet_of},
};
use crate::{
    chain::program::instructions::UpdateGlobalConfig,
    domain::{
        account::{GlobalConfigAccount, MarketAccount},
        ids::{MarketAddress, Wallet},
        phase::Phase,
    },
};

/// How long the engine may take to approve or finalize: its passes are minutes apart.
const LOOKS: u32 = 600;
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How many likes and dislikes are reported with `--approve`; the rest of the voters dislike.
const LIKES: u32 = 9;
const DISLIKES: u32 = 1;

/// The config and, if they are ours to use, the two keys.
#[derive(Debug)]
pub struct Governance {
    chain: Arc<DemoChain>,
    admin: Arc<Keypair>,
    backend: Arc<Keypair>,
    acts: bool,
    /// Where protocol fees go.
    pub fee_wallet: Wallet,
    /// The window for disputes.
    pub dispute_period: Duration,
}

impl Governance {
    /// Reads the keys and the config; makes what is missing.
    ///
    /// # Errors
    /// [`DemoError::Key`]; with `--approve` [`DemoError::NotOurs`]; what the chain answers.
    pub async fn establish(chain: Arc<DemoChain>, arguments: &Arguments) -> Result<Self, DemoError> {
        let admin = Arc::new(read_or_make(&arguments.admin_keypair)?);
        let backend = Arc::new(read_or_make(&arguments.backend_keypair)?);
        let mut config = match chain.rpc.config_account().await? {
            Some(found) => found.account,
            None => make_config(&chain, &admin, &backend).await?,
        };
        let is_ours = config.admin == wallet_of(&admin) && config.backend_authority == wallet_of(&backend);
        if arguments.approve && !is_ours {
            let (role, configured) = if config.admin == wallet_of(&admin) {
                ("backend authority", config.backend_authority)
            } else {
                ("admin", config.admin)
            };
            return Err(DemoError::NotOurs { role, configured: configured.to_string() });
        }
        if is_ours && config.dispute_period != arguments.dispute_period_seconds {
            config = shorten_disputes(&chain, &admin, &config, arguments.dispute_period_seconds).await?;
        }
        Ok(Self {
            chain,
            admin,
            backend,
            acts: arguments.approve,
            fee_wallet: config.protocol_fee_wallet,
            dispute_period: Duration::from_secs(config.dispute_period.max(0).unsigned_abs()),
        })
    }

    /// Gets a proposal approved.
    ///
    /// # Errors
    /// [`DemoError::Stuck`]; what the chain answers.
    pub async fn approve(&self, market: MarketAddress) -> Result<(), DemoError> {
        if self.acts {
            let build = &self.chain.build;
            let tally = build.aggregate_proposal_votes(market, wallet_of(&self.backend), LIKES, DISLIKES);
            let approve = build.approve_proposal(market, wallet_of(&self.admin));
            self.chain.land(&[tally, approve], &[&self.admin, &self.backend]).await?;
            return Ok(());
        }
        self.wait_for(market, Phase::Approved, "approved").await
    }

    /// Gets an outcome made final, once the window for disputes is over.
    ///
    /// # Errors
    /// As [`Self::approve`].
    pub async fn finalize(&self, market: MarketAddress) -> Result<(), DemoError> {
        if self.acts {
            let finalize = self.chain.build.finalize_market(market, wallet_of(&self.backend), None);
            self.chain.land(&[finalize], &[&self.backend]).await?;
            return Ok(());
        }
        self.wait_for(market, Phase::Finalized, "finalized").await
    }

    async fn wait_for(&self, market: MarketAddress, phase: Phase, awaited: &'static str) -> Result<(), DemoError> {
        for _ in 0..LOOKS {
            let account: Option<MarketAccount> = self.chain.rpc.market_account(market).await?.map(|at| at.account);
            if account.is_some_and(|account| account.state == phase as u8) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(DemoError::Stuck { market, awaited })
    }
}

async fn make_config(chain: &DemoChain, admin: &Keypair, backend: &Keypair) -> Result<GlobalConfigAccount, DemoError> {
    // Fees are paid to an account that must exist, or the first trade would leave it below its rent.
    let fee_wallet = wallet_of(&Keypair::new());
    for wallet in [wallet_of(admin), wallet_of(backend), fee_wallet] {
        chain.fund(wallet).await?;
    }
    let make = chain.build.initialize_global_config(wallet_of(admin), fee_wallet, wallet_of(backend));
    chain.land(&[make], &[admin]).await?;
    Ok(chain.rpc.config_account().await?.ok_or(DemoError::NoConfig)?.account)
}

async fn shorten_disputes(
    chain: &DemoChain,
    admin: &Keypair,
    config: &GlobalConfigAccount,
    seconds: i64,
) -> Result<GlobalConfigAccount, DemoError> {
    let update = UpdateGlobalConfig {
        protocol_fee_bps: config.protocol_fee_bps,
        resolver_reward_bps: config.resolver_reward_bps,
        liquidity_provider_fee_bps: config.liquidity_provider_fee_bps,
        proposal_approval_threshold: config.proposal_approval_threshold,
        dispute_success_threshold: config.dispute_success_threshold,
        min_resolution_delay: None,
        dispute_period: Some(seconds),
    };
    chain.land(&[chain.build.update_global_config(wallet_of(admin), update)], &[admin]).await?;
    Ok(chain.rpc.config_account().await?.ok_or(DemoError::NoConfig)?.account)
}
