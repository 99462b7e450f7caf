//! Trading without custody, over real sockets: an engine, a chain whose slots leave time to sign, a proxy between them.

mod actions;
mod estimates;
mod life;
mod refusals;
mod rows;
mod submissions;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_sdk::{signature::Keypair, signer::Signer};
use zmart::domain::ids::{MarketAddress, Wallet};
use zmart_testkit::{
    chain::{Chain, ChainClient},
    engine::Engine,
    http::{Response, request},
    patience::wait_for,
    postgres::Database,
    proxy::{Handle, Proxy},
    signed_in::SignedInClient,
};

/// Long enough to sign in time on a busy machine, short enough to see a blockhash expire (150 of them).
const SLOT_MS: &str = "100";

struct Floor {
    engine: Engine,
    _database: Database,
    chain: Chain,
    hand: Handle,
    _proxy: Proxy,
}

impl Floor {
    async fn open() -> Self {
        Self::with_slots_of(SLOT_MS).await
    }

    async fn with_slots_of(slot_ms: &str) -> Self {
        let (chain, database) = (Chain::with_slots_of(slot_ms).await, Database::fresh().await);
        let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
        let mut engine = Engine::on(&chain, &database);
        engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
        engine.set("SOLANA_WS_URL", &proxy.ws_url);
        engine.set("COVERAGE_INTERVAL_MS", "500");
        engine.set("RESEND_MS", "500");
        engine.set("SLOT_MS", slot_ms);
        engine.start().await;
        engine.ready().await;
        Self { engine, _database: database, chain, hand: proxy.handle(), _proxy: proxy }
    }

    fn client(&self) -> &ChainClient {
        self.chain.client()
    }

    async fn get(&self, path: &str) -> Response {
        request("GET", &self.engine.api, path, &[], b"").await
    }

    /// Waits until the engine shows the market so.
    async fn shown(&self, market: MarketAddress, what: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("market {market} to be shown"), || async {
            let answer = self.get(&format!("/api/markets/{market}")).await;
            let body = answer.json();
            if answer.status == 200 && what(&body) { Ok(body) } else { Err(body) }
        })
        .await
    }

    /// A market that can be traded, shown as such.
    async fn active_market(&self, creator: &Keypair, b_parameter: u64) -> MarketAddress {
        let market = self.chain.active_market(creator, b_parameter).await;
        self.shown(market, |body| body["state"] == "ACTIVE").await;
        market
    }

    /// A signed-in wallet with money.
    async fn trader(&self) -> Trader {
        Trader(SignedInClient::with_key(&self.engine.api, self.client().funded_wallet().await).await)
    }
}

/// A signed-in wallet.
struct Trader(SignedInClient);

impl Trader {
    fn key(&self) -> &Keypair {
        &self.0.key
    }

    fn wallet(&self) -> Wallet {
        self.0.wallet()
    }

    async fn post_keyed(&self, path: &str, body: &Value, key: &str) -> Response {
        self.0.post_once(path, key, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.0.post(path, &body).await
    }

    /// What is built for this wallet.
    async fn built(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body.clone()).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Signs what was built.
    fn sign(&self, built: &Value) -> String {
        sign(self.key(), built["transaction"].as_str().unwrap())
    }

    /// Signs what was built and hands it in.
    async fn submit(&self, built: &Value) -> String {
        let body = json!({"transaction": self.sign(built), "client_ref": built["client_ref"]});
        let answer = self.post("/api/transactions", body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let reply = answer.json();
        assert_eq!(reply["status"], "received", "{reply}");
        reply["signature"].as_str().unwrap().to_owned()
    }

    async fn status(&self, signature: &str) -> Response {
        self.0.get(&format!("/api/transactions/{signature}")).await
    }

    /// Waits until a transaction stands so.
    async fn stands(&self, signature: &str, wanted: &[&str]) -> Value {
        wait_for(&format!("{signature} to be {wanted:?}"), || async {
            let body = self.status(signature).await.json();
            if wanted.iter().any(|status| body["status"] == *status) { Ok(body) } else { Err(body) }
        })
        .await
    }

    /// Builds, signs, hands in, and waits until the chain has it for good as far as anybody acts on it.
    async fn does(&self, path: &str, body: Value) -> Value {
        let built = self.built(path, body).await;
        let signature = self.submit(&built).await;
        self.stands(&signature, &["confirmed", "finalized"]).await;
        built
    }
}

/// A wallet's signature in its place.
fn sign(keypair: &Keypair, transaction: &str) -> String {
    let mut wire = BASE64_STANDARD.decode(transaction).unwrap();
    assert_eq!(wire[0], 1, "one place for a signature");
    let signature = keypair.sign_message(&wire[65..]);
    wire[1..65].copy_from_slice(signature.as_ref());
    BASE64_STANDARD.encode(wire)
}
