//! Traders who trade on several markets at once, and what must hold when they are done.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use solana_sdk::signature::Keypair;
use tokio::{sync::Semaphore, task::JoinHandle};
use zmart::domain::{
    event::Outcome,
    ids::{MarketAddress, TxSignature, Wallet},
};

use crate::{
    chain::{Chain, ChainClient, SOL, wallet_of},
    compare::differences,
    patience::{wait_for, within},
    postgres::Database,
    subscriber::{Notebook, Subscriber},
};

/// LMSR's b of every market: the smallest that can be traded.
const B_PARAMETER: u64 = 100 * SOL;

/// Every so many trades of a wallet, it sells.
const SELLS_EVERY: usize = 10;

/// What of a position is sold, as a divisor.
const SOLD_PART: u64 = 4;

/// What a wallet spends on a trade has so many sizes.
const COSTS: usize = 29;

/// Refusals in a row that a trader takes.
const REFUSALS_MAX: u32 = 5;

/// Markets and those who trade on them.
#[derive(Debug)]
pub struct Load {
    /// The markets, all active.
    pub markets: Vec<MarketAddress>,
    wallets: Vec<Keypair>,
    trades_each: usize,
    done: Arc<AtomicUsize>,
    sent: Arc<Mutex<Sent>>,
}

/// Trades by market, in no order.
pub type Sent = BTreeMap<MarketAddress, Vec<TxSignature>>;

impl Load {
    /// Prepares markets and wallets.
    pub async fn prepare(chain: &Chain, markets: usize, wallets: usize, trades: usize) -> Self {
        let creator = chain.client().funded_wallet().await;
        let mut load = Self {
            markets: Vec::new(),
            wallets: Vec::new(),
            trades_each: trades / wallets,
            done: Arc::new(AtomicUsize::new(0)),
            sent: Arc::default(),
        };
        for _ in 0..markets {
            load.markets.push(chain.active_market(&creator, B_PARAMETER).await);
        }
        for _ in 0..wallets {
            load.wallets.push(chain.client().funded_wallet().await);
        }
        load
    }

    /// The wallets' addresses.
    pub fn wallets(&self) -> Vec<Wallet> {
        self.wallets.iter().map(wallet_of).collect()
    }

    /// Trades that landed so far.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Trades that landed so far, by market.
    pub fn sent(&self) -> Sent {
        self.sent.lock().unwrap().clone()
    }

    /// Starts trading, so many trades a second in all as far as the chain can, until [`Pace::fall_quiet`].
    pub fn start_at(&self, client: &ChainClient, trades_a_second: u64) -> Pace {
        let permits = Arc::new(Semaphore::new(0));
        // They end when the permits are closed.
        drop(self.start(client, &permits));
        let (ticking, wallets) = (permits.clone(), self.wallets.len());
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / trades_a_second.max(1)));
            while !ticking.is_closed() {
                tick.tick().await;
                // A chain that does not keep up is not flooded afterwards.
                if ticking.available_permits() < wallets {
                    ticking.add_permits(1);
                }
            }
        });
        Pace { permits, done: self.done.clone() }
    }

    /// Starts trading; each trade takes a permit. Who waits for one when the permits are closed ends.
    pub fn start(&self, client: &ChainClient, permits: &Arc<Semaphore>) -> Vec<JoinHandle<Sent>> {
        self.wallets
            .iter()
            .enumerate()
            .map(|(number, wallet)| {
                let trader = Trader {
                    number,
                    wallet: wallet.insecure_clone(),
                    markets: self.markets.clone(),
                    client: client.clone(),
                    done: self.done.clone(),
                    all: self.sent.clone(),
                };
                tokio::spawn(trader.trade(self.trades_each, permits.clone()))
            })
            .collect()
    }
}

/// Traders who trade on and on.
#[derive(Debug)]
pub struct Pace {
    permits: Arc<Semaphore>,
    done: Arc<AtomicUsize>,
}

impl Pace {
    /// No more trades; waits for those under way.
    pub async fn fall_quiet(&self) {
        self.permits.close();
        let mut before = usize::MAX;
        wait_for("the traders to end", || {
            let now = self.done.load(Ordering::Relaxed);
            let quiet = now == std::mem::replace(&mut before, now);
            async move {
                // A trade takes a few looks at its signature.
                tokio::time::sleep(Duration::from_secs(2)).await;
                if quiet { Ok(()) } else { Err(now) }
            }
        })
        .await;
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.permits.close();
    }
}

struct Trader {
    number: usize,
    wallet: Keypair,
    markets: Vec<MarketAddress>,
    client: ChainClient,
    done: Arc<AtomicUsize>,
    all: Arc<Mutex<Sent>>,
}

