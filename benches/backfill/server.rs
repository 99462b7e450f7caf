//! What PostgreSQL's processes use, those included that have ended.

use std::time::Duration;

use tokio_postgres::Client;
use zmart_testkit::process::children_cpu_time;

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
        children_cpu_time(self.postmaster)
    }
}
