//! Appending: one transaction a batch, all or nothing.
//!
//! Every stream's row moves its `last_seq` from exactly the entry before the append, in the same transaction that inserts
//! the entries: a failed, doubled or overtaken append can neither leave a hole nor write twice. What follows from an
//! entry (event, trade, position) is written with it and nowhere else. Statements go in one fixed order and their rows in
//! key order.
//!
//! What went wrong is sorted into what the writer can do about it ([`CommitFailure`]); what to do is the writer's.

use std::sync::Arc;

use deadpool_postgres::{Client, Transaction};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{
    JournalError,
    batch::Batch,
    beside, channels,
    columns::Parameters,
    lease::{self, Leased},
    partitions::Prepared,
    pipeline::{Counts, Pipeline, exactly},
    read, revert,
    rows::{ConfigRow, MarketRow},
};
use crate::domain::{
    counted::{Heads, Numbers},
    entry::Entry,
    ids::{AccountAddress, Epoch, Seq, Slot},
    metadata::MarketMetadata,
};

/// The row of a stream as it is after an append.
#[derive(Debug, Clone)]
pub enum HeadRow {
    /// Of a market.
    Market(Box<MarketRow>),
    /// Of the config.
    Config(Box<ConfigRow>),
}

/// Entries of one stream, in order, and the row that they lead to. Without entries, only the row's finalized point moves.
#[derive(Debug, Clone)]
pub struct StreamAppend {
    /// The stream.
    pub stream: AccountAddress,
    /// The journal's life.
    pub epoch: Epoch,
    /// The number of the first entry: the row must stand right before it.
    pub first_seq: Seq,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The stream's highest slot before the first entry.
    pub slot_high_before: Slot,
    /// The row after the last entry.
    pub row: HeadRow,
    /// What the entries that users wrote change beside it.
    pub users: UsersPart,
}

/// What entries that users wrote change beside the stream's row.
#[derive(Debug, Clone, Default)]
pub struct UsersPart {
    /// Rows of the outbox that have become entries of this append: they are deleted with it, or nothing is written.
    pub outbox: Vec<i64>,
    /// The market's document is another one, or (`None` inside) has fallen with the market's creation.
    pub document: Option<Option<Arc<MarketMetadata>>>,
}

/// What went wrong with a batch, by what can be done.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailure {
    /// Nothing of it was written; the same batch may be sent again.
    #[error("not written: {0}")]
    Again(JournalError),
    /// The answer of COMMIT was lost: look the batch up before anything is sent again.
    #[error("no answer to COMMIT: {0}")]
    Unknown(JournalError),
    /// Nothing of it was written, and the same batch will be refused again: it breaks a rule of the database.
    #[error("refused: {0}")]
    Refused(String),
    /// Nothing of it was written: the database does not know this life of the writer, or not at this batch. A new life
    /// has to begin.
    #[error("this life of the writer is over")]
    LifeOver,
    /// Nothing of it was written: another node may write now.
    #[error("the lease is over")]
    LeaseOver,
    /// Nothing of it was written: a row does not stand where its append begins. Somebody else has written.
    #[error("overtaken: {0}")]
    Overtaken(String),
}

impl From<tokio_postgres::Error> for CommitFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        sort(error)
    }
}

/// A life of the writer, as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterLife {
    /// Its row in `journal_writers`.
    pub instance: Uuid,
    /// It may COPY: no row level security stands over what it writes.
    pub copies: bool,
    /// The newest numbers of channels over many markets, after its newest batch.
    heads: Heads,
    /// Its next batch gets longer than the others for each statement.
    is_patient: bool,
    /// For which times there are partitions.
    partitions: Prepared,
}

impl WriterLife {
    /// Begins a life: waits until no transaction of an earlier one is open, so that what is read from now on is settled.
    ///
    /// # Errors
    /// [`JournalError`]: try again.
    pub async fn begin(pool: &Leased) -> Result<Self, JournalError> {
        let mut client = pool.get().await?;
        let transaction = pool.begin(&mut client).await?;
        transaction.query("SELECT instance FROM journal_writers ORDER BY instance FOR UPDATE", &[]).await?;
        // A life that is forgotten while it still lives ends at its next batch, and begins again.
        transaction.execute("DELETE FROM journal_writers WHERE active_at < now() - interval '7 days'", &[]).await?;
        let instance = Uuid::now_v7();
        transaction.execute("INSERT INTO journal_writers (instance, last_batch) VALUES ($1, 0)", &[&instance]).await?;
        let bound = transaction.query_one("SELECT row_security_active('journal')", &[]).await?;
        let heads = read::channels::heads(&transaction).await?;
        transaction.commit().await?;
        Ok(Self {
            instance,
            copies: !bound.try_get::<_, bool>(0)?,
            heads,
            is_patient: false,
            partitions: Prepared::default(),
        })
    }

    /// Longer statements, for a batch that was not written in the usual time: one that really needs longer must be written
    /// some day.
    pub fn set_patient(&mut self, is_patient: bool) {
        self.is_patient = is_patient;
    }

    /// The numbers that the entries of a next batch get, and where the heads stand after it. The same until a batch is
    /// committed.
    fn number(&self, appends: &[StreamAppend]) -> (Vec<Vec<Numbers>>, Heads) {
        let mut heads = self.heads.clone();
        let mut number = |append: &StreamAppend| {
            append.entries.iter().map(|entry| heads.number(append.epoch, &entry.body)).collect()
        };
        (appends.iter().map(&mut number).collect(), heads)
    }

