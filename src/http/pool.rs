//! Connections to PostgreSQL for requests, of one arbiter: a connection lives on the runtime that made it.
//!
//! They are of the login that may do nothing by itself; every use is one transaction of [`crate::journal::rights`].

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{BuildError, Object, Pool, PoolError};
use tokio::sync::OnceCell;

use crate::{
    journal::{
        connector::Connector,
        current_life::CurrentLife,
        pool::{self, Patience},
    },
    telemetry::pools::Pools,
};

/// A connection could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PoolFailure {
    /// None came in time, or none could be made.
    #[error("no connection to the database: {0}")]
    Connection(#[from] PoolError),
    /// The settings contradict each other.
    #[error("the pool of connections can't be made: {0}")]
    Settings(#[from] BuildError),
}

/// A request waits no longer than its client would.
const PATIENCE: Patience = Patience { free: Duration::from_secs(3), connect: Duration::from_secs(5) };

/// A few connections, opened when they are needed. Clones share them.
#[derive(Debug, Clone)]
pub struct ReadPool {
    database: Connector,
    size: usize,
    life: Option<CurrentLife>,
    watched: Option<(&'static str, Pools)>,
    pool: Arc<OnceCell<Pool>>,
}

impl ReadPool {
    /// At most `size` connections to `database`; connects to nothing yet.
    pub fn new(database: Connector, size: usize) -> Self {
        Self { database, size, life: None, watched: None, pool: Arc::default() }
    }

    /// Its connections lead to the database of this life of the journal, or are none.
    pub fn living_in(self, life: Option<CurrentLife>) -> Self {
        Self { life, pool: Arc::default(), ..self }
    }

    /// Operators see it by this name, once it is used.
    pub fn watched(self, name: &'static str, pools: Pools) -> Self {
        Self { watched: Some((name, pools)), pool: Arc::default(), ..self }
    }

    /// At most `size` others to the same database: who holds these takes none of ours.
    pub fn beside(&self, size: usize) -> Self {
        Self { size, pool: Arc::default(), ..self.clone() }
    }

    /// A connection.
    ///
    /// # Errors
    /// [`PoolFailure`] if none can be had in time.
    pub async fn get(&self) -> Result<Object, PoolFailure> {
        let made = async || {
            let mut builder = pool::builder(self.database.clone(), self.size, PATIENCE);
            if let Some(life) = &self.life {
                builder = life.bind(builder);
            }
            builder.build().inspect(|pool| {
                if let Some((name, pools)) = &self.watched {
                    pools.watch(name, pool);
                }
            })
        };
        let pool = self.pool.get_or_try_init(made).await?;
        Ok(pool.get().await?)
    }
}
