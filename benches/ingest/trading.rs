//! What is ingested: markets, and buys whose figures are those that the program would have given.
//!
//! Made by the domain itself before anything is measured; from a fixed seed, so that every run writes the same rows.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use zmart::{
    actors::stream::Delivery,
    domain::{
        amount::{Bps, Lamports, UnixSeconds},
        entry::FeeSchedule,
        event::{
            ChainEvent, InstructionFacts, IpfsHash, MarketActivated, MarketCreated, Outcome, ProgramEvent,
            ProposalAggregated, ProposalApproved, SharesBought,
        },
        ids::{ChainPosition, EventId, MarketAddress, MarketSeed, Slot, TxSignature, Wallet},
        market::Market,
    },
};

const FEES: FeeSchedule = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
const LIQUIDITY: Lamports = Lamports(50_000_000_000);
/// Events that share a slot: some 500 a second.
const EVENTS_PER_SLOT: u64 = 200;

/// A market that is open for trading, and what opened it.
pub struct Traded {
    /// Its address.
    pub address: MarketAddress,
    /// Its creation, approval and activation.
    pub opening: Vec<Delivery>,
    market: Option<Market>,
}

/// Everything that happens.
pub struct Trading {
    rng: StdRng,
    /// The markets.
    pub markets: Vec<Traded>,
    wallets: Vec<Wallet>,
    events: u64,
    began: i64,
}

impl Trading {
    /// Open markets, and wallets that have not traded.
    pub fn begin(markets: usize, wallets: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut trading = Self {
            rng: StdRng::seed_from_u64(1),
            markets: Vec::new(),
            wallets: Vec::new(),
            events: 0,
            began: i64::try_from(now).unwrap(),
        };
        trading.wallets = (0..wallets).map(|_| Wallet(trading.bytes())).collect();
        for _ in 0..markets {
            let opened = trading.open();
            trading.markets.push(opened);
        }
        trading
    }

    /// So many buys, over all markets by chance: each is of the market with that number.
    pub fn buys(&mut self, count: usize) -> Vec<(usize, Delivery)> {
        (0..count)
            .map(|_| {
                let at = self.rng.random_range(0..self.markets.len());
                (at, self.buy(at))
            })
            .collect()
    }

    /// The next buy of a market.
    pub fn buy(&mut self, at: usize) -> Delivery {
        let user = self.wallets[self.rng.random_range(0..self.wallets.len())];
        let market = self.markets[at].market.clone().unwrap();
        // Next to exact balance, and far from it, the program's curve takes no buy: another one is tried.
        let (outcome, quote) = (0..1_000)
            .find_map(|_| {
                let outcome = Outcome::from(self.rng.random::<bool>());
                let target = Lamports(self.rng.random_range(1_000_000..20_000_000_000));
                market.quote_buy(outcome, target, FEES, false).ok().map(|quote| (outcome, quote))
            })
            .expect("a buy that the program takes");
        let event = SharesBought {
            market_id: market.seed,
            user,
            outcome: outcome.into(),
            shares: quote.shares,
            cost: quote.total_cost,
            new_price_yes: quote.price_yes_after,
            timestamp: self.chain_time(),
        };
        self.happens(&mut Some(market), at, event.into(), None)
    }

    fn open(&mut self) -> Traded {
        let address = MarketAddress(self.bytes());
        let (market_id, creator, timestamp) = (MarketSeed(self.bytes()), Wallet(self.bytes()), self.chain_time());
        let facts = InstructionFacts::Creation { initial_liquidity: LIQUIDITY, question_hash: IpfsHash([b'Q'; 46]) };
        let story: [(ProgramEvent, Option<InstructionFacts>); 4] = [
            (
                MarketCreated { market_id, creator, b_parameter: 1_000_000_000_000, state: 0, timestamp }.into(),
                Some(facts),
            ),
            (
                ProposalAggregated {
                    market_id,
                    likes: 7,
                    dislikes: 3,
                    approval_percentage: 70,
                    approved: true,
                    timestamp,
                }
                .into(),
                None,
            ),
            (ProposalApproved { market_id, approved_by: creator, timestamp }.into(), None),
            (MarketActivated { market_id, creator, initial_liquidity: LIQUIDITY, timestamp }.into(), None),
        ];
        let mut market = None;
        let opening = story.into_iter().map(|(event, facts)| self.event(&mut market, address, event, facts)).collect();
        Traded { address, opening, market }
    }

    fn happens(
        &mut self,
        market: &mut Option<Market>,
        at: usize,
        event: ProgramEvent,
        facts: Option<InstructionFacts>,
    ) -> Delivery {
        let address = self.markets[at].address;
        let delivery = self.event(market, address, event, facts);
        self.markets[at].market = market.take();
        delivery
    }

    fn event(
        &mut self,
        market: &mut Option<Market>,
        address: MarketAddress,
        event: ProgramEvent,
        facts: Option<InstructionFacts>,
    ) -> Delivery {
        let mut signature = [0; 64];
        self.rng.fill_bytes(&mut signature);
        let id = EventId { signature: TxSignature(signature), n: 0 };
        let slot = Slot(1_000 + self.events / EVENTS_PER_SLOT);
        self.events += 1;
        let event = ChainEvent { id, position: ChainPosition { slot, transaction_index: None, n: 0 }, event, facts };
        let body = Market::plan(market.as_ref(), address, &event, FEES).unwrap();
        *market = Some(Market::advance(market.take(), &body).unwrap());
        Delivery { event, schedule: FEES }
    }

    fn chain_time(&self) -> UnixSeconds {
        UnixSeconds(self.began + i64::try_from(self.events / 500).unwrap())
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}
