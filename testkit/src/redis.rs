//! A private Redis: loopback only, a free port, nothing on the disk; it can be killed, held up and brought back.

use std::process::Command;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    folder::Folder,
    patience::wait_for,
    postgres::free_port,
    process::{Process, signal},
    programs,
};

/// A server, and where it is.
#[derive(Debug)]
pub struct Redis {
    /// Where to connect.
    pub url: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    starts: u32,
    folder: Folder,
    process: Option<Process>,
}

impl Redis {
    /// A new one, up.
    pub async fn start() -> Self {
        let port = free_port();
        let url = format!("redis://127.0.0.1:{port}");
        let mut redis = Self { url, port, starts: 0, folder: Folder::new("redis"), process: None };
        redis.up().await;
        redis
    }

    /// Starts it again on the same port, with nothing in it.
    pub async fn up(&mut self) {
        self.starts += 1;
        let mut command = Command::new(programs::redis());
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.current_dir(self.folder.path());
        self.process = Some(Process::start(&format!("redis-{}", self.starts), command, &self.folder));
        wait_for("Redis to answer", || async {
            self.command("PING").await.filter(|answer| answer == "+PONG").ok_or("")
        })
        .await;
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it from answering, with its connections open.
    pub fn hold(&self) {
        signal("STOP", self.process.as_ref().expect("a running Redis").id());
    }

    /// Lets it go on.
    pub fn release(&self) {
        signal("CONT", self.process.as_ref().expect("a running Redis").id());
    }

    /// The first line that it answers to a command of plain words.
    pub async fn command(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.lines().next().map(str::to_owned)
    }
}
