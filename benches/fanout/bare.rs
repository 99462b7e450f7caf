//! The baseline: one thread that writes the framed bytes to every socket, one write call each. No protocol, no queue.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result, ensure};

use crate::{
    frame,
    process::{self, Command},
};

/// `markets`: connections listen to so many markets in turn; 0: all to the config.
pub fn run(markets: usize) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let groups: Vec<Vec<TcpStream>> = (0..markets.max(1)).map(|_| Vec::new()).collect();
    let groups = Arc::new(Mutex::new(groups));
    let accepted = Arc::clone(&groups);
    thread::spawn(move || {
        for (number, socket) in listener.incoming().map_while(Result::ok).enumerate() {
            // Told under the lock: who was answered is sent the next frame.
            let mut groups = accepted.lock().unwrap_or_else(PoisonError::into_inner);
            let group = number % groups.len();
            if let Err(error) = take(socket, &mut groups[group]) {
                return eprintln!("a connection failed: {error}");
            }
        }
    });
    let names: Vec<String> = (0..markets).map(frame::channel).collect();
    let mut seqs = vec![0; markets.max(1)];
    process::serve_commands(|command| {
        let mut groups = groups.lock().unwrap_or_else(PoisonError::into_inner);
        match command {
            Command::Config(frames) => {
                ensure!(markets == 0, "no connection listens to the config");
                for _ in 0..frames {
                    seqs[0] += 1;
                    write(&mut groups[0], &frame::config_text(seqs[0]))?;
                }
            }
            Command::Markets { at, channels } => {
                for channel in channels {
                    let place = names.iter().position(|name| *name == channel).context("no such market")?;
                    seqs[place] += 1;
                    write(&mut groups[place], &frame::market_text(&channel, seqs[place], at))?;
                }
            }
        }
        Ok(())
    })
}

fn write(sockets: &mut [TcpStream], text: &str) -> Result<()> {
    let bytes = frame::framed(text);
    for socket in sockets {
        // A full socket is an error: then this is no baseline, and the reader would miss the frame.
        socket.write_all(&bytes).context("the reader is too slow for the bare loop")?;
    }
    Ok(())
}

fn take(mut socket: TcpStream, sockets: &mut Vec<TcpStream>) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    socket.write_all(&frame::framed(frame::SUBSCRIBED))?;
    sockets.push(socket);
    Ok(())
}
