//! Who is no friend, on every port of a real engine: too slow, too large, no HTTP at all, too much at once. What holds each
//! time: it is refused or ended, it costs no memory beyond its share, and who asks properly meanwhile is answered.

use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zmart::http::webhook::MAX_DELIVERY_BYTES;
use zmart_testkit::{
    chain::Chain,
    engine::Engine,
    http::try_request,
    patience::{wait_for, within},
    postgres::Database,
    process::{connections_on, resident_bytes},
    raw_socket::RawSocket,
};

/// What a sender of deliveries shows.
const SECRET: &str = "the secret of senders";
const MIB: u64 = 1024 * 1024;
/// What a process's memory may move by itself, with as many connections as there are here.
const MARGIN: u64 = 24 * MIB;

/// An engine, and its ports as bytes are sent to them.
struct Target {
    engine: Engine,
    ports: [String; 3],
    _chain: Chain,
}

impl Target {
    async fn set() -> Self {
        let chain = Chain::start().await;
        let mut engine = Engine::on(&chain, &Database::fresh().await);
        engine.set("HELIUS_AUTH_HEADER", SECRET);
        engine.start().await;
        engine.ready().await;
        let plain = |at: &str| at.replace("http://", "ws://").trim_end_matches('/').to_owned();
        let ports = [plain(&engine.api), plain(&engine.ws), plain(&engine.indexer)];
        Self { engine, ports, _chain: chain }
    }

    /// Every port answers who asks properly.
    async fn serves(&self, when: &str) {
        for port in &self.ports {
            let base = port.replace("ws://", "http://");
            let asked = try_request("GET", &base, "/health", &[], b"");
            let answer = within(&format!("an answer of {port}, {when}"), asked).await.unwrap();
            assert_eq!(answer.status, 200, "{port}, {when}");
        }
    }
}

/// Sends it, and reads until the other end has closed.
async fn answered(port: &str, bytes: &[u8]) -> String {
    let mut socket = RawSocket::connect(port, None).await.unwrap();
    // It may be closed before all was sent.
    let _ = socket.send(bytes).await;
    String::from_utf8_lossy(&socket.rest().await).into_owned()
}

