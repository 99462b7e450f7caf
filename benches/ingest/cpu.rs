//! CPU time: of this process, and of the database's backends. Where others use the machine too, it tells what the clock
//! can't. From Linux's `/proc`; elsewhere it is zero.

use tokio_postgres::Client;

/// Seconds since some beginning.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    /// Of the backends of this database that live now.
    pub server: f64,
    /// Of this process.
    pub process: f64,
}

impl Cpu {
    /// Until now.
    pub async fn now(admin: &Client) -> Self {
        // The server is another user's, and may be asked for its own.
        const SQL: &str = "SELECT pg_read_file('/proc/' || pid || '/stat', 0, 4096, true) FROM pg_stat_activity \
                           WHERE datname = current_database() AND backend_type = 'client backend'";
        let backends = admin.query(SQL, &[]).await.unwrap_or_default();
        let server = backends.iter().filter_map(|row| row.get::<_, Option<String>>(0)).map(|stat| seconds(&stat)).sum();
        let process = std::fs::read_to_string("/proc/self/stat").map_or(0.0, |stat| seconds(&stat));
        Self { server, process }
    }

    /// What was used since.
    pub fn since(self, before: &Self) -> Self {
        Self { server: self.server - before.server, process: self.process - before.process }
    }
}

/// User and system time of a line of `stat`, in the kernel's hundredths of a second.
fn seconds(stat: &str) -> f64 {
    // The program's name, in brackets, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
