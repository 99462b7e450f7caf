//! A market and its events, for tests.

use super::{
    super::{
        amount::{Bps, Lamports, UnixSeconds},
        entry::FeeSchedule,
        event::{ChainEvent, InstructionFacts, IpfsHash, MarketCreated, ProgramEvent},
        ids::{ChainPosition, EventId, MarketAddress, MarketSeed, Slot, TxSignature, Wallet},
    },
    Market,
};

pub(crate) const ADDRESS: MarketAddress = MarketAddress([1; 32]);
pub(crate) const SEED: MarketSeed = MarketSeed([2; 32]);
pub(crate) const CREATOR: Wallet = Wallet([3; 32]);

pub(crate) const TEN_PERCENT: FeeSchedule = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };

pub(crate) fn event(event: impl Into<ProgramEvent>) -> ChainEvent {
    ChainEvent {
        id: EventId { signature: TxSignature([5; 64]), n: 0 },
        position: ChainPosition { slot: Slot(6), transaction_index: None, n: 0 },
        event: event.into(),
        facts: None,
    }
}

pub(crate) fn creation(b: u64) -> ChainEvent {
    let created =
        MarketCreated { market_id: SEED, creator: CREATOR, b_parameter: b, state: 0, timestamp: UnixSeconds(1_000) };
    let facts =
        InstructionFacts::Creation { initial_liquidity: Lamports(50_000_000_000), question_hash: IpfsHash([b'Q'; 46]) };
    ChainEvent { facts: Some(facts), ..event(created) }
}

/// A market of b = 1000 shares, just created.
pub(crate) fn market() -> Market {
    let body = Market::plan(None, ADDRESS, &creation(1_000_000_000_000), TEN_PERCENT).unwrap();
    Market::begin(&body).unwrap()
}
