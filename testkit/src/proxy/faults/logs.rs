//! Logs that end too early.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use zmart::chain::model::LOG_TRUNCATED;

use super::{
    super::{
        fault::Dice,
        message::{Call, Note, Reply},
        node::Node,
        rules::{Rule, SocketId},
    },
    notifications::Matcher,
};

/// Where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In notifications.
    Notifications,
    /// In answers to `getTransaction`.
    Transactions,
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// As a validator does it: the first half, then a line that says so.
    Marked,
    /// Without a word, behind the first outer instruction: it looks whole. A log of a single instruction is left alone,
    /// and not counted.
    Unmarked,
}

impl Cut {
    /// True if it was cut.
    fn apply(self, logs: &mut Vec<Value>) -> bool {
        match self {
            Self::Marked => {
                logs.truncate(logs.len() / 2);
                logs.push(json!(LOG_TRUNCATED));
                true
            }
            Self::Unmarked => match end_of_first(logs).filter(|end| *end < logs.len()) {
                Some(end) => {
                    logs.truncate(end);
                    true
                }
                None => false,
            },
        }
    }
}

/// The number of lines up to the end of the first outer instruction.
fn end_of_first(logs: &[Value]) -> Option<usize> {
    let first = logs.first()?.as_str()?;
    let program = first.strip_prefix("Program ")?.strip_suffix(" invoke [1]")?;
    let end = format!("Program {program} success");
    let mut depth = 0usize;
    for (index, line) in logs.iter().enumerate() {
        let line = line.as_str()?;
        if line.starts_with("Program ") && line.contains(" invoke [") {
            depth += 1;
        } else if line.starts_with("Program ") && (line.ends_with(" success") || line.contains(" failed: ")) {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return (line == end).then_some(index + 1);
            }
        }
    }
    None
}

/// Logs cut in one of the places.
pub struct CutLogs {
    /// Which notifications; for answers, all count.
    pub which: Matcher,
    /// Where.
    pub place: Place,
    /// How.
    pub cut: Cut,
    /// When.
    pub dice: Arc<Dice>,
}

impl CutLogs {
    /// Draws only for a log that can be cut.
    fn strike(&self, logs: &Value) -> Option<Vec<Value>> {
        let mut logs = logs.as_array()?.clone();
        (self.cut.apply(&mut logs) && self.dice.strikes()).then_some(logs)
    }
}

impl Rule for CutLogs {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if self.place == Place::Transactions
            && call.method == "getTransaction"
            && let Some(logs) = self.strike(&reply.result()["meta"]["logMessages"])
            && let Some(result) = reply.edit_result()
        {
            result["meta"]["logMessages"] = logs.into();
        }
        Box::pin(async {})
    }

    fn notify(&self, _socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if self.place == Place::Notifications
            && self.which.matches(&mut note)
            && let Some(logs) = self.strike(&note.result()["value"]["logs"])
        {
            note.payload.edit()["params"]["result"]["value"]["logs"] = logs.into();
        }
        out.push(note);
    }
}
