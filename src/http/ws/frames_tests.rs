//! Frames cut at every place, against a naive reader of the whole stream.

use proptest::prelude::*;

use super::*;

const KEY: [u8; 4] = [1, 2, 3, 4];

/// What was heard, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64, 0x80);
    bytes.extend(KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn header(first: u8, length: u64, masked: u8) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(masked | length as u8),
        126..=65_535 => {
            bytes.push(masked | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes
}

fn heard(bytes: &[u8], cut: usize, max: usize) -> (Vec<Said>, Option<Close>) {
    let (mut frames, mut said) = (Frames::default(), Vec::new());
    for chunk in bytes.chunks(cut) {
        let read = frames.read(&mut chunk.to_vec(), max, |heard| {
            said.push(match heard {
                Heard::Text(text) => Said::Text(text.to_owned()),
                Heard::Ping(data) => Said::Ping(data.to_owned()),
                Heard::Pong => Said::Pong,
                Heard::Close(code) => Said::Close(code),
            });
            if matches!(heard, Heard::Close(_)) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match read {
            Err(close) => return (said, Some(close)),
            Ok(()) if matches!(said.last(), Some(Said::Close(_))) => return (said, None),
            Ok(()) => {}
        }
    }
    (said, None)
}

/// The same rules over the whole stream at once, a frame at a time, in the plainest way.
fn naive(mut bytes: &[u8], max: usize) -> (Vec<Said>, Option<Close>) {
    let (mut said, mut joined): (Vec<Said>, Option<Vec<u8>>) = (Vec::new(), None);
    loop {
        let Some(&first) = bytes.first() else { return (said, None) };
        let (opcode, fin) = (first & 0xf, first & 0x80 != 0);
        let is_known = [0, 1, 2, 8, 9, 10].contains(&opcode);
        let is_out_of_place = (opcode == 0) != joined.is_some() && opcode < 8;
        if first & 0x70 != 0 || !is_known || is_out_of_place || (opcode >= 8 && !fin) {
            return (said, Some(Close::Protocol));
        }
        let Some(&second) = bytes.get(1) else { return (said, None) };
        if second & 0x80 == 0 {
            return (said, Some(Close::Protocol));
        }
        let (length, at) = match second & 0x7f {
            126 if bytes.len() < 4 => return (said, None),
            126 => (u64::from(u16::from_be_bytes(bytes[2..4].try_into().unwrap())), 4),
            127 if bytes.len() < 10 => return (said, None),
            127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10),
            short => (u64::from(short), 2),
        };
        let shortest = header(first, length, 0x80).len();
        if shortest != at || (opcode >= 8 && length > 125) {
            return (said, Some(Close::Protocol));
        }
        if opcode < 8 && length.saturating_add(joined.as_ref().map_or(0, Vec::len) as u64) > max as u64 {
            return (said, Some(Close::TooLarge));
        }
        if opcode == 2 {
            return (said, Some(Close::Binary));
        }
        let Some(key) = bytes.get(at..at + 4) else { return (said, None) };
        let Some(payload) = bytes.get(at + 4..at + 4 + length as usize) else { return (said, None) };
        let payload: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        bytes = &bytes[at + 4 + length as usize..];
        match opcode {
            9 => said.push(Said::Ping(payload)),
            10 => said.push(Said::Pong),
            8 if payload.is_empty() => {
                said.push(Said::Close(None));
                return (said, None);
            }
            8 => {
                let code = payload.get(..2).map(|code| u16::from_be_bytes(code.try_into().unwrap()));
                let may_be_sent = |code: u16| {
                    (1000..5000).contains(&code) && ![1004, 1005, 1006].contains(&code) && !(1015..3000).contains(&code)
                };
                return match code.filter(|code| may_be_sent(*code)) {
                    None => (said, Some(Close::Protocol)),
                    Some(_) if std::str::from_utf8(&payload[2..]).is_err() => (said, Some(Close::NotUtf8)),
                    code => {
                        said.push(Said::Close(code));
                        (said, None)
                    }
                };
            }
            _ => {
                joined.get_or_insert_default().extend(payload);
                if fin {
                    match String::from_utf8(joined.take().unwrap()) {
                        Ok(text) => said.push(Said::Text(text)),
                        Err(_) => return (said, Some(Close::NotUtf8)),
                    }
                }
            }
        }
    }
}

#[test]
fn violations_are_refused_and_what_came_before_them_is_heard() {
    let text = [b'a'; 60];
    let fine = frame(0x81, &text);
    let first = frame(0x01, &text);
    let long_form = [&[0x81, 0xfe, 0, 1][..], &KEY, b"x"].concat();
    let longest_form = [&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 1, 0][..], &KEY].concat();
    let code = |code: u16| frame(0x88, &code.to_be_bytes());
    let cases = [
        ("a header that announces 1 GiB", header(0x81, 1 << 30, 0x80), Close::TooLarge),
        ("a length with its highest bit set", header(0x82, u64::MAX, 0x80), Close::TooLarge),
        ("fragments that are too large together", [first.clone(), frame(0x80, &text)].concat(), Close::TooLarge),
        ("a control frame of more than 125 bytes", frame(0x89, &[0; 126]), Close::Protocol),
        ("a control frame in fragments", frame(0x09, b"x"), Close::Protocol),
        ("a continuation of nothing", frame(0x80, b"x"), Close::Protocol),
        ("a new message inside a fragmented one", [first.clone(), frame(0x81, b"x")].concat(), Close::Protocol),
        ("a new fragmented message inside one", [first.clone(), frame(0x01, b"x")].concat(), Close::Protocol),
        ("reserved bits on a fragment", [first.clone(), frame(0xc0, b"x")].concat(), Close::Protocol),
        ("a reserved bit on a text", frame(0xc1, b"x"), Close::Protocol),
        ("an opcode that nobody has given a meaning", frame(0x83, b"x"), Close::Protocol),
        ("a control opcode that nobody has given a meaning", frame(0x8b, b""), Close::Protocol),
        ("an unmasked frame", header(0x81, 0, 0), Close::Protocol),
        ("a length in two bytes that fits one", long_form, Close::Protocol),
        ("a length in eight bytes that fits two", longest_form, Close::Protocol),
        ("a binary message", frame(0x82, b"x"), Close::Binary),
        ("a binary message in fragments", frame(0x02, b"x"), Close::Binary),
        ("a text that is not UTF-8", frame(0x81, &[0xff]), Close::NotUtf8),
        ("half a character at the end", [first, frame(0x80, &[0xc3])].concat(), Close::NotUtf8),
        ("a close frame of one byte", frame(0x88, &[3]), Close::Protocol),
        ("a close code that may not be sent", code(1005), Close::Protocol),
        ("a close code of nobody", code(999), Close::Protocol),
        ("a reserved close code", code(1016), Close::Protocol),
        ("a close code past all", code(5000), Close::Protocol),
        ("a close reason that is not UTF-8", frame(0x88, &[3, 232, 0xff]), Close::NotUtf8),
    ];
    let before = Said::Text("a".repeat(60));
    for (what, bad, close) in cases {
        let bytes = [fine.clone(), bad].concat();
        for cut in [1, 3, bytes.len()] {
            assert_eq!(heard(&bytes, cut, 100), (vec![before.clone()], Some(close)), "{what}, cut at {cut}");
        }
    }
}

#[test]
fn a_frame_that_is_too_large_is_refused_before_anything_of_it_is_kept() {
    let mut frames = Frames::default();
    let announced = header(0x81, 1 << 30, 0x80);
    assert_eq!(frames.read(&mut announced.clone(), 100, |_| ControlFlow::Continue(())), Err(Close::TooLarge));
    assert_eq!((frames.text.capacity(), frames.control.capacity()), (0, 0));
}

#[test]
fn what_was_kept_of_a_message_is_given_back_when_it_is_complete() {
    let mut frames = Frames::default();
    let mut bytes = [frame(0x01, &[b'x'; 5_000]), frame(0x89, b"hi"), frame(0x80, b"y")].concat();
    let (first, last) = bytes.split_at_mut(5_012);
    for (part, is_kept) in [(first, true), (last, false)] {
        assert_eq!(frames.read(part, 10_000, |_| ControlFlow::Continue(())), Ok(()));
        assert_eq!(frames.text.capacity() + frames.control.capacity() > 0, is_kept);
    }
}

#[test]
fn nothing_is_read_after_it_was_enough() {
    let mut bytes = [frame(0x81, b"a"), frame(0x81, b"b")].concat();
    let mut count = 0;
    let read = Frames::default().read(&mut bytes, 100, |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert_eq!((read, count), (Ok(()), 1));
}

/// Mostly right, so that a run gets past its first frame.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => proptest::sample::select(vec![0x81u8, 0x01, 0x00, 0x80, 0x89, 0x8a]),
        1 => Just(0x88u8),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => proptest::collection::vec(0x20u8..0x7f, 0..200),
        2 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..400),
        1 => (990u16..5_010).prop_map(|code| code.to_be_bytes().to_vec()),
    ];
    prop_oneof![
        20 => (first, payload).prop_map(|(first, payload)| frame(first, &payload)),
        1 => proptest::collection::vec(any::<u8>(), 1..20),
    ]
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_heard_as_a_naive_reader_hears_the_whole(
        parts in proptest::collection::vec(part(), 0..12), cut in 1usize..300,
    ) {
        let bytes = parts.concat();
        let expected = naive(&bytes, 300);
        prop_assert_eq!(heard(&bytes, cut, 300), expected.clone());
        prop_assert_eq!(heard(&bytes, bytes.len().max(1), 300), expected);
    }

    #[test]
    fn fragments_are_joined_with_control_frames_between_them(
        parts in proptest::collection::vec("\\PC{0,3000}", 2..10), cut in 1usize..5_000,
    ) {
        let last = parts.len() - 1;
        let mut bytes = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let first = match at { 0 => 0x01, at if at == last => 0x80, _ => 0x00 };
            bytes.extend(frame(first, part.as_bytes()));
            if at != last {
                bytes.extend(frame(0x89, b"hello"));
            }
        }
        bytes.extend(frame(0x81, b"next"));
        let mut expected = vec![Said::Ping(b"hello".to_vec()); last];
        expected.extend([Said::Text(parts.concat()), Said::Text("next".to_owned())]);
        prop_assert_eq!(heard(&bytes, cut, 200_000), (expected, None));
    }
}
