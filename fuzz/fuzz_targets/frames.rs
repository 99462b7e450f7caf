//! The guard in front of the WebSocket codec: any bytes in any chunks give what a naive reader of the whole stream gives.
#![no_main]

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use libfuzzer_sys::{arbitrary, fuzz_target};
use zmart::http::ws::{codes::Close, guard::Guarded};

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

/// What one frame of the whole stream is, as RFC 6455 lays it out; `None` if the bytes end inside it.
struct Frame<'a> {
    fin: bool,
    reserved: bool,
    opcode: u8,
    mask: Option<[u8; 4]>,
    length: u64,
    header: &'a [u8],
    /// As much of it as is there.
    payload: &'a [u8],
}

fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let mut at = 2;
    let length = match second & 0x7f {
        126 => {
            at += 2;
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))
        }
        127 => {
            at += 8;
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)
        }
        short => u64::from(short),
    };
    let mut mask = None;
    if second & 0x80 != 0 {
        mask = Some(bytes.get(at..at + 4)?.try_into().ok()?);
        at += 4;
    }
    let rest = &bytes[at..];
    let there = rest.len().min(usize::try_from(length).unwrap_or(usize::MAX));
    Some(Frame {
        fin: first & 0x80 != 0,
        reserved: first & 0x70 != 0,
        opcode: first & 0x0f,
        mask,
        length,
        header: &bytes[..at],
        payload: &rest[..there],
    })
}

/// The rules of the guard, over the whole stream at once.
fn naive(mut bytes: &[u8]) -> (Vec<u8>, Option<Close>) {
    let mut out = Vec::new();
    let mut fragments: Option<Vec<u8>> = None;
    while let Some(frame) = frame(bytes) {
        bytes = &bytes[frame.header.len() + frame.payload.len()..];
        let is_complete = frame.payload.len() as u64 == frame.length;
        if frame.opcode >= 8 {
            if !frame.fin || frame.length > 125 {
                return (out, Some(Close::Protocol));
            }
            out.extend(frame.header);
            out.extend(frame.payload);
            continue;
        }
        let before = fragments.as_ref().map_or(0, Vec::len) as u64;
        if frame.length.saturating_add(before) > MAX_MESSAGE as u64 {
            return (out, Some(Close::TooLarge));
        }
        if frame.fin && frame.opcode != 0 && fragments.is_none() {
            out.extend(frame.header);
            out.extend(frame.payload);
            continue;
        }
        match (frame.opcode, &fragments) {
            (0, Some(_)) | (1, None) => {}
            (2, None) => return (out, Some(Close::Binary)),
            _ => return (out, Some(Close::Protocol)),
        }
        let Some(mask) = frame.mask.filter(|_| !frame.reserved) else { return (out, Some(Close::Protocol)) };
        let joined = fragments.get_or_insert_default();
        joined.extend(frame.payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        if frame.fin && is_complete {
            let message = fragments.take().unwrap_or_default();
            write_frame(&mut out, 0x81, Some([0; 4]), &message, false);
        }
    }
    (out, None)
}

fn guarded(bytes: &[u8], cuts: &[u8]) -> (Vec<u8>, Option<Close>) {
    let mut chunks = Vec::new();
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        let cut = cuts.next().map_or(rest.len(), |cut| usize::from(*cut).min(rest.len()));
        // A chunk of no bytes changes nothing; one in a row is enough of it.
        chunks.push(Ok::<_, PayloadError>(Bytes::copy_from_slice(&rest[..cut])));
        rest = &rest[cut..];
        if cut == 0 && !rest.is_empty() {
            chunks.push(Ok(Bytes::copy_from_slice(&rest[..1])));
            rest = &rest[1..];
        }
    }
    let (stream, verdict) = Guarded::new(stream::iter(chunks), MAX_MESSAGE);
    let passed: Vec<_> = stream.collect::<Vec<_>>().now_or_never().expect("nothing to wait for");
    let passed = passed.into_iter().flat_map(|chunk| chunk.expect("no chunk is an error").to_vec()).collect();
    (passed, verdict.close())
}

fuzz_target!(|input: Input| {
    let mut bytes = Vec::new();
    input.parts.iter().for_each(|part| part.write(&mut bytes));
    let expected = naive(&bytes);
    assert_eq!(guarded(&bytes, &input.cuts), expected);
    assert_eq!(guarded(&bytes, &[]), expected);
});
