//! Questions to a node, and transactions for it.
//!
//! [`ChainRpc`] owns the connection to one node, or to the one of two that is in use ([`Endpoints`]): every call goes through
//! one shared [`RpcBudget`], obeys "too many requests", ends within a bounded time and after a bounded number of attempts, and
//! answers in our own types. It keeps no cursor, no cache and no opinion: what an answer means is the caller's part. In
//! particular it does not believe that a node honours a commitment: development chains answer `getTransaction` and accounts
//! in their newest state whatever was asked, so a status is asked for where it matters. Nor that two nodes know the same:
//! what belongs together is asked of one ([`ChainRpc::pinned`]).
//!
//! A client holds connections that belong to the runtime on which they were opened: make one for each arbiter that
//! asks, and share the budget among them. A clone shares the connections.

mod accounts;
mod batch;
mod budget;
mod clock;
mod endpoints;
mod error;
mod history;
pub mod slices;
mod submit;
mod transport;
mod wire;

#[cfg(test)]
mod endpoints_tests;
#[cfg(test)]
pub(crate) mod node_tests;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_rpc_client::{nonblocking::rpc_client::RpcClient, rpc_client::RpcClientConfig};
use solana_rpc_client_api::request::RpcRequest;
use tokio::sync::Semaphore;

pub use self::{
    accounts::{AccountAt, AccountsAt},
    budget::{PAUSE_MAX, RpcBudget},
    clock::ChainClock,
    endpoints::{Endpoint, Endpoints, Look, Standing},
    error::{ChainReadError, ChainSendError, TransactionFailure},
    history::{MAX_SIGNATURES, MAX_STATUSES, SignatureStatus},
    submit::{LatestBlockhash, SendOptions, Simulation},
    wire::{FoundSignature, RawAccount, SignaturePage, WireError, parse_transaction},
};
use self::{
    transport::{Failure, Transport, failure_of},
    wire::WithContext,
};
use super::model::Commitment;
use crate::domain::{
    amount::Lamports,
    ids::{AccountAddress, ProgramId, Slot, Wallet},
};

/// Copies of transactions on their way to the node that is not in use, of one client; past it none is sent.
const COPIES_MAX: usize = 64;

/// How a client behaves.
#[derive(Clone)]
pub struct RpcOptions {
    /// Where the node listens (`http` or `https`). May carry a key: it is never logged.
    pub url: String,
    /// The program whose accounts and instructions are read.
    pub program: ProgramId,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long a call may take in all: its turn in the budget, pauses, attempts.
    pub call_timeout: Duration,
    /// How often a read is tried, at least once.
    pub attempts: usize,
    /// The choice between this node and a second one; all clients of a process share it.
    pub endpoints: Endpoints,
}

impl RpcOptions {
    /// With 10 s an attempt, 30 s a call, 4 attempts.
    pub fn new(url: impl Into<String>, program: ProgramId) -> Self {
        Self {
            url: url.into(),
            program,
            attempt_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
            attempts: 4,
            endpoints: Endpoints::default(),
        }
    }

    /// With a second node, perhaps.
    pub fn beside(self, endpoints: &Endpoints) -> Self {
        Self { endpoints: endpoints.clone(), ..self }
    }
}

/// The end of the chain, as one node has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tip {
    /// Its slot.
    #[serde(rename = "absoluteSlot")]
    pub slot: Slot,
    /// The height of its block.
    pub block_height: u64,
}

/// A client can't be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the address of the node can't be used: {0}")]
pub struct RpcSetupError(String);

/// A client of one node, or of two of which one is in use; cheap to clone.
#[derive(Clone)]
pub struct ChainRpc {
    inner: Arc<Inner>,
    /// Only this one is asked.
    pin: Option<Endpoint>,
}

struct Inner {
    first: Node,
    second: Option<Node>,
    endpoints: Endpoints,
    program: ProgramId,
    call_timeout: Duration,
    attempts: usize,
    /// Copies of transactions on their way to the node that is not in use.
    copies: Arc<Semaphore>,
}

