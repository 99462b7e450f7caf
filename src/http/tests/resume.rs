//! Subscriptions: each entry exactly once and in order, whatever happens to the stream.

use std::time::Duration;

use serde_json::json;

use super::fakes::{CONFIG, World, limits, market};
use crate::{actors::stream::ReadError, domain::ids::Epoch, http::ws::WsLimits, view::frame::Channel};

const SHORT: Duration = Duration::from_millis(600);

fn channel(n: u8) -> Channel {
    Channel::Market(market(n))
}

#[actix_web::test]
async fn a_subscription_begins_with_a_snapshot_and_goes_on_with_every_entry() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    let answer = client.subscribe(market(1), None).await;
    assert_eq!((&answer["seq"], &answer["epoch"], &answer["recovered"]), (&json!(5), &json!(1), &json!(false)));
    assert_eq!(answer["snapshot"]["id"], market(1).to_string());
    assert_eq!((&answer["slot"], &answer["timestamp"]), (&json!(50), &json!("2025-10-09T08:53:20.000Z")));
    world.emit(channel(1), 3).await;
    client.entries(channel(1), 6..=8).await;
    let beat = client.heartbeat().await;
    assert_eq!(beat["channels"], json!({channel(1).to_string(): {"epoch": 1, "seq": 8}}));
}

#[actix_web::test]
async fn a_resume_gets_what_was_missed_and_then_the_live_ones() {
    let world = World::new(limits()).await;
    world.emit(channel(1), 995).await;
    let mut client = world.connect().await;
    // More than a page behind, all in memory.
    let answer = client.subscribe(market(1), Some((1, 3))).await;
    assert_eq!((&answer["recovered"], &answer["seq"], &answer["head_seq"]), (&json!(true), &json!(3), &json!(1_000)));
    assert!(answer.get("snapshot").is_none());
    world.emit(channel(1), 5).await;
    client.entries(channel(1), 4..=1_005).await;
}

#[actix_web::test]
async fn what_can_not_be_resumed_gets_a_snapshot() {
    let world = World::new(WsLimits { resume_entries: 3, ..limits() }).await;
    for since in [(2, 5), (1, 6), (1, 1), (0, 5)] {
        let mut client = world.connect().await;
        let answer = client.subscribe(market(1), Some(since)).await;
        assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(false), &json!(5)), "{since:?}");
        assert!(answer["snapshot"].is_object(), "{since:?}");
    }
}

#[actix_web::test]
async fn a_second_subscription_goes_on_from_what_the_client_gave() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    client.subscribe(market(1), None).await;
    world.emit(channel(1), 2).await;
    client.entries(channel(1), 6..=7).await;
    assert_eq!(client.subscribe(market(1), None).await["seq"], 7);
    let answer = client.subscribe(market(1), Some((1, 5))).await;
    assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(true), &json!(5)));
    // What was sent before the answer comes again after it: the client asked for it.
    client.entries(channel(1), 6..=7).await;
    world.emit(channel(1), 1).await;
    client.entries(channel(1), 8..=8).await;
    client.silence(SHORT).await;
}

#[actix_web::test]
async fn who_listened_along_to_the_config_can_resume_it_from_before() {
    let world = World::new(limits()).await;
    let config = Channel::Config(CONFIG);
    world.emit(config, 10).await;
    let mut client = world.connect().await;
    let resume = json!({"action": "subscribe", "channels": ["config"], "since": {"config": {"epoch": 1, "seq": 8}}});
    client.subscribe(market(1), None).await;
    for _ in 0..2 {
        client.say(resume.clone()).await;
        let answer = client.heard().await;
        assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(true), &json!(8)), "{answer}");
        client.entries(config, 9..=15).await;
        // It is listened along to from here on, since another channel is left.
        client.say(json!({"action": "unsubscribe", "channels": ["config"]})).await;
        assert_eq!(client.heard().await["type"], "reply");
    }
}

#[actix_web::test]
async fn frames_lost_on_the_way_are_read_again() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    client.subscribe(market(1), None).await;
    // In the middle: seen by the next one that arrives.
    world.emit_lossy(channel(1), 10, 4).await;
    client.entries(channel(1), 6..=15).await;
    // At the end: seen by the reminder.
    world.emit_lossy(channel(1), 3, 3).await;
    client.silence(SHORT).await;
    world.remind(channel(1)).await;
    client.entries(channel(1), 16..=18).await;
    // More than is sent at once.
    world.emit_lossy(channel(1), 900, 800).await;
    client.entries(channel(1), 19..=918).await;
}

#[actix_web::test]
async fn a_restarted_market_is_found_again_and_nobody_notices() {
    let world = World::new(limits()).await;
    let mut clients = [world.connect().await, world.connect().await];
    for client in &mut clients {
        client.subscribe(market(1), None).await;
    }
    world.emit(channel(1), 1).await;
    world.kill(channel(1)).await;
    // Made by the new life before the hub is on its list.
    world.emit(channel(1), 4).await;
    for client in &mut clients {
        client.entries(channel(1), 6..=10).await;
    }
    world.emit(channel(1), 1).await;
    for client in &mut clients {
        client.entries(channel(1), 11..=11).await;
    }
}

