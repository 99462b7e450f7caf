//! Channels over many markets: their heads, which the writer moves. Their entries are read by `read::channels`.
//!
//! A batch moves a channel's head from exactly where the writer's life left it, in the transaction that writes the entries
//! with the numbers between: a number is given once, and none is left out, whatever becomes of the COMMIT.

use super::{
    columns::Parameters,
    pipeline::{Counts, Pipeline, exactly},
    write::CommitFailure,
};
use crate::domain::counted::Heads;

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