/// A node, and the pause that it has asked for.
struct Node {
    client: RpcClient,
    /// What the client library can't send: many calls at once.
    batches: Transport,
    budget: RpcBudget,
}

impl fmt::Debug for ChainRpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainRpc").field("program", &self.inner.program).field("pin", &self.pin).finish_non_exhaustive()
    }
}

impl ChainRpc {
    /// Makes a client; connects when it is first asked.
    pub fn new(options: RpcOptions, budget: RpcBudget) -> Result<Self, RpcSetupError> {
        let RpcOptions { url, program, attempt_timeout, call_timeout, attempts, endpoints } = options;
        let node = |url: &str, budget: RpcBudget| {
            let transport =
                || Transport::new(url, budget.clone(), attempt_timeout, call_timeout).map_err(RpcSetupError);
            let batches = transport()?;
            Ok(Node { client: RpcClient::new_sender(transport()?, RpcClientConfig::default()), batches, budget })
        };
        let second = endpoints.second_url().map(|url| node(url, budget.of_second())).transpose()?;
        let first = node(&url, budget)?;
        let copies = Arc::new(Semaphore::new(COPIES_MAX));
        let inner = Inner { first, second, endpoints, program, call_timeout, attempts: attempts.max(1), copies };
        Ok(Self { inner: Arc::new(inner), pin: None })
    }

    /// The choice between the nodes.
    pub fn endpoints(&self) -> &Endpoints {
        &self.inner.endpoints
    }

    /// The one that is asked now.
    pub fn endpoint(&self) -> Endpoint {
        let endpoint = self.pin.unwrap_or_else(|| self.inner.endpoints.in_use());
        if self.inner.second.is_some() { endpoint } else { Endpoint::First }
    }

    /// The one that is in use now, and no other from here on: for questions whose answers belong together.
    pub fn pinned(&self) -> Self {
        self.at(self.endpoint())
    }

    /// That one, whichever is in use. The first, where there is no second.
    pub fn at(&self, endpoint: Endpoint) -> Self {
        let endpoint = if self.inner.second.is_some() { endpoint } else { Endpoint::First };
        Self { inner: Arc::clone(&self.inner), pin: Some(endpoint) }
    }

    /// May what can't be taken back be decided by what this one says? Only by the first one's word: the second may keep less
    /// history, or be behind.
    pub fn decides(&self) -> bool {
        self.endpoint() == Endpoint::First
    }

    /// Looks at the node that this client is pinned to: one attempt, within that time; also at which chain it is of, where that is
    /// not known lately.
    pub async fn look(&self, patience: Duration) -> Look {
        let ask = async {
            if let Some(genesis) = self.inner.endpoints.genesis_to_see(self.endpoint()) {
                let seen = self.call_once(RpcRequest::GetGenesisHash, json!([])).await?;
                if seen.as_str() != Some(genesis.as_str()) {
                    return Ok(Look::OtherChain);
                }
            }
            let slot = self.call_once(RpcRequest::GetSlot, json!([{ "commitment": Commitment::Confirmed }])).await?;
            match slot.as_u64() {
                Some(slot) => Ok(Look::Answers(Slot(slot))),
                None => Err(Failure::Unusable("no slot".into())),
            }
        };
        match tokio::time::timeout(patience, ask).await {
            Ok(Ok(look)) => look,
            Ok(Err(failure)) => Look::Away(failure.to_string()),
            Err(_) => Look::Away(format!("no answer in {patience:?}")),
        }
    }

    /// The program whose accounts it reads.
    pub fn program(&self) -> ProgramId {
        self.inner.program
    }

    /// The cluster's identity (base58).
    pub async fn genesis_hash(&self) -> Result<String, ChainReadError> {
        let hash: AccountAddress = self.read(RpcRequest::GetGenesisHash, json!([])).await?;
        Ok(hash.to_string())
    }

