//! Statements of one transaction, sent one after the other without waiting for their answers.
//!
//! The server works them off in the order in which they were sent, and answers in that order. What waiting for each answer
//! would cost is the way there and back, seven times an entry that is alone; and with many entries the server would be
//! idle while the next statement's rows are made. The first answer that is not what was expected decides: whatever comes
//! after it was done by a transaction that is rolled back. Never begins, commits or rolls back.

use std::{future::Future, pin::Pin, task::Poll};

use deadpool_postgres::Transaction;
use tokio_postgres::{
    Error, Statement,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::columns::{Columns, Parameters};

/// Statements with more rows are handed to the connection before the next one's are made, so that the server begins.
const ROWS_SENT_AT_ONCE: usize = 64;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'a>>;
/// What the number of rows that a statement touched means.
type Verdict<F> = Box<dyn FnOnce(u64) -> Result<(), F> + Send>;

/// See the module. `F` is what a number of rows that is not the expected one means.
pub struct Pipeline<'a, F> {
    tx: &'a Transaction<'a>,
    sent: Vec<(Answer<'a>, Verdict<F>)>,
}

/// What a statement answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// The rows that it touched.
    Touched,
    /// One row with one `bigint`.
    Told,
}

impl<'a, F: From<Error>> Pipeline<'a, F> {
    /// Nothing sent yet.
    pub fn new(tx: &'a Transaction<'a>) -> Self {
        Self { tx, sent: Vec::new() }
    }

    /// Sends a statement with `rows` rows in its parameters. What it answers is told by [`Pipeline::settle`].
    pub async fn send(
        &mut self,
        sql: &str,
        counts: Counts,
        parameters: Parameters<'a>,
        rows: usize,
        verdict: impl FnOnce(u64) -> Result<(), F> + Send + 'static,
    ) {
        let mut answer: Answer<'a> = match self.tx.prepare_cached(sql).await {
            Ok(statement) => Box::pin(ask(self.tx, statement, counts, parameters)),
            // It may be that an earlier statement failed: that one's answer comes first, and decides.
            Err(error) => Box::pin(std::future::ready(Err(error))),
        };
        // A statement is sent when its future is first polled.
        if let Poll::Ready(early) = futures_util::poll!(&mut answer) {
            answer = Box::pin(std::future::ready(early));
        }
        self.sent.push((answer, Box::new(verdict)));
        if rows >= ROWS_SENT_AT_ONCE {
            // The connection is a task of its own on this thread.
            tokio::task::yield_now().await;
        }
    }

    /// Copies rows, in pieces of a `COPY` that `next` gives until it gives an empty one. Ends when they are written.
    ///
    /// # Errors
    /// As [`Pipeline::settle`], or those of the `COPY`; what `next` refuses.
    pub async fn copy<C: Columns<'a>>(&mut self, mut next: impl FnMut() -> Result<C, F>) -> Result<u64, F> {
        // It can't begin before all that was sent is done.
        self.settle().await?;
        let statement = self.tx.prepare_cached(&C::copy()).await?;
        let types: Vec<Type> = C::COLUMNS.iter().map(|(_, kind)| kind.clone()).collect();
        let writer = BinaryCopyInWriter::new(self.tx.copy_in(&statement).await?, &types);
        let mut writer = std::pin::pin!(writer);
        loop {
            let rows = next()?;
            if rows.rows() == 0 {
                return Ok(writer.finish().await?);
            }
            for at in 0..rows.rows() {
                writer.as_mut().write(&rows.row(at)).await?;
            }
        }
    }

    /// Waits for the answers to all that was sent.
    ///
    /// # Errors
    /// The first statement that failed, or touched another number of rows than it had to.
    pub async fn settle(&mut self) -> Result<(), F> {
        for (answer, verdict) in self.sent.drain(..) {
            verdict(answer.await?)?;
        }
        Ok(())
    }
}

async fn ask(
    tx: &Transaction<'_>,
    statement: Statement,
    counts: Counts,
    parameters: Parameters<'_>,
) -> Result<u64, Error> {
    let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|one| &**one as &(dyn ToSql + Sync)).collect();
    match counts {
        Counts::Touched => tx.execute(&statement, &parameters).await,
        Counts::Told => {
            let told: i64 = tx.query_one(&statement, &parameters).await?.try_get(0)?;
            Ok(told.unsigned_abs())
        }
    }
}

/// The verdict that only this number is right; `other` is what another one means.
pub fn exactly<F>(count: usize, other: impl FnOnce(u64) -> F + Send) -> impl FnOnce(u64) -> Result<(), F> + Send {
    move |touched| if touched == count as u64 { Ok(()) } else { Err(other(touched)) }
}
