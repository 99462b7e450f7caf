//! The server around the VM: surfpool's JSON-RPC and PubSub, with the program inside and our own clock.
//!
//! Owns: how the parts are put together, started and stopped. Never: a rule of the program. Three threads stand beside
//! surfpool's own: the [`clock`] closes blocks, the [`gate`] lets transactions in, a third drains surfpool's events
//! (its channel is bounded, and a full one would stop the chain).

mod clock;
mod gate;
mod history;
mod logs;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use solana_sdk::account::Account;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use surfpool_core::runloops::start_local_surfnet_runloop;
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::{SurfnetSvm, SurfnetSvmConfig};
use surfpool_types::{BlockProductionMode, RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig};

use crate::native::registerer;
use crate::program::Payout;

/// Executed transactions that surfpool keeps a profile of; nobody reads them here.
const PROFILES: usize = 16;
/// Balance of the account that airdrops are paid from, in lamports.
const FAUCET_LAMPORTS: u64 = 1 << 62;
/// How long the servers may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// What a chain is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that both servers listen on.
    pub host: IpAddr,
    /// The port of the JSON-RPC server.
    pub rpc_port: u16,
    /// The port of the PubSub server.
    pub ws_port: u16,
    /// Where the program is.
    pub program_id: Pubkey,
    /// How `sell_shares` pays out.
    pub payout: Payout,
    /// The time between two blocks.
    pub slot: Duration,
    /// Accounts that exist from the start, with their lamports.
    pub funded: Vec<(Pubkey, u64)>,
    /// The time of the first block, in unix seconds; now without it.
    pub clock_start: Option<i64>,
    /// How many transactions are remembered; the oldest are forgotten first.
    pub history: usize,
}

/// Why a chain doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened on.
    #[error("the {server} port {address} can't be used: {reason}")]
    Port {
        /// Which of the two servers.
        server: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Both servers are given the same port.
    #[error("the RPC port and the WebSocket port are both {0}")]
    SamePort(u16),
    /// The time of the first block is before 1970.
    #[error("the clock can't start at {0}")]
    ClockStart(i64),
    /// Something in surfpool.
    #[error("surfpool: {0}")]
    Surfpool(String),
    /// The servers did not come up.
    #[error("the servers did not come up within {} s", START_TIMEOUT.as_secs())]
    Timeout,
}

/// A running chain.
#[derive(Debug)]
pub struct Chain {
    /// What `getGenesisHash` answers: another one for every start.
    pub genesis: Hash,
    stopping: Arc<AtomicBool>,
    commands: Sender<SimnetCommand>,
    server: JoinHandle<()>,
    ended: Receiver<()>,
}

/// What the clock and the gate share.
#[derive(Debug, Default)]
struct Pace {
    /// No blocks while it is set.
    paused: AtomicBool,
    /// Milliseconds between two blocks.
    slot_ms: AtomicU64,
}

impl Chain {
    /// Starts a chain and waits until both servers answer.
    ///
    /// # Errors
    /// [`StartError`], with nothing left running that could be reached.
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        for (server, port) in [("RPC", settings.rpc_port), ("WebSocket", settings.ws_port)] {
            let address = SocketAddr::new(settings.host, port);
            TcpListener::bind(address).map_err(|reason| StartError::Port { server, address, reason })?;
        }
        if settings.rpc_port == settings.ws_port {
            return Err(StartError::SamePort(settings.rpc_port));
        }
        let slot_ms = u64::try_from(settings.slot.as_millis()).unwrap_or(u64::MAX).max(1);
        let (svm, genesis, events, geyser) = machine(settings, slot_ms)?;
        let locker = SurfnetSvmLocker::new(svm);
        let stopping = Arc::new(AtomicBool::new(false));
        let pace = Arc::new(Pace { paused: AtomicBool::new(false), slot_ms: AtomicU64::new(slot_ms) });

