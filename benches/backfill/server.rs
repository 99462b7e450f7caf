//! What PostgreSQL's processes use, those included that have ended; and what a process has held at most. From Linux's `/proc`.

use std::{fs, time::Duration};

use tokio_postgres::Client;

/// A running server.
pub struct Server {
    postmaster: u32,
}

impl Server {
    /// The one that a client, who may read its files, is connected to.
    pub async fn of(admin: &Client) -> Self {
        let text: String = admin.query_one("SELECT pg_read_file('postmaster.pid')", &[]).await.unwrap().get(0);
        Self { postmaster: text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id") }
    }

    /// CPU time of all its processes until now.
    pub fn cpu(&self) -> Duration {
        let ended = fields(self.postmaster).map_or(0, |own| own[2] + own[3]);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let live = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(fields);
        let live: u64 = live.filter(|it| it[4] == u64::from(self.postmaster)).map(|it| it[0] + it[1]).sum();
        // Ticks are the kernel's hundredths of a second.
        Duration::from_millis((ended + live) * 10)
    }
}

/// Of a process: user and system time, those of its ended children, and its parent.
fn fields(pid: u32) -> Option<[u64; 5]> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in brackets, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let at = |index: usize| fields.get(index)?.parse().ok();
    Some([at(11)?, at(12)?, at(13)?, at(14)?, at(1)?])
}

/// The most memory that a process has held.
pub fn peak_resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() * 1_024
}
