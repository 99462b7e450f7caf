//! Drafts of the events of a transaction whose log was cut: what its instructions tell alone.
//!
//! Anybody can fill a log before our program is called, so that its own lines are cut. The transaction took effect all the
//! same. An executed instruction says who did what in which market; how many shares that brought follows from the market at
//! that place (`domain::market::completion`). Pure. Nothing is drafted of a transaction that failed (then no log matters), nor
//! where the time of its block is not told. Since an instruction that fails fails its whole transaction, each call is an event,
//! and its number is that which the log would have given it.

use super::{decode::account, instructions::decode_executed_instruction};
use crate::{
    chain::{
        model::{RawInvocation, RawTransaction},
        program::instructions::ProgramInstruction as I,
    },
    domain::{
        amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
        event::{
            ChainEvent, DisputeInitiated, DisputeVoteSubmitted, InstructionFacts, MarketActivated, MarketCancelled,
            MarketCreated, MarketResolved, ProgramEvent, ProposalApproved, ProposalVoteSubmitted, SharesBought,
            SharesSold,
        },
        ids::{ChainPosition, EventId, MarketAddress, MarketSeed, ProgramId, Slot, Wallet},
    },
};

/// An event of which the market tells the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whose.
    pub market: MarketAddress,
    /// What is not known is zero: the market's id; of a purchase the shares and the price, and its cost is the most that may be
    /// paid; of a sale what came out and the price.
    pub event: ChainEvent,
}

/// The drafts of all events, in their order; `None` unless each of them can be drafted.
pub fn drafts(program: ProgramId, transaction: &RawTransaction) -> Option<Vec<Draft>> {
    if transaction.failed {
        return None;
    }
    let time = UnixSeconds(transaction.block_time?);
    let calls = transaction.invocations.as_ref()?.iter().filter(|call| call.program == program);
    calls.zip(0u16..).map(|(call, n)| draft(transaction, call, n, time)).collect()
}

fn draft(transaction: &RawTransaction, call: &RawInvocation, n: u16, timestamp: UnixSeconds) -> Option<Draft> {
    let (instruction, _) = decode_executed_instruction(&call.data).ok()?;
    let kind = instruction.kind();
    let of = |name: &str| account(kind, call, name);
    let wallet = |name: &str| of(name).map(|address| Wallet(address.0));
    let market = MarketAddress(of("market")?.0);
    let market_id = MarketSeed([0; 32]);
    let mut facts = None;
    let event: ProgramEvent = match instruction {
        I::CreateMarket(made) => {
            facts = Some(InstructionFacts::Creation {
                initial_liquidity: made.initial_liquidity,
                question_hash: made.ipfs_question_hash,
            });
            let (market_id, b_parameter) = (made.market_id, made.b_parameter);
            MarketCreated { market_id, creator: wallet("creator")?, b_parameter, state: 0, timestamp }.into()
        }
        I::SubmitProposalVote(it) => {
            ProposalVoteSubmitted { market_id, user: wallet("user")?, vote: it.vote, timestamp }.into()
        }
        I::SubmitDisputeVote(it) => {
            DisputeVoteSubmitted { market_id, user: wallet("user")?, vote: it.vote, timestamp }.into()
        }
        I::ApproveProposal(_) => ProposalApproved { market_id, approved_by: wallet("admin")?, timestamp }.into(),
        I::ActivateMarket(_) => {
            let creator = wallet("authority")?;
            MarketActivated { market_id, creator, initial_liquidity: Lamports(0), timestamp }.into()
        }
        I::BuyShares(it) => SharesBought {
            market_id,
            user: wallet("user")?,
            outcome: it.outcome,
            shares: ShareUnits(0),
            cost: it.target_cost,
            new_price_yes: PriceE9(0),
            timestamp,
        }
        .into(),
        I::SellShares(it) => SharesSold {
            market_id,
            user: wallet("user")?,
            outcome: it.outcome,
            shares: it.shares_to_sell,
            proceeds: Lamports(0),
            new_price_yes: PriceE9(0),
            timestamp,
        }
        .into(),
        I::ResolveMarket(it) => MarketResolved {
            market_id,
            resolver: wallet("resolver")?,
            outcome: it.proposed_outcome,
            evidence_hash: it.ipfs_evidence_hash,
            timestamp,
        }
        .into(),
        I::InitiateDispute(_) => {
            DisputeInitiated { market_id, initiator: wallet("initiator")?, disputed_outcome: None, timestamp }.into()
        }
        I::CancelMarket(_) => {
            MarketCancelled { market_id, cancelled_by: wallet("admin")?, cancelled_at: timestamp }.into()
        }
        // What they did depends on the config, on votes or on a position: the account tells.
        I::InitializeGlobalConfig(_)
        | I::AggregateProposalVotes(_)
        | I::AggregateDisputeVotes(_)
        | I::FinalizeMarket(_)
        | I::ClaimWinnings(_)
        | I::WithdrawLiquidity(_)
        | I::UpdateGlobalConfig(_)
        | I::EmergencyPause(_) => return None,
    };
    let position = ChainPosition { slot: Slot(transaction.slot), transaction_index: transaction.index_in_block, n };
    Some(Draft {
        market,
        event: ChainEvent { id: EventId { signature: transaction.signature, n }, position, event, facts },
    })
}
