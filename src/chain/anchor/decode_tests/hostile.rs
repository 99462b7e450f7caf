//! Logs that try to be mistaken for something else, and logs that are broken.

use super::*;

#[test]
fn hostile_logs() {
    use GarbageReason as G;
    let (on, off) = (pause(true), pause(false));
    let text = |event: &ProgramEvent| data(event).split_off("Program data: ".len());
    let raw = |bytes: &[u8]| format!("Program data: {}", BASE64_STANDARD.encode(bytes));
    let trailing = raw(&[&encode_event(&on)[..], &[0]].concat());
    let short = raw(&encode_event(&on)[..40]);
    let mut bad_bool = encode_event(&on);
    bad_bool[8] = 2;
    let one = |line: String| vec![invoke(OURS, 1), line, success(OURS)];
    let table: Vec<(&str, Vec<String>, Decoded)> = vec![
        ("one event", one(data(&on)), events(&[(0, on.clone())])),
        ("the same bytes printed by another program", vec![invoke(OTHER, 1), data(&on), success(OTHER)], events(&[])),
        (
            "another program prints beside us",
            vec![invoke(OURS, 1), data(&on), success(OURS), invoke(OTHER, 1), data(&off), success(OTHER)],
            events(&[(0, on.clone())]),
        ),
        (
            "a program that we call prints inside our frame",
            vec![invoke(OURS, 1), invoke(OTHER, 2), data(&off), success(OTHER), data(&on), success(OURS)],
            events(&[(0, on.clone())]),
        ),
        (
            "a program that calls us prints before and after",
            vec![invoke(OTHER, 1), data(&off), invoke(OURS, 2), data(&on), success(OURS), data(&off), success(OTHER)],
            events(&[(0, on.clone())]),
        ),
        (
            "two of ours, one of them nested",
            vec![
                invoke(OURS, 1),
                data(&on),
                success(OURS),
                invoke(OTHER, 1),
                invoke(OURS, 2),
                invoke(SYSTEM, 3),
                success(SYSTEM),
                data(&off),
                success(OURS),
                success(OTHER),
            ],
            events(&[(0, on.clone()), (1, off.clone())]),
        ),
        (
            "ours inside ours: numbered as they begin",
            vec![invoke(OURS, 1), invoke(OURS, 2), data(&off), success(OURS), data(&on), success(OURS)],
            events(&[(0, on.clone()), (1, off.clone())]),
        ),
        (
            "a log text that looks like data",
            vec![invoke(OURS, 1), format!("Program log: {}", data(&off)), data(&on), success(OURS)],
            events(&[(0, on.clone())]),
        ),
        (
            "a log text that looks like our frame",
            vec![
                invoke(OTHER, 1),
                format!("Program log: {}", invoke(OURS, 2)),
                data(&on),
                format!("Program log: {}", success(OURS)),
                success(OTHER),
            ],
            events(&[]),
        ),
        (
            "a log text with line breaks is one line",
            vec![
                invoke(OTHER, 1),
                format!("Program log: x\n{}\n{}\n{}", invoke(OURS, 2), data(&on), success(OURS)),
                success(OTHER),
            ],
            events(&[]),
        ),
        (
            "data with line breaks is no base64",
            one(format!("{}\n{}", data(&on), success(OURS))),
            garbage(G::NotBase64 { n: 0 }),
        ),
        (
            "returned data is no event",
            vec![invoke(OURS, 1), data(&on), format!("Program return: {OURS} {}", text(&off)), success(OURS)],
            events(&[(0, on.clone())]),
        ),
        (
            "compute units and native messages say nothing",
            vec![
                invoke(OURS, 1),
                "Program consumption: 5 units remaining".into(),
                "Allocate: account already in use".into(),
                data(&on),
                format!("Program {OURS} consumed 1 of 200000 compute units"),
                success(OURS),
            ],
            events(&[(0, on.clone())]),
        ),
        ("no program runs", vec!["Program log: hello".into()], events(&[])),
        ("no event", vec![invoke(OURS, 1), success(OURS)], garbage(G::NoEvent { n: 0 })),
        (
            "two events",
            vec![invoke(OURS, 1), data(&on), data(&on), success(OURS)],
            garbage(G::SeveralEvents { n: 0, count: 2 }),
        ),
        (
            "an event and other data",
            vec![invoke(OURS, 1), data(&on), "Program data: AAAA".into(), success(OURS)],
            garbage(G::SeveralEvents { n: 0, count: 2 }),
        ),
        (
            "trailing bytes",
            one(trailing),
            garbage(G::NotAnEvent { n: 0, error: CodecError::TrailingBytes { count: 1 } }),
        ),
        (
            "missing bytes",
            one(short),
            garbage(G::NotAnEvent { n: 0, error: CodecError::TooShort { offset: 9, wanted: 32, left: 31 } }),
        ),
        (
            "a bool that is none",
            one(raw(&bad_bool)),
            garbage(G::NotAnEvent { n: 0, error: CodecError::BadBool { offset: 8, byte: 2 } }),
        ),
        (
            "an unknown discriminator",
            one(raw(&[1; 49])),
            garbage(G::NotAnEvent { n: 0, error: CodecError::UnknownDiscriminator }),
        ),
        ("no base64", one("Program data: ####".into()), garbage(G::NotBase64 { n: 0 })),
        ("base64 with space behind", one(format!("{} ", data(&on))), garbage(G::NotBase64 { n: 0 })),
        ("two pieces of base64", one("Program data: AAAA AAAA".into()), garbage(G::NotBase64 { n: 0 })),
        (
            "empty data",
            one("Program data: ".into()),
            garbage(G::NotAnEvent { n: 0, error: CodecError::TooShort { offset: 0, wanted: 8, left: 0 } }),
        ),
        (
            "huge base64",
            one(format!("Program data: {}", "A".repeat(1 << 20))),
            garbage(G::DataTooLong { n: 0, chars: 1 << 20 }),
        ),
        (
            "huge base64 of another program is not even read",
            vec![invoke(OTHER, 1), format!("Program data: {}", "A".repeat(1 << 20)), success(OTHER)],
            events(&[]),
        ),
        (
            "our outermost frame failed, the node says nothing",
            vec![invoke(OURS, 1), data(&on), failed(OURS)],
            Decoded::Failed(FailureEvidence::OutermostFrame { program: OURS }),
        ),
        (
            "the second instruction failed",
            vec![invoke(OURS, 1), data(&on), success(OURS), invoke(OTHER, 1), failed(OTHER)],
            Decoded::Failed(FailureEvidence::OutermostFrame { program: OTHER }),
        ),
        (
            "a frame that never ends",
            vec![invoke(OURS, 1), data(&on), success(OURS), invoke(OURS, 1), data(&off)],
            Decoded::Failed(FailureEvidence::StackNotClosed),
        ),
        (
            "an inner failure whose caller goes on undoes what was inside, and still counts",
            vec![
                invoke(SYSTEM, 1),
                invoke(OTHER, 2),
                invoke(OURS, 3),
                data(&on),
                success(OURS),
                failed(OTHER),
                success(SYSTEM),
                invoke(OURS, 1),
                data(&off),
                success(OURS),
            ],
            events(&[(1, off.clone())]),
        ),
        (
            "a frame at a wrong depth",
            vec![invoke(OURS, 2), data(&on), success(OURS)],
            garbage(G::WrongDepth { line: 0 }),
        ),
        (
            "a frame that skips a depth",
            vec![invoke(OTHER, 1), invoke(OURS, 3), data(&on), success(OURS), success(OTHER)],
            garbage(G::WrongDepth { line: 1 }),
        ),
        (
            "success of a program that is not on top",
            vec![invoke(OURS, 1), data(&on), success(OTHER)],
            garbage(G::NotOnTop { line: 2 }),
        ),
        ("success without a frame", vec![success(OURS)], garbage(G::NotOnTop { line: 0 })),
        ("failure without a frame", vec![failed(OURS)], garbage(G::NotOnTop { line: 0 })),
        (
            "data outside of any frame",
            vec![invoke(OURS, 1), data(&on), success(OURS), data(&off)],
            garbage(G::DataOutsideFrames { line: 3 }),
        ),
        (
            "a malformed frame line",
            vec![format!("Program {OURS} invoke [1] "), data(&on), success(OURS)],
            garbage(G::MalformedFrameLine { line: 0 }),
        ),
        (
            "frame lines glued together",
            vec![invoke(OURS, 1), data(&on), format!("{}\n{}", success(OURS), invoke(OURS, 1))],
            garbage(G::MalformedFrameLine { line: 2 }),
        ),
        (
            "a truncated log",
            vec![invoke(OURS, 1), data(&on), "Log truncated".into(), success(OURS)],
            Decoded::Truncated { touched: None },
        ),
        (
            "a log text that says truncated",
            vec![invoke(OURS, 1), "Program log: Log truncated".into(), data(&on), success(OURS)],
            events(&[(0, on.clone())]),
        ),
        ("an empty log proves nothing", vec![], Decoded::Truncated { touched: None }),
    ];
    for (name, logs, expected) in table {
        assert_eq!(decode(OURS, &logs_only(logs)), expected, "{name}");
    }
}
