//! Users who vote, comment and trade through the API, whatever happens to it, and write down what they were told.
//!
//! Each does one thing after another until all are told to stop, and then ends what is under way: at the end nothing is
//! undecided.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_sdk::{signature::Keypair, signer::Signer};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use zmart::domain::ids::MarketAddress;

use super::{
    asking::Asking,
    record::{Comment, Order, Record, Shared, Vote},
};
use crate::chain::{ChainClient, SOL};

/// Between two things that a user does.
const PAUSE: Duration = Duration::from_millis(200);
/// Users of each sort.
const VOTERS: usize = 2;
const COMMENTERS: usize = 2;
const TRADERS: usize = 3;
/// Times that a trade is built anew, since its blockhash was gone before anybody took it or before it landed.
const BUILDS_MAX: u32 = 60;
/// Looks at a transaction, [`PAUSE`] apart, before it is a fault that it never settles.
const LOOKS_MAX: u32 = 900;

/// What users do it on.
#[derive(Debug, Clone)]
pub struct Places {
    /// `http://HOST:PORT` of the API, of each node.
    pub apis: Vec<String>,
    /// Markets that are voted and commented on.
    pub proposals: Vec<MarketAddress>,
    /// Markets that are traded.
    pub floor: Vec<MarketAddress>,
}

/// See the module.
#[derive(Debug)]
pub struct Users {
    record: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What every user has.
#[derive(Clone)]
struct User {
    number: usize,
    apis: Arc<Vec<String>>,
    places: Arc<Places>,
    record: Arc<Shared>,
    stopped: watch::Receiver<bool>,
}

impl Users {
    /// They begin at once.
    pub async fn start(places: Places, chain: &ChainClient) -> Self {
        let (stop, stopped) = watch::channel(false);
        let record = Arc::new(Shared::default());
        let (apis, places) = (Arc::new(places.apis.clone()), Arc::new(places));
        let user = |number| User {
            number,
            apis: apis.clone(),
            places: places.clone(),
            record: record.clone(),
            stopped: stopped.clone(),
        };
        let mut tasks = JoinSet::new();
        (0..VOTERS).for_each(|number| drop(tasks.spawn(user(number).vote())));
        (0..COMMENTERS).for_each(|number| drop(tasks.spawn(user(number).comment())));
        for number in 0..TRADERS {
            tasks.spawn(user(number).trade(chain.funded_wallet().await));
        }
        Self { record, stop, tasks }
    }

    /// How much was acknowledged so far: votes, comments, intents that landed.
    pub fn counts(&self) -> [usize; 3] {
        self.record.counts()
    }

    /// What they were told so far.
    pub fn record(&self) -> Record {
        self.record.open().clone()
    }

    /// They end what is under way, and do nothing more.
    ///
    /// # Panics
    /// If one of them has panicked.
    pub async fn end(&mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a user");
        }
    }
}

impl User {
    async fn goes_on(&mut self) -> bool {
        let stopped = tokio::time::timeout(PAUSE, self.stopped.wait_for(|stopped| *stopped)).await;
        stopped.is_err()
    }

    fn asking(&self, key: Keypair) -> Asking {
        Asking::new(key, self.apis.clone(), self.number, self.record.clone())
    }

    fn fault(&self, what: String) {
        self.record.open().faults.push(what);
    }

    /// Each vote is of a wallet that nobody has seen before: it signs in, votes, and is gone.
    async fn vote(mut self) {
        for count in self.number.. {
            if !self.goes_on().await {
                return;
            }
            let mut voter = self.asking(Keypair::new());
            let (market, vote) =
                (self.places.proposals[count % self.places.proposals.len()].to_string(), count % 3 > 0);
            let body = json!({"market_id": market, "vote": vote});
            match voter.insist("POST", "/api/votes/proposal", &body, Some("vote")).await {
                Some((201, _)) => {
                    self.record.open().votes.push(Vote { market, wallet: voter.wallet(), vote });
                }
                Some((status, answer)) => self.fault(format!("a vote was answered by {status} {answer}")),
                None => {}
            }
        }
    }

