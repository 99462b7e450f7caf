//! What may happen to a PostgreSQL server: it is killed with all its processes, it stands still, it comes back with other
//! settings, its disk is full.
//!
//! Real ones, of a cluster of a test's own: signals to its processes, a small disk that is mounted for its processes only
//! (so that it is gone with them).

use std::{fs, process::Command, time::Duration};

use super::{Cluster, Database, is_root, server_user};
use crate::process::signal;

/// Where the small disk is, below the cluster's folder.
const SMALL_DISK: &str = "small";
/// Looks at processes that were killed, before it is given up that they go.
const GONE_LOOKS: u32 = 2_000;

impl Cluster {
    /// A new cluster that gives so many connections, and none more to superusers.
    pub async fn with_connections(max: u32) -> Self {
        let max = format!("max_connections={max}");
        Self::make(false, &[&max, "superuser_reserved_connections=0"], None).await
    }

    /// A new cluster with a small disk beside its own, and a database on the small one; `None` where a disk can't be
    /// mounted (it takes root). A server that is started again has an empty small disk.
    pub async fn with_small_disk(mib: u32) -> Option<(Self, Database)> {
        if !is_root() || !may_mount() {
            return None;
        }
        let cluster = Self::make(false, &[], Some(mib)).await;
        let make = format!("CREATE TABLESPACE small LOCATION '{}'", cluster.small_disk());
        cluster.server().connect().await.batch_execute(&make).await.unwrap();
        let database = cluster.database_in("small").await;
        Some((cluster, database))
    }

    fn small_disk(&self) -> String {
        self.folder.path().join(SMALL_DISK).display().to_string()
    }

    /// Fills the small disk to its last page, by the server's own hand: nobody else sees that disk.
    pub async fn fill_small_disk(&self) {
        let ballast = format!("dd if=/dev/zero of={}/ballast bs=4k; true", self.small_disk());
        self.run_as_server(&ballast).await;
    }

    /// Makes room on it again.
    pub async fn empty_small_disk(&self) {
        self.run_as_server(&format!("rm {}/ballast", self.small_disk())).await;
    }

    async fn run_as_server(&self, command: &str) {
        let copy = format!("COPY (SELECT '') TO PROGRAM '{command}'");
        self.server().connect().await.batch_execute(&copy).await.unwrap();
    }

    /// A shell that will be the server's parent, in a mount namespace of its own.
    pub(super) fn beside_a_small_disk(&self, mib: u32) -> Command {
        const MOUNT: &str = r#"
            disk=$1; mib=$2; user=$3; shift 3
            mkdir -p "$disk" && mount -t tmpfs -o "size=${mib}m,uid=$user,gid=$user,mode=700" tmpfs "$disk" &&
                cd / && exec setpriv --reuid="$user" --regid="$user" --clear-groups sh "$@"
        "#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNT, "mount", &self.small_disk(), &mib.to_string()]);
        command.arg(server_user().to_string());
        command
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

    fn postmaster(&self) -> Option<u32> {
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
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

/// The fourth field of `stat`, after a name that may hold anything in its brackets.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    tried.is_ok_and(|output| output.status.success())
}
