//! An engine whose actors can be made to panic: as the harness's, but its standard input is ours, and panics are expected.

use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Stdio},
};

use crate::harness::{
    chain::Chain, engine::Engine, folder::Folder, http::try_request, patience::wait_for, postgres::Database,
    process::field,
};

/// How often coverage is proved, unless a test says otherwise.
pub const COVERAGE_MS: &str = "500";

/// A running engine.
#[derive(Debug)]
pub struct Rig {
    commands: Engine,
    settings: Vec<(&'static str, String)>,
    folder: Folder,
    child: Option<Child>,
    starts: u32,
    /// `ws://HOST:PORT` of the newest start.
    pub ws: String,
    /// `http://HOST:PORT` of the newest start.
    pub api: String,
}

impl Rig {
    /// Starts one with these settings beside the harness's own, and waits until it is ready.
    pub async fn start(chain: &Chain, database: &Database, settings: &[(&'static str, String)]) -> Self {
        let mut rig = Self::prepare(chain, database, settings).await;
        rig.begin().await;
        rig.ready().await;
        rig
    }

    /// Prepares one on a migrated database.
    pub async fn prepare(chain: &Chain, database: &Database, settings: &[(&'static str, String)]) -> Self {
        let rig = Self {
            commands: Engine::on(chain, database),
            settings: settings.to_vec(),
            folder: Folder::new("faults"),
            child: None,
            starts: 0,
            ws: String::new(),
            api: String::new(),
        };
        let migrated = rig.commands.run(&["migrate"]).await;
        assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
        rig
    }

    /// Starts it and waits until it listens.
    pub async fn begin(&mut self) {
        self.starts += 1;
        let mut command = self.commands.command(&["serve"]);
        command.env("COVERAGE_INTERVAL_MS", COVERAGE_MS);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        let file = |kind: &str| File::create(self.path(kind)).unwrap();
        command.stdin(Stdio::piped()).stdout(file("out")).stderr(file("err"));
        self.child = Some(command.spawn().unwrap());
        let line = wait_for("the engine to listen", || async {
            let text = fs::read_to_string(self.path("out")).unwrap_or_default();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            whole.lines().find(|line| line.starts_with("listening")).map(str::to_owned).ok_or_else(|| self.log())
        })
        .await;
        (self.ws, self.api) = (field(&line, "ws"), field(&line, "api"));
    }

    /// Waits until it is ready to work.
    pub async fn ready(&self) {
        wait_for("the engine to be ready", || async {
            match try_request("GET", &self.api, "/ready", &[], b"").await {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(String::from_utf8_lossy(&answer.body).into_owned()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Makes actors panic, and waits until each has.
    pub async fn crash(&mut self, names: &[String]) {
        let before = self.said("panicked at");
        let pipe = self.child.as_mut().and_then(|child| child.stdin.as_mut()).expect("a running engine");
        for name in names {
            writeln!(pipe, "crash {name}").unwrap();
        }
        pipe.flush().unwrap();
        wait_for(&format!("{names:?} to panic"), || async {
            let after = self.said("panicked at");
            if after >= before + names.len() { Ok(()) } else { Err(format!("{before} panics before, {after} now")) }
        })
        .await;
    }

    /// How often a text is in the log of the newest start.
    pub fn said(&self, text: &str) -> usize {
        fs::read_to_string(self.path("err")).unwrap_or_default().matches(text).count()
    }

    /// Waits until `zmart verify` finds no difference.
    pub async fn agrees_with_the_chain(&self) {
        wait_for("verify to agree", || async {
            let checked = self.commands.run(&["verify"]).await;
            if checked.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&checked.stdout).into_owned()) }
        })
        .await;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Already gone is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn path(&self, kind: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("engine-{}.{kind}", self.starts))
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.path("err")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(80)..].join("\n")
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- engine {}\n{}", self.starts, self.log());
        }
    }
}
