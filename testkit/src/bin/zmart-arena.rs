//! `zmart-arena [NAME=VALUE…]`: a chain, a database and an engine that are driven by lines, for programs that put a client
//! of the engine to the test from outside. Names are settings of the engine.
//!
//! Prints `ready api=… ws=… market=… proposal=…`, then carries out each line of its standard input and prints `ok …`; a
//! line that can't be carried out ends it. It stands until its input ends, and leaves nothing behind.
//!
//! | line | |
//! | --- | --- |
//! | `fund WALLET` | money for a wallet |
//! | `buy MARKET N` | N trades, of YES and NO in turn |
//! | `market`, `proposal` | a new market that can be traded, or be voted on: `ok ADDRESS` |
//! | `vote MARKET` | a vote by a transaction |
//! | `fee BPS` | another protocol fee |
//! | `dispute MARKET` | an outcome is proposed and disputed |
//! | `finalize MARKET` | its whole way to the end |
//! | `rollback MARKET` | a trade vanishes with its fork; the chain stands still from then on |
//! | `kill`, `stop`, `start` | the engine |
//! | `crash ACTOR` | one of its actors panics |

use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::Database,
    proxy::Proxy,
};

/// Slots long enough for a transaction to be recorded, and hidden, before it is final.
const SLOT_MS: &str = "100";

struct Arena {
    engine: Engine,
    /// After the engine: it is to be judged while its servers still stand.
    _database: Database,
    proxy: Proxy,
    chain: Chain,
    creator: solana_sdk::signature::Keypair,
}

#[tokio::main]
async fn main() {
    let mut arena = Arena::set(std::env::args().skip(1)).await;
    let market = arena.chain.active_market(&arena.creator, 100 * SOL).await;
    let proposal = arena.chain.client().proposed_market(&arena.creator, 100 * SOL).await;
    arena.shown(market, "ACTIVE").await;
    arena.shown(proposal, "PROPOSED").await;
    println!("ready api={} ws={} market={market} proposal={proposal}", arena.engine.api, arena.engine.ws);
    let mut lines = BufReader::new(stdin()).lines();
    // An end by an error is an end.
    while let Ok(Some(line)) = lines.next_line().await {
        let words: Vec<_> = line.split_whitespace().collect();
        println!("ok {}", arena.carry_out(&words).await);
    }
}

impl Arena {
    async fn set(settings: impl Iterator<Item = String>) -> Self {
        let (chain, database) = (Chain::with_slots_of(SLOT_MS).await, Database::fresh().await);
        let creator = chain.client().funded_wallet().await;
        let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
        let mut engine = Engine::on(&chain, &database);
        engine.set("COVERAGE_INTERVAL_MS", "500");
        engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
        engine.set("SOLANA_WS_URL", &proxy.ws_url);
        for setting in settings {
            let Some((name, value)) = setting.split_once('=') else {
                eprintln!("usage: zmart-arena [NAME=VALUE…]");
                std::process::exit(2);
            };
            engine.set(name, value);
        }
        let migrated = engine.run(&["migrate"]).await;
        assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
        engine.start().await;
        engine.ready().await;
        Self { engine, _database: database, proxy, chain, creator }
    }

    async fn carry_out(&mut self, words: &[&str]) -> String {
        let (chain, client) = (&self.chain, self.chain.client());
        match *words {
            ["fund", wallet] => client.fund(wallet.parse().expect("a wallet")).await,
            ["buy", market, times] => {
                for n in 0..times.parse().expect("a number") {
                    let outcome = if n % 2 == 0 { Outcome::Yes } else { Outcome::No };
                    client.buy(address(market), &self.creator, outcome, SOL / 10 + n).await;
                }
            }
            ["market"] => {
                let market = chain.active_market(&self.creator, 100 * SOL).await;
                self.shown(market, "ACTIVE").await;
                return market.to_string();
            }
            ["proposal"] => {
                let market = client.proposed_market(&self.creator, 100 * SOL).await;
                self.shown(market, "PROPOSED").await;
                return market.to_string();
            }
            ["vote", market] => {
                let voter = client.funded_wallet().await;
                client.vote(address(market), &voter, true).await;
            }
            ["fee", bps] => {
                chain.set_protocol_fee(bps.parse().expect("basis points")).await;
            }
            ["dispute", market] => {
                chain.dispute(address(market), &self.creator, Outcome::Yes).await;
                self.shown(address(market), "DISPUTED").await;
            }
            ["finalize", market] => chain.finalize(address(market), &self.creator, Outcome::Yes).await,
            ["rollback", market] => self.roll_back(address(market)).await,
            ["kill"] => self.engine.kill(),
            ["stop"] => {
                self.engine.stop().await;
            }
            ["start"] => {
                self.engine.start().await;
                self.engine.ready().await;
            }
            ["crash", actor] => self.engine.crash(actor).await,
            _ => panic!("no such line: {words:?}"),
        }
        String::new()
    }

    async fn roll_back(&self, market: MarketAddress) {
        let frozen = self.proxy.handle().freeze().await;
        let count = |shown: &serde_json::Value| shown["trades_count"].as_u64();
        let path = format!("/api/markets/{market}");
        let before = count(&get(&self.engine.api, &path).await.json());
        let fallen = self.chain.client().buy(market, &self.creator, Outcome::Yes, SOL).await;
        wait_for("the trade that will vanish", || async {
            let now = get(&self.engine.api, &path).await.json();
            if count(&now) > before { Ok(()) } else { Err(now) }
        })
        .await;
        frozen.hide(fallen).await;
    }

    async fn shown(&self, market: MarketAddress, state: &str) {
        wait_for(&format!("market {market} to be {state}"), || async {
            let answer = get(&self.engine.api, &format!("/api/markets/{market}")).await;
            let is = if answer.status == 200 { answer.json()["state"].clone() } else { answer.status.into() };
            if is == state { Ok(()) } else { Err(is) }
        })
        .await;
    }
}

fn address(text: &str) -> MarketAddress {
    text.parse().expect("a market's address")
}
