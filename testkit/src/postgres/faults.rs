//! What may happen to a PostgreSQL server: it is killed with all its processes, it stands still, it comes back with other
//! settings. (Full disks: [`super::small_disk`].)
//!
//! Real ones, of a cluster of a test's own: signals to its processes.

use std::{fs, time::Duration};

use super::Cluster;
use crate::{folder::Folder, process::signal};

/// Looks at processes that were killed, before it is given up that they go.
const GONE_LOOKS: u32 = 2_000;

impl Cluster {
    /// A new cluster that gives so many connections, and none more to superusers.
    pub async fn with_connections(max: u32) -> Self {
        let max = format!("max_connections={max}");
        Self::make(Folder::new("pg"), false, &[&max, "superuser_reserved_connections=0"], None).await
    }

    /// Kills every process of the server at once, as a machine that loses its power to them would: the next start
    /// recovers from the log.
    pub fn kill(&mut self) {
        // The first is the parent of all others: while it stands still nobody is started anew.
        if let Some(postmaster) = self.postmaster() {
            signal("STOP", postmaster);
        }
        let all = self.processes();
        all.iter().for_each(|pid| signal("KILL", *pid));
        // The last of them gives back the memory that they share; the next server does not start before.
        for _ in 0..GONE_LOOKS {
            if !all.iter().any(|pid| is_running(*pid)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Its keeper waits for a word.
        self.stop();
    }

    /// All processes stand still; sockets stay open, nobody answers.
    pub fn freeze(&self) {
        self.postmaster().into_iter().for_each(|pid| signal("STOP", pid));
        self.processes().into_iter().for_each(|pid| signal("STOP", pid));
    }

    /// They go on, the first one last: nobody is started before all go on.
    pub fn thaw(&self) {
        self.processes().into_iter().rev().for_each(|pid| signal("CONT", pid));
    }

    /// Stops the server and starts it with these settings on top (`name=value`), until the next restart.
    pub async fn restart_with(&mut self, settings: &[&str]) {
        self.stop();
        let own = self.settings.len();
        self.settings.extend(settings.iter().map(|&setting| setting.to_owned()));
        self.up().await;
        self.settings.truncate(own);
    }

    /// Ends every connection of the engine, as an administrator does (57P01). Answers how many there were.
    pub async fn cut_off_the_engine(&self) -> i64 {
        const CUT: &str =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'zmart'";
        self.server().connect().await.query_one(CUT, &[]).await.unwrap().get(0)
    }

    /// The server's first process, by its own word.
    pub(super) fn postmaster(&self) -> Option<u32> {
        let text = fs::read_to_string(self.folder.path().join("data/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// The postmaster and its children.
    fn processes(&self) -> Vec<u32> {
        let Some(postmaster) = self.postmaster() else { return Vec::new() };
        let mut all = vec![postmaster];
        let others = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = others.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        all.extend(pids.filter(|pid| parent_of(*pid) == Some(postmaster)));
        all
    }
}

/// False for one that is gone, or that only waits to be buried.
pub(super) fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

/// The fourth field of `stat`, after a name that may hold anything in its brackets.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
