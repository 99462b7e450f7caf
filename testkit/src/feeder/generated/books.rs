//! What the generated transactions leave: markets and positions, small enough for a million trades.
//!
//! Each change keeps what was before, as long as it can be undone.

use std::collections::{HashMap, VecDeque};

use zmart::domain::{
    amount::{Lamports, ShareUnits},
    entry::FeeSchedule,
    event::Outcome,
    fees::Fees,
    lmsr::Quantities,
    payout::MARKET_RENT,
    phase::Phase,
};

/// What changes of a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Proposed, approved, active.
    pub phase: Phase,
    /// Of both outcomes.
    pub shares: Quantities,
    /// On paper.
    pub liquidity: Lamports,
    /// Of all trades.
    pub volume: Lamports,
    /// Kept for the resolver.
    pub resolver_fees: Lamports,
    /// Kept for the liquidity.
    pub lp_fees: Lamports,
    /// What the account holds.
    pub lamports: Lamports,
    /// Unix seconds; 0 before.
    pub created_at: i64,
    /// Unix seconds; 0 before.
    pub approved_at: i64,
    /// Unix seconds; 0 before.
    pub activated_at: i64,
}

impl Book {
    /// A proposal.
    pub fn proposed(b_parameter: u64, liquidity: Lamports, at: i64) -> Self {
        Self {
            phase: Phase::Proposed,
            shares: Quantities::initial(ShareUnits(b_parameter)),
            liquidity,
            volume: Lamports(0),
            resolver_fees: Lamports(0),
            lp_fees: Lamports(0),
            lamports: MARKET_RENT,
            created_at: at,
            approved_at: 0,
            activated_at: 0,
        }
    }
}

/// What a wallet holds in a market.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// YES share units.
    pub yes: u64,
    /// NO share units.
    pub no: u64,
    /// Paid in all.
    pub invested: u64,
    /// Unix seconds.
    pub last_trade_at: i64,
    /// So far.
    pub trades: u32,
}

impl Held {
    /// The shares of one outcome.
    pub fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Yes => &mut self.yes,
            Outcome::No => &mut self.no,
        }
    }
}

/// Whose position in which market.
pub type Place = (u32, u32);

/// A trade, as it was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// How many.
    pub shares: ShareUnits,
    /// Cost or proceeds before fees.
    pub amount: Lamports,
    /// Price of YES after it.
    pub price_yes: u64,
    /// Of what.
    pub outcome: Outcome,
    /// Sold, not bought.
    pub is_sale: bool,
}

/// What a change has replaced.
#[derive(Debug)]
struct Before {
    market: u32,
    book: Option<Book>,
    position: Option<(Place, Option<Held>)>,
}

/// The accounts.
#[derive(Debug, Default)]
pub struct Books {
    /// By index.
    pub markets: Vec<Option<Book>>,
    /// By place.
    pub positions: HashMap<Place, Held>,
    /// The config has been made.
    pub has_config: bool,
    /// Oldest first; `None` is the making of the config.
    undo: VecDeque<Option<Before>>,
}

impl Books {
    /// Makes the config; false if there is one.
    pub fn make_config(&mut self) -> bool {
        let new = !self.has_config;
        if new {
            self.has_config = true;
            self.undo.push_back(None);
        }
        new
    }

    /// Puts a market where it was.
    pub fn put(&mut self, market: u32, book: Book) {
        let before = self.replace(market, book);
        self.undo.push_back(Some(Before { market, book: before, position: None }));
    }

    fn replace(&mut self, market: u32, book: Book) -> Option<Book> {
        let index = market as usize;
        if self.markets.len() <= index {
            self.markets.resize(index + 1, None);
        }
        self.markets[index].replace(book)
    }

    /// Moves a market and a position by a trade whose figures fit.
    ///
    /// # Panics
    /// If they don't.
    pub fn trade(&mut self, place: Place, trade: &Trade, schedule: FeeSchedule, at: i64) {
        let mut book = self.markets[place.0 as usize].clone().expect("a market");
        let mut held = self.positions.get(&place).cloned().unwrap_or_default();
        let fees = Fees::of(trade.amount, schedule).expect("fees of an amount that fits");
        let (shares, amount) = (trade.shares.0, trade.amount.0);
        let side = held.of(trade.outcome);
        if trade.is_sale {
            let payout = amount - fees.resolver.0 - fees.lp.0;
            *side -= shares;
            book.shares = book.shares.sold(trade.outcome, trade.shares).expect("shares that were issued");
            book.volume.0 += amount;
            book.liquidity.0 -= payout;
            book.lamports = book.lamports.checked_sub(Lamports(payout)).unwrap_or_default().max(MARKET_RENT);
        } else {
            let total = amount + fees.total.0;
            *side += shares;
            held.invested += total;
            book.shares = book.shares.bought(trade.outcome, trade.shares).expect("a sum below 2^64");
            book.volume.0 += total;
            book.liquidity.0 += fees.resolver.0 + fees.lp.0;
            book.lamports.0 += total - fees.protocol.0;
        }
        book.resolver_fees.0 += fees.resolver.0;
        book.lp_fees.0 += fees.lp.0;
        held.trades += 1;
        held.last_trade_at = at;
        let book = self.replace(place.0, book);
        let position = Some((place, self.positions.insert(place, held)));
        self.undo.push_back(Some(Before { market: place.0, book, position }));
    }

    /// Undoes the newest change.
    pub fn undo(&mut self) {
        match self.undo.pop_back().expect("a change that can be undone") {
            None => self.has_config = false,
            Some(before) => {
                self.markets[before.market as usize] = before.book;
                match before.position {
                    Some((place, Some(held))) => drop(self.positions.insert(place, held)),
                    Some((place, None)) => drop(self.positions.remove(&place)),
                    None => {}
                }
            }
        }
    }

    /// The oldest change that could be undone never will be.
    pub fn settle(&mut self) {
        self.undo.pop_front();
    }
}
