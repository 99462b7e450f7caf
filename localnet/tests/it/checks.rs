//! Anchor's checks of accounts, and their order.

use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use zmart_localnet::program::Payout;
use zmart_localnet::program::layout::MarketState;

use crate::client::{self, activate, aggregate, approve, buy, create, program, sell, vote};
use crate::state::{MARKET_RENT, World};

const SOL: u64 = 1_000_000_000;

struct Case {
    world: World,
    market: Pubkey,
    user: Pubkey,
}

fn case() -> Case {
    let mut world = World::new(Payout::Direct, [300, 200, 500]);
    let market = world.market([3; 32], MARKET_RENT, |market| market.current_liquidity = 50 * SOL);
    let user = Pubkey::new_unique();
    world.fund(user);
    Case { world, market, user }
}

fn error_of(case: &mut Case, instruction: Instruction) -> String {
    let ran = case.world.vm.run(&[instruction], case.user);
    ran.error.unwrap_or_else(|| panic!("it worked: {:#?}", ran.logs))
}

fn custom(number: u32) -> String {
    format!("InstructionError(0, Custom({number}))")
}

/// A buy of the case's user with one account replaced.
fn with(case: &Case, index: usize, account: AccountMeta) -> Instruction {
    let mut instruction = buy(case.user, case.market, case.world.wallet, true, SOL);
    instruction.accounts[index] = account;
    instruction
}

#[test]
fn what_is_no_instruction_is_refused() {
    let rows: [(&str, Vec<u8>, u32); 4] = [
        ("no data", Vec::new(), 101),
        ("seven bytes", vec![1; 7], 101),
        ("an unknown one", vec![1; 30], 101),
        (
            "a bool that is 2",
            [&client::buy(Pubkey::default(), Pubkey::default(), Pubkey::default(), true, 1).data[..8], &[2; 9]]
                .concat(),
            102,
        ),
    ];
    for (name, data, expected) in rows {
        let mut case = case();
        let mut instruction = with(&case, 0, AccountMeta::new_readonly(client::config(), false));
        instruction.data = data;
        assert_eq!(error_of(&mut case, instruction), custom(expected), "{name}");
    }
}

#[test]
fn bytes_behind_the_arguments_and_more_accounts_are_ignored() {
    let mut case = case();
    let mut instruction = buy(case.user, case.market, case.world.wallet, true, SOL);
    instruction.data.extend([9; 40]);
    instruction.accounts.push(AccountMeta::new_readonly(Pubkey::new_unique(), false));
    assert_eq!(case.world.vm.run(&[instruction], case.user).error, None);
}

#[test]
fn each_account_is_checked_as_anchor_does() {
    let stranger = Pubkey::new_unique();
    let config = || AccountMeta::new_readonly(client::config(), false);
    type Change = Box<dyn Fn(&Case) -> Instruction>;
    let rows: Vec<(&str, Change, u32)> = vec![
        (
            "a missing account",
            Box::new(|case| {
                let mut instruction = with(case, 0, AccountMeta::new_readonly(client::config(), false));
                instruction.accounts.truncate(5);
                instruction
            }),
            3005,
        ),
        ("an account that is not there", Box::new(move |case| with(case, 1, AccountMeta::new(stranger, false))), 3012),
        (
            "an account of another program",
            Box::new(|case| with(case, 1, AccountMeta::new(case.world.admin, false))),
            3007,
        ),
        (
            "an account of another kind",
            Box::new(move |case| with(case, 1, AccountMeta::new(client::config(), false))),
            3002,
        ),
        (
            "a market that is only read",
            Box::new(|case| with(case, 1, AccountMeta::new_readonly(case.market, false))),
            2000,
        ),
        ("a position at another address", Box::new(move |case| with(case, 2, AccountMeta::new(stranger, false))), 2006),
        (
            "a fee wallet that is not the configured one",
            Box::new(move |case| with(case, 4, AccountMeta::new(stranger, false))),
            6029,
        ),
        ("another program as the system program", Box::new(move |case| with(case, 5, config())), 3008),
    ];
    for (name, change, expected) in rows {
        let mut case = case();
        let instruction = change(&case);
        assert_eq!(error_of(&mut case, instruction), custom(expected), "{name}");
    }
}

