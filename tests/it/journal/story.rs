//! Markets and what happens on them, made by the domain itself: appends as a stream's actor would send them.

use zmart::{
    actors::stream::life::Life,
    domain::{
        amount::{Bps, Lamports, ShareUnits, UnixSeconds},
        entry::{Entry, FeeSchedule},
        event::{
            ChainEvent, InstructionFacts, IpfsHash, MarketActivated, MarketCreated, Outcome, ProgramEvent,
            ProposalAggregated, ProposalApproved, SharesBought, SharesSold,
        },
        ids::{
            AccountAddress, ChainPosition, Epoch, EventId, MarketAddress, MarketSeed, Seq, Slot, TxSignature, Wallet,
        },
        market::Market,
    },
    journal::write::StreamAppend,
};

/// The fees in force.
pub const FEES: FeeSchedule = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
const LIQUIDITY: Lamports = Lamports(50_000_000_000);

/// A market's life, event by event.
pub struct Story {
    number: u8,
    address: MarketAddress,
    life: Life<Market>,
    events: u64,
    /// All that has happened.
    pub told: Vec<ChainEvent>,
    /// What of it was not rolled back.
    pub standing: Vec<ChainEvent>,
    written: Vec<Entry>,
}

impl Story {
    /// A market that can be traded; nothing of it is written yet.
    pub fn begin(number: u8, epoch: Epoch) -> Self {
        let address = MarketAddress([number; 32]);
        let mut story = Self {
            number,
            address,
            life: Life::unheard_of(address.account(), epoch),
            events: 0,
            told: Vec::new(),
            standing: Vec::new(),
            written: Vec::new(),
        };
        let (market_id, creator, timestamp) = (story.seed(), Wallet([99; 32]), UnixSeconds(1_000));
        let facts = InstructionFacts::Creation { initial_liquidity: LIQUIDITY, question_hash: IpfsHash([b'Q'; 46]) };
        let created = MarketCreated { market_id, creator, b_parameter: 1_000_000_000_000, state: 0, timestamp };
        story.happens(created, Some(facts));
        story.happens(
            ProposalAggregated { market_id, likes: 7, dislikes: 3, approval_percentage: 70, approved: true, timestamp },
            None,
        );
        story.happens(ProposalApproved { market_id, approved_by: creator, timestamp }, None);
        story.happens(MarketActivated { market_id, creator, initial_liquidity: LIQUIDITY, timestamp }, None);
        story
    }

    /// The market's address.
    pub fn address(&self) -> MarketAddress {
        self.address
    }

    /// The stream's address.
    pub fn stream(&self) -> AccountAddress {
        self.address.account()
    }

    /// The market as it is now.
    pub fn market(&self) -> &Market {
        self.life.applied().state.as_deref().unwrap()
    }

    /// A wallet buys.
    pub fn buy(&mut self, user: Wallet, outcome: Outcome, target: u64) {
        let quote = self.market().quote_buy(outcome, Lamports(target), FEES, false).unwrap();
        let event = SharesBought {
            market_id: self.seed(),
            user,
            outcome: outcome.into(),
            shares: quote.shares,
            cost: quote.total_cost,
            new_price_yes: quote.price_yes_after,
            timestamp: UnixSeconds(2_000 + self.events as i64),
        };
        self.happens(event, None);
    }

    /// A wallet sells.
    pub fn sell(&mut self, user: Wallet, outcome: Outcome, shares: ShareUnits) {
        let quote = self.market().quote_sell(shares, outcome, shares, Lamports(0), FEES, false).unwrap();
        let event = SharesSold {
            market_id: self.seed(),
            user,
            outcome: outcome.into(),
            shares,
            proceeds: quote.net,
            new_price_yes: quote.price_yes_after,
            timestamp: UnixSeconds(2_000 + self.events as i64),
        };
        self.happens(event, None);
    }

    /// So many trades of nothing.
    pub fn fill(&mut self, count: usize) {
        for _ in 0..count {
            let event = SharesBought {
                market_id: self.seed(),
                user: Wallet([1; 32]),
                outcome: true,
                shares: ShareUnits(0),
                cost: Lamports(0),
                new_price_yes: self.market().price_yes.unwrap(),
                timestamp: UnixSeconds(3_000),
            };
            self.happens(event, None);
        }
    }

    /// What waits, as one append, which is taken for written.
    pub fn append(&mut self) -> StreamAppend {
        let append = self.life.append().expect("something to write");
        self.life.release();
        self.written.extend(append.entries.iter().cloned());
        append
    }

    /// The newest entry.
    pub fn seq(&self) -> Seq {
        self.life.applied().seq
    }

    /// All that is written from an entry on vanishes; gives what is taken back.
    pub fn roll_back_from(&mut self, first: Seq) -> Vec<Seq> {
        let mut standing = self.life.standing();
        for entry in &self.written {
            standing.next(entry, entry.seq >= first);
        }
        let (state, reverted) = standing.finish();
        let fallen: Vec<EventId> = self
            .written
            .iter()
            .filter(|entry| reverted.contains(&entry.seq))
            .filter_map(|entry| entry.body.chain_event().map(|(id, ..)| id))
            .collect();
        self.standing.retain(|event| !fallen.contains(&event.id));
        let body = self.market().plan_rollback(state, reverted.clone(), Slot(100 + self.events));
        self.life.take(body, 1_760_000_000_000).unwrap();
        reverted
    }

    /// The identity of the event after the newest.
    pub fn next_event(&self) -> EventId {
        let mut signature = [self.number; 64];
        signature[..8].copy_from_slice(&self.events.to_be_bytes());
        EventId { signature: TxSignature(signature), n: 0 }
    }

    fn seed(&self) -> MarketSeed {
        MarketSeed([self.number; 32])
    }

    fn happens(&mut self, event: impl Into<ProgramEvent>, facts: Option<InstructionFacts>) {
        let position = ChainPosition { slot: Slot(100 + self.events), transaction_index: None, n: 0 };
        let event = ChainEvent { id: self.next_event(), position, event: event.into(), facts };
        self.life.plan(&event, FEES, 1_760_000_000_000).unwrap();
        self.events += 1;
        self.standing.push(event.clone());
        self.told.push(event);
    }
}
