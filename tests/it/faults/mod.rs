//! Faults, one at a time, while trades go on: an actor that panics, a notification that never comes, a chain that says
//! strange things, a history with a hole. Whatever happens, the journal ends up as the chain is, and nobody who listens
//! notices more than a pause.

mod adoption;
mod chaos;
mod crashes;
mod database;
mod flood;
mod gaps;
mod hangs;
mod hidden;
mod hydration;
mod kills;
mod ledgers;
mod nodes;
mod refusals;
mod rig;
mod rollback;
mod scene;
mod soak;
mod wire;

use zmart::domain::ids::{MarketAddress, TxSignature};
use zmart_testkit::{audit::dead_letters, patience::wait_for, postgres::Database};

/// A market's journal: (kind, signature) of each entry, in order.
async fn journal_of(database: &Database, market: MarketAddress) -> Vec<(String, Option<String>)> {
    const SQL: &str = "SELECT j.kind, e.signature::text FROM journal j \
                       LEFT JOIN chain_events e USING (stream, epoch, seq) WHERE stream = $1::text ORDER BY seq";
    let rows = database.connect().await.query(SQL, &[&market.to_string()]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until the last of these is in the market's journal, and gives the journal.
async fn journal_with(database: &Database, market: MarketAddress, last: TxSignature) -> Vec<(String, Option<String>)> {
    wait_for(&format!("{last} in the journal of {market}"), || async {
        let journal = journal_of(database, market).await;
        let found = journal.iter().any(|(_, signature)| signature.as_deref() == Some(last.to_string().as_str()));
        if found { Ok(journal) } else { Err(format!("{journal:?}")) }
    })
    .await
}
