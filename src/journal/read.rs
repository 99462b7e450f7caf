//! Reading history.

use deadpool_postgres::GenericClient;

use super::{JournalError, rows::BadRow};
use crate::domain::{
    entry::Entry,
    ids::{AccountAddress, Epoch, Seq},
};

/// Entries after `after`, oldest first.
///
/// # Errors
/// [`JournalError`].
pub async fn entries_after<C: GenericClient>(
    client: &C,
    stream: AccountAddress,
    epoch: Epoch,
    after: Seq,
    limit: u32,
) -> Result<Vec<Entry>, JournalError> {
    let rows = client
        .query(
            "SELECT seq, (extract(epoch FROM recorded_at) * 1000)::bigint, payload::text FROM journal
             WHERE stream = $1::text AND epoch = $2 AND seq > $3 ORDER BY seq LIMIT $4",
            &[&stream.to_string(), &(epoch.0 as i32), &(after.0 as i64), &i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let (seq, recorded_at_ms, payload): (i64, i64, &str) = (row.get(0), row.get(1), row.get(2));
            let body = serde_json::from_str(payload)
                .map_err(|error| BadRow { table: "journal", reason: format!("seq {seq}: {error}") })?;
            Ok(Entry { seq: Seq(seq as u64), recorded_at_ms, body })
        })
        .collect()
}
