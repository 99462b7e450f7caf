//! A running engine's services, as `zmart ps` and its likes show and order them.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::Value;
use zmart_testkit::{http::request, patience::wait_for, process::signal, stage::Stage};

use super::said;

#[tokio::test(flavor = "multi_thread")]
async fn services_are_shown_restarted_stopped_and_started_by_the_names_that_operators_know() {
    let stage = Stage::set().await;
    let engine = &stage.engine;
    // Tests' engines take any free port.
    let ask = async |arguments: &[&str]| said(&engine.run(&[arguments, &["--ops-url", &engine.ops]].concat()).await);
    let shown = async |name: &str| {
        let (code, out, err) = ask(&["show", name, "--json"]).await;
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(out.lines().next().unwrap()).unwrap()
    };

    let (code, out, err) = ask(&["ps", "--actors"]).await;
    assert_eq!(code, 0, "{err}");
    for name in zmart::telemetry::census::Service::ALL.map(|service| service.name()) {
        assert!(out.lines().any(|line| line.starts_with(name)), "{name} in {out}");
    }
    assert!(out.contains("journal writer"), "{out}");
    let (_, json, _) = ask(&["ps", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["services"].as_array().unwrap().len(), 6);
    let (_, all, _) = ask(&["show", "all"]).await;
    assert!(all.contains("service event-indexer: running") && all.contains("actor listener (listener)"), "{all}");

    // The doctor finds the ports held by whom they are for.
    let (code, findings) = super::doctor(engine).await;
    let ports: Vec<_> = findings.iter().filter(|(check, ..)| check.ends_with(" port")).collect();
    assert!(code == 0 && ports.len() == 4, "{findings:#?}");
    assert!(ports.iter().all(|(_, status, seen)| status == "ok" && seen.contains("the zmart that runs")), "{ports:#?}");

    let before = shown("monitor").await;
    let (code, out, err) = ask(&["restart", "market-monitor"]).await;
    assert_eq!((code, out.as_str()), (0, "market-monitor: running\n"), "{err}");
    let after = shown("monitor").await;
    assert_ne!(after["started_at"], before["started_at"], "it is another life");
    assert_eq!(after["restarts"].as_u64(), before["restarts"].as_u64().map(|count| count + 1));

    let (code, out, err) = ask(&["stop", "market-monitor"]).await;
    assert_eq!((code, out.as_str()), (0, "market-monitor: stopped\n"), "{err}");
    assert_eq!(shown("market-monitor").await["status"], "stopped");
    let (code, out, err) = ask(&["start", "market-monitor"]).await;
    assert_eq!((code, out.as_str()), (0, "market-monitor: running\n"), "{err}");

    for (arguments, wanted) in [
        (&["restart", "nobody"][..], 1),
        (&["stop", "clock"], 1),
        (&["show", "nobody"], 1),
        (&["ps", "--ops-url", "http://127.0.0.1:1"], 2),
    ] {
        let output = match arguments.contains(&"--ops-url") {
            true => said(&engine.run(arguments).await),
            false => ask(arguments).await,
        };
        assert_eq!(output.0, wanted, "{arguments:?}: {output:?}");
        assert!(!output.2.is_empty(), "{arguments:?}");
    }
    // All of them, in the end: those that this node does not have are said to be so.
    let (code, out, err) = ask(&["restart", "all"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("event-indexer: running") && out.contains("ipfs-service: disabled"), "{out}");
    engine.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_and_followed_shows_what_changes_until_it_is_interrupted_or_nobody_reads_it() {
    let stage = Stage::set().await;
    let engine = &stage.engine;
    let restart = async || {
        let path = "/actors/market-monitor/restart";
        assert_eq!(request("POST", &engine.ops, path, &[], b"").await.status, 202);
    };
    let place = ["--ops-url", &engine.ops];
    let mut watching = engine.beside("watching", &[&["ps", "--watch", "1", "--json"][..], &place].concat());
    let seen = async |restarts: u64| {
        wait_for(&format!("{restarts} restarts to be seen"), || async {
            let said = engine.said();
            let looks = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let of_one = |look: Value| {
                let all = look["actors"].as_array()?.clone();
                all.iter().find(|actor| actor["name"] == "monitor")?["restarts"].as_u64()
            };
            let last = looks.filter_map(of_one).next_back();
            if last == Some(restarts) { Ok(()) } else { Err(format!("{last:?}")) }
        })
        .await;
    };
    seen(0).await;

    // Who follows reads until the order, and is gone.
    let mut command = engine.command(&[&["logs", "--follow", "--lines", "3"][..], &place].concat());
    let mut following = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let (began, begins) = tokio::sync::oneshot::channel();
    let reads = tokio::task::spawn_blocking(move || {
        let mut lines = lines.map(Result::unwrap);
        began.send(lines.next().unwrap()).unwrap();
        lines.find(|line| line.contains("orders: Restart market-monitor")).unwrap()
    });
    begins.await.unwrap();
    restart().await;
    seen(1).await;
    reads.await.unwrap();
    restart().await;
    let status = wait_for("who follows to end when nobody reads", || {
        std::future::ready(following.try_wait().unwrap().ok_or("it goes on"))
    })
    .await;
    assert!(status.success(), "{status}");

    signal("INT", watching.id());
    assert!(watching.end().await.success());
    let mut following = engine.beside("following", &[&["logs", "--follow"][..], &place].concat());
    following.line_that_starts_with("[").await;
    signal("INT", following.id());
    assert!(following.end().await.success());
}
