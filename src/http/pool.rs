//! Connections to PostgreSQL for reading, of one arbiter: a connection lives on the runtime that made it.

use std::time::Duration;

use deadpool_postgres::{BuildError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

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

/// Wait this long for a connection that others use, then give up.
const WAIT: Duration = Duration::from_secs(3);
/// Wait this long for a new connection.
const CONNECT: Duration = Duration::from_secs(5);

/// A few connections, opened when they are needed.
#[derive(Debug)]
pub struct ReadPool {
    database: tokio_postgres::Config,
    size: usize,
    pool: OnceCell<Pool>,
}

impl ReadPool {
    /// At most `size` connections to `database`; connects to nothing yet.
    pub fn new(database: tokio_postgres::Config, size: usize) -> Self {
        Self { database, size: size.max(1), pool: OnceCell::new() }
    }

    /// A connection.
    ///
    /// # Errors
    /// [`PoolFailure`] if none can be had in time.
    pub async fn get(&self) -> Result<Object, PoolFailure> {
        let pool = self.pool.get_or_try_init(|| async { self.build() }).await?;
        Ok(pool.get().await?)
    }

    fn build(&self) -> Result<Pool, BuildError> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Pool::builder(Manager::from_config(self.database.clone(), NoTls, config))
            .max_size(self.size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .build()
    }
}
