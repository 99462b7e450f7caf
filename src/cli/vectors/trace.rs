//! Traces of markets: trades in order, each with what the chain emitted and left behind.
//!
//! A trade takes the engine's whole way: the quote says what the chain will do, its event becomes an entry by
//! `Market::plan`, and the entry moves the market by `Market::apply` and the wallet's position by `Position::apply`. The
//! event's bytes, the market and the position are compared with the recorded ones; a trade that the chain refused has
//! to be refused with the same error, and to change nothing.
//!
//! A wrong step is one failure, not one of every step after it: those are tried from the engine's own state and then
//! from the state that the wrong step recorded.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Place, Report,
    number::{I64, U64},
};
use crate::domain::{
    amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
    entry::FeeSchedule,
    error::ProgramError,
    event::{ChainEvent, InstructionFacts, IpfsHash, MarketCreated, Outcome, ProgramEvent, SharesBought, SharesSold},
    ids::{ChainPosition, EventId, MarketAddress, MarketSeed, Slot, TxSignature, Wallet},
    market::Market,
    phase::Phase,
    position::{Position, PositionDelta},
};

/// A line: a market just after its activation (or wherever `initial` says), and its trades.
#[derive(Debug, Deserialize)]
struct Line<S> {
    market_id: MarketSeed,
    b: U64,
    initial_liquidity: U64,
    fees_bps: [u16; 3],
    initial: MarketFields,
    steps: Vec<S>,
}

/// The market's fields that a trace records, and its account's lamports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct MarketFields {
    shares_yes: U64,
    shares_no: U64,
    current_liquidity: U64,
    total_volume: U64,
    accumulated_protocol_fees: U64,
    accumulated_resolver_fees: U64,
    accumulated_lp_fees: U64,
    lamports: U64,
    state: u8,
}

/// The position's fields that a trace records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct PositionFields {
    shares_yes: U64,
    shares_no: U64,
    total_invested: U64,
    trades_count: u32,
    last_trade_at: I64,
}

/// A trade: what was asked, and what came of it. What it needs is checked when it runs.
#[derive(Debug, Deserialize)]
struct Step {
    op: Option<String>,
    user: Option<Wallet>,
    outcome: Option<bool>,
    target_cost: Option<U64>,
    shares: Option<U64>,
    min_proceeds: Option<U64>,
    timestamp: Option<I64>,
    program_data_b64: Option<String>,
    position: Option<PositionFields>,
    err: Option<String>,
    err_name: Option<String>,
    post: Option<MarketFields>,
    /// Why it fails whatever it does: some field is not what it has to be.
    #[serde(skip)]
    malformed: Option<String>,
}

impl Step {
    fn read(value: &Value) -> Self {
        fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
            T::deserialize(value.get(name)?).ok()
        }
        let error = match Self::deserialize(value) {
            Ok(step) => return step,
            Err(error) => error,
        };
        // What can be read still gives the steps after it a state to begin from.
        Self {
            op: field(value, "op"),
            user: field(value, "user"),
            outcome: field(value, "outcome"),
            target_cost: field(value, "target_cost"),
            shares: field(value, "shares"),
            min_proceeds: field(value, "min_proceeds"),
            timestamp: field(value, "timestamp"),
            program_data_b64: field(value, "program_data_b64"),
            position: field(value, "position"),
            err: field(value, "err"),
            err_name: field(value, "err_name"),
            post: field(value, "post"),
            malformed: Some(format!("malformed step: {error}")),
        }
    }
}

/// A trace, ready to run.
#[derive(Debug)]
pub(super) struct Trace {
    initial: Ledger,
    steps: Vec<Step>,
}

