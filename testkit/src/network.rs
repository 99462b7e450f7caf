//! The network between the engine and PostgreSQL: connections are cut, answers get lost, questions are held back and
//! counted.
//!
//! Passes bytes on, and knows of the protocol no more than that `COMMIT` is a message of its own, that parameters travel
//! as they are, and where a message ends.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::postgres::Database;

/// A question that is longer is no question about one thing.
const QUESTION_MAX: usize = 1_024;

/// A network with a hand on it.
#[derive(Debug)]
pub struct Network {
    url: String,
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct Faults {
    /// COMMITs that reach the server and whose answers do not come back.
    answers_to_lose: AtomicUsize,
    /// COMMITs that do not reach the server.
    commits_to_lose: AtomicUsize,
    /// Raised to cut every connection that is open.
    cuts: watch::Sender<u64>,
    /// Questions that name it wait.
    held: watch::Sender<Option<String>>,
    /// Questions that wait.
    waiting: AtomicUsize,
    /// Statements that were asked.
    asked: AtomicUsize,
}

impl Network {
    /// Before a database.
    pub async fn before(database: &Database) -> Self {
        let (head, name) = database.url.rsplit_once('/').unwrap();
        let (scheme, server) = head.split_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}@{}/{name}", listener.local_addr().unwrap());
        let faults = Arc::new(Faults {
            answers_to_lose: AtomicUsize::new(0),
            commits_to_lose: AtomicUsize::new(0),
            cuts: watch::channel(0).0,
            held: watch::channel(None).0,
            waiting: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
        });
        let (server, faulty) = (server.to_owned(), faults.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, faults) = (server.clone(), faulty.clone());
                tokio::spawn(async move {
                    // A server that is away is found away.
                    if let Ok(server) = TcpStream::connect(&server).await {
                        one_connection(client, server, &faults).await;
                    }
                });
            }
        });
        Self { url, faults }
    }

    /// The database, as it is reached through this network.
    pub fn database(&self) -> Database {
        Database { url: self.url.clone() }
    }

    /// The next COMMITs reach the server; their answers don't come back.
    pub fn lose_answers(&self, count: usize) {
        self.faults.answers_to_lose.store(count, Ordering::SeqCst);
    }

    /// The next COMMITs don't reach the server.
    pub fn lose_commits(&self, count: usize) {
        self.faults.commits_to_lose.store(count, Ordering::SeqCst);
    }

    /// COMMITs and answers that are still to be lost.
    pub fn left_to_lose(&self) -> usize {
        self.faults.answers_to_lose.load(Ordering::SeqCst) + self.faults.commits_to_lose.load(Ordering::SeqCst)
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.faults.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Short questions that name this text wait, and their connections with them.
    pub fn hold(&self, text: &str) {
        self.faults.held.send_replace(Some(text.to_owned()));
    }

    /// They go on.
    pub fn release(&self) {
        self.faults.held.send_replace(None);
    }

    /// Statements that were asked so far, over all connections: each that was executed, `BEGIN` and `COMMIT` as well.
    pub fn asked(&self) -> usize {
        self.faults.asked.load(Ordering::SeqCst)
    }

    /// Questions that wait.
    pub fn waiting(&self) -> usize {
        self.faults.waiting.load(Ordering::SeqCst)
    }
}

async fn one_connection(mut client: TcpStream, mut server: TcpStream, faults: &Faults) {
    let mut cuts = faults.cuts.subscribe();
    // Both sides see the end when the sockets are dropped.
    tokio::select! {
        () = pass_on(&mut client, &mut server, faults) => {}
        _ = cuts.changed() => {}
    }
}

async fn pass_on(client: &mut TcpStream, server: &mut TcpStream, faults: &Faults) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut statements = Statements::default();
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let question = &asked[..length];
                faults.asked.fetch_add(statements.follow(question), Ordering::SeqCst);
                let is_commit = question.windows(6).any(|six| six == b"COMMIT");
                if is_commit && take_one(&faults.commits_to_lose) {
                    return;
                }
                let lost = is_commit && take_one(&faults.answers_to_lose);
                held_back(question, faults).await;
                if server.write_all(question).await.is_err() {
                    return;
                }
                if lost {
                    // The server has done it when it answers; nobody hears it.
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Asks whether the server speaks TLS: nothing but a length and a number, and no other message without a kind is so short.
const TLS_QUESTION_BYTES: u32 = 8;

/// Follows a client's messages: a kind and a length, and so much more; those of the beginning have no kind.
#[derive(Debug, Default)]
struct Statements {
    has_begun: bool,
    head: Vec<u8>,
    /// Bytes of the message that are still to come.
    left: usize,
}

impl Statements {
    /// How many statements begin in these bytes: `Execute`, or a simple `Query`.
    fn follow(&mut self, mut bytes: &[u8]) -> usize {
        let mut count = 0;
        while let Some((byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            bytes = rest;
            self.head.push(*byte);
            let kinds = usize::from(self.has_begun);
            let Some(length) = self.head.get(kinds..).and_then(|length| length.first_chunk::<4>()) else { continue };
            // The length counts itself.
            let length = u32::from_be_bytes(*length);
            self.left = (length as usize).saturating_sub(4);
            count += usize::from(self.has_begun && matches!(self.head[0], b'E' | b'Q'));
            self.has_begun |= length != TLS_QUESTION_BYTES;
            self.head.clear();
        }
        count
    }
}

async fn held_back(question: &[u8], faults: &Faults) {
    let mut held = faults.held.subscribe();
    let names = |text: &Option<String>| {
        let text = text.as_deref().map(str::as_bytes).filter(|text| !text.is_empty());
        text.is_some_and(|text| question.len() <= QUESTION_MAX && question.windows(text.len()).any(|w| w == text))
    };
    if !names(&held.borrow()) {
        return;
    }
    faults.waiting.fetch_add(1, Ordering::SeqCst);
    let _ = held.wait_for(|text| !names(text)).await;
    faults.waiting.fetch_sub(1, Ordering::SeqCst);
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_counted_wherever_the_bytes_are_cut() {
        let message = |kind: &[u8], body: &[u8]| {
            let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
            [kind, &length, body].concat()
        };
        let asked = [
            message(b"", &80_877_103_u32.to_be_bytes()),
            message(b"", b"user\0E\0Q\0"),
            message(b"p", b"E secret Q"),
            message(b"Q", b"BEGIN\0"),
            message(b"P", b"E"),
            message(b"B", b""),
            message(b"E", b"\0\0\0\0\0"),
            message(b"S", b""),
        ]
        .concat();
        for size in [1, 2, 3, 7, asked.len()] {
            let mut statements = Statements::default();
            let counted: usize = asked.chunks(size).map(|bytes| statements.follow(bytes)).sum();
            assert_eq!(counted, 2, "in pieces of {size}");
        }
    }
}
