//! The 20 recorded markets, trade by trade.

use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use zmart_localnet::program::Payout;
use zmart_localnet::program::layout::{MarketAccount, UserPosition};

use crate::client::buy;
use crate::fixtures::{base64, field, hex, key, number, rows, text};
use crate::state::{MARKET_RENT, World};

/// The recorded fields of a market, as this market has them.
fn same_market(recorded: &Value, market: &MarketAccount, lamports: u64) -> bool {
    [
        ("shares_yes", market.shares_yes),
        ("shares_no", market.shares_no),
        ("current_liquidity", market.current_liquidity),
        ("total_volume", market.total_volume),
        ("accumulated_protocol_fees", market.accumulated_protocol_fees),
        ("accumulated_resolver_fees", market.accumulated_resolver_fees),
        ("accumulated_lp_fees", market.accumulated_lp_fees),
        ("lamports", lamports),
    ]
    .into_iter()
    .all(|(name, here)| number::<u64>(recorded, name) == here)
        && number::<u8>(recorded, "state") == market.state as u8
}

fn same_position(recorded: &Value, position: &UserPosition) -> bool {
    number::<u64>(recorded, "shares_yes") == position.shares_yes
        && number::<u64>(recorded, "shares_no") == position.shares_no
        && number::<u64>(recorded, "total_invested") == position.total_invested
        && number::<u32>(recorded, "trades_count") == position.trades_count
        && number::<i64>(recorded, "last_trade_at") == position.last_trade_at
}

/// The one `Program data` line of a transaction.
fn event(logs: &[String]) -> Option<Vec<u8>> {
    let mut events = logs.iter().filter_map(|line| line.strip_prefix("Program data: "));
    let first = events.next().map(base64);
    assert!(events.next().is_none(), "more than one event");
    first
}

#[test]
fn every_recorded_trade_has_the_same_event_market_position_and_lamports() {
    let traces = rows("trade_traces.jsonl");
    let mut steps = 0;
    for trace in &traces {
        let fees: Vec<u16> = field(trace, "fees_bps")
            .as_array()
            .expect("fees")
            .iter()
            .map(|fee| number(&serde_json::json!({ "fee": fee }), "fee"))
            .collect();
        let mut world = World::new(Payout::Direct, fees.try_into().expect("three fees"));
        let initial = field(trace, "initial");
        let id: [u8; 32] = hex(text(trace, "market_id")).try_into().expect("32 bytes");
        let market = world.market(id, number(initial, "lamports"), |market| {
            market.b_parameter = number(trace, "b");
            market.initial_liquidity = number(trace, "initial_liquidity");
            market.current_liquidity = number(initial, "current_liquidity");
            market.shares_yes = number(initial, "shares_yes");
            market.shares_no = number(initial, "shares_no");
        });
        assert_eq!(world.vm.lamports(&market), MARKET_RENT);
        for (at, step) in field(trace, "steps").as_array().expect("steps").iter().enumerate() {
            let place = format!("market {} step {at}", text(trace, "market_id"));
            let user: Pubkey = key(step, "user");
            if world.vm.lamports(&user) == 0 {
                world.fund(user);
            }
            world.vm.clock(1000, number(step, "timestamp"));
            let outcome = field(step, "outcome").as_bool().expect("an outcome");
            let ran = world.vm.run(&[buy(user, market, world.wallet, outcome, number(step, "target_cost"))], user);
            assert_eq!(ran.error.as_deref(), step.get("err").and_then(Value::as_str), "{place}: {:#?}", ran.logs);
            assert_eq!(event(&ran.logs), step.get("program_data_b64").and_then(Value::as_str).map(base64), "{place}");
            let after = world.read_market(&market);
            assert!(same_market(field(step, "post"), &after, world.vm.lamports(&market)), "{place}: {after:?}");
            if let Some(recorded) = step.get("position") {
                let position = world.read_position(&market, &user).expect("a position");
                assert!(same_position(recorded, &position), "{place}: {position:?}");
            }
            steps += 1;
        }
    }
    assert_eq!((traces.len(), steps), (20, 334));
}
