//! The baseline: one thread that writes the framed bytes to every socket, one write call each. No protocol, no queue.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result};

use crate::{frame, process};

pub fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let accepted = Arc::clone(&sockets);
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            // Told under the lock: who was answered is sent the next frame.
            let mut sockets = accepted.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = take(socket, &mut sockets) {
                return eprintln!("a connection failed: {error}");
            }
        }
    });
    let mut seq = 0;
    process::serve_commands(|frames| {
        let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..frames {
            seq += 1;
            let bytes = frame::framed(&frame::text(seq));
            for socket in sockets.iter_mut() {
                // A full socket is an error: then this is no baseline, and the reader would miss the frame.
                socket.write_all(&bytes).context("the reader is too slow for the bare loop")?;
            }
        }
        Ok(())
    })
}

fn take(mut socket: TcpStream, sockets: &mut Vec<TcpStream>) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    socket.write_all(&frame::framed(frame::SUBSCRIBED))?;
    sockets.push(socket);
    Ok(())
}
