//! A chain, a database, perhaps a Redis, and engines on all of them.

use serde_json::Value;
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    chain::Chain, engine::Engine, http::try_request, patience::wait_for, postgres::Database, redis::Redis,
};

/// See the module. Engines go first when it is dropped.
#[derive(Debug)]
pub struct Nodes {
    /// The engines, `node-0` and so on.
    pub engines: Vec<Engine>,
    /// What they share, if they do.
    pub redis: Option<Redis>,
    /// Their database.
    pub database: Database,
    /// Their chain.
    pub chain: Chain,
}

impl Nodes {
    /// So many engines, the first of which leads.
    pub async fn set(count: usize, with_redis: bool) -> Self {
        let (chain, database) = (Chain::start().await, Database::fresh().await);
        let redis = if with_redis { Some(Redis::start().await) } else { None };
        let mut engines = Vec::new();
        for number in 0..count {
            let mut engine = Engine::on(&chain, &database);
            engine.set("NODE_ID", &format!("node-{number}"));
            engine.set("COVERAGE_INTERVAL_MS", "500");
            // Many engines on one small server.
            engine.set("WORKERS", "1");
            engine.set("DATABASE_READ_CONNECTIONS", "2");
            engine.set("DATABASE_STREAM_CONNECTIONS", "2");
            if let Some(redis) = &redis {
                engine.set("REDIS_URL", &redis.url);
            }
            engine.start().await;
            engine.ready().await;
            engines.push(engine);
        }
        let nodes = Self { engines, redis, database, chain };
        for node in 0..count {
            nodes.is(node, if node == 0 { "leader" } else { "follower" }).await;
        }
        nodes
    }

    /// What `/ready` of a node says; nothing if it does not answer.
    pub async fn told(&self, node: usize) -> Option<Value> {
        let answer = try_request("GET", &self.engines[node].api, "/ready", &[], b"").await.ok()?;
        Some(answer.json())
    }

    /// Waits until a node has that role.
    pub async fn is(&self, node: usize, role: &str) {
        self.says(node, &format!("it is the {role}"), |told| told["lease"]["role"] == role).await;
    }

    /// Waits until `/ready` of a node says so.
    pub async fn says(&self, node: usize, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("node {node} to say that {what}"), || async {
            match self.told(node).await {
                Some(told) if so(&told) => Ok(told),
                told => Err(format!("{told:?}")),
            }
        })
        .await
    }

    /// Waits until one of these nodes leads: which, and in which term. How long it took is told, not asserted: the rule is
    /// 10 s, and a lease's time and its keeper's leave room for it, but the machine may be busy.
    pub async fn another_leads(&self, among: &[usize]) -> (usize, i64) {
        let began = std::time::Instant::now();
        let found = wait_for("another node to lead", || async {
            for node in among {
                let told = self.told(*node).await.unwrap_or_default();
                if let (Some("leader"), Some(term)) = (told["lease"]["role"].as_str(), told["lease"]["term"].as_i64()) {
                    return Ok((*node, term));
                }
            }
            Err("nobody")
        })
        .await;
        eprintln!("another node leads after {:?}", began.elapsed());
        found
    }

    /// Waits until a node shows a market.
    pub async fn shown(&self, node: usize, market: MarketAddress) {
        wait_for(&format!("node {node} to show {market}"), || async {
            let path = format!("/api/markets/{market}");
            match try_request("GET", &self.engines[node].api, &path, &[], b"").await {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(answer.status.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// The WebSocket addresses, from one node on.
    pub fn sockets_from(&self, node: usize) -> Vec<String> {
        let count = self.engines.len();
        (0..count).map(|step| self.engines[(node + step) % count].ws.clone()).collect()
    }
}

/// Why a part is as it is, in what `/ready` says.
pub fn reason(told: &Value, part: &str) -> String {
    told["parts"][part]["reason"].as_str().unwrap_or_default().to_owned()
}
