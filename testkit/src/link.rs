//! A stretch of network that can be made bad: bytes of TCP that pass, crawl, or stop without a word.
//!
//! Knows no protocol: it stands before the chain, PostgreSQL, Redis, or the engine itself. Holds one piece of each direction
//! of each connection, and no more; what waits beyond that waits with the sender, as it would at a full window.
//!
//! What it can't imitate: a connection that is begun while nothing passes is accepted here, where a real one would never
//! be answered; and what was on its way is late when it is over, where a router might have lost it (TCP sends it again).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Bytes that are carried at once.
const PIECE_BYTES: usize = 16 * 1024;

/// How bytes pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As they come.
    Well,
    /// Not at all, in either direction, and no end is told: the other side is gone, and nobody knows.
    Silent,
    /// What is asked arrives, what is answered does not: half open.
    Deaf,
    /// Each piece so much later, and not more than so many bytes a second in each direction of a connection.
    Slow {
        /// Of each piece.
        delay: Duration,
        /// At least 1.
        bytes_per_second: u32,
    },
}

/// Towards whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Asked,
    Answered,
}

#[derive(Debug)]
struct Hand {
    manner: watch::Sender<Manner>,
    /// Raised to cut every connection that is open.
    cuts: watch::Sender<u64>,
    held: AtomicU64,
    open: AtomicUsize,
}

/// A stretch with a hand on it; it ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    /// What leads to the other end through this.
    pub url: String,
    hand: Arc<Hand>,
    task: JoinHandle<()>,
}

