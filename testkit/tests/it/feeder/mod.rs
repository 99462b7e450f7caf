//! The feeder as clients see it, and what it tells held against the engine's own domain.

mod driving;
mod fold;
mod forks;
mod recorded;
mod wire;

use std::num::NonZeroU32;

use zmart::{
    chain::rpc::{ChainRpc, RpcBudget, RpcOptions},
    domain::amount::Lamports,
};
use zmart_testkit::feeder::{Feeder, Generated, Options, Source};

/// Few markets and wallets, so that everybody meets; sales among the trades.
fn small(seed: u64, trades: u32) -> Generated {
    Generated {
        seed,
        markets: 5,
        wallets: 7,
        trades,
        sales_percent: 40,
        initial_liquidity: Lamports(50_000_000_000),
        ..Generated::default()
    }
}

/// Slots go on only when they are full.
fn still(generated: Generated) -> Options {
    Options { slot_time: None, slot_transactions: 50, ..Options::new(Source::Generated(generated)) }
}

/// The engine's own client.
fn client(feeder: &Feeder) -> ChainRpc {
    let budget = RpcBudget::new(NonZeroU32::new(1_000_000).unwrap());
    ChainRpc::new(RpcOptions::new(&feeder.rpc_url, feeder.program()), budget).unwrap()
}
