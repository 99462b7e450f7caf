//! Votes on a proposal and on a dispute: one record a user, and the counts that the backend states.

use super::ratio;
use crate::program::Payout;
use crate::program::accounts::{Cursor, arguments, create};
use crate::program::error::{Code, Outcome, require};
use crate::program::event::{DisputeAggregated, DisputeVoteSubmitted, ProposalAggregated, ProposalVoteSubmitted, emit};
use crate::program::host::Host;
use crate::program::layout::{GlobalConfig, MarketAccount, MarketState, VoteRecord, encode, seeds};

/// What a vote is about: the last seed of its record, and the state that allows it.
#[derive(Clone, Copy)]
enum Subject {
    Proposal,
    Dispute,
}

impl Subject {
    fn byte(self) -> u8 {
        match self {
            Subject::Proposal => 0,
            Subject::Dispute => 1,
        }
    }

    fn state(self) -> MarketState {
        match self {
            Subject::Proposal => MarketState::Proposed,
            Subject::Dispute => MarketState::Disputed,
        }
    }
}

pub(crate) fn submit_proposal(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    submit(host, data, Subject::Proposal)
}

pub(crate) fn submit_dispute(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    submit(host, data, Subject::Dispute)
}

fn submit(host: &mut dyn Host, data: &[u8], subject: Subject) -> Outcome {
    let vote: bool = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let market = cursor.account::<MarketAccount>("market")?;
    let record = cursor.any("vote_record")?;
    let user = cursor.signer("user")?;
    cursor.system_program()?;
    let vote_type = subject.byte();
    let seeds = [seeds::VOTE, market.at.key.as_ref(), user.key.as_ref(), &[vote_type]];
    let bump = create::<VoteRecord>(host, record, user, &seeds)?;
    market.check(host)?;
    market.at.require(market.value.state == subject.state(), Code::InvalidStateForVoting)?;
    user.writable()?;

    let timestamp = host.now()?;
    let value = VoteRecord { market: market.at.key, user: user.key, vote_type, vote, voted_at: timestamp, bump };
    let market_id = market.value.market_id;
    match subject {
        Subject::Proposal => emit(host, &ProposalVoteSubmitted { market_id, user: user.key, vote, timestamp }),
        Subject::Dispute => emit(host, &DisputeVoteSubmitted { market_id, user: user.key, vote, timestamp }),
    }
    Ok(host.write(record.index, &encode(&value))?)
}

pub(crate) fn aggregate_proposal(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let (likes, dislikes): (u32, u32) = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let mut market = cursor.account::<MarketAccount>("market")?;
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let backend = cursor.signer("backend_authority")?;
    market.check(host)?;
    market.at.writable()?;
    config.check(host)?;
    backend.require(backend.key == config.value.backend_authority, Code::Unauthorized)?;

    let value = &mut market.value;
    require(value.state == MarketState::Proposed, Code::InvalidStateForVoting)?;
    let total = likes.checked_add(dislikes).ok_or(Code::OverflowError)?;
    value.proposal_likes = likes;
    value.proposal_dislikes = dislikes;
    value.proposal_total_votes = total;
    let threshold = u64::from(config.value.proposal_approval_threshold);
    let event = ProposalAggregated {
        market_id: value.market_id,
        likes,
        dislikes,
        approval_percentage: percent(likes, total),
        approved: total > 0 && ratio(likes, total, 10_000) >= threshold,
        timestamp: host.now()?,
    };
    emit(host, &event);
    market.save(host)
}

pub(crate) fn aggregate_dispute(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let (agrees, disagrees): (u32, u32) = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let mut market = cursor.account::<MarketAccount>("market")?;
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let backend = cursor.signer("backend_authority")?;
    market.check(host)?;
    market.at.writable()?;
    config.check(host)?;
    backend.require(backend.key == config.value.backend_authority, Code::Unauthorized)?;

    let value = &mut market.value;
    require(value.state == MarketState::Disputed, Code::InvalidStateForVoting)?;
    let total = agrees.checked_add(disagrees).ok_or(Code::OverflowError)?;
    let timestamp = host.now()?;
    value.dispute_agree = agrees;
    value.dispute_disagree = disagrees;
    value.dispute_total_votes = total;
    value.was_disputed = true;
    let threshold = u64::from(config.value.dispute_success_threshold);
    let dispute_succeeded = total > 0 && ratio(agrees, total, 10_000) >= threshold;
    if dispute_succeeded {
        value.state = MarketState::Resolving;
    } else {
        value.state = MarketState::Finalized;
        value.resolved_at = timestamp;
        host.log("dispute failed");
    }
    let event = DisputeAggregated {
        market_id: value.market_id,
        agrees,
        disagrees,
        agreement_percentage: percent(agrees, total),
        dispute_succeeded,
        timestamp,
    };
    emit(host, &event);
    market.save(host)
}

fn percent(part: u32, whole: u32) -> u8 {
    u8::try_from(ratio(part, whole, 100)).unwrap_or(u8::MAX)
}