/// It was refused, or the connection just ended.
fn is_refused(answer: &str) -> bool {
    answer.is_empty() || answer.starts_with("HTTP/1.1 4")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_ended_on_every_port_while_others_are_served() {
    const OF_EACH: usize = 20;
    const DROP_EVERY: Duration = Duration::from_millis(500);

    /// A byte now and then, for as long as it is taken.
    async fn drip(port: String, begin: Vec<u8>) -> String {
        let mut socket = RawSocket::connect(&port, None).await.unwrap();
        let mut sent = socket.send(&begin).await;
        while sent.is_ok() {
            if let Ok(rest) = tokio::time::timeout(DROP_EVERY, socket.rest()).await {
                return String::from_utf8_lossy(&rest).into_owned();
            }
            sent = socket.send(b"x").await;
        }
        String::from_utf8_lossy(&socket.rest().await).into_owned()
    }

    let target = Target::set().await;
    let head: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let body: &[u8] =
        b"POST /api/auth/nonce HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{";
    let delivery = format!(
        "POST /api/webhooks/helius HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\r\nContent-Type: application/json\r\n\
         Content-Length: 60000\r\n\r\n["
    );
    let delivery = delivery.as_bytes();
    let [api, ws, indexer] = &target.ports;
    let slow = [(api, head), (ws, head), (indexer, head), (api, body), (indexer, delivery)];
    let dripping: Vec<_> = slow
        .iter()
        .flat_map(|(port, begin)| (0..OF_EACH).map(|_| tokio::spawn(drip((*port).clone(), begin.to_vec()))))
        .collect();
    target.serves("while many are slow").await;
    for answer in within("all who drip to be let go", join_all(dripping)).await {
        let answer = answer.unwrap();
        // A body that is late is told so with 504.
        assert!(is_refused(&answer) || answer.starts_with("HTTP/1.1 504"), "{answer}");
    }
    target.serves("after many were slow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_on_every_port_and_takes_no_memory() {
    const AT_ONCE: usize = 10;
    const SENT: usize = 4 * 1024 * 1024;

    let target = Target::set().await;
    target.serves("at first").await;
    let before = resident_bytes(target.engine.id());
    let piece = [b'x'; 65_536];
    // Each port where it takes a body.
    let post = |port: &String| {
        let path = if *port == target.ports[2] { "/api/webhooks/helius" } else { "/api/auth/nonce" };
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\r\nContent-Type: application/json\r\n")
    };
    for what in ["a path", "a header", "a body by its length", "a body by its pieces"] {
        let begin = |port: &String| match what {
            "a path" => "GET /".to_owned(),
            "a header" => "GET /health HTTP/1.1\r\nHost: x\r\nX-Large: ".to_owned(),
            "a body by its length" => format!("{}Content-Length: {}\r\n\r\n", post(port), 1 << 30),
            _ => format!("{}Transfer-Encoding: chunked\r\n\r\n40000000\r\n", post(port)),
        };
        let all = target.ports.iter().flat_map(|port| (0..AT_ONCE).map(move |_| port));
        let sent = all.map(|port| (port, begin(port))).map(|(port, begin)| async move {
            let mut socket = RawSocket::connect(port, None).await.unwrap();
            let mut going = socket.send(begin.as_bytes()).await;
            for _ in 0..SENT / piece.len() {
                if going.is_err() {
                    break;
                }
                going = socket.send(&piece).await;
            }
            // What does not end by itself is not taken for ever either.
            socket.end_sending().await;
            (port, String::from_utf8_lossy(&socket.rest().await).into_owned())
        });
        for (port, answer) in join_all(sent).await {
            assert!(is_refused(&answer), "{what} on {port}: {answer}");
            let is_known = *port != target.ports[2] || !what.contains("body");
            assert!(is_known || !answer.starts_with("HTTP/1.1 404"), "{what} on {port}: {answer}");
        }
    }
    let grown = resident_bytes(target.engine.id()).saturating_sub(before);
    // Deliveries of who is known are read as far as they may be large, so many bytes of all together, and the allocator keeps them.
    assert!(grown < MARGIN + AT_ONCE as u64 * MAX_DELIVERY_BYTES as u64, "{grown} bytes more than before");
    target.serves("after much that was too large").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_on_every_port_and_nobody_else_notices() {
    let target = Target::set().await;
    let noise: Vec<u8> = (0..=255_u8).rev().cycle().take(4_096).collect();
    let tls: Vec<u8> = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".iter().copied().chain([7; 512]).collect();
    let no_http: [(&str, &[u8]); 8] = [
        ("noise", &noise),
        ("TLS", &tls),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        ("another version", b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n"),
        ("a header with a NUL", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Bad: a\0b\r\n\r\n"),
        ("a name with a space", b"GET /health HTTP/1.1\r\nHost: x\r\nX Bad: a\r\n\r\n"),
        ("a target with a space", b"GET /he alth HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a length below nothing", b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
    ];
    for (what, bytes) in no_http {
        for (port, answer) in join_all(target.ports.iter().map(async |port| (port, answered(port, bytes).await))).await
        {
            assert!(is_refused(&answer), "{what} on {port}: {answer}");
        }
    }
    // Lengths that two readers might read in two ways: what follows the head must not be taken for another request.
    let post = "POST /api/auth/nonce HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let hidden = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let smuggled = [
        format!("{post}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len()),
        format!("{post}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}", 5 + hidden.len()),
        format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n{hidden}"),
        format!("{post}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n{hidden}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{hidden}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{hidden}"),
    ];
    for request in &smuggled {
        let answer = answered(&target.ports[0], request.as_bytes()).await;
        assert!(is_refused(&answer), "{request}\n--\n{answer}");
        assert!(!answer.contains(r#""healthy""#), "what it hides was answered: {request}\n--\n{answer}");
    }
    // Bodies that are HTTP and nothing else.
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for body in [deep.as_str(), r#"{"wallet":"#, "\u{0}", r#"{"wallet":1e999999}"#, r#"{"wallet":"\ud800"}"#] {
        let request = format!("{post}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let answer = answered(&target.ports[0], request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("VALIDATION_ERROR"), "{answer}");
    }
    target.serves("after what was no request").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_its_answers_costs_a_bounded_share_and_holds_up_nobody() {
    const STUCK: usize = 20;
    const ASKED: usize = 200;
    const RECEIVE_BUFFER: u32 = 8 * 1024;

    let target = Target::set().await;
    target.serves("at first").await;
    let before = resident_bytes(target.engine.id());
    // Far more than the kernel takes of it: 200 answers of hundreds of kilobytes.
    let ask = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(ASKED);
    let mut stuck = Vec::new();
    for _ in 0..STUCK {
        let mut socket = RawSocket::connect(&target.ports[0], Some(RECEIVE_BUFFER)).await.unwrap();
        socket.send(ask.as_bytes()).await.unwrap();
        stuck.push(socket);
    }
    target.serves("while many do not read").await;
    // One that reads gets all of it.
    let whole = within("all answers", async {
        let ask =
            format!("{}GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &ask[..ask.len() / ASKED * 5]);
        answered(&target.ports[0], ask.as_bytes()).await
    })
    .await;
    assert_eq!(whole.matches("HTTP/1.1 200").count(), 6, "{} bytes", whole.len());
    let grown = resident_bytes(target.engine.id()).saturating_sub(before);
    assert!(grown < STUCK as u64 * MIB + MARGIN, "{grown} bytes more for {STUCK} who do not read");
    drop(stuck);
    target.serves("after they were gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_and_requests_leaves_no_memory_and_other_clients_answered() {
    const SILENT: usize = 300;
    const ASKING: usize = 40;
    const REQUESTS: usize = 200;

    // Each connection is a descriptor of this process.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let target = Target::set().await;
    target.serves("at first").await;
    let mut grown = Vec::new();
    for round in 0..2 {
        let before = resident_bytes(target.engine.id());
        let mut silent = Vec::new();
        for port in &target.ports {
            // Of the indexer's port there are fewer: those beyond wait in the kernel, and would hold up who asks properly.
            let count = if *port == target.ports[2] { SILENT / 2 } else { SILENT };
            for _ in 0..count {
                silent.push(RawSocket::connect(port, None).await.unwrap());
            }
        }
        let requests = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(REQUESTS - 1)
            + "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let asked = (0..ASKING).map(|_| answered(&target.ports[0], requests.as_bytes()));
        let (answers, ()) = tokio::join!(join_all(asked), target.serves("in a flood"));
        for answer in answers {
            assert_eq!(answer.matches("HTTP/1.1 200").count(), REQUESTS, "round {round}");
        }
        drop(silent);
        for port in &target.ports {
            let port = port.rsplit_once(':').unwrap().1.parse().unwrap();
            wait_for("the flood to be gone", || async {
                match connections_on(port) {
                    0 => Ok(()),
                    some => Err(format!("{some} connections")),
                }
            })
            .await;
        }
        grown.push(resident_bytes(target.engine.id()).saturating_sub(before));
    }
    // The first may have made buffers that stay; the second finds them.
    assert!(grown[1] < MARGIN, "{grown:?} bytes more than before");
    target.serves("after the flood").await;
}
