//! A private PostgreSQL: one cluster a test process, a fresh database a test.
//!
//! Loopback only, a free port, durability off (nothing here survives the test anyway; a SIGKILL of the *engine* is another
//! matter, and what it committed is in the server's memory at least); [`Cluster::start_durable`] is for measuring. A test
//! that stops or kills the server takes a cluster of its own. The server hangs on a pipe of this process: however the
//! tests end, it ends too and removes its folder. What a server may suffer is in [`faults`].

mod faults;
mod small_disk;
mod standby;

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

use self::small_disk::SmallDisk;
use crate::{folder::Folder, patience::wait_for};

/// The login of every test.
const USER: &str = "postgres";

/// Settings of a server whose data nobody needs after a crash of the machine.
const FLEETING: &[&str] =
    &["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=on", "-c", "shared_buffers=32MB"];

static SHARED: OnceCell<Cluster> = OnceCell::const_new();
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(0);

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    port: u16,
    is_durable: bool,
    keeper: Option<Child>,
    /// Given to the server at every start, as `name=value`.
    settings: Vec<String>,
    /// What is on a small disk of its own, if anything is.
    small_disk: Option<SmallDisk>,
}

/// A database of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Where to connect.
    pub url: String,
}

impl Database {
    /// A new one in the cluster that all tests share.
    pub async fn fresh() -> Self {
        SHARED.get_or_init(Cluster::start).await.database().await
    }

    /// Takes the leases of a migrated database, in term 1 and for as long as any test lasts, for what a test writes without an
    /// engine.
    pub async fn take_lease(&self) {
        const SQL: &str = "INSERT INTO leases AS had (name, node, term, expires_at) \
                           SELECT name, 'a test', 1, now() + interval '1 day' FROM unnest($1::text[]) name \
                           ON CONFLICT (name) DO UPDATE SET (node, term, expires_at) = \
                               (excluded.node, excluded.term, excluded.expires_at) WHERE had.term = 0";
        let taken =
            self.connect().await.execute(SQL, &[&["engine", "governance", "snapshots"].as_slice()]).await.unwrap();
        assert_eq!(taken, 3, "somebody has had a lease");
    }

    /// A connection; it closes when the client is dropped.
    pub async fn connect(&self) -> tokio_postgres::Client {
        self.try_connect().await.expect("a database")
    }

    /// A connection, if the server takes one just now.
    pub async fn try_connect(&self) -> Option<tokio_postgres::Client> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }
}

impl Cluster {
    /// A new cluster, with its server up.
    pub async fn start() -> Self {
        Self::make(Folder::new("pg"), false, &[], None).await
    }

    /// A new cluster with PostgreSQL's own settings: what it says is committed is on the disk.
    pub async fn start_durable() -> Self {
        Self::make(Folder::new("pg"), true, &[], None).await
    }

    async fn make(folder: Folder, is_durable: bool, settings: &[&str], small_disk: Option<SmallDisk>) -> Self {
        own(&folder);
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut cluster = Self { folder, port: free_port(), is_durable, keeper: None, settings, small_disk };
        let mut initdb = cluster.as_server_user(&binary("initdb"));
        initdb
            .args(["-A", "trust", "-E", "UTF8", "-U", USER, "--no-sync", "-D"])
            .arg(cluster.folder.path().join("data"))
            .args(cluster.small_disk.iter().flat_map(SmallDisk::of_initdb))
            .env("LC_ALL", "C.UTF-8");
        let made = initdb.output().unwrap_or_else(|error| panic!("{initdb:?}: {error}"));
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        cluster.up().await;
        cluster
    }

    /// A new database.
    pub async fn database(&self) -> Database {
        self.database_in("pg_default").await
    }

    async fn database_in(&self, tablespace: &str) -> Database {
        let name = format!("it_{}", NEXT_DATABASE.fetch_add(1, Ordering::Relaxed));
        let make = format!("CREATE DATABASE {name} TABLESPACE {tablespace}");
        self.server().connect().await.batch_execute(&make).await.unwrap();
        Database { url: self.url(&name) }
    }

