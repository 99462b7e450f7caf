//! A node that is not to be trusted: stands between the engine and a chain, and does what real nodes do on bad days.
//!
//! Owns both wires (HTTP JSON-RPC and PubSub WebSocket) and a pipeline of faults that are set, counted and lifted while it
//! runs. What no fault touches passes byte for byte. It knows no engine and no journal: it only lies.
//!
//! ```text
//! call  -> [fault.answer]* -> node -> [fault.change]* -> client
//! node  -> [fault.notify]* -> held back as long as they say -> client
//! ```
//!
//! Faults are asked in the order in which they were set. `testkit/README.md` says what it can't imitate.

pub mod console;
pub mod fault;
pub mod faults;
pub mod handle;
mod http;
pub mod message;
mod node;
mod rules;
mod sockets;
mod ws;

use std::sync::Arc;

use tokio::{net::TcpListener, task::JoinHandle};
use zmart::domain::ids::ProgramId;

pub use self::{
    fault::{Fault, When},
    faults::{
        accounts::Accounts,
        delays::Delay,
        errors::{Bad, Methods},
        logs::{Cut, Place},
        notifications::Which,
        pages::PageFault,
        vanish::Frozen,
    },
    handle::Handle,
    sockets::Side,
};
use self::{node::Node, rules::Rules, sockets::Sockets};
use crate::chain::PROGRAM;

/// A running proxy; it ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// JSON-RPC, for the engine.
    pub rpc_url: String,
    /// PubSub, for the engine.
    pub ws_url: String,
    handle: Handle,
    tasks: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Before a node, on free ports. The program is that of the harness' chains.
    pub async fn before(rpc_url: &str, ws_url: &str) -> Self {
        Self::of_program(rpc_url, ws_url, PROGRAM.parse().expect("a program's id")).await
    }

    /// Before a node, for another program.
    pub async fn of_program(rpc_url: &str, ws_url: &str, program: ProgramId) -> Self {
        Self::on(["127.0.0.1:0", "127.0.0.1:0"], rpc_url, ws_url, program).await
    }

    /// Before a node, at addresses of one's own (JSON-RPC, PubSub).
    ///
    /// # Panics
    /// If they are taken.
    pub async fn on(places: [&str; 2], rpc_url: &str, ws_url: &str, program: ProgramId) -> Self {
        let [http, ws] = [bind(places[0]).await, bind(places[1]).await];
        let address = |listener: &TcpListener| listener.local_addr().expect("a bound address");
        let (node, rules, sockets) = (Node::new(rpc_url), Arc::new(Rules::default()), Sockets::new());
        Self {
            rpc_url: format!("http://{}", address(&http)),
            ws_url: format!("ws://{}", address(&ws)),
            handle: Handle::new(rules.clone(), sockets.clone(), node.clone(), program),
            tasks: vec![
                tokio::spawn(http::serve(http, node, rules.clone(), sockets.clone())),
                tokio::spawn(ws::serve(ws, ws_url.to_owned(), rules, sockets)),
            ],
        }
    }

    /// The hand on its faults.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        for side in [Side::Http, Side::Ws] {
            self.handle.drop_connections(side);
        }
    }
}

async fn bind(place: &str) -> TcpListener {
    TcpListener::bind(place).await.unwrap_or_else(|error| panic!("{place}: {error}"))
}
