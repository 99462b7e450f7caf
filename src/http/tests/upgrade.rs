//! From HTTP to WebSocket: who is let in, what becomes of what was sent meanwhile, and of who never gets there.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::fakes::{World, edge, limits, request};
use crate::http::bounds::HEAD_PATIENCE;

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
/// A masked text that is answered.
const PING: &[u8] = &[0x81, 0x84, 0, 0, 0, 0, b'p', b'i', b'n', b'g'];

/// Reads until the bytes are there, or the end; what came until then.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut all = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&all);
        if text.contains(wanted) {
            return text.into_owned();
        }
        let mut some = [0; 4_096];
        let reading = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut some));
        match reading.await.unwrap_or_else(|_| panic!("no {wanted} in {text:?}")) {
            Ok(0) | Err(_) => return text.into_owned(),
            Ok(count) => all.extend(&some[..count]),
        }
    }
}

async fn shake(world: &World, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.servers.ws).await.unwrap();
    stream.write_all(format!("{HANDSHAKE}{headers}\r\n").as_bytes()).await.unwrap();
    stream
}

/// The status of the answer, and its body.
async fn refusal(mut stream: TcpStream) -> (u16, String, Value) {
    let answer = read_until(&mut stream, "\0no such thing\0").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{body:?}")))
}

#[actix_web::test]
async fn a_page_of_another_origin_is_refused_with_the_error_body_and_known_ones_are_let_in() {
    let world = World::behind(limits(), edge(&[("CORS_ORIGINS", "https://app.example")])).await;
    for headers in ["", "Origin: https://app.example\r\n"] {
        let mut stream = shake(&world, headers).await;
        let answer = read_until(&mut stream, r#""type":"welcome""#).await;
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("welcome"), "{headers}: {answer}");
    }
    let (status, head, body) = refusal(shake(&world, "Origin: https://evil.example\r\n").await).await;
    assert_eq!((status, &body["error"], &body["path"]), (403, &"FORBIDDEN".into(), &"/ws".into()), "{body}");
    assert!(head.contains("x-request-id") && head.contains("connection: close"), "{head}");
}

#[actix_web::test]
async fn one_connection_too_many_of_an_address_is_told_so_and_closed_with_4503() {
    let settings = [("WS_CONNECTIONS_PER_IP", "2"), ("TRUSTED_CLIENTS", "none")];
    let world = World::behind(limits(), edge(&settings)).await;
    let mut first = world.connect().await;
    let mut second = world.connect().await;
    let (mut third, _) = connect_async(format!("ws://{}/ws", world.servers.ws)).await.unwrap();
    let said = tokio::time::timeout(Duration::from_secs(10), third.next()).await.unwrap();
    assert!(matches!(&said, Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 4503), "{said:?}");
    for client in [&mut first, &mut second] {
        client.say_text("ping").await;
        assert_eq!(client.heard().await["type"], "pong");
    }
    drop(first);
    // Its place is free once the server has seen its end.
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let mut next = shake(&world, "").await;
        let answer = read_until(&mut next, "\"type\":\"welcome\"").await;
        if answer.contains("welcome") {
            break;
        }
        assert!(tokio::time::Instant::now() < until, "{answer}");
    }
}

#[actix_web::test]
async fn where_there_is_no_room_the_handshake_is_refused_with_when_to_come_again() {
    let world = World::behind(limits(), edge(&[("WS_CONNECTIONS", "1")])).await;
    let client = world.connect().await;
    let (status, head, body) = refusal(shake(&world, "").await).await;
    assert_eq!((status, &body["error"]), (503, &"UNAVAILABLE".into()), "{body}");
    assert!(head.contains("retry-after: 10"), "{head}");
    drop(client);
}

#[actix_web::test]
async fn what_is_no_handshake_gets_the_error_body() {
    let world = World::new(limits()).await;
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let bad_key = HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short").replace("GET /ws HTTP/1.1\r\n", "");
    let cases = [
        ("GET", "/ws", String::new(), 400),
        ("GET", "/ws", upgrade.to_owned() + "Sec-WebSocket-Version: 8\r\n", 400),
        ("GET", "/ws", bad_key.replace("Host: x\r\n", ""), 400),
        ("POST", "/ws", upgrade.to_owned() + "Sec-WebSocket-Version: 13\r\n", 405),
        ("GET", "/nowhere", upgrade.to_owned() + "Sec-WebSocket-Version: 13\r\n", 404),
    ];
    for (method, path, headers, expected) in cases {
        let (status, _, body) = request(world.servers.ws, method, path, &headers).await;
        let body: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{body:?}"));
        assert_eq!((status, &body["status"]), (expected, &expected.into()), "{method} {path} {headers}: {body}");
        assert!(body["request_id"].is_string());
    }
    let (status, _, _) = request(world.servers.ws, "GET", "/health", "").await;
    assert_eq!(status, 200);
}

#[actix_web::test]
async fn what_is_sent_with_the_handshake_and_right_after_it_is_heard_wherever_it_is_cut() {
    let world = World::new(limits()).await;
    let all = [HANDSHAKE.as_bytes(), b"\r\n", PING, PING].concat();
    // Somewhere in the head, at its end, and at every byte of the first frame.
    let head = HANDSHAKE.len() + 2;
    for cut in [10, head - 1].into_iter().chain(head..=head + PING.len()) {
        let mut stream = TcpStream::connect(world.servers.ws).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&all[..cut]).await.unwrap();
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        stream.write_all(&all[cut..]).await.unwrap();
        let answer = read_until(&mut stream, r#""type":"pong""#).await;
        assert!(answer.contains("pong"), "cut at {cut}: {answer}");
    }
}

#[actix_web::test]
async fn a_request_before_the_handshake_on_the_same_connection_is_answered_first() {
    let world = World::new(limits()).await;
    let mut stream = TcpStream::connect(world.servers.ws).await.unwrap();
    let both = format!("GET /health HTTP/1.1\r\nHost: x\r\n\r\n{HANDSHAKE}\r\n");
    stream.write_all(&[both.as_bytes(), PING].concat()).await.unwrap();
    let answer = read_until(&mut stream, r#""type":"pong""#).await;
    let (health, upgraded) = (answer.find("healthy"), answer.find("101 Switching"));
    assert!(health.is_some() && health < upgraded && answer.contains("pong"), "{answer}");
}

#[actix_web::test]
async fn who_does_not_finish_a_handshake_is_let_go() {
    let world = World::new(limits()).await;
    let mut stream = TcpStream::connect(world.servers.ws).await.unwrap();
    stream.write_all(&HANDSHAKE.as_bytes()[..40]).await.unwrap();
    let begin = tokio::time::Instant::now();
    let answer = read_until(&mut stream, "408").await;
    assert!(answer.is_empty() || answer.contains("408"), "{answer}");
    // It had its time.
    assert!(begin.elapsed() > HEAD_PATIENCE / 2);
}

#[actix_web::test]
async fn a_close_is_answered_with_its_own_code_and_the_connection_ended() {
    let world = World::new(limits()).await;
    for (said, answered) in [
        (&[0x88, 0x82, 0, 0, 0, 0, 0x0b, 0xb8][..], &[0x88, 2, 0x0b, 0xb8][..]),
        (&[0x88, 0x80, 0, 0, 0, 0], &[0x88, 0]),
    ] {
        let mut stream = shake(&world, "").await;
        read_until(&mut stream, "\"resume_entries\"").await;
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert!(rest.ends_with(answered), "{rest:?}");
    }
}
