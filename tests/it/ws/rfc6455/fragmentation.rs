//! Sections 5 and 10: fragments, and messages in very many of them.

use zmart_testkit::raw_socket::{FIN, frame, header, opcode};

use super::case::{
    Case,
    Expect::{Close, Echo, Pong},
    Sent, ask, ask_of, begin, case, fragments, fragments_of, last, more, ping, text,
};

const PROTOCOL: u16 = 1002;
const BINARY: u16 = 1003;
const TOO_LARGE: u16 = 1009;

pub fn cases() -> Vec<Case> {
    [controls(), wholes(), nothing_to_continue(), interleaved(), large()].concat()
}

/// Control frames are never fragmented.
fn controls() -> Vec<Case> {
    let of = |number: &str, code: u8| {
        case(number, [frame(code, b"fragment1"), frame(FIN | opcode::CONTINUATION, b"fragment2")], [Close(PROTOCOL)])
    };
    vec![of("5.1", opcode::PING), of("5.2", opcode::PONG), of("z.fragmented close", opcode::CLOSE)]
}

/// Texts in two fragments, with a ping between.
fn wholes() -> Vec<Case> {
    let plain = |number: &str, sent: Sent| {
        let message = ask(number);
        case(number, fragments(&message, &[message.len() / 2]), [Echo(number.to_owned())]).sent(sent)
    };
    let with_ping = |number: &str, sent: Sent| {
        let message = ask(number);
        let mut frames = fragments(&message, &[message.len() / 2]);
        frames.insert(1, ping(b"ping"));
        case(number, frames, [Pong(b"ping".to_vec()), Echo(number.to_owned())]).sent(sent)
    };
    vec![
        plain("5.3", Sent::Together),
        plain("5.4", Sent::Framewise),
        plain("5.5", Sent::Pieces(1)),
        with_ping("5.6", Sent::Together),
        with_ping("5.7", Sent::Framewise),
        with_ping("5.8", Sent::Pieces(1)),
    ]
}

/// Continuations of nothing.
fn nothing_to_continue() -> Vec<Case> {
    let first = |number: &str, continuation: Vec<u8>, sent: Sent| {
        case(number, [continuation, text(&ask("after"))], [Close(PROTOCOL)]).sent(sent)
    };
    let payload = b"non-continuation payload";
    let message = ask("5.15");
    let mut after_a_whole = fragments(&message, &[10]);
    after_a_whole.extend([more(b"fragment3"), text(&ask("after"))]);
    let twice = |number: &str, continuation: &[u8]| {
        let message = ask("fragments");
        let mut frames = Vec::new();
        for _ in 0..2 {
            frames.push(continuation.to_vec());
            frames.extend(fragments(&message, &[10]));
        }
        case(number, frames, [Close(PROTOCOL)])
    };
    vec![
        first("5.9", last(payload), Sent::Together),
        first("5.10", last(payload), Sent::Framewise),
        first("5.11", last(payload), Sent::Pieces(1)),
        first("5.12", more(payload), Sent::Together),
        first("5.13", more(payload), Sent::Framewise),
        first("5.14", more(payload), Sent::Pieces(1)),
        case("5.15", after_a_whole, [Echo("5.15".to_owned()), Close(PROTOCOL)]),
        twice("5.16", &more(b"fragment1")),
        twice("5.17", &last(b"fragment1")),
        // Another message begins before the first has ended.
        case("5.18", [begin(b"fragment1"), text(b"fragment2")], [Close(PROTOCOL)]),
        case("z.binary in a text", [begin(b"fragment1"), frame(FIN | opcode::BINARY, b"")], [Close(PROTOCOL)]),
        case("z.fragmented binary", [frame(opcode::BINARY, b"\xfe"), last(b"\xfe")], [Close(BINARY)]),
    ]
}

/// A text in five fragments and two pings between them.
fn interleaved() -> Vec<Case> {
    let of = |number: &str, sent: Sent| {
        let mut frames = fragments_of(&ask_of(number, 250), 50);
        frames.insert(2, ping(b"pongme 1!"));
        frames.insert(5, ping(b"pongme 2!"));
        let pong = |payload: &[u8]| Pong(payload.to_vec());
        case(number, frames, [pong(b"pongme 1!"), pong(b"pongme 2!"), Echo(number.to_owned())]).sent(sent)
    };
    vec![of("5.19", Sent::Framewise), of("5.20", Sent::Together)]
}

/// As much as is taken, in fragments; and more than that.
fn large() -> Vec<Case> {
    let whole = fragments_of(&ask_of("10.1.1", 65_536), 1_300);
    let full = begin(&[b' '; 65_536]);
    vec![
        case("10.1.1", whole, [Echo("10.1.1".to_owned())]),
        case("z.fragments over the bound", [full.clone(), header(FIN | opcode::CONTINUATION, 1)], [Close(TOO_LARGE)]),
        case("z.a huge fragment", [begin(b"{"), header(opcode::CONTINUATION, 1 << 30)], [Close(TOO_LARGE)]),
        case("z.a ping in a full message", [full, ping(b"")], [Pong(vec![])]).closing_text(),
    ]
}

impl Case {
    /// The text that is open is ended, so that the next one may begin.
    fn closing_text(mut self) -> Self {
        self.frames.push(last(b""));
        self.expected.push(super::case::Expect::Refusal);
        self
    }
}