    /// Was this batch, of these appends, committed? Waits for a transaction that is still open on the server. If it was,
    /// answers with the numbers of each append's entries.
    ///
    /// # Errors
    /// [`JournalError`]: ask again.
    pub async fn was_committed(
        &mut self,
        pool: &Leased,
        batch: i64,
        appends: &[StreamAppend],
    ) -> Result<Option<Vec<Vec<Numbers>>>, JournalError> {
        let client = pool.get().await?;
        let row = client
            .query_opt("SELECT last_batch FROM journal_writers WHERE instance = $1 FOR UPDATE", &[&self.instance])
            .await?;
        // A life that was forgotten had been idle: it has not committed just now.
        let was_committed = row.is_some_and(|row| row.get::<_, i64>(0) >= batch);
        Ok(was_committed.then(|| {
            let (numbers, heads) = self.number(appends);
            self.heads = heads;
            numbers
        }))
    }

    /// Writes a batch in one transaction. `batch` is one more than the last that was committed in this life. Answers with
    /// the numbers of each append's entries on channels over many markets.
    ///
    /// # Errors
    /// [`CommitFailure`].
    pub async fn commit(
        &mut self,
        pool: &Leased,
        batch: i64,
        appends: &[StreamAppend],
    ) -> Result<Vec<Vec<Numbers>>, CommitFailure> {
        self.partitions.prepare(pool, appends.iter().flat_map(|append| &append.entries)).await;
        let (numbers, heads) = self.number(appends);
        let mut client = pool.get().await.map_err(|error| CommitFailure::Again(error.into()))?;
        let transaction = client.transaction().await.map_err(sort)?;
        let written = self.write(&transaction, pool, batch, appends, (&numbers, &heads)).await;
        if let Err(failure) = written {
            // Dropping a transaction rolls it back, but without waiting; a connection that is broken is dropped too.
            if transaction.rollback().await.is_err() {
                drop(Client::take(client));
            }
            return Err(failure);
        }
        match transaction.commit().await {
            Ok(()) => {
                self.heads = heads;
                Ok(numbers)
            }
            // The server answered: it refused to commit (a deferred constraint, a serialization failure).
            Err(error) if error.as_db_error().is_some_and(|db| !is_shutdown(db.code().code())) => Err(sort(error)),
            Err(error) => {
                drop(Client::take(client));
                Err(CommitFailure::Unknown(error.into()))
            }
        }
    }

    /// In this order: the lease, the batch's number, the channels' heads, the streams' rows, entries, events, trades, positions,
    /// candles, what users wrote. What an entry does to rows that are there already comes after all that is new.
    async fn write(
        &self,
        tx: &Transaction<'_>,
        leased: &Leased,
        batch: i64,
        appends: &[StreamAppend],
        (numbers, heads): (&[Vec<Numbers>], &Heads),
    ) -> Result<(), CommitFailure> {
        let rows = Batch::of(appends, numbers, self.copies);
        let mut pipeline = Pipeline::new(tx);
        let lease: Parameters<'_> = vec![Box::new(leased.office().as_str()), Box::new(leased.term().0)];
        pipeline.send(lease::HOLD, Counts::Touched, lease, 1, exactly(1, |_| CommitFailure::LeaseOver)).await;
        pipeline.send(FIND_BY_KEY, Counts::Touched, Vec::new(), 1, |_| Ok(())).await;
        if self.is_patient {
            pipeline.send(BE_PATIENT, Counts::Touched, Vec::new(), 1, |_| Ok(())).await;
        }
        let claim: Parameters<'_> = vec![Box::new(self.instance), Box::new(batch)];
        let verdict = exactly(1, |_| CommitFailure::LifeOver);
        pipeline.send(CLAIM_BATCH, Counts::Touched, claim, 1, verdict).await;
        channels::advance(&mut pipeline, &self.heads, heads).await;
        rows.write_heads(&mut pipeline).await?;
        rows.write_entries(&mut pipeline).await?;
        rows.write_positions(&mut pipeline).await?;
        rows.write_figures(&mut pipeline).await?;
        beside::write(&mut pipeline, appends).await;
        pipeline.settle().await?;
        revert::take_back(tx, appends).await
    }
}

/// `57P01` and its like come as the server's answer, but to the connection, not to COMMIT.
fn is_shutdown(sqlstate: &str) -> bool {
    sqlstate.starts_with("57P")
}

/// SQLSTATE 22 (data) and 23 (integrity) will fail again; everything else is the server's or the network's trouble. So is a
/// check of a table without a name: the row was on its way to the default partition while its own was made, and finds it
/// next time.
pub(super) fn sort(error: tokio_postgres::Error) -> CommitFailure {
    match error.as_db_error() {
        Some(db) if *db.code() == SqlState::CHECK_VIOLATION && db.constraint().is_none() && db.table().is_some() => {
            CommitFailure::Again(error.into())
        }
        Some(db) if ["22", "23"].iter().any(|class| db.code().code().starts_with(class)) => {
            let place = db.constraint().map(|name| format!(" [{name}]")).unwrap_or_default();
            CommitFailure::Refused(format!("{} ({}){place}", db.message(), db.code().code()))
        }
        _ => CommitFailure::Again(error.into()),
    }
}

/// For the rest of the transaction: every statement finds the rows that it names by their keys. Left to itself, the server
/// plans for the tables as they were when a statement was first used, often empty, and reads them from end to end from then on,
/// with every batch, until they are analyzed. That is true of the foreign keys' own statements, too.
const FIND_BY_KEY: &str = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), \
                           set_config('enable_mergejoin', 'off', true)";
/// For the rest of the transaction. A takeover would wait as long, where this engine stands still in the middle of it.
const BE_PATIENT: &str = "SELECT set_config('statement_timeout', '60s', true)";
/// The next batch of a life.
const CLAIM_BATCH: &str = "UPDATE journal_writers SET last_batch = $2::bigint, active_at = now() \
                           WHERE instance = $1 AND last_batch = $2::bigint - 1";
