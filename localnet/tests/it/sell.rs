//! The one instruction that differs from the deployed program on purpose.

use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use zmart_localnet::program::Payout;

use crate::client::{buy, sell};
use crate::fixtures::{base64, field, number, rows, text};
use crate::state::{MARKET_RENT, World};
use crate::vm::Ran;

const SOL: u64 = 1_000_000_000;
const FEE: u64 = 5_000;

/// A world with a market of 1000 SOL of lamports, and a user who holds shares.
fn holder(payout: Payout) -> (World, Pubkey, Pubkey) {
    let mut world = World::new(payout, [300, 200, 500]);
    let market = world.market([3; 32], MARKET_RENT, |market| market.current_liquidity = 50 * SOL);
    let user = Pubkey::new_unique();
    world.fund(user);
    let bought = world.vm.run(&[buy(user, market, world.wallet, true, 10 * SOL)], user);
    assert_eq!(bought.error, None);
    (world, market, user)
}

fn event(ran: &Ran) -> Vec<u8> {
    let line = ran.logs.iter().find_map(|line| line.strip_prefix("Program data: "));
    base64(line.expect("an event"))
}

fn eight(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[test]
fn a_sell_pays_the_net_to_the_user_and_the_fee_to_the_wallet() {
    let (mut world, market, user) = holder(Payout::Direct);
    let before = (world.vm.lamports(&market), world.vm.lamports(&user), world.vm.lamports(&world.wallet));
    let (was, held) = (world.read_market(&market), world.read_position(&market, &user).expect("a position"));
    world.vm.clock(1001, 1_760_000_100);

    let ran = world.vm.run(&[sell(user, market, world.wallet, true, 2 * SOL)], user);

    assert_eq!(ran.error, None, "{:#?}", ran.logs);
    let bytes = event(&ran);
    let (shares, net, price) = (eight(&bytes, 73), eight(&bytes, 81), eight(&bytes, 89));
    let (is, now) = (world.read_market(&market), world.read_position(&market, &user).expect("a position"));
    let gross = is.total_volume - was.total_volume;
    let fee = world.vm.lamports(&world.wallet) - before.2;
    assert_eq!(shares, 2 * SOL);
    assert_eq!(net, gross - gross / 10);
    assert_eq!(fee, gross / 10 * 3 / 10);
    assert_eq!(world.vm.lamports(&user), before.1 + net - FEE);
    assert_eq!(world.vm.lamports(&market), before.0 - net - fee);
    assert_eq!(is.current_liquidity, was.current_liquidity - net - fee);
    let kept = (
        is.accumulated_resolver_fees - was.accumulated_resolver_fees,
        is.accumulated_lp_fees - was.accumulated_lp_fees,
    );
    assert_eq!(kept.0 + kept.1 + fee, gross / 10);
    assert_eq!(is.shares_yes, was.shares_yes - 2 * SOL);
    assert_eq!(now.shares_yes, held.shares_yes - 2 * SOL);
    assert_eq!((now.total_invested, now.trades_count), (held.total_invested, 2));
    assert_eq!(now.last_trade_at, 1_760_000_100);
    assert!(price < 1_000_000_000 && price > 500_000_000);
    let inner = ran.logs.iter().filter(|line| line.contains("invoke [2]")).count();
    assert_eq!(inner, 0, "a direct payout has no inner call");
}

#[test]
fn a_sell_stops_at_the_rent_minimum() {
    let (mut world, market, user) = holder(Payout::Direct);
    let data = world.vm.data(&market);
    world.vm.put(market, MARKET_RENT + 1000, crate::client::program(), data);
    let ran = world.vm.run(&[sell(user, market, world.wallet, true, 2 * SOL)], user);
    assert_eq!(ran.error.as_deref(), Some("InstructionError(0, Custom(6047))"));
    assert_eq!(world.vm.lamports(&market), MARKET_RENT + 1000);
}

#[test]
fn with_strict_a_sell_fails_as_deployed() {
    let (mut world, market, user) = holder(Payout::AsDeployed);
    let was = world.vm.data(&market);
    let ran = world.vm.run(&[sell(user, market, world.wallet, true, 2 * SOL)], user);
    assert_eq!(ran.error.as_deref(), Some("InstructionError(0, PrivilegeEscalation)"));
    assert!(ran.logs.contains(&format!("{market}'s signer privilege escalated")), "{:#?}", ran.logs);
    assert_eq!(world.vm.data(&market), was);
}

#[test]
fn every_recorded_quote_of_a_sell_is_what_a_sell_does() {
    let mut compared = 0;
    for row in rows("lmsr.jsonl").iter().filter(|row| text(row, "fn") == "sell_quote") {
        let n = |name: &str| number::<u64>(row, name);
        let rate = |name: &str| number::<u16>(row, name);
        let mut world = World::new(Payout::Direct, [rate("protocol_bps"), rate("resolver_bps"), rate("lp_bps")]);
        let yes = field(row, "outcome").as_bool().expect("an outcome");
        let user = Pubkey::new_unique();
        world.fund(user);
        let market = world.market([3; 32], 1 << 60, |market| {
            market.b_parameter = n("b");
            market.shares_yes = n("q_yes");
            market.shares_no = n("q_no");
            market.current_liquidity = n("current_liquidity");
        });
        let held = if yes { n("q_yes") } else { n("q_no") };
        world.hold(market, user, yes, held);
        let mut instruction = sell(user, market, world.wallet, yes, n("shares_to_sell"));
        let end = instruction.data.len();
        instruction.data[end - 8..].copy_from_slice(&n("min_proceeds").to_le_bytes());
        let ran = world.vm.run(&[instruction], user);
        let expected = row.get("err").map(|err| format!("InstructionError(0, Custom({}))", number::<u32>(err, "code")));
        assert_eq!(ran.error, expected, "{row}");
        if let Some(ok) = row.get("ok") {
            let bytes = event(&ran);
            let here = world.read_market(&market);
            assert_eq!(eight(&bytes, 81), number::<u64>(ok, "net"), "{row}");
            assert_eq!(eight(&bytes, 89), number::<u64>(ok, "new_price_yes"), "{row}");
            assert_eq!((here.shares_yes, here.shares_no), (number(ok, "new_q_yes"), number(ok, "new_q_no")), "{row}");
            assert_eq!(here.current_liquidity, n("current_liquidity") - number::<u64>(ok, "payout"), "{row}");
            let value = |name: &str| ok.get(name).and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok());
            assert_eq!(Some(here.accumulated_resolver_fees), value("resolver_fee"));
            assert_eq!(Some(here.accumulated_lp_fees), value("lp_fee"));
        }
        compared += 1;
    }
    assert!(compared > 5, "{compared}");
}
