//! The serving side of HTTP/1.1, as little of it as a JSON-RPC node needs, by hand.
//!
//! Owns reading a request with a counted body and writing an answer, whole or cut. By hand, because the tools that stand
//! in a node's place must do what a well-made server never does: stop in the middle of a body, say nothing, hang up.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest head and the longest body that are read.
const HEAD_BYTES_MAX: usize = 64 << 10;
const BODY_BYTES_MAX: usize = 16 << 20;
const HEADERS_MAX: usize = 64;
/// Between two bytes of an answer that trickles.
const TRICKLE: Duration = Duration::from_millis(100);

/// A connection with a client that asks one question after another.
#[derive(Debug)]
pub struct HttpConnection {
    stream: TcpStream,
    read: Vec<u8>,
    keep_alive: bool,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// GET, POST, …
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names as they came.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// All of it.
    Whole,
    /// Half of the body that the head announced; the connection is of no use afterwards.
    Half,
    /// Byte by byte, slowly.
    Trickle,
}

impl HttpConnection {
    /// On an accepted socket.
    pub fn new(stream: TcpStream) -> Self {
        // Small answers must not wait for more; a socket that is gone shows at the next read.
        let _ = stream.set_nodelay(true);
        Self { stream, read: Vec::new(), keep_alive: true }
    }

    /// The body of the next request; `None` once the client is done.
    ///
    /// # Errors
    /// The socket broke, or what came is no request with a counted body.
    pub async fn request(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.asked().await?.map(|asked| asked.body))
    }

    /// The next request; `None` once the client is done.
    ///
    /// # Errors
    /// As [`HttpConnection::request`].
    pub async fn asked(&mut self) -> io::Result<Option<Asked>> {
        loop {
            if let Some(asked) = self.parse()? {
                return Ok(Some(asked));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<Asked>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let head = match request.parse(&self.read) {
            Ok(httparse::Status::Complete(head)) => head,
            Ok(httparse::Status::Partial) if self.read.len() <= HEAD_BYTES_MAX => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(io::Error::other("a head without an end")),
            Err(error) => return Err(io::Error::other(error)),
        };
        let value = |name: &str| {
            let header = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            header.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let length: usize = match value("content-length").map(str::parse) {
            None => 0,
            Some(Ok(length)) if length <= BODY_BYTES_MAX => length,
            Some(_) => return Err(io::Error::other("a body that is too long")),
        };
        let keep_alive = !value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if self.read.len() < head + length {
            return Ok(None);
        }
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
        };
        let headers = request.headers.iter().map(header).collect();
        let (method, path) = (text(request.method), text(request.path));
        self.keep_alive = keep_alive;
        let body = self.read[head..head + length].to_vec();
        self.read.drain(..head + length);
        Ok(Some(Asked { method, path, headers, body }))
    }

    /// Writes an answer; false if the connection is of no further use.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn answer(
        &mut self,
        status: u16,
        headers: &[(&str, String)],
        body: &[u8],
        writing: Writing,
    ) -> io::Result<bool> {
        let mut out = Vec::with_capacity(body.len() + 256);
        let reason = match status {
            200 => "OK",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            _ => "Answer",
        };
        out.extend_from_slice(format!("HTTP/1.1 {status} {reason}\r\n").as_bytes());
        for (name, value) in headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let connection = if self.keep_alive { "keep-alive" } else { "close" };
        out.extend_from_slice(format!("connection: {connection}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
        let goes_on = match writing {
            Writing::Whole => {
                out.extend_from_slice(body);
                self.keep_alive
            }
            Writing::Half => {
                out.extend_from_slice(&body[..body.len() / 2]);
                false
            }
            Writing::Trickle => {
                self.stream.write_all(&out).await?;
                out.clear();
                for byte in body {
                    self.stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(TRICKLE).await;
                }
                self.keep_alive
            }
        };
        self.stream.write_all(&out).await?;
        if !goes_on {
            self.stream.shutdown().await?;
        }
        Ok(goes_on)
    }
}
