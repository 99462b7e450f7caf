//! How traders think: from what they see of a market to an order. Pure, so that each habit is tested as a table.
//!
//! Sizes are parts of the market's b. They keep clear of the regions where the program's curve is not sound
//! (`docs/program.md`, section 7.8): no tiny buys, which fail near exact balance, and no lead past [`LEAD_MAX_PART`] of b,
//! where buying the minority side stops working.

use crate::domain::{
    amount::{Lamports, PriceE9, ShareUnits},
    event::Outcome,
};

/// A lead that is not made larger, in thousandths of b. The curve is sound up to 3,464.
const LEAD_MAX_PART: u64 = 2_000;

/// The middle of all prices.
const EVEN: u64 = 500_000_000;

/// How far from even a price must be for a contrarian to see a mistake.
const MISTAKE: u64 = 80_000_000;

/// What a trader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// LMSR's b, in share units (as a budget in lamports it is what about 2 b shares cost).
    pub b: u64,
    /// The market's shares of either side.
    pub shares: [u64; 2],
    /// The price of YES now.
    pub price: PriceE9,
    /// The price of YES some trades ago.
    pub earlier_price: PriceE9,
    /// What the trader holds of either side.
    pub held: [u64; 2],
}

/// What a trader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Spend up to so much on an outcome.
    Buy(Outcome, Lamports),
    /// Give so many shares of an outcome.
    Sell(Outcome, ShareUnits),
}

/// A habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Buys and sells for no reason.
    Noise,
    /// Follows the price.
    Momentum,
    /// Bets against a price that is far from even.
    Contrarian,
    /// Rarely, and then much.
    Whale,
}

impl Strategy {
    /// All habits; traders take turns.
    pub const ALL: [Self; 4] = [Self::Noise, Self::Momentum, Self::Contrarian, Self::Whale];

    /// The order, given the throw of a die.
    pub fn order(self, view: &View, die: u64) -> Order {
        let side = Outcome::from(die.is_multiple_of(2));
        // Thousandths of b to spend: 5 to 14, more for a whale on a day of appetite.
        let part = 5 + die / 2 % 10;
        let wanted = match self {
            Self::Noise if (die / 20).is_multiple_of(4) => return sell_or(view, side, 3, buy(view, side, part)),
            Self::Noise => buy(view, side, part),
            Self::Momentum => buy(view, Outcome::from(view.price >= view.earlier_price), part),
            Self::Contrarian => match view.price.0 {
                price if price > EVEN + MISTAKE => {
                    return sell_or(view, Outcome::Yes, 2, buy(view, Outcome::No, part));
                }
                price if price < EVEN - MISTAKE => {
                    return sell_or(view, Outcome::No, 2, buy(view, Outcome::Yes, part));
                }
                _ => buy(view, side, part),
            },
            Self::Whale if (die / 20).is_multiple_of(5) => buy(view, side, part * 6),
            Self::Whale => buy(view, side, part),
        };
        within_reason(view, wanted)
    }
}

fn buy(view: &View, outcome: Outcome, part: u64) -> Order {
    Order::Buy(outcome, Lamports(thousandths(view.b, part)))
}

/// Sells a part of what is held, or does the other thing where too little is held to be worth a trade.
fn sell_or(view: &View, outcome: Outcome, divisor: u64, otherwise: Order) -> Order {
    let held = view.held[index(outcome)] / divisor;
    if held < thousandths(view.b, 2) {
        return within_reason(view, otherwise);
    }
    Order::Sell(outcome, ShareUnits(held))
}

/// The same order, but on the other side where it would stretch a lead that is long enough.
fn within_reason(view: &View, order: Order) -> Order {
    let [yes, no] = view.shares;
    let leader = Outcome::from(yes >= no);
    match order {
        Order::Buy(outcome, budget) if outcome == leader && yes.abs_diff(no) > thousandths(view.b, LEAD_MAX_PART) => {
            Order::Buy(leader.other(), budget)
        }
        order => order,
    }
}

fn index(outcome: Outcome) -> usize {
    usize::from(outcome == Outcome::No)
}

fn thousandths(of: u64, part: u64) -> u64 {
    (of / 1_000).saturating_mul(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const B: u64 = 200_000_000_000;

    fn view(yes: u64, no: u64, price: u64, earlier: u64, held: [u64; 2]) -> View {
        View { b: B, shares: [yes, no], price: PriceE9(price), earlier_price: PriceE9(earlier), held }
    }

    #[test]
    fn momentum_follows_and_a_contrarian_opposes() {
        let rising = view(B, 0, 700_000_000, 600_000_000, [0, 0]);
        let falling = view(0, B, 300_000_000, 400_000_000, [0, 0]);
        let side = |order| match order {
            Order::Buy(outcome, _) | Order::Sell(outcome, _) => outcome,
        };
        for die in 0..50 {
            assert_eq!(side(Strategy::Momentum.order(&rising, die)), Outcome::Yes);
            assert_eq!(side(Strategy::Momentum.order(&falling, die)), Outcome::No);
            assert_eq!(side(Strategy::Contrarian.order(&rising, die)), Outcome::No);
            assert_eq!(side(Strategy::Contrarian.order(&falling, die)), Outcome::Yes);
        }
        let holder = view(B, 0, 700_000_000, 600_000_000, [B, 0]);
        assert_eq!(Strategy::Contrarian.order(&holder, 1), Order::Sell(Outcome::Yes, ShareUnits(B / 2)));
    }

    #[test]
    fn no_order_is_tiny_or_stretches_a_long_lead_or_sells_what_is_not_held() {
        for strategy in Strategy::ALL {
            for die in 0..2_000u64 {
                for (yes, no) in [(0, 0), (3 * B, 0), (0, 3 * B), (B, B)] {
                    let held = [die * B / 100, B / 7];
                    match strategy.order(&view(yes, no, 500_000_000, 500_000_000, held), die) {
                        Order::Buy(outcome, budget) => {
                            assert!(budget.0 >= B / 1_000 * 5, "{strategy:?} {die}");
                            let stretches = yes.abs_diff(no) > 2 * B && outcome == Outcome::from(yes >= no);
                            assert!(!stretches, "{strategy:?} {die}");
                        }
                        Order::Sell(outcome, shares) => {
                            assert!(shares.0 <= held[index(outcome)] && shares.0 >= B / 500, "{strategy:?} {die}");
                        }
                    }
                }
            }
        }
    }
}
