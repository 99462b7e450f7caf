//! Leases: which node may write what only one may, in which term.
//!
//! Owns the table `leases`, a row an office ([`Office`]), and the lock that every transaction of a singleton takes on its row
//! before it writes ([`Leased`]). The offices know nothing of each other: one node may hold all, or each another. Three
//! rules make two writers of one office impossible, whatever clocks, pauses and networks do:
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

/// What one node of a database does at a time, under a lease of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Office {
    /// It listens to the chain and writes the journal: the leader.
    Engine,
    /// It sends the authorities' transactions, and decides which.
    Governance,
    /// It has discussions pinned to IPFS.
    Snapshots,
}

impl Office {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Engine, Self::Governance, Self::Snapshots];

    /// The lease's name, its key in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Governance => "governance",
            Self::Snapshots => "snapshots",
        }
    }
}

impl fmt::Display for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Locks a lease's row until the transaction ends; touches no row where the term is over or has expired. An office's name,
/// a term.
pub(super) const HOLD: &str =
    "SELECT FROM leases WHERE name = $1 AND term = $2 AND expires_at > clock_timestamp() FOR KEY SHARE";

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

/// Takes the lease of an office if nobody holds it; `at_once`: also if this very node does, in an earlier life of its process.
/// Waits for every transaction of the last term to end. An office that nobody ever held gets its row here.
///
/// # Errors
/// [`JournalError`]: it was not taken, or (where COMMIT had no answer) in a term that nobody will use.
pub async fn take(
    pool: &Pool,
    office: Office,
    node: &str,
    valid: Duration,
    at_once: bool,
) -> Result<Asked, JournalError> {
    const FIRST: &str = "INSERT INTO leases (name, node, term, expires_at) VALUES ($1, '', 0, '-infinity') \
                         ON CONFLICT (name) DO NOTHING";
    const WAIT: &str = "SELECT FROM leases WHERE name = $1 AND term = $2 \
                        AND (expires_at <= clock_timestamp() OR ($3 AND node = $4)) FOR UPDATE";
    const TAKE: &str = "UPDATE leases SET node = $2, term = term + 1, \
                            expires_at = clock_timestamp() + make_interval(secs => $3) \
                        WHERE name = $1 RETURNING term";
    let name = office.as_str();
    let mut client = pool.get().await?;
    let holder = holder_of(&client, office).await?;
    if holder.is_valid && !(at_once && holder.node == node) {
        return Ok(Asked::Theirs(holder));
    }
    if holder.term == Term::NONE {
        client.execute(FIRST, &[&name]).await?;
    }
    let tx = client.transaction().await?;
    if tx.query_opt(WAIT, &[&name, &holder.term.0, &at_once, &node]).await?.is_none() {
        // Somebody was quicker.
        drop(tx);
        return Ok(Asked::Theirs(holder_of(&client, office).await?));
    }
    // After the wait: what is counted from here is valid no longer than the row says.
    let asked_at = Instant::now();
    let term = tx.query_one(TAKE, &[&name, &node, &valid.as_secs_f64()]).await?.try_get(0)?;
    tx.commit().await?;
    Ok(Asked::Ours(Term(term), asked_at + valid))
}

/// Renews a lease that is still ours; until when. `None`: its term is over. One that has expired, and that nobody has taken
/// since, is still ours: nobody has written in between.
///
/// # Errors
/// [`JournalError`]: unknown; ask again.
pub async fn renew(pool: &Pool, office: Office, term: Term, valid: Duration) -> Result<Option<Instant>, JournalError> {
    const SQL: &str = "UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => $3) \
                       WHERE name = $1 AND term = $2";
    let client = pool.get().await?;
    let asked_at = Instant::now();
    let renewed = client.execute(SQL, &[&office.as_str(), &term.0, &valid.as_secs_f64()]).await?;
    Ok((renewed == 1).then_some(asked_at + valid))
}

/// Gives a lease up, if it is still ours: the next node need not wait until it expires.
///
/// # Errors
/// [`JournalError`]: it expires by itself.
pub async fn give_up(pool: &Pool, office: Office, term: Term) -> Result<(), JournalError> {
    const SQL: &str = "UPDATE leases SET expires_at = '-infinity' WHERE name = $1 AND term = $2";
    pool.get().await?.execute(SQL, &[&office.as_str(), &term.0]).await?;
    Ok(())
}

/// Who holds the lease of an office.
///
/// # Errors
/// [`JournalError`].
pub async fn holder(pool: &Pool, office: Office) -> Result<Holder, JournalError> {
    holder_of(&pool.get().await?, office).await
}

async fn holder_of(client: &Client, office: Office) -> Result<Holder, JournalError> {
    const SQL: &str = "SELECT node, term, expires_at > clock_timestamp() FROM leases WHERE name = $1";
    match client.query_opt(SQL, &[&office.as_str()]).await? {
        Some(row) => Ok(Holder { node: row.try_get(0)?, term: Term(row.try_get(1)?), is_valid: row.try_get(2)? }),
        None => Ok(Holder { node: String::new(), term: Term::NONE, is_valid: false }),
    }
}

/// Connections of a singleton, and the office and term in which it may write. Whoever writes what only one node may is given
/// this and no bare pool.
#[derive(Clone)]
pub struct Leased {
    pool: Pool,
    office: Office,
    term: Term,
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leased").field("office", &self.office).field("term", &self.term).finish_non_exhaustive()
    }
}

impl Leased {
    /// Connections of the arbiter that uses them, in a term of [`Office::Engine`].
    pub fn new(pool: Pool, term: Term) -> Self {
        Self { pool, office: Office::Engine, term }
    }

    /// Connections of the arbiter that uses them, in a term of [`Office::Governance`].
    pub fn governing(pool: Pool, term: Term) -> Self {
        Self { pool, office: Office::Governance, term }
    }

    /// Connections of the arbiter that uses them, in a term of [`Office::Snapshots`].
    pub fn snapshots(pool: Pool, term: Term) -> Self {
        Self { pool, office: Office::Snapshots, term }
    }

    /// The same connections in another term of the same office.
    pub fn under(&self, term: Term) -> Self {
        Self { pool: self.pool.clone(), office: self.office, term }
    }

    /// The connections, for reading.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The office.
    pub fn office(&self) -> Office {
        self.office
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
        let is_held = tx.execute(&hold, &[&self.office.as_str(), &self.term.0]).await? == 1;
        if is_held { Ok(tx) } else { Err(JournalError::LeaseOver(self.term)) }
    }
}