#[test]
fn a_user_who_did_not_sign_is_refused_before_anything_is_created() {
    let mut case = case();
    let other = Pubkey::new_unique();
    case.world.fund(other);
    let mut instruction = buy(other, case.market, case.world.wallet, true, SOL);
    instruction.accounts[3].is_signer = false;
    let ran = case.world.vm.run(&[instruction], case.user);
    assert_eq!(ran.error, Some(custom(3010)));
    assert!(ran.logs.iter().all(|line| !line.contains("invoke [2]")), "{:#?}", ran.logs);
}

#[test]
fn accounts_are_parsed_before_one_is_created_and_that_before_other_checks() {
    let mut case = case();
    // The market is not active (a check of the second field), and the payer has nothing (the creation).
    let proposed = case.world.market([4; 32], MARKET_RENT, |market| market.state = MarketState::Proposed);
    let poor = Pubkey::new_unique();
    case.world.vm.put(poor, 1_000_000, Pubkey::default(), Vec::new());
    let mut instruction = buy(poor, proposed, case.world.wallet, true, SOL);
    assert_eq!(case.world.vm.run(&[instruction.clone()], poor).error, Some(custom(1)));
    // And with the wrong program at the end, the parse fails first.
    instruction.accounts[5] = AccountMeta::new_readonly(client::config(), false);
    assert_eq!(case.world.vm.run(&[instruction], poor).error, Some(custom(3008)));
    let rich = buy(case.user, proposed, case.world.wallet, true, SOL);
    assert_eq!(error_of(&mut case, rich), custom(6007));
}

#[test]
fn a_position_of_another_user_or_market_is_refused_in_a_sell() {
    let mut case = case();
    let other = case.world.market([4; 32], MARKET_RENT, |_| {});
    let (market, user, wallet) = (case.market, case.user, case.world.wallet);
    case.world.hold(market, user, true, SOL);
    case.world.hold(other, user, true, SOL);
    let stranger = Pubkey::new_unique();
    case.world.hold(market, stranger, true, SOL);
    let mut of_another_user = sell(user, market, wallet, true, 1);
    of_another_user.accounts[2] = AccountMeta::new(client::position(&market, &stranger), false);
    assert_eq!(error_of(&mut case, of_another_user), custom(6029));
    let mut of_another_market = sell(user, market, wallet, true, 1);
    of_another_market.accounts[2] = AccountMeta::new(client::position(&other, &user), false);
    assert_eq!(error_of(&mut case, of_another_market), custom(6043));
}

#[test]
fn a_new_account_takes_over_lamports_that_are_there_already() {
    let mut case = case();
    let at = client::position(&case.market, &case.user);
    case.world.vm.put(at, 1_000_000, Pubkey::default(), Vec::new());
    let ran = case.world.vm.run(&[buy(case.user, case.market, case.world.wallet, true, SOL)], case.user);
    assert_eq!(ran.error, None, "{:#?}", ran.logs);
    assert_eq!(case.world.vm.lamports(&at), 2_157_600);
    // Transfer, allocate, assign, and the two payments.
    assert_eq!(ran.logs.iter().filter(|line| line.contains("invoke [2]")).count(), 5);
}

#[test]
fn each_authority_is_checked() {
    let mut case = case();
    let proposed = case.world.market([4; 32], MARKET_RENT, |market| {
        market.state = MarketState::Proposed;
        market.proposal_total_votes = 1;
        market.proposal_likes = 1;
    });
    for instruction in
        [aggregate(case.user, proposed, 1, 0), approve(case.user, proposed), activate(case.user, proposed)]
    {
        assert_eq!(error_of(&mut case, instruction), custom(6029));
    }
}

#[test]
fn a_second_vote_and_a_taken_market_id_fail_in_the_system_program() {
    let mut case = case();
    let proposed = case.world.market([4; 32], MARKET_RENT, |market| market.state = MarketState::Proposed);
    assert_eq!(case.world.vm.run(&[vote(case.user, proposed, true)], case.user).error, None);
    let again = vote(case.user, proposed, false);
    assert_eq!(error_of(&mut case, again), custom(0));
    let taken = create(case.user, &[4; 32], SOL, SOL);
    assert_eq!(error_of(&mut case, taken), custom(0));
}

#[test]
fn an_account_with_a_stray_address_is_refused() {
    let mut case = case();
    let stray = Pubkey::new_unique();
    let data = case.world.vm.data(&case.market);
    case.world.vm.put(stray, MARKET_RENT, program(), data);
    let instruction = buy(case.user, stray, case.world.wallet, true, SOL);
    assert_eq!(error_of(&mut case, instruction), custom(2006));
}
