//! A client of the chain over the wire: the instructions of the program as a wallet writes them, and the server process.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signature};
use solana_sdk::signer::Signer;
use solana_sdk::transaction::Transaction;
use solana_system_interface::program as system_program;
use zmart_localnet::program::layout::{discriminator, seeds};

/// The program's address in these tests.
pub const PROGRAM: &str = "6s8bbbCS7oNYNnTUHgrPDHG4jqaSrD6MSxQSPVR1rxw";

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A running `zmart-localnet`.
pub struct Server {
    process: Child,
    /// Where its RPC is.
    pub rpc: String,
    /// Where its PubSub is.
    pub ws: String,
    /// What it says its genesis hash is.
    pub genesis: String,
}

impl Server {
    /// Starts the binary on free ports and waits for its line.
    pub fn start(arguments: &[&str]) -> Self {
        let (rpc_port, ws_port) = (free_port().to_string(), free_port().to_string());
        let mut process = Command::new(env!("CARGO_BIN_EXE_zmart-localnet"))
            .args(["--rpc-port", &rpc_port, "--ws-port", &ws_port, "--program-id", PROGRAM])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let part = |name: &str| {
            let found = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            found.unwrap_or_else(|| panic!("{name} is missing in {line:?}")).to_owned()
        };
        assert!(line.starts_with("ready "), "{line:?}");
        Self { rpc: part("rpc="), ws: part("ws="), genesis: part("genesis="), process }
    }

    /// Sends a signal, and answers the exit code with the time that it took.
    pub fn stop(mut self, signal: &str) -> (Option<i32>, Duration) {
        let from = Instant::now();
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let status = self.process.wait().expect("it ends");
        (status.code(), from.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _reaped_already = self.process.wait();
    }
}

/// The program's address.
pub fn program() -> Pubkey {
    PROGRAM.parse().expect("an address")
}

fn address(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &program()).0
}

/// The configuration's address.
pub fn config() -> Pubkey {
    address(&[seeds::GLOBAL_CONFIG])
}

/// A market's address.
pub fn market(id: &[u8; 32]) -> Pubkey {
    address(&[seeds::MARKET, id])
}

/// A position's address.
pub fn position(market: &Pubkey, user: &Pubkey) -> Pubkey {
    address(&[seeds::POSITION, market.as_ref(), user.as_ref()])
}

fn instruction(name: &str, arguments: &[&[u8]], accounts: Vec<AccountMeta>) -> Instruction {
    let data = [&discriminator("global", name)[..], &arguments.concat()].concat();
    Instruction { program_id: program(), accounts, data }
}

fn read(key: Pubkey) -> AccountMeta {
    AccountMeta::new_readonly(key, false)
}

fn write(key: Pubkey) -> AccountMeta {
    AccountMeta::new(key, false)
}

fn system() -> AccountMeta {
    read(system_program::ID)
}

/// `initialize_global_config`.
pub fn initialize(admin: Pubkey, backend: Pubkey, wallet: Pubkey) -> Instruction {
    let accounts = vec![AccountMeta::new(admin, true), write(config()), read(wallet), system()];
    instruction("initialize_global_config", &[backend.as_ref()], accounts)
}

/// `create_market`.
pub fn create(creator: Pubkey, id: &[u8; 32], b: u64, liquidity: u64) -> Instruction {
    let accounts = vec![AccountMeta::new(creator, true), write(market(id)), read(config()), system()];
    instruction("create_market", &[id, &b.to_le_bytes(), &liquidity.to_le_bytes(), &[b'Q'; 46]], accounts)
}

/// `submit_proposal_vote`.
pub fn vote(user: Pubkey, market: Pubkey, vote: bool) -> Instruction {
    let record = address(&[seeds::VOTE, market.as_ref(), user.as_ref(), &[0]]);
    let accounts = vec![read(market), write(record), AccountMeta::new(user, true), system()];
    instruction("submit_proposal_vote", &[&[u8::from(vote)]], accounts)
}

/// `aggregate_proposal_votes`.
pub fn aggregate(backend: Pubkey, market: Pubkey, likes: u32, dislikes: u32) -> Instruction {
    let accounts = vec![write(market), read(config()), AccountMeta::new_readonly(backend, true)];
    instruction("aggregate_proposal_votes", &[&likes.to_le_bytes(), &dislikes.to_le_bytes()], accounts)
}

/// `approve_proposal`.
pub fn approve(admin: Pubkey, market: Pubkey) -> Instruction {
    instruction("approve_proposal", &[], vec![AccountMeta::new(admin, true), write(market), read(config())])
}

/// `activate_market`.
pub fn activate(creator: Pubkey, market: Pubkey) -> Instruction {
    instruction("activate_market", &[], vec![AccountMeta::new(creator, true), write(market), read(config())])
}

fn trade(user: Pubkey, market: Pubkey, wallet: Pubkey) -> Vec<AccountMeta> {
    let position = position(&market, &user);
    vec![read(config()), write(market), write(position), AccountMeta::new(user, true), write(wallet), system()]
}

/// `buy_shares`.
pub fn buy(user: Pubkey, market: Pubkey, wallet: Pubkey, yes: bool, budget: u64) -> Instruction {
    instruction("buy_shares", &[&[u8::from(yes)], &budget.to_le_bytes()], trade(user, market, wallet))
}

/// `sell_shares`.
pub fn sell(user: Pubkey, market: Pubkey, wallet: Pubkey, yes: bool, shares: u64) -> Instruction {
    let arguments: [&[u8]; 3] = [&[u8::from(yes)], &shares.to_le_bytes(), &0u64.to_le_bytes()];
    instruction("sell_shares", &arguments, trade(user, market, wallet))
}

/// A client at `confirmed`.
pub fn connect(server: &Server) -> RpcClient {
    RpcClient::new_with_commitment(server.rpc.clone(), CommitmentConfig::confirmed())
}

/// Signs a transaction with a fresh blockhash.
pub async fn signed(rpc: &RpcClient, payer: &Keypair, instructions: &[Instruction]) -> Transaction {
    let blockhash = rpc.get_latest_blockhash().await.expect("a blockhash");
    Transaction::new_signed_with_payer(instructions, Some(&payer.pubkey()), &[payer], blockhash)
}

/// Sends and waits until it is confirmed.
pub async fn send(rpc: &RpcClient, payer: &Keypair, instruction: Instruction) -> Signature {
    let transaction = signed(rpc, payer, &[instruction]).await;
    rpc.send_and_confirm_transaction(&transaction).await.expect("a transaction that works")
}

/// Sends without preflight; does not wait.
pub async fn send_blind(rpc: &RpcClient, transaction: &Transaction) -> Signature {
    let config = RpcSendTransactionConfig { skip_preflight: true, ..RpcSendTransactionConfig::default() };
    rpc.send_transaction_with_config(transaction, config).await.expect("a signature")
}

/// Waits until the signature is confirmed, failed or not.
pub async fn confirmed(rpc: &RpcClient, signature: &Signature) {
    for _ in 0..400 {
        let status = rpc.get_signature_statuses(&[*signature]).await.expect("statuses").value;
        if status.first().is_some_and(Option::is_some) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{signature} was not confirmed");
}
