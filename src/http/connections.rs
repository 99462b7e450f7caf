//! Connections to the ports that speak HTTP alone: how their sockets are set up, and how many an address may have.
//!
//! A connection that is only open costs its peer nothing, and a port a place that others then lack. Who is one too many is told
//! so and is ended when it is accepted: nothing that it sends is read as a request, and nothing is kept of it. It is told by the
//! socket's own peer, before there are headers to claim anything: a proxy that is trusted speaks for many, and has no
//! limit here (it has one of its own), nor do clients that are trusted.

use std::{any::Any, io, mem::MaybeUninit, net::Shutdown, sync::Arc, time::Duration};

use actix_web::{dev::Extensions, rt::net::TcpStream};
use socket2::SockRef;

use super::{limits::LimitSettings, per_address::PerAddress};
use crate::telemetry::metrics::Metrics;

/// A peer that acknowledges nothing for so long is cut off, however little we send: a reader that stopped reading is not
/// polled, so nothing above TCP can end it. (A WebSocket's hub looks at the clock itself, too.)
const TCP_SILENCE: Duration = Duration::from_secs(30);
/// The kernel keeps so much for a peer that does not read (twice that, by its own count); left to itself it takes
/// megabytes for each.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// What who is refused has sent already is taken away so that it hears why; so much of it.
const WASTE_BYTES: usize = 16 * 1024;
/// No request was read, so there is no body that names one.
const ONE_TOO_MANY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 10\r\ncontent-length: 0\r\n\r\n";

/// How many connections an address (IPv6: a /64) may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// To REST.
    pub api: u32,
    /// To the indexer's port.
    pub indexer: u32,
}

/// Who may connect to a port.
#[derive(Debug)]
pub struct Connections {
    service: &'static str,
    limits: LimitSettings,
    places: Arc<PerAddress>,
    metrics: Metrics,
}

impl Connections {
    /// Of `service`, where an address may have `most`.
    pub fn new(service: &'static str, most: u32, limits: &LimitSettings, metrics: Metrics) -> Self {
        Self { service, limits: limits.clone(), places: PerAddress::new(most), metrics }
    }

    /// A connection was accepted: what it holds for as long as it is open goes with it.
    pub fn begin(&self, connection: &dyn Any, kept: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
        set_up(stream);
        // A peer that is gone already needs no place.
        let Ok(peer) = stream.peer_addr() else { return };
        if self.limits.is_unlimited_peer(peer.ip()) {
            return;
        }
        match self.places.take(peer.ip()) {
            Some(place) => drop(kept.insert(place)),
            None => {
                self.metrics.note(|counts| counts.connections_refused.with_label_values(&[self.service]).inc());
                if let Err(error) = refuse(stream) {
                    log::debug!("a connection that is one too many: {error}");
                }
            }
        }
    }
}

/// What every connection of a client has.
pub fn set_up(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let set_up = socket
        .set_tcp_user_timeout(Some(TCP_SILENCE))
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER_BYTES))
        .and_then(|()| socket.set_tcp_nodelay(true));
    if let Err(error) = set_up {
        log::debug!("a connection's socket could not be set up: {error}");
    }
}

/// Never waits: the answer fits into what the kernel keeps of a new connection.
fn refuse(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    // What stayed unread would have the kernel reset the connection, and the answer be lost.
    let _ = socket.recv(&mut [MaybeUninit::uninit(); WASTE_BYTES]);
    socket.send(ONE_TOO_MANY)?;
    socket.shutdown(Shutdown::Both)
}
