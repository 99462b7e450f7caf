//! A market rebuilt from its entries equals what is stored and shown; what another hand has changed is found.

use serde_json::Value;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{
    chain::{SOL, wallet_of},
    engine::Engine,
    patience::wait_for,
    stage::Stage,
};

use super::{all_final, told};

async fn replay(engine: &Engine, market: MarketAddress, more: &[&str]) -> (i32, Value) {
    let market = market.to_string();
    let arguments = [&["replay", "--market", &market, "--json"][..], more].concat();
    let (code, mut lines) = told(engine, &arguments).await;
    (code, lines.pop().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_replayed_from_its_entries_is_what_is_stored_and_shown_and_what_is_bent_is_named() {
    let stage = Stage::set().await;
    let (engine, client) = (&stage.engine, stage.chain.client());
    let trader = client.funded_wallet().await;
    let market = client.proposed_market(&trader, 100 * SOL).await;
    client.vote(market, &trader, true).await;
    stage.chain.approve(market).await;
    client.activate(market, &trader).await;
    for outcome in [Outcome::Yes, Outcome::No, Outcome::Yes] {
        client.buy(market, &trader, outcome, SOL).await;
    }
    let rows = stage.database.connect().await;
    wait_for("every trade to be stored", || async {
        let trades: i64 = rows.query_one("SELECT count(*) FROM trades", &[]).await.unwrap().get(0);
        if trades == 3 { Ok(()) } else { Err(trades) }
    })
    .await;
    all_final(&stage.database).await;

    let (code, report) = replay(engine, market, &[]).await;
    assert_eq!((code, &report["differences"]), (0, &Value::Array(Vec::new())), "{report}");
    assert_eq!(report["live"]["seq"], report["row_at"], "the running engine was compared, too: {report}");
    assert_eq!((&report["positions"], report["state"]["trades_count"].as_u64()), (&1.into(), Some(3)));

    // An older state: what is stored and shown is of another one, and not compared.
    let before = (report["seq"].as_u64().unwrap() - 1).to_string();
    let (code, older) = replay(engine, market, &["--until", &before]).await;
    assert_eq!((code, older["state"]["trades_count"].as_u64(), &older["row_at"]), (0, Some(2), &Value::Null));

    // Nobody answers there: that is said, and the rest is compared.
    let (code, alone) = replay(engine, market, &["--api", "http://127.0.0.1:1"]).await;
    assert_eq!((code, &alone["live"]["seq"]), (0, &Value::Null), "{alone}");
    assert!(alone["live"]["not_compared"].is_string(), "{alone}");

    let wallet = wallet_of(&trader);
    for (table, column, condition, place, field) in [
        ("markets", "shares_yes", format!("address = '{market}'"), "row".to_owned(), "shares_yes"),
        (
            "positions",
            "total_invested",
            format!("wallet = '{wallet}'"),
            format!("position of {wallet}"),
            "total_invested",
        ),
        ("vote_tallies", "in_favour", format!("market = '{market}'"), "tally as stored".to_owned(), "proposal votes"),
    ] {
        let bend = |by: &str| format!("UPDATE {table} SET {column} = {column} {by} WHERE {condition}");
        rows.batch_execute(&bend("+ 1")).await.unwrap();
        let (code, report) = replay(engine, market, &[]).await;
        let found = report["differences"].as_array().unwrap();
        assert_eq!((code, found.len()), (1, 1), "{report}");
        assert_eq!((&found[0]["place"], &found[0]["field"]), (&place.into(), &field.into()), "{report}");
        rows.batch_execute(&bend("- 1")).await.unwrap();
    }
    // An engine that answers and stands still behind what is stored is no engine that could not be asked.
    rows.batch_execute("UPDATE markets SET last_seq = last_seq + 1").await.unwrap();
    let (code, report) = replay(engine, market, &[]).await;
    assert_eq!((code, &report["differences"][0]["field"]), (1, &"seq".into()), "{report}");
    rows.batch_execute("UPDATE markets SET last_seq = last_seq - 1").await.unwrap();
    let (code, _) = replay(engine, MarketAddress([9; 32]), &[]).await;
    assert_eq!(code, 2, "nobody has heard of it");
}
