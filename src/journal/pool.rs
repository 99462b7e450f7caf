//! Pools of connections, one for each arbiter that uses PostgreSQL: a connection lives on the runtime that made it.
//!
//! Owns what all connections of the engine have in common. Past a pool's size who asks waits, bounded, and then gets an
//! error that says so. A peer that is gone without a word is noticed by TCP after [`PEER_SILENCE`]; a server that holds
//! its socket and does not answer is the affair of who waits for it.

use std::time::Duration;

use deadpool_postgres::{ManagerConfig, Pool, PoolBuilder, RecyclingMethod, Runtime};
use tokio_postgres::Config;

use super::connector::Connector;

/// What was sent and is not acknowledged for so long ends the connection.
const PEER_SILENCE: Duration = Duration::from_secs(20);
/// A quiet connection is probed after so long, and then so often.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// How long a pool lets its askers wait.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection that others use.
    pub free: Duration,
    /// For a new connection.
    pub connect: Duration,
}

/// Settings that every connection of the engine has.
pub fn common(config: &mut Config) {
    config
        .application_name("zmart")
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_EVERY)
        .tcp_user_timeout(PEER_SILENCE);
}

/// At most `size` connections; nothing is connected before it is used.
pub fn builder(connector: Connector, size: usize, patience: Patience) -> PoolBuilder {
    Pool::builder(connector.manager(ManagerConfig { recycling_method: RecyclingMethod::Fast }))
        .max_size(size.max(1))
        .wait_timeout(Some(patience.free))
        .create_timeout(Some(patience.connect))
        .recycle_timeout(Some(patience.connect))
        .runtime(Runtime::Tokio1)
}

/// Drops the connections that wait in the pool: one of them may lead to a server that does not answer.
pub fn drop_idle(pool: &Pool) {
    pool.retain(|_, _| false);
}
