//! Asking: a question of this folder runs on any connection, and on one that keeps prepared statements it is prepared
//! once, not at each request.
//!
//! Never makes up SQL. A question is one text, or one of a few that its options make, so what a connection keeps is
//! bounded by this code. PostgreSQL plans a kept statement anew five times and then decides whether one plan does for all
//! values; every question here is written for an index whose use does not depend on them.

use deadpool_postgres::{GenericClient as Keeps, Transaction};
use tokio_postgres::{Client, Error, Row, types::ToSql};

/// Values of a question.
pub type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Who can be asked.
pub trait Ask: Sync {
    /// All rows.
    fn query(&self, sql: &str, values: Values<'_>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
    /// The row, if there is one; an error if there are more.
    fn query_opt(&self, sql: &str, values: Values<'_>) -> impl Future<Output = Result<Option<Row>, Error>> + Send;
    /// The row; an error if there is none, or more.
    fn query_one(&self, sql: &str, values: Values<'_>) -> impl Future<Output = Result<Row, Error>> + Send;
}

impl Ask for Transaction<'_> {
    async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        let kept = Keeps::prepare_cached(self, sql).await?;
        Keeps::query(self, &kept, values).await
    }

    async fn query_opt(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Error> {
        let kept = Keeps::prepare_cached(self, sql).await?;
        Keeps::query_opt(self, &kept, values).await
    }

    async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, Error> {
        let kept = Keeps::prepare_cached(self, sql).await?;
        Keeps::query_one(self, &kept, values).await
    }
}

/// Keeps nothing: for those that ask once.
impl Ask for Client {
    async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        Self::query(self, sql, values).await
    }

    async fn query_opt(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Error> {
        Self::query_opt(self, sql, values).await
    }

    async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, Error> {
        Self::query_one(self, sql, values).await
    }
}
