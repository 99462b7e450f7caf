//! The pools of connections to PostgreSQL, for operators: who has how many, and who waits.
//!
//! Owns no connection and keeps no pool alive. Pools of one name (one a worker) are told as one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use deadpool_postgres::{Pool, Status};

/// How a pool is now; `None`: it is gone.
type Ask = Box<dyn Fn() -> Option<Status> + Send>;

/// The pools that are watched; clones share the list.
#[derive(Clone, Default)]
pub struct Pools(Arc<Mutex<Vec<(&'static str, Ask)>>>);

/// What pools of a name have now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Who they are for.
    pub name: &'static str,
    /// Connections that somebody has.
    pub used: u64,
    /// Connections that are open and nobody's.
    pub idle: u64,
    /// Most that there may be.
    pub limit: u64,
    /// Who waits for one.
    pub waiting: u64,
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pools")
    }
}

impl Pools {
    /// Adds a pool.
    pub fn watch(&self, name: &'static str, pool: &Pool) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|(_, ask)| ask().is_some());
        let pool = pool.weak();
        pools.push((name, Box::new(move || Some(pool.upgrade()?.status()))));
    }

    /// As [`Pools::watch`], of what was just made.
    pub fn watched(&self, name: &'static str, pool: Pool) -> Pool {
        self.watch(name, &pool);
        pool
    }

    /// What they have now, by name.
    pub fn usage(&self) -> Vec<Usage> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: BTreeMap<&'static str, Usage> = BTreeMap::new();
        for (name, status) in pools.iter().filter_map(|(name, ask)| Some((*name, ask()?))) {
            let sum = all.entry(name).or_insert(Usage { name, used: 0, idle: 0, limit: 0, waiting: 0 });
            sum.used += status.size.saturating_sub(status.available) as u64;
            sum.idle += status.available as u64;
            sum.limit += status.max_size as u64;
            sum.waiting += status.waiting as u64;
        }
        all.into_values().collect()
    }
}