#[actix_web::test]
async fn another_life_of_the_journal_is_told_by_a_snapshot() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    client.subscribe(market(1), None).await;
    world.kill(channel(1)).await;
    world.change(channel(1), |store| (store.epoch, store.head) = (Epoch(2), 2));
    let answer = client.heard().await;
    assert_eq!((&answer["type"], &answer["epoch"], &answer["seq"]), (&json!("subscribed"), &json!(2), &json!(2)));
    assert_eq!(answer["recovered"], false);
    world.emit(channel(1), 2).await;
    client.entries(channel(1), 3..=4).await;
}

#[actix_web::test]
async fn after_unsubscribing_no_frame_comes_and_the_hub_leaves_the_stream() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    let mut other = world.connect().await;
    client.subscribe(market(1), None).await;
    client.subscribe(market(2), None).await;
    other.subscribe(market(1), None).await;
    client.say(json!({"action": "unsubscribe", "id": 7, "market_id": market(1).to_string()})).await;
    world.emit(channel(1), 2).await;
    // What was on its way may still come before the answer, and the answer tells how far it got.
    let mut last = 5;
    let reply = loop {
        let message = client.heard().await;
        if message["type"] == "reply" {
            break message;
        }
        last = message["seq"].as_u64().unwrap();
    };
    assert_eq!((&reply["id"], &reply["action"]), (&json!(7), &json!("unsubscribe")));
    let head = json!({"channel": channel(1).to_string(), "market_id": market(1).to_string(), "epoch": 1, "seq": last});
    assert_eq!(reply["channels"], json!([head]));
    client.silence(SHORT).await;
    other.entries(channel(1), 6..=7).await;

    client.say(json!({"action": "unsubscribe"})).await;
    assert_eq!(client.heard().await["channels"].as_array().map(Vec::len), Some(1));
    drop(other);
    tokio::time::timeout(Duration::from_secs(5), async {
        while [1, 2].into_iter().any(|n| world.stores.lock().unwrap()[&channel(n)].hubs > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the hub leaves streams that nobody listens to");
    // And comes back.
    let answer = client.subscribe(market(1), Some((1, 6))).await;
    assert_eq!(answer["recovered"], true);
    world.emit(channel(1), 1).await;
    client.entries(channel(1), 7..=8).await;
}

#[actix_web::test]
async fn who_has_any_subscription_gets_the_config_and_who_has_none_does_not() {
    let world = World::new(limits()).await;
    let config = Channel::Config(CONFIG);
    let mut market_client = world.connect().await;
    let mut config_client = world.connect().await;
    let mut idle = world.connect().await;
    market_client.subscribe(market(1), None).await;
    config_client.say(json!({"action": "subscribe", "id": 1, "channels": ["config"]})).await;
    let answer = config_client.heard().await;
    assert_eq!((&answer["channel"], &answer["seq"]), (&json!("config"), &json!(5)), "{answer}");
    assert_eq!(market_client.heartbeat().await["channels"].as_object().unwrap().len(), 1, "nothing of it was sent yet");

    world.emit(config, 2).await;
    market_client.entries(config, 6..=7).await;
    config_client.entries(config, 6..=7).await;
    assert_eq!(market_client.heartbeat().await["channels"]["config"], json!({"epoch": 1, "seq": 7}));
    idle.silence(SHORT).await;

    config_client.say(json!({"action": "unsubscribe"})).await;
    config_client.heard().await;
    market_client.subscribe(market(2), None).await;
    market_client.say(json!({"action": "unsubscribe", "market_id": market(1).to_string()})).await;
    market_client.heard().await;
    world.emit(config, 1).await;
    market_client.entries(config, 8..=8).await;
    config_client.silence(SHORT).await;
}

#[actix_web::test]
async fn several_channels_are_answered_one_by_one_and_the_last_bears_the_id() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    let names = [1, 2, 99].map(|n| format!("market:{}", market(n)));
    client.say(json!({"action": "subscribe", "id": 3, "channels": names})).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(client.heard().await);
    }
    let with_id: Vec<_> = answers.iter().map(|answer| answer.get("id").cloned()).collect();
    assert_eq!(with_id, [None, None, Some(json!(3))]);
    let errors = answers.iter().filter(|answer| answer["type"] == "error").count();
    assert_eq!(errors, 1, "{answers:?}");
}

#[actix_web::test]
async fn channels_are_bounded() {
    let world = World::new(WsLimits { channels: 2, ..limits() }).await;
    let mut client = world.connect().await;
    client.subscribe(market(1), None).await;
    client.subscribe(market(2), None).await;
    client.say(json!({"action": "subscribe", "id": 1, "market_id": market(3).to_string()})).await;
    assert_eq!(client.heard().await["code"], "TOO_MANY_CHANNELS");
    client.subscribe(market(2), None).await;
}