    /// The newest slot of that commitment.
    pub async fn slot(&self, commitment: Commitment) -> Result<Slot, ChainReadError> {
        self.read(RpcRequest::GetSlot, json!([{ "commitment": commitment }])).await
    }

    /// The newest block's height of that commitment: what a blockhash's last valid height is compared with.
    pub async fn block_height(&self, commitment: Commitment) -> Result<u64, ChainReadError> {
        self.read(RpcRequest::GetBlockHeight, json!([{ "commitment": commitment }])).await
    }

    /// The newest slot of that commitment and the height of its block, in one answer. Development chains answer the newest
    /// of all, whatever the commitment.
    pub async fn tip(&self, commitment: Commitment) -> Result<Tip, ChainReadError> {
        self.read(RpcRequest::GetEpochInfo, json!([{ "commitment": commitment }])).await
    }

    /// The oldest slot whose block the node still has.
    pub async fn first_available_slot(&self) -> Result<Slot, ChainReadError> {
        self.read(RpcRequest::GetFirstAvailableBlock, json!([])).await
    }

    /// A wallet's balance, confirmed.
    pub async fn balance(&self, wallet: Wallet) -> Result<Lamports, ChainReadError> {
        let params = json!([wallet, { "commitment": Commitment::Confirmed }]);
        let balance: WithContext<u64> = self.read(RpcRequest::GetBalance, params).await?;
        Ok(Lamports(balance.value))
    }

    /// A read: repeated while that may help, then parsed.
    async fn read<T: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<T, ChainReadError> {
        let answer = self.read_value(request, params).await?;
        serde_json::from_value(answer)
            .map_err(|error| ChainReadError::BadAnswer { method: request.as_str(), detail: error.to_string() })
    }

    async fn read_value(&self, request: RpcRequest, params: Value) -> Result<Value, ChainReadError> {
        let method = request.as_str();
        // A call that begins at one node may end at the other: each attempt asks the one in use.
        let attempt = || async {
            self.attempt(request, params.clone()).await.map_err(|failure| ChainReadError::of(method, failure))
        };
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(self.inner.attempts - 1)
            .with_jitter();
        let read = attempt.retry(backoff).when(ChainReadError::is_transient);
        self.within_call(read).await.unwrap_or_else(|| {
            Err(match self.node(self.endpoint()).budget.pause_left() {
                Some(retry_after) => ChainReadError::RateLimited { method, retry_after },
                None => ChainReadError::Unavailable { method, detail: "no answer in time".into() },
            })
        })
    }

    /// A call that must not be repeated blindly: one attempt.
    async fn call_once(&self, request: RpcRequest, params: Value) -> Result<Value, Failure> {
        let call = self.attempt(request, params);
        self.within_call(call).await.unwrap_or_else(|| Err(Failure::NoAnswer("no answer in time".into())))
    }

    async fn attempt(&self, request: RpcRequest, params: Value) -> Result<Value, Failure> {
        let endpoint = self.endpoint();
        let answer = self.node(endpoint).client.send::<Value>(request, params).await.map_err(failure_of);
        match &answer {
            Err(failure) if failure.is_the_nodes() => self.inner.endpoints.failed(endpoint, &failure.to_string()),
            _ => self.inner.endpoints.answered(endpoint),
        }
        answer
    }

    fn node(&self, endpoint: Endpoint) -> &Node {
        match (endpoint, &self.inner.second) {
            (Endpoint::Second, Some(second)) => second,
            _ => &self.inner.first,
        }
    }

    async fn within_call<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.inner.call_timeout, call).await.ok()
    }
}

fn bad_answer(request: RpcRequest) -> impl FnOnce(WireError) -> ChainReadError {
    move |WireError(detail)| ChainReadError::BadAnswer { method: request.as_str(), detail }
}
