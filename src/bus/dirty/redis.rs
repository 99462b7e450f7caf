//! The set of changed markets in Redis: SADD and SPOP on one key a database and life of its journal.
//!
//! A key that nobody touches runs out within [`KEPT_SECONDS`]: nothing stays of a deployment that is gone. A connection that
//! failed, or did not answer within [`PATIENCE`], is dropped, and the next who asks makes another.

use std::{fmt, time::Duration};

use deadpool_redis::redis::{Client, RedisError, aio::MultiplexedConnection, cmd, pipe};
use futures_util::future::BoxFuture;
use tokio::{sync::Mutex, time::timeout};

use super::{DIRTY_BATCH, DIRTY_MAX, DirtyAway, DirtyMarkets};
use crate::{bus::redis::Name, domain::ids::MarketAddress, redis::describe};

/// Redis has so long to answer.
const PATIENCE: Duration = Duration::from_secs(1);
const KEPT_SECONDS: i64 = 3_600;

/// See the module.
pub struct RedisDirty {
    client: Client,
    key: Name,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl fmt::Debug for RedisDirty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client: its address may carry a password.
        f.debug_struct("RedisDirty").field("key", &(self.key)()).finish_non_exhaustive()
    }
}

impl RedisDirty {
    /// Connects to nothing yet.
    pub fn new(client: Client, key: Name) -> Self {
        Self { client, key, connection: Mutex::new(None) }
    }

    /// Asks on the connection that there is, or a new one; one that fails is dropped.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, DirtyAway> {
        let mut held = self.connection.lock().await;
        let asked = async {
            let connection = match held.as_mut() {
                Some(connection) => connection,
                None => held.insert(self.client.get_multiplexed_async_connection().await?),
            };
            question(connection).await
        };
        let failure = match timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => describe(&error),
            Err(_) => format!("no answer within {} ms", PATIENCE.as_millis()),
        };
        *held = None;
        Err(DirtyAway(failure))
    }
}

impl DirtyMarkets for RedisDirty {
    fn mark<'a>(&'a self, markets: &'a [MarketAddress]) -> BoxFuture<'a, Result<(), DirtyAway>> {
        Box::pin(async move {
            if markets.is_empty() {
                return Ok(());
            }
            self.ask(async |connection| {
                let count: usize = cmd("SCARD").arg((self.key)()).query_async(connection).await?;
                // More than the bound by a batch of each who marks at once, at most.
                if count >= DIRTY_MAX {
                    return Ok(());
                }
                let names: Vec<String> = markets.iter().take(DIRTY_BATCH).map(ToString::to_string).collect();
                let mut both = pipe();
                both.atomic().cmd("SADD").arg((self.key)()).arg(names).ignore();
                both.cmd("EXPIRE").arg((self.key)()).arg(KEPT_SECONDS).ignore();
                both.query_async(connection).await
            })
            .await
        })
    }

    fn take(&self, at_most: usize) -> BoxFuture<'_, Result<Vec<MarketAddress>, DirtyAway>> {
        Box::pin(async move {
            let names: Vec<String> = self
                .ask(async |connection| {
                    cmd("SPOP").arg((self.key)()).arg(at_most.min(DIRTY_BATCH)).query_async(connection).await
                })
                .await?;
            // Whoever else writes to that key can only have markets looked at.
            Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
        })
    }
}
