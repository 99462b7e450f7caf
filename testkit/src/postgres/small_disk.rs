//! A file system of a server's own that is small, and can be filled to its last page: under its tables, or under its log.
//!
//! A tmpfs in a mount namespace that a shell holds open, which ends with its pipe: nobody else sees the disk, nothing is left
//! mounted, and what is on it is there when the server is started again. Mounting takes root.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{Cluster, Database, faults::is_running, is_root, own, server_user};
use crate::{folder::Folder, patience::PATIENCE};

/// Where it is, below the cluster's folder.
const PLACE: &str = "small";
/// What a server with a small log is told: files of 1 MiB that are not kept for later, and no start by itself after it has
/// ended for want of room, as under those who watch over servers.
const OF_SMALL_LOG: [&str; 3] = ["min_wal_size=2MB", "checkpoint_timeout=60s", "restart_after_crash=off"];
/// Bytes that are written to the log at a time until there is no room.
const WRITTEN: u32 = 64 * 1024;
/// What the server says when there is none.
const NO_ROOM: &str = "No space left on device";
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Tables,
    Log,
}

/// See the module.
#[derive(Debug)]
pub(super) struct SmallDisk {
    holds: Holds,
    place: PathBuf,
    holder: Child,
}

impl SmallDisk {
    /// Mounts one; `None` where that is not allowed.
    fn mount(folder: &Folder, mib: u32, holds: Holds) -> Option<Self> {
        const HOLD: &str = r#"mkdir -p "$1" && mount -t tmpfs -o "size=$2m,uid=$3,gid=$3,mode=700" tmpfs "$1" || exit 1
            echo mounted; read -r word"#;
        if !is_root() {
            return None;
        }
        own(folder);
        let place = folder.path().join(PLACE);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", HOLD, "hold"]).arg(&place);
        command.args([mib.to_string(), server_user().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().ok()?;
        let mut said = String::new();
        let heard = BufReader::new(holder.stdout.take()?).read_line(&mut said);
        let disk = Self { holds, place, holder };
        (heard.is_ok() && said.trim() == "mounted").then_some(disk)
    }

    /// The same command, where the disk is seen.
    pub(super) fn shown_to(&self, command: Command) -> Command {
        let mut shown = Command::new("nsenter");
        shown.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id())).arg(command.get_program());
        shown.args(command.get_args()).current_dir("/");
        shown
    }

    /// What `initdb` is told.
    pub(super) fn of_initdb(&self) -> Vec<String> {
        match self.holds {
            Holds::Tables => Vec::new(),
            Holds::Log => vec![format!("--waldir={}/wal", self.place.display()), "--wal-segsize=1".to_owned()],
        }
    }

    /// Runs a command line there, with the disk's place as `$1`.
    async fn run(&self, line: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", line, "on the small disk"]).arg(&self.place);
        let mut shown = self.shown_to(command);
        let done = tokio::task::spawn_blocking(move || shown.output()).await.unwrap().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.holder.stdin.take() {
            // One that is gone has taken the disk with it.
            let _ = writeln!(pipe);
        }
        let _ = self.holder.wait();
    }
}

impl Cluster {
    /// A new cluster with a small disk beside its own, and a database on the small one; `None` where a disk can't be
    /// mounted.
    pub async fn with_small_disk(mib: u32) -> Option<(Self, Database)> {
        let folder = Folder::new("pg");
        let disk = SmallDisk::mount(&folder, mib, Holds::Tables)?;
        let place = disk.place.display().to_string();
        let cluster = Self::make(folder, false, &[], Some(disk)).await;
        let make = format!("CREATE TABLESPACE small LOCATION '{place}'");
        cluster.server().connect().await.batch_execute(&make).await.unwrap();
        let database = cluster.database_in("small").await;
        Some((cluster, database))
    }

    /// A new cluster, with PostgreSQL's own settings, whose log is on a small disk, and a database; `None` where a disk
    /// can't be mounted. Once it has ended by itself it is not there until it is started.
    pub async fn with_small_log(mib: u32) -> Option<(Self, Database)> {
        let folder = Folder::new("pg");
        let disk = SmallDisk::mount(&folder, mib, Holds::Log)?;
        let cluster = Self::make(folder, true, &OF_SMALL_LOG, Some(disk)).await;
        let database = cluster.database().await;
        Some((cluster, database))
    }

    /// Fills the small disk to its last page.
    pub async fn fill_small_disk(&self) {
        self.disk().run("dd if=/dev/zero of=\"$1/ballast\" bs=4k; true").await;
    }

    /// Makes room on it again.
    pub async fn empty_small_disk(&self) {
        self.disk().run("rm \"$1/ballast\"").await;
    }

    /// Fills the small disk under the log, and writes to the log until the server has ended by itself for want of room: true
    /// if it did so within [`PATIENCE`].
    pub async fn run_out_of_log(&mut self) -> bool {
        let postmaster = self.postmaster().expect("a running server");
        let said_before = self.said().len();
        let client = self.server().connect().await;
        self.fill_small_disk().await;
        let write = format!("SELECT pg_logical_emit_message(false, 'ballast', repeat('x', {WRITTEN}))");
        let began = Instant::now();
        while began.elapsed() < PATIENCE && is_running(postmaster) {
            // Who has no server any more waits for its end.
            if client.batch_execute(&write).await.is_err() {
                sleep(LOOK).await;
            }
        }
        let said = self.said();
        let said = said.get(said_before..).unwrap_or_default();
        // Its keeper waits for a word.
        self.stop();
        said.lines().any(|line| line.contains("PANIC") && line.contains(NO_ROOM))
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    fn disk(&self) -> &SmallDisk {
        self.small_disk.as_ref().expect("a small disk")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_room_for_its_log_ends_by_itself_and_has_what_was_committed_when_it_is_back() {
    let Some((mut cluster, database)) = Cluster::with_small_log(64).await else {
        return eprintln!("not shown: no disk can be mounted here");
    };
    database.connect().await.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").await.unwrap();
    for _ in 0..2 {
        assert!(cluster.run_out_of_log().await, "{}", cluster.said());
        assert!(database.try_connect().await.is_none());
        cluster.empty_small_disk().await;
        cluster.up().await;
        let client =
            crate::patience::wait_for("the database", || async { database.try_connect().await.ok_or("not yet") }).await;
        let kept: i32 = client.query_one("SELECT n FROM kept", &[]).await.unwrap().get(0);
        assert_eq!(kept, 7);
    }
}
