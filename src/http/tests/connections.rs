//! How many connections an address may have to the ports that speak HTTP alone, over real sockets of several addresses.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::fakes::{World, edge, limits};

/// Rounds that a machine may need that is so busy that what is held runs out meanwhile.
const ROUNDS: usize = 20;

/// Asks from 127.0.0.`from`: the connection, which stays open, and the answer's head; empty where there was none.
async fn ask(at: SocketAddr, from: u8) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).unwrap();
    let mut stream = socket.connect(at).await.unwrap();
    // Who is refused may be gone before it has said a word.
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (mut answer, mut piece) = (Vec::new(), [0; 1_024]);
    while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut piece)).await;
        match read.expect("an answer in time") {
            Ok(0) | Err(_) => break,
            Ok(bytes) => answer.extend_from_slice(&piece[..bytes]),
        }
    }
    (stream, String::from_utf8(answer).unwrap())
}

fn is_served(head: &str) -> bool {
    head.starts_with("HTTP/1.1 200")
}

#[actix_web::test]
async fn an_address_has_so_many_connections_to_rest_and_to_the_indexer_and_others_are_served() {
    let settings = [
        ("TRUSTED_CLIENTS", "none"),
        ("RATE_LIMIT_ANONYMOUS", "1000/s"),
        ("API_CONNECTIONS_PER_IP", "2"),
        ("INDEXER_CONNECTIONS_PER_IP", "2"),
    ];
    let world = World::behind(limits(), edge(&settings)).await;
    for (at, service) in [(world.servers.api, "api-gateway"), (world.servers.indexer, "event-indexer")] {
        let mut round = 0;
        let (held, mut refused) = loop {
            let held = [ask(at, 1).await, ask(at, 1).await];
            let (stream, head) = ask(at, 1).await;
            if held.iter().all(|(_, head)| is_served(head)) && !is_served(&head) {
                assert!(head.starts_with("HTTP/1.1 429") && head.contains("retry-after"), "{service}: {head}");
                break (held, stream);
            }
            round += 1;
            assert!(round < ROUNDS, "{service}: nobody is one too many");
        };
        assert!(is_served(&ask(at, 2).await.1), "{service}: another address has its own");
        // It is ended, and not only told.
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), refused.read_to_end(&mut rest)).await;
        assert!(ended.is_ok() && rest.is_empty(), "{service}: {rest:?}");
        drop(held);
        let mut round = 0;
        while !is_served(&ask(at, 1).await.1) {
            round += 1;
            assert!(round < 600, "{service}: a place is not given back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let figures = String::from_utf8(world.health.metrics().text(&world.health).unwrap()).unwrap();
        let name = format!("http_connections_refused_total{{service=\"{service}\"}} ");
        let counted = figures.lines().find_map(|line| line.split_once(&name)).map(|(_, count)| count.trim());
        assert!(counted.is_some_and(|count| count.parse::<u64>().unwrap() >= 1), "{service}: {figures}");
    }
}

#[actix_web::test]
async fn a_proxy_that_is_trusted_may_have_any_number_of_connections() {
    let settings = [
        ("TRUSTED_CLIENTS", "none"),
        ("TRUSTED_PROXIES", "127.0.0.9"),
        ("RATE_LIMIT_ANONYMOUS", "1000/s"),
        ("API_CONNECTIONS_PER_IP", "1"),
    ];
    let world = World::behind(limits(), edge(&settings)).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(ask(world.servers.api, 9).await);
    }
    assert!(held.iter().all(|(_, head)| is_served(head)), "{held:?}");
}
