//! A WebSocket client that speaks bytes: for what no well-behaved client sends, in pieces that none would make, and for
//! thousands of connections that have to be cheap.
//!
//! Owns the client's half of RFC 6455 as bytes ([`frame`], [`header`]) and a reader of the server's half, which must be
//! whole, unmasked frames. Answers nothing by itself.

use std::{io, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::patience::within;

/// A frame's first byte: the last fragment, or the only one.
pub const FIN: u8 = 0x80;
/// Opcodes.
#[allow(missing_docs)] // the names are the standard's
pub mod opcode {
    pub const CONTINUATION: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const BINARY: u8 = 2;
    pub const CLOSE: u8 = 8;
    pub const PING: u8 = 9;
    pub const PONG: u8 = 10;
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const MASKED: u8 = 0x80;
const READ_BYTES: usize = 16 * 1024;

/// The head of a client's frame that announces so many bytes, which need not follow.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u16::try_from(length), length) {
        (_, 0..126) => bytes.push(MASKED | length as u8),
        (Ok(medium), _) => {
            bytes.push(MASKED | 126);
            bytes.extend(medium.to_be_bytes());
        }
        (Err(_), long) => {
            bytes.push(MASKED | 127);
            bytes.extend(long.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// A client's frame; `first` is its first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A text in one frame.
pub fn text(payload: &str) -> Vec<u8> {
    frame(FIN | opcode::TEXT, payload.as_bytes())
}

/// A close frame.
pub fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | opcode::CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text.
    Text(String),
    /// A ping, with its payload.
    Ping(Vec<u8>),
    /// A pong, with its payload.
    Pong(Vec<u8>),
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
    /// The end of the TCP connection, orderly or not.
    End,
}

impl Heard {
    /// The text as JSON.
    pub fn json(&self) -> Option<Value> {
        let Self::Text(text) = self else { return None };
        serde_json::from_str(text).ok()
    }
}

/// A connection.
#[derive(Debug)]
pub struct RawSocket {
    stream: TcpStream,
    /// What came and was not taken, from `taken` on.
    come: Vec<u8>,
    taken: usize,
}

impl RawSocket {
    /// Connects to `ws://HOST:PORT` and says nothing. `receive_buffer` bounds what the kernel keeps of what was not read.
    pub async fn connect(url: &str, receive_buffer: Option<u32>) -> io::Result<Self> {
        let place = url.trim_start_matches("ws://").trim_end_matches('/').parse().map_err(io::Error::other)?;
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(place).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, come: Vec::new(), taken: 0 })
    }

    /// Connects, and upgrades; frames may follow the handshake at once.
    pub async fn try_open(url: &str, receive_buffer: Option<u32>, frames: &[u8]) -> io::Result<Self> {
        let mut socket = Self::connect(url, receive_buffer).await?;
        let mut hello = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            .to_vec();
        hello.extend(frames);
        socket.send(&hello).await?;
        let head = socket.http_head().await?;
        if head.starts_with("HTTP/1.1 101") { Ok(socket) } else { Err(io::Error::other(head)) }
    }

    /// As [`Self::try_open`]; the welcome has been read.
    ///
    /// # Panics
    /// If the server does not welcome it.
    pub async fn open(url: &str) -> Self {
        let mut socket = within("a handshake", Self::try_open(url, None, &[])).await.unwrap();
        let welcome = socket.next().await;
        assert_eq!(welcome.json().map(|welcome| welcome["type"].clone()), Some("welcome".into()), "{welcome:?}");
        socket
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends bytes piece by piece, each in a segment of its own as far as TCP obeys.
    pub async fn send_in_pieces(&mut self, bytes: &[u8], size: usize) -> io::Result<()> {
        for piece in bytes.chunks(size) {
            self.send(piece).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Says that nothing more will be sent, and goes on reading.
    pub async fn end_sending(&mut self) {
        // One that is gone has ended too.
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection with a reset, whatever is under way.
    pub fn reset(self) {
        // Else it ends as if it were closed.
        let _ = self.stream.set_zero_linger();
    }

    /// The head of an HTTP answer.
    pub async fn http_head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.come.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.come[..end]).into_owned();
                self.taken = end + 4;
                return Ok(head);
            }
            if self.read().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Everything until the end of the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        while within("the end of a connection", self.read()).await.is_ok_and(|count| count > 0) {}
        self.come.split_off(self.taken)
    }

    /// What comes next.
    ///
    /// # Panics
    /// After [`crate::patience::PATIENCE`], and at a frame that no server may send.
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.take() {
                return heard;
            }
            match within("a frame", self.read()).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Heard::End,
            }
        }
    }

    /// As [`Self::next`]; `None` if nothing comes for so long.
    pub async fn next_within(&mut self, time: Duration) -> Option<Heard> {
        tokio::time::timeout(time, self.next()).await.ok()
    }

    /// What comes next that was not caused by the clock alone: neither a heartbeat nor a commitment.
    pub async fn next_but_clocks(&mut self) -> Heard {
        loop {
            match self.next().await {
                Heard::Text(text) if is_of_clock(&text) => {}
                other => return other,
            }
        }
    }

    /// What ends the connection, whatever comes before it: a close frame, or just the end.
    pub async fn end(&mut self) -> Heard {
        loop {
            if let end @ (Heard::Close(_) | Heard::End) = self.next().await {
                return end;
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        if self.taken > 0 {
            self.come.drain(..self.taken);
            self.taken = 0;
        }
        self.come.reserve(READ_BYTES);
        self.stream.read_buf(&mut self.come).await
    }

    /// A frame, if it came whole.
    fn take(&mut self) -> Option<Heard> {
        let bytes = &self.come[self.taken..];
        let (head, length) = match *bytes.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
            short => (2, usize::from(short)),
        };
        assert!(bytes[1] & MASKED == 0, "a masked frame from a server");
        let payload = bytes.get(head..head + length)?.to_vec();
        let first = bytes[0];
        self.taken += head + length;
        assert!(first & FIN != 0 && first & 0x70 == 0, "a frame that begins with {first:#x}");
        Some(match first & 0x0f {
            opcode::TEXT => Heard::Text(String::from_utf8(payload).expect("UTF-8")),
            opcode::PING => Heard::Ping(payload),
            opcode::PONG => Heard::Pong(payload),
            opcode::CLOSE => Heard::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            other => panic!("a frame of opcode {other}"),
        })
    }
}

/// The `seq` of a frame's text, found without parsing all of it: for many of them.
pub fn seq_of(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(r#","seq":"#)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

/// A message that comes by itself, whatever its client does: a heartbeat, or what has become final.
pub fn is_of_clock(text: &str) -> bool {
    [r#"{"type":"heartbeat""#, r#"{"type":"commitment""#].iter().any(|begin| text.starts_with(begin))
}
