//! Messages that end in the middle, with their connection.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    super::{
        fault::Dice,
        message::{Call, Manner, Note, Reply},
        node::Node,
        rules::{Rule, SocketId},
    },
    errors::Methods,
    notifications::Matcher,
};

/// Answers.
pub struct CutAnswers {
    /// Of which calls.
    pub methods: Methods,
    /// In the middle, or before the first word.
    pub manner: Manner,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for CutAnswers {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if self.methods.include(&call.method) && self.dice.strikes() {
            reply.manner = self.manner;
        }
        Box::pin(async {})
    }
}

/// Notifications.
pub struct CutNotes {
    /// Which.
    pub which: Matcher,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for CutNotes {
    fn notify(&self, _socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        note.cut |= self.which.matches(&mut note) && self.dice.strikes();
        out.push(note);
    }
}