    /// The server's own database: for what concerns all of it.
    pub fn server(&self) -> Database {
        Database { url: self.url(USER) }
    }

    /// Stops the server as an operator would in a hurry: connections are cut, what is committed stays.
    pub fn stop(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        if let Some(mut pipe) = keeper.stdin.take() {
            // A keeper that is gone has taken the server with it.
            let _ = writeln!(pipe, "stop");
        }
        let _ = keeper.wait();
    }

    /// Starts the server again on the same port.
    pub async fn up(&mut self) {
        let data = self.folder.path().join("data");
        // `postgres` is a child of a shell that waits for a word, or for the end of the pipe.
        const KEEPER: &str = r#"
            dir=$1; shift
            "$@" >>"$dir/server.log" 2>&1 &
            pid=$!
            word=; read -r word || word=end
            case $word in stop) kill -INT $pid ;; *) kill -QUIT $pid ;; esac
            wait $pid
            [ "$word" = end ] && rm -rf "$dir"
            exit 0
        "#;
        let mut keeper = self.as_server_user(Path::new("sh"));
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(self.folder.path())
            .arg(binary("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port.to_string(), "-k"])
            .arg(self.folder.path())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
            .args(if self.is_durable { &[] } else { FLEETING })
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.keeper = Some(keeper.spawn().unwrap_or_else(|error| panic!("{keeper:?}: {error}")));
        let url = self.url(USER);
        let log = self.folder.path().join("server.log");
        wait_for("PostgreSQL", || {
            let url = url.clone();
            let log = &log;
            async move {
                tokio_postgres::connect(&url, NoTls).await.map(drop).map_err(|error| {
                    let text = fs::read_to_string(log).unwrap_or_default();
                    let end: Vec<&str> = text.lines().rev().take(5).collect();
                    format!("{error}; {end:?}")
                })
            }
        })
        .await;
    }

    /// A program as the server's user, who sees the small disk.
    fn as_server_user(&self, program: &Path) -> Command {
        let command = as_server_user(program);
        match &self.small_disk {
            None => command,
            Some(disk) => disk.shown_to(command),
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// A port that nobody listens on just now, and that no outgoing connection is given: a server that is away for a moment
/// finds its port free when it comes back.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run beside each other begin at different places.
    let begin = std::process::id().wrapping_mul(211);
    (0..u32::from(PORTS.end - PORTS.start))
        .map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)))
        .map(|number| PORTS.start + (number % u32::from(PORTS.end - PORTS.start)) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// Below those that the system gives to outgoing connections (Linux: 32,768 and above).
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// One of the server's programs: `$PG_BIN`, then the newest that Debian's packages installed, then `PATH`.
fn binary(name: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::var_os("PG_BIN").map(PathBuf::from).into_iter().collect();
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    installed.sort();
    folders.extend(installed.into_iter().rev().map(|(_, folder)| folder));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("no {name}: install PostgreSQL's server, set PG_BIN to its bin folder, or run scripts/test")
    })
}

fn is_root() -> bool {
    numeric_id(&["-u"]) == Some(0)
}

/// PostgreSQL refuses to run as root: its own user, or nobody where there is none.
fn server_user() -> u32 {
    numeric_id(&["-u", "postgres"]).unwrap_or(65534)
}

fn numeric_id(arguments: &[&str]) -> Option<u32> {
    let answer = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
}

/// Gives a folder to the server's user.
fn own(folder: &Folder) {
    if is_root() {
        let owner = server_user();
        chown(folder.path(), Some(owner), Some(owner)).unwrap();
    }
}

fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let user = server_user();
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups").arg(program);
    // The folder that the tests run in may be closed to that user.
    command.current_dir("/");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_cuts_connections_and_keeps_what_is_committed() {
    let mut cluster = Cluster::start().await;
    let database = cluster.database().await;
    let before = database.connect().await;
    before.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").await.unwrap();
    cluster.stop();
    cluster.up().await;
    assert!(before.simple_query("SELECT 1").await.is_err());
    let kept: i32 = database.connect().await.query_one("SELECT n FROM kept", &[]).await.unwrap().get(0);
    assert_eq!(kept, 7);
}
