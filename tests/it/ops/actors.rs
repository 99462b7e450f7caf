//! The census, and what an operator may do with who is in it.

use zmart_testkit::stage::Stage;

use super::{actor, actor_becomes, order, told};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_runs_and_who_panicked_and_ends_and_begins_it_by_name() {
    let mut stage = Stage::set().await;
    let all = told(&stage.engine, "/actors").await;
    let services: Vec<&str> =
        all["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap()).collect();
    let six = ["api-gateway", "websocket-server", "vote-aggregator", "market-monitor", "event-indexer", "ipfs-service"];
    assert_eq!(services, six);
    for service in all["services"].as_array().unwrap() {
        let wanted = if service["name"] == "ipfs-service" { "disabled" } else { "running" };
        assert_eq!(service["status"], wanted, "{service:#}");
    }
    for name in ["root", "journal writer", "gateway", "hub"] {
        assert_eq!(actor(&stage.engine, name).await["status"], "running", "{name}");
    }
    assert_eq!(actor(&stage.engine, "follower").await["status"], "waiting", "this node leads");
    assert_eq!(actor(&stage.engine, "listener").await["service"], "event-indexer");
    actor_becomes(&stage.engine, "clock", "has had turns", |clock| clock["processed"].as_u64() > Some(0)).await;

    stage.engine.crash("listener").await;
    let listener = actor_becomes(&stage.engine, "listener", "is started again", |listener| {
        listener["restarts"] == 1 && listener["status"] == "running"
    })
    .await;
    let panic = &listener["last_panic"];
    assert!(panic["message"].as_str().unwrap().contains("asked to crash"), "{panic:#}");
    assert!(panic["backtrace"].as_str().unwrap().contains("listener"), "{panic:#}");
    assert_eq!(listener["panics"], 1);

    assert_eq!(order(&stage.engine, "POST", "/actors/stats%20keeper/restart", "").await.0, 202);
    actor_becomes(&stage.engine, "stats keeper", "began anew", |keeper| {
        keeper["restarts"] == 1 && keeper["status"] == "running" && keeper["last_panic"].is_null()
    })
    .await;

    let (status, body) = order(&stage.engine, "POST", "/actors/market-monitor/stop", "").await;
    assert_eq!((status, &body["status"]), (202, &"stopped".into()), "{body:#}");
    actor_becomes(&stage.engine, "monitor", "is stopped", |monitor| monitor["started_at"].is_null()).await;
    let (status, body) = order(&stage.engine, "POST", "/actors/market-monitor/start", "").await;
    assert_eq!((status, &body["status"]), (202, &"running".into()), "{body:#}");

    for (path, wanted) in [
        ("/actors/nobody/restart", 404),
        ("/actors/listener/dance", 404),
        ("/actors/clock/stop", 409),
        ("/actors/gateway/restart", 409),
        ("/actors/hub/stop", 409),
        ("/actors/websocket-server/restart", 202),
        ("/actors/follower/restart", 409),
        ("/actors/listener/start", 409),
    ] {
        let (status, body) = order(&stage.engine, "POST", path, "").await;
        assert_eq!(status, wanted, "{path}: {body:#}");
        assert_eq!(body["request_id"].is_string(), wanted != 202, "{body:#}");
    }
    stage.engine.ready().await;
}
