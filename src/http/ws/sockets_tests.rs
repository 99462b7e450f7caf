//! Real sockets, and a clock that is an argument.

use std::{
    io::Write,
    net::{TcpListener, TcpStream as StdStream},
};

use futures_util::StreamExt;

use super::*;
use crate::{
    http::{
        edge::EdgeSettings,
        ws::{
            admission::{Admission, SocketSettings},
            outbox::Outgoing,
        },
    },
    view::wire,
};

fn limits() -> WsLimits {
    WsLimits { outbox_bytes: 64 << 20, outbox_frames: 1_000_000, ..WsLimits::default() }
}

/// A socket in the table, and its peer.
fn connect(sockets: &mut Sockets, now: Instant) -> (usize, StdStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let settings = SocketSettings { per_address: u32::MAX, in_all: None };
    let admission = Admission::new(settings, &EdgeSettings::open().limits, &[], None);
    let permit = admission.admit([127, 0, 0, 1].into(), &Default::default()).unwrap().permit;
    let (place, _) = sockets.add(stream, SessionId::next(), &limits(), permit, now).unwrap();
    (place, peer)
}

fn push(connection: &Connection, text: &str) {
    let mut wire = bytes::BytesMut::new();
    wire::put_text(&mut wire, text);
    connection.outbox.push(Outgoing::Frames(wire.freeze(), 1)).unwrap();
}

#[actix_web::test]
async fn a_socket_that_takes_nothing_is_reset_and_one_that_takes_a_little_is_not() {
    let mut sockets = Sockets::default();
    let _readiness = sockets.open().unwrap();
    let start = Instant::now();
    let (place, mut peer) = connect(&mut sockets, start);
    let connection = sockets.get_mut(place).unwrap();
    let piece = "x".repeat(60_000);
    // More than the kernel holds for both ends.
    (0..1_000).for_each(|_| push(connection, &piece));
    connection.write(start).unwrap();
    assert_eq!(connection.check(&limits(), start + STUCK / 2), Life::Fine);
    assert_eq!(connection.check(&limits(), start + STUCK), Life::Stuck);
    // The peer takes some of it.
    let mut some = vec![0; 1 << 20];
    let later = start + STUCK / 2;
    let until = Instant::now() + Duration::from_secs(10);
    while connection.check(&limits(), start + STUCK) == Life::Stuck {
        assert!(Instant::now() < until, "the socket takes no more");
        assert!(peer.read(&mut some).unwrap() > 0);
        connection.write(later).unwrap();
    }
    assert_eq!(connection.check(&limits(), later + STUCK), Life::Stuck);
    // What the kernel holds is thrown away: the peer is not sent the rest.
    sockets.remove(place, true);
    let mut rest = Vec::new();
    let end = peer.read_to_end(&mut rest);
    assert_eq!(end.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));
}

#[actix_web::test]
async fn after_its_close_frame_a_connection_stays_a_little_and_says_nothing_more() {
    let mut sockets = Sockets::default();
    let _readiness = sockets.open().unwrap();
    let start = Instant::now();
    let (place, mut peer) = connect(&mut sockets, start);
    let connection = sockets.get_mut(place).unwrap();
    connection.outbox.finish(Close::ShuttingDown);
    assert!(connection.write(start).unwrap().is_over);
    push(connection, "more");
    connection.write(start).unwrap();
    assert_eq!(connection.check(&limits(), start), Life::Fine);
    assert_eq!(connection.check(&limits(), start + CLOSE_WAIT), Life::Over);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).expect("our side is ended");
    assert_eq!(all[..4], [0x88, all.len() as u8 - 2, 0x03, 0xf4]);
}

#[actix_web::test]
async fn a_hub_that_is_gone_sends_everybody_back() {
    let mut sockets = Sockets::default();
    let _readiness = sockets.open().unwrap();
    let (place, mut peer) = connect(&mut sockets, Instant::now());
    push(sockets.get_mut(place).unwrap(), "never written");
    drop(sockets);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all[..4], [0x88, all.len() as u8 - 2, 0x0f, 0xad]);
}

#[actix_web::test]
async fn what_happens_to_a_socket_is_told_once() {
    let mut sockets = Sockets::default();
    let mut readiness = sockets.open().unwrap();
    let (place, mut peer) = connect(&mut sockets, Instant::now());
    let mut heard = Vec::new();
    // That it can be written to, at first.
    let first = readiness.next().await.unwrap();
    assert!(first.iter().all(|ready| ready.place == place && ready.writable));
    peer.write_all(b"hello").unwrap();
    while !heard.iter().any(|ready: &Ready| ready.readable) {
        heard.extend(tokio::time::timeout(Duration::from_secs(10), readiness.next()).await.unwrap().unwrap());
    }
    let again = tokio::time::timeout(Duration::from_millis(50), readiness.next()).await;
    assert!(again.is_err(), "{again:?}");
    drop(peer);
    let end = tokio::time::timeout(Duration::from_secs(10), readiness.next()).await.unwrap().unwrap();
    assert!(end.iter().any(|ready| ready.ended), "{end:?}");
}

#[actix_web::test]
async fn an_ending_connection_has_a_deadline_even_if_it_takes_a_little_now_and_then() {
    let mut sockets = Sockets::default();
    let _readiness = sockets.open().unwrap();
    let start = Instant::now();
    let (place, mut peer) = connect(&mut sockets, start);
    let connection = sockets.get_mut(place).unwrap();
    let piece = "x".repeat(60_000);
    (0..1_000).for_each(|_| push(connection, &piece));
    connection.write(start).unwrap();
    connection.outbox.finish(Close::Slow);
    assert_eq!(connection.check(&limits(), start), Life::Fine);
    // It takes something just before it would count as stuck.
    let later = start + END_WAIT - Duration::from_secs(1);
    let mut some = vec![0; 1 << 20];
    let until = Instant::now() + Duration::from_secs(10);
    while connection.outbox.stuck_for(later) != Some(Duration::ZERO) {
        assert!(Instant::now() < until, "the socket takes no more");
        assert!(peer.read(&mut some).unwrap() > 0);
        connection.write(later).unwrap();
    }
    assert_eq!(connection.check(&limits(), later), Life::Fine);
    assert_eq!(connection.check(&limits(), start + END_WAIT), Life::Stuck);
}
