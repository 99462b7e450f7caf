//! What comes back from wallets, and what only looks like it.

use proptest::prelude::*;
use solana_sdk::{
    instruction::AccountMeta,
    message::{AddressLookupTableAccount, Message, v0},
    signature::Keypair,
    signer::Signer,
};

use super::{
    super::{
        MEMO,
        compose::{Compute, Unsigned, Version},
    },
    *,
};
use crate::{
    chain::program::instructions::CreateMarket,
    domain::{
        amount::{Lamports, ShareUnits},
        event::{IpfsHash, Outcome},
        ids::{MarketSeed, ProgramId},
    },
};

const MARKET: MarketAddress = MarketAddress([7; 32]);
const FEES: Wallet = Wallet([8; 32]);

fn build() -> InstructionBuilder {
    InstructionBuilder::new(ProgramId([3; 32]))
}

fn wallet(keypair: &Keypair) -> Wallet {
    Wallet(keypair.pubkey().to_bytes())
}

fn wire(message: &VersionedMessage, signers: &[&Keypair]) -> Vec<u8> {
    let bytes = message.serialize();
    let mut wire = vec![u8::try_from(signers.len()).unwrap()];
    signers.iter().for_each(|signer| wire.extend_from_slice(signer.sign_message(&bytes).as_ref()));
    wire.extend_from_slice(&bytes);
    wire
}

fn signed(instructions: &[Instruction], signers: &[&Keypair]) -> String {
    let message = Message::new_with_blockhash(instructions, Some(&signers[0].pubkey()), &Hash::new_from_array([1; 32]));
    BASE64_STANDARD.encode(wire(&VersionedMessage::Legacy(message), signers))
}

fn buy(user: Wallet) -> Instruction {
    build().buy_shares(MARKET, user, FEES, Outcome::Yes, Lamports(5_000_000))
}

fn of(program: Pubkey, data: &[u8]) -> Instruction {
    Instruction { program_id: program, accounts: vec![], data: data.to_vec() }
}

fn transfer(from: &Keypair) -> Instruction {
    let mut data = vec![2, 0, 0, 0];
    data.extend_from_slice(&1_000_000_u64.to_le_bytes());
    let accounts =
        vec![AccountMeta::new(from.pubkey(), true), AccountMeta::new(Pubkey::new_from_array([66; 32]), false)];
    Instruction { program_id: Pubkey::default(), accounts, data }
}

#[test]
fn what_is_built_here_is_taken_in_both_versions_whatever_it_does() {
    let user = Keypair::new();
    let (build, caller) = (build(), wallet(&user));
    let seed = MarketSeed([4; 32]);
    let create = CreateMarket {
        market_id: seed,
        b_parameter: 100,
        initial_liquidity: Lamports(1),
        ipfs_question_hash: IpfsHash([5; 46]),
    };
    let made = build.addresses().market(seed).0;
    let all = [
        (build.create_market(caller, create), made),
        (build.activate_market(MARKET, caller), MARKET),
        (buy(caller), MARKET),
        (build.sell_shares(MARKET, caller, FEES, Outcome::No, ShareUnits(5), Lamports(1)), MARKET),
        (build.resolve_market(MARKET, caller, Outcome::No, IpfsHash([6; 46])), MARKET),
        (build.initiate_dispute(MARKET, caller), MARKET),
        (build.claim_winnings(MARKET, caller, Wallet([9; 32])), MARKET),
        (build.claim_winnings(MARKET, caller, caller), MARKET),
        (build.withdraw_liquidity(MARKET, caller), MARKET),
    ];
    for (instruction, market) in all {
        for version in [Version::Legacy, Version::V0] {
            for micro_lamports in [0, 9] {
                let compute = Compute { units: 60_000, micro_lamports };
                let blockhash = Hash::new_from_array([1; 32]);
                let unsigned =
                    Unsigned::new(version, caller, std::slice::from_ref(&instruction), compute, blockhash).unwrap();
                let mut wire = unsigned.wire();
                let signature = user.sign_message(&wire[65..]);
                wire[1..65].copy_from_slice(signature.as_ref());
                let taken = inspect(&build, &BASE64_STANDARD.encode(&wire), caller).unwrap();
                assert_eq!((taken.market, taken.wire, taken.blockhash), (market, wire, blockhash));
                assert_eq!(taken.signature, TxSignature(signature.into()));
            }
        }
    }
}