impl Link {
    /// Before whatever that URL leads to, on a free port of this machine.
    ///
    /// # Panics
    /// If the URL names no `HOST:PORT`.
    pub async fn before(url: &str) -> Self {
        let (head, place, tail) = parts(url).unwrap_or_else(|| panic!("no place in {url}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("{head}{}{tail}", listener.local_addr().unwrap());
        let hand = Arc::new(Hand {
            manner: watch::channel(Manner::Well).0,
            cuts: watch::channel(0).0,
            held: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, place.to_owned(), hand.clone()));
        Self { url: own, hand, task }
    }

    /// From now on bytes pass so; those that are held back go on.
    pub fn set(&self, manner: Manner) {
        self.hand.manner.send_replace(manner);
    }

    /// Ends every connection; both sides are told. How many there were.
    pub fn cut(&self) -> usize {
        let open = self.hand.open.load(Ordering::SeqCst);
        self.hand.cuts.send_modify(|cuts| *cuts += 1);
        open
    }

    /// Pieces, ends included, that had to wait so far.
    pub fn held(&self) -> u64 {
        self.hand.held.load(Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// `SCHEME://[USER@]`, `HOST:PORT`, the rest.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let scheme = url.find("://")? + 3;
    let end = url[scheme..].find('/').map_or(url.len(), |slash| scheme + slash);
    let begin = url[scheme..end].rfind('@').map_or(scheme, |at| scheme + at + 1);
    url[begin..end].contains(':').then(|| (&url[..begin], &url[begin..end], &url[end..]))
}

async fn accept(listener: TcpListener, place: String, hand: Arc<Hand>) {
    while let Ok((client, _)) = listener.accept().await {
        let (place, hand) = (place.clone(), hand.clone());
        tokio::spawn(async move {
            let mut cuts = hand.cuts.subscribe();
            hand.open.fetch_add(1, Ordering::SeqCst);
            // Both sides see the end when the sockets are dropped.
            tokio::select! {
                () = one_connection(client, &place, &hand) => {}
                _ = cuts.changed() => {}
            }
            hand.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn one_connection(client: TcpStream, place: &str, hand: &Hand) {
    // A server that is away is found away.
    let Ok(server) = TcpStream::connect(place).await else { return };
    for stream in [&client, &server] {
        // A socket that is gone shows at the next read.
        let _ = stream.set_nodelay(true);
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(carry(from_client, to_server, Way::Asked, hand), carry(from_server, to_client, Way::Answered, hand));
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, hand: &Hand) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let most = match *hand.manner.borrow() {
            Manner::Slow { bytes_per_second, .. } => (bytes_per_second as usize / 10).clamp(1, PIECE_BYTES),
            _ => PIECE_BYTES,
        };
        let length = from.read(&mut piece[..most]).await.unwrap_or(0);
        hand.pass(way, length).await;
        if length == 0 {
            // Whoever is gone needs no word.
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

impl Hand {
    /// Waits until a piece may go on.
    async fn pass(&self, way: Way, length: usize) {
        let mut manner = self.manner.subscribe();
        let stops = |manner: &Manner| match manner {
            Manner::Silent => true,
            Manner::Deaf => way == Way::Answered,
            Manner::Well | Manner::Slow { .. } => false,
        };
        let now = *manner.borrow();
        if now != Manner::Well && (stops(&now) || matches!(now, Manner::Slow { .. })) {
            self.held.fetch_add(1, Ordering::SeqCst);
        }
        if let Manner::Slow { delay, bytes_per_second } = now {
            let own = Duration::from_micros(length as u64 * 1_000_000 / u64::from(bytes_per_second.max(1)));
            // What is over is over for those who wait, too.
            let _ = tokio::time::timeout(delay + own, manner.wait_for(|manner| *manner != now)).await;
        }
        // The hand is there as long as anybody holds it.
        let _ = manner.wait_for(|manner| !stops(manner)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::{wait_for, within};

    #[test]
    fn a_place_is_found_in_every_url_that_an_engine_is_given() {
        assert_eq!(parts("postgres://u@127.0.0.1:5/it"), Some(("postgres://u@", "127.0.0.1:5", "/it")));
        assert_eq!(parts("redis://127.0.0.1:5"), Some(("redis://", "127.0.0.1:5", "")));
        assert_eq!(parts("ws://127.0.0.1:5/ws@x"), Some(("ws://", "127.0.0.1:5", "/ws@x")));
        assert_eq!(parts("127.0.0.1:5"), None);
    }

    /// A server that says back what it hears, and a client of it through a link.
    async fn echo() -> (Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = Link::before(&format!("tcp://{}", listener.local_addr().unwrap())).await;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        let client = TcpStream::connect(link.url.strip_prefix("tcp://").unwrap()).await.unwrap();
        (link, client)
    }

    async fn said_back(client: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
        client.write_all(text).await?;
        heard(client, text).await
    }

    async fn heard(client: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
        let mut back = vec![0; text.len()];
        within("an echo", client.read_exact(&mut back)).await?;
        assert_eq!(back, text);
        Ok(())
    }

    async fn holds(link: &Link, pieces: u64) {
        wait_for("a piece to be held", || async {
            let held = link.held();
            if held >= pieces { Ok(()) } else { Err(held) }
        })
        .await;
    }

    #[tokio::test]
    async fn nothing_passes_a_silent_link_and_nobody_is_told_until_it_is_over() {
        let (link, mut client) = echo().await;
        said_back(&mut client, b"before").await.unwrap();
        assert_eq!(link.held(), 0);
        for manner in [Manner::Silent, Manner::Deaf] {
            link.set(manner);
            let before = link.held();
            client.write_all(b"meanwhile").await.unwrap();
            holds(&link, before + 1).await;
            let nothing = tokio::time::timeout(Duration::from_millis(50), client.peek(&mut [0])).await;
            assert!(nothing.is_err(), "{manner:?}: {nothing:?}");
            link.set(Manner::Well);
            heard(&mut client, b"meanwhile").await.unwrap();
        }
        link.set(Manner::Silent);
        drop(client);
        holds(&link, 3).await;
    }

    #[tokio::test]
    async fn a_slow_link_passes_all_of_it_and_a_cut_one_ends_both_sides() {
        let (link, mut client) = echo().await;
        link.set(Manner::Slow { delay: Duration::from_millis(1), bytes_per_second: 10_000 });
        said_back(&mut client, &[7; 3_000]).await.unwrap();
        // A tenth of a second's bytes at a time.
        assert!(link.held() >= 6, "{}", link.held());
        assert_eq!(link.cut(), 1);
        assert!(said_back(&mut client, b"after").await.is_err());
        let mut again = TcpStream::connect(link.url.strip_prefix("tcp://").unwrap()).await.unwrap();
        said_back(&mut again, b"again").await.unwrap();
    }
}
