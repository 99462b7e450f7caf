//! History, as it is read from a real journal: what was written comes back exactly, in bounded pages, each row once.

mod replay;
mod rows;

use std::time::Duration;

use serde::Serialize;
use tokio_postgres::Client;
use zmart::{
    domain::{
        amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
        entry::{Entry, EntryBody, FeeSchedule, TradeFigures},
        event::{IpfsHash, SharesBought},
        fees::Fees,
        ids::{ChainPosition, Epoch, EventId, MarketAddress, MarketSeed, Seq, Slot, TxSignature, Wallet},
        market::Market,
        phase::Phase,
    },
    journal::{
        DatabaseSettings, migrate,
        rows::{JournalRow, MarketRow, RowHead, TradeRow, kind, moment},
    },
};
use zmart_testkit::postgres::Database;

/// When entry `seq` was recorded: never a whole second, sometimes with zeros at the end.
fn recorded_at_ms(seq: u64) -> i64 {
    1_760_000_000_100 + seq as i64 * 10
}

/// A database with the schema and two lives of the journal.
async fn journal() -> (Database, Client) {
    let database = Database::fresh().await;
    let settings =
        DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(30), ca_file: None };
    migrate::run(&settings).await.unwrap();
    let client = database.connect().await;
    let lives = "INSERT INTO journal_epochs (epoch, system_identifier, database_oid, timeline) \
                 VALUES (1, 'x', 1, 1), (2, 'x', 1, 2)";
    client.batch_execute(lives).await.unwrap();
    (database, client)
}

async fn insert<T: Serialize>(client: &Client, table: &str, row: &T) {
    let row = serde_json::to_value(row).unwrap();
    // Some columns are computed, and take no value.
    let names = row.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{table}, $1::jsonb) AS given"
    );
    client.execute(&sql, &[&row]).await.unwrap();
}

fn market(n: u8, phase: Phase, created_at: i64) -> Market {
    Market {
        address: MarketAddress([n; 32]),
        seed: MarketSeed([n; 32]),
        creator: Wallet([1; 32]),
        phase,
        b_parameter: ShareUnits(u64::MAX),
        initial_liquidity: Lamports(1),
        current_liquidity: Lamports(2),
        shares_yes: ShareUnits(3),
        shares_no: ShareUnits(4),
        total_volume: Lamports(5),
        created_at: UnixSeconds(created_at),
        approved_at: UnixSeconds(0),
        activated_at: UnixSeconds(0),
        resolution_proposed_at: UnixSeconds(0),
        resolved_at: UnixSeconds(0),
        finalized_at: UnixSeconds(0),
        cancelled_at: None,
        resolver: Wallet::default(),
        proposed_outcome: None,
        final_outcome: None,
        question_hash: IpfsHash([b'Q'; 46]),
        evidence_hash: IpfsHash::EMPTY,
        dispute_initiated_at: UnixSeconds(0),
        dispute_initiator: Wallet::default(),
        accumulated_resolver_fees: Lamports(0),
        accumulated_lp_fees: Lamports(0),
        proposal_likes: u32::MAX,
        proposal_dislikes: 0,
        proposal_total_votes: 0,
        dispute_agree: 0,
        dispute_disagree: 0,
        dispute_total_votes: 0,
        was_disputed: false,
        lamports: Lamports(0),
        trades_count: 3,
        price_yes: Some(PriceE9(500_000_000)),
        vanished: false,
    }
}

async fn insert_market(client: &Client, market: &Market, head: (u32, u64)) {
    let head = RowHead { epoch: Epoch(head.0), last_seq: Seq(head.1), slot_high: Slot(77), finalized_seq: Seq(0) };
    insert(client, "markets", &MarketRow::new(head, market, None)).await;
}

/// A purchase, as entry `seq` of a market.
fn trade(market: &Market, seq: u64, contained: bool) -> Entry {
    let mut signature = [7; 64];
    signature[..8].copy_from_slice(&seq.to_be_bytes());
    signature[8] = market.address.0[0];
    let id = EventId { signature: TxSignature(signature), n: 1 };
    let position = ChainPosition { slot: Slot(seq + 100), transaction_index: None, n: 1 };
    let event = SharesBought {
        market_id: market.seed,
        user: Wallet([2; 32]),
        outcome: true,
        shares: ShareUnits(u64::MAX),
        cost: Lamports(1_100),
        new_price_yes: PriceE9(512_345_678),
        timestamp: UnixSeconds(1_760_000_000),
    }
    .into();
    let figures = TradeFigures {
        amount_before_fees: Lamports(1_000),
        fees: Fees { protocol: Lamports(30), resolver: Lamports(20), lp: Lamports(50), total: Lamports(100) },
        schedule: FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) },
        price_yes_before: PriceE9(500_000_000),
        price_yes: PriceE9(512_345_678),
        shares_yes: ShareUnits(u64::MAX),
        shares_no: ShareUnits(0),
    };
    let body = if contained {
        EntryBody::Contained { id, position, event, figures: Some(figures), tally: None }
    } else {
        EntryBody::Trade { id, position, event, figures }
    };
    Entry { seq: Seq(seq), recorded_at_ms: recorded_at_ms(seq), body }
}

async fn insert_trade(client: &Client, market: &Market, epoch: Epoch, entry: &Entry) {
    let stream = market.address.to_string();
    let row = JournalRow {
        stream: stream.clone(),
        epoch: epoch.0,
        seq: entry.seq.0,
        kind: kind(&entry.body),
        slot: entry.body.slot().0,
        slot_high: entry.body.slot().0,
        recorded_at: moment(entry.recorded_at_ms),
        payload: &entry.body,
        markets_seq: None,
        trades_seq: None,
    };
    insert(client, "journal", &row).await;
    insert(client, "trades", &TradeRow::of(&stream, epoch, entry).unwrap()).await;
}
