//! What a step of a trace recorded against what the engine did.
//!
//! Owns the comparison and the words for it, and the bytes of a trade's event.

use std::fmt::Display;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    super::number::U64,
    ledger::{Done, Ledger},
    line::{MarketFields, PositionFields, Step},
};
use crate::domain::{event::ProgramEvent, ids::Wallet, market::Market, position::Position};

/// What differs, if anything does; `before` is the state that the step began from.
pub(super) fn step(step: &Step, before: &Ledger, done: &Done) -> Option<String> {
    let mut differences = Vec::new();
    let mut differ = |what: &str, expected: &dyn Display, got: &dyn Display| {
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
        (None, Some(expected), Ok(_)) => differ("result", &expected, &"success"),
        (Some(_), None, Err(refusal)) => differ("result", &"success", &refusal.name()),
        (None, Some(expected), Err(refusal)) => {
            let got = refusal.text();
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
    let market = done.as_ref().map_or(&before.market, |(_, market, _)| market);
    match &step.post {
        Some(expected) => compare_market(expected, market, before.protocol_fees, &mut differ),
        None => differ("post", &"one", &"none in the file"),
    }
    if differences.is_empty() { None } else { Some(differences.join("; ")) }
}

type Differ<'a> = dyn FnMut(&str, &dyn Display, &dyn Display) + 'a;

fn compare_market(expected: &MarketFields, market: &Market, protocol_fees: u64, differ: &mut Differ<'_>) {
    let rows = [
        ("shares_yes", expected.shares_yes, market.shares_yes.0),
        ("shares_no", expected.shares_no, market.shares_no.0),
        ("current_liquidity", expected.current_liquidity, market.current_liquidity.0),
        ("total_volume", expected.total_volume, market.total_volume.0),
        ("accumulated_protocol_fees", expected.accumulated_protocol_fees, protocol_fees),
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

/// The trader in the bytes of a trade's event.
pub(super) fn emitted_user(program_data: &str) -> Option<Wallet> {
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
    let mut bytes = Vec::with_capacity(105);
    bytes.extend(discriminator);
    bytes.extend(market.0);
    bytes.extend(user.0);
    bytes.push(outcome.into());
    for number in [shares.0, amount.0, price.0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(at.0.to_le_bytes());
    STANDARD.encode(bytes)
}
