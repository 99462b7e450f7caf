//! Sections 1 to 4: frames of all sizes, pings and pongs, reserved bits, opcodes.

use zmart_testkit::raw_socket::{FIN, frame, header, opcode};

use super::case::{
    Case,
    Expect::{Close, Echo, Pong, Refusal},
    Sent, ask, ask_of, case, ping, text,
};

const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;

const PROTOCOL: u16 = 1002;
const BINARY: u16 = 1003;
const TOO_LARGE: u16 = 1009;

pub fn cases() -> Vec<Case> {
    [texts(), binaries(), pings(), reserved_bits(), opcodes(), own()].concat()
}

/// 1.1: texts. The empty one is no message, and is refused as one that came whole.
fn texts() -> Vec<Case> {
    let mut cases = vec![case("1.1.1", [text(b"")], [Refusal])];
    for (number, bytes, sent) in [
        ("1.1.2", 125, Sent::Together),
        ("1.1.3", 126, Sent::Together),
        ("1.1.4", 127, Sent::Together),
        ("1.1.5", 128, Sent::Together),
        ("1.1.6", 65_535, Sent::Together),
        ("1.1.7", 65_536, Sent::Together),
        ("1.1.8", 65_536, Sent::Pieces(997)),
    ] {
        cases.push(case(number, [text(&ask_of(number, bytes))], [Echo(number.to_owned())]).sent(sent));
    }
    cases
}

/// 1.2: binary messages.
fn binaries() -> Vec<Case> {
    let sizes = [0, 125, 126, 127, 128, 65_535, 65_536, 65_536];
    let of = |(number, bytes): (usize, usize)| {
        let sent = if number == 8 { Sent::Pieces(997) } else { Sent::Together };
        case(format!("1.2.{number}"), [frame(FIN | opcode::BINARY, &vec![0xfe; bytes])], [Close(BINARY)]).sent(sent)
    };
    (1..).zip(sizes).map(of).collect()
}

fn pings() -> Vec<Case> {
    let long = vec![0xfe; 125];
    let ten: Vec<Vec<u8>> = (0..10).map(|number| format!("payload-{number}").into_bytes()).collect();
    let ten_pings: Vec<Vec<u8>> = ten.iter().map(|payload| ping(payload)).collect();
    let ten_pongs: Vec<_> = ten.into_iter().map(Pong).collect();
    let pong = |payload: &[u8]| frame(FIN | opcode::PONG, payload);
    let binary = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    vec![
        case("2.1", [ping(b"")], [Pong(vec![])]),
        case("2.2", [ping(b"Hello, world!")], [Pong(b"Hello, world!".to_vec())]),
        case("2.3", [ping(binary)], [Pong(binary.to_vec())]),
        case("2.4", [ping(&long)], [Pong(long.clone())]),
        case("2.5", [ping(&[0xfe; 126])], [Close(PROTOCOL)]),
        case("2.6", [ping(&long)], [Pong(long.clone())]).sent(Sent::Pieces(1)),
        case("2.7", [pong(b"")], []),
        case("2.8", [pong(b"unsolicited")], []),
        case("2.9", [pong(b"unsolicited"), ping(b"ping")], [Pong(b"ping".to_vec())]),
        case("2.10", ten_pings.clone(), ten_pongs.clone()),
        case("2.11", ten_pings, ten_pongs).sent(Sent::Pieces(1)),
    ]
}

fn reserved_bits() -> Vec<Case> {
    let small = |number: &str| text(&ask(number));
    let bad = |bits: u8, code: u8| frame(FIN | bits | code, b"small");
    let between = |number: &str, bits: u8, sent: Sent| {
        let frames = [small(number), bad(bits, opcode::TEXT), ping(b"")];
        case(number, frames, [Echo(number.to_owned()), Close(PROTOCOL)]).sent(sent)
    };
    vec![
        case("3.1", [bad(RSV3, opcode::TEXT)], [Close(PROTOCOL)]),
        between("3.2", RSV2, Sent::Together),
        between("3.3", RSV2 | RSV3, Sent::Framewise),
        between("3.4", RSV1, Sent::Pieces(1)),
        case("3.5", [bad(RSV1 | RSV3, opcode::BINARY)], [Close(PROTOCOL)]),
        case("3.6", [bad(RSV1 | RSV2, opcode::PING)], [Close(PROTOCOL)]),
        case("3.7", [bad(RSV1 | RSV2 | RSV3, opcode::CLOSE)], [Close(PROTOCOL)]),
    ]
}

/// Opcodes that mean nothing: 3 to 7, and 11 to 15.
fn opcodes() -> Vec<Case> {
    let alone = |number: &str, code: u8, payload: &[u8]| case(number, [frame(FIN | code, payload)], [Close(PROTOCOL)]);
    let between = |number: &str, code: u8, payload: &[u8]| {
        let frames = [text(&ask(number)), frame(FIN | code, payload), ping(b"")];
        case(number, frames, [Echo(number.to_owned()), Close(PROTOCOL)])
    };
    vec![
        alone("4.1.1", 3, b""),
        alone("4.1.2", 4, b"reserved"),
        between("4.1.3", 5, b""),
        between("4.1.4", 6, b"reserved"),
        between("4.1.5", 7, b"reserved").sent(Sent::Pieces(1)),
        alone("4.2.1", 11, b""),
        alone("4.2.2", 12, b"reserved"),
        between("4.2.3", 13, b""),
        between("4.2.4", 14, b"reserved"),
        between("4.2.5", 15, b"reserved").sent(Sent::Pieces(1)),
    ]
}

/// What the suite, itself a client that masks, has no cases for.
fn own() -> Vec<Case> {
    let unmasked = |first: u8, payload: &[u8]| [&[first, payload.len() as u8], payload].concat();
    vec![
        case("z.unmasked text", [unmasked(FIN | opcode::TEXT, &ask("bare"))], [Close(PROTOCOL)]),
        case("z.unmasked ping", [unmasked(FIN | opcode::PING, b"bare")], [Close(PROTOCOL)]),
        case("z.unmasked close", [unmasked(FIN | opcode::CLOSE, &1000u16.to_be_bytes())], [Close(PROTOCOL)]),
        case("z.unmasked fragment", [unmasked(opcode::TEXT, b"{")], [Close(PROTOCOL)]),
        case("z.one byte too many", [header(FIN | opcode::TEXT, 65_537)], [Close(TOO_LARGE)]),
        case("z.length of 63 bits", [header(FIN | opcode::TEXT, u64::MAX >> 1)], [Close(TOO_LARGE)]),
        case(
            "z.a good text before a large one",
            [text(&ask("good")), header(FIN | opcode::TEXT, 1 << 30)],
            [Echo("good".to_owned()), Close(TOO_LARGE)],
        ),
    ]
}
