//! The subscribers: one thread over all sockets, that reads cheaply and checks every frame's number.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::frame;

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
const SUBSCRIBE: &str = r#"{"id":1,"action":"subscribe","channels":["config"]}"#;
/// Connections are made in groups: a listener's backlog is bounded.
const GROUP: usize = 200;

/// What is read of a connection.
#[derive(Debug, PartialEq)]
enum Stage {
    Upgrading,
    Subscribing,
    Listening,
}

struct Subscriber {
    socket: TcpStream,
    stage: Stage,
    /// The beginning of what did not come whole yet.
    left: Vec<u8>,
    /// The newest entry.
    last: u64,
}

/// All of them.
pub struct Subscribers {
    poll: Poll,
    events: Events,
    all: Vec<Subscriber>,
    buffer: Vec<u8>,
}

impl Subscribers {
    /// Connect; with `upgrades` to a WebSocket server and subscribed to the config, without to a server that just sends.
    pub fn connect(address: SocketAddr, count: usize, upgrades: bool) -> Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(1_024));
        let mut subscribers = Self { poll, events, all: Vec::with_capacity(count), buffer: vec![0; 256 * 1_024] };
        while subscribers.all.len() < count {
            for _ in 0..GROUP.min(count - subscribers.all.len()) {
                subscribers.add(address, upgrades)?;
            }
            subscribers.until(Duration::from_secs(30), |subscriber| subscriber.stage == Stage::Listening)?;
        }
        Ok(subscribers)
    }

    fn add(&mut self, address: SocketAddr, upgrades: bool) -> Result<()> {
        let mut socket = std::net::TcpStream::connect(address)?;
        if upgrades {
            let mut hello = UPGRADE.as_bytes().to_vec();
            // Masked, as a client's frame must be; by a mask that changes nothing.
            hello.extend([0x81, 0x80 | SUBSCRIBE.len() as u8, 0, 0, 0, 0]);
            hello.extend(SUBSCRIBE.as_bytes());
            socket.write_all(&hello)?;
        }
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        self.poll.registry().register(&mut socket, Token(self.all.len()), Interest::READABLE)?;
        let stage = if upgrades { Stage::Upgrading } else { Stage::Subscribing };
        self.all.push(Subscriber { socket, stage, left: Vec::new(), last: 0 });
        Ok(())
    }

    /// Read until everybody got `frames` more entries.
    pub fn take(&mut self, frames: u64, within: Duration) -> Result<()> {
        let target = self.all.iter().map(|subscriber| subscriber.last).max().unwrap_or(0) + frames;
        let least = self.all.iter().map(|subscriber| subscriber.last).min().unwrap_or(0) + frames;
        ensure!(target == least, "the subscribers begin at different entries");
        self.until(within, |subscriber| subscriber.last == target)
    }

    fn until(&mut self, within: Duration, is_done: impl Fn(&Subscriber) -> bool) -> Result<()> {
        let by = Instant::now() + within;
        let mut open = self.all.iter().filter(|subscriber| !is_done(subscriber)).count();
        while open > 0 {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{open} of {} subscribers did not get everything", self.all.len());
            }
            self.poll.poll(&mut self.events, Some(left))?;
            for event in &self.events {
                let subscriber = self.all.get_mut(event.token().0).context("an event of nobody")?;
                let was_done = is_done(subscriber);
                subscriber.read(&mut self.buffer)?;
                match (was_done, is_done(subscriber)) {
                    (false, true) => open -= 1,
                    (true, false) => bail!("a subscriber got more than was sent"),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Subscriber {
    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(count) => self.take(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        if self.left.is_empty() {
            let used = self.parse(bytes)?;
            self.left.extend(&bytes[used..]);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.left);
        all.extend(bytes);
        let used = self.parse(&all)?;
        all.drain(..used);
        if !all.is_empty() {
            self.left = all;
        }
        Ok(())
    }

    /// Returns how many bytes were whole.
    fn parse(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(0) };
            ensure!(bytes.starts_with(b"HTTP/1.1 101"), "not upgraded: {}", String::from_utf8_lossy(&bytes[..end]));
            used = end + 4;
            self.stage = Stage::Subscribing;
        }
        while let Some((header, length)) = header(&bytes[used..]) {
            let Some(text) = bytes.get(used + header..used + header + length) else { break };
            ensure!(bytes[used] == 0x81, "not a text frame: {:#x} {}", bytes[used], String::from_utf8_lossy(text));
            self.hear(text)?;
            used += header + length;
        }
        Ok(used)
    }

    fn hear(&mut self, text: &[u8]) -> Result<()> {
        if let Some(seq) = frame::seq(text) {
            ensure!(self.stage == Stage::Listening, "a frame before its subscription");
            ensure!(seq == self.last + 1, "entry {seq} after {}", self.last);
            self.last = seq;
        } else if self.stage == Stage::Subscribing && text.starts_with(br#"{"type":"subscribed""#) {
            let answer: serde_json::Value = serde_json::from_slice(text)?;
            self.last = answer["seq"].as_u64().context("no seq")?;
            self.stage = Stage::Listening;
        } else {
            ensure!(!text.starts_with(br#"{"type":"error""#), "refused: {}", String::from_utf8_lossy(text));
        }
        Ok(())
    }
}

/// Lengths of a frame's header and payload, if the header is there.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? {
        126 => Some((4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])))),
        127 => Some((10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize)),
        short => Some((2, usize::from(short))),
    }
}
