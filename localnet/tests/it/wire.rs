//! The chain over the wire: a market's life by JSON-RPC and PubSub, and what the engine's listener relies on.

use std::time::Duration;

use futures_util::StreamExt;
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::client_error::ErrorKind;
use solana_rpc_client_api::config::{
    RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig, RpcTransactionConfig,
    RpcTransactionLogsConfig, RpcTransactionLogsFilter,
};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use solana_rpc_client_api::request::{RpcError, RpcResponseErrorData};
use solana_rpc_client_api::response::RpcLogsResponse;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signature};
use solana_sdk::signer::Signer;
use solana_sdk::transaction::TransactionError;
use solana_transaction_status_client_types::UiTransactionEncoding;

use crate::client::{
    PROGRAM, Server, activate, aggregate, approve, buy, config, confirmed, connect, create, initialize, market,
    position, program, sell, send, send_blind, signed, vote,
};

const SOL: u64 = 1_000_000_000;

/// A chain with one active market and a user with money.
struct Stage {
    server: Server,
    rpc: RpcClient,
    user: Keypair,
    wallet: Pubkey,
    market: Pubkey,
    id: [u8; 32],
}

async fn stage(arguments: &[&str]) -> Stage {
    let user = Keypair::new();
    let fund = format!("{}={}", user.pubkey(), 10_000 * SOL);
    let pace: &[&str] = if arguments.contains(&"--slot-ms") { &[] } else { &["--slot-ms", "40"] };
    let all = [&["--fund", &fund], pace, arguments].concat();
    let server = Server::start(&all);
    let rpc = connect(&server);
    let (wallet, id) = (Keypair::new().pubkey(), [7; 32]);
    let market = market(&id);
    let key = user.pubkey();
    send(&rpc, &user, initialize(key, key, wallet)).await;
    send(&rpc, &user, create(key, &id, 100 * SOL, SOL)).await;
    send(&rpc, &user, vote(key, market, true)).await;
    send(&rpc, &user, aggregate(key, market, 8, 2)).await;
    send(&rpc, &user, approve(key, market)).await;
    send(&rpc, &user, activate(key, market)).await;
    let airdrop = rpc.request_airdrop(&wallet, SOL).await.expect("an airdrop");
    confirmed(&rpc, &airdrop).await;
    Stage { server, rpc, user, wallet, market, id }
}

fn mentions(key: Pubkey) -> RpcTransactionLogsFilter {
    RpcTransactionLogsFilter::Mentions(vec![key.to_string()])
}

fn at(level: CommitmentLevel) -> RpcTransactionLogsConfig {
    RpcTransactionLogsConfig { commitment: Some(CommitmentConfig { commitment: level }) }
}

