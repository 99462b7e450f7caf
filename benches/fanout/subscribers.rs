//! The subscribers: one thread over all sockets, that reads cheaply and checks every frame's number.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::{frame, process::Role};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
/// Connections are made in groups: a listener's backlog is bounded.
const GROUP: usize = 200;
/// Longest wait for those of a group to be subscribed.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// What connections listen to, one each.
#[derive(Debug, Clone, Copy)]
pub enum Topic {
    /// All to the config.
    Config,
    /// To so many markets in turn.
    Markets(usize),
}

impl Topic {
    fn of(self, connection: usize) -> String {
        match self {
            Self::Config => "config".to_owned(),
            Self::Markets(count) => frame::channel(connection % count),
        }
    }
}

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
    channel: String,
    /// The beginning of what did not come whole yet.
    left: Vec<u8>,
    /// The newest entry.
    last: u64,
    /// The entry that is waited for.
    target: u64,
    /// Further subscriptions that were answered.
    answers: usize,
}

/// The clock of what is ordered, and how long each entry took from then on.
struct Delays {
    began: Instant,
    nanos: Vec<u64>,
}

/// All of them.
pub struct Subscribers {
    poll: Poll,
    events: Events,
    all: Vec<Subscriber>,
    buffer: Vec<u8>,
    delays: Delays,
}

impl Subscribers {
    /// Connect and subscribe.
    pub fn connect(address: SocketAddr, count: usize, role: Role, topic: Topic) -> Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(1_024));
        let delays = Delays { began: Instant::now(), nanos: Vec::new() };
        let all = Vec::with_capacity(count);
        let mut subscribers = Self { poll, events, all, buffer: vec![0; 256 * 1_024], delays };
        while subscribers.all.len() < count {
            for _ in 0..GROUP.min(count - subscribers.all.len()) {
                subscribers.add(address, role, topic)?;
            }
            subscribers.until(CONNECT_PATIENCE, |subscriber| subscriber.stage == Stage::Listening)?;
        }
        Ok(subscribers)
    }

    fn add(&mut self, address: SocketAddr, role: Role, topic: Topic) -> Result<()> {
        let mut socket = std::net::TcpStream::connect(address)?;
        let channel = topic.of(self.all.len());
        if role.speaks_websocket() {
            let mut hello = UPGRADE.as_bytes().to_vec();
            put_subscription(&mut hello, &channel);
            socket.write_all(&hello)?;
        }
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        self.poll.registry().register(&mut socket, Token(self.all.len()), Interest::READABLE)?;
        let stage = if role.speaks_websocket() { Stage::Upgrading } else { Stage::Subscribing };
        self.all.push(Subscriber { socket, stage, channel, left: Vec::new(), last: 0, target: 0, answers: 0 });
        Ok(())
    }

    /// The clock that delays are measured by: nanoseconds since it began.
    pub fn clock(&self) -> Instant {
        self.delays.began
    }

    /// Nanoseconds from the order to the reader, of each entry that came since this was last asked.
    pub fn take_delays(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.delays.nanos)
    }

    /// Read until everybody got `frames` more entries.
    pub fn take(&mut self, frames: u64, within: Duration) -> Result<()> {
        let target = self.all.iter().map(|subscriber| subscriber.last).max().unwrap_or(0) + frames;
        let least = self.all.iter().map(|subscriber| subscriber.last).min().unwrap_or(0) + frames;
        ensure!(target == least, "the subscribers begin at different entries");
        self.until(within, |subscriber| subscriber.last == target)
    }

    /// Read until the listeners of each market got so many more entries of it.
    pub fn take_each(&mut self, frames: &[u64], within: Duration) -> Result<()> {
        for (number, subscriber) in self.all.iter_mut().enumerate() {
            subscriber.target = subscriber.last + frames[number % frames.len()];
        }
        self.until(within, |subscriber| subscriber.last >= subscriber.target)?;
        ensure!(self.all.iter().all(|one| one.last == one.target), "a subscriber got more than was sent");
        Ok(())
    }

    /// The first `connections` subscribe to so many further markets each; read until all of it is answered.
    pub fn subscribe_more(&mut self, connections: usize, each: usize, markets: usize) -> Result<()> {
        ensure!(each < markets && connections <= self.all.len(), "too few of them");
        for (number, subscriber) in self.all.iter_mut().take(connections).enumerate() {
            let mut asks = Vec::new();
            (1..=each).for_each(|step| put_subscription(&mut asks, &frame::channel((number + step) % markets)));
            // It fits the kernel's buffer.
            subscriber.socket.write_all(&asks)?;
        }
        let asked: Vec<bool> = (0..self.all.len()).map(|number| number < connections).collect();
        let mut open = connections;
        let by = Instant::now() + CONNECT_PATIENCE;
        while open > 0 {
            self.read_ready(by)?;
            open = self.all.iter().zip(&asked).filter(|(one, asked)| **asked && one.answers < each).count();
        }
        Ok(())
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
                subscriber.read(&mut self.buffer, &mut self.delays)?;
                match (was_done, is_done(subscriber)) {
                    (false, true) => open -= 1,
                    (true, false) => bail!("a subscriber got more than was sent"),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn read_ready(&mut self, by: Instant) -> Result<()> {
        let left = by.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "not everything was answered");
        self.poll.poll(&mut self.events, Some(left))?;
        for event in &self.events {
            let subscriber = self.all.get_mut(event.token().0).context("an event of nobody")?;
            subscriber.read(&mut self.buffer, &mut self.delays)?;
        }
        Ok(())
    }
}

/// Masked, as a client's frame must be; by a mask that changes nothing.
fn put_subscription(out: &mut Vec<u8>, channel: &str) {
    let text = format!(r#"{{"id":1,"action":"subscribe","channels":["{channel}"]}}"#);
    assert!(text.len() < 126, "a short frame");
    out.extend([0x81, 0x80 | text.len() as u8, 0, 0, 0, 0]);
    out.extend(text.as_bytes());
}

impl Subscriber {
    fn read(&mut self, buffer: &mut [u8], delays: &mut Delays) -> Result<()> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(count) => self.take(&buffer[..count], delays)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8], delays: &mut Delays) -> Result<()> {
        if self.left.is_empty() {
            let used = self.parse(bytes, delays)?;
            self.left.extend(&bytes[used..]);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.left);
        all.extend(bytes);
        let used = self.parse(&all, delays)?;
        all.drain(..used);
        if !all.is_empty() {
            self.left = all;
        }
        Ok(())
    }

    /// Returns how many bytes were whole.
    fn parse(&mut self, bytes: &[u8], delays: &mut Delays) -> Result<usize> {
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
            self.hear(text, delays)?;
            used += header + length;
        }
        Ok(used)
    }

    fn hear(&mut self, text: &[u8], delays: &mut Delays) -> Result<()> {
        if let Some(entry) = frame::entry(text) {
            ensure!(self.stage == Stage::Listening, "a frame before its subscription");
            ensure!(entry.channel == self.channel.as_bytes(), "a frame of another channel");
            ensure!(entry.seq == self.last + 1, "entry {} after {}", entry.seq, self.last);
            self.last = entry.seq;
            if let Some(at) = entry.at {
                let now = delays.began.elapsed().as_nanos() as u64;
                delays.nanos.push(now.saturating_sub(at));
            }
        } else if text.starts_with(br#"{"type":"subscribed""#) {
            if self.stage == Stage::Listening {
                self.answers += 1;
                return Ok(());
            }
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
