//! A connection: its welcome, what is refused, and how it ends.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::fakes::{World, limits, market};
use crate::http::ws::WsLimits;

#[actix_web::test]
async fn pings_are_answered_in_every_form() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    client.say_text("ping").await;
    assert_eq!(client.heard().await["type"], "pong");
    client.say(json!({"action": "ping", "id": {"a": 1}})).await;
    let pong = client.heard().await;
    assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &json!({"a": 1})));
}

#[actix_web::test]
async fn heartbeats_count_and_tell_the_covered_slot() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    for counter in 1..=3 {
        let beat = client.heartbeat().await;
        assert_eq!((&beat["counter"], &beat["slot"], &beat["channels"]), (&json!(counter), &json!(70), &json!({})));
    }
}

#[actix_web::test]
async fn ten_mistakes_in_a_row_close_and_nine_do_not() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    let unknown = json!({"action": "subscribe", "id": 5, "market_id": market(99).to_string()}).to_string();
    let mistakes = ["{", "[]", r#"{"action":"fly"}"#, unknown.as_str()];
    for round in 0..2 {
        for at in 0..9 {
            client.say_text(mistakes[at % mistakes.len()]).await;
            let error = client.heard().await;
            assert_eq!((&error["type"], &error["retryable"]), (&json!("error"), &json!(false)), "{round}: {error}");
        }
        client.subscribe(market(1), None).await;
    }
    for at in 0..10 {
        client.say_text(mistakes[at % mistakes.len()]).await;
    }
    assert_eq!(client.end().await, Some(4502));
}

#[actix_web::test]
async fn an_unknown_market_is_an_error_with_its_id_and_name() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    client.say(json!({"action": "subscribe", "id": 5, "market_id": market(99).to_string()})).await;
    let error = client.heard().await;
    assert_eq!((&error["id"], &error["code"]), (&json!(5), &json!("NOT_FOUND")), "{error}");
    assert_eq!(error["channel"], format!("market:{}", market(99)));
    client.say(json!({"action": "list", "id": 6})).await;
    assert_eq!(client.heard().await, json!({"type": "reply", "id": 6, "action": "list", "channels": []}));
}

#[actix_web::test]
async fn what_is_no_json_text_closes_with_its_own_code() {
    let world = World::new(limits()).await;
    let bad_utf8 = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    let cases = [
        (Message::binary(vec![1]), 1003),
        (Message::text("x".repeat(64 * 1024 + 1)), 1009),
        (Message::Frame(bad_utf8), 1007),
        (Message::Frame(Frame::message(vec![1], OpCode::Data(Data::Continue), true)), 1002),
        (Message::Frame(Frame::message(vec![1], OpCode::Data(Data::Reserved(3)), true)), 1002),
    ];
    for (message, code) in cases {
        let mut client = world.connect().await;
        client.socket.send(message).await.unwrap();
        assert_eq!(client.end().await, Some(code));
    }
}

#[actix_web::test]
async fn a_message_of_just_the_bound_is_read_and_fragments_are_joined() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    let head = r#"{"action":"ping","id":1,"x":""#;
    let text = format!("{head}{}\"}}", "x".repeat(64 * 1024 - head.len() - 2));
    client.say_text(&text).await;
    assert_eq!(client.heard().await["type"], "pong");
    let parts: [(&str, OpCode, bool); 3] = [
        (r#"{"action":"#, OpCode::Data(Data::Text), false),
        (r#""ping","#, OpCode::Data(Data::Continue), false),
        (r#""id":"é"}"#, OpCode::Data(Data::Continue), true),
    ];
    for (part, opcode, is_last) in parts {
        client.socket.send(Message::Frame(Frame::message(part.to_owned(), opcode, is_last))).await.unwrap();
        client.socket.send(Message::Ping("between".into())).await.unwrap();
    }
    assert_eq!(client.heard().await["id"], "é");
}

async fn raw_handshake(world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(world.servers.ws).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let reading = stream.read_to_end(&mut all);
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end in time");
    all
}

#[actix_web::test]
async fn a_frame_that_announces_a_gigabyte_is_refused_by_its_header() {
    let world = World::new(limits()).await;
    for payload in [0, 200_000] {
        let mut stream = raw_handshake(&world).await;
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend((1u64 << 30).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(vec![b'x'; payload]);
        let _ = stream.write_all(&frame).await;
        let answer = read_all(&mut stream).await;
        let close = [0x03, 0xf1];
        assert!(answer.windows(2).any(|two| two == close), "1009 is not in {} bytes after {payload}", answer.len());
    }
}

#[actix_web::test]
async fn an_unmasked_frame_closes_with_a_protocol_error() {
    let world = World::new(limits()).await;
    let mut stream = raw_handshake(&world).await;
    stream.write_all(&[0x81, 0x02, b'h', b'i']).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.windows(2).any(|two| two == [0x03, 0xea]), "no 1002");
}

#[actix_web::test]
async fn a_client_that_sends_too_much_is_closed() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    for _ in 0..300 {
        if client.socket.send(Message::text("ping")).await.is_err() {
            break;
        }
    }
    assert_eq!(client.end().await, Some(4009));
}

#[actix_web::test]
async fn a_silent_client_is_pinged_and_one_that_does_not_answer_is_closed() {
    let quick = WsLimits { silence: Duration::from_millis(200), pong_wait: Duration::from_millis(200), ..limits() };
    let world = World::new(quick).await;
    // The library answers pings while it is read.
    let mut answering = world.connect().await;
    answering.silence(Duration::from_millis(1_500)).await;
    let mut stream = raw_handshake(&world).await;
    let answer = read_all(&mut stream).await;
    assert!(answer.windows(2).any(|two| two == 4012u16.to_be_bytes()), "no 4012");
}

#[actix_web::test]
async fn a_stop_says_when_to_come_back_and_closes() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    client.subscribe(market(1), None).await;
    let stop = actix::spawn(world.servers.stop());
    let goodbye: Value = client.heard().await;
    assert_eq!(goodbye["type"], "shutdown");
    assert!(goodbye["reconnect_after_ms"].as_u64().is_some_and(|ms| (500..5_000).contains(&ms)), "{goodbye}");
    assert_eq!(client.end().await, Some(1012));
    tokio::time::timeout(Duration::from_secs(5), stop).await.expect("a stop in time").unwrap();
}
