//! The feeder as a process of its own, and its console.

use std::{path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use zmart::domain::ids::ProgramId;
use zmart_testkit::process::field;

/// A running feeder; it ends with this.
pub struct Node {
    /// JSON-RPC.
    pub rpc: String,
    /// PubSub.
    pub ws: String,
    /// The program that its transactions call.
    pub program: ProgramId,
    /// How many there will be, those that make the markets included.
    pub transactions: u64,
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// How far it is.
pub struct State {
    pub landed: u64,
    pub left: u64,
    /// Notifications that a socket lost, since it fell behind.
    pub lost: u64,
}

impl Node {
    /// Starts the program beside this one.
    pub async fn start(seed: u64, markets: u64, wallets: u64, trades: u64) -> Self {
        let program = std::env::current_exe().expect("a path").with_file_name("zmart-feeder");
        let mut command = Command::new(program);
        for (name, value) in [("--seed", seed), ("--markets", markets), ("--wallets", wallets), ("--trades", trades)] {
            command.arg(name).arg(value.to_string());
        }
        // As a real network: some four hundred milliseconds a slot are 800 transactions at 2,000 a second.
        command.args(["--slot-ms", "400", "--slot-transactions", "4000"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("a feeder");
        let input = child.stdin.take().expect("its input");
        let mut output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = output.next_line().await.expect("its output").expect("a first line");
        Self {
            rpc: field(&ready, "rpc"),
            ws: field(&ready, "ws"),
            program: field(&ready, "program").parse().expect("a program"),
            transactions: field(&ready, "transactions").parse().expect("a number"),
            _child: child,
            input,
            output,
        }
    }

    /// Gives an order.
    pub async fn say(&mut self, order: &str) {
        self.input.write_all(format!("{order}\n").as_bytes()).await.expect("a feeder that listens");
    }

    /// How far it is.
    pub async fn state(&mut self) -> State {
        let line = self.asked("state").await;
        let number = |name| field(&line, name).parse().expect("a number");
        State { landed: number("landed"), left: number("left"), lost: number("lost") }
    }

    /// Signatures and the microseconds since 1970 at which each was notified.
    pub async fn times(&mut self) -> String {
        let file: PathBuf = std::env::temp_dir().join(format!("zmart-load-{}", std::process::id()));
        self.asked(&format!("times {}", file.display())).await;
        let text = std::fs::read_to_string(&file).expect("the times");
        let _ = std::fs::remove_file(&file);
        text
    }

    /// Asks, and waits for the line that begins as the question does; others are news.
    async fn asked(&mut self, question: &str) -> String {
        self.say(question).await;
        let word = question.split(' ').next().unwrap_or_default();
        loop {
            let line = self.output.next_line().await.expect("its output").expect("a feeder that runs");
            assert!(!line.starts_with("error"), "{line}");
            if line.starts_with(word) {
                return line;
            }
        }
    }
}
