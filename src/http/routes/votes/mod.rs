//! Votes: who may cast one here, what is counted, and what the count is measured by.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    actors::{
        chain_reader::{ChainReader, ReadBalances, ReadTime},
        supervision::Link,
    },
    config::{VoteConfig, VoteEligibility},
    domain::{
        amount::Bps,
        config::ProgramConfig,
        deadline::{MarketTimes, Periods},
        ids::Wallet,
        market::Market,
        phase::Phase,
        tally::{Counts, VoteKind},
    },
    http::{
        error::{ApiError, ErrorCode},
        gateway::Reads,
    },
    journal::social,
    view::social::TallyView,
};

pub mod cast;
pub mod list;
pub mod show;

/// The rules by which votes are taken here.
#[derive(Debug, Clone)]
pub struct VoteRules {
    config: VoteConfig,
    /// Only the window for votes on disputes is asked of it.
    periods: Periods,
    chain: Link<ChainReader>,
}

impl Default for VoteRules {
    /// Any wallet may vote.
    fn default() -> Self {
        let config = VoteConfig {
            minimum: 10,
            signatures_required: false,
            eligibility: VoteEligibility::Any,
            min_balance_lamports: 0,
        };
        Self::new(config, Periods::default(), Link::default())
    }
}

impl VoteRules {
    /// These; `chain` leads to whoever knows what a wallet holds, and what time it is on the chain.
    pub fn new(config: VoteConfig, periods: Periods, chain: Link<ChainReader>) -> Self {
        Self { config, periods, chain }
    }

    /// Why a vote comes too late, if it does: votes on a dispute are taken for a while, by the chain's time. Where that can't
    /// be known the vote is taken, and counts as one that came in time.
    async fn too_late(&self, market: &Market, kind: VoteKind) -> Option<ApiError> {
        if kind != VoteKind::Dispute || market.phase != Phase::Disputed {
            return None;
        }
        let now = self.chain.get()?.send(ReadTime).await.ok().flatten()?;
        let times = MarketTimes::of(market, None);
        if times.takes_dispute_votes(&self.periods, now) {
            return None;
        }
        let end = times.dispute_voting_end(&self.periods).moment().map(|end| format!(" until {end}"));
        let message = format!("Votes on this dispute were taken{}.", end.unwrap_or_default());
        Some(ApiError::new(ErrorCode::Conflict, message))
    }

    /// As they are configured.
    pub(in crate::http) fn config(&self) -> &VoteConfig {
        &self.config
    }

    /// This server's own; the chain's dispute period is not known here.
    pub(in crate::http) fn periods(&self) -> &Periods {
        &self.periods
    }

    /// May the wallet vote here?
    async fn admit(&self, reads: &Reads, wallet: Wallet) -> Result<(), ApiError> {
        let forbidden = |message: &'static str| Err(ApiError::new(ErrorCode::Forbidden, message));
        match self.config.eligibility {
            VoteEligibility::Any => Ok(()),
            VoteEligibility::Onchain => forbidden("Votes are cast by transactions only, not here."),
            VoteEligibility::Traded => {
                let traded = reads.read(async |tx| Ok(social::has_traded(tx, wallet).await?)).await?;
                if traded { Ok(()) } else { forbidden("Only wallets that have traded may vote.") }
            }
            VoteEligibility::MinBalance => {
                let away = || ApiError::unavailable("The chain does not answer now.");
                let reader = self.chain.get().ok_or_else(away)?;
                let held = reader.send(ReadBalances(vec![wallet])).await.map_err(|_| away())?.map_err(|error| {
                    log::warn!("the balance of {wallet} can't be read: {error}");
                    away()
                })?;
                let held = held.first().copied().unwrap_or(0);
                let minimum = self.config.min_balance_lamports;
                if held >= minimum {
                    return Ok(());
                }
                let message = format!("Only wallets that hold {minimum} lamports may vote; this one holds {held}.");
                Err(ApiError::new(ErrorCode::Forbidden, message))
            }
        }
    }

    /// The count, and what it is measured by.
    fn measured(&self, kind: VoteKind, counts: Counts, config: Option<&ProgramConfig>) -> MeasuredTally {
        let threshold_bps = config.map(|config| match kind {
            VoteKind::Proposal => config.proposal_approval_threshold,
            VoteKind::Dispute => config.dispute_success_threshold,
        });
        // A dispute is decided by whoever voted.
        let min_votes = if kind == VoteKind::Proposal { self.config.minimum } else { 1 };
        MeasuredTally { tally: counts.into(), threshold_bps, min_votes }
    }
}

/// A tally, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MeasuredTally {
    #[serde(flatten)]
    tally: TallyView,
    /// So much approval is needed, by the program's config; `null` while that is not known.
    threshold_bps: Option<Bps>,
    /// So many votes are needed.
    min_votes: u32,
}
