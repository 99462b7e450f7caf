//! The node: a feeder on which all has happened, in a process of its own, so that its time is nobody else's.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use zmart::domain::ids::ProgramId;
use zmart_testkit::{
    feeder::{Feeder, Generated, GeneratedStory, Options, Source},
    process::field,
};

use super::{MARKETS, WALLETS};

/// A running node.
pub struct Node {
    pub rpc_url: String,
    pub ws_url: String,
    pub program: ProgramId,
    /// Transactions that have happened.
    pub transactions: i64,
    child: Child,
}

impl Node {
    /// Starts one on which so many trades have happened.
    pub fn start(trades: u32) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(["--node", &trades.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a node");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        Self {
            rpc_url: field(&line, "rpc"),
            ws_url: field(&line, "ws"),
            program: field(&line, "program").parse().expect("an address"),
            transactions: field(&line, "transactions").parse().expect("a number"),
            child,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has nothing to tidy up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the node, until its standard input ends.
pub async fn serve(trades: u32) {
    let generated = Generated { markets: MARKETS, wallets: WALLETS, trades, sales_percent: 0, ..Generated::default() };
    let all = u64::from(GeneratedStory::setup_len(&generated) + trades);
    let options = Options { slot_time: None, ..Options::new(Source::Generated(generated)) };
    let finality = options.finality_slots;
    let feeder = Feeder::start(options).await;
    assert_eq!(feeder.emit(all), all, "all of it happens");
    (0..finality + 2).for_each(|_| feeder.close_slot());
    println!("ready rpc={} ws={} program={} transactions={all}", feeder.rpc_url, feeder.ws_url, feeder.program());
    let _ = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await;
}
