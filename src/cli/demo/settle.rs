//! The end of a market: an outcome is proposed and becomes final, winners are paid, the creator takes what is left.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    chain::DemoChain,
    error::DemoError,
    keys::wallet_of,
    life::{OwnMarket, Plan},
};
use crate::{
    chain::rpc::{ChainSendError, TransactionFailure},
    domain::{
        account::UserPositionAccount,
        event::{IpfsHash, Outcome},
        phase::Phase,
    },
};

/// The evidence's document of every market here.
const EVIDENCE: IpfsHash = IpfsHash(*b"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");

/// The program's clock may lag behind ours, and counts whole seconds.
const CLOCK_SLACK: Duration = Duration::from_secs(2);

/// How often a finalization is tried that comes too early for the program's clock.
const ATTEMPTS: u32 = 10;

/// The program's error 6027: the window for disputes is not over.
const TOO_EARLY: u32 = 6027;

/// Takes a market to its end.
///
/// # Errors
/// The first step that can't be taken; a claim that the market can't pay is told and passed over.
pub async fn settle(plan: &Plan, market: &OwnMarket) -> Result<(), DemoError> {
    let OwnMarket { address, creator } = market;
    let build = &plan.chain.build;
    let outcome = Outcome::from(rand::random::<bool>());
    let resolve = build.resolve_market(*address, wallet_of(creator), outcome, EVIDENCE);
    plan.chain.land(&[resolve], &[creator]).await?;
    println!("{address} resolves to {}", outcome.as_str());

    tokio::time::sleep(plan.governance.dispute_period + CLOCK_SLACK).await;
    finalize(plan, market).await?;

    let claims = plan.traders.iter().map(|wallet| async move {
        let owner = wallet_of(wallet);
        if !has_won(&plan.chain, market, wallet, outcome).await? {
            return Ok(None);
        }
        let claim = build.claim_winnings(*address, owner, wallet_of(creator));
        match plan.chain.land(&[claim], &[wallet]).await {
            Ok(_) => Ok(Some(true)),
            // A pool that was never backed can run dry before the last winner (section 9): the program's own trait.
            Err(DemoError::Send(ChainSendError::Rejected { .. })) => Ok(Some(false)),
            Err(error) => Err(error),
        }
    });
    let claims = join_all(claims).await.into_iter().collect::<Result<Vec<Option<bool>>, DemoError>>()?;
    plan.chain.land(&[build.withdraw_liquidity(*address, wallet_of(creator))], &[creator]).await?;
    let (winners, paid) = (claims.iter().flatten().count(), claims.iter().flatten().filter(|paid| **paid).count());
    println!("{address} is final: {paid} of {winners} winners paid, the rest withdrawn");
    Ok(())
}

async fn finalize(plan: &Plan, market: &OwnMarket) -> Result<(), DemoError> {
    for _ in 1..ATTEMPTS {
        match plan.governance.finalize(market.address).await {
            Err(DemoError::Send(ChainSendError::Rejected {
                failure: TransactionFailure::Custom { code: TOO_EARLY, .. },
                ..
            })) => tokio::time::sleep(CLOCK_SLACK).await,
            ended => return ended,
        }
    }
    match plan.chain.rpc.market_account(market.address).await? {
        // The engine, or an earlier attempt of ours, was faster.
        Some(found) if found.account.state == Phase::Finalized as u8 => Ok(()),
        _ => Err(DemoError::Stuck { market: market.address, awaited: "finalized" }),
    }
}

async fn has_won(
    chain: &DemoChain,
    market: &OwnMarket,
    wallet: &solana_sdk::signature::Keypair,
    outcome: Outcome,
) -> Result<bool, DemoError> {
    let (position, _) = chain.build.addresses().position(market.address, wallet_of(wallet));
    let found = chain.rpc.account::<UserPositionAccount>(position).await?;
    Ok(found.is_some_and(|found| match outcome {
        Outcome::Yes => found.account.shares_yes.0 > 0,
        Outcome::No => found.account.shares_no.0 > 0,
    }))
}
