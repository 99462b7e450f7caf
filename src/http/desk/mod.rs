//! The desk: turns what a wallet wants into a transaction that it can sign.
//!
//! One a worker, with an RPC client of its own. Owns the order of things: the transaction is rehearsed on the chain's newest
//! state before anybody is asked to sign, so what the program would refuse is said with the program's own name; what the
//! rehearsal used decides the compute limit. Holds no key and sends nothing: what comes back signed is the affair of
//! [`crate::actors::submissions`]. Every question to the node ends in a few seconds, and no answer names the node.

mod fees;
mod refusal;

use std::{fmt, sync::Arc, time::Duration};

use actix::Addr;
use solana_sdk::instruction::Instruction;
use tokio::sync::OnceCell;

use self::fees::RecentFees;
pub use self::refusal::{node_trouble, of_failure};
use super::error::ApiError;
use crate::{
    actors::{submissions::Submissions, supervision::Link},
    chain::{
        anchor::decode::{Decoded, decode},
        model::{Commitment, RawTransaction},
        program::InstructionBuilder,
        rpc::{ChainRpc, RpcBudget, RpcOptions, RpcSetupError},
        tx::compose::{Compute, Percentiles, Priority, UNITS_MAX, Unsigned, Version, compute_limit},
    },
    domain::{
        event::ChainEvent,
        ids::{AccountAddress, TxSignature, Wallet},
        soundness::Bounds,
    },
};

/// A blockhash is good for so many blocks.
pub const BLOCKHASH_BLOCKS: u64 = 150;
/// A request waits no longer for the node: its own time is 10 s.
const CALL: Duration = Duration::from_secs(6);
const ATTEMPT: Duration = Duration::from_secs(4);
const ATTEMPTS: usize = 2;

/// How to reach the node, and what to build by.
#[derive(Clone)]
pub struct DeskSettings {
    /// The node and the program.
    pub rpc: RpcOptions,
    /// Shared by all parts of the process.
    pub budget: RpcBudget,
    /// The most that is paid for priority.
    pub max_priority_fee_micro_lamports: u64,
    /// When a quote warns.
    pub bounds: Bounds,
    /// How long a slot lasts.
    pub slot: Duration,
    /// Who sends what comes back signed.
    pub submissions: Link<Submissions>,
}

impl fmt::Debug for DeskSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The node's address may carry a key.
        f.debug_struct("DeskSettings").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

/// See the module.
pub struct Desk {
    rpc: ChainRpc,
    build: InstructionBuilder,
    fees: RecentFees,
    cluster: OnceCell<Arc<str>>,
    max_priority_fee: u64,
    bounds: Bounds,
    slot: Duration,
    submissions: Link<Submissions>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("rpc", &self.rpc).finish_non_exhaustive()
    }
}

/// A transaction that a wallet wants.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who signs and pays.
    pub wallet: Wallet,
    /// What it does.
    pub instruction: Instruction,
    /// Its form.
    pub version: Version,
    /// Its priority.
    pub priority: Priority,
}

/// A transaction to sign.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Base64, with an empty place for the signature.
    pub transaction: String,
    /// What is signed, base64.
    pub message: String,
    /// The last block height at which it can land.
    pub last_valid_block_height: u64,
    /// About when that is, milliseconds since 1970.
    pub expires_at_ms: i64,
    /// What it may use, and pays for it.
    pub compute: Compute,
    /// What the program did in the rehearsal.
    pub events: Vec<ChainEvent>,
}

impl Desk {
    /// Connects when it is first asked.
    ///
    /// # Errors
    /// The node's address can't be used.
    pub fn new(settings: DeskSettings) -> Result<Self, RpcSetupError> {
        let DeskSettings { mut rpc, budget, max_priority_fee_micro_lamports, bounds, slot, submissions } = settings;
        (rpc.attempt_timeout, rpc.call_timeout, rpc.attempts) = (ATTEMPT, CALL, ATTEMPTS);
        let build = InstructionBuilder::new(rpc.program);
        Ok(Self {
            rpc: ChainRpc::new(rpc, budget)?,
            build,
            fees: RecentFees::default(),
            cluster: OnceCell::new(),
            max_priority_fee: max_priority_fee_micro_lamports,
            bounds,
            slot,
            submissions,
        })
    }

