//! A generated story: a config, markets that are created, approved and activated, then trades over them, each with the
//! figures that the program would compute.
//!
//! Costs, fees and prices are those of the engine's own domain; what a trade is about follows from the seed and the
//! trade's number, except where the state does not allow it (nothing to sell, a market that leans too far to one side):
//! then it is something else, which follows as well. A trade that is executed again on a fork keeps its shares and gets
//! new figures.

mod accounts;
mod books;

use std::collections::HashMap;

use zmart::{
    chain::{
        anchor::events::encode_event,
        program::{InstructionBuilder, ProgramAddresses, instructions::CreateMarket},
    },
    domain::{
        amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
        entry::FeeSchedule,
        event::{
            GlobalConfigInitialized, IpfsHash, MarketActivated, MarketCreated, Outcome, ProgramEvent,
            ProposalAggregated, ProposalApproved, SharesBought, SharesSold,
        },
        fees::{Fees, cost_before_fees},
        ids::{AccountAddress, MarketAddress, MarketSeed, ProgramId, TxSignature, Wallet},
        lmsr::Curve,
        phase::Phase,
        trade::{Terms, quote_sell},
    },
};

use self::books::{Book, Books, Held, Place, Trade};
use super::{
    numbers::{For, Numbers},
    story::{Account, Number, Story},
    wire::{LogTexts, transaction},
};

/// What a generated story is made of.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The same seed, the same transactions.
    pub seed: u64,
    /// At least 1.
    pub markets: u32,
    /// At least 1.
    pub wallets: u32,
    /// After the markets have been made.
    pub trades: u32,
    /// LMSR's b, fixed point 1e9; at least 100e9.
    pub b_parameter: u64,
    /// Of each market, on paper.
    pub initial_liquidity: Lamports,
    /// The most that a trade is about; small beside b.
    pub shares_max: u64,
    /// How many of a hundred trades are sales, where there is something to sell.
    pub sales_percent: u8,
    /// The chain's time of the first transaction.
    pub starts_at: i64,
    /// How many transactions share a second of the chain's time.
    pub per_second: u32,
}

impl Default for Generated {
    fn default() -> Self {
        Self {
            seed: 1,
            markets: 100,
            wallets: 1_000,
            trades: 1_000_000,
            b_parameter: 1_000_000_000_000,
            initial_liquidity: Lamports(1_000_000_000_000),
            shares_max: 2_000_000_000,
            sales_percent: 20,
            starts_at: 1_760_000_000,
            per_second: 1_000,
        }
    }
}

/// Transactions that make a market.
const STEPS: u32 = 3;
/// Tries to find a trade that the curve allows.
const TRIES: u64 = 64;
/// The least shares of a trade.
const SHARES_MIN: u64 = 1_000_000;
/// What the program starts with.
const SCHEDULE: FeeSchedule = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
const CURVE: Curve = Curve::Program;
const QUESTION: IpfsHash = IpfsHash(*b"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
/// What is voted on a proposal: likes, dislikes.
const VOTES: (u32, u32) = (10, 0);

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Config,
    Create(u32),
    Approve(u32),
    Activate(u32),
    Trade(u32),
}

/// See the module.
pub struct GeneratedStory {
    options: Generated,
    numbers: Numbers,
    program: ProgramId,
    addresses: ProgramAddresses,
    build: InstructionBuilder,
    texts: LogTexts,
    /// Address and bump of each market.
    markets: Vec<(MarketAddress, u8)>,
    by_address: HashMap<MarketAddress, u32>,
    books: Books,
    /// By the number of the trade; `None` before it was executed for the first time.
    trades: Vec<Option<Trade>>,
    positions: accounts::PositionAddresses,
}

impl GeneratedStory {
    /// Derives the markets' addresses; nothing has happened.
    pub fn new(options: Generated, program: ProgramId) -> Self {
        let numbers = Numbers::new(options.seed);
        let addresses = ProgramAddresses::new(program);
        let seed = |market| MarketSeed(numbers.bytes(For::Market, market));
        let markets: Vec<_> = (0..options.markets).map(|market| addresses.market(seed(market.into()))).collect();
        let by_address = (0..).zip(&markets).map(|(index, (address, _))| (*address, index)).collect();
        Self {
            numbers,
            program,
            addresses,
            build: InstructionBuilder::new(program),
            texts: LogTexts::new(program),
            markets,
            by_address,
            books: Books::default(),
            trades: Vec::new(),
            positions: accounts::PositionAddresses::default(),
            options,
        }
    }

