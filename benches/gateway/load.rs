//! Load: a few connections that are kept, each with one request out, for a time. Every reply must be 200 and whole.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Connections, a thread each.
const CONNECTIONS: usize = 16;

/// How many requests were answered.
///
/// # Panics
/// If a reply is anything but 200 and whole.
pub fn ask(host: &str, path: &str, time: Duration) -> u64 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let until = Instant::now() + time;
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..CONNECTIONS).map(|_| scope.spawn(|| connection(host, request.as_bytes(), until))).collect();
        threads.into_iter().map(|thread| thread.join().expect("every reply was whole")).sum()
    })
}

fn connection(host: &str, request: &[u8], until: Instant) -> u64 {
    let mut stream = TcpStream::connect(host).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone().expect("a socket"));
    let (mut line, mut body, mut answered) = (String::new(), Vec::new(), 0);
    while Instant::now() < until {
        stream.write_all(request).expect("a request");
        let mut length = None;
        for number in 0.. {
            line.clear();
            reader.read_line(&mut line).expect("a line of the head");
            assert!(number > 0 || line.starts_with("HTTP/1.1 200"), "{line:?}");
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        body.resize(length.expect("a content-length"), 0);
        reader.read_exact(&mut body).expect("the body");
        answered += 1;
    }
    answered
}
