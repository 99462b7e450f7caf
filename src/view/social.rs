//! What clients see of votes and comments: in frames, and in replies.
//!
//! Owns the words of the API: votes in favour are `likes`, of a dispute those who say that the proposed outcome is wrong.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        amount::Bps,
        entry::EntryBody,
        event::ProgramEvent,
        ids::{TxSignature, Wallet},
        tally::{Counts, MarketCounts, VoteKind},
    },
    journal::rows::timestamp,
};

/// Votes, counted: each wallet once, by its vote on the chain if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TallyView {
    /// In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
    pub likes: u32,
    /// Against it.
    pub dislikes: u32,
    /// Both.
    pub total: u32,
    /// likes · 10,000 / total, rounded down; `null` without votes.
    pub approval_bps: Option<Bps>,
}

impl From<Counts> for TallyView {
    fn from(counts: Counts) -> Self {
        Self {
            likes: counts.in_favour(),
            dislikes: counts.against(),
            total: counts.total(),
            approval_bps: counts.approval(),
        }
    }
}

/// Both tallies of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TalliesView {
    /// On its proposal.
    pub proposal: TallyView,
    /// On its dispute.
    pub dispute: TallyView,
}

impl From<MarketCounts> for TalliesView {
    fn from(counts: MarketCounts) -> Self {
        Self { proposal: counts.proposal.into(), dispute: counts.dispute.into() }
    }
}

/// Where a vote was cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VoteSourceView {
    /// By a transaction.
    Onchain,
    /// Here.
    Offchain,
}

/// A vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VoteView {
    /// `proposal` or `dispute`.
    #[schema(value_type = String, pattern = "^(proposal|dispute)$")]
    pub vote_type: VoteKind,
    /// Whose.
    pub user_wallet: Wallet,
    /// Which way.
    pub vote: bool,
    /// Where it was cast.
    pub source: VoteSourceView,
    /// Its transaction; `null` for one that was cast here.
    pub tx_signature: Option<TxSignature>,
    /// When, by the chain's clock or by the engine's.
    pub voted_at: String,
    /// The wallet's signature over the vote's message, if it gave one: anybody can check it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<TxSignature>,
    /// An adopted state contained it already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub contained: bool,
    /// What is counted after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tally: Option<TallyView>,
}

impl VoteView {
    /// Of an entry, if it is a vote.
    pub fn of(body: &EntryBody) -> Option<Self> {
        match body {
            EntryBody::Vote { vote_kind, wallet, vote, signature, voted_at_ms, tally, .. } => {
                Some(Self::offchain(*vote_kind, *wallet, *vote, *signature, *voted_at_ms, *tally))
            }
            EntryBody::Event { id, event, tally, .. } => Self::onchain(event, id.signature, false, *tally),
            EntryBody::Contained { id, event, tally, .. } => Self::onchain(event, id.signature, true, *tally),
            _ => None,
        }
    }

    /// Of an event, if it is a vote.
    pub fn onchain(
        event: &ProgramEvent,
        tx_signature: TxSignature,
        contained: bool,
        tally: Option<Counts>,
    ) -> Option<Self> {
        let (vote_type, user_wallet, vote) = VoteKind::of(event)?;
        Some(Self {
            vote_type,
            user_wallet,
            vote,
            source: VoteSourceView::Onchain,
            tx_signature: Some(tx_signature),
            voted_at: event.timestamp().to_string(),
            signature: None,
            contained,
            tally: tally.map(TallyView::from),
        })
    }

    /// Of one that was cast here.
    pub fn offchain(
        vote_type: VoteKind,
        user_wallet: Wallet,
        vote: bool,
        signature: Option<TxSignature>,
        voted_at_ms: i64,
        tally: Counts,
    ) -> Self {
        Self {
            vote_type,
            user_wallet,
            vote,
            source: VoteSourceView::Offchain,
            tx_signature: None,
            voted_at: timestamp(voted_at_ms),
            signature,
            contained: false,
            tally: Some(tally.into()),
        }
    }
}

/// What happened to a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiscussionAction {
    /// It was written.
    Added,
    /// Its author deleted it.
    Deleted,
}

/// The data of a `discussion` frame.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiscussionFrame<'a> {
    /// What happened.
    pub action: DiscussionAction,
    /// The comment.
    pub id: Uuid,
    /// Its author.
    pub user_wallet: Wallet,
    /// What was said; left out when it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<&'a str>,
    /// When it was written; left out when it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}