    /// How many transactions come before the first trade.
    pub fn setup_len(options: &Generated) -> Number {
        1 + STEPS * options.markets
    }

    fn kind(&self, number: Number) -> Kind {
        let setup = Self::setup_len(&self.options);
        match number.checked_sub(1) {
            None => Kind::Config,
            Some(_) if number >= setup => Kind::Trade(number - setup),
            Some(step) => match step % STEPS {
                0 => Kind::Create(step / STEPS),
                1 => Kind::Approve(step / STEPS),
                _ => Kind::Activate(step / STEPS),
            },
        }
    }

    fn seed(&self, market: u32) -> MarketSeed {
        MarketSeed(self.numbers.bytes(For::Market, market.into()))
    }

    /// Traders are 0 and up; those who govern come after them.
    fn wallet(&self, index: u32) -> Wallet {
        Wallet(self.numbers.bytes(For::Wallet, index.into()))
    }

    fn governor(&self, which: u32) -> Wallet {
        self.wallet(self.options.wallets + which)
    }

    fn admin(&self) -> Wallet {
        self.governor(0)
    }

    fn backend(&self) -> Wallet {
        self.governor(1)
    }

    fn fee_wallet(&self) -> Wallet {
        self.governor(2)
    }

    fn creator(&self) -> Wallet {
        self.governor(3)
    }

    fn place(&self, trade: u32) -> Place {
        let draw = |draw, below: u32| {
            let drawn = self.numbers.draw(For::Trade, trade.into(), draw) % u64::from(below.max(1));
            u32::try_from(drawn).expect("less than a number of 32 bits")
        };
        (draw(0, self.options.markets), draw(1, self.options.wallets))
    }

    /// What a trade is about, and its figures; `None` where the curve allows none of the tries.
    fn decide(&self, trade: u32, place: Place) -> Option<Trade> {
        let book = self.books.markets.get(place.0 as usize)?.as_ref()?;
        let mut held = self.books.positions.get(&place).cloned().unwrap_or_default();
        (0..TRIES).find_map(|attempt| {
            let drawn = |draw| self.numbers.draw(For::Trade, trade.into(), 2 + attempt * 3 + draw);
            let shares = SHARES_MIN + drawn(0) % (self.options.shares_max.max(SHARES_MIN + 1) - SHARES_MIN);
            let (yes, no) = (book.shares.yes.0, book.shares.no.0);
            // Half of b: far from where the program's curve goes wrong.
            let outcome = match yes.abs_diff(no) > self.options.b_parameter / 2 {
                true => Outcome::from(yes < no),
                false => Outcome::from(drawn(1) & 1 == 0),
            };
            let to_sell = *held.of(outcome);
            // A sale of the side that lags would widen the lead.
            let may_sell = to_sell >= SHARES_MIN && yes.abs_diff(no) <= self.options.b_parameter / 2;
            let is_sale = may_sell && drawn(2) % 100 < u64::from(self.options.sales_percent);
            let shares = ShareUnits(if is_sale { shares.min(to_sell) } else { shares });
            self.figure(book, outcome, shares, is_sale)
        })
    }

    fn figure(&self, book: &Book, outcome: Outcome, shares: ShareUnits, is_sale: bool) -> Option<Trade> {
        let b = ShareUnits(self.options.b_parameter);
        let (amount, price) = if is_sale {
            let terms = Terms { curve: CURVE, quantities: book.shares, b_parameter: b, fees: SCHEDULE };
            let quote = quote_sell(&terms, outcome, shares, Lamports(0), book.liquidity).ok()?;
            (quote.gross, quote.price_yes_after)
        } else {
            let cost = CURVE.purchase_cost(book.shares, b, outcome, shares).ok().filter(|cost| cost.0 > 0)?;
            let total = cost.checked_add(Fees::of(cost, SCHEDULE).ok()?.total)?;
            cost_before_fees(total, SCHEDULE).filter(|found| *found == cost)?;
            (cost, CURVE.price_yes(book.shares.bought(outcome, shares).ok()?, b).ok()?)
        };
        Some(Trade { shares, amount, price_yes: price.0, outcome, is_sale })
    }

