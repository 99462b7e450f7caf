//! Section 6: texts must be UTF-8, as a whole and wherever they are cut.

use super::case::{
    Case,
    Expect::{Close, Echo, Refusal},
    Sent, begin, case, fragments, fragments_of, last, more, text,
};

const NOT_UTF8: u16 = 1007;

/// κόσμε, as the suite writes it: the second letter takes three bytes.
const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

pub fn cases() -> Vec<Case> {
    [empties(), whole_and_cut(), broken_on_the_way(), valid(), prefixes(), invalid(), noncharacters()].concat()
}

/// A message that is answered with these characters.
fn echoed(number: &str, payload: &[u8]) -> Case {
    case(number, [text(&asking(payload))], [Echo(String::from_utf8(payload.to_vec()).expect("a valid payload"))])
}

fn asking(payload: &[u8]) -> Vec<u8> {
    [br#"{"action":"ping","id":""#, payload, br#""}"#].concat()
}

fn refused(number: &str, payload: &[u8]) -> Case {
    case(number, [text(payload)], [Close(NOT_UTF8)])
}

/// Texts of no bytes are no messages, and came whole.
fn empties() -> Vec<Case> {
    vec![
        case("6.1.1", [text(b"")], [Refusal]),
        case("6.1.2", [begin(b""), more(b""), last(b"")], [Refusal]),
        case("6.1.3", [begin(b""), more(&asking(b"6.1.3")), last(b"")], [Echo("6.1.3".to_owned())]),
    ]
}

fn whole_and_cut() -> Vec<Case> {
    let payload = "Hello-µ@ßöäüàá-UTF-8!!";
    let message = asking(payload.as_bytes());
    let on_a_character = message.len() - 12;
    assert!(std::str::from_utf8(&message[..on_a_character]).is_ok(), "the cut is between characters");
    let echo = || [Echo(payload.to_owned())];
    let kosme = String::from_utf8(KOSME.to_vec()).expect("UTF-8");
    let bad = [KOSME, b"\xed\xa0\x80edited"].concat();
    vec![
        case("6.2.1", [text(&message)], echo()),
        case("6.2.2", fragments(&message, &[on_a_character]), echo()),
        case("6.2.3", fragments_of(&message, 1), echo()),
        case("6.2.4", fragments_of(&asking(KOSME), 1), [Echo(kosme)]),
        refused("6.3.1", &bad),
        case("6.3.2", fragments_of(&bad, 1), [Close(NOT_UTF8)]),
    ]
}

/// The text is spoiled before its last fragment, or its last bytes, come.
fn broken_on_the_way() -> Vec<Case> {
    let after = b"\x65\x64\x69\x74\x65\x64";
    let cut = [KOSME, b"\xf4"].concat();
    let rest = [b"\x80\x80".as_slice(), after].concat();
    let whole = [KOSME, b"\xf4\x90\x80\x80", after].concat();
    vec![
        case("6.4.1", [begin(KOSME), more(b"\xf4\x90\x80\x80"), last(after)], [Close(NOT_UTF8)]).sent(Sent::Framewise),
        case("6.4.2", [begin(&cut), more(b"\x90"), last(&rest)], [Close(NOT_UTF8)]).sent(Sent::Framewise),
        refused("6.4.3", &whole).sent(Sent::Pieces(KOSME.len())),
        refused("6.4.4", &whole).sent(Sent::Pieces(1)),
    ]
}

fn valid() -> Vec<Case> {
    [
        ("6.5.1", "hello$world".as_bytes()),
        ("6.5.2", "hello¢world".as_bytes()),
        ("6.5.3", "hello€world".as_bytes()),
        ("6.5.4", "hello𤭢world".as_bytes()),
        ("6.5.5", KOSME),
        // The first and the last of each length.
        ("6.7.2", b"\xc2\x80"),
        ("6.7.3", b"\xe0\xa0\x80"),
        ("6.7.4", b"\xf0\x90\x80\x80"),
        ("6.9.1", b"\x7f"),
        ("6.9.2", b"\xdf\xbf"),
        ("6.9.3", b"\xef\xbf\xbf"),
        ("6.9.4", b"\xf4\x8f\xbf\xbf"),
        ("6.11.1", b"\xed\x9f\xbf"),
        ("6.11.2", b"\xee\x80\x80"),
        ("6.11.3", b"\xef\xbf\xbd"),
        ("6.11.4", b"\xf4\x8f\xbf\xbf"),
        // Specials.
        ("6.23.1", b"\xef\xbf\xb9"),
        ("6.23.2", b"\xef\xbf\xba"),
        ("6.23.3", b"\xef\xbf\xbb"),
        ("6.23.4", b"\xef\xbf\xbc"),
        ("6.23.5", b"\xef\xbf\xbd"),
        ("6.23.6", b"\xef\xbf\xbe"),
        ("6.23.7", b"\xef\xbf\xbf"),
    ]
    .map(|(number, payload)| echoed(number, payload))
    .into_iter()
    // U+0000 is UTF-8, and no JSON.
    .chain([case("6.7.1", [text(b"\x00")], [Refusal])])
    .collect()
}

/// 6.6: the beginning of a word, cut at every byte.
fn prefixes() -> Vec<Case> {
    let of = |length: usize| {
        let (number, prefix) = (format!("6.6.{length}"), &KOSME[..length]);
        if std::str::from_utf8(prefix).is_ok() { echoed(&number, prefix) } else { refused(&number, prefix) }
    };
    (1..=KOSME.len()).map(of).collect()
}

fn invalid() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        // Longer than any character is.
        ("6.8.1", b"\xf8\x88\x80\x80\x80".as_slice()),
        ("6.8.2", b"\xfc\x84\x80\x80\x80\x80"),
        ("6.10.1", b"\xf7\xbf\xbf\xbf"),
        ("6.10.2", b"\xfb\xbf\xbf\xbf\xbf"),
        ("6.10.3", b"\xfd\xbf\xbf\xbf\xbf\xbf"),
        ("6.11.5", b"\xf4\x90\x80\x80"),
        // Continuations of nothing.
        ("6.12.1", b"\x80"),
        ("6.12.2", b"\xbf"),
        ("6.12.3", b"\x80\xbf"),
        ("6.12.4", b"\x80\xbf\x80"),
        ("6.12.5", b"\x80\xbf\x80\xbf"),
        ("6.12.6", b"\x80\xbf\x80\xbf\x80"),
        ("6.12.7", b"\x80\xbf\x80\xbf\x80\xbf"),
        // The last byte is missing.
        ("6.14.1", b"\xc0"),
        ("6.14.2", b"\xe0\x80"),
        ("6.14.3", b"\xf0\x80\x80"),
        ("6.14.4", b"\xf8\x80\x80\x80"),
        ("6.14.5", b"\xfc\x80\x80\x80\x80"),
        ("6.14.6", b"\xdf"),
        ("6.14.7", b"\xef\xbf"),
        ("6.14.8", b"\xf7\xbf\xbf"),
        ("6.14.9", b"\xfb\xbf\xbf\xbf"),
        ("6.14.10", b"\xfd\xbf\xbf\xbf\xbf"),
        // Bytes that are nowhere in UTF-8.
        ("6.16.1", b"\xfe"),
        ("6.16.2", b"\xff"),
        ("6.16.3", b"\xfe\xfe\xff\xff"),
        // Longer than they must be: a slash, the greatest such, and zero.
        ("6.17.1", b"\xc0\xaf"),
        ("6.17.2", b"\xe0\x80\xaf"),
        ("6.17.3", b"\xf0\x80\x80\xaf"),
        ("6.17.4", b"\xf8\x80\x80\x80\xaf"),
        ("6.17.5", b"\xfc\x80\x80\x80\x80\xaf"),
        ("6.18.1", b"\xc1\xbf"),
        ("6.18.2", b"\xe0\x9f\xbf"),
        ("6.18.3", b"\xf0\x8f\xbf\xbf"),
        ("6.18.4", b"\xf8\x87\xbf\xbf\xbf"),
        ("6.18.5", b"\xfc\x83\xbf\xbf\xbf\xbf"),
        ("6.19.1", b"\xc0\x80"),
        ("6.19.2", b"\xe0\x80\x80"),
        ("6.19.3", b"\xf0\x80\x80\x80"),
        ("6.19.4", b"\xf8\x80\x80\x80\x80"),
        ("6.19.5", b"\xfc\x80\x80\x80\x80\x80"),
        // Surrogates, alone and in pairs.
        ("6.20.1", b"\xed\xa0\x80"),
        ("6.20.2", b"\xed\xad\xbf"),
        ("6.20.3", b"\xed\xae\x80"),
        ("6.20.4", b"\xed\xaf\xbf"),
        ("6.20.5", b"\xed\xb0\x80"),
        ("6.20.6", b"\xed\xbe\x80"),
        ("6.20.7", b"\xed\xbf\xbf"),
        ("6.21.1", b"\xed\xa0\x80\xed\xb0\x80"),
        ("6.21.2", b"\xed\xa0\x80\xed\xbf\xbf"),
        ("6.21.3", b"\xed\xad\xbf\xed\xb0\x80"),
        ("6.21.4", b"\xed\xad\xbf\xed\xbf\xbf"),
        ("6.21.5", b"\xed\xae\x80\xed\xb0\x80"),
        ("6.21.6", b"\xed\xae\x80\xed\xbf\xbf"),
        ("6.21.7", b"\xed\xaf\xbf\xed\xb0\x80"),
        ("6.21.8", b"\xed\xaf\xbf\xed\xbf\xbf"),
    ]
    .map(|(number, payload)| refused(number, payload))
    .into();
    let every_continuation: Vec<u8> = (0x80..=0xbf).collect();
    cases.push(refused("6.12.8", &every_continuation));
    // First bytes, each before a space.
    for (number, firsts) in [
        ("6.13.1", 0xc0..=0xdf),
        ("6.13.2", 0xe0..=0xef),
        ("6.13.3", 0xf0..=0xf7),
        ("6.13.4", 0xf8..=0xfb),
        ("6.13.5", 0xfc..=0xfd),
    ] {
        let payload: Vec<u8> = firsts.flat_map(|byte| [byte, b' ']).collect();
        cases.push(refused(number, &payload));
    }
    cases.push(refused(
        "6.15.1",
        b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf\xfb\xbf\xbf\xbf\xfd\xbf\xbf\xbf\xbf",
    ));
    cases
}

/// 6.22: the last two of each plane are no characters, and valid all the same.
fn noncharacters() -> Vec<Case> {
    let codes = (0..=16).flat_map(|plane: u32| [plane << 16 | 0xfffe, plane << 16 | 0xffff]);
    let of = |(number, code): (usize, u32)| {
        let character = char::from_u32(code).expect("a code point").to_string();
        echoed(&format!("6.22.{number}"), character.as_bytes())
    };
    (1..).zip(codes).map(of).collect()
}
