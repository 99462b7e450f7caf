//! Section 7: how connections are closed, and the codes that may be given.

use zmart_testkit::raw_socket::{FIN, close, frame, opcode};

use super::case::{
    Case,
    Expect::{BareClose, Close, Echo},
    Sent, ask, begin, case, last, ping, text,
};

/// What a close is answered with.
const NORMAL: u16 = 1000;
const PROTOCOL: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const TOO_LARGE: u16 = 1009;

pub fn cases() -> Vec<Case> {
    [order(), payloads(), codes()].concat()
}

fn order() -> Vec<Case> {
    let bye = || close(NORMAL, b"");
    vec![
        case("7.1.1", [text(&ask("7.1.1")), bye()], [Echo("7.1.1".to_owned()), Close(NORMAL)]),
        case("7.1.2", [bye(), bye()], [Close(NORMAL)]),
        case("7.1.3", [bye(), ping(b"after")], [Close(NORMAL)]),
        case("7.1.4", [bye(), text(&ask("after"))], [Close(NORMAL)]),
        case("7.1.5", [begin(b"fragment1"), bye(), last(b"fragment2")], [Close(NORMAL)]),
        case("7.1.6", [text(&[b' '; 256 * 1024]), bye(), ping(b"")], [Close(TOO_LARGE)]),
    ]
}

fn payloads() -> Vec<Case> {
    let raw = |payload: &[u8]| frame(FIN | opcode::CLOSE, payload);
    vec![
        case("7.3.1", [raw(b"")], [BareClose]),
        case("7.3.2", [raw(b"a")], [Close(PROTOCOL)]),
        case("7.3.3", [close(NORMAL, b"")], [Close(NORMAL)]),
        case("7.3.4", [close(NORMAL, b"Hello World!")], [Close(NORMAL)]),
        case("7.3.5", [close(NORMAL, &[b'*'; 123])], [Close(NORMAL)]),
        case("7.3.6", [close(NORMAL, &[b'*'; 124])], [Close(PROTOCOL)]),
        case(
            "7.5.1",
            [close(NORMAL, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited")],
            [Close(NOT_UTF8)],
        ),
        case("z.a close in pieces", [close(NORMAL, b"Hello World!")], [Close(NORMAL)]).sent(Sent::Pieces(1)),
    ]
}

/// Codes that a client may give are said back (RFC 6455, section 5.5.1); those that no frame may bear are a breach.
fn codes() -> Vec<Case> {
    let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    let invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    let informal = [5000, 65_535];
    let numbered = |section: &'static str, codes: &[u16], breach: Option<u16>| {
        let of = move |(number, code): (usize, &u16)| {
            case(format!("{section}.{number}"), [close(*code, b"")], [Close(breach.unwrap_or(*code))])
        };
        (1..).zip(codes).map(of).collect::<Vec<Case>>()
    };
    [
        numbered("7.7", &valid, None),
        numbered("7.9", &invalid, Some(PROTOCOL)),
        numbered("7.13", &informal, Some(PROTOCOL)),
        // What came after the standard: 1012 to 1014 are registered, 1015 never goes over the wire.
        numbered("z.registered", &[1012, 1013, 1014], None),
        numbered("z.never sent", &[1015], Some(PROTOCOL)),
    ]
    .concat()
}
