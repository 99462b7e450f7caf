//! Buckets in Redis, which all nodes share.
//!
//! The same rule as in memory (a bucket that fills evenly), in one script a request, by Redis's own clock: two nodes can't
//! both take the last one. Redis is a convenience here, never a condition: it gets [`PATIENCE`], and the first failure
//! turns every worker to its own memory at once. Only [`Probe`], one a process, tries it again, so no request waits for
//! a server that is known to be away; state changes are logged once, and readiness shows them without turning down.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_redis::redis::{Client, RedisError, aio::MultiplexedConnection, cmd};
use tokio::{
    sync::Mutex,
    time::{error::Elapsed, timeout},
};

use super::{Standing, class::Class, client::Subject, rate::Rate};
use crate::{
    redis::{RedisSettings, RedisSettingsError, describe},
    telemetry::health::{Health, Part},
};

/// Longest that a request waits for Redis, connecting included.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// How often Redis is looked at.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Longest that a look may take.
const PROBE_PATIENCE: Duration = Duration::from_millis(500);

/// Takes one out of each bucket, in order, until one is empty. A bucket is a moment: the one at which it will be full
/// again, in microseconds. KEYS: buckets. ARGV: for each, microseconds until one comes back, and how many it holds.
/// Answers the bucket that decides (the last, or the first empty one), what is left of it, and if it is empty the
/// microseconds until one is back, else -1.
const SCRIPT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local left = 0
for i, key in ipairs(KEYS) do
  local interval, size = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full_at = math.max(tonumber(redis.call('GET', key) or now), now) + interval
  local early = full_at - now - interval * size
  if early > 0 then return {i, 0, early} end
  redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  left = math.floor(-early / interval)
end
return {#KEYS, left, -1}
";

/// Why Redis did not count.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no answer within {} ms", PATIENCE.as_millis())]
    Slow(#[from] Elapsed),
    #[error("{}", describe(.0))]
    Redis(#[from] RedisError),
    #[error("an answer that makes no sense")]
    Nonsense,
}

/// Redis, as the whole process sees it; clones share it.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    is_up: Arc<AtomicBool>,
    /// How often it has come: a connection of an earlier time is dead, whatever it says.
    life: Arc<AtomicU64>,
    health: Health,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client: its address may carry a password.
        f.debug_struct("Redis").field("is_up", &self.is_up).finish_non_exhaustive()
    }
}

impl Redis {
    /// Connects to nothing yet; away until the first look.
    ///
    /// # Errors
    /// There can be no client for it.
    pub fn new(settings: &RedisSettings, health: Health) -> Result<Self, RedisSettingsError> {
        let client = settings.client()?;
        health.degraded(Part::Redis, "not reached yet: limits are counted by this node alone");
        Ok(Self { client, is_up: Arc::default(), life: Arc::default(), health })
    }

    fn came(&self) {
        if !self.is_up.load(Ordering::Relaxed) {
            self.life.fetch_add(1, Ordering::Relaxed);
            self.is_up.store(true, Ordering::Release);
        }
        self.health.up(Part::Redis);
    }

    fn failed(&self, failure: &Failure) {
        self.is_up.store(false, Ordering::Relaxed);
        self.health.degraded(Part::Redis, format!("{failure}: limits are counted by this node alone"));
    }

    /// Looks at Redis again and again, until it is dropped.
    pub async fn probe(self) {
        let mut connection = None;
        loop {
            match timeout(PROBE_PATIENCE, self.look(&mut connection)).await.map_err(Failure::from).flatten() {
                Ok(()) => self.came(),
                Err(failure) => {
                    connection = None;
                    self.failed(&failure);
                }
            }
            tokio::time::sleep(PROBE_EVERY).await;
        }
    }

    async fn look(&self, connection: &mut Option<MultiplexedConnection>) -> Result<(), Failure> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.client.get_multiplexed_async_connection().await?),
        };
        // A replica that only reads would count nothing.
        let _: () = cmd("SET").arg("zmart:limit:probe").arg(1).arg("PX").arg(1_000).query_async(connection).await?;
        Ok(())
    }
}

/// A worker's connection.
pub struct SharedBuckets {
    redis: Redis,
    connection: Mutex<Option<(u64, MultiplexedConnection)>>,
}

impl fmt::Debug for SharedBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.redis.fmt(f)
    }
}

impl SharedBuckets {
    /// Of the worker that this is called on.
    pub fn new(redis: Redis) -> Self {
        Self { redis, connection: Mutex::default() }
    }

    /// Takes one out of each bucket until one is empty; `None` while Redis is away.
    pub async fn charge(&self, subject: Subject, buckets: &[(Class, Rate)]) -> Option<Standing> {
        if !self.redis.is_up.load(Ordering::Acquire) {
            return None;
        }
        match timeout(PATIENCE, self.ask(subject, buckets)).await.map_err(Failure::from).flatten() {
            Ok(standing) => Some(standing),
            Err(failure) => {
                // When it comes again, connections are made anew.
                self.redis.failed(&failure);
                None
            }
        }
    }

    async fn ask(&self, subject: Subject, buckets: &[(Class, Rate)]) -> Result<Standing, Failure> {
        let mut connection = {
            let mut known = self.connection.lock().await;
            let life = self.redis.life.load(Ordering::Relaxed);
            match &*known {
                Some((made, connection)) if *made == life => connection.clone(),
                _ => {
                    let connection = self.redis.client.get_multiplexed_async_connection().await?;
                    known.insert((life, connection)).1.clone()
                }
            }
        };
        let mut script = cmd("EVAL");
        script.arg(SCRIPT).arg(buckets.len());
        for (class, _) in buckets {
            script.arg(key(subject, *class));
        }
        for (_, rate) in buckets {
            script.arg(u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX)).arg(rate.count.get());
        }
        let (decides, left, wait_us): (usize, u32, i64) = script.query_async(&mut connection).await?;
        let (_, rate) = decides.checked_sub(1).and_then(|at| buckets.get(at)).ok_or(Failure::Nonsense)?;
        Ok(match u64::try_from(wait_us) {
            Ok(wait_us) => Standing::refused(*rate, wait_us.div_ceil(1_000_000)),
            Err(_) => Standing::allowed(*rate, left),
        })
    }
}

fn key(subject: Subject, class: Class) -> String {
    let kind = match subject {
        Subject::Address(IpAddr::V4(_)) => "ip4",
        Subject::Address(IpAddr::V6(_)) => "ip6",
        Subject::Wallet(_) => "wallet",
    };
    format!("zmart:limit:{}:{kind}:{subject}", class.name())
}
