//! What a client can't make the engine do, whatever it sends or leaves unread: no memory beyond its share, no other
//! client without its frames.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::json;
use zmart_testkit::{
    patience::wait_for,
    process::{connections_on, resident_bytes},
    raw_socket::{FIN, Heard, RawSocket, close, frame, header, opcode, seq_of, text},
    socket::subscription,
};

use super::Scene;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// What a process's memory may move by itself.
const MARGIN: u64 = 8 * MIB;

async fn lives(url: &str) {
    let mut socket = RawSocket::open(url).await;
    socket.send(&text("ping")).await.unwrap();
    let heard = socket.next_but_clocks().await;
    assert_eq!(heard.json().map(|pong| pong["type"].clone()), Some("pong".into()), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_is_refused_by_its_header_and_takes_no_memory() {
    /// Connections at a time, and what each still sends after its header.
    const CONNECTIONS: usize = 30;
    const SENT_ANYWAY: usize = 2 * 1024 * 1024;

    let scene = Scene::set(1, 0).await;
    let (url, pid) = (scene.engine.ws.as_str(), scene.engine.id());
    lives(url).await;
    let before = resident_bytes(pid);

    // Nothing of the payload is sent: it is the header that is refused.
    let in_a_text = vec![header(FIN | opcode::TEXT, GIB)];
    let in_fragments = vec![frame(opcode::TEXT, &[b' '; 60_000]), header(opcode::CONTINUATION, GIB)];
    let binary = vec![header(FIN | opcode::BINARY, GIB)];
    for announced in [&in_a_text, &in_fragments, &binary] {
        let mut socket = RawSocket::open(url).await;
        socket.send(&announced.concat()).await.unwrap();
        let end = socket.end().await;
        assert!(matches!(end, Heard::Close(Some(1009 | 1003))), "{end:?}");
    }
    // As many fragments as make a gigabyte: it ends long before.
    let mut socket = RawSocket::open(url).await;
    let mut sent = socket.send(&frame(opcode::TEXT, b"{")).await;
    for _ in 0..GIB / 16_384 {
        sent = sent.and(socket.send(&frame(opcode::CONTINUATION, &[b' '; 16_384])).await);
        if sent.is_err() {
            break;
        }
    }
    assert!(sent.is_err(), "a gigabyte was taken");
    let end = socket.end().await;
    assert!(matches!(end, Heard::Close(Some(1009)) | Heard::End), "{end:?}");
    // Many who don't stop at the refusal.
    let many = (0..CONNECTIONS).map(|_| async {
        let mut socket = RawSocket::open(url).await;
        let _ = socket.send(&header(FIN | opcode::TEXT, GIB)).await;
        let piece = [b' '; 65_536];
        for _ in 0..SENT_ANYWAY / piece.len() {
            if socket.send(&piece).await.is_err() {
                break;
            }
        }
        let at_its_end = resident_bytes(pid);
        let end = socket.end().await;
        assert!(matches!(end, Heard::Close(Some(1009)) | Heard::End), "{end:?}");
        at_its_end
    });
    let highest = join_all(many).await.into_iter().max().unwrap();
    let grown = highest.max(resident_bytes(pid)).saturating_sub(before);
    assert!(grown < MARGIN, "{grown} bytes more than before");
    lives(url).await;
}

/// Reads until an entry, and checks that none is missing and none comes twice.
async fn read_to(mut socket: RawSocket, last: u64, heard: Arc<AtomicU64>) {
    while heard.load(Ordering::Relaxed) < last {
        match socket.next().await {
            Heard::Text(text) if text.starts_with(r#"{"type":"trade_executed""#) => {
                let seq = seq_of(&text).unwrap();
                let before = heard.swap(seq, Ordering::Relaxed);
                assert!(before == 0 || seq == before + 1, "entry {seq} after {before}");
            }
            Heard::Text(_) => {}
            other => panic!("a reader that keeps up ended with {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stop_are_cut_off_and_cost_less_than_a_megabyte_each_and_nobody_else_misses_a_frame() {
    const STUCK: usize = 12;
    const READING_ON: usize = 4;
    const READING: usize = 3;
    /// Trades that make buffers grow before it counts, and those that nobody stuck has room for.
    const BEFORE: u64 = 1_000;
    const TRADES: u64 = 2_500;
    /// So many are told at a time: less than an outbox holds.
    const GROUP: u64 = 250;
    /// What the kernel keeps for who does not read.
    const RECEIVE_BUFFER: u32 = 8 * 1024;

    let scene = Scene::set(1, (BEFORE + TRADES) as u32).await;
    let (url, pid, market) = (scene.engine.ws.as_str(), scene.engine.id(), scene.markets[0]);
    scene.feeder.run_unpaced(BEFORE).await;
    let (epoch, begin) = scene.heads().await[0];

    let ask = text(&subscription(&json!(1), market, None).to_string());
    let subscribed = async |buffer| {
        let mut socket = RawSocket::try_open(url, buffer, &ask).await.unwrap();
        loop {
            match socket.next().await {
                Heard::Text(text) if text.starts_with(r#"{"type":"subscribed""#) => return socket,
                Heard::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let last = begin + TRADES;
    let mut reading = Vec::new();
    for _ in 0..READING {
        let heard: Arc<AtomicU64> = Arc::default();
        reading.push((tokio::spawn(read_to(subscribed(None).await, last, heard.clone())), heard));
    }
    let mut stuck = Vec::new();
    for _ in 0..STUCK + READING_ON {
        stuck.push(subscribed(Some(RECEIVE_BUFFER)).await);
    }
    let before = resident_bytes(pid);
    // The next when those who read have these: however busy the machine is, they keep up.
    for told in (GROUP..=TRADES).step_by(GROUP as usize) {
        scene.feeder.emit(GROUP);
        for (reader, heard) in &reading {
            wait_for("a reader to have its frames", || async {
                let at = heard.load(Ordering::Relaxed);
                if at >= begin + told || reader.is_finished() {
                    Ok(())
                } else {
                    Err(format!("{at} of {}", begin + told))
                }
            })
            .await;
        }
    }
    for (reader, _) in reading {
        reader.await.unwrap();
    }
    let grown = resident_bytes(pid).saturating_sub(before);
    let share = (STUCK + READING_ON) as u64 * MIB;
    assert!(grown < share + MARGIN, "{grown} bytes more for {} readers that stopped", STUCK + READING_ON);

    // Who goes on to read finds what was sent, without a hole, and then why it is over.
    let mut cut_off = 0;
    for mut socket in stuck.split_off(STUCK) {
        let mut newest = begin;
        let end = loop {
            match socket.next().await {
                Heard::Text(text) if text.starts_with(r#"{"type":"trade_executed""#) => {
                    let seq = seq_of(&text).unwrap();
                    assert_eq!(seq, newest + 1);
                    newest = seq;
                }
                Heard::Text(_) | Heard::Ping(_) => {}
                end => break end,
            }
        };
        // Conflated, it may have stayed within its bound until its silence ended it: on a machine that was slow enough.
        assert!(matches!(end, Heard::Close(Some(4008 | 4012)) | Heard::End), "{end:?}");
        // One that reads on just before it would have been cut off is sent all of it, page by page.
        if newest == last {
            continue;
        }
        cut_off += 1;
        // Everything that it missed is there for it.
        let ask = text(&subscription(&json!(1), market, Some((epoch, newest))).to_string());
        let again = RawSocket::try_open(url, None, &ask).await.unwrap();
        read_to(again, last, Arc::new(AtomicU64::new(newest))).await;
    }
    assert!(cut_off > 0, "each was sent everything: none was slow");
    // Who never reads again is gone by himself.
    wait_for("the stuck connections to be gone", || async {
        match connections_on(scene.port()) {
            0 => Ok(()),
            some => Err(format!("{some} connections")),
        }
    })
    .await;
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_messages_is_taken_and_a_flood_ends_with_4009() {
    const BURST: usize = 190;
    const FLOOD: usize = 2_000;

    let scene = Scene::set(1, 0).await;
    let url = scene.engine.ws.as_str();
    let mut socket = RawSocket::open(url).await;
    socket.send(&text("ping").repeat(BURST)).await.unwrap();
    for _ in 0..BURST {
        let heard = socket.next_but_clocks().await;
        assert_eq!(heard.json().map(|pong| pong["type"].clone()), Some("pong".into()), "{heard:?}");
    }
    for flooded in [text("ping"), frame(FIN | opcode::PING, b"x"), text("nonsense but one")] {
        let mut socket = RawSocket::open(url).await;
        let _ = socket.send(&flooded.repeat(FLOOD)).await;
        let end = socket.end().await;
        // Ten mistakes in a row are enough before that.
        assert!(matches!(end, Heard::Close(Some(4009 | 4502)) | Heard::End), "{end:?}");
        assert!(flooded == text("nonsense but one") || end == Heard::Close(Some(4009)), "{end:?}");
    }
    lives(url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_shake_hands_is_let_go() {
    let scene = Scene::set(1, 0).await;
    let url = scene.engine.ws.as_str();
    let silent = async {
        let mut socket = RawSocket::connect(url, None).await.unwrap();
        socket.rest().await
    };
    let half = async {
        let mut socket = RawSocket::connect(url, None).await.unwrap();
        socket.send(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: web").await.unwrap();
        socket.rest().await
    };
    // A byte now and then is no handshake either.
    let dripping = async {
        let mut socket = RawSocket::connect(url, None).await.unwrap();
        let mut sent = socket.send(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await;
        while sent.is_ok() {
            if let Ok(rest) = tokio::time::timeout(Duration::from_millis(250), socket.rest()).await {
                return rest;
            }
            sent = socket.send(b"x").await;
        }
        socket.rest().await
    };
    let dripping = zmart_testkit::patience::within("a slow handshake to be ended", dripping);
    let (silent, half, dripping) = tokio::join!(silent, half, dripping);
    for said in [silent, half, dripping] {
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&said));
    }

    let garbage: [(&str, Vec<u8>); 4] = [
        ("noise", (0..=255u8).rev().cycle().take(4_096).collect()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".iter().copied().chain([7; 512]).collect()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec()),
        ("a frame before the handshake", text("ping")),
    ];
    let ended = garbage.into_iter().map(|(what, bytes)| async move {
        let mut socket = RawSocket::connect(url, None).await.unwrap();
        let _ = socket.send(&bytes).await;
        let said = socket.rest().await;
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"), "{what}: {}", String::from_utf8_lossy(&said));
    });
    join_all(ended).await;

    // HTTP that is no handshake is told so.
    let upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for request in [
        "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        format!(
            "POST /ws HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\nContent-Length: 0\r\n\r\n"
        ),
        format!("GET /ws HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n\r\n"),
        format!("GET /ws HTTP/1.1\r\n{upgrade}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"),
    ] {
        let mut socket = RawSocket::connect(url, None).await.unwrap();
        socket.send(request.as_bytes()).await.unwrap();
        let head = zmart_testkit::patience::within("an answer", socket.http_head()).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 4"), "{request}{head}");
    }
    lives(url).await;
}

/// RFC 6455, section 4.2.1: the version is 13, and who speaks another one is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_another_version_is_refused() {
    let scene = Scene::set(1, 0).await;
    for version in ["7", "8", "14", "x"] {
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        let mut socket = RawSocket::connect(&scene.engine.ws, None).await.unwrap();
        socket.send(request.as_bytes()).await.unwrap();
        let head = zmart_testkit::patience::within("an answer", socket.http_head()).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 4"), "{request}{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_that_come_and_go_leave_nothing_behind() {
    const CONNECTIONS: usize = 1_000;
    const AT_A_TIME: usize = 50;
    const ROUNDS: usize = 2;

    let scene = Scene::set(2, 0).await;
    let (url, pid) = (scene.engine.ws.as_str(), scene.engine.id());
    let market = scene.markets[0];
    let come_and_go = async || {
        let all = (0..CONNECTIONS).map(|number| async move {
            let ask = text(&subscription(&json!(number), market, None).to_string());
            let mut socket = RawSocket::try_open(url, None, &ask).await.unwrap();
            match number % 5 {
                // As it should be.
                0 => {
                    let _ = socket.send(&close(1000, b"")).await;
                    assert_eq!(socket.end().await, Heard::Close(Some(1000)));
                }
                1 => socket.reset(),
                // Nobody is there for the answer.
                2 => drop(socket),
                // In the middle of a frame.
                3 => {
                    let _ = socket.send(&header(FIN | opcode::TEXT, 5_000)).await;
                }
                // It says that it says no more, and waits for the other side.
                _ => {
                    socket.end_sending().await;
                    socket.end().await;
                }
            }
        });
        stream::iter(all).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
        wait_for("every connection to be gone", || async {
            match connections_on(scene.port()) {
                0 => Ok(()),
                some => Err(format!("{some} connections")),
            }
        })
        .await;
        resident_bytes(pid)
    };
    let first = come_and_go().await;
    let mut newest = first;
    for _ in 0..ROUNDS {
        newest = come_and_go().await;
    }
    let grown = newest.saturating_sub(first);
    assert!(grown < MARGIN, "{grown} bytes more after {} connections", ROUNDS * CONNECTIONS);
    lives(url).await;
}
