//! The engine's side of a trace: a market and its traders' positions, moved by the engine's own functions.
//!
//! Owns running a step: quote, event, entry, state. Adds no rule of its own.

use std::collections::HashMap;

use super::{
    compare::{self, emitted_user},
    line::{Line, MarketFields, Step},
};
use crate::domain::{
    amount::{Bps, Lamports, ShareUnits, UnixSeconds},
    entry::FeeSchedule,
    error::ProgramError,
    event::{ChainEvent, InstructionFacts, IpfsHash, MarketCreated, Outcome, ProgramEvent, SharesBought, SharesSold},
    ids::{ChainPosition, EventId, MarketAddress, Slot, TxSignature, Wallet},
    market::Market,
    phase::Phase,
    position::{Position, PositionDelta},
};

/// How the runtime ends a transfer that nobody has authorized.
const NO_AUTHORITY: &str = "InstructionError(0, PrivilegeEscalation)";

/// The engine's state of a market and of its traders.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    pub(super) market: Market,
    /// The program never touches it.
    pub(super) protocol_fees: u64,
    schedule: FeeSchedule,
    positions: HashMap<Wallet, Position>,
}

/// What a trade leaves: nothing where it is refused, or can't be run.
type After = Option<(Market, Position)>;

/// How a step ran.
pub(super) struct Ran {
    /// What it leaves.
    pub(super) after: After,
    /// What differs from the recorded; `None` if nothing does.
    pub(super) difference: Option<String>,
}

/// What a step does: an event with what it leaves, or the chain's error.
pub(super) type Done = Result<(ProgramEvent, Market, Position), Refusal>;

/// Why the chain refuses a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The program.
    Program(ProgramError),
    /// Anchor: a seller's position does not exist.
    NoPosition,
    /// The runtime: the deployed program's sell always ends so, after all its checks.
    NoAuthority,
}

impl Refusal {
    /// As the runtime tells it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Program(error) => format!("InstructionError(0, Custom({}))", error.code()),
            Self::NoPosition => "InstructionError(0, Custom(3012))".to_owned(),
            Self::NoAuthority => NO_AUTHORITY.to_owned(),
        }
    }

    /// The error's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Program(error) => error.name(),
            Self::NoPosition => "AccountNotInitialized",
            Self::NoAuthority => "PrivilegeEscalation",
        }
    }
}

impl Ledger {
    pub(super) fn new<S>(line: &Line<S>) -> Result<Self, String> {
        let address = MarketAddress(line.market_id.0);
        let [protocol, resolver, lp] = line.fees_bps.map(Bps);
        let schedule = FeeSchedule { protocol, resolver, lp };
        let event = MarketCreated {
            market_id: line.market_id,
            creator: Wallet::default(),
            b_parameter: line.b.0,
            state: Phase::Proposed.code(),
            timestamp: UnixSeconds(0),
        };
        let creation = ChainEvent {
            facts: Some(InstructionFacts::Creation {
                initial_liquidity: Lamports(line.initial_liquidity.0),
                question_hash: IpfsHash::EMPTY,
            }),
            ..chain_event(event.into(), 0)
        };
        let market = Market::plan(None, address, &creation, schedule)
            .and_then(|body| Market::begin(&body))
            .map_err(|misfit| misfit.to_string())?;
        if Phase::from_code(line.initial.state).is_none() {
            return Err(format!("initial: {} is no state", line.initial.state));
        }
        let mut ledger = Self { market, protocol_fees: 0, schedule, positions: HashMap::new() };
        ledger.set(&line.initial);
        Ok(ledger)
    }

    /// Takes over the fields that a trace tells; a state that is none is left alone.
    fn set(&mut self, fields: &MarketFields) {
        let market = &mut self.market;
        market.shares_yes = ShareUnits(fields.shares_yes.0);
        market.shares_no = ShareUnits(fields.shares_no.0);
        market.current_liquidity = Lamports(fields.current_liquidity.0);
        market.total_volume = Lamports(fields.total_volume.0);
        market.accumulated_resolver_fees = Lamports(fields.accumulated_resolver_fees.0);
        market.accumulated_lp_fees = Lamports(fields.accumulated_lp_fees.0);
        market.lamports = Lamports(fields.lamports.0);
        market.phase = Phase::from_code(fields.state).unwrap_or(market.phase);
        market.price_yes = market.current_price_yes();
        self.protocol_fees = fields.accumulated_protocol_fees.0;
    }

    /// The state that a step recorded, as far as it did.
    pub(super) fn recorded(&self, step: &Step) -> Self {
        let mut other = self.clone();
        if let Some(fields) = &step.post {
            other.set(fields);
        }
        // The event says whose position it is, even if the step's own word for it can't be read.
        let emitted = step.program_data_b64.as_deref().and_then(emitted_user);
        if let (Some(user), Some(fields)) = (emitted.or(step.user), &step.position) {
            let mut position = self.position(user);
            position.shares_yes = ShareUnits(fields.shares_yes.0);
            position.shares_no = ShareUnits(fields.shares_no.0);
            position.total_invested = Lamports(fields.total_invested.0);
            position.trades_count = fields.trades_count;
            position.last_trade_at = UnixSeconds(fields.last_trade_at.0);
            other.positions.insert(user, position);
        }
        other
    }