    async fn comment(mut self) {
        let mut author = self.asking(Keypair::new());
        for count in 0.. {
            if !self.goes_on().await {
                return;
            }
            let market = self.places.proposals[count % self.places.proposals.len()].to_string();
            let content = format!("comment {count} of {}", self.number);
            let path = format!("/api/discussions/{market}");
            let key = format!("comment-{count}");
            match author.insist("POST", &path, &json!({"content": content}), Some(&key)).await {
                Some((201, answer)) => match answer["id"].as_str() {
                    Some(id) => {
                        let (id, wallet) = (id.to_owned(), author.wallet());
                        self.record.open().comments.push(Comment { id, market, wallet, content });
                    }
                    None => self.fault(format!("a comment without an id: {answer}")),
                },
                Some((status, answer)) => self.fault(format!("a comment was answered by {status} {answer}")),
                None => {}
            }
        }
    }

    /// One intent after another, each until a transaction of it has landed.
    async fn trade(mut self, key: Keypair) {
        let mut trader = self.asking(key);
        for count in 0.. {
            if !self.goes_on().await {
                return;
            }
            let intent = format!("intent-{}-{count}", self.number);
            let market = self.places.floor[(count + self.number) % self.places.floor.len()];
            // Both outcomes in turn, so that no market runs away to one of them.
            let outcome = if (count / self.places.floor.len()).is_multiple_of(2) { "YES" } else { "NO" };
            let order = json!({"market_id": market.to_string(), "outcome": outcome, "accept_unsound": true,
                               "spend": (SOL / 5 + count as u64).to_string(), "client_ref": intent});
            let mut has_landed = false;
            for build in 0..BUILDS_MAX {
                match self.one(&mut trader, &order, &format!("{intent}-{build}")).await {
                    Some(true) => {
                        has_landed = true;
                        break;
                    }
                    Some(false) => {}
                    None => return,
                }
            }
            if has_landed {
                self.record.open().landed += 1;
            } else {
                self.fault(format!("{intent} never landed"));
                return;
            }
        }
    }

    /// Builds, signs, hands in, and looks until it is decided: true if it landed, false if it has to be built anew. `None`
    /// after a fault.
    async fn one(&self, trader: &mut Asking, order: &Value, key: &str) -> Option<bool> {
        let (status, built) = trader.insist("POST", "/api/trades/buy", order, None).await?;
        let unsigned = match (status, built["transaction"].as_str()) {
            (200, Some(unsigned)) => unsigned,
            // The chain's rehearsal was of another moment.
            (422, _) => {
                sleep(PAUSE).await;
                return Some(false);
            }
            _ => {
                self.fault(format!("a trade was not built: {status} {built}"));
                return None;
            }
        };
        let body = json!({"transaction": sign(&trader.key, unsigned), "client_ref": order["client_ref"]});
        let (status, taken) = trader.insist("POST", "/api/transactions", &body, Some(key)).await?;
        let signature = match (status, taken["signature"].as_str()) {
            (200, Some(signature)) => signature.to_owned(),
            // Its blockhash was gone before anybody took it.
            (422, _) => return Some(false),
            _ => {
                self.fault(format!("a transaction was answered by {status} {taken}"));
                return None;
            }
        };
        let client_ref = order["client_ref"].as_str().unwrap_or_default().to_owned();
        self.record.open().orders.push(Order { signature: signature.clone(), client_ref });
        let path = format!("/api/transactions/{signature}");
        for _ in 0..LOOKS_MAX {
            let (status, seen) = trader.insist("GET", &path, &Value::Null, None).await?;
            match (status, seen["status"].as_str(), seen["settled"].as_bool()) {
                (200, Some("confirmed" | "finalized"), _) => return Some(true),
                (200, Some("expired" | "failed"), Some(true)) => return Some(false),
                (200, Some(_), _) => sleep(PAUSE).await,
                _ => {
                    self.fault(format!("{signature} was acknowledged, and is answered by {status} {seen}"));
                    return None;
                }
            }
        }
        self.fault(format!("{signature} never settles"));
        None
    }
}

/// A wallet's signature in its place.
fn sign(key: &Keypair, transaction: &str) -> String {
    let mut wire = BASE64_STANDARD.decode(transaction).expect("base64");
    assert_eq!(wire[0], 1, "one place for a signature");
    let signature = key.sign_message(&wire[65..]);
    wire[1..65].copy_from_slice(signature.as_ref());
    BASE64_STANDARD.encode(wire)
}
