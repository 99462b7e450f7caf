//! The chain: do its nodes answer, do they notify, is the program there and set up? Only reads, and sends no transaction.

use std::time::{Duration, Instant, SystemTime};

use solana_sdk::pubkey::Pubkey;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{PATIENCE, finding::Finding, machine::Reading};
use crate::{
    chain::{
        model::Commitment,
        pubsub::{LiveInput, LiveOptions, follow},
        rpc::{AccountAt, ChainReadError, ChainRpc, RpcBudget, RpcOptions},
    },
    config::{Config, place_of},
    domain::{
        account::GlobalConfigAccount,
        ids::{AccountAddress, ProgramId},
    },
};

/// Programs that own programs; the development chain has the program inside, as the runtime's own.
const LOADERS: [ProgramId; 5] = [
    loader("NativeLoader1111111111111111111111111111111"),
    loader("BPFLoader1111111111111111111111111111111111"),
    loader("BPFLoader2111111111111111111111111111111111"),
    loader("BPFLoaderUpgradeab1e11111111111111111111111"),
    loader("LoaderV411111111111111111111111111111111111"),
];
/// Notifications that wait to be looked at.
const INPUTS_MAX: usize = 64;

const fn loader(text: &str) -> ProgramId {
    ProgramId(Pubkey::from_str_const(text).to_bytes())
}

/// What was seen.
pub struct Seen {
    /// Of `rpc`, `fallback`, `notifications` and `program`.
    pub findings: Vec<Finding>,
    /// The first node; `None` if it did not answer.
    pub rpc: Option<ChainRpc>,
    /// Which chain it is of.
    pub genesis: Option<String>,
    /// The program's config, if it has one.
    pub config: Option<GlobalConfigAccount>,
    /// What time it is there.
    pub clock: Option<Reading>,
}

/// Looks at it.
pub async fn look(config: &Config) -> Seen {
    let chain = &config.chain;
    let second = chain.fallback.as_ref();
    let (first, other, notified) = tokio::join!(
        node(config, &chain.rpc_url),
        async {
            match second {
                Some(second) => Some(node(config, &second.rpc_url).await),
                None => None,
            }
        },
        notifications(config, &chain.ws_url),
    );
    let advice = "start the node, or correct SOLANA_RPC_URL";
    let Node { place, outcome } = first;
    let (rpc, genesis, answered) = match outcome {
        Ok((rpc, genesis, answered)) => (rpc, genesis, answered),
        Err(error) => {
            let findings = vec![
                Finding::failed("rpc", format!("{place}: {error}"), advice),
                notified,
                Finding::skipped("program", "the node did not answer"),
            ];
            return Seen { findings, rpc: None, genesis: None, config: None, clock: None };
        }
    };
    let mut findings = vec![Finding::ok("rpc", format!("{place}, {answered}, genesis {genesis}"))];
    findings.extend(other.map(|other| of_second(other, &genesis)));
    findings.push(notified);
    let asked = SystemTime::now();
    let clock = rpc.clock(Commitment::Confirmed).await.ok().and_then(|clock| {
        let theirs = Duration::from_secs(u64::try_from(clock.unix_timestamp.0).ok()?);
        Some(Reading::between(asked, SystemTime::UNIX_EPOCH + theirs, SystemTime::now()))
    });
    let (finding, account) = program(&rpc).await;
    findings.push(finding);
    Seen { findings, rpc: Some(rpc), genesis: Some(genesis), config: account, clock }
}

struct Node {
    place: String,
    outcome: Result<(ChainRpc, String, String), String>,
}

async fn node(config: &Config, url: &str) -> Node {
    let place = place_of(url).unwrap_or_else(|| "its place".to_owned());
    let outcome = async {
        let options = RpcOptions {
            attempt_timeout: PATIENCE,
            call_timeout: PATIENCE,
            attempts: 2,
            ..RpcOptions::new(url, config.chain.program)
        };
        let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
        let rpc = ChainRpc::new(options, budget).map_err(|error| error.to_string())?;
        let asked = Instant::now();
        let told = |error: ChainReadError| error.to_string();
        let genesis = rpc.genesis_hash().await.map_err(told)?;
        let took = asked.elapsed().as_millis();
        let slot = rpc.slot(Commitment::Confirmed).await.map_err(told)?;
        Ok((rpc, genesis, format!("slot {slot}, answers in {took} ms")))
    };
    Node { place, outcome: outcome.await }
}

fn of_second(node: Node, genesis: &str) -> Finding {
    let Node { place, outcome } = node;
    match outcome {
        Ok((_, own, answered)) if own == genesis => Finding::ok("fallback", format!("{place}, {answered}")),
        Ok((_, own, _)) => {
            let seen = format!("{place} is of another chain: genesis {own}");
            Finding::failed("fallback", seen, "name a node of the same chain (SOLANA_RPC_URL_FALLBACK)")
        }
        Err(error) => Finding::warning("fallback", format!("{place}: {error}"), "correct SOLANA_RPC_URL_FALLBACK"),
    }
}

/// Subscribes as the engine does, and waits for a slot.
async fn notifications(config: &Config, url: &str) -> Finding {
    let place = place_of(url).unwrap_or_else(|| "its place".to_owned());
    let options = LiveOptions {
        url: url.to_owned(),
        program: config.chain.program,
        connect_timeout: PATIENCE,
        silent_after: PATIENCE,
    };
    let (out, mut inputs) = mpsc::channel(INPUTS_MAX);
    let (_stop, stopped) = oneshot::channel();
    let first_slot = async {
        while let Some(input) = inputs.recv().await {
            if let LiveInput::Slot(slot) = input {
                return Some(slot);
            }
        }
        None
    };
    let ended = async {
        tokio::select! {
            slot = first_slot => slot.ok_or_else(|| "it ended".to_owned()),
            end = follow(options, out, stopped) => Err(end.to_string()),
        }
    };
    match timeout(PATIENCE * 2, ended).await {
        Ok(Ok(slot)) => Finding::ok("notifications", format!("{place}, slot {slot}")),
        Ok(Err(end)) => Finding::failed(
            "notifications",
            format!("{place}: {end}"),
            "correct SOLANA_WS_URL: a node's PubSub address",
        ),
        Err(_) => Finding::failed("notifications", format!("{place}: no slot came"), "look at the node"),
    }
}

async fn program(rpc: &ChainRpc) -> (Finding, Option<GlobalConfigAccount>) {
    let program = rpc.program();
    let account = match rpc.accounts(&[AccountAddress(program.0)]).await {
        Ok(read) => read.accounts.into_iter().next().flatten(),
        Err(error) => return (Finding::failed("program", error.to_string(), "look at the node"), None),
    };
    let advice = "correct SOLANA_PROGRAM_ID_CORE, or name a node of the cluster that it is deployed on";
    let Some(account) = account else {
        return (Finding::failed("program", format!("nothing is at {program}"), advice), None);
    };
    if !LOADERS.contains(&account.owner) {
        return (
            Finding::failed("program", format!("{program} is no program: {} owns it", account.owner), advice),
            None,
        );
    }
    match rpc.config_account().await {
        Ok(Some(AccountAt { account, .. })) => {
            let paused = if account.is_paused { ", and paused" } else { "" };
            let seen = format!("{program} is deployed and set up, admin {}{paused}", account.admin);
            (Finding::ok("program", seen), Some(account))
        }
        Ok(None) => {
            let advice = "its admin has to initialize it; until then there are no markets";
            (Finding::warning("program", format!("{program} is deployed, and was never initialized"), advice), None)
        }
        Err(error) => (Finding::failed("program", format!("its config: {error}"), advice), None),
    }
}
