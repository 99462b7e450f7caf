//! The two sides of the proxy as sockets: what is open, what is dropped, refused or silent.
//!
//! Owns nothing of the messages; only whether anything passes at all.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc, watch},
};

use super::{fault::Dice, message::Note, rules::SocketId};

/// Notes that may wait for a WebSocket; a client that leaves more unread is hung up on.
pub const WAITING_MAX: usize = 65_536;

/// One of the two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// JSON-RPC.
    Http,
    /// PubSub.
    Ws,
}

/// What is done to sockets as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketFault {
    /// A new one is reset.
    Refuse,
    /// Nothing passes; TCP stays up.
    Silence,
}

struct Set {
    number: u64,
    side: Side,
    fault: SocketFault,
    dice: Arc<Dice>,
}

/// A client's WebSocket, as faults see it.
#[derive(Debug, Clone)]
pub struct Socket {
    /// Where notes for it go.
    pub notes: mpsc::Sender<Note>,
    /// The number of its subscription to logs.
    pub logs: Option<u64>,
}

/// The sockets of a proxy.
pub struct Sockets {
    set: Mutex<Vec<Set>>,
    next: AtomicU64,
    changed: Notify,
    http: Lives,
    ws: Lives,
    open: Mutex<HashMap<SocketId, Socket>>,
}

/// The connections of a side: each ends when the generation changes.
struct Lives {
    generation: watch::Sender<u64>,
    open: AtomicUsize,
}

impl Lives {
    fn new() -> Self {
        Self { generation: watch::Sender::new(0), open: AtomicUsize::new(0) }
    }
}

/// A connection, counted as long as it is open.
pub struct Life {
    sockets: Arc<Sockets>,
    side: Side,
    generation: watch::Receiver<u64>,
}

impl Life {
    /// Waits until all connections of this side are dropped.
    pub async fn dropped(&mut self) {
        // The sender lives as long as the sockets, which this holds.
        let _ = self.generation.changed().await;
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.sockets.lives(self.side).open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sockets {
    /// None yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            set: Mutex::default(),
            next: AtomicU64::new(0),
            changed: Notify::new(),
            http: Lives::new(),
            ws: Lives::new(),
            open: Mutex::default(),
        })
    }

    fn lives(&self, side: Side) -> &Lives {
        match side {
            Side::Http => &self.http,
            Side::Ws => &self.ws,
        }
    }

    /// Sets a fault; gives its number.
    pub fn add(&self, side: Side, fault: SocketFault, dice: Arc<Dice>) -> u64 {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let set = Set { number, side, fault, dice };
        self.set.lock().unwrap_or_else(PoisonError::into_inner).push(set);
        self.changed.notify_waiters();
        number
    }

    /// Takes one away.
    pub fn remove(&self, number: u64) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).retain(|set| set.number != number);
        self.changed.notify_waiters();
    }

    /// The dice of a fault of that kind, if one is set.
    fn find(&self, side: Side, fault: SocketFault) -> Option<Arc<Dice>> {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.iter().find(|set| set.side == side && set.fault == fault).map(|set| set.dice.clone())
    }

    /// A new connection is to be reset.
    pub fn refuses(&self, side: Side) -> bool {
        self.find(side, SocketFault::Refuse).is_some_and(|dice| dice.strikes())
    }

    /// Nothing may pass.
    pub fn is_silent(&self, side: Side) -> bool {
        self.find(side, SocketFault::Silence).is_some()
    }

    /// Waits until something may pass. Counts once if it had to wait.
    pub async fn may_pass(&self, side: Side) {
        let mut counted = false;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before looking: a change between the look and the wait must not be missed.
            changed.as_mut().enable();
            let Some(dice) = self.find(side, SocketFault::Silence) else { return };
            if !counted {
                counted = true;
                dice.hit();
            }
            changed.await;
        }
    }

    /// Waits until nothing may pass.
    pub async fn silenced(&self, side: Side) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_silent(side) {
                return;
            }
            changed.await;
        }
    }

    /// Counts a connection.
    pub fn opened(self: &Arc<Self>, side: Side) -> Life {
        let lives = self.lives(side);
        lives.open.fetch_add(1, Ordering::SeqCst);
        Life { sockets: self.clone(), side, generation: lives.generation.subscribe() }
    }

    /// How many are open.
    pub fn open(&self, side: Side) -> usize {
        self.lives(side).open.load(Ordering::SeqCst)
    }

    /// Drops all that are open; gives how many they were.
    pub fn drop_all(&self, side: Side) -> usize {
        let open = self.open(side);
        self.lives(side).generation.send_modify(|generation| *generation += 1);
        open
    }

    /// A client's WebSocket, from here on reachable for faults.
    pub fn join(&self, notes: mpsc::Sender<Note>) -> SocketId {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Socket { notes, logs: None });
        id
    }

    /// The node gave its subscription to logs a number.
    pub fn subscribed(&self, id: SocketId, logs: u64) {
        if let Some(socket) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&id) {
            socket.logs = Some(logs);
        }
    }

    /// It is gone.
    pub fn leave(&self, id: SocketId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// All that are open.
    pub fn joined(&self) -> Vec<Socket> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Sends a note to one of them; where nobody is, it is lost.
    pub fn send(&self, id: SocketId, note: Note) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = open.get(&id) {
            let _ = socket.notes.try_send(note);
        }
    }
}

/// Ends a connection as a host does on which nobody listens.
pub fn reset(stream: TcpStream) {
    // Without lingering, closing sends a reset; a socket that is gone already needs none.
    let _ = stream.set_zero_linger();
}