fn has_event(notice: &RpcLogsResponse) -> bool {
    notice.logs.iter().any(|line| line.starts_with("Program data: "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_lives_and_is_traded_over_the_wire() {
    let Stage { server, rpc, user, wallet, market, id } = stage(&[]).await;
    assert_eq!(rpc.get_genesis_hash().await.expect("a genesis hash").to_string(), server.genesis);

    let pubsub = PubsubClient::new(&server.ws).await.expect("a WebSocket");
    let (mut notices, unsubscribe) =
        pubsub.logs_subscribe(mentions(program()), at(CommitmentLevel::Confirmed)).await.expect("a subscription");
    tokio::time::sleep(Duration::from_millis(200)).await;

    let before = rpc.get_balance(&market).await.expect("a balance");
    let bought = send(&rpc, &user, buy(user.pubkey(), market, wallet, true, 10 * SOL)).await;
    let sold = send(&rpc, &user, sell(user.pubkey(), market, wallet, true, 2 * SOL)).await;
    for expected in [bought, sold] {
        let notice = tokio::time::timeout(Duration::from_secs(5), notices.next()).await.expect("in time").expect("one");
        assert_eq!(notice.value.signature, expected.to_string());
        assert!(notice.value.err.is_none() && has_event(&notice.value), "{:?}", notice.value);
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(0),
        };
        let fetched = rpc.get_transaction_with_config(&expected, config).await.expect("a transaction");
        assert_eq!(fetched.slot, notice.context.slot);
        let logs: Option<Vec<String>> = fetched.transaction.meta.expect("a meta").log_messages.into();
        assert_eq!(logs, Some(notice.value.logs));
    }
    assert!(rpc.get_balance(&market).await.expect("a balance") > before);

    let filters = vec![RpcFilterType::Memcmp(Memcmp::new_raw_bytes(8, id.to_vec()))];
    let asked = RpcProgramAccountsConfig {
        filters: Some(filters),
        account_config: RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            ..RpcAccountInfoConfig::default()
        },
        ..RpcProgramAccountsConfig::default()
    };
    let found = rpc.get_program_ui_accounts_with_config(&program(), asked).await.expect("accounts");
    assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [market]);

    let asked = [config(), market, position(&market, &user.pubkey()), Keypair::new().pubkey()];
    let accounts = rpc.get_multiple_accounts(&asked).await.expect("accounts");
    let sizes: Vec<_> = accounts.iter().map(|account| account.as_ref().map(|account| account.data.len())).collect();
    assert_eq!(sizes, [Some(206), Some(488), Some(182), None]);

    unsubscribe().await;
    let (code, took) = server.stop("-TERM");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_program_comes_back_by_its_number() {
    let Stage { server, rpc, user, wallet, market, .. } = stage(&["--strict"]).await;
    send(&rpc, &user, buy(user.pubkey(), market, wallet, true, 10 * SOL)).await;
    let cases = [
        (buy(user.pubkey(), market, wallet, true, 9_999), "InstructionError(0, Custom(6018))"),
        (sell(user.pubkey(), market, wallet, true, SOL), "InstructionError(0, PrivilegeEscalation)"),
        (vote(user.pubkey(), market, true), "InstructionError(0, Custom(0))"),
        (create(user.pubkey(), &[9; 32], 0, 1), "InstructionError(0, Custom(6042))"),
    ];
    for (instruction, expected) in cases {
        let transaction = signed(&rpc, &user, &[instruction]).await;
        let simulated = rpc.simulate_transaction(&transaction).await.expect("a simulation").value;
        let error = simulated.err.map(TransactionError::from);
        assert_eq!(error.map(|error| format!("{error:?}")).as_deref(), Some(expected));
        let refused = rpc.send_transaction(&transaction).await.expect_err("preflight refuses it");
        let ErrorKind::RpcError(RpcError::RpcResponseError { code, data, .. }) = refused.kind() else {
            panic!("{refused:?}");
        };
        assert_eq!(*code, -32002);
        let RpcResponseErrorData::SendTransactionPreflightFailure(result) = data else { panic!("{data:?}") };
        let error = result.err.clone().map(TransactionError::from);
        assert_eq!(error.map(|error| format!("{error:?}")).as_deref(), Some(expected));
    }
    let (code, took) = server.stop("-INT");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_is_notified_with_its_error_and_its_slot_at_each_level() {
    let Stage { server, rpc, user, wallet, market, .. } = stage(&[]).await;
    let pubsub = PubsubClient::new(&server.ws).await.expect("a WebSocket");
    let (mut confirmed, _c) =
        pubsub.logs_subscribe(mentions(program()), at(CommitmentLevel::Confirmed)).await.expect("a subscription");
    let (mut finalized, _f) =
        pubsub.logs_subscribe(mentions(program()), at(CommitmentLevel::Finalized)).await.expect("a subscription");
    tokio::time::sleep(Duration::from_millis(200)).await;

    let failing = signed(&rpc, &user, &[buy(user.pubkey(), market, wallet, true, 9_999)]).await;
    let signature = send_blind(&rpc, &failing).await.to_string();
    let mut slots = Vec::new();
    for notices in [&mut confirmed, &mut finalized] {
        let notice = loop {
            // The finalized stream still has the transactions that set the stage.
            let next = tokio::time::timeout(Duration::from_secs(10), notices.next()).await.expect("in time");
            let next = next.expect("one");
            if next.value.signature == signature {
                break next;
            }
        };
        let error = notice.value.err.map(TransactionError::from).map(|error| format!("{error:?}"));
        assert_eq!(error.as_deref(), Some("InstructionError(0, Custom(6018))"));
        slots.push(notice.context.slot);
    }
    let fetched = rpc.get_transaction(&failing.signatures[0], UiTransactionEncoding::Base64).await.expect("it landed");
    assert_eq!(slots, [fetched.slot, fetched.slot]);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_sent_twice_runs_once() {
    let Stage { rpc, user, wallet, market, server, .. } = stage(&[]).await;
    let transaction = signed(&rpc, &user, &[buy(user.pubkey(), market, wallet, true, SOL)]).await;
    let first = rpc.send_transaction(&transaction).await.expect("it works");
    let after = rpc.get_balance(&market).await.expect("a balance");
    let again = rpc.send_transaction(&transaction).await.expect_err("it ran already");
    assert_eq!(again.get_transaction_error(), Some(TransactionError::AlreadyProcessed));
    assert_eq!(send_blind(&rpc, &transaction).await, first);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rpc.get_balance(&market).await.expect("a balance"), after);

    // A payer without the fee can't be in a block: dropped in silence, and nowhere to be found.
    let poor = Keypair::new();
    let unpayable = signed(&rpc, &poor, &[vote(poor.pubkey(), market, true)]).await;
    let signature = send_blind(&rpc, &unpayable).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rpc.get_signature_statuses(&[signature]).await.expect("statuses").value, [None]);
    assert!(listed(&rpc, &market, None, None, 1000).await.iter().all(|(_, known)| *known != Signature::default()));
    drop(server);
}

/// Slots and signatures of an address, as listed.
async fn listed(
    rpc: &RpcClient,
    address: &Pubkey,
    before: Option<Signature>,
    until: Option<Signature>,
    limit: usize,
) -> Vec<(u64, Signature)> {
    let commitment = Some(CommitmentConfig::confirmed());
    let asked = GetConfirmedSignaturesForAddress2Config { before, until, limit: Some(limit), commitment };
    let found = rpc.get_signatures_for_address_with_config(address, asked).await.expect("signatures");
    found.into_iter().map(|one| (one.slot, one.signature.parse().expect("a signature"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_listed_newest_first_in_the_order_of_execution() {
    let Stage { rpc, user, wallet, market, server, .. } = stage(&["--slot-ms", "300"]).await;
    let first = send(&rpc, &user, buy(user.pubkey(), market, wallet, true, SOL)).await;
    let mut sent = vec![first];
    for step in 0..12u64 {
        let budget = SOL + step;
        let transaction = signed(&rpc, &user, &[buy(user.pubkey(), market, wallet, step % 2 == 0, budget)]).await;
        let config = RpcSendTransactionConfig { skip_preflight: true, ..RpcSendTransactionConfig::default() };
        sent.push(rpc.send_transaction_with_config(&transaction, config).await.expect("a signature"));
    }
    let last = *sent.last().expect("some");
    confirmed(&rpc, &last).await;
    let wallets = listed(&rpc, &position(&market, &user.pubkey()), None, None, 1000).await;
    let mut executed: Vec<Signature> = wallets.iter().map(|(_, signature)| *signature).collect();
    executed.reverse();
    assert_eq!(executed, sent);
    let shared = wallets.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
    assert!(shared > 0, "no two were in one slot: the test shows nothing");

    let page = listed(&rpc, &market, Some(sent[10]), Some(sent[5]), 1000).await;
    let page: Vec<Signature> = page.into_iter().map(|(_, signature)| signature).collect();
    assert_eq!(page, sent[6..10].iter().rev().copied().collect::<Vec<_>>());
    let newest = listed(&rpc, &market, None, Some(sent[5]), 3).await;
    assert_eq!(newest.first().map(|(_, signature)| *signature), Some(last));
    assert_eq!(newest.len(), 3);
    assert!(listed(&rpc, &market, Some(Signature::from([9; 64])), None, 10).await.is_empty());
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_transactions_are_forgotten_and_the_accounts_stay() {
    let Stage { rpc, user, wallet, market, server, .. } = stage(&["--slot-ms", "20", "--history", "2"]).await;
    let first = send(&rpc, &user, buy(user.pubkey(), market, wallet, true, SOL)).await;
    assert!(rpc.get_transaction(&first, UiTransactionEncoding::Base64).await.is_ok());
    let slot = rpc.get_slot().await.expect("a slot");
    // What a blockhash is still good for is never forgotten.
    while rpc.get_slot().await.expect("a slot") < slot + 250 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..3 {
        send(&rpc, &user, buy(user.pubkey(), market, wallet, true, SOL)).await;
    }
    assert!(rpc.get_transaction(&first, UiTransactionEncoding::Base64).await.is_err());
    assert_eq!(listed(&rpc, &market, None, None, 1000).await.len(), 3);
    assert_eq!(rpc.get_account_data(&market).await.expect("an account").len(), 488);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fresh_chains_have_two_genesis_hashes() {
    let (one, other) = (Server::start(&[]), Server::start(&[]));
    assert_ne!(one.genesis, other.genesis);
    assert_eq!(connect(&one).get_genesis_hash().await.expect("a hash").to_string(), one.genesis);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_starts_where_it_is_told_and_keeps_going() {
    let server = Server::start(&["--slot-ms", "50", "--clock-start", "1760000000"]);
    let rpc = connect(&server);
    let time = async || {
        let slot = rpc.get_slot().await.expect("a slot");
        rpc.get_block_time(slot).await.expect("a time")
    };
    let started = time().await;
    assert!((1_759_999_998..1_760_000_030).contains(&started), "{started}");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let later = time().await;
    assert!((2..=10).contains(&(later - started)), "{started} to {later}");
}

#[test]
fn a_port_that_is_taken_is_refused_with_its_name() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let free = crate::client::free_port().to_string();
    let run = |rpc: &str, ws: &str| {
        let binary = std::process::Command::new(env!("CARGO_BIN_EXE_zmart-localnet"))
            .args(["--rpc-port", rpc, "--ws-port", ws, "--program-id", PROGRAM])
            .output()
            .expect("the binary starts");
        (binary.status.code(), String::from_utf8_lossy(&binary.stderr).into_owned())
    };
    for (rpc, ws, named) in [(&port, &free, "RPC port"), (&free, &port, "WebSocket port"), (&free, &free, "both")] {
        let (code, said) = run(rpc, ws);
        assert_eq!(code, Some(1));
        assert!(said.contains(named), "{said}");
    }
    let (code, said) = run("0", &free);
    assert_eq!(code, Some(2));
    assert!(said.contains("--rpc-port"), "{said}");
}
