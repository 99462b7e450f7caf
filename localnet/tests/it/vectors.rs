//! The recorded numbers of the program's own functions, and the bytes of its accounts and addresses.

use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use zmart_localnet::program::error::Code;
use zmart_localnet::program::layout::{
    GlobalConfig, Layout, MarketAccount, UserPosition, VoteRecord, discriminator, encode,
};
use zmart_localnet::program::lmsr::{self, Fees};

use crate::fixtures::{field, hex, key, number, rows, text};
use crate::state::decode;

fn plain(result: Result<u64, Code>) -> Result<Value, Code> {
    result.map(|value| json!(value.to_string()))
}

/// What this program answers to a row of `lmsr.jsonl`; `None` for what no instruction calls.
fn answer(row: &Value) -> Option<Result<Value, Code>> {
    let n = |name: &str| number::<u64>(row, name);
    let q = || (n("q_yes"), n("q_no"), n("b"));
    let yes = || field(row, "outcome").as_bool().expect("an outcome");
    let fees = |amount: u64| {
        let rate = |name: &str| number::<u16>(row, name);
        Fees::of(amount, rate("protocol_bps"), rate("resolver_bps"), rate("lp_bps"))
    };
    Some(match text(row, "fn") {
        "fixed_mul" => plain(lmsr::mul(n("a"), n("b"))),
        "fixed_div" => plain(lmsr::div(n("a"), n("b"))),
        "fixed_exp" => plain(lmsr::exp(n("x"))),
        "fixed_exp_negative" => plain(lmsr::exp_negative(n("x"))),
        "fixed_ln" => plain(lmsr::ln(n("x"))),
        "log_sum_exp" => plain(lmsr::log_sum_exp(n("x"), n("y"))),
        "cost_function" => plain(lmsr::cost(q().0, q().1, q().2)),
        "yes_price" => plain(lmsr::price_yes(q().0, q().1, q().2)),
        "no_price" => plain(lmsr::price_yes(q().0, q().1, q().2).map(|price| lmsr::ONE - price)),
        "shares_for_cost" => plain(lmsr::buy(q().0, q().1, q().2, yes(), n("target_cost")).map(|(_, shares)| shares)),
        "calculate_buy_cost" => lmsr::buy(q().0, q().1, q().2, yes(), n("target_cost"))
            .map(|(cost, shares)| json!({ "cost": cost.to_string(), "shares": shares.to_string() })),
        "calculate_sell_proceeds" => plain(lmsr::sell(q().0, q().1, q().2, yes(), n("shares_to_sell"))),
        "bounded_loss_max_loss" => plain(lmsr::max_loss(n("b"))),
        "calculate_fees_accurate" => fees(n("amount")).map(|fees| {
            json!({
                "protocol": fees.protocol.to_string(), "resolver": fees.resolver.to_string(),
                "lp": fees.lp.to_string(), "total": fees.total().to_string(),
            })
        }),
        _ => return None,
    })
}

#[test]
fn every_recorded_number_is_the_same() {
    let rows = rows("lmsr.jsonl");
    let mut compared = 0;
    for row in &rows {
        let Some(here) = answer(row) else { continue };
        let recorded = match row.get("ok") {
            Some(value) => Ok(value.clone()),
            None => Err(number::<u32>(field(row, "err"), "code")),
        };
        assert_eq!(here.map_err(Code::number), recorded, "{row}");
        compared += 1;
    }
    // The others are whole handlers (the traces and `sell` cover them) and functions that no instruction calls.
    assert!(compared > 200, "{compared} of {}", rows.len());
}

#[test]
fn every_error_has_its_recorded_number_and_name() {
    let rows: Vec<Value> = rows("codec.jsonl").into_iter().filter(|row| text(row, "kind") == "error").collect();
    let own: Vec<(u32, &str)> =
        Code::ALL.iter().filter(|code| code.number() >= 6000).map(|code| (code.number(), code.name())).collect();
    let recorded: Vec<(u32, &str)> = rows.iter().map(|row| (number(row, "code"), text(row, "name"))).collect();
    assert_eq!(own, recorded);
}

fn same_bytes<T: Layout>(bytes: &[u8], borsh: usize) {
    assert_eq!(bytes.len(), T::SPACE);
    assert_eq!(bytes[..8], discriminator("account", T::NAME));
    let written = encode(&decode::<T>(bytes));
    assert_eq!(written.len(), 8 + borsh);
    assert_eq!(written, bytes[..written.len()]);
}

#[test]
fn every_recorded_account_is_read_and_written_to_the_same_bytes() {
    let mut compared = 0;
    for row in rows("codec.jsonl").iter().filter(|row| text(row, "kind") == "account") {
        let (bytes, borsh) = (hex(text(row, "hex")), number(row, "borsh_len"));
        match text(row, "name") {
            "GlobalConfig" => same_bytes::<GlobalConfig>(&bytes, borsh),
            "MarketAccount" => same_bytes::<MarketAccount>(&bytes, borsh),
            "UserPosition" => same_bytes::<UserPosition>(&bytes, borsh),
            "VoteRecord" => same_bytes::<VoteRecord>(&bytes, borsh),
            other => panic!("an account called {other}"),
        }
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn every_recorded_instruction_has_its_discriminator_and_address() {
    for row in rows("codec.jsonl") {
        match text(&row, "kind") {
            "instruction" => {
                assert_eq!(hex(text(&row, "hex"))[..8], discriminator("global", text(&row, "name")), "{row}");
            }
            "pda" => {
                let seeds: Vec<Vec<u8>> = field(&row, "seeds_hex")
                    .as_array()
                    .expect("seeds")
                    .iter()
                    .filter_map(Value::as_str)
                    .map(hex)
                    .collect();
                let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
                let program = key(field(&row, "fields"), "program_id");
                let found = Pubkey::find_program_address(&seeds, &program);
                assert_eq!(found, (key(&row, "address"), number(&row, "bump")), "{row}");
            }
            _ => {}
        }
    }
}
