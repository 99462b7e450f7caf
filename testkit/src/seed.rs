//! Very many markets, put straight into a journal: what an engine would have written of as many proposals, all of them
//! finalized. One is made by the domain itself and taken as the pattern; PostgreSQL makes the others of it.

pub mod history;

use serde_json::{Value, json};
use tokio_postgres::Client;
use zmart::{
    actors::stream::life::Life,
    domain::{
        amount::{Bps, Lamports, UnixSeconds},
        entry::FeeSchedule,
        event::{ChainEvent, InstructionFacts, IpfsHash, MarketCreated},
        ids::{ChainPosition, Epoch, EventId, MarketAddress, MarketSeed, Seq, Slot, TxSignature, Wallet},
        market::Market,
    },
    journal::{
        rows::{ChainEventRow, JournalRow, kind, moment},
        write::HeadRow,
    },
};

/// Markets that one statement makes.
const CHUNK: i64 = 25_000;
const PATTERN_ADDRESS: MarketAddress = MarketAddress([77; 32]);
const PATTERN_SEED: MarketSeed = MarketSeed([78; 32]);
const PATTERN_SIGNATURE: TxSignature = TxSignature([79; 64]);

/// The names of market i, different in each and of the length that their bytes have.
const NAMES: &str = "LATERAL (SELECT
        'Z' || translate(md5(i::text), '0', 'g') || lpad(translate(i::text, '0', 'a'), 10, 'b') AS address,
        md5(i::text) || md5('s' || i) AS seed,
        'Z' || translate(md5('t' || i) || md5('u' || i), '0', 'g') || lpad(translate(i::text, '0', 'a'), 22, 'b')
            AS signature) AS name";

/// Puts markets into an empty journal. Most are proposals; one in a hundred is ACTIVE, one in ten thousand DISPUTED, in
/// their columns only, so that lists by phase have something rare to find.
pub async fn markets(client: &Client, epoch: Epoch, count: u64) {
    let (market, entry, event) = pattern(epoch);
    let rows = [("markets", market), ("journal", entry), ("chain_events", event)];
    let mut makes = Vec::new();
    for (table, row) in &rows {
        let names = columns(client, table).await.join(", ");
        let insert =
            format!("INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{table}, $1)");
        client.execute(&insert, &[row]).await.unwrap();
        makes.push(copies(client, table).await);
    }
    let count = i64::try_from(count).unwrap();
    for from in (0..count).step_by(CHUNK as usize) {
        let to = (from + CHUNK).min(count) - 1;
        for make in &makes {
            client.execute(make, &[&from, &to]).await.unwrap();
        }
    }
    for (table, key) in [("chain_events", "stream"), ("journal", "stream"), ("markets", "address")] {
        client.execute(&format!("DELETE FROM {table} WHERE {key} = '{PATTERN_ADDRESS}'"), &[]).await.unwrap();
    }
    client.batch_execute("ANALYZE markets, journal, chain_events; CHECKPOINT").await.unwrap();
}

/// A table's columns, without those that PostgreSQL computes.
async fn columns(client: &Client, table: &str) -> Vec<String> {
    const COLUMNS: &str = "SELECT column_name::text FROM information_schema.columns
                           WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'
                           ORDER BY ordinal_position";
    client.query(COLUMNS, &[&table]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// A statement that copies the pattern's row: only what differs is computed, so that a million take minutes.
async fn copies(client: &Client, table: &str) -> String {
    let columns = columns(client, table).await;
    let values: Vec<String> = columns
        .iter()
        .map(|name| match name.as_str() {
            "address" | "stream" => "name.address".to_owned(),
            "market_seed" => "name.seed".to_owned(),
            "signature" => "name.signature".to_owned(),
            "created_at_unix" => "1700000000 + i / 3".to_owned(),
            "phase" => "CASE WHEN i % 10000 = 7 THEN 4 WHEN i % 100 = 5 THEN 2 ELSE 0 END".to_owned(),
            json @ ("finalized_state" | "payload") => format!(
                "replace(replace(replace(pattern.{json}::text, '{PATTERN_ADDRESS}', name.address),
                     '{PATTERN_SEED}', name.seed), '{PATTERN_SIGNATURE}', name.signature)::jsonb"
            ),
            same => format!("pattern.{same}"),
        })
        .collect();
    let key = if table == "markets" { "address" } else { "stream" };
    format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} pattern, generate_series($1::bigint, $2::bigint) AS i, {NAMES}
         WHERE pattern.{key} = '{PATTERN_ADDRESS}'",
        columns.join(", "),
        values.join(", ")
    )
}

/// Addresses of so many of them, none twice.
pub async fn addresses(client: &Client, count: u64) -> Vec<MarketAddress> {
    let rows = client
        .query("SELECT address::text FROM markets ORDER BY address LIMIT $1", &[&i64::try_from(count).unwrap()])
        .await
        .unwrap();
    rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect()
}

/// The rows of one market: of `markets`, `journal`, `chain_events`.
fn pattern(epoch: Epoch) -> (Value, Value, Value) {
    let mut life = Life::<Market>::unheard_of(PATTERN_ADDRESS.account(), epoch);
    let created = MarketCreated {
        market_id: PATTERN_SEED,
        creator: Wallet([9; 32]),
        b_parameter: 1_000_000_000_000,
        state: 0,
        timestamp: UnixSeconds(1_700_000_000),
    };
    let facts = InstructionFacts::Creation {
        initial_liquidity: Lamports(50_000_000_000),
        question_hash: IpfsHash(*b"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"),
    };
    let event = ChainEvent {
        id: EventId { signature: PATTERN_SIGNATURE, n: 0 },
        position: ChainPosition { slot: Slot(1), transaction_index: None, n: 0 },
        event: created.into(),
        facts: Some(facts),
    };
    let fees = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
    life.plan(&event, fees, 1_760_000_000_000).unwrap();
    let written = life.append().unwrap();
    life.release();
    life.finalize(Slot(1));
    let HeadRow::Market(row) = life.append().unwrap().row else { panic!("a market has a market's row") };
    assert_eq!((row.last_seq, row.finalized_seq), (1, 1));
    let entry = &written.entries[0];
    let stream = PATTERN_ADDRESS.to_string();
    let journal = JournalRow {
        stream: stream.clone(),
        epoch: epoch.0,
        seq: Seq(1).0,
        kind: kind(&entry.body),
        slot: 1,
        slot_high: 1,
        recorded_at: moment(entry.recorded_at_ms),
        payload: &entry.body,
        markets_seq: None,
        trades_seq: None,
    };
    (json!(row), json!(journal), json!(ChainEventRow::of(&stream, epoch, entry).unwrap()))
}