#[test]
fn what_wallets_add_is_taken() {
    let user = Keypair::new();
    let mut guard = of(LIGHTHOUSE, &[2, 1, 2, 3]);
    guard.accounts.push(AccountMeta::new_readonly(user.pubkey(), false));
    let instructions =
        [of(COMPUTE_BUDGET, &[2, 1, 0, 0, 0]), guard.clone(), buy(wallet(&user)), of(MEMO[0], b"hello"), guard];
    let taken = inspect(&build(), &signed(&instructions, &[&user]), wallet(&user)).unwrap();
    assert_eq!((taken.market, taken.fee_wallet, taken.resolver), (MARKET, Some(FEES), None));
}

#[test]
fn everything_else_is_refused_with_its_reason() {
    use Refusal as R;
    let (user, other) = (Keypair::new(), Keypair::new());
    let caller = wallet(&user);
    let changed = |position: usize, key: [u8; 32]| {
        let mut instruction = buy(caller);
        instruction.accounts[position].pubkey = Pubkey::new_from_array(key);
        signed(&[instruction], &[&user])
    };
    let accounts = |position| R::OtherAccounts { name: "buy_shares", position };
    let read_only = {
        let mut instruction = buy(caller);
        instruction.accounts[1].is_writable = false;
        signed(&[instruction], &[&user])
    };
    let count = |accounts: usize| {
        let mut instruction = buy(caller);
        instruction.accounts.resize(accounts, AccountMeta::new_readonly(Pubkey::new_from_array([1; 32]), false));
        signed(&[instruction], &[&user])
    };
    let with_data = |data: Vec<u8>| signed(&[Instruction { data, ..buy(caller) }], &[&user]);
    let good = buy(caller);
    let altered = {
        let mut wire = BASE64_STANDARD.decode(signed(&[buy(caller)], &[&user])).unwrap();
        let last = wire.len() - 2;
        wire[last] ^= 1;
        BASE64_STANDARD.encode(wire)
    };
    let forged = {
        let message = Message::new_with_blockhash(&[buy(caller)], Some(&user.pubkey()), &Hash::default());
        BASE64_STANDARD.encode(wire(&VersionedMessage::Legacy(message), &[&other]))
    };
    let unsigned = {
        let mut wire = BASE64_STANDARD.decode(signed(&[buy(caller)], &[&user])).unwrap();
        wire[1..65].fill(0);
        BASE64_STANDARD.encode(wire)
    };
    let trailing = {
        let mut wire = BASE64_STANDARD.decode(signed(&[buy(caller)], &[&user])).unwrap();
        wire.push(0);
        BASE64_STANDARD.encode(wire)
    };
    let with_table = {
        let table = AddressLookupTableAccount {
            key: Pubkey::new_from_array([50; 32]),
            addresses: vec![Pubkey::new_from_array(MARKET.0), Pubkey::new_from_array(FEES.0)],
        };
        let message = v0::Message::try_compile(&user.pubkey(), &[buy(caller)], &[table], Hash::default()).unwrap();
        BASE64_STANDARD.encode(wire(&VersionedMessage::V0(message), &[&user]))
    };
    let co_signed = {
        let mut note = of(MEMO[0], b"x");
        note.accounts.push(AccountMeta::new_readonly(other.pubkey(), true));
        signed(&[good.clone(), note], &[&user, &other])
    };
    let system = AccountAddress([0; 32]);
    let vote = build().submit_proposal_vote(MARKET, caller, true);
    let approve = build().approve_proposal(MARKET, caller);
    let rows: Vec<(&str, String, Refusal)> = vec![
        ("no base64", "~".repeat(100), R::NotBase64),
        ("nothing", String::new(), R::Malformed),
        ("garbage", BASE64_STANDARD.encode([255; 300]), R::Malformed),
        ("too long", BASE64_STANDARD.encode([0; 1_300]), R::TooLong),
        ("something behind it", trailing, R::Malformed),
        ("lookup tables", with_table, R::LookupTables),
        ("another payer", signed(&[buy(wallet(&other))], &[&other]), R::OtherPayer),
        (
            "another payer, signed by the caller too",
            signed(std::slice::from_ref(&good), &[&other, &user]),
            R::OtherPayer,
        ),
        ("another signer", co_signed, R::OtherSigners),
        ("altered after signing", altered, R::BadSignature),
        ("signed by another key", forged, R::BadSignature),
        ("not signed", unsigned, R::BadSignature),
        ("nothing of ours", signed(&[of(MEMO[1], b"x")], &[&user]), R::NothingOfOurs),
        ("twice", signed(&[good.clone(), good.clone()], &[&user]), R::MoreThanOne),
        (
            "a hidden transfer",
            signed(&[good.clone(), transfer(&user)], &[&user]),
            R::OtherProgram { index: 1, program: system },
        ),
        (
            "another program's",
            signed(&[of(Pubkey::new_from_array([44; 32]), &[1]), good.clone()], &[&user]),
            R::OtherProgram { index: 0, program: AccountAddress([44; 32]) },
        ),
        ("no config", changed(0, [1; 32]), accounts(0)),
        // The position follows from the market.
        ("another market", changed(1, [1; 32]), accounts(2)),
        ("another position", changed(2, [1; 32]), accounts(2)),
        ("another system program", changed(5, [1; 32]), accounts(5)),
        ("a market that can't be written", read_only, accounts(1)),
        ("one account too few", count(5), accounts(5)),
        ("one account too many", count(7), accounts(6)),
        ("no arguments", with_data(good.data[..8].to_vec()), R::Undecodable { index: 0 }),
        ("arguments too long", with_data([&good.data[..], &[0]].concat()), R::Undecodable { index: 0 }),
        ("an unknown instruction", with_data(vec![1; 17]), R::Undecodable { index: 0 }),
        ("a vote", signed(&[vote], &[&user]), R::NotForUsers { name: "submit_proposal_vote" }),
        ("the admin's", signed(&[approve], &[&user]), R::NotForUsers { name: "approve_proposal" }),
        (
            "too many",
            signed(&[vec![of(MEMO[0], b""); INSTRUCTIONS_MAX], vec![good.clone()]].concat(), &[&user]),
            R::TooManyInstructions,
        ),
    ];
    for (what, text, refusal) in rows {
        assert_eq!(inspect(&build(), &text, caller).map(drop), Err(refusal), "{what}");
    }
    // The fee wallet is for the config to judge: it is told.
    let elsewhere = inspect(&build(), &changed(4, [1; 32]), caller).unwrap();
    assert_eq!(elsewhere.fee_wallet, Some(Wallet([1; 32])));
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..1_300), text in "\\PC{0,200}") {
        let _ = inspect(&build(), &BASE64_STANDARD.encode(&bytes), Wallet([1; 32]));
        prop_assert!(inspect(&build(), &text, Wallet([1; 32])).is_err());
    }

    #[test]
    fn one_altered_byte_is_noticed(at in 0usize..400, by in 1u8..) {
        let user = Keypair::new();
        let mut wire = BASE64_STANDARD.decode(signed(&[buy(wallet(&user))], &[&user])).unwrap();
        let at = at % wire.len();
        wire[at] ^= by;
        prop_assert!(inspect(&build(), &BASE64_STANDARD.encode(&wire), wallet(&user)).is_err());
    }
}
