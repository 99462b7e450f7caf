//! A market from its proposal to trading, and its cancellation.

use borsh::BorshDeserialize;
use solana_sdk::pubkey::Pubkey;

use super::ratio;
use crate::program::Payout;
use crate::program::accounts::{Cursor, arguments, create as create_account};
use crate::program::error::{Code, Outcome, require};
use crate::program::event::{MarketActivated, MarketCancelled, MarketCreated, ProposalApproved, emit};
use crate::program::host::Host;
use crate::program::layout::{GlobalConfig, MarketAccount, MarketState, encode, seeds};

#[derive(BorshDeserialize)]
struct Create {
    market_id: [u8; 32],
    b_parameter: u64,
    initial_liquidity: u64,
    ipfs_question_hash: [u8; 46],
}

pub(crate) fn create(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let given: Create = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let creator = cursor.signer("creator")?;
    let market = cursor.any("market")?;
    let config = cursor.account::<GlobalConfig>("global_config")?;
    cursor.system_program()?;
    let bump = create_account::<MarketAccount>(host, market, creator, &[seeds::MARKET, &given.market_id])?;
    creator.writable()?;
    config.check(host)?;

    require(!config.value.is_paused, Code::ProtocolPaused)?;
    require(given.b_parameter > 0, Code::InvalidBParameter)?;
    require(given.initial_liquidity > 0, Code::InvalidLiquidity)?;
    let timestamp = host.now()?;
    let value = MarketAccount {
        market_id: given.market_id,
        creator: creator.key,
        state: MarketState::Proposed,
        b_parameter: given.b_parameter,
        initial_liquidity: given.initial_liquidity,
        current_liquidity: given.initial_liquidity,
        shares_yes: given.b_parameter / 1000,
        shares_no: given.b_parameter / 1000,
        total_volume: 0,
        created_at: timestamp,
        approved_at: 0,
        activated_at: 0,
        resolution_proposed_at: 0,
        resolved_at: 0,
        finalized_at: 0,
        resolver: Pubkey::default(),
        proposed_outcome: None,
        final_outcome: None,
        ipfs_evidence_hash: given.ipfs_question_hash,
        dispute_initiated_at: 0,
        dispute_initiator: Pubkey::default(),
        accumulated_protocol_fees: 0,
        accumulated_resolver_fees: 0,
        accumulated_lp_fees: 0,
        proposal_likes: 0,
        proposal_dislikes: 0,
        proposal_total_votes: 0,
        resolution_agree: 0,
        resolution_disagree: 0,
        resolution_total_votes: 0,
        dispute_agree: 0,
        dispute_disagree: 0,
        dispute_total_votes: 0,
        was_disputed: false,
        is_cancelled: false,
        cancelled_at: None,
        is_locked: false,
        reserved: [0; 119],
        bump,
    };
    host.log("market created");
    let event = MarketCreated {
        market_id: value.market_id,
        creator: value.creator,
        b_parameter: value.b_parameter,
        state: value.state,
        timestamp,
    };
    emit(host, &event);
    Ok(host.write(market.index, &encode(&value))?)
}

pub(crate) fn approve(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let admin = cursor.signer("admin")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let config = cursor.account::<GlobalConfig>("global_config")?;
    admin.writable()?;
    market.check(host)?;
    market.at.writable()?;
    config.check(host)?;
    config.at.require(config.value.admin == admin.key, Code::Unauthorized)?;

    let value = &mut market.value;
    require(value.state == MarketState::Proposed, Code::InvalidStateTransition)?;
    require(value.proposal_total_votes > 0, Code::NoVotesRecorded)?;
    let approval = ratio(value.proposal_likes, value.proposal_total_votes, 10_000);
    require(approval >= u64::from(config.value.proposal_approval_threshold), Code::InsufficientVotes)?;
    let timestamp = host.now()?;
    value.state = MarketState::Approved;
    value.approved_at = timestamp;
    host.log(&format!("approved with {approval} basis points"));
    host.log(&format!("of {} votes", value.proposal_total_votes));
    emit(host, &ProposalApproved { market_id: value.market_id, approved_by: admin.key, timestamp });
    market.save(host)
}

pub(crate) fn activate(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let authority = cursor.signer("authority")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let config = cursor.account::<GlobalConfig>("global_config")?;
    authority.writable()?;
    market.check(host)?;
    market.at.writable()?;
    config.check(host)?;

    let value = &mut market.value;
    require([config.value.admin, value.creator].contains(&authority.key), Code::Unauthorized)?;
    require(value.state == MarketState::Approved, Code::InvalidStateTransition)?;
    require(value.current_liquidity >= value.initial_liquidity, Code::InsufficientLiquidity)?;
    let timestamp = host.now()?;
    value.state = MarketState::Active;
    value.activated_at = timestamp;
    host.log("market active");
    host.log(&format!("liquidity {}", value.current_liquidity));
    let event = MarketActivated {
        market_id: value.market_id,
        creator: value.creator,
        initial_liquidity: value.current_liquidity,
        timestamp,
    };
    emit(host, &event);
    market.save(host)
}

pub(crate) fn cancel(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let admin = cursor.signer("admin")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let config = cursor.account::<GlobalConfig>("global_config")?;
    market.check(host)?;
    market.at.writable()?;
    config.check(host)?;
    config.at.require(config.value.admin == admin.key, Code::Unauthorized)?;

    let value = &mut market.value;
    require(value.state != MarketState::Cancelled, Code::MarketAlreadyCancelled)?;
    let open = matches!(value.state, MarketState::Proposed | MarketState::Approved);
    require(open, Code::CannotCancelMarket)?;
    let cancelled_at = host.now()?;
    value.state = MarketState::Cancelled;
    value.cancelled_at = Some(cancelled_at);
    emit(host, &MarketCancelled { market_id: value.market_id, cancelled_by: admin.key, cancelled_at });
    host.log("market cancelled");
    market.save(host)
}