    fn execute_trade(&mut self, number: Number, trade: u32) -> bool {
        let place = self.place(trade);
        let known = self.trades.get(trade as usize).copied().flatten();
        let decided = match known {
            None => self.decide(trade, place),
            // Again: the same shares, at what they cost now.
            Some(Trade { outcome, shares, is_sale, .. }) => {
                let held = self.books.positions.get(&place).cloned();
                let has = held.is_some_and(|mut held: Held| *held.of(outcome) >= shares.0);
                let book = self.books.markets.get(place.0 as usize).and_then(Option::as_ref);
                book.filter(|_| has || !is_sale).and_then(|book| self.figure(book, outcome, shares, is_sale))
            }
        };
        let Some(decided) = decided else { return false };
        if self.trades.len() <= trade as usize {
            self.trades.resize(trade as usize + 1, None);
        }
        self.trades[trade as usize] = Some(decided);
        self.books.trade(place, &decided, SCHEDULE, self.unix_time(number));
        true
    }

    fn step(&mut self, market: u32, from: Phase, change: impl FnOnce(&mut Book)) -> bool {
        let book = self.books.markets.get(market as usize).cloned().flatten();
        let Some(mut book) = book.filter(|book| book.phase == from) else { return false };
        change(&mut book);
        self.books.put(market, book);
        true
    }

    /// The instruction's name and how often it calls the system program, and its event; in order.
    fn events(&self, number: Number) -> Vec<(&'static str, usize, ProgramEvent)> {
        let timestamp = UnixSeconds(self.unix_time(number));
        match self.kind(number) {
            Kind::Config => vec![(
                "InitializeGlobalConfig",
                1,
                GlobalConfigInitialized {
                    admin: self.admin(),
                    backend_authority: self.backend(),
                    protocol_fee_bps: SCHEDULE.protocol,
                    timestamp,
                }
                .into(),
            )],
            Kind::Create(market) => vec![(
                "CreateMarket",
                1,
                MarketCreated {
                    market_id: self.seed(market),
                    creator: self.creator(),
                    b_parameter: self.options.b_parameter,
                    state: Phase::Proposed.code(),
                    timestamp,
                }
                .into(),
            )],
            Kind::Approve(market) => {
                let market_id = self.seed(market);
                let (likes, dislikes) = VOTES;
                let tally = ProposalAggregated {
                    market_id,
                    likes,
                    dislikes,
                    approval_percentage: 100,
                    approved: true,
                    timestamp,
                };
                let approval = ProposalApproved { market_id, approved_by: self.admin(), timestamp };
                vec![("AggregateProposalVotes", 0, tally.into()), ("ApproveProposal", 0, approval.into())]
            }
            Kind::Activate(market) => vec![(
                "ActivateMarket",
                0,
                MarketActivated {
                    market_id: self.seed(market),
                    creator: self.creator(),
                    initial_liquidity: self.options.initial_liquidity,
                    timestamp,
                }
                .into(),
            )],
            Kind::Trade(index) => {
                let Some(trade) = self.trades.get(index as usize).copied().flatten() else { return Vec::new() };
                let (market, wallet) = self.place(index);
                let (market_id, user) = (self.seed(market), self.wallet(wallet));
                let Trade { shares, amount, outcome, .. } = trade;
                let (outcome, new_price_yes) = (outcome.into(), PriceE9(trade.price_yes));
                let fees = Fees::of(amount, SCHEDULE).expect("fees of an amount that fits").total;
                if trade.is_sale {
                    let proceeds = Lamports(amount.0 - fees.0);
                    let event = SharesSold { market_id, user, outcome, shares, proceeds, new_price_yes, timestamp };
                    vec![("SellShares", 0, event.into())]
                } else {
                    let cost = Lamports(amount.0 + fees.0);
                    let event = SharesBought { market_id, user, outcome, shares, cost, new_price_yes, timestamp };
                    vec![("BuyShares", 2, event.into())]
                }
            }
        }
    }
}

impl Story for GeneratedStory {
    fn program(&self) -> ProgramId {
        self.program
    }

    fn len(&self) -> Number {
        Self::setup_len(&self.options) + self.options.trades
    }

    fn signature(&self, number: Number) -> TxSignature {
        self.numbers.signature(number)
    }