impl Trader {
    async fn trade(self, trades: usize, permits: Arc<Semaphore>) -> Sent {
        let mut sent = Sent::new();
        for count in 0..trades {
            let Ok(permit) = permits.acquire().await else { break };
            permit.forget();
            let market = self.markets[(count + self.number) % self.markets.len()];
            let signature = self.one(market, count).await;
            sent.entry(market).or_default().push(signature);
            self.all.lock().unwrap().entry(market).or_default().push(signature);
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    async fn one(&self, market: MarketAddress, count: usize) -> TxSignature {
        if count % SELLS_EVERY == SELLS_EVERY - 1
            && let Some(position) = self.client.position(market, wallet_of(&self.wallet)).await
        {
            let (outcome, held) = match (position.shares_yes.0, position.shares_no.0) {
                (yes, no) if yes >= no => (Outcome::Yes, yes),
                (_, no) => (Outcome::No, no),
            };
            // A market may not have the money: its liquidity is only what its fees brought.
            if let Ok(signature) = self.client.try_sell(market, &self.wallet, outcome, held / SOLD_PART).await {
                return signature;
            }
        }
        // Each wallet buys both outcomes of a market in turn, so that no market runs away to one of them.
        let outcome = Outcome::from((count / self.markets.len() + self.number).is_multiple_of(2));
        // Never the same twice by one wallet: two equal transactions on one blockhash are one.
        let cost = SOL / 5 + (count % COSTS) as u64 * 37_000_000 + (count * 16 + self.number) as u64;
        // On a machine that is too busy a blockhash may be gone before it arrives.
        for _ in 0..REFUSALS_MAX {
            if let Ok(signature) = self.client.try_buy(market, &self.wallet, outcome, cost).await {
                return signature;
            }
        }
        self.client.buy(market, &self.wallet, outcome, cost).await
    }
}

/// Waits until all have traded; what they sent.
pub async fn finish(traders: Vec<JoinHandle<Sent>>) -> Sent {
    let mut all = Sent::new();
    for trader in traders {
        for (market, signatures) in within("the traders", trader).await.unwrap() {
            all.entry(market).or_default().extend(signatures);
        }
    }
    all
}

/// Subscribers, once each has a first state of every market.
pub async fn subscribers(url: &str, count: usize, markets: &[MarketAddress]) -> Vec<Subscriber> {
    let all: Vec<Subscriber> = (0..count).map(|_| Subscriber::start(url, markets)).collect();
    wait_for("every subscriber to have a first state", || async {
        match all.iter().filter(|one| !one.follows(markets.len())).count() {
            0 => Ok(()),
            waiting => Err(format!("{waiting} have not; faults: {:?}", all[0].notebook().faults)),
        }
    })
    .await;
    all
}

/// Each subscriber heard each trade once, in the journal's order, which is the chain's; nobody complains.
pub async fn everybody_heard_everything(all: Vec<Subscriber>, sent: &Sent, database: &Database, client: &ChainClient) {
    heard_everything(&all, sent, database, client).await;
    let journal = trades_of(sent, database).await;
    for one in all {
        judge(&one.stop().await, &journal);
    }
}

/// As [`everybody_heard_everything`], of subscribers who go on listening.
pub async fn heard_everything(all: &[Subscriber], sent: &Sent, database: &Database, client: &ChainClient) {
    let total: usize = sent.values().map(Vec::len).sum();
    wait_for("every subscriber to have heard every trade", || async {
        match all.iter().map(Subscriber::trades_heard).min() {
            Some(least) if least < total => {
                let behind = all.iter().find(|one| one.trades_heard() == least).map(Subscriber::notebook);
                Err(format!("{least} of {total}; faults: {:?}", behind.map(|notebook| notebook.faults)))
            }
            _ => Ok(()),
        }
    })
    .await;
    let journal = trades_of(sent, database).await;
    for (market, signatures) in sent {
        let in_journal: Vec<&str> = journal[market].iter().map(|(_, signature)| signature.as_str()).collect();
        let sent: BTreeSet<String> = signatures.iter().map(ToString::to_string).collect();
        let on_chain = client.signatures(*market).await.into_iter().map(|signature| signature.to_string());
        let on_chain: Vec<String> = on_chain.filter(|signature| sent.contains(signature)).collect();
        assert_eq!(in_journal, on_chain, "the journal's order of trades is not the chain's, market {market}");
    }
    for one in all {
        judge(&one.notebook(), &journal);
    }
}

type Trades = BTreeMap<MarketAddress, Vec<(u64, String)>>;

/// The journal's trades of these markets, in order.
async fn trades_of(sent: &Sent, database: &Database) -> Trades {
    const SQL: &str = "SELECT seq, signature::text FROM trades WHERE market = $1::text ORDER BY seq";
    let rows = database.connect().await;
    let mut journal = Trades::new();
    for market in sent.keys() {
        let found = rows.query(SQL, &[&market.to_string()]).await.unwrap();
        let found = found.iter().map(|row| (u64::try_from(row.get::<_, i64>(0)).unwrap(), row.get(1))).collect();
        journal.insert(*market, found);
    }
    journal
}

fn judge(notebook: &Notebook, journal: &Trades) {
    assert!(notebook.faults.is_empty(), "{:#?}", notebook.faults);
    for (market, trades) in journal {
        let heard = notebook.markets.get(market).map(|heard| &heard.trades);
        assert_eq!(heard, Some(trades), "a subscriber's trades are not the journal's");
    }
}

/// The rows are the accounts, to the last unit.
pub async fn rows_equal_accounts(load: &Load, database: &Database, client: &ChainClient) {
    let found = differences(database, client, &load.markets, &load.wallets()).await;
    assert!(found.is_empty(), "{found:#?}");
}