    pub(super) fn commit(&mut self, after: After) {
        if let Some((market, position)) = after {
            self.market = market;
            self.positions.insert(position.user, position);
        }
    }

    fn position(&self, user: Wallet) -> Position {
        self.positions.get(&user).cloned().unwrap_or_else(|| Position::empty(self.market.address, user))
    }

    /// Runs a step and compares.
    pub(super) fn run(&self, step: &Step, index: usize) -> Ran {
        let done = match self.execute(step, index) {
            Ok(done) => done,
            Err(what) => return Ran { after: None, difference: Some(what) },
        };
        let difference = match &step.malformed {
            Some(malformed) => Some(malformed.clone()),
            None => compare::step(step, self, &done),
        };
        Ran { after: done.ok().map(|(_, market, position)| (market, position)), difference }
    }

    fn execute(&self, step: &Step, index: usize) -> Result<Done, String> {
        let malformed = step.malformed.as_deref();
        let missing = |name: &str| malformed.map_or_else(|| format!("{name:?} is missing"), str::to_owned);
        let op = step.op.as_deref().ok_or_else(|| missing("op"))?;
        let user = step.user.ok_or_else(|| missing("user"))?;
        let outcome: Outcome = step.outcome.ok_or_else(|| missing("outcome"))?.into();
        let timestamp = UnixSeconds(step.timestamp.ok_or_else(|| missing("timestamp"))?.0);
        let quoted = match op {
            "buy" => {
                let target_cost = Lamports(step.target_cost.ok_or_else(|| missing("target_cost"))?.0);
                self.buy(user, outcome, target_cost, timestamp)
            }
            "sell" => {
                let shares = ShareUnits(step.shares.ok_or_else(|| missing("shares"))?.0);
                let min_proceeds = Lamports(step.min_proceeds.ok_or_else(|| missing("min_proceeds"))?.0);
                let sold = self.sell(user, outcome, shares, min_proceeds, timestamp);
                // A repaired program pays: the trace says which of the two it is of.
                let refused = step.err.as_deref() == Some(NO_AUTHORITY);
                if refused { sold.and(Err(Refusal::NoAuthority)) } else { sold }
            }
            other => return Err(format!("unknown op {other:?}")),
        };
        let event = match quoted {
            Ok(event) => event,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // From here on only the event is known, as it would be from the chain.
        let own = |error: &dyn std::fmt::Display| format!("the engine does not take its own trade: {error}");
        let mut market = self.market.clone();
        let event = chain_event(event, index);
        let body = Market::plan(Some(&market), market.address, &event, self.schedule).map_err(|error| own(&error))?;
        market.apply(&body).map_err(|error| own(&error))?;
        let (trader, delta) = PositionDelta::of(&body).ok_or_else(|| own(&"it moves no position"))?;
        let mut position = self.position(trader);
        position.apply(&delta).map_err(|error| own(&error))?;
        Ok(Ok((event.event, market, position)))
    }

    fn buy(
        &self,
        user: Wallet,
        outcome: Outcome,
        target_cost: Lamports,
        timestamp: UnixSeconds,
    ) -> Result<ProgramEvent, Refusal> {
        let quote = self.market.quote_buy(outcome, target_cost, self.schedule, false).map_err(Refusal::Program)?;
        let event = SharesBought {
            market_id: self.market.seed,
            user,
            outcome: outcome.into(),
            shares: quote.shares,
            cost: quote.total_cost,
            new_price_yes: quote.price_yes_after,
            timestamp,
        };
        Ok(event.into())
    }

    fn sell(
        &self,
        user: Wallet,
        outcome: Outcome,
        shares: ShareUnits,
        min_proceeds: Lamports,
        timestamp: UnixSeconds,
    ) -> Result<ProgramEvent, Refusal> {
        let held = self.positions.get(&user).ok_or(Refusal::NoPosition)?.shares(outcome);
        let quote = self.market.quote_sell(held, outcome, shares, min_proceeds, self.schedule, false);
        let quote = quote.map_err(Refusal::Program)?;
        let event = SharesSold {
            market_id: self.market.seed,
            user,
            outcome: outcome.into(),
            shares,
            proceeds: quote.net,
            new_price_yes: quote.price_yes_after,
            timestamp,
        };
        Ok(event.into())
    }
}

fn chain_event(event: ProgramEvent, index: usize) -> ChainEvent {
    let slot = Slot(index as u64);
    ChainEvent {
        id: EventId { signature: TxSignature([0; 64]), n: 0 },
        position: ChainPosition { slot, transaction_index: None, n: 0 },
        event,
        facts: None,
    }
}
