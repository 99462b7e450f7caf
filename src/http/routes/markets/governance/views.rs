//! What the audit trail says of a market, a decision, a vote: in the words of the API.

use serde::Serialize;
use utoipa::ToSchema;

use super::NotCounted;
use crate::{
    chain::program::pda::ProgramAddresses,
    config::{VoteConfig, VoteEligibility},
    domain::{
        amount::{Bps, UnixSeconds},
        config::ProgramConfig,
        deadline::Periods,
        entry::EntryBody,
        event::{InstructionFacts, Outcome, ProgramEvent},
        governance::Grounds,
        ids::{AccountAddress, Epoch, MarketAddress, MarketSeed, Seq, Slot, TxSignature},
        market::Market,
        phase::Phase,
        tally::{Counts, VoteKind},
        user_write::vote_message,
    },
    journal::read::{
        TradePosition,
        governance::{Attempt, ConfigChange, Deed, Landed, TooLate, TrailVote},
    },
    view::{
        market::FinalOutcome,
        social::{TallyView, VoteSourceView, VoteView},
    },
};

/// A market as its decisions concern it. Moments are the chain's.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are the account's own
pub struct GovernedMarket {
    pub address: MarketAddress,
    pub market_seed: MarketSeed,
    pub state: Phase,
    pub created_at: UnixSeconds,
    pub approved_at: Option<UnixSeconds>,
    pub resolution_proposed_at: Option<UnixSeconds>,
    pub dispute_initiated_at: Option<UnixSeconds>,
    pub finalized_at: Option<UnixSeconds>,
    pub cancelled_at: Option<UnixSeconds>,
    pub proposed_outcome: Option<Outcome>,
    pub final_outcome: Option<FinalOutcome>,
    pub was_disputed: bool,
    /// What the account counts, as it was last reported to the program.
    pub reported: Reported,
}

/// The account's own counters: what the backend's key reported last.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are the account's own
pub struct Reported {
    pub proposal_likes: u32,
    pub proposal_dislikes: u32,
    pub dispute_agree: u32,
    pub dispute_disagree: u32,
}

impl From<&Market> for GovernedMarket {
    fn from(market: &Market) -> Self {
        // Zero is "not yet" on the chain.
        let set = |at: UnixSeconds| (at.0 != 0).then_some(at);
        Self {
            address: market.address,
            market_seed: market.seed,
            state: market.phase,
            created_at: market.created_at,
            approved_at: set(market.approved_at),
            resolution_proposed_at: set(market.resolution_proposed_at),
            dispute_initiated_at: set(market.dispute_initiated_at),
            finalized_at: set(market.finalized_at),
            cancelled_at: market.cancelled_at,
            proposed_outcome: market.proposed_outcome,
            final_outcome: FinalOutcome::of(market),
            was_disputed: market.was_disputed,
            reported: Reported {
                proposal_likes: market.proposal_likes,
                proposal_dislikes: market.proposal_dislikes,
                dispute_agree: market.dispute_agree,
                dispute_disagree: market.dispute_disagree,
            },
        }
    }
}

/// The program's config as it decides now, and how it came to be so.
#[derive(Debug, Serialize, ToSchema)]
pub struct InForce {
    /// The config's account.
    config: AccountAddress,
    /// So much approval a proposal needs.
    proposal_approval_bps: Bps,
    /// So much agreement overturns a proposed outcome.
    dispute_success_bps: Bps,
    /// An outcome can be disputed for so long.
    dispute_period_seconds: i64,
    seq: Seq,
    slot: Slot,
    /// The newest 100 changes, newest first: each is a transaction that anybody can look at.
    changes: Vec<ConfigChangeView>,
}

/// A change of the config.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigChangeView {
    signature: TxSignature,
    /// `GlobalConfigInitialized` or `ConfigUpdated`.
    event: String,
    slot: Slot,
    seq: Seq,
    at: UnixSeconds,
    /// In force from here on.
    proposal_approval_bps: Bps,
    /// Likewise.
    dispute_success_bps: Bps,
    /// Likewise.
    dispute_period_seconds: i64,
}

impl InForce {
    /// Of a config, with its history.
    pub fn new(
        address: AccountAddress,
        config: &ProgramConfig,
        seq: Seq,
        slot: Slot,
        changes: &[ConfigChange],
    ) -> Self {
        let change = |change: &ConfigChange| {
            let EntryBody::Config { config, .. } = &change.body else { return None };
            Some(ConfigChangeView {
                signature: change.signature,
                event: change.landed.event.clone(),
                slot: change.landed.slot,
                seq: change.landed.place.seq,
                at: UnixSeconds(change.landed.block_time_unix),
                proposal_approval_bps: config.proposal_approval_threshold,
                dispute_success_bps: config.dispute_success_threshold,
                dispute_period_seconds: config.dispute_period_seconds,
            })
        };
        Self {
            config: address,
            proposal_approval_bps: config.proposal_approval_threshold,
            dispute_success_bps: config.dispute_success_threshold,
            dispute_period_seconds: config.dispute_period_seconds,
            seq,
            slot,
            changes: changes.iter().filter_map(change).collect(),
        }
    }
}

