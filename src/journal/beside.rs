//! What the entries that users wrote change beside the journal, in the batch that writes them.
//!
//! Their rows leave the outbox in the same transaction: exactly these, or nothing is written, so that what a user wrote is
//! journaled once whatever dies in between. Documents and tallies are copies of what entries say. A batch without such
//! entries (trades) sends nothing.

use std::collections::BTreeMap;

use tokio_postgres::types::Json;

use super::{
    columns::Parameters,
    pipeline::{Counts, Pipeline, exactly},
    write::{CommitFailure, StreamAppend},
};
use crate::domain::ids::AccountAddress;

/// Sends what there is; what it answers is told when the pipeline is settled.
pub(super) async fn write(pipeline: &mut Pipeline<'_, CommitFailure>, appends: &[StreamAppend]) {
    take_from_outbox(pipeline, appends).await;
    write_documents(pipeline, appends).await;
    write_tallies(pipeline, appends).await;
}

async fn take_from_outbox(pipeline: &mut Pipeline<'_, CommitFailure>, appends: &[StreamAppend]) {
    let mut ids: Vec<i64> = appends.iter().flat_map(|append| &append.users.outbox).copied().collect();
    if ids.is_empty() {
        return;
    }
    ids.sort_unstable();
    let count = ids.len();
    let verdict = exactly(count, move |taken| {
        CommitFailure::Overtaken(format!("{taken} of {count} rows of outbox were still there"))
    });
    let values: Parameters<'_> = vec![Box::new(ids)];
    pipeline.send("DELETE FROM outbox WHERE id = ANY ($1::bigint[])", Counts::Touched, values, count, verdict).await;
}

async fn write_documents(pipeline: &mut Pipeline<'_, CommitFailure>, appends: &[StreamAppend]) {
    const SQL: &str = "UPDATE markets m SET metadata = r.metadata \
                       FROM unnest($1::text[], $2::jsonb[]) AS r (address, metadata) WHERE m.address = r.address";
    let mut documents = BTreeMap::new();
    for append in appends {
        if let Some(document) = &append.users.document {
            documents.insert(append.stream, document.as_deref().cloned().map(Json));
        }
    }
    if documents.is_empty() {
        return;
    }
    let count = documents.len();
    let (markets, documents): (Vec<String>, Vec<_>) =
        documents.into_iter().map(|(market, document)| (market.to_string(), document)).unzip();
    let verdict = exactly(count, move |found| {
        CommitFailure::Overtaken(format!("{found} of {count} markets of documents are there"))
    });
    pipeline.send(SQL, Counts::Touched, vec![Box::new(markets), Box::new(documents)], count, verdict).await;
}

async fn write_tallies(pipeline: &mut Pipeline<'_, CommitFailure>, appends: &[StreamAppend]) {
    const SQL: &str = "
        INSERT INTO vote_tallies (market, kind, in_favour, against, epoch, seq)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::int[], $6::bigint[])
        ON CONFLICT (market, kind) DO UPDATE SET in_favour = excluded.in_favour, against = excluded.against,
                                                 epoch = excluded.epoch, seq = excluded.seq";
    let mut newest: BTreeMap<(AccountAddress, &'static str), (i64, i64, i32, i64)> = BTreeMap::new();
    for append in appends {
        for entry in &append.entries {
            for (kind, counts) in entry.body.tallies() {
                let (epoch, seq) = (append.epoch.0 as i32, entry.seq.0 as i64);
                let row = (i64::from(counts.in_favour()), i64::from(counts.against()), epoch, seq);
                newest.insert((append.stream, kind.as_str()), row);
            }
        }
    }
    if newest.is_empty() {
        return;
    }
    let count = newest.len();
    let (mut markets, mut kinds): (Vec<String>, Vec<&'static str>) = Default::default();
    let (mut in_favour, mut against, mut epochs, mut seqs): (Vec<i64>, Vec<i64>, Vec<i32>, Vec<i64>) =
        Default::default();
    for ((market, kind), (likes, dislikes, epoch, seq)) in newest {
        markets.push(market.to_string());
        kinds.push(kind);
        in_favour.push(likes);
        against.push(dislikes);
        epochs.push(epoch);
        seqs.push(seq);
    }
    let values: Parameters<'_> = vec![
        Box::new(markets),
        Box::new(kinds),
        Box::new(in_favour),
        Box::new(against),
        Box::new(epochs),
        Box::new(seqs),
    ];
    let verdict =
        exactly(count, move |written| CommitFailure::Refused(format!("{written} of {count} tallies were written")));
    pipeline.send(SQL, Counts::Touched, values, count, verdict).await;
}
