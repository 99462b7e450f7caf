//! The engine as users run it: the `zmart` program as a child, with the environment of a test and nothing else.

use std::{
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use zmart::domain::ids::ProgramId;

use crate::{
    chain::Chain,
    folder::Folder,
    http::try_request,
    patience::wait_for,
    postgres::{Database, free_port},
    process::{Process, field},
    programs,
};

/// What the engines of tests sign tokens with.
pub const JWT_SECRET: &str = "the secret of tests, which everybody may know: 0123456789";

/// What the engine is told, and where it listens once it has been started.
#[derive(Debug)]
pub struct Engine {
    settings: Vec<(String, String)>,
    folder: Folder,
    process: Option<Process>,
    starts: u32,
    crashes: u32,
    /// `http://HOST:PORT` of the REST API.
    pub api: String,
    /// `ws://HOST:PORT` of the WebSocket server.
    pub ws: String,
    /// `http://HOST:PORT` of the event indexer.
    pub indexer: String,
    /// `http://HOST:PORT` of the operators' port.
    pub ops: String,
}

impl Engine {
    /// An engine on that chain and database, not started.
    pub fn on(chain: &Chain, database: &Database) -> Self {
        let client = chain.client();
        let mut engine = Self::on_node(&client.rpc_url, &chain.ws_url, client.program, database);
        engine.set("BACKEND_KEYPAIR_PATH", &chain.backend_key_path().display().to_string());
        engine.set("ADMIN_KEYPAIR_PATH", &chain.admin_key_path().display().to_string());
        engine
    }

    /// An engine on any node, with nobody's keys, not started.
    pub fn on_node(rpc_url: &str, ws_url: &str, program: ProgramId, database: &Database) -> Self {
        let settings = [
            ("DATABASE_URL", database.url.clone()),
            ("SOLANA_RPC_URL", rpc_url.to_owned()),
            ("SOLANA_WS_URL", ws_url.to_owned()),
            ("SOLANA_PROGRAM_ID_CORE", program.to_string()),
            ("JWT_SECRET", JWT_SECRET.to_owned()),
            ("ZMART_ENV", "test".to_owned()),
            ("LOG_LEVEL", "info,zmart=debug".to_owned()),
            ("API_HOST", "127.0.0.1".to_owned()),
            ("API_PORT", free_port().to_string()),
            ("WS_PORT", free_port().to_string()),
            ("INDEXER_PORT", free_port().to_string()),
            ("OPS_PORT", free_port().to_string()),
            // Not in the middle of a test that does not ask for it.
            ("VERIFY_CRON", "0 0 1 1 *".to_owned()),
        ];
        Self {
            settings: settings.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            folder: Folder::new("engine"),
            process: None,
            starts: 0,
            crashes: 0,
            api: String::new(),
            ws: String::new(),
            indexer: String::new(),
            ops: String::new(),
        }
    }

    /// Another setting, or another value of one.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(own, _)| own != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it and waits until it listens. A restart listens where it did before.
    pub async fn start(&mut self) {
        self.launch();
        self.listening().await;
    }

    /// Starts it and waits for nothing.
    pub fn launch(&mut self) {
        self.starts += 1;
        let name = format!("engine-{}", self.starts);
        self.process = Some(Process::start(&name, self.command(&["serve"]), &self.folder));
    }

    /// Starts another of its commands instead of the engine, and waits for nothing.
    pub fn launch_command(&mut self, arguments: &[&str]) {
        self.starts += 1;
        let name = format!("{}-{}", arguments.first().copied().unwrap_or_default(), self.starts);
        self.process = Some(Process::start(&name, self.command(arguments), &self.folder));
    }

    /// Starts another of its commands beside it, under the same settings.
    pub fn beside(&self, name: &str, arguments: &[&str]) -> Process {
        Process::start(name, self.command(arguments), &self.folder)
    }

    /// Waits until it listens, after [`Self::launch`].
    pub async fn listening(&mut self) {
        let process = self.process.as_mut().expect("a running engine");
        let line = process.line_that_starts_with("listening").await;
        for (key, name, place) in [
            ("api", "API_PORT", &mut self.api),
            ("ws", "WS_PORT", &mut self.ws),
            ("indexer", "INDEXER_PORT", &mut self.indexer),
            ("ops", "OPS_PORT", &mut self.ops),
        ] {
            // A node need not run all of them.
            if !line.contains(&format!(" {key}=")) {
                continue;
            }
            *place = field(&line, key);
            let port = place.rsplit_once(':').unwrap().1.trim_end_matches('/');
            let setting = self.settings.iter_mut().find(|(own, _)| own == name).unwrap();
            setting.1 = port.to_owned();
        }
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

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
            self.judge(&process);
        }
    }

    /// Asks it to end, as an operator does.
    pub async fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a running engine");
        let status = process.terminate().await;
        self.judge(&process);
        status
    }

    /// As [`Self::stop`], and gives what it has written down.
    pub async fn stop_and_tell(&mut self) -> String {
        let mut process = self.process.take().expect("a running engine");
        process.terminate().await;
        self.judge(&process);
        process.log()
    }

    /// All that it ever said and logged, in all its lives.
    pub fn said(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let said = files.filter(|path| path.extension().is_some_and(|kind| kind == "out" || kind == "err"));
        said.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// Makes one of its actors panic: `writer`, `reader`, `listener`, `registry`, `clock`, `config`, `hub`, or a market's
    /// address.
    pub async fn crash(&mut self, actor: &str) {
        self.crashes += 1;
        self.order(&format!("crash {actor}")).await;
    }

    /// Blocks one of its threads for so long, as a handler that does not return would: `writer`, `reader`, `listener`,
    /// `registry`, `clock`, `root`, `streams-0`, `streams-1`, `api`, `websocket`, `indexer`.
    pub async fn hang(&mut self, thread: &str, time: Duration) {
        self.order(&format!("hang {thread} {}", time.as_millis())).await;
    }

    /// From now on each turn of an actor on that thread takes so much longer; zero ends it.
    pub async fn slow(&mut self, thread: &str, time: Duration) {
        self.order(&format!("slow {thread} {}", time.as_millis())).await;
    }

    /// Kills itself when it next comes to that point of its work, as a crash there would.
    pub async fn die_at(&mut self, point: &str) {
        self.arm("die-at", point).await;
    }

    /// Stops itself when it next comes to that point of its work, as a host does that hangs; SIGCONT wakes it.
    pub async fn stop_at(&mut self, point: &str) {
        self.arm("stop-at", point).await;
    }

    async fn arm(&mut self, strike: &str, point: &str) {
        let process = self.process.as_mut().expect("a running engine");
        let order = format!("{strike} {point}");
        process.say(&order);
        wait_for(&order, || {
            // It may strike before it can answer.
            let is_armed =
                [format!("{order} sent"), format!("reached {point}")].iter().any(|line| process.has_said(line));
            std::future::ready(if is_armed { Ok(()) } else { Err(process.log()) })
        })
        .await;
    }

    /// Waits until it has died where it was told to, with which it is gone.
    pub async fn has_died(&mut self) {
        let status = self.end().await;
        assert!(!status.success(), "it ended by itself: {status}");
    }

    /// Waits until it stands still.
    pub async fn has_stopped(&self) {
        let id = self.id();
        wait_for("the engine to stand still", || std::future::ready(state_of(id))).await;
    }

    async fn order(&mut self, order: &str) {
        let process = self.process.as_mut().expect("a running engine");
        process.say(order);
        let answer = process.line_that_starts_with(order).await;
        assert!(answer.ends_with(" sent"), "{answer}");
    }

    /// Waits until it ends by itself.
    pub async fn end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a running engine");
        process.end().await
    }

    /// What `/ready` says of each part that is down: `(part, reason)`. Nothing if it does not answer.
    pub async fn parts_down(&self) -> Option<Vec<(String, String)>> {
        let answer = try_request("GET", &self.api, "/ready", &[], b"").await.ok()?.json();
        let down = answer["parts"].as_object()?.iter().filter(|(_, part)| part["status"] == "down");
        Some(down.map(|(name, part)| (name.clone(), part["reason"].as_str().unwrap_or_default().to_owned())).collect())
    }

    /// Waits until a part is down; gives the reason.
    pub async fn down(&self, part: &str) -> String {
        wait_for(&format!("{part} to be down"), || async {
            let parts = self.parts_down().await.unwrap_or_default();
            let found = parts.iter().find(|(name, _)| name == part).map(|(_, reason)| reason.clone());
            found.ok_or_else(|| format!("down: {parts:?}"))
        })
        .await
    }

    /// Waits until it says that it can't write: an append waits, or its lease could not be renewed, whichever is seen first.
    pub async fn cannot_write(&self) {
        wait_for("the journal or the lease to be down", || async {
            let parts = self.parts_down().await.unwrap_or_default();
            let is_told =
                parts.iter().any(|(part, reason)| matches!(&**part, "journal" | "lease") && !reason.is_empty());
            if is_told { Ok(()) } else { Err(format!("down: {parts:?}")) }
        })
        .await;
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("a running engine").id()
    }

    /// True once it listens, and obeys.
    pub fn is_listening(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.is_running() && process.has_said("listening"))
    }

    /// If it was started and has ended since: how, and whether it had listened.
    pub fn ended_by_itself(&mut self) -> Option<(ExitStatus, bool)> {
        let process = self.process.as_mut()?;
        let status = process.has_ended()?;
        let had_listened = process.has_said("listening");
        self.process = None;
        Some((status, had_listened))
    }

    /// True while it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    /// Runs another of its commands under the same settings, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// A command under the same settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::zmart());
        // A folder without a `.env` above it, and none of the caller's settings.
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("RUST_BACKTRACE", "1");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    fn judge(&self, process: &Process) {
        if self.crashes == 0 && process.panicked() && !std::thread::panicking() {
            panic!("the engine panicked\n{}", process.log());
        }
    }
}

/// Nothing while the process runs.
fn state_of(id: u32) -> Result<(), String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("gone", |(_, fields)| fields.get(..1).unwrap_or_default());
    if state == "T" { Ok(()) } else { Err(state.to_owned()) }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