/// Rules of this server.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Rules {
    /// So many votes a proposal needs.
    min_votes: u32,
    /// Votes that are cast here need the wallet's signature.
    vote_signatures_required: bool,
    /// Who may vote here: `any`, `min_balance`, `traded` or `onchain`.
    #[schema(value_type = String, pattern = "^(any|min_balance|traded|onchain)$")]
    vote_eligibility: &'static str,
    /// Votes on a dispute are taken here for so long after it began.
    dispute_voting_seconds: i64,
    /// What nobody disputes is finalized no sooner after its resolution, nor before the chain's dispute period is over.
    finalization_delay_seconds: i64,
}

impl Rules {
    /// As they are configured; of the periods, those that are this server's own.
    pub fn new(config: &VoteConfig, periods: &Periods) -> Self {
        Self {
            dispute_voting_seconds: periods.dispute_voting_seconds,
            finalization_delay_seconds: periods.finalization_delay_seconds,
            min_votes: config.minimum,
            vote_signatures_required: config.signatures_required,
            vote_eligibility: match config.eligibility {
                VoteEligibility::Any => "any",
                VoteEligibility::MinBalance => "min_balance",
                VoteEligibility::Traded => "traded",
                VoteEligibility::Onchain => "onchain",
            },
        }
    }
}

/// Who decided.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// This engine: the transaction is one that it signed.
    Engine,
    /// An authority's key, past this engine.
    Other,
}

/// Something that was done, or tried, in the name of an authority.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// This engine's have a number, which `decision` takes; others have the name of their entry.
    id: String,
    by: DecidedBy,
    /// `aggregate_proposal`, `approve_proposal`, `finalize_dispute`, `finalize_undisputed`; of others also `aggregate_dispute`
    /// and `cancel`.
    purpose: &'static str,
    /// What was told to the program: likes are those who agree, of a dispute those who say that the outcome is wrong. `null`
    /// where nothing is counted.
    counts: Option<TallyView>,
    /// What it rests on; `null` for others: nobody here knows.
    grounds: Option<GroundsView>,
    signature: TxSignature,
    /// `signed`, `sent`, `processed`, `confirmed`, `finalized`, `failed` or `expired`.
    status: String,
    /// Nothing can change it any more.
    settled: bool,
    slot: Option<Slot>,
    /// Why it failed.
    #[schema(value_type = Option<Object>)]
    reason: Option<serde_json::Value>,
    /// Its events in the market's journal; none while it has not landed.
    events: Vec<LandedView>,
    /// When it was written down here: the engine's clock, which decides nothing.
    created_at: String,
    updated_at: Option<String>,
}

/// What a decision rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroundsView {
    /// The votes of all entries up to this one, itself included, were counted: it was final on the chain.
    epoch: Epoch,
    seq: Seq,
    /// The chain's time was read at this slot.
    slot: Slot,
    chain_time: UnixSeconds,
    /// The threshold that the votes were held against.
    threshold_bps: Bps,
    /// So many votes were asked for; 0: no minimum.
    min_votes: u32,
    /// It could be done from then on; `null` if no time was waited for.
    due_at: Option<UnixSeconds>,
    /// Threshold and periods were read from the chain; `false`: they were this server's settings.
    config_read: bool,
}

impl From<&Grounds> for GroundsView {
    fn from(grounds: &Grounds) -> Self {
        Self {
            epoch: grounds.epoch,
            seq: grounds.seq,
            slot: grounds.slot,
            chain_time: grounds.chain_time,
            threshold_bps: grounds.threshold,
            min_votes: grounds.minimum,
            due_at: grounds.due_at,
            config_read: grounds.config_read,
        }
    }
}

/// An event in the market's journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct LandedView {
    event: String,
    epoch: Epoch,
    seq: Seq,
    slot: Slot,
    /// The chain's clock.
    at: UnixSeconds,
    /// It can't be rolled back any more.
    finalized: bool,
}

impl LandedView {
    fn of(landed: &Landed, is_final: &impl Fn(TradePosition) -> bool) -> Self {
        Self {
            event: landed.event.clone(),
            epoch: landed.place.epoch,
            seq: landed.place.seq,
            slot: landed.slot,
            at: UnixSeconds(landed.block_time_unix),
            finalized: is_final(landed.place),
        }
    }
}

fn moment(at: chrono::DateTime<chrono::Utc>) -> String {
    crate::journal::rows::timestamp(at.timestamp_millis())
}

