//! The reader of WebSocket frames: any bytes in any pieces are heard as a naive reader hears the whole stream.
#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::{arbitrary, fuzz_target};
use zmart::http::ws::{
    codes::Close,
    frames::{Frames, Heard},
};

const MAX_MESSAGE: usize = 300;

/// Frames that are mostly right, so that one gets past the first; or bytes as they come.
#[derive(arbitrary::Arbitrary, Debug)]
enum Part {
    Frame { first: u8, mask: Option<[u8; 4]>, payload: Vec<u8>, long_form: bool },
    Repeated { first: u8, mask: [u8; 4], count: u16, byte: u8 },
    Bytes(Vec<u8>),
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    parts: Vec<Part>,
    cuts: Vec<u8>,
}

impl Part {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Frame { first, mask, payload, long_form } => write_frame(out, *first, *mask, payload, *long_form),
            Self::Repeated { first, mask, count, byte } => {
                let payload = vec![*byte; usize::from(*count) % (2 * MAX_MESSAGE)];
                write_frame(out, *first, Some(*mask), &payload, false);
            }
            Self::Bytes(bytes) => out.extend(bytes),
        }
    }
}

fn write_frame(out: &mut Vec<u8>, first: u8, mask: Option<[u8; 4]>, payload: &[u8], long_form: bool) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(first);
    match payload.len() {
        _ if long_form => {
            out.push(masked | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
        short @ 0..126 => out.push(masked | short as u8),
        medium => {
            out.push(masked | 126);
            out.extend((medium as u16).to_be_bytes());
        }
    }
    out.extend(mask.into_iter().flatten());
    let mask = mask.unwrap_or_default();
    out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
}

/// What was heard, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

type Outcome = (Vec<Said>, Option<Close>);

/// The rules of RFC 6455 over the whole stream at once, a frame at a time, in the plainest way.
fn naive(mut bytes: &[u8]) -> Outcome {
    let (mut said, mut joined): (Vec<Said>, Option<Vec<u8>>) = (Vec::new(), None);
    loop {
        let Some(&first) = bytes.first() else { return (said, None) };
        let (opcode, fin) = (first & 0xf, first & 0x80 != 0);
        let is_known = [0, 1, 2, 8, 9, 10].contains(&opcode);
        let is_out_of_place = opcode < 8 && (opcode == 0) != joined.is_some();
        if first & 0x70 != 0 || !is_known || is_out_of_place || (opcode >= 8 && !fin) {
            return (said, Some(Close::Protocol));
        }
        let Some(&second) = bytes.get(1) else { return (said, None) };
        if second & 0x80 == 0 {
            return (said, Some(Close::Protocol));
        }
        let (length, at, least) = match second & 0x7f {
            126 if bytes.len() < 4 => return (said, None),
            126 => (u64::from(u16::from_be_bytes(bytes[2..4].try_into().unwrap())), 4, 126),
            127 if bytes.len() < 10 => return (said, None),
            127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10, 65_536),
            short => (u64::from(short), 2, 0),
        };
        if length < least || (opcode >= 8 && length > 125) {
            return (said, Some(Close::Protocol));
        }
        if opcode < 8 && length.saturating_add(joined.as_ref().map_or(0, Vec::len) as u64) > MAX_MESSAGE as u64 {
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
            8 => {
                let code = payload.get(..2).map(|code| u16::from_be_bytes(code.try_into().unwrap()));
                let may_be_sent = |code: &u16| {
                    (1000..5000).contains(code) && ![1004, 1005, 1006].contains(code) && !(1015..3000).contains(code)
                };
                return match code.filter(may_be_sent) {
                    None if !payload.is_empty() => (said, Some(Close::Protocol)),
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
                    match String::from_utf8(joined.take().unwrap_or_default()) {
                        Ok(text) => said.push(Said::Text(text)),
                        Err(_) => return (said, Some(Close::NotUtf8)),
                    }
                }
            }
        }
    }
}

fn heard(bytes: &[u8], cuts: &[u8]) -> Outcome {
    let (mut frames, mut said) = (Frames::default(), Vec::new());
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        // A piece of no bytes changes nothing: one byte is the least.
        let cut = cuts.next().map_or(rest.len(), |cut| usize::from(*cut).clamp(1, rest.len()));
        let (piece, left) = rest.split_at(cut);
        rest = left;
        let read = frames.read(&mut piece.to_vec(), MAX_MESSAGE, |heard| {
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
            Ok(()) if matches!(said.last(), Some(Said::Close(_))) => break,
            Ok(()) => {}
        }
    }
    (said, None)
}

fuzz_target!(|input: Input| {
    let mut bytes = Vec::new();
    input.parts.iter().for_each(|part| part.write(&mut bytes));
    let expected = naive(&bytes);
    assert_eq!(heard(&bytes, &input.cuts), expected);
    assert_eq!(heard(&bytes, &[]), expected);
});
