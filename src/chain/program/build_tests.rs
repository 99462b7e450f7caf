//! Every recorded transaction is built again from its parts.

use serde_json::Value;
use solana_sdk::instruction::Instruction;

use super::*;
use crate::chain::anchor::instructions::decode_instruction;

const RECORDED: &str = include_str!("../../../tests/fixtures/program_transactions.jsonl");

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn build(row: &Value, data: &[u8]) -> Instruction {
    let key = |name: &str| -> Wallet {
        let accounts = row["accounts"].as_array().unwrap();
        let account = accounts.iter().find(|account| account["name"] == name).unwrap();
        account["pubkey"].as_str().unwrap().parse().unwrap()
    };
    let market = || MarketAddress(key("market").0);
    let fee_wallet = || key("protocol_fee_wallet");
    let builder = InstructionBuilder::new(row["program"].as_str().unwrap().parse().unwrap());
    use ProgramInstruction as I;
    match decode_instruction(data).unwrap() {
        I::InitializeGlobalConfig(a) => {
            builder.initialize_global_config(key("admin"), fee_wallet(), a.backend_authority)
        }
        I::CreateMarket(a) => builder.create_market(key("creator"), a),
        I::SubmitProposalVote(a) => builder.submit_proposal_vote(market(), key("user"), a.vote),
        I::AggregateProposalVotes(a) => {
            builder.aggregate_proposal_votes(market(), key("backend_authority"), a.final_likes, a.final_dislikes)
        }
        I::ApproveProposal(_) => builder.approve_proposal(market(), key("admin")),
        I::ActivateMarket(_) => builder.activate_market(market(), key("authority")),
        I::BuyShares(a) => builder.buy_shares(market(), key("user"), fee_wallet(), a.outcome.into(), a.target_cost),
        I::SellShares(a) => {
            builder.sell_shares(market(), key("user"), fee_wallet(), a.outcome.into(), a.shares_to_sell, a.min_proceeds)
        }
        I::ResolveMarket(a) => {
            builder.resolve_market(market(), key("resolver"), a.proposed_outcome.into(), a.ipfs_evidence_hash)
        }
        I::InitiateDispute(_) => builder.initiate_dispute(market(), key("initiator")),
        I::SubmitDisputeVote(a) => builder.submit_dispute_vote(market(), key("user"), a.vote),
        I::AggregateDisputeVotes(a) => {
            builder.aggregate_dispute_votes(market(), key("backend_authority"), a.final_agrees, a.final_disagrees)
        }
        I::FinalizeMarket(a) => {
            let counts = a.dispute_agree.zip(a.dispute_disagree);
            builder.finalize_market(market(), key("backend_authority"), counts)
        }
        I::ClaimWinnings(_) => builder.claim_winnings(market(), key("user"), key("resolver")),
        I::WithdrawLiquidity(_) => builder.withdraw_liquidity(market(), key("creator")),
        I::UpdateGlobalConfig(a) => builder.update_global_config(key("admin"), a),
        I::EmergencyPause(_) => builder.emergency_pause(key("admin")),
        I::CancelMarket(_) => builder.cancel_market(market(), key("admin")),
    }
}

#[test]
fn every_recorded_instruction_is_built_as_it_was_sent() {
    let mut kinds = std::collections::HashSet::new();
    for line in RECORDED.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let datas: Vec<&str> = match &row["data_hex"] {
            Value::Array(list) => list.iter().map(|data| data.as_str().unwrap()).collect(),
            data => vec![data.as_str().unwrap()],
        };
        for data in datas.into_iter().map(unhex) {
            let built = build(&row, &data);
            kinds.insert(decode_instruction(&data).unwrap().kind());
            assert_eq!(built.data, data);
            assert_eq!(built.program_id.to_string(), row["program"].as_str().unwrap());
            let accounts = row["accounts"].as_array().unwrap();
            assert_eq!(built.accounts.len(), accounts.len());
            for (meta, account) in built.accounts.iter().zip(accounts) {
                assert_eq!(meta.pubkey.to_string(), account["pubkey"].as_str().unwrap(), "{}", row["note"]);
                assert_eq!(account["signer"], meta.is_signer);
                assert_eq!(account["writable"], meta.is_writable);
            }
        }
    }
    assert_eq!(kinds.len(), 18, "the recordings hold every instruction");
}