impl Trace {
    /// Reads a line. A malformed step is kept, to fail on its own.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        if let Ok(line) = serde_json::from_slice::<Line<Step>>(line) {
            return Ok(Self { initial: Ledger::new(&line)?, steps: line.steps });
        }
        let line = serde_json::from_slice::<Line<Value>>(line).map_err(|error| error.to_string())?;
        Ok(Self { initial: Ledger::new(&line)?, steps: line.steps.iter().map(Step::read).collect() })
    }

    /// Runs and counts every step.
    pub(super) fn run(self, mut place: Place<'_>, report: &mut Report) {
        let mut ledger = self.initial;
        // The state that the step before recorded, where it failed.
        let mut recorded: Option<Ledger> = None;
        for (index, step) in self.steps.iter().enumerate() {
            place.step = Some(index + 1);
            let (after, what) = match ledger.run(step, index) {
                Ok(after) => {
                    ledger.commit(after);
                    recorded = None;
                    report.pass();
                    continue;
                }
                Err(failure) => failure,
            };
            if let Some(mut other) = recorded.take()
                && let Ok(after) = other.run(step, index)
            {
                other.commit(after);
                ledger = other;
                report.pass();
                continue;
            }
            report.fail(&place, &what);
            recorded = Some(ledger.recorded(step));
            if let Some(after) = after {
                ledger.commit(after);
            }
        }
    }
}

/// The engine's state of a market and of its traders.
#[derive(Debug, Clone)]
struct Ledger {
    market: Market,
    /// The program never touches it.
    protocol_fees: U64,
    schedule: FeeSchedule,
    positions: HashMap<Wallet, Position>,
}

/// What a trade leaves: nothing at all where it is refused.
type After = Option<(Market, Position)>;

/// What a step does: an event with what it leaves, or the chain's error.
type Done = Result<(ProgramEvent, Market, Position), Refusal>;

/// Why the chain refuses a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Program(ProgramError),
    /// Anchor: a seller's position does not exist.
    NoPosition,
}

impl Refusal {
    fn code(self) -> u32 {
        match self {
            Self::Program(error) => error.code(),
            Self::NoPosition => 3012,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Program(error) => error.name(),
            Self::NoPosition => "AccountNotInitialized",
        }
    }
}

impl Ledger {
    fn new<S>(line: &Line<S>) -> Result<Self, String> {
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
        let mut ledger = Self { market, protocol_fees: U64(0), schedule, positions: HashMap::new() };
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
        self.protocol_fees = fields.accumulated_protocol_fees;
    }

