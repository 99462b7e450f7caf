//! What a node that follows reads of the journal where it hears nothing of the leader: heads, and what has changed.

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;

use super::{
    JournalError,
    submissions::{Place, SubmissionRow},
};
use crate::domain::ids::{AccountAddress, Epoch, Seq};

/// Streams in one question.
const STREAMS_MAX: usize = 4_096;

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    /// The stream.
    pub stream: AccountAddress,
    /// Its newest entry.
    pub seq: Seq,
    /// Everything up to it is final on the chain.
    pub finalized: Seq,
}

/// Where these streams stand in a life of the journal; those without an entry in it are left out.
///
/// # Errors
/// [`JournalError`].
pub async fn heads(pool: &Pool, epoch: Epoch, streams: &[AccountAddress]) -> Result<Vec<StreamHead>, JournalError> {
    const SQL: &str = "
        SELECT address::text, last_seq, finalized_seq FROM markets
        WHERE address = ANY ($1::text[]) AND epoch = $2
        UNION ALL
        SELECT address::text, last_seq, finalized_seq FROM program_config
        WHERE address = ANY ($1::text[]) AND epoch = $2";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let mut heads = Vec::with_capacity(streams.len());
    for some in streams.chunks(STREAMS_MAX) {
        let names: Vec<String> = some.iter().map(ToString::to_string).collect();
        let number = |row: &tokio_postgres::Row, at| row.try_get::<_, i64>(at).map(|seq| Seq(seq.unsigned_abs()));
        for row in client.query(&statement, &[&names, &(epoch.0 as i32)]).await? {
            let Ok(stream) = row.try_get::<_, &str>(0)?.parse() else { continue };
            heads.push(StreamHead { stream, seq: number(&row, 1)?, finalized: number(&row, 2)? });
        }
    }
    Ok(heads)
}

/// Users' transactions that changed after a place among the changes, oldest first, at most `limit`, and the place of each.
/// What one transaction of the database's changed has one moment: the signature tells such changes apart, so a page may end
/// between them.
///
/// # Errors
/// [`JournalError`].
pub async fn changed_submissions(
    pool: &Pool,
    (moment, signature): &Place,
    limit: usize,
) -> Result<Vec<(Place, SubmissionRow)>, JournalError> {
    let sql = format!(
        "SELECT {}, updated_at FROM submissions WHERE (updated_at, signature) > ($1, $2::text) \
         ORDER BY updated_at, signature LIMIT $3",
        super::submissions::COLUMNS
    );
    let client = pool.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[moment, signature, &i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| Ok(((row.try_get(13)?, row.try_get(0)?), super::submissions::row_of(row)?))).collect()
}

/// The database's clock.
///
/// # Errors
/// [`JournalError`].
pub async fn now(pool: &Pool) -> Result<DateTime<Utc>, JournalError> {
    Ok(pool.get().await?.query_one("SELECT clock_timestamp()", &[]).await?.try_get(0)?)
}