        let (to_gate, at_gate) = unbounded();
        let (commands, at_server) = unbounded();
        let (started_tx, started) = bounded(1);
        let (ended_tx, ended) = bounded(1);
        named("events", move || drain(&events, &started_tx))?;
        named("gate", gate::Gate::new(locker.clone(), commands.clone(), pace.clone()).run(at_gate))?;
        let server = {
            let (locker, config) = (locker.clone(), surfpool(settings));
            named("surfpool", move || {
                // Sending ends with the thread: whoever waits learns that the servers are gone.
                let _ended: Sender<()> = ended_tx;
                let runtime = match tokio::runtime::Runtime::new() {
                    Ok(runtime) => runtime,
                    Err(error) => return log::error!("no runtime: {error}"),
                };
                let run = start_local_surfnet_runloop(locker, config, to_gate, at_server, geyser);
                if let Err(error) = runtime.block_on(run) {
                    log::error!("surfpool stopped: {error}");
                }
            })?
        };
        match started.recv_timeout(START_TIMEOUT) {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => return Err(StartError::Surfpool(reason)),
            Err(_) => return Err(StartError::Timeout),
        }
        let mut clock = clock::Clock::new(locker, pace, stopping.clone(), settings.history);
        clock.begin();
        named("clock", move || clock.run())?;
        Ok(Self { genesis, stopping, commands, server, ended })
    }

    /// Waits until the servers have ended by themselves, at most for `timeout`. Answers whether they have.
    pub fn ended(&self, timeout: Duration) -> bool {
        !matches!(self.ended.recv_timeout(timeout), Err(crossbeam_channel::RecvTimeoutError::Timeout))
    }

    /// Stops the chain; waits at most for `timeout`.
    pub fn stop(self, timeout: Duration) {
        self.stopping.store(true, Ordering::SeqCst);
        let _gone = self.commands.send(SimnetCommand::Terminate(None));
        let deadline = Instant::now() + timeout;
        while !self.server.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn named(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map_err(|error| StartError::Surfpool(format!("no thread for {name}: {error}")))
}

type Parts = (SurfnetSvm, Hash, Receiver<SimnetEvent>, Receiver<surfpool_core::surfnet::GeyserEvent>);

/// The VM before its first block: the program, the funded accounts, its own genesis hash and time.
fn machine(settings: &Settings, slot_ms: u64) -> Result<Parts, StartError> {
    let failed = |error: surfpool_core::error::SurfpoolError| StartError::Surfpool(error.to_string());
    let config = SurfnetSvmConfig {
        slot_time: slot_ms,
        instruction_profiling_enabled: false,
        max_profiles: PROFILES,
        ..SurfnetSvmConfig::default()
    };
    let (mut svm, events, geyser) = SurfnetSvm::new(config).map_err(failed)?;
    svm.inner.svm.add_builtin(settings.program_id, registerer(settings.payout));
    if let Some(seconds) = settings.clock_start {
        let start = u64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
        let start = start.ok_or(StartError::ClockStart(seconds))?;
        svm.updated_at = start;
        svm.genesis_updated_at = start;
        svm.reconstruct_sysvars();
    }
    // In memory, surfpool answers the hash of an empty genesis: the same for every start.
    let genesis = Hash::new_from_array(Keypair::new().pubkey().to_bytes());
    svm.cached_genesis_hash = Some(genesis);
    let faucet = svm.inner.airdrop_pubkey();
    let accounts = settings.funded.iter().copied().chain([(faucet, FAUCET_LAMPORTS)]);
    for (key, lamports) in accounts {
        svm.set_account(&key, Account { lamports, ..Account::default() }).map_err(failed)?;
    }
    Ok((svm, genesis, events, geyser))
}

fn surfpool(settings: &Settings) -> SurfpoolConfig {
    let simnet = SimnetConfig {
        offline_mode: true,
        remote_rpc_url: None,
        // Our clock closes the blocks; surfpool's own ticks are ignored, so they may be rare.
        block_production_mode: BlockProductionMode::Manual,
        slot_time: 1000,
        instruction_profiling_enabled: false,
        max_profiles: PROFILES,
        ..SimnetConfig::default()
    };
    let rpc = RpcConfig {
        bind_host: settings.host.to_string(),
        bind_port: settings.rpc_port,
        ws_port: settings.ws_port,
        ..RpcConfig::default()
    };
    SurfpoolConfig { simnets: vec![simnet], rpc, ..SurfpoolConfig::default() }
}

/// Takes surfpool's events: its start, and what it has to say.
fn drain(events: &Receiver<SimnetEvent>, started: &Sender<Result<(), String>>) {
    for event in events {
        match event {
            SimnetEvent::CoreStarted(_) => {
                let _unread = started.try_send(Ok(()));
            }
            SimnetEvent::Aborted(reason) => {
                log::error!("surfpool: {reason}");
                let _unread = started.try_send(Err(reason));
            }
            SimnetEvent::ErrorLog(_, text) | SimnetEvent::WarnLog(_, text) | SimnetEvent::InfoLog(_, text) => {
                log::debug!("surfpool: {text}");
            }
            _ => {}
        }
    }
}
