//! One trade: look at the market, think, send.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use solana_sdk::signature::Keypair;

use super::{
    chain::DemoChain,
    error::DemoError,
    governance::Governance,
    keys::wallet_of,
    strategy::{Order, Strategy, View},
};
use crate::{
    chain::anchor::accounts::{AccountLayout, decode_account},
    domain::{
        account::{MarketAccount, UserPositionAccount},
        amount::{Lamports, PriceE9},
        ids::MarketAddress,
    },
};

/// How many wallets there are: enough for a proposal to have the votes that the engine asks for.
pub const COUNT: usize = 10;

/// How many prices are remembered; the oldest is what a trader compares with.
const MEMORY: usize = 6;

/// The last prices of a market, as the traders remember them.
#[derive(Debug, Default)]
pub struct Memory(Mutex<VecDeque<PriceE9>>);

impl Memory {
    /// Remembers a price; gives the oldest that is remembered.
    fn note(&self, price: PriceE9) -> PriceE9 {
        let mut prices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        prices.push_back(price);
        if prices.len() > MEMORY {
            prices.pop_front();
        }
        prices.front().copied().unwrap_or(price)
    }
}

/// Trades once.
///
/// # Errors
/// What the chain answers; most of all [`DemoError::Send`] where the program refuses the trade.
pub async fn trade(
    chain: &DemoChain,
    governance: &Governance,
    market: MarketAddress,
    wallet: &Keypair,
    strategy: Strategy,
    memory: &Memory,
) -> Result<(), DemoError> {
    let owner = wallet_of(wallet);
    let (position, _) = chain.build.addresses().position(market, owner);
    let found = chain.rpc.accounts(&[market.account(), position]).await?.accounts;
    let mut found = found.into_iter();
    let Some(account) = decoded::<MarketAccount>(found.next().flatten()) else { return Ok(()) };
    let held = decoded::<UserPositionAccount>(found.next().flatten())
        .map_or([0, 0], |position| [position.shares_yes.0, position.shares_no.0]);
    let price = price(&account);
    let view = View {
        b: account.b_parameter,
        shares: [account.shares_yes.0, account.shares_no.0],
        price,
        earlier_price: memory.note(price),
        held,
    };
    let order = strategy.order(&view, rand::random());
    let instruction = match order {
        // Never the same budget twice: equal transactions on one blockhash are one.
        Order::Buy(outcome, budget) => {
            let budget = Lamports(budget.0.saturating_add(u64::from(rand::random::<u16>())));
            chain.build.buy_shares(market, owner, governance.fee_wallet, outcome, budget)
        }
        Order::Sell(outcome, shares) => {
            chain.build.sell_shares(market, owner, governance.fee_wallet, outcome, shares, Lamports::ZERO)
        }
    };
    chain.send(&[instruction], &[wallet]).await.map(drop)
}

fn decoded<T: AccountLayout>(raw: Option<crate::chain::rpc::RawAccount>) -> Option<T> {
    // Another program's account, or none: nothing to trade on, nothing held.
    raw.and_then(|raw| decode_account(&raw.data).ok())
}

/// Which side leads and by how much, on the scale of a price: all that the habits here look at.
fn price(account: &MarketAccount) -> PriceE9 {
    const HALF: u64 = 500_000_000;
    let (yes, no, b) = (account.shares_yes.0, account.shares_no.0, u128::from(account.b_parameter.max(1)));
    let lead = u128::from(yes.abs_diff(no));
    // lead / (lead + 2 b) of a half: 0 when even, a third of it at a lead of b, never all of it.
    let shift = (u128::from(HALF) * lead / (lead + 2 * b)) as u64;
    PriceE9(if yes >= no { HALF + shift } else { HALF - shift })
}