    /// The state that a step recorded, as far as it did.
    fn recorded(&self, step: &Step) -> Self {
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

    fn commit(&mut self, after: After) {
        if let Some((market, position)) = after {
            self.market = market;
            self.positions.insert(position.user, position);
        }
    }

    fn position(&self, user: Wallet) -> Position {
        self.positions.get(&user).cloned().unwrap_or_else(|| Position::empty(self.market.address, user))
    }

    /// Runs a step and compares. A failure tells what differs, and what the step leaves if it could be run.
    fn run(&self, step: &Step, index: usize) -> Result<After, (Option<After>, String)> {
        let done = self.execute(step, index).map_err(|what| (None, what))?;
        let differences = match &step.malformed {
            Some(malformed) => vec![malformed.clone()],
            None => self.compare(step, &done),
        };
        let after = done.ok().map(|(_, market, position)| (market, position));
        if differences.is_empty() { Ok(after) } else { Err((Some(after), differences.join("; "))) }
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
                self.sell(user, outcome, shares, min_proceeds, timestamp)
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

    /// What differs from what the step records.
    fn compare(&self, step: &Step, done: &Done) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, expected: &dyn std::fmt::Display, got: &dyn std::fmt::Display| {
            differences.push(format!("{what}: expected {expected}, got {got}"));
        };
        match (step.program_data_b64.as_deref(), step.err.as_deref(), done) {
            (Some(expected), None, Ok((event, _, position))) => {
                let data = program_data(event);
                if expected != data {
                    differ("program_data_b64", &expected, &data);
                }
                match &step.position {
                    Some(expected) => compare_position(expected, position, &mut differ),
                    None => differ("position", &"one", &"none in the file"),
                }
            }
            // The deployed program's sell always ends here, after all its checks.
            (None, Some(PRIVILEGE_ESCALATION), Ok((ProgramEvent::SharesSold(_), ..))) => {}
            (None, Some(expected), Ok(_)) => differ("result", &expected, &"success"),
            (Some(_), None, Err(refusal)) => differ("result", &"success", &refusal.name()),
            (None, Some(expected), Err(refusal)) => {
                let got = format!("InstructionError(0, Custom({}))", refusal.code());
                if expected != got {
                    differ("err", &expected, &got);
                }
                let expected = step.err_name.as_deref().unwrap_or("nothing");
                if expected != refusal.name() {
                    differ("err_name", &expected, &refusal.name());
                }
            }
            _ => differ("step", &"either program_data_b64 or err", &"both or neither in the file"),
        }
        let market = match done {
            Ok((_, market, _)) if step.err.as_deref() != Some(PRIVILEGE_ESCALATION) => market,
            _ => &self.market,
        };
        match &step.post {
            Some(expected) => compare_market(expected, market, self.protocol_fees, &mut differ),
            None => differ("post", &"one", &"none in the file"),
        }
        differences
    }
}

/// How the runtime ends every sell of the deployed program.
const PRIVILEGE_ESCALATION: &str = "InstructionError(0, PrivilegeEscalation)";

type Differ<'a> = dyn FnMut(&str, &dyn std::fmt::Display, &dyn std::fmt::Display) + 'a;

fn compare_market(expected: &MarketFields, market: &Market, protocol_fees: U64, differ: &mut Differ<'_>) {
    let rows = [
        ("shares_yes", expected.shares_yes, market.shares_yes.0),
        ("shares_no", expected.shares_no, market.shares_no.0),
        ("current_liquidity", expected.current_liquidity, market.current_liquidity.0),
        ("total_volume", expected.total_volume, market.total_volume.0),
        ("accumulated_protocol_fees", expected.accumulated_protocol_fees, protocol_fees.0),
        ("accumulated_resolver_fees", expected.accumulated_resolver_fees, market.accumulated_resolver_fees.0),
        ("accumulated_lp_fees", expected.accumulated_lp_fees, market.accumulated_lp_fees.0),
        ("lamports", expected.lamports, market.lamports.0),
        ("state", U64(expected.state.into()), market.phase.code().into()),
    ];
    for (field, expected, got) in rows {
        if expected.0 != got {
            differ(field, &expected.0, &got);
        }
    }
}

fn compare_position(expected: &PositionFields, position: &Position, differ: &mut Differ<'_>) {
    let rows = [
        ("position.shares_yes", i128::from(expected.shares_yes.0), i128::from(position.shares_yes.0)),
        ("position.shares_no", expected.shares_no.0.into(), position.shares_no.0.into()),
        ("position.total_invested", expected.total_invested.0.into(), position.total_invested.0.into()),
        ("position.trades_count", expected.trades_count.into(), position.trades_count.into()),
        ("position.last_trade_at", expected.last_trade_at.0.into(), position.last_trade_at.0.into()),
    ];
    for (field, expected, got) in rows {
        if expected != got {
            differ(field, &expected, &got);
        }
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

/// The trader in the bytes of a trade's event.
fn emitted_user(program_data: &str) -> Option<Wallet> {
    let bytes = STANDARD.decode(program_data).ok()?;
    bytes.get(40..72)?.try_into().ok().map(Wallet)
}

/// A trade's event as the program emits it, in base64. A reader and writer of its own, so that the codec is not checked
/// against itself.
fn program_data(event: &ProgramEvent) -> String {
    const BOUGHT: [u8; 8] = [0xf0, 0x62, 0x45, 0x0a, 0xfd, 0xea, 0xe2, 0x41];
    const SOLD: [u8; 8] = [0x23, 0xe7, 0x05, 0x35, 0xe4, 0x9e, 0x71, 0xfb];
    let (discriminator, market, user, outcome, shares, amount, price, at) = match event {
        ProgramEvent::SharesBought(e) => {
            (BOUGHT, e.market_id, e.user, e.outcome, e.shares, e.cost, e.new_price_yes, e.timestamp)
        }
        ProgramEvent::SharesSold(e) => {
            (SOLD, e.market_id, e.user, e.outcome, e.shares, e.proceeds, e.new_price_yes, e.timestamp)
        }
        _ => return String::new(),
    };
    let PriceE9(price) = price;
    let mut bytes = Vec::with_capacity(105);
    bytes.extend(discriminator);
    bytes.extend(market.0);
    bytes.extend(user.0);
    bytes.push(outcome.into());
    for number in [shares.0, amount.0, price] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(at.0.to_le_bytes());
    STANDARD.encode(bytes)
}
