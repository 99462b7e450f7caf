//! Whatever happens to PostgreSQL, or on the way to it: what was acknowledged is there, what was not is written once, and
//! nobody sees what is not there.

use zmart_testkit::{
    chain::Chain,
    network::Network,
    patience::wait_for,
    postgres::{Cluster, Database},
};

use super::scene::{Cast, Scene, moment};

/// Trades before, during and after a fault.
const TRADES: usize = 24;
/// COMMITs that are lost in a row.
const LOST: usize = 6;
/// Connections of the server that has too few.
const CONNECTIONS: u32 = 40;
/// Rounds in which others try to get all of them.
const ROUNDS_MAX: u32 = 200;

async fn scene_on(cluster: &Cluster) -> Scene {
    let (chain, database) = (Chain::start().await, cluster.database().await);
    Scene::set(Cast::default(), chain, database, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_frozen_read_only_or_drops_connections_loses_nothing() {
    let mut cluster = Cluster::start().await;
    let scene = scene_on(&cluster).await;
    scene.trade(TRADES).await;

    // Trades go on while it is away; the next start recovers from the log.
    scene.let_trade(TRADES);
    scene.traded_but(TRADES / 2).await;
    cluster.kill();
    scene.let_trade(TRADES);
    scene.rig.engine.down("database").await;
    cluster.up().await;
    scene.is_well("a kill of all the server's processes").await;

    // Killed while it recovers, and while the engine comes back to it.
    scene.let_trade(2 * TRADES);
    for life_ms in [0, 50, 200, 500] {
        cluster.kill();
        cluster.up().await;
        moment(life_ms).await;
    }
    scene.is_well("four kills in a row").await;

    // Sockets stay open, nobody answers.
    scene.let_trade(TRADES);
    scene.traded_but(TRADES / 2).await;
    cluster.freeze();
    scene.let_trade(TRADES);
    scene.rig.engine.cannot_write().await;
    cluster.thaw();
    scene.is_well("a server that stood still").await;

    // As a standby that was not promoted yet: writing is refused (25006), reading is not.
    scene.let_trade(TRADES);
    cluster.restart_with(&["default_transaction_read_only=on"]).await;
    scene.let_trade(TRADES);
    scene.rig.engine.cannot_write().await;
    cluster.restart_with(&[]).await;
    scene.is_well("a server that only read").await;

    // 57P01, in the middle of whatever was under way.
    scene.let_trade(4 * TRADES);
    let mut cut = 0;
    for _ in 0..20 {
        cut += cluster.cut_off_the_engine().await;
        moment(100).await;
    }
    assert!(cut > 0, "no connection was ever there to be cut");
    scene.is_well("connections that were ended").await;
    assert!(scene.connections().iter().all(|connections| *connections == 1), "a subscriber had to connect again");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_connections_are_waited_for() {
    let cluster = Cluster::with_connections(CONNECTIONS).await;
    let scene = scene_on(&cluster).await;
    scene.trade(TRADES).await;

    // Others take every connection that there is, those of the engine as soon as they are ended.
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'zmart'";
    const LEFT: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'zmart'";
    let mut others = vec![scene.database.connect().await];
    for round in 1.. {
        others[0].batch_execute(CUT).await.unwrap();
        while let Ok((client, connection)) = tokio_postgres::connect(&scene.database.url, tokio_postgres::NoTls).await {
            tokio::spawn(connection);
            others.push(client);
        }
        let left: i64 = others[0].query_one(LEFT, &[]).await.unwrap().get(0);
        if left == 0 {
            break;
        }
        assert!(round < ROUNDS_MAX, "the engine still has {left} connections");
    }
    scene.let_trade(TRADES);
    scene.rig.engine.cannot_write().await;
    drop(others);
    scene.is_well("others that took all connections").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_without_an_answer_are_written_once_while_trades_go_on() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let network = Network::before(&database).await;
    let settings = [("DATABASE_URL", network.database().url)];
    let scene = Scene::set(Cast::default(), chain, database, &settings).await;
    for (fault, lose) in [
        ("answers of COMMIT that were lost", Network::lose_answers as fn(&Network, usize)),
        ("COMMITs that were lost", Network::lose_commits),
    ] {
        scene.let_trade(TRADES);
        lose(&network, LOST);
        wait_for("COMMITs to be lost", || async {
            scene.let_trade(1);
            if network.left_to_lose() == 0 { Ok(()) } else { Err(network.left_to_lose()) }
        })
        .await;
        scene.is_well(fault).await;
    }
    scene.let_trade(2 * TRADES);
    for _ in 0..10 {
        network.cut();
        moment(100).await;
    }
    scene.is_well("connections that were cut").await;
}
