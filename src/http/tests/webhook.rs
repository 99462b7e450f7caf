//! The webhook's gate: whose deliveries are read at all, within which bounds, and what is refused with which word. Nobody keeps
//! them here: what would be kept is answered with 503, as while the database is away.

use std::time::Duration;

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::fakes::{World, edge, limits, request};
use crate::http::webhook::{MAX_DELIVERY_BYTES, WebhookSettings};

const HEADER: &str = "Bearer 0123456789abcdef";
const SECRET: &str = "fedcba9876543210fedcba9876543210";
const PATH: &str = "/api/webhooks/helius";

async fn world(header: Option<&str>, secret: Option<&str>, more: &[(&str, &str)]) -> World {
    let text = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    let webhook = WebhookSettings { auth_header: text(header), secret: text(secret), waiting_max: 10 };
    World::taking(webhook, limits(), edge(more)).await
}

/// Status, head, error code.
async fn deliver(world: &World, path: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(world.servers.indexer).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    read(stream).await
}

async fn read(mut stream: TcpStream) -> (u16, String, String) {
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await.expect("an answer").unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    (status, head.to_lowercase(), body["error"].as_str().unwrap_or_default().to_owned())
}

fn signed(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[actix_web::test]
async fn nobodys_delivery_is_taken_while_no_secret_is_set() {
    let world = world(None, None, &[]).await;
    for headers in ["", "Authorization: \r\n", "X-Helius-Signature: \r\n"] {
        let (status, head, error) = deliver(&world, PATH, headers, b"[]").await;
        assert_eq!((status, error.as_str()), (503, "UNAVAILABLE"), "{headers:?}");
        assert!(head.contains("retry-after: "), "{head}");
    }
}

#[actix_web::test]
async fn a_delivery_needs_the_header_or_a_signature_of_its_body_and_either_is_enough() {
    let body = b"[]";
    let authorization = |value: &str| format!("Authorization: {value}\r\n");
    let signature = |value: &str| format!("X-Helius-Signature: {value}\r\n");
    let own = signed(SECRET, body);
    // Nobody is there to keep it: 503 is what follows on being let in.
    let cases: &[(String, [u16; 3])] = &[
        // By header alone, by signature alone, by both.
        (authorization(HEADER), [503, 401, 503]),
        (signature(&own), [401, 503, 503]),
        (signature(&own.to_uppercase()), [401, 503, 503]),
        (authorization(HEADER) + &signature("00"), [503, 401, 503]),
        (authorization("x") + &signature(&own), [401, 503, 503]),
        (String::new(), [401, 401, 401]),
        (authorization(""), [401, 401, 401]),
        // Shorter, longer, another, in another case.
        (authorization(&HEADER[..HEADER.len() - 1]), [401, 401, 401]),
        (authorization(&format!("{HEADER}0")), [401, 401, 401]),
        (authorization("Bearer 0123456789abcdeg"), [401, 401, 401]),
        (authorization(&HEADER.to_uppercase()), [401, 401, 401]),
        (authorization(SECRET), [401, 401, 401]),
        (signature(&own[..62]), [401, 401, 401]),
        (signature(&format!("{own}00")), [401, 401, 401]),
        (signature(&own.replace(&own[..1], if own.starts_with('0') { "1" } else { "0" })), [401, 401, 401]),
        (signature("no hexadecimal"), [401, 401, 401]),
        (signature(&signed(SECRET, b"{}")), [401, 401, 401]),
        (signature(&signed("another secret, as long as it", body)), [401, 401, 401]),
    ];
    let settings = [(Some(HEADER), None), (None, Some(SECRET)), (Some(HEADER), Some(SECRET))];
    for (n, (header, secret)) in settings.into_iter().enumerate() {
        let world = world(header, secret, &[("RATE_LIMITS", "off")]).await;
        for (headers, expected) in cases {
            let (status, _, error) = deliver(&world, PATH, headers, body).await;
            assert_eq!(status, expected[n], "{headers:?} {error}");
        }
        // The old path is the same.
        assert_eq!(deliver(&world, "/helius/webhook", &cases[2].0, body).await.0, cases[2].1[n]);
    }
}

#[actix_web::test]
async fn what_is_too_large_encoded_or_no_json_is_refused_and_told_so() {
    let world = world(Some(HEADER), Some(SECRET), &[]).await;
    let let_in = format!("Authorization: {HEADER}\r\n");
    for body in ["", "1", "null", "[", "{\"a\"}", "x"] {
        let (status, _, error) = deliver(&world, PATH, &let_in, body.as_bytes()).await;
        assert_eq!((status, error.as_str()), (400, "VALIDATION_ERROR"), "{body:?}");
    }
    let (status, _, error) = deliver(&world, PATH, &format!("{let_in}Content-Encoding: gzip\r\n"), b"[]").await;
    assert_eq!((status, error.as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    // By its header, before a byte of it came; whoever sends it.
    for headers in [let_in.as_str(), ""] {
        let announced = format!("{headers}Content-Length: {}\r\n", MAX_DELIVERY_BYTES + 1);
        let (status, _, _) = request(world.servers.indexer, "POST", PATH, &announced).await;
        assert_eq!(status, 413);
    }
    // Not announced: when that much has come.
    let mut stream = TcpStream::connect(world.servers.indexer).await.unwrap();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{let_in}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b' '; 64 * 1024];
    let mut sent = 0;
    while sent <= MAX_DELIVERY_BYTES {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
        stream.write_all(&chunk).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
        sent += chunk.len();
    }
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 413");
    // As large as it may be.
    let mut largest = vec![b' '; MAX_DELIVERY_BYTES];
    largest[..2].copy_from_slice(b"[]");
    assert_eq!(deliver(&world, PATH, &let_in, &largest).await.0, 503, "it would be kept");
}

#[actix_web::test]
async fn strangers_use_up_their_own_rate_and_not_that_of_who_is_known() {
    let rates = [("RATE_LIMIT_ANONYMOUS", "3/h"), ("RATE_LIMIT_WEBHOOKS", "4/h"), ("TRUSTED_CLIENTS", "none")];
    let world = world(Some(HEADER), Some(SECRET), &rates).await;
    for expected in [401, 401, 401, 429] {
        let (status, head, _) = deliver(&world, PATH, "Authorization: a stranger's\r\n", b"[]").await;
        assert_eq!(status, expected);
        assert_eq!(head.contains("retry-after: "), expected == 429, "{head}");
    }
    for expected in [503, 503, 503, 503, 429] {
        let (status, _, error) = deliver(&world, PATH, &format!("Authorization: {HEADER}\r\n"), b"[]").await;
        assert_eq!(status, expected, "{error}");
    }
}

#[actix_web::test]
async fn the_indexers_port_tells_its_name_and_figures_and_counts_what_it_refuses() {
    let world = world(Some(HEADER), None, &[]).await;
    let (status, _, body) = request(world.servers.indexer, "GET", "/health", "").await;
    let health: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &health["status"], &health["service"]), (200, &"healthy".into(), &"event-indexer".into()));
    assert_eq!(deliver(&world, PATH, "", b"[]").await.0, 401);
    let (status, head, body) = request(world.servers.indexer, "GET", "/metrics", "").await;
    let text = String::from_utf8(body).unwrap();
    assert!(status == 200 && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(text.contains("zmart_webhook_deliveries_total{outcome=\"unauthorized\"} 1\n"), "{text}");
    assert!(text.contains("zmart_covered_slot 70\n") && text.contains("zmart_chain_slot 72\n"), "{text}");
    // On the API's port only where it is wanted.
    assert_eq!(world.request("GET", "/metrics", "").await.0, 404);
    let open = super::fakes::World::behind(limits(), edge(&[("METRICS_PUBLIC", "true")])).await;
    assert_eq!(open.request("GET", "/metrics", "").await.0, 200);
}
