//! Copies of a server: a standby that is promoted in another server's place, and dumps.

use std::process::Output;

use super::{Cluster, Database, USER, as_server_user, binary, free_port, own};
use crate::{folder::Folder, patience::wait_for};

impl Cluster {
    /// A copy of the server as it is now, as a standby is made of it; not started. Until it is, it falls behind.
    pub async fn standby(&self) -> Self {
        let folder = Folder::new("pg-standby");
        own(&folder);
        let mut copy = as_server_user(&binary("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-U", USER, "-X", "stream", "-c", "fast", "--no-sync", "-R", "-p"]);
        copy.arg(self.port.to_string()).arg("-D").arg(folder.path().join("data"));
        done(copy).await;
        // Nobody sends it more: what it has not got by now it never gets.
        let settings = self.settings.iter().cloned().chain(["primary_conninfo=".to_owned()]).collect();
        Self { folder, port: free_port(), is_durable: false, keeper: None, settings, small_disk: None }
    }

    /// Starts it where another server was, which is down: whoever comes there meets this one.
    pub async fn up_in_place_of(&mut self, other: &Self) {
        assert!(other.keeper.is_none(), "the other server is up");
        self.port = other.port;
        self.up().await;
    }

    /// Ends its recovery: from now on it takes writes, on a timeline of its own.
    pub async fn promote(&self) {
        let client = self.server().connect().await;
        let promoted: bool = client.query_one("SELECT pg_promote(true, 600)", &[]).await.unwrap().get(0);
        assert!(promoted, "it was not promoted");
    }
}

impl Database {
    /// All of it, as SQL.
    pub async fn dump(&self) -> Vec<u8> {
        let mut dump = as_server_user(&binary("pg_dump"));
        dump.arg(&self.url);
        done(dump).await.stdout
    }

    /// Takes the place of the database by what a dump says, in one transaction; whoever is connected is cut off. No engine
    /// sees it half done.
    pub async fn restore(&self, dump: &[u8]) {
        let (server, name) = self.url.rsplit_once('/').expect("a database's name");
        let admin = Self { url: format!("{server}/{USER}") }.connect().await;
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let client = wait_for("the new database", || async { self.try_connect().await.ok_or("not yet") }).await;
        drop(client);
        let folder = Folder::new("dump");
        let file = folder.path().join("dump.sql");
        std::fs::write(&file, dump).unwrap();
        let mut psql = std::process::Command::new(binary("psql"));
        psql.args(["-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&file).arg("-d").arg(&self.url);
        done(psql).await;
    }
}

async fn done(mut command: std::process::Command) -> Output {
    let said = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output = output.unwrap_or_else(|error| panic!("{said}: {error}"));
    assert!(output.status.success(), "{said}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
