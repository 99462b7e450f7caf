//! A development chain of a test's own, with the program's config made and everybody funded.
//!
//! Speaks plain JSON-RPC, so that what the engine's client might misunderstand is not misunderstood here in the same way.
//! Transactions are built by the engine's own instruction builder, which is held to recorded bytes elsewhere.

mod authorities;
mod landed;
mod time;

use std::{
    fmt,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_sdk::{
    hash::Hash,
    instruction::Instruction,
    message::Message,
    pubkey::Pubkey,
    signature::{Keypair, Signature},
    signer::Signer,
    transaction::Transaction,
};
use zmart::{
    chain::{
        anchor::accounts::{AccountLayout, decode_account},
        program::{
            InstructionBuilder,
            instructions::{CreateMarket, UpdateGlobalConfig},
        },
    },
    domain::{
        account::{MarketAccount, UserPositionAccount},
        amount::{Bps, Lamports, ShareUnits},
        event::{IpfsHash, Outcome},
        ids::{MarketAddress, MarketSeed, ProgramId, TxSignature, Wallet},
    },
};

use crate::{
    folder::Folder,
    http::request,
    patience::wait_for,
    postgres::free_port,
    process::{Process, field},
    programs,
};

pub use self::{authorities::Rules, landed::Landed};

/// 1 SOL.
pub const SOL: u64 = 1_000_000_000;

/// The program's id in all tests.
pub const PROGRAM: &str = "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS";

/// Slots as short as the chain can make them, so that finality comes within a second.
const SLOT_MS: &str = "20";

/// What everybody is given.
const FUNDS: u64 = 100_000 * SOL;

/// A running chain and the keys of those who govern the program on it.
#[derive(Debug)]
pub struct Chain {
    _process: Process,
    folder: Folder,
    client: ChainClient,
    /// PubSub.
    pub ws_url: String,
    /// Tells one start of a chain from another.
    pub genesis: String,
    admin: Keypair,
    backend: Keypair,
}

/// A client of a chain; clones share its keys and nothing else.
#[derive(Debug, Clone)]
pub struct ChainClient {
    /// JSON-RPC.
    pub rpc_url: String,
    /// The program's id.
    pub program: ProgramId,
    build: InstructionBuilder,
    fee_wallet: Wallet,
}

/// Why a transaction did not land.
#[derive(Debug, Clone)]
pub struct Refused(Value);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

static NEXT_SEED: AtomicU64 = AtomicU64::new(1);

impl Chain {
    /// Starts one and makes the program's config.
    pub async fn start() -> Self {
        Self::with_slots_of(SLOT_MS).await
    }

    /// One with slots of so many milliseconds: what lands is final 31 of them later.
    pub async fn with_slots_of(slot_ms: &str) -> Self {
        let folder = Folder::new("chain");
        let (admin, backend, fee_wallet) = (Keypair::new(), Keypair::new(), Keypair::new());
        let mut command = Command::new(programs::localnet());
        command.args(["--rpc-port", &free_port().to_string(), "--ws-port", &free_port().to_string()]);
        command.args(["--host", "127.0.0.1", "--program-id", PROGRAM, "--slot-ms", slot_ms]);
        for keypair in [&admin, &backend, &fee_wallet] {
            command.arg("--fund").arg(format!("{}={FUNDS}", keypair.pubkey()));
        }
        let mut process = Process::start("chain", command, &folder);
        let ready = process.line_that_starts_with("ready").await;
        let program: ProgramId = PROGRAM.parse().unwrap();
        let client = ChainClient {
            rpc_url: field(&ready, "rpc"),
            program,
            build: InstructionBuilder::new(program),
            fee_wallet: wallet_of(&fee_wallet),
        };
        let chain = Self {
            _process: process,
            client,
            ws_url: field(&ready, "ws"),
            genesis: field(&ready, "genesis"),
            admin,
            backend,
            folder,
        };
        chain.save_keys();
        let make_config = chain.client.build.initialize_global_config(
            wallet_of(&chain.admin),
            chain.client.fee_wallet,
            wallet_of(&chain.backend),
        );
        chain.client.must_send(&[make_config], &[&chain.admin]).await;
        chain
    }

    /// A client.
    pub fn client(&self) -> &ChainClient {
        &self.client
    }

    /// Where the backend authority's key is.
    pub fn backend_key_path(&self) -> PathBuf {
        self.folder.path().join("backend.json")
    }

    /// Where the admin's key is.
    pub fn admin_key_path(&self) -> PathBuf {
        self.folder.path().join("admin.json")
    }

    fn save_keys(&self) {
        for (path, keypair) in [(self.backend_key_path(), &self.backend), (self.admin_key_path(), &self.admin)] {
            std::fs::write(&path, json!(keypair.to_bytes().to_vec()).to_string()).unwrap();
            // As an engine demands it.
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }

    /// A market that can be traded, with that b (fixed point 1e9).
    pub async fn active_market(&self, creator: &Keypair, b_parameter: u64) -> MarketAddress {
        let market = self.client.proposed_market(creator, b_parameter).await;
        self.approve(market).await;
        self.client.activate(market, creator).await;
        market
    }

    /// Another protocol fee, in basis points; the rest of the config is what it begins with. The signature.
    pub async fn set_protocol_fee(&self, bps: u16) -> TxSignature {
        let update = UpdateGlobalConfig {
            protocol_fee_bps: Bps(bps),
            resolver_reward_bps: Bps(200),
            liquidity_provider_fee_bps: Bps(500),
            proposal_approval_threshold: Bps(7_000),
            dispute_success_threshold: Bps(6_000),
            min_resolution_delay: None,
            dispute_period: None,
        };
        let update = self.client.build.update_global_config(wallet_of(&self.admin), update);
        self.client.must_send(&[update], &[&self.admin]).await
    }

    /// Ends a market with this outcome: it is proposed, disputed in vain, and finalized by the backend. Each step waits for
    /// a second of the program's clock to pass.
    pub async fn finalize(&self, market: MarketAddress, resolver: &Keypair, outcome: Outcome) {
        self.dispute(market, resolver, outcome).await;
        let client = &self.client;
        let finalize = client.build.finalize_market(market, wallet_of(&self.backend), Some((1, 9)));
        wait_for("a second before the verdict", || async {
            client.send(std::slice::from_ref(&finalize), &[&self.backend]).await
        })
        .await;
    }

    /// Proposes an outcome, and disputes it.
    pub async fn dispute(&self, market: MarketAddress, resolver: &Keypair, outcome: Outcome) {
        let client = &self.client;
        wait_for("a second before the proposal", || client.try_resolve(market, resolver, outcome)).await;
        let dispute = client.build.initiate_dispute(market, wallet_of(resolver));
        wait_for("a second before the dispute", || async {
            client.send(std::slice::from_ref(&dispute), &[resolver]).await
        })
        .await;
    }

    /// Ends a dispute with these votes (outcome wrong, outcome right), as the backend.
    pub async fn finalize_dispute(&self, market: MarketAddress, agree: u32, disagree: u32) -> TxSignature {
        let finalize = self.client.build.finalize_market(market, wallet_of(&self.backend), Some((agree, disagree)));
        self.client.must_send(&[finalize], &[&self.admin, &self.backend]).await
    }

    /// Pauses the program, or resumes it.
    pub async fn toggle_pause(&self) {
        let pause = self.client.build.emergency_pause(wallet_of(&self.admin));
        self.client.must_send(&[pause], &[&self.admin]).await;
    }

    /// Approves a proposal, as the backend and the admin together.
    pub async fn approve(&self, market: MarketAddress) -> TxSignature {
        let tally = self.client.build.aggregate_proposal_votes(market, wallet_of(&self.backend), 10, 0);
        let approve = self.client.build.approve_proposal(market, wallet_of(&self.admin));
        self.client.must_send(&[tally, approve], &[&self.admin, &self.backend]).await
    }
}

impl ChainClient {
    /// A new wallet with money.
    pub async fn funded_wallet(&self) -> Keypair {
        let wallet = Keypair::new();
        self.fund(wallet_of(&wallet)).await;
        wallet
    }

    /// Money for a wallet whose key is elsewhere.
    pub async fn fund(&self, wallet: Wallet) {
        self.call("requestAirdrop", json!([wallet.to_string(), FUNDS])).await;
        wait_for("an airdrop", || async {
            match self.lamports(wallet).await {
                0 => Err("no money yet"),
                _ => Ok(()),
            }
        })
        .await;
    }

    /// A proposal.
    pub async fn proposed_market(&self, creator: &Keypair, b_parameter: u64) -> MarketAddress {
        let about = IpfsHash(*b"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
        self.proposed_market_about(creator, b_parameter, about).await.0
    }

    /// A proposal whose document has that content id, and its seed.
    pub async fn proposed_market_about(
        &self,
        creator: &Keypair,
        b_parameter: u64,
        about: IpfsHash,
    ) -> (MarketAddress, MarketSeed) {
        let mut seed = [0x5a; 32];
        seed[..8].copy_from_slice(&NEXT_SEED.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let market_id = MarketSeed(seed);
        let market =
            CreateMarket { market_id, b_parameter, initial_liquidity: Lamports(10 * SOL), ipfs_question_hash: about };
        self.must_send(&[self.build.create_market(wallet_of(creator), market)], &[creator]).await;
        (self.build.addresses().market(market_id).0, market_id)
    }

    /// Votes on a proposal, by a transaction.
    pub async fn vote(&self, market: MarketAddress, voter: &Keypair, vote: bool) -> TxSignature {
        self.must_send(&[self.build.submit_proposal_vote(market, wallet_of(voter), vote)], &[voter]).await
    }

    /// Opens trading.
    pub async fn activate(&self, market: MarketAddress, creator: &Keypair) {
        self.must_send(&[self.build.activate_market(market, wallet_of(creator))], &[creator]).await;
    }

    /// Buys; the signature.
    pub async fn buy(&self, market: MarketAddress, buyer: &Keypair, outcome: Outcome, target_cost: u64) -> TxSignature {
        let buy = self.build.buy_shares(market, wallet_of(buyer), self.fee_wallet, outcome, Lamports(target_cost));
        self.must_send(&[buy], &[buyer]).await
    }

    /// As [`Self::buy`], where the chain may refuse it.
    ///
    /// # Errors
    /// It does.
    pub async fn try_buy(
        &self,
        market: MarketAddress,
        buyer: &Keypair,
        outcome: Outcome,
        target_cost: u64,
    ) -> Result<TxSignature, Refused> {
        let buy = self.build.buy_shares(market, wallet_of(buyer), self.fee_wallet, outcome, Lamports(target_cost));
        self.send(&[buy], &[buyer]).await
    }

    /// An instruction that buys, for a transaction of several.
    pub fn buy_instruction(
        &self,
        market: MarketAddress,
        buyer: Pubkey,
        outcome: Outcome,
        target_cost: u64,
    ) -> Instruction {
        let buyer = Wallet(buyer.to_bytes());
        self.build.buy_shares(market, buyer, self.fee_wallet, outcome, Lamports(target_cost))
    }

    /// The newest confirmed slot.
    pub async fn slot(&self) -> u64 {
        self.call("getSlot", json!([{"commitment": "confirmed"}])).await.as_u64().unwrap()
    }

    /// Sells, if the chain takes it: a market need not have the money.
    pub async fn try_sell(
        &self,
        market: MarketAddress,
        seller: &Keypair,
        outcome: Outcome,
        shares: u64,
    ) -> Result<TxSignature, Refused> {
        let (wallet, shares) = (wallet_of(seller), ShareUnits(shares));
        let sell = self.build.sell_shares(market, wallet, self.fee_wallet, outcome, shares, Lamports(0));
        self.send(&[sell], &[seller]).await
    }

    /// Sells; the signature.
    pub async fn sell(&self, market: MarketAddress, seller: &Keypair, outcome: Outcome, shares: u64) -> TxSignature {
        match self.try_sell(market, seller, outcome, shares).await {
            Ok(signature) => signature,
            Err(refused) => panic!("the chain refused: {refused}"),
        }
    }

    /// Claims what a finalized market pays; the signature.
    pub async fn claim(&self, market: MarketAddress, winner: &Keypair, resolver: Wallet) -> TxSignature {
        self.must_send(&[self.build.claim_winnings(market, wallet_of(winner), resolver)], &[winner]).await
    }

    /// Proposes an outcome.
    pub async fn try_resolve(
        &self,
        market: MarketAddress,
        resolver: &Keypair,
        outcome: Outcome,
    ) -> Result<(), Refused> {
        let evidence = IpfsHash(*b"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
        let resolve = self.build.resolve_market(market, wallet_of(resolver), outcome, evidence);
        self.send(&[resolve], &[resolver]).await.map(drop)
    }

    /// A market's account.
    pub async fn market(&self, market: MarketAddress) -> MarketAccount {
        self.account(Pubkey::new_from_array(market.0)).await.unwrap_or_else(|| panic!("no market {market}"))
    }

    /// A wallet's position, if it ever traded there.
    pub async fn position(&self, market: MarketAddress, user: Wallet) -> Option<UserPositionAccount> {
        let (address, _) = self.build.addresses().position(market, user);
        self.account(Pubkey::new_from_array(address.0)).await
    }

    /// What a wallet or market holds.
    pub async fn lamports(&self, wallet: Wallet) -> u64 {
        self.call("getBalance", json!([wallet.to_string(), {"commitment": "confirmed"}])).await["value"]
            .as_u64()
            .unwrap()
    }

    /// The confirmed transactions of a market that did not fail, in the chain's order.
    pub async fn signatures(&self, market: MarketAddress) -> Vec<TxSignature> {
        let mut newest_first: Vec<TxSignature> = Vec::new();
        let mut options = json!({"limit": 1000, "commitment": "confirmed"});
        loop {
            let page = self.call("getSignaturesForAddress", json!([market.to_string(), options])).await;
            let page = page.as_array().unwrap();
            let landed = page.iter().filter(|one| one["err"].is_null());
            newest_first.extend(landed.map(|one| one["signature"].as_str().unwrap().parse::<TxSignature>().unwrap()));
            let Some(oldest) = page.last() else { break };
            options["before"] = oldest["signature"].clone();
        }
        newest_first.reverse();
        newest_first
    }

    async fn account<T: AccountLayout>(&self, address: Pubkey) -> Option<T> {
        let answer = self
            .call("getAccountInfo", json!([address.to_string(), {"encoding": "base64", "commitment": "confirmed"}]))
            .await;
        let data = answer["value"]["data"][0].as_str()?;
        let bytes = BASE64_STANDARD.decode(data).unwrap();
        Some(decode_account(&bytes).unwrap_or_else(|error| panic!("{address}: {error}")))
    }

    /// Sends a transaction that has to land, and waits until it is confirmed.
    pub async fn must_send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> TxSignature {
        match self.send(instructions, signers).await {
            Ok(signature) => signature,
            Err(refused) => panic!("the chain refused: {refused}"),
        }
    }

    /// Sends a transaction, the first signer paying, and waits until it is confirmed.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<TxSignature, Refused> {
        let blockhash = self.blockhash().await;
        let message = Message::new_with_blockhash(instructions, Some(&signers[0].pubkey()), &blockhash);
        let mut transaction = Transaction::new_unsigned(message);
        transaction.sign(signers, blockhash);
        let wire = BASE64_STANDARD.encode(wire_form(&transaction));
        let options = json!({"encoding": "base64", "preflightCommitment": "processed"});
        let sent = self.try_call("sendTransaction", json!([wire, options])).await.map_err(Refused)?;
        let signature: TxSignature = sent.as_str().unwrap().parse().unwrap();
        self.confirmed(signature).await?;
        Ok(signature)
    }

    /// A blockhash to sign with.
    pub async fn blockhash(&self) -> Hash {
        let blockhash = self.call("getLatestBlockhash", json!([{"commitment": "confirmed"}])).await;
        blockhash["value"]["blockhash"].as_str().unwrap().parse().unwrap()
    }

    /// Sends a signed transaction, base64, and waits until it is confirmed.
    ///
    /// # Errors
    /// The chain refuses it, or it fails.
    pub async fn send_wire(&self, transaction: &str) -> Result<TxSignature, Refused> {
        let options = json!({"encoding": "base64", "preflightCommitment": "processed"});
        let sent = self.try_call("sendTransaction", json!([transaction, options])).await.map_err(Refused)?;
        let signature: TxSignature = sent.as_str().unwrap().parse().unwrap();
        self.confirmed(signature).await?;
        Ok(signature)
    }

    async fn confirmed(&self, signature: TxSignature) -> Result<(), Refused> {
        wait_for(&format!("the confirmation of {signature}"), || async {
            let answer = self.call("getSignatureStatuses", json!([[signature.to_string()]])).await;
            let status = &answer["value"][0];
            match status["confirmationStatus"].as_str() {
                Some("confirmed" | "finalized") if status["err"].is_null() => Ok(Ok(())),
                Some("confirmed" | "finalized") => Ok(Err(Refused(status["err"].clone()))),
                _ => Err(status.to_string()),
            }
        })
        .await
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn try_call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let headers = [("Content-Type", "application/json")];
        let mut answer = request("POST", &self.rpc_url, "/", &headers, body.as_bytes()).await.json();
        match answer.get("error") {
            Some(error) if !error.is_null() => Err(error.clone()),
            _ => Ok(answer["result"].take()),
        }
    }
}

/// A key's wallet.
pub fn wallet_of(keypair: &Keypair) -> Wallet {
    Wallet(keypair.pubkey().to_bytes())
}

/// The bytes that travel: how many signatures (below 128: one byte), the signatures, the message.
fn wire_form(transaction: &Transaction) -> Vec<u8> {
    let signatures: &[Signature] = &transaction.signatures;
    let mut bytes = vec![u8::try_from(signatures.len()).unwrap()];
    for signature in signatures {
        bytes.extend_from_slice(signature.as_ref());
    }
    bytes.extend_from_slice(&transaction.message.serialize());
    bytes
}
