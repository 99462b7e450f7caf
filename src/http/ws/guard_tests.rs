//! Frames cut at every place.

use proptest::prelude::*;

use super::*;

const KEY: [u8; 4] = [1, 2, 3, 4];

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

/// A frame as the guard makes it: masked by zeros.
fn whole(payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(0x81, payload.len() as u64, 0x80);
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn passed(bytes: &[u8], cut: usize, max: usize) -> (Vec<u8>, Option<Close>) {
    let mut frames = Frames::new(max);
    let mut out = BytesMut::new();
    for chunk in bytes.chunks(cut) {
        if let Err(close) = frames.follow(chunk, &mut out) {
            return (out.to_vec(), Some(close));
        }
    }
    (out.to_vec(), None)
}

#[test]
fn violations_are_refused_and_what_came_before_them_passes() {
    let text = [b'a'; 60];
    let fine = frame(0x81, &text);
    let first = frame(0x01, &text);
    let cases = [
        ("a header that announces 1 GiB", [header(0x81, 1 << 30, 0x80), KEY.to_vec()].concat(), Close::TooLarge),
        ("a length with its highest bit set", [header(0x82, u64::MAX, 0x80), KEY.to_vec()].concat(), Close::TooLarge),
        ("fragments that are too large together", [first.clone(), frame(0x80, &text)].concat(), Close::TooLarge),
        ("a control frame of more than 125 bytes", frame(0x89, &[0; 126]), Close::Protocol),
        ("a control frame in fragments", frame(0x09, b"x"), Close::Protocol),
        ("a continuation of nothing", frame(0x80, b"x"), Close::Protocol),
        ("a new message inside a fragmented one", [first.clone(), frame(0x81, b"x")].concat(), Close::Protocol),
        ("a new fragmented message inside one", [first.clone(), frame(0x01, b"x")].concat(), Close::Protocol),
        ("reserved bits on a fragment", [first, frame(0xc0, b"x")].concat(), Close::Protocol),
        ("an unmasked fragment", header(0x01, 0, 0), Close::Protocol),
        ("a binary message in fragments", frame(0x02, b"x"), Close::Binary),
    ];
    for (what, bad, close) in cases {
        let bytes = [fine.clone(), bad].concat();
        for cut in [1, 3, bytes.len()] {
            assert_eq!(passed(&bytes, cut, 100), (fine.clone(), Some(close)), "{what}, cut at {cut}");
        }
    }
}

proptest! {
    #[test]
    fn whole_frames_pass_unchanged_however_they_are_cut(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..20), cut in 1usize..50,
    ) {
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(0x81, payload)).collect();
        prop_assert_eq!(passed(&bytes, cut, 300), (bytes, None));
    }

    #[test]
    fn fragments_are_joined_with_control_frames_between_them(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9_000), 2..10),
        cut in 1usize..5_000,
    ) {
        let last = parts.len() - 1;
        let ping = frame(0x89, b"hello");
        let mut bytes = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let first = match at { 0 => 0x01, at if at == last => 0x80, _ => 0x00 };
            bytes.extend(frame(first, part));
            if at != last {
                bytes.extend(&ping);
            }
        }
        bytes.extend(frame(0x81, b"next"));
        let expected = [ping.repeat(last), whole(&parts.concat()), frame(0x81, b"next")].concat();
        prop_assert_eq!(passed(&bytes, cut, 90_000), (expected, None));
    }
}