#[actix_web::test]
async fn a_market_that_is_loading_is_a_retryable_error_and_no_strike() {
    let world = World::new(limits()).await;
    world.change(channel(1), |store| store.answer = Some(ReadError::Loading));
    let mut client = world.connect().await;
    for _ in 0..12 {
        client.say(json!({"action": "subscribe", "id": 1, "market_id": market(1).to_string()})).await;
        let error = client.heard().await;
        assert_eq!((&error["code"], &error["retryable"]), (&json!("UNAVAILABLE"), &json!(true)), "{error}");
    }
    world.change(channel(1), |store| store.answer = None);
    client.subscribe(market(1), None).await;
}

#[actix_web::test]
async fn a_reader_that_stops_reading_is_closed_as_slow_and_others_are_not() {
    // Room for a round without its prices being told together.
    let world = World::new(WsLimits { outbox_frames: 480, catch_up: Duration::ZERO, ..limits() }).await;
    let mut slow = world.connect().await;
    let mut quick = world.connect().await;
    slow.subscribe(market(1), None).await;
    quick.subscribe(market(1), None).await;
    let mut seq = 5;
    // Until the sockets between hold no more, and then the outbox.
    for _ in 0..600 {
        world.emit(channel(1), 50).await;
        quick.entries(channel(1), seq + 1..=seq + 50).await;
        seq += 50;
    }
    assert_eq!(slow.end().await, Some(4008));
    world.emit(channel(1), 1).await;
    quick.entries(channel(1), seq + 1..=seq + 1).await;
}

#[actix_web::test]
async fn many_channels_a_little_behind_do_not_fill_the_outbox() {
    let world = World::new(WsLimits { outbox_frames: 200, ..limits() }).await;
    // What it missed is kept by the hub, because somebody else listens.
    let mut other = world.connect().await;
    for n in 1..=3 {
        other.subscribe(market(n), None).await;
        world.emit(channel(n), 60).await;
        other.entries(channel(n), 6..=65).await;
    }
    let mut client = world.connect().await;
    let names = [1, 2, 3].map(|n| channel(n).to_string());
    let since: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!({"epoch": 1, "seq": 5}))).collect();
    client.say(json!({"action": "subscribe", "channels": names, "since": since})).await;
    let mut last = std::collections::BTreeMap::new();
    while last.len() < 3 || last.values().any(|seq| *seq < 65) {
        let message = client.heard().await;
        let (name, seq) = (message["channel"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap());
        match last.insert(name, seq) {
            None => assert_eq!((&message["type"], seq), (&json!("subscribed"), 5)),
            Some(before) => assert!(seq == before || seq == before + 1, "{seq} after {before}"),
        }
    }
}

#[actix_web::test]
async fn what_somebody_elses_join_finds_final_is_told_to_those_who_listen() {
    let world = World::new(limits()).await;
    let (mut listener, mut other) = (world.connect().await, world.connect().await);
    listener.subscribe(market(1), None).await;
    // The hub has heard of the next entry, but not what the state is after it: who joins has the stream asked.
    world.emit(channel(1), 1).await;
    listener.entries(channel(1), 6..=6).await;
    world.change(channel(1), |store| store.finalized = 5);
    assert_eq!(other.subscribe(market(1), None).await["finalized_seq"], 5);
    let told = listener.heard().await;
    assert_eq!((&told["type"], &told["seq"]), (&json!("commitment"), &json!(5)), "{told}");
}

#[actix_web::test]
async fn a_resume_waits_a_little_for_a_stream_that_is_behind_and_nobody_waits_with_it() {
    let world = World::new(limits()).await;
    let (mut ahead, mut other) = (world.connect().await, world.connect().await);
    let name = channel(1).to_string();
    let since = json!({&name: {"epoch": 1, "seq": 8}});
    ahead.say(json!({"action": "subscribe", "channels": [&name], "since": since})).await;
    ahead.silence(SHORT).await;
    assert_eq!(other.subscribe(market(1), None).await["seq"], 5);
    world.emit(channel(1), 4).await;
    other.entries(channel(1), 6..=9).await;
    let answer = ahead.heard().await;
    assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(true), &json!(8)), "{answer}");
    ahead.entries(channel(1), 9..=9).await;
}

#[actix_web::test]
async fn an_entry_that_is_larger_than_the_outbox_comes_as_a_page() {
    // An entry has two frames.
    let world = World::new(WsLimits { outbox_frames: 1, catch_up: Duration::ZERO, ..limits() }).await;
    let mut client = world.connect().await;
    client.subscribe(market(1), None).await;
    world.emit(channel(1), 1).await;
    client.entries(channel(1), 6..=6).await;
    world.emit(channel(1), 3).await;
    client.entries(channel(1), 7..=9).await;
}
