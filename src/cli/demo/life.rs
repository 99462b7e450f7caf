//! A market's life, from proposal to the last trade; and a place where one life follows another.
//!
//! While a market is traded on, the next one of its place is proposed, voted on and approved. It is activated before the
//! old one is resolved, so that a place is never without an active market once it had one.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use solana_sdk::signature::Keypair;
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{
    Stop,
    chain::{DemoChain, SOL},
    error::DemoError,
    governance::Governance,
    keys::wallet_of,
    questions::{Teller, document},
    settle::settle,
    strategy::Strategy,
    tally::Tally,
    trader::{Memory, trade},
    watcher::Watcher,
};
use crate::{
    chain::{program::instructions::CreateMarket, rpc::ChainSendError},
    domain::{
        amount::Lamports,
        ids::{MarketAddress, MarketSeed},
    },
};

/// b of the markets, in SOL (share units of 1e-9): they differ, and with them how far a trade moves the price.
const B_SOL: [u64; 4] = [200, 500, 1_000, 2_000];

/// Trades of one market that may be on their way at once; a tick that finds no room is skipped.
const IN_FLIGHT_MAX: usize = 16;

/// How many refused trades of one market are told in words.
const REFUSALS_TOLD_MAX: u32 = 3;

/// One in so many voters dislikes a proposal.
const DISLIKES_ONE_IN: usize = 10;

/// Liquidity on paper, as a part of b: winners are promised shares of it, so it must stay below what the traders put in.
const LIQUIDITY_PART: u64 = 10;

/// What every life needs.
#[derive(Debug)]
pub struct Plan {
    /// The chain.
    pub chain: Arc<DemoChain>,
    /// The program's keepers.
    pub governance: Arc<Governance>,
    /// Who votes and trades.
    pub traders: Vec<Arc<Keypair>>,
    /// Counters.
    pub tally: Arc<Tally>,
    /// Who watches.
    pub watcher: Watcher,
    /// Who tells the engine what the markets are about.
    pub teller: Teller,
    /// How long a market is traded on.
    pub market_seconds: u64,
    /// On each market.
    pub trades_per_second: NonZeroU32,
}

/// A market and who made it.
#[derive(Debug, Clone)]
pub struct OwnMarket {
    /// Its address.
    pub address: MarketAddress,
    /// Its creator.
    pub creator: Arc<Keypair>,
}

/// Keeps a place traded on until told to stop.
///
/// # Errors
/// The first step that can't be taken: a proposal, an approval, an activation.
pub async fn keep_trading(plan: Arc<Plan>, place: u32, places: u32, mut stopped: Stop) -> Result<(), DemoError> {
    let b = B_SOL[place as usize % B_SOL.len()] * SOL;
    let settling = stopped.clone();
    let lives = async {
        let mut market = activate(&plan, propose(&plan, b, (place, 0)).await?).await?;
        // The first lives have different lengths, so that not all markets are resolved at once.
        let mut seconds = plan.market_seconds * u64::from(place + 1) / u64::from(places);
        for round in 1.. {
            let (next, ()) = tokio::join!(propose(&plan, b, (place, round)), trade_for(&plan, &market, seconds));
            let next = activate(&plan, next?).await?;
            tokio::spawn(settled(plan.clone(), market, settling.clone()));
            (market, seconds) = (next, plan.market_seconds);
        }
        Ok(())
    };
    tokio::select! {
        ended = lives => ended,
        () = stopped.told() => Ok(()),
    }
}

/// Proposes a market, has it voted on and approved. What it asks follows from its place and its round.
async fn propose(plan: &Plan, b: u64, (place, round): (u32, u32)) -> Result<OwnMarket, DemoError> {
    let creator = plan.traders[usize::from(rand::random::<u16>()) % plan.traders.len()].clone();
    let market_id = MarketSeed(rand::random());
    let asked = document(place, round).map_err(|error| DemoError::Document(error.to_string()))?;
    let create = CreateMarket {
        market_id,
        b_parameter: b,
        initial_liquidity: Lamports(b / LIQUIDITY_PART),
        ipfs_question_hash: asked.question_hash(),
    };
    let (address, _) = plan.chain.build.addresses().market(market_id);
    plan.chain.land(&[plan.chain.build.create_market(wallet_of(&creator), create)], &[&creator]).await?;
    println!("{address} proposed, b = {} SOL", b / SOL);
    plan.watcher.follow(address).await;
    plan.teller.tell(address, Arc::clone(&creator), asked);
    let votes = plan.traders.iter().enumerate().map(|(number, voter)| async move {
        let like = (number + 1) % DISLIKES_ONE_IN != 0;
        let vote = plan.chain.build.submit_proposal_vote(address, wallet_of(voter), like);
        plan.chain.land(&[vote], &[voter]).await
    });
    for vote in futures_util::future::join_all(votes).await {
        vote?;
    }
    plan.governance.approve(address).await?;
    Ok(OwnMarket { address, creator })
}

async fn activate(plan: &Plan, market: OwnMarket) -> Result<OwnMarket, DemoError> {
    let activate = plan.chain.build.activate_market(market.address, wallet_of(&market.creator));
    plan.chain.land(&[activate], &[&market.creator]).await?;
    println!("{} is active", market.address);
    Ok(market)
}

/// Trades at the rate asked for. A trade that is refused is counted, and does not slow down those that follow.
async fn trade_for(plan: &Plan, market: &OwnMarket, seconds: u64) {
    let end = Instant::now() + Duration::from_secs(seconds);
    let every = Duration::from_secs(1) / plan.trades_per_second.get();
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (room, memory) = (Arc::new(Semaphore::new(IN_FLIGHT_MAX)), Arc::new(Memory::default()));
    let (mut turn, mut refusals) = (usize::from(rand::random::<u8>()), 0);
    let mut trades = tokio::task::JoinSet::new();
    while Instant::now() < end {
        ticks.tick().await;
        while let Some(done) = trades.try_join_next() {
            let Ok(Err(error)) = done else { continue };
            refusals += 1;
            if refusals <= REFUSALS_TOLD_MAX {
                println!("{}: no trade: {error}", market.address);
            }
        }
        let Ok(place) = room.clone().try_acquire_owned() else { continue };
        turn += 1;
        let wallet = plan.traders[turn % plan.traders.len()].clone();
        let strategy = Strategy::ALL[turn % Strategy::ALL.len()];
        let (chain, governance) = (plan.chain.clone(), plan.governance.clone());
        let (tally, memory, address) = (plan.tally.clone(), memory.clone(), market.address);
        trades.spawn(async move {
            let traded = trade(&chain, &governance, address, &wallet, strategy, &memory).await;
            match &traded {
                Ok(()) => tally.sent(),
                Err(DemoError::Send(ChainSendError::Rejected { .. })) => tally.refused(),
                Err(error) => log::warn!("{address}: {error}"),
            }
            drop(place);
            traded
        });
    }
    while trades.join_next().await.is_some() {}
}

/// The end of a market; what can't be ended is told, and hinders nobody.
async fn settled(plan: Arc<Plan>, market: OwnMarket, mut stopped: Stop) {
    let ended = tokio::select! {
        ended = settle(&plan, &market) => ended,
        () = stopped.told() => return,
    };
    match ended {
        Ok(()) => plan.tally.settled(),
        Err(error) => println!("{} is left as it is: {error}", market.address),
    }
    plan.watcher.leave(market.address).await;
}
