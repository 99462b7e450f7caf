//! Rows that are written as columns: the same, however many go at once, as each of them written as it is.

use tokio_postgres::types::Json;
use zmart::{
    domain::{
        amount::{Lamports, ShareUnits},
        counted::Heads,
        entry::EntryBody,
        event::{Outcome, ProgramEvent},
        ids::{Epoch, Slot, Wallet},
    },
    journal::{
        rows::{ChainEventRow, JournalRow, TradeRow, kind, moment},
        write::{CommitFailure, StreamAppend, WriterLife},
    },
};
use zmart_testkit::postgres::{Cluster, Database};

use super::{leased, prepare, settings, story::Story};

/// The tables that are written as columns, and what is found by them.
const TABLES: [&str; 5] = ["journal", "chain_events", "trades", "positions", "markets"];

/// Two markets with more trades than one statement takes, of a few wallets, with sales among them.
fn stories(epoch: Epoch) -> [Story; 2] {
    let mut stories = [Story::begin(1, epoch), Story::begin(2, epoch)];
    for step in 0..1_100u64 {
        let story = &mut stories[usize::from(step % 11 == 0)];
        let (wallet, outcome) = (Wallet([40 + (step % 7) as u8; 32]), Outcome::from(step % 3 == 0));
        story.buy(wallet, outcome, 1_000_000_000 + step);
        if step % 5 == 0 {
            story.sell(wallet, outcome, ShareUnits(1_000_000 + step));
        }
    }
    stories
}

/// Two databases that are compared: their journals live in the same epoch, whenever each was begun.
async fn prepare_alike(one: &Database, other: &Database) -> Epoch {
    let epoch = prepare(one).await;
    prepare(other).await;
    let client = other.connect().await;
    client.execute("UPDATE journal_epochs SET epoch = $1", &[&(epoch.0 as i32)]).await.unwrap();
    epoch
}

