//! `zmart-stage [NAME=VALUE…]`: a chain, a database and an engine with a few markets and trades, for programs that put the
//! API to the test from outside. Names are settings of the engine.
//!
//! Prints `ready api=… ws=… market=… seed=… wallet=… token=…` (a market, and who made and traded it, signed in), stands until its standard input ends, and leaves nothing behind.

use solana_sdk::signature::Keypair;
use tokio::io::{AsyncReadExt, stdin};
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{chain::SOL, http::get, patience::wait_for, signed_in::SignedInClient, stage::Stage};

/// Trades of the first market.
const TRADES: u64 = 5;

#[tokio::main]
async fn main() {
    let mut stage = Stage::set().await;
    let settings: Vec<_> = std::env::args().skip(1).collect();
    for setting in &settings {
        let Some((name, value)) = setting.split_once('=') else {
            eprintln!("usage: zmart-stage [NAME=VALUE…]");
            std::process::exit(2);
        };
        stage.engine.set(name, value);
    }
    if !settings.is_empty() {
        stage.engine.stop().await;
        stage.engine.start().await;
        stage.engine.ready().await;
    }
    let (market, creator) = trade(&stage).await;
    let seed = stage.chain.client().market(market).await.market_id;
    let user = SignedInClient::with_key(&stage.engine.api, creator).await;
    println!(
        "ready api={} ws={} market={market} seed={seed} wallet={} token={}",
        stage.engine.api,
        stage.engine.ws,
        user.wallet(),
        user.token
    );
    let mut rest = Vec::new();
    // An end by an error is an end.
    let _ = stdin().read_to_end(&mut rest).await;
}

async fn trade(stage: &Stage) -> (MarketAddress, Keypair) {
    let (chain, client) = (&stage.chain, stage.chain.client());
    let creator = client.funded_wallet().await;
    let market = chain.active_market(&creator, 100 * SOL).await;
    for n in 0..2 {
        client.proposed_market(&creator, (200 + n) * SOL).await;
    }
    for n in 0..TRADES {
        let outcome = if n % 2 == 0 { Outcome::Yes } else { Outcome::No };
        client.buy(market, &creator, outcome, SOL / 10).await;
    }
    wait_for("the trades to be shown", || async {
        let body = get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
        if body["trades_count"] == TRADES { Ok(()) } else { Err(body) }
    })
    .await;
    (market, creator)
}