    fn find(&self, signature: &TxSignature) -> Option<Number> {
        self.numbers.number_of(signature).filter(|number| *number < self.len())
    }

    fn execute(&mut self, number: Number) -> bool {
        let at = self.unix_time(number);
        match self.kind(number) {
            Kind::Config => self.books.make_config(),
            Kind::Create(market) => {
                let exists = self.books.markets.get(market as usize).is_some_and(Option::is_some);
                if self.books.has_config && !exists {
                    let Generated { b_parameter, initial_liquidity, .. } = self.options;
                    self.books.put(market, Book::proposed(b_parameter, initial_liquidity, at));
                }
                self.books.has_config && !exists
            }
            Kind::Approve(market) => self.step(market, Phase::Proposed, |book| {
                (book.phase, book.approved_at) = (Phase::Approved, at);
            }),
            Kind::Activate(market) => self.step(market, Phase::Approved, |book| {
                (book.phase, book.activated_at) = (Phase::Active, at);
            }),
            Kind::Trade(trade) => self.execute_trade(number, trade),
        }
    }

    fn undo(&mut self, _number: Number) {
        self.books.undo();
    }

    fn settle(&mut self) {
        self.books.settle();
    }

    fn write_logs(&self, number: Number, out: &mut String) {
        out.push('[');
        for (index, (instruction, system_calls, event)) in self.events(number).into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.texts.frame(instruction, system_calls, &encode_event(&event), out);
        }
        out.push(']');
    }

    fn error(&self, _number: Number) -> &str {
        "null"
    }

    fn unix_time(&self, number: Number) -> i64 {
        self.options.starts_at + i64::from(number / self.options.per_second.max(1))
    }

    fn market_of(&self, number: Number) -> Option<u32> {
        match self.kind(number) {
            Kind::Config => None,
            Kind::Create(market) | Kind::Approve(market) | Kind::Activate(market) => Some(market),
            Kind::Trade(trade) => Some(self.place(trade).0),
        }
    }

    fn market_index(&self, address: MarketAddress) -> Option<u32> {
        self.by_address.get(&address).copied()
    }

    fn transaction(&self, number: Number) -> Vec<u8> {
        let build = &self.build;
        let address = |market: u32| self.markets[market as usize].0;
        let (payer, instructions) = match self.kind(number) {
            Kind::Config => {
                let (admin, backend) = (self.admin(), self.backend());
                (admin, vec![build.initialize_global_config(admin, self.fee_wallet(), backend)])
            }
            Kind::Create(market) => {
                let Generated { b_parameter, initial_liquidity, .. } = self.options;
                let market_id = self.seed(market);
                let create = CreateMarket { market_id, b_parameter, initial_liquidity, ipfs_question_hash: QUESTION };
                (self.creator(), vec![build.create_market(self.creator(), create)])
            }
            Kind::Approve(market) => {
                let (market, admin) = (address(market), self.admin());
                let tally = build.aggregate_proposal_votes(market, self.backend(), VOTES.0, VOTES.1);
                (admin, vec![tally, build.approve_proposal(market, admin)])
            }
            Kind::Activate(market) => (self.creator(), vec![build.activate_market(address(market), self.creator())]),
            Kind::Trade(index) => {
                let (market, wallet) = self.place(index);
                let (market, user, fee_wallet) = (address(market), self.wallet(wallet), self.fee_wallet());
                let trade = self.trades.get(index as usize).copied().flatten();
                let instruction = match trade {
                    Some(Trade { is_sale: true, outcome, shares, .. }) => {
                        build.sell_shares(market, user, fee_wallet, outcome, shares, Lamports(0))
                    }
                    Some(Trade { outcome, amount, .. }) => {
                        // An offer of a fifth more than it cost: the program takes what it needs.
                        build.buy_shares(market, user, fee_wallet, outcome, Lamports(amount.0 / 5 * 6 + 10_000))
                    }
                    None => build.buy_shares(market, user, fee_wallet, Outcome::Yes, Lamports(10_000)),
                };
                (user, vec![instruction])
            }
        };
        transaction(self.signature(number), payer, &instructions)
    }

    fn account(&mut self, address: AccountAddress) -> Option<Account> {
        self.account_at(address)
    }

    fn accounts(&mut self, bytes: Option<usize>, each: &mut dyn FnMut(AccountAddress, Account)) {
        self.all_accounts(bytes, each);
    }
}