/// Every row of every table, as text.
async fn dump(database: &Database) -> Vec<Vec<String>> {
    let client = database.connect().await;
    let mut tables = Vec::new();
    for table in TABLES {
        let rows = client.query(&format!("SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"), &[]).await.unwrap();
        tables.push(rows.iter().map(|row| row.get(0)).collect());
    }
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn one_large_batch_writes_the_same_rows_as_many_small_ones() {
    let (large, small) = (Database::fresh().await, Database::fresh().await);
    let epoch = prepare_alike(&large, &small).await;

    let mut told = stories(epoch);
    let pool = leased(settings(&large.url).writer_pool().unwrap());
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let appends: Vec<StreamAppend> = told.iter_mut().map(Story::append).collect();
    assert!(appends[0].entries.len() > 1_024, "more than one statement takes");
    life.commit(&pool, 1, &appends).await.unwrap();

    let pool = leased(settings(&small.url).writer_pool().unwrap());
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let mut batch = 0;
    for append in &appends {
        // The row at the end is the same whatever it was on the way: all of them are sent with it.
        let mut rest = append.clone();
        let mut size = 1;
        while !rest.entries.is_empty() {
            let mut first = rest.clone();
            first.entries.truncate(size);
            rest.entries.drain(..first.entries.len());
            let last = first.entries.last().unwrap();
            rest.first_seq = last.seq.next();
            rest.slot_high_before = first.entries.iter().map(|entry| entry.body.slot()).max().unwrap();
            let zmart::journal::write::HeadRow::Market(row) = &mut first.row else { panic!("a market") };
            row.last_seq = last.seq.0;
            batch += 1;
            life.commit(&pool, batch, &[first]).await.unwrap();
            size = size * 2 % 97 + 1;
        }
    }
    assert!(batch > 10);
    for ((table, large), small) in TABLES.iter().zip(dump(&large).await).zip(dump(&small).await) {
        assert!(!large.is_empty(), "{table}");
        assert!(large == small, "{table} differs");
    }
}

/// Supabase does not give BYPASSRLS away, and COPY is refused where row level security stands over a table.
#[tokio::test(flavor = "multi_thread")]
async fn under_row_level_security_a_large_batch_is_inserted_and_its_rows_are_the_same() {
    let cluster = Cluster::start().await;
    let (copied, inserted) = (cluster.database().await, cluster.database().await);
    let epoch = prepare_alike(&copied, &inserted).await;
    let appends: Vec<StreamAppend> = stories(epoch).iter_mut().map(Story::append).collect();
    let write = async |database: &Database| {
        let pool = leased(settings(&database.url).writer_pool().unwrap());
        let mut life = WriterLife::begin(&pool).await.unwrap();
        life.commit(&pool, 1, &appends).await.unwrap();
        life.copies
    };
    assert!(write(&copied).await);
    cluster.server().connect().await.batch_execute("ALTER ROLE zmart_engine NOBYPASSRLS").await.unwrap();
    assert!(!write(&inserted).await);
    assert!(dump(&copied).await == dump(&inserted).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_holds_what_the_row_as_json_would() {
    let (columns, json) = (Database::fresh().await, Database::fresh().await);
    let epoch = prepare_alike(&columns, &json).await;
    let mut story = Story::begin(1, epoch);
    story.buy(Wallet([0; 32]), Outcome::Yes, 1_000_000_000);
    story.buy(Wallet([255; 32]), Outcome::No, 2_000_000_000);
    story.sell(Wallet([7; 32]), Outcome::No, ShareUnits(3_000_000));
    let mut append = story.append();
    // As large as the program's numbers get.
    for entry in &mut append.entries {
        if let EntryBody::Trade { event: ProgramEvent::SharesBought(event), figures, position, id } = &mut entry.body {
            event.cost = Lamports(u64::MAX);
            figures.fees.protocol = Lamports(u64::MAX);
            position.transaction_index = Some(u32::MAX);
            id.n = u16::MAX;
        }
    }
    let pool = leased(settings(&columns.url).writer_pool().unwrap());
    let mut life = WriterLife::begin(&pool).await.unwrap();
    life.commit(&pool, 1, std::slice::from_ref(&append)).await.unwrap();

    let client = json.connect().await;
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    let stream = append.stream.to_string();
    let mut slot_high = append.slot_high_before;
    let mut heads = Heads::default();
    for entry in &append.entries {
        slot_high = slot_high.max(entry.body.slot());
        let numbers = heads.number(epoch, &entry.body);
        let row = JournalRow {
            stream: stream.clone(),
            epoch: epoch.0,
            seq: entry.seq.0,
            kind: kind(&entry.body),
            slot: entry.body.slot().0,
            slot_high: slot_high.0,
            recorded_at: moment(entry.recorded_at_ms),
            payload: &entry.body,
            markets_seq: numbers.markets.map(|seq| seq.0),
            trades_seq: numbers.trades.map(|seq| seq.0),
        };
        insert(&client, "journal", &row).await;
        if let Some(row) = ChainEventRow::of(&stream, epoch, entry) {
            insert(&client, "chain_events", &row).await;
        }
        if let Some(row) = TradeRow::of(&stream, epoch, entry) {
            insert(&client, "trades", &row).await;
        }
    }
    for ((table, columns), json) in TABLES.iter().zip(dump(&columns).await).zip(dump(&json).await).take(3) {
        assert!(!columns.is_empty(), "{table}");
        assert_eq!(columns, json, "{table}");
    }
}

async fn insert<R: serde::Serialize + Sync + std::fmt::Debug>(client: &tokio_postgres::Client, table: &str, row: &R) {
    let sql = format!("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1)");
    client.execute(&sql, &[&Json(row)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_its_column_can_not_hold_is_refused_and_nothing_is_written() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = leased(settings(&database.url).writer_pool().unwrap());
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let mut append = Story::begin(1, epoch).append();
    if let EntryBody::Event { position, .. } = &mut append.entries[2].body {
        position.slot = Slot(u64::MAX);
    }
    let refused = life.commit(&pool, 1, &[append]).await;
    assert!(matches!(&refused, Err(CommitFailure::Refused(why)) if why.contains("journal.slot")), "{refused:?}");
    let mut again = Story::begin(1, epoch);
    life.commit(&pool, 1, &[again.append()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_finds_rows_by_their_key_whatever_the_planner_knows() {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let pool = leased(settings(&database.url).writer_pool().unwrap());
    let mut life = WriterLife::begin(&pool).await.unwrap();
    let client = database.connect().await;
    // What foreign keys were made with, and the migrations.
    client.batch_execute("SELECT pg_stat_reset()").await.unwrap();
    let mut stories: Vec<Story> = (1..=20).map(|number| Story::begin(number, epoch)).collect();
    // The tables are empty when the plans are made, and nobody analyses them.
    for round in 0..12u8 {
        for story in &mut stories {
            for wallet in 0..10 {
                story.buy(Wallet([100 + wallet * 12 + round; 32]), Outcome::Yes, 1_000_000_000);
            }
        }
        let appends: Vec<StreamAppend> = stories.iter_mut().map(Story::append).collect();
        life.commit(&pool, i64::from(round) + 1, &appends).await.unwrap();
    }
    // The server tells its counts when a connection ends.
    drop(pool);
    const SQL: &str = "SELECT relname::text, seq_scan, coalesce(idx_scan, 0) FROM pg_stat_user_tables \
                       WHERE relname IN ('markets', 'positions') ORDER BY relname";
    let counts = zmart_testkit::patience::wait_for("the counts", || async {
        let rows = client.query(SQL, &[]).await.unwrap();
        let counts: Vec<(String, i64, i64)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        if counts.iter().all(|(_, _, by_key)| *by_key > 200) { Ok(counts) } else { Err(format!("{counts:?}")) }
    })
    .await;
    assert!(counts.iter().all(|(_, whole, _)| *whole == 0), "a table was read from end to end: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_obey_the_same_rules_as_by_the_first_migration() {
    let database = Database::fresh().await;
    prepare(&database).await;
    let client = database.connect().await;
    let rows: &[(&str, &str, &str, &[usize])] = &[
        ("account_address", "1", "^[1-9A-HJ-NP-Za-km-z]{32,44}$", &[0, 1, 31, 32, 33, 43, 44, 45, 400]),
        ("transaction_signature", "z", "^[1-9A-HJ-NP-Za-km-z]{64,88}$", &[0, 63, 64, 65, 87, 88, 89, 900]),
    ];
    for (domain, digit, rule, lengths) in rows {
        for length in *lengths {
            let good = digit.repeat(*length);
            let mut texts = vec![good.clone()];
            for other in ["0", "O", "I", "l", " ", "\n", "é", "-", "١", "ﬀ"] {
                texts.extend([format!("{good}{other}"), format!("{other}{good}")]);
                texts.push(good.get(1..).map_or(String::new(), |rest| format!("{other}{rest}")));
                texts.push(good.get(1..).map_or(String::new(), |rest| format!("{rest}{other}")));
            }
            for text in texts {
                let was: bool = client.query_one("SELECT $1::text ~ $2::text", &[&text, rule]).await.unwrap().get(0);
                let cast = client.query_one(&format!("SELECT $1::text::{domain}::text"), &[&text]).await;
                let is = match &cast {
                    Ok(_) => true,
                    Err(error) => {
                        assert_eq!(error.code().map(|code| code.code()), Some("23514"), "{error}");
                        false
                    }
                };
                assert_eq!(is, was, "{domain} {text:?}");
            }
        }
    }
}
