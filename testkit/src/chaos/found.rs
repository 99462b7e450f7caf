//! Reads what is there: rows and entries from PostgreSQL, past the engine, and transactions from the chain itself.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use zmart::domain::ids::MarketAddress;

use super::{
    record::{Comment, Vote},
    verdict::{Found, OrderRow},
};
use crate::{chain::ChainClient, postgres::Database};

const VOTES: [&str; 2] = [
    "SELECT market::text, wallet::text, vote FROM proposal_votes",
    "SELECT stream::text, payload ->> 'wallet', (payload -> 'vote')::boolean FROM journal WHERE kind = 'vote'",
];
const COMMENTS: [&str; 2] = [
    "SELECT id::text, market::text, wallet::text, content FROM discussions",
    "SELECT payload ->> 'id', stream::text, payload ->> 'wallet', payload ->> 'content' FROM journal WHERE kind = 'comment'",
];
const ORDERS: &str = "SELECT signature::text, coalesce(client_ref, ''), status, settled FROM submissions";
const RECORDED: &str = "SELECT stream::text, signature::text FROM chain_events WHERE NOT orphaned \
                        GROUP BY 1, 2 ORDER BY min(epoch), min(seq)";
const HEADS: &str = "SELECT stream::text, max(seq) FROM journal GROUP BY 1";
const TRADES: &str = "SELECT market::text, seq, signature::text FROM trades ORDER BY epoch, seq";

/// Reads it; of the chain, these markets.
pub async fn read(database: &Database, chain: &ChainClient, markets: &[MarketAddress]) -> Found {
    let client = database.connect().await;
    let rows = async |sql: &'static str| -> Vec<Row> {
        client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    };
    let mut found = Found::default();
    for (place, sql) in found.votes.iter_mut().zip(VOTES) {
        let vote = |row: &Row| Vote { market: row.get(0), wallet: row.get(1), vote: row.get(2) };
        *place = rows(sql).await.iter().map(vote).collect();
    }
    for (place, sql) in found.comments.iter_mut().zip(COMMENTS) {
        let comment =
            |row: &Row| Comment { id: row.get(0), market: row.get(1), wallet: row.get(2), content: row.get(3) };
        *place = rows(sql).await.iter().map(comment).collect();
    }
    let order =
        |row: &Row| OrderRow { signature: row.get(0), client_ref: row.get(1), status: row.get(2), settled: row.get(3) };
    found.orders = rows(ORDERS).await.iter().map(order).collect();
    for row in rows(HEADS).await {
        found.heads.insert(row.get(0), seq(&row));
    }
    for row in rows(TRADES).await {
        found.trades.entry(row.get(0)).or_default().push((seq(&row), row.get(2)));
    }
    let mut recorded: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(RECORDED).await {
        recorded.entry(row.get(0)).or_default().push(row.get(1));
    }
    for market in markets {
        let key = market.to_string();
        let landed = chain.signatures(*market).await.iter().map(ToString::to_string).collect();
        found.recorded.insert(key.clone(), recorded.remove(&key).unwrap_or_default());
        found.landed.insert(key, landed);
    }
    found
}

/// The second column.
fn seq(row: &Row) -> u64 {
    u64::try_from(row.get::<_, i64>(1)).expect("a number of an entry")
}