    /// Builds instructions.
    pub fn build(&self) -> &InstructionBuilder {
        &self.build
    }

    /// The node.
    pub fn rpc(&self) -> &ChainRpc {
        &self.rpc
    }

    /// Who sends what comes back signed; `None` while it is restarted.
    pub fn submissions(&self) -> Option<Addr<Submissions>> {
        self.submissions.get()
    }

    /// When a quote warns.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The chain's name as CAIP-2 has it.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn cluster(&self) -> Result<Arc<str>, ApiError> {
        let ask = async || {
            let genesis = self.rpc.genesis_hash().await.map_err(node_trouble)?;
            Ok::<_, ApiError>(format!("solana:{}", genesis.chars().take(32).collect::<String>()).into())
        };
        self.cluster.get_or_try_init(ask).await.cloned()
    }

    /// Rehearses an order and puts it into its form.
    ///
    /// # Errors
    /// CHAIN_REFUSED where the rehearsal fails, with the program's error; UNAVAILABLE or TIMEOUT where the node does not
    /// answer.
    pub async fn prepare(&self, order: &Order) -> Result<Prepared, ApiError> {
        let Order { wallet, instruction, version, priority } = order;
        let unsigned = |compute, blockhash| {
            Unsigned::new(*version, *wallet, std::slice::from_ref(instruction), compute, blockhash)
                .map_err(ApiError::internal)
        };
        let rehearsal = Compute { units: UNITS_MAX, micro_lamports: 0 };
        // The node puts a blockhash of its own in.
        let rehearsal = unsigned(rehearsal, solana_sdk::hash::Hash::default())?;
        let wire = rehearsal.wire();
        let (latest, simulation, micro_lamports) = tokio::try_join!(
            async { self.rpc.latest_blockhash(Commitment::Confirmed).await.map_err(node_trouble) },
            async { self.rpc.simulate(&wire).await.map_err(node_trouble) },
            self.price(*priority, instruction, *wallet),
        )?;
        if let Some(failure) = &simulation.failure {
            return Err(of_failure(failure, rehearsal.first_index()));
        }
        let compute = Compute { units: compute_limit(simulation.units_consumed.unwrap_or(0)), micro_lamports };
        let unsigned = unsigned(compute, latest.blockhash)?;
        let life = self.slot.saturating_mul(u32::try_from(BLOCKHASH_BLOCKS).unwrap_or(u32::MAX));
        let life_ms = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        Ok(Prepared {
            transaction: unsigned.wire_base64(),
            message: unsigned.message_base64(),
            last_valid_block_height: latest.last_valid_block_height,
            expires_at_ms: chrono::Utc::now().timestamp_millis().saturating_add(life_ms),
            compute,
            events: self.events(simulation.logs),
        })
    }

    async fn price(&self, priority: Priority, instruction: &Instruction, payer: Wallet) -> Result<u64, ApiError> {
        let cap = self.max_priority_fee;
        if matches!(priority, Priority::None | Priority::Exactly(_)) {
            return Ok(Percentiles::default().price(priority, cap));
        }
        let written = instruction.accounts.iter().filter(|account| account.is_writable);
        let written = written.map(|account| AccountAddress(account.pubkey.to_bytes()));
        let written: Vec<_> = written.filter(|account| account.0 != payer.0).collect();
        Ok(self.fees.of(&self.rpc, &written).await.map_err(node_trouble)?.price(priority, cap))
    }

    fn events(&self, logs: Vec<String>) -> Vec<ChainEvent> {
        let rehearsed = RawTransaction {
            signature: TxSignature([0; 64]),
            slot: 0,
            index_in_block: None,
            block_time: None,
            failed: false,
            logs: Some(logs),
            invocations: None,
        };
        match decode(self.build.program(), &rehearsed) {
            Decoded::Events(events) => events,
            // What can't be read is not there: who needs it says so.
            _ => Vec::new(),
        }
    }
}
