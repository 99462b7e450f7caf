//! A case: what is sent, what must come, and who finds out.

use std::time::Duration;

use serde_json::Value;
use zmart_testkit::raw_socket::{FIN, Heard, RawSocket, close, frame, opcode};

/// Longest wait for an answer; the machine may be busy.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// How the frames go out.
#[derive(Debug, Clone, Copy)]
pub enum Sent {
    /// All in one piece.
    Together,
    /// Frame by frame.
    Framewise,
    /// In pieces of so many bytes.
    Pieces(usize),
}

/// What must come, in this order and with nothing between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// A pong frame with this payload.
    Pong(Vec<u8>),
    /// The answer to [`ask`] with this id: the text arrived whole.
    Echo(String),
    /// The error that answers a text that is no message: it arrived whole.
    Refusal,
    /// A close frame with this code, and then the end. Nothing after it is answered.
    Close(u16),
    /// The same without a code: the answer to a close that had none.
    BareClose,
}

/// A case of the table.
#[derive(Debug, Clone)]
pub struct Case {
    /// As the Autobahn test suite numbers it; `z.` where it has none.
    pub number: String,
    pub sent: Sent,
    pub frames: Vec<Vec<u8>>,
    pub expected: Vec<Expect>,
}

/// A case whose frames go out together.
pub fn case(number: impl Into<String>, frames: impl Into<Vec<Vec<u8>>>, expected: impl Into<Vec<Expect>>) -> Case {
    Case { number: number.into(), sent: Sent::Together, frames: frames.into(), expected: expected.into() }
}

impl Case {
    /// The same, sent in another way.
    pub fn sent(self, sent: Sent) -> Self {
        Self { sent, ..self }
    }
}

/// A message that is answered with its id.
pub fn ask(id: &str) -> Vec<u8> {
    format!(r#"{{"action":"ping","id":"{id}"}}"#).into_bytes()
}

/// As [`ask`], of exactly so many bytes. The id comes last: who answers it has read all.
pub fn ask_of(id: &str, bytes: usize) -> Vec<u8> {
    let end = format!(r#"","id":"{id}"}}"#);
    let mut text = r#"{"action":"ping","pad":""#.to_owned();
    text.push_str(&"*".repeat(bytes - text.len() - end.len()));
    text.push_str(&end);
    text.into_bytes()
}

/// A text in one frame.
pub fn text(payload: &[u8]) -> Vec<u8> {
    frame(FIN | opcode::TEXT, payload)
}

/// The first fragment of a text.
pub fn begin(payload: &[u8]) -> Vec<u8> {
    frame(opcode::TEXT, payload)
}

/// A fragment that is not the last.
pub fn more(payload: &[u8]) -> Vec<u8> {
    frame(opcode::CONTINUATION, payload)
}

/// The last fragment.
pub fn last(payload: &[u8]) -> Vec<u8> {
    frame(FIN | opcode::CONTINUATION, payload)
}

/// A ping.
pub fn ping(payload: &[u8]) -> Vec<u8> {
    frame(FIN | opcode::PING, payload)
}

/// A text in fragments that end where these say.
pub fn fragments(payload: &[u8], ends: &[usize]) -> Vec<Vec<u8>> {
    let mut from = 0;
    let mut frames = Vec::new();
    for end in ends.iter().copied().chain([payload.len()]) {
        let first = if frames.is_empty() { opcode::TEXT } else { opcode::CONTINUATION };
        let fin = if end == payload.len() { FIN } else { 0 };
        frames.push(frame(fin | first, &payload[from..end]));
        from = end;
    }
    frames
}

/// A text in fragments of so many bytes.
pub fn fragments_of(payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let ends: Vec<usize> = (size..payload.len()).step_by(size).collect();
    fragments(payload, &ends)
}

/// Plays a case on a connection of its own. What is wrong, if anything is.
pub async fn play(url: &str, case: &Case) -> Result<(), String> {
    let mut socket = RawSocket::open(url).await;
    // Who was closed in the middle of what he says finds it in what he hears.
    let _ = match case.sent {
        Sent::Together => socket.send(&case.frames.concat()).await,
        Sent::Pieces(size) => socket.send_in_pieces(&case.frames.concat(), size).await,
        Sent::Framewise => {
            let mut sent = Ok(());
            for frame in &case.frames {
                sent = sent.and(socket.send_in_pieces(frame, frame.len()).await);
            }
            sent
        }
    };
    for expected in &case.expected {
        meet(&mut socket, expected).await?;
    }
    if matches!(case.expected.last(), Some(Expect::Close(_) | Expect::BareClose)) {
        let _ = socket.send(&close(1000, b"")).await;
        return match hear(&mut socket).await? {
            Heard::End => Ok(()),
            other => Err(format!("after the close came {other:?}")),
        };
    }
    // It lives, and nothing more had been answered.
    let _ = socket.send(&text(&ask("after it"))).await;
    meet(&mut socket, &Expect::Echo("after it".to_owned())).await
}

async fn hear(socket: &mut RawSocket) -> Result<Heard, String> {
    let heard = tokio::time::timeout(ANSWER_PATIENCE, socket.next_but_clocks()).await;
    heard.map_err(|_| "nothing came".to_owned())
}

async fn meet(socket: &mut RawSocket, expected: &Expect) -> Result<(), String> {
    let heard = hear(socket).await?;
    let met = match (&heard, expected) {
        (Heard::Pong(payload), Expect::Pong(wanted)) => payload == wanted,
        (Heard::Close(code), Expect::Close(wanted)) => *code == Some(*wanted),
        (Heard::Close(code), Expect::BareClose) => code.is_none(),
        (Heard::Text(_), Expect::Echo(id)) => {
            let json = heard.json().unwrap_or_default();
            json["type"] == "pong" && json["id"] == *id
        }
        (Heard::Text(_), Expect::Refusal) => {
            let json = heard.json().unwrap_or_default();
            json["type"] == "error" && json.get("id").is_none_or(Value::is_null)
        }
        _ => false,
    };
    if met { Ok(()) } else { Err(format!("{expected:?} was due, {heard:?} came")) }
}
