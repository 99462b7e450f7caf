//! Channels over many markets: their heads, which the writer moves, and their entries by number.
//!
//! A batch moves a channel's head from exactly where the writer's life left it, in the transaction that writes the entries
//! with the numbers between: a number is given once, and none is left out, whatever becomes of the COMMIT.

use tokio_postgres::Row;

use super::{
    columns::Parameters,
    pipeline::{Counts, Pipeline, exactly},
    read::{ReadFailure, ask::Ask, entry},
    rows::BadRow,
    write::CommitFailure,
};
use crate::domain::{
    counted::{Counted, Heads, Numbers},
    entry::Entry,
    ids::{AccountAddress, Epoch, Seq},
};

/// An entry with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedEntry {
    /// The market.
    pub stream: AccountAddress,
    /// The entry, with its number in the market.
    pub entry: Entry,
    /// Its numbers on channels over many markets.
    pub numbers: Numbers,
}

/// The heads of all channels, in all lives of the journal: two rows a life.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn heads<C: Ask>(client: &C) -> Result<Heads, ReadFailure> {
    let mut heads = Heads::default();
    for row in client.query("SELECT epoch, channel, last_seq FROM channel_heads", &[]).await? {
        let (epoch, name): (i32, &str) = (row.try_get(0)?, row.try_get(1)?);
        let known = Counted::ALL.into_iter().find(|channel| channel.as_str() == name);
        let channel = known.ok_or_else(|| BadRow { table: "channel_heads", reason: format!("channel {name}") })?;
        heads.set(Epoch(epoch.unsigned_abs()), channel, seq(row.try_get(2)?));
    }
    Ok(heads)
}

/// The newest number of a channel in a life of the journal, by its entries alone; 0 if there is none.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn head<C: Ask>(client: &C, channel: Counted, epoch: Epoch) -> Result<Seq, ReadFailure> {
    let column = column(channel);
    let sql = format!("SELECT max({column}) FROM journal WHERE epoch = $1::bigint AND {column} IS NOT NULL");
    let row = client.query_one(&sql, &[&i64::from(epoch.0)]).await?;
    Ok(seq(row.try_get::<_, Option<i64>>(0)?.unwrap_or(0)))
}

/// The entries of a channel after one, oldest first, at most `limit`.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn entries_after<C: Ask>(
    client: &C,
    channel: Counted,
    epoch: Epoch,
    after: Seq,
    limit: u32,
) -> Result<Vec<NumberedEntry>, ReadFailure> {
    let column = column(channel);
    let sql = format!(
        "SELECT seq, recorded_at, payload, stream::text, markets_seq, trades_seq FROM journal \
         WHERE epoch = $1::bigint AND {column} > $2 ORDER BY {column} LIMIT $3"
    );
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let rows = client.query(&sql, &[&i64::from(epoch.0), &after, &i64::from(limit)]).await?;
    rows.into_iter().map(numbered).collect()
}

fn column(channel: Counted) -> &'static str {
    match channel {
        Counted::Markets => "markets_seq",
        Counted::Trades => "trades_seq",
    }
}

/// A column that is never negative.
fn seq(value: i64) -> Seq {
    Seq(value.unsigned_abs())
}

fn numbered(row: Row) -> Result<NumberedEntry, ReadFailure> {
    let stream: &str = row.try_get(3)?;
    let bad = |error| BadRow { table: "journal", reason: format!("stream {stream}: {error}") };
    let stream: AccountAddress = stream.parse().map_err(|error: crate::domain::ids::ParseIdError| bad(error))?;
    let (markets, trades): (Option<i64>, Option<i64>) = (row.try_get(4)?, row.try_get(5)?);
    let numbers = Numbers { markets: markets.map(seq), trades: trades.map(seq) };
    Ok(NumberedEntry { stream, entry: entry(row)?, numbers })
}

/// Moves the heads from exactly where they stood; sends nothing where none moves.
pub(super) async fn advance(pipeline: &mut Pipeline<'_, CommitFailure>, before: &Heads, after: &Heads) {
    const SQL: &str = "
        WITH moved AS (
            SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[], $4::bigint[]) AS m (epoch, channel, stood, stands)
        ), made AS (
            INSERT INTO channel_heads (epoch, channel, last_seq)
            SELECT epoch, channel, stands FROM moved WHERE stood = 0 ON CONFLICT DO NOTHING RETURNING 1
        ), advanced AS (
            UPDATE channel_heads h SET last_seq = moved.stands FROM moved
            WHERE h.epoch = moved.epoch AND h.channel = moved.channel AND h.last_seq = moved.stood RETURNING 1
        )
        SELECT (SELECT count(*) FROM made) + (SELECT count(*) FROM advanced)";
    let (mut epochs, mut channels, mut stood, mut stands): (Vec<i32>, Vec<&'static str>, Vec<i64>, Vec<i64>) =
        Default::default();
    for (epoch, channel, from, to) in after.moved(before) {
        epochs.push(epoch.0 as i32);
        channels.push(channel.as_str());
        stood.push(from.0 as i64);
        stands.push(to.0 as i64);
    }
    if epochs.is_empty() {
        return;
    }
    let count = epochs.len();
    // Another life of the writer has given numbers meanwhile: a new one has to read where they stand.
    let verdict = exactly(count, |_| CommitFailure::LifeOver);
    let values: Parameters<'_> = vec![Box::new(epochs), Box::new(channels), Box::new(stood), Box::new(stands)];
    pipeline.send(SQL, Counts::Told, values, count, verdict).await;
}
