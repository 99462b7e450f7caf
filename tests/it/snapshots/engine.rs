//! The snapshotter inside the engine: off by default, exact over crashes at each of its steps, one at a time among nodes.

use serde_json::Value;
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    chain::SOL,
    engine::Engine,
    http::{get, try_request},
    patience::wait_for,
    pins::{Fault, JWT, Pins},
    postgres::Database,
    stage::Stage,
};

use super::{anchors, text};
use crate::gateway::written::{comment_as, nobody, number};

const EVERY_SECOND: &str = "* * * * * *";

/// Waits until all of a market's comments are pinned; its rows.
async fn all_pinned(database: &Database, market: MarketAddress, comments: i64) -> Vec<Value> {
    wait_for("all comments to be pinned", || async {
        let rows = anchors(database, market).await;
        let pinned = rows.iter().filter(|row| row["status"] == "pinned");
        let told: i64 = pinned.map(|row| row["comments"].as_i64().unwrap()).sum();
        if told == comments { Ok(rows) } else { Err(format!("{rows:#?}")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshotter_that_dies_after_any_of_its_steps_pins_each_comment_once_and_tells_no_secret() {
    let pins = Pins::open().await;
    let mut stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.client().proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    comment_as(&stage.database, nobody(1), market, "before it was asked for").await;
    let parts = get(&stage.engine.api, "/ready").await.json();
    assert_eq!(parts["parts"]["snapshots"]["status"], "off", "{parts}");
    stage.engine.stop().await;
    pins.serve(&mut stage.engine, EVERY_SECOND);
    stage.engine.start().await;
    let mut said = 1;
    all_pinned(&stage.database, market, said).await;

    for point in ["snapshots:made", "snapshots:kept", "snapshots:sent", "snapshots:noted"] {
        let before = anchors(&stage.database, market).await.len();
        stage.engine.die_at(point).await;
        comment_as(&stage.database, nobody(2), market, &format!("said before {point}")).await;
        stage.engine.has_died().await;
        said += 1;
        let left = anchors(&stage.database, market).await;
        let new: Vec<_> = left[before..].iter().map(|row| text(row, "status")).collect();
        match point {
            "snapshots:made" => assert!(new.is_empty(), "{point}: {new:?}"),
            "snapshots:kept" | "snapshots:sent" => assert_eq!(new, ["pending"], "{point}"),
            _ => assert_eq!(new, ["pinned"], "{point}"),
        }
        stage.engine.start().await;
        let rows = all_pinned(&stage.database, market, said).await;
        if !new.is_empty() {
            assert_eq!(rows[before]["cid"], left[before]["cid"], "{point}: the very same document");
        }
    }
    let rows = all_pinned(&stage.database, market, said).await;
    assert_eq!(rows.len(), pins.files().len(), "nothing is pinned that has no row");
    assert!(rows.iter().all(|row| pins.files().contains_key(text(row, "cid"))));

    // Actors die, the service is away, and both come back.
    pins.always(Some(Fault::Status(503, None)));
    comment_as(&stage.database, nobody(3), market, "while nobody takes it").await;
    wait_for("an alert", || async {
        const SQL: &str = "SELECT count(*) FROM alerts WHERE kind = 'snapshot_failing' AND resolved_at IS NULL";
        if number(&stage.database, SQL).await == 1 { Ok(()) } else { Err("none") }
    })
    .await;
    for actor in ["snapshotter", "snapshots"] {
        stage.engine.crash(actor).await;
    }
    pins.always(None);
    said += 1;
    let rows = all_pinned(&stage.database, market, said).await;
    wait_for("the alert to be over", || async {
        const SQL: &str = "SELECT count(*) FROM alerts WHERE resolved_at IS NULL AND kind = 'snapshot_failing'";
        if number(&stage.database, SQL).await == 0 { Ok(()) } else { Err("it is open") }
    })
    .await;
    listed(&stage.engine.api, market, &rows, &pins.url).await;
    let figures = get(&stage.engine.indexer, "/metrics").await;
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    for name in ["pinned", "away"] {
        let line = figures.lines().find(|line| line.starts_with(&format!("zmart_snapshots_{name}_total ")));
        assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{name}: {figures}");
    }

    let verified = stage.engine.run(&["snapshot", "--verify", "--market", &market.to_string()]).await;
    assert!(verified.status.success(), "{verified:?}");
    stage.engine.stop().await;
    assert!(!stage.engine.said().contains(JWT), "a secret is in the log");
}

/// The list of the API, page by page, is the table's.
async fn listed(api: &str, market: MarketAddress, rows: &[Value], gateway: &str) {
    let (mut path, mut found) = (format!("/api/markets/{market}/snapshots?limit=2"), Vec::new());
    loop {
        let page = get(api, &path).await.json();
        found.extend(page["snapshots"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/markets/{market}/snapshots?limit=2&cursor={cursor}");
    }
    let newest_first: Vec<_> = rows.iter().rev().map(|row| &row["cid"]).collect();
    assert_eq!(found.iter().map(|one| &one["cid"]).collect::<Vec<_>>(), newest_first);
    for one in &found {
        assert_eq!(one["url"], format!("{gateway}/ipfs/{}", text(one, "cid")), "{one}");
        let file = get(gateway, &format!("/ipfs/{}", text(one, "cid"))).await;
        assert_eq!(file.body.len() as u64, one["size_bytes"].as_u64().unwrap());
        assert_eq!(file.json()["period"]["to"]["seq"], one["to"]["seq"]);
    }
    assert_eq!(get(api, "/api/markets/x/snapshots").await.status, 400);
    assert_eq!(get(api, &format!("/api/markets/{market}/snapshots?cursor=x")).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_run_nothing_else_make_snapshots_one_at_a_time_and_one_takes_over() {
    let pins = Pins::open().await;
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.client().proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    let mut nodes = Vec::new();
    for name in ["one", "other"] {
        let mut node = Engine::on(&stage.chain, &stage.database);
        node.set("NODE_ID", name);
        node.set("ROLES", if name == "one" { "ipfs" } else { "ipfs,api" });
        pins.serve(&mut node, EVERY_SECOND);
        node.start().await;
        nodes.push(node);
        comment_as(&stage.database, nobody(4), market, &format!("pinned by {name}, or not yet")).await;
        all_pinned(&stage.database, market, nodes.len() as i64).await;
    }
    // A node that stalls loses its office, so either may hold it; at times nobody does.
    let holder = "SELECT node, term FROM leases WHERE name = 'snapshots' AND expires_at > now()";
    let holds = async || {
        let row = stage.database.connect().await.query_opt(holder, &[]).await.unwrap().ok_or("nobody")?;
        Ok::<(String, i64), &str>((row.get(0), row.get(1)))
    };
    let (first, term) = wait_for("one to hold it, and the other to know that", || async {
        let (first, term) = holds().await?;
        // The other one says so, if that is the one with an API.
        let told = try_request("GET", &nodes[1].api, "/ready", &[], b"").await.map(|answer| answer.json());
        let told = told.unwrap_or_default();
        let reason = told["parts"]["snapshots"]["reason"].as_str().unwrap_or_default();
        let is_told = first == "other" || reason.contains("node one makes snapshots");
        if is_told { Ok((first, term)) } else { Err("it does not know") }
    })
    .await;
    nodes[usize::from(first == "other")].kill();
    let other = if first == "one" { "other" } else { "one" };
    comment_as(&stage.database, nobody(5), market, "said when it was dead").await;
    let rows = all_pinned(&stage.database, market, 3).await;
    assert_eq!(rows.len(), pins.files().len());
    wait_for("the other to hold it in a later term", || async {
        match holds().await? {
            (node, later) if node == other && later > term => Ok(()),
            _ => Err("not yet"),
        }
    })
    .await;
}