impl DecisionView {
    /// One of this engine's.
    pub fn own(attempt: &Attempt, is_final: &impl Fn(TradePosition) -> bool) -> Self {
        Self {
            id: attempt.id.to_string(),
            by: DecidedBy::Engine,
            purpose: attempt.purpose.as_str(),
            counts: attempt.counts.map(TallyView::from),
            grounds: Some(GroundsView::from(&attempt.grounds)),
            signature: attempt.signature,
            status: attempt.status.clone(),
            settled: attempt.settled,
            slot: attempt.slot,
            reason: attempt.reason.clone(),
            events: attempt.landed.iter().map(|landed| LandedView::of(landed, is_final)).collect(),
            created_at: moment(attempt.created_at),
            updated_at: Some(moment(attempt.updated_at)),
        }
    }

    /// Somebody else's.
    pub fn other(deed: &Deed, is_final: &impl Fn(TradePosition) -> bool) -> Self {
        let (purpose, counts) = deed_of(&deed.body);
        let at = deed.landed.place;
        Self {
            id: format!("entry-{}-{}", at.epoch.0, at.seq.0),
            by: DecidedBy::Other,
            purpose,
            counts: counts.map(TallyView::from),
            grounds: None,
            signature: deed.signature,
            status: if is_final(at) { "finalized" } else { "confirmed" }.to_owned(),
            settled: is_final(at),
            slot: Some(deed.landed.slot),
            reason: None,
            events: vec![LandedView::of(&deed.landed, is_final)],
            created_at: moment(deed.recorded_at),
            updated_at: None,
        }
    }
}

/// What an event was done for, and what it counted.
fn deed_of(body: &EntryBody) -> (&'static str, Option<Counts>) {
    let Some((.., event)) = body.chain_event() else { return ("unknown", None) };
    match event {
        ProgramEvent::ProposalAggregated(e) => ("aggregate_proposal", Counts::new(e.likes, e.dislikes)),
        ProgramEvent::ProposalApproved(_) => ("approve_proposal", None),
        ProgramEvent::DisputeAggregated(e) => ("aggregate_dispute", Counts::new(e.agrees, e.disagrees)),
        ProgramEvent::MarketFinalized(e) if !e.was_disputed => ("finalize_undisputed", None),
        ProgramEvent::MarketFinalized(_) => {
            let counts = match body {
                EntryBody::Event { facts: Some(InstructionFacts::Finalization { agree, disagree }), .. } => {
                    agree.zip(*disagree).and_then(|(agree, disagree)| Counts::new(agree, disagree))
                }
                _ => None,
            };
            ("finalize_dispute", counts)
        }
        ProgramEvent::MarketCancelled(_) => ("cancel", None),
        _ => ("unknown", None),
    }
}

/// A vote, whether it was counted, and what proves it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailVoteView {
    #[serde(flatten)]
    vote: VoteView,
    epoch: Epoch,
    seq: Seq,
    /// Its own, of a vote on the chain; else the one that the market's journal had reached.
    slot: Slot,
    /// Exactly what `signature` is over; `null` without one: such a vote rests on this server's word.
    signed_text: Option<String>,
    /// The program's record of the vote, for as long as there is a chain; `null` for one that was cast here.
    vote_record: Option<AccountAddress>,
    /// By the newest decision of its kind, or, where there is none yet, as one would count it now.
    counted: bool,
    /// `overridden`: the wallet voted on the chain, too, and that vote counts. `after_decision`: it came when the tally of the
    /// decision was closed. `after_window`: it came on the chain when the window for votes on the dispute was over.
    #[schema(value_type = Option<String>, pattern = "^(overridden|after_decision|after_window)$")]
    not_counted: Option<&'static str>,
    /// The entry of the vote that counts instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden_by: Option<Seq>,
}

impl TrailVoteView {
    /// Of an entry that is a vote.
    pub(super) fn of(
        market: MarketAddress,
        (found, reason): &(TrailVote, Option<NotCounted>),
        addresses: &ProgramAddresses,
    ) -> Option<Self> {
        let vote = VoteView::of(&found.body)?;
        let (kind, wallet): (VoteKind, _) = (found.kind, found.wallet);
        let on_chain = vote.source == VoteSourceView::Onchain;
        Some(Self {
            signed_text: vote.signature.map(|_| vote_message(market, kind, vote.vote, wallet)),
            vote_record: on_chain.then(|| addresses.vote(market, wallet, kind).0),
            epoch: found.place.epoch,
            seq: found.place.seq,
            slot: found.body.slot(),
            counted: reason.is_none(),
            not_counted: reason.map(|reason| match reason {
                NotCounted::Overridden(_) => "overridden",
                NotCounted::Late(TooLate::Decision) => "after_decision",
                NotCounted::Late(TooLate::Window) => "after_window",
            }),
            overridden_by: match reason {
                Some(NotCounted::Overridden(by)) => Some(by.seq),
                _ => None,
            },
            vote,
        })
    }
}
