//! The lease: which node may write what only one may, in which term.
//!
//! Owns the row `leases` and the lock that every transaction of a singleton takes on it before it writes ([`Leased`]). Three
//! rules make two writers impossible, whatever clocks, pauses and networks do:
//!
//! - The row's `expires_at` is compared with PostgreSQL's own clock, never with a node's.
//! - A singleton's transaction locks the row `FOR KEY SHARE`, with its term and only while it is valid. A takeover locks it
//!   `FOR UPDATE`: it waits for every transaction that holds the lock, so one whose COMMIT is on its way when the lease
//!   ends is either there when the next leader begins to read, or never.
//! - A takeover adds 1 to the term: whoever wakes up with an older one finds no row to lock.
//!
//! A renewal changes no key of the row, so it never waits for the locks of batches (that is why they are not `FOR SHARE`,
//! behind which a busy writer could keep its own renewals waiting). Never decides when to renew or to stop: that is the
//! keeper's.

use std::{
    fmt,
    time::{Duration, Instant},
};

use deadpool_postgres::{Client, Pool, PoolError, Transaction};

use super::JournalError;

/// A lease is valid for so long after it was taken or renewed.
pub const VALID: Duration = Duration::from_secs(6);

/// The one lease that there is.
const NAME: &str = "engine";

/// Locks the lease's row until the transaction ends; touches no row where the term is over or has expired.
pub(super) const HOLD: &str =
    "SELECT FROM leases WHERE name = 'engine' AND term = $1 AND expires_at > clock_timestamp() FOR KEY SHARE";

/// A term of the lease: one node's, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term(pub i64);

impl Term {
    /// Nobody's: whoever has only this one may write nothing.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who holds the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name; empty before the first.
    pub node: String,
    /// Its term.
    pub term: Term,
    /// It has not expired, nor was it given up.
    pub is_valid: bool,
}

/// What came of asking for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is ours until that moment, at least.
    Ours(Term, Instant),
    /// It is another's.
    Theirs(Holder),
}

/// Takes the lease if nobody holds it; `at_once`: also if this very node does, in an earlier life of its process. Waits for
/// every transaction of the last term to end.
///
/// # Errors
/// [`JournalError`]: it was not taken, or (where COMMIT had no answer) in a term that nobody will use.
pub async fn take(pool: &Pool, node: &str, valid: Duration, at_once: bool) -> Result<Asked, JournalError> {
    const WAIT: &str = "SELECT FROM leases WHERE name = $1 AND term = $2 \
                        AND (expires_at <= clock_timestamp() OR ($3 AND node = $4)) FOR UPDATE";
    const TAKE: &str = "UPDATE leases SET node = $2, term = term + 1, \
                            expires_at = clock_timestamp() + make_interval(secs => $3) \
                        WHERE name = $1 RETURNING term";
    let mut client = pool.get().await?;
    let holder = holder_of(&client).await?;
    if holder.is_valid && !(at_once && holder.node == node) {
        return Ok(Asked::Theirs(holder));
    }
    let tx = client.transaction().await?;
    if tx.query_opt(WAIT, &[&NAME, &holder.term.0, &at_once, &node]).await?.is_none() {
        // Somebody was quicker.
        drop(tx);
        return Ok(Asked::Theirs(holder_of(&client).await?));
    }
    // After the wait: what is counted from here is valid no longer than the row says.
    let asked_at = Instant::now();
    let term = tx.query_one(TAKE, &[&NAME, &node, &valid.as_secs_f64()]).await?.try_get(0)?;
    tx.commit().await?;
    Ok(Asked::Ours(Term(term), asked_at + valid))
}

/// Renews a lease that is still ours; until when. `None`: its term is over. One that has expired, and that nobody has taken
/// since, is still ours: nobody has written in between.
///
/// # Errors
/// [`JournalError`]: unknown; ask again.
pub async fn renew(pool: &Pool, term: Term, valid: Duration) -> Result<Option<Instant>, JournalError> {
    const SQL: &str = "UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => $3) \
                       WHERE name = $1 AND term = $2";
    let client = pool.get().await?;
    let asked_at = Instant::now();
    let renewed = client.execute(SQL, &[&NAME, &term.0, &valid.as_secs_f64()]).await?;
    Ok((renewed == 1).then_some(asked_at + valid))
}

/// Gives a lease up, if it is still ours: the next node need not wait until it expires.
///
/// # Errors
/// [`JournalError`]: it expires by itself.
pub async fn give_up(pool: &Pool, term: Term) -> Result<(), JournalError> {
    const SQL: &str = "UPDATE leases SET expires_at = '-infinity' WHERE name = $1 AND term = $2";
    pool.get().await?.execute(SQL, &[&NAME, &term.0]).await?;
    Ok(())
}

/// Who holds the lease.
///
/// # Errors
/// [`JournalError`].
pub async fn holder(pool: &Pool) -> Result<Holder, JournalError> {
    holder_of(&pool.get().await?).await
}

async fn holder_of(client: &Client) -> Result<Holder, JournalError> {
    const SQL: &str = "SELECT node, term, expires_at > clock_timestamp() FROM leases WHERE name = $1";
    let row = client.query_one(SQL, &[&NAME]).await?;
    Ok(Holder { node: row.try_get(0)?, term: Term(row.try_get(1)?), is_valid: row.try_get(2)? })
}

/// Connections of a singleton, and the term in which it may write. Whoever writes what only one node may is given this
/// and no bare pool.
#[derive(Clone)]
pub struct Leased {
    pool: Pool,
    term: Term,
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leased").field("term", &self.term).finish_non_exhaustive()
    }
}

impl Leased {
    /// Connections of the arbiter that uses them, in a term.
    pub fn new(pool: Pool, term: Term) -> Self {
        Self { pool, term }
    }

    /// The same connections in another term.
    pub fn under(&self, term: Term) -> Self {
        Self { pool: self.pool.clone(), term }
    }

    /// The connections, for reading.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The term.
    pub fn term(&self) -> Term {
        self.term
    }

    /// A connection, for reading, or for [`Leased::begin`].
    ///
    /// # Errors
    /// There is none.
    pub async fn get(&self) -> Result<Client, PoolError> {
        self.pool.get().await
    }

    /// Begins a transaction that holds the lease to its end.
    ///
    /// # Errors
    /// [`JournalError::LeaseOver`]: nothing may be written in this term any more.
    pub async fn begin<'c>(&self, client: &'c mut Client) -> Result<Transaction<'c>, JournalError> {
        let tx = client.transaction().await?;
        let hold = tx.prepare_cached(HOLD).await?;
        if tx.execute(&hold, &[&self.term.0]).await? == 1 { Ok(tx) } else { Err(JournalError::LeaseOver(self.term)) }
    }
}
