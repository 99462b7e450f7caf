//! The gateway on a real PostgreSQL: who may do what, and that nothing of a request is left behind.

mod discussions;
mod forgeries;
mod idempotency;
mod login;
mod matrix;
mod metadata;
mod reads;
mod rights;
mod sign_in;
mod supabase;
mod sweep;
mod tables;
mod trading;
mod votes;
mod votes_in_time;
mod votes_past_the_engine;
mod votes_rollback;
mod wallet_library;
mod wallets;
pub mod written;

use std::time::Duration;

use uuid::Uuid;
use zmart::{
    actors::registry::RegistryHandle,
    domain::ids::{MarketAddress, Wallet},
    http::{auth::caller::Caller, gateway::Reads, pool::ReadPool},
    journal::{DatabaseSettings, gateway_login, identity::current_epoch, migrate},
};
use zmart_testkit::{engine::JWT_SECRET, postgres::Database};

fn settings(database: &Database) -> DatabaseSettings {
    DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None }
}

/// A database with its schema, and the pool of a gateway on it.
async fn prepared(connections: usize) -> (Database, ReadPool) {
    let database = Database::fresh().await;
    let pool = pool_on(&database, connections).await;
    (database, pool)
}

async fn pool_on(database: &Database, connections: usize) -> ReadPool {
    migrate::run(&settings(database)).await.unwrap();
    let client = database.connect().await;
    current_epoch(&client).await.unwrap();
    // Rows of these tests name it.
    client.batch_execute("UPDATE journal_epochs SET epoch = 1").await.unwrap();
    let login = gateway_login::ready(&settings(database), None, JWT_SECRET.as_bytes()).await.unwrap();
    ReadPool::new(login, connections)
}

/// A gateway's way to the database, without actors.
fn reads(pool: &ReadPool) -> Reads {
    Reads::new(RegistryHandle::new(|| None, || None), pool.clone())
}

fn wallet(n: u8) -> Wallet {
    Wallet([n; 32])
}

fn caller(n: u8) -> Caller {
    let user = Uuid::from_u128(u128::from(n));
    Caller { wallet: wallet(n), user, session: Uuid::from_u128(1_000 + u128::from(n)), expires_at_unix: i64::MAX }
}

/// A market in a phase (0 = proposed, 4 = disputed), as far as users' writes ask for it.
pub async fn market(database: &Database, n: u8, phase: i16) -> MarketAddress {
    let address = MarketAddress([n; 32]);
    let nobody = Wallet::default().to_string();
    let none = "00".repeat(46);
    let row = serde_json::json!({
        "address": address.to_string(), "market_seed": format!("{n:02x}").repeat(32), "epoch": 1, "last_seq": 1,
        "slot_high": 1, "finalized_seq": 0, "creator_wallet": wallet(n).to_string(), "phase": phase,
        "b_parameter": "100000000000", "initial_liquidity": "1", "current_liquidity": "1", "shares_yes": "0",
        "shares_no": "0", "total_volume": "0", "created_at_unix": 1, "approved_at_unix": 0, "activated_at_unix": 0,
        "resolution_proposed_at_unix": 0, "resolved_at_unix": 0, "finalized_at_unix": 0, "resolver_wallet": nobody,
        "question_hash": none, "evidence_hash": none, "dispute_initiated_at_unix": 0, "dispute_initiator_wallet": nobody,
        "accumulated_resolver_fees": "0", "accumulated_lp_fees": "0", "proposal_likes": 0, "proposal_dislikes": 0,
        "proposal_total_votes": 0, "dispute_agree": 0, "dispute_disagree": 0, "dispute_total_votes": 0,
        "was_disputed": false, "lamports": "1", "trades_count": 0, "traders_count": 0, "vanished": false
    });
    // Some columns are computed, and take no value.
    let names = row.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let sql =
        format!("INSERT INTO markets ({names}) SELECT {names} FROM jsonb_populate_record(NULL::markets, $1::jsonb)");
    database.connect().await.execute(&sql, &[&row]).await.unwrap();
    address
}
