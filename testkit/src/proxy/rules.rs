//! The pipeline: faults in the order in which they were set, each asked about each message.
//!
//! Owns the list and what passes along it. A fault is a [`Rule`]; one that does not care for a message leaves it as it is.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use super::{
    message::{Call, Note, Reply},
    node::Node,
};

/// A client's WebSocket, by the number of its connection.
pub type SocketId = u64;

/// A family of faults, set up.
pub trait Rule: Send + Sync {
    /// Answers a call in the node's place.
    fn answer<'a>(&'a self, call: &'a Call, node: &'a Node) -> BoxFuture<'a, Option<Reply>> {
        let _ = (call, node);
        Box::pin(async { None })
    }

    /// Changes an answer, the node's or an earlier fault's.
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, node: &'a Node) -> BoxFuture<'a, ()> {
        let _ = (call, reply, node);
        Box::pin(async {})
    }

    /// What becomes of a notification: nothing, itself, several.
    fn notify(&self, socket: SocketId, note: Note, out: &mut Vec<Note>) {
        let _ = socket;
        out.push(note);
    }

    /// What it holds back, when it is lifted.
    fn release(&self) -> Vec<(SocketId, Note)> {
        Vec::new()
    }
}

/// Faults, each under a number of its own.
type Numbered = Arc<Vec<(u64, Arc<dyn Rule>)>>;

/// The faults that are set.
#[derive(Default)]
pub struct Rules {
    list: Mutex<Numbered>,
}

impl Rules {
    fn current(&self) -> Numbered {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts one at the end; gives its number.
    pub fn add(&self, rule: Arc<dyn Rule>) -> u64 {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let number = list.last().map_or(0, |(last, _)| last + 1);
        let mut longer = list.to_vec();
        longer.push((number, rule));
        *list = Arc::new(longer);
        number
    }

    /// Takes one away.
    pub fn remove(&self, number: u64) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        *list = Arc::new(list.iter().filter(|(own, _)| *own != number).cloned().collect());
    }

    /// A call, from its question to what the client is told; `None` if the node gave no answer.
    pub async fn call(&self, body: Vec<u8>, node: &Node) -> Option<Reply> {
        let rules = self.current();
        if rules.is_empty() {
            return node.pass_on(body).await.ok();
        }
        let call = Call::parse(&body);
        let mut answered = None;
        for (_, rule) in rules.iter() {
            answered = rule.answer(&call, node).await;
            if answered.is_some() {
                break;
            }
        }
        let mut reply = match answered {
            Some(reply) => reply,
            None => node.pass_on(body).await.ok()?,
        };
        for (_, rule) in rules.iter() {
            rule.change(&call, &mut reply, node).await;
        }
        Some(reply)
    }

    /// What a socket is told instead of a notification.
    pub fn notes(&self, socket: SocketId, note: Note) -> Vec<Note> {
        let mut notes = vec![note];
        for (_, rule) in self.current().iter() {
            let mut next = Vec::with_capacity(notes.len());
            for note in notes {
                rule.notify(socket, note, &mut next);
            }
            notes = next;
        }
        notes
    }
}
