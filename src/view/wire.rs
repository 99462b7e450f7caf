//! What goes over a WebSocket: a server's frames, whole and unmasked (RFC 6455, section 5.2).
//!
//! Owns those few bytes of header, so that a frame can be laid out once and the same buffer be sent to everybody. Never
//! reads what a client sent: that is the frame reader's part.

use bytes::{BufMut, BytesMut};

/// The first byte of a whole text.
const WHOLE_TEXT: u8 = 0x81;
/// The first byte of a close frame.
const CLOSE: u8 = 0x88;
/// The first byte of a ping.
const PING: u8 = 0x89;
/// The first byte of a pong.
const PONG: u8 = 0x8a;
/// The longest header.
const HEADER_BYTES_MAX: usize = 10;
/// The longest reason of a close frame, in bytes.
const REASON_BYTES_MAX: usize = 123;

fn put_header(out: &mut BytesMut, first: u8, length: usize) {
    out.reserve(HEADER_BYTES_MAX + length);
    out.put_u8(first);
    match u16::try_from(length) {
        Ok(short @ 0..126) => out.put_u8(short as u8),
        Ok(medium) => {
            out.put_u8(126);
            out.put_u16(medium);
        }
        Err(_) => {
            out.put_u8(127);
            out.put_u64(length as u64);
        }
    }
}

/// Appends a text.
pub fn put_text(out: &mut BytesMut, text: &str) {
    put_header(out, WHOLE_TEXT, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends a close frame; a reason that is too long for one is left out.
pub fn put_close(out: &mut BytesMut, code: u16, reason: &str) {
    let reason = if reason.len() > REASON_BYTES_MAX { "" } else { reason };
    put_header(out, CLOSE, 2 + reason.len());
    out.put_u16(code);
    out.extend_from_slice(reason.as_bytes());
}

/// Appends a close frame that says nothing.
pub fn put_empty_close(out: &mut BytesMut) {
    put_header(out, CLOSE, 0);
}

/// Appends a ping that says nothing.
pub fn put_ping(out: &mut BytesMut) {
    put_header(out, PING, 0);
}

/// Appends the answer to a ping: what it said, which is at most 125 bytes.
pub fn put_pong(out: &mut BytesMut, said: &[u8]) {
    put_header(out, PONG, said.len());
    out.extend_from_slice(said);
}

/// The texts of frames that [`put_text`] laid out, in order.
pub fn texts(mut frames: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (header, length): (usize, usize) = match *frames.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(frames.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(frames.get(2..10)?.try_into().ok()?)).ok()?),
            short => (2, usize::from(short)),
        };
        let text = frames.get(header..header.checked_add(length)?)?;
        frames = frames.get(header + length..)?;
        std::str::from_utf8(text).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_class_are_read_back() {
        let all: Vec<String> =
            [0, 1, 125, 126, 127, 65_535, 65_536].into_iter().map(|length| "ä".repeat(length / 2)).collect();
        let mut out = BytesMut::new();
        all.iter().for_each(|text| put_text(&mut out, text));
        assert_eq!(texts(&out).collect::<Vec<_>>(), all);
    }

    #[test]
    fn frames_are_those_of_the_rfc() {
        let mut out = BytesMut::new();
        put_text(&mut out, "Hello");
        assert_eq!(&out[..], [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        out.clear();
        put_text(&mut out, &"x".repeat(256));
        assert_eq!(&out[..5], [0x81, 126, 1, 0, b'x']);
        out.clear();
        put_text(&mut out, &"x".repeat(65_536));
        assert_eq!(&out[..11], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0, b'x']);
        out.clear();
        put_close(&mut out, 4008, "slow");
        assert_eq!(&out[..], [0x88, 6, 0x0f, 0xa8, b's', b'l', b'o', b'w']);
        out.clear();
        put_close(&mut out, 1000, &"x".repeat(124));
        assert_eq!(&out[..], [0x88, 2, 3, 0xe8]);
        out.clear();
        put_empty_close(&mut out);
        put_ping(&mut out);
        put_pong(&mut out, b"hi");
        assert_eq!(&out[..], [0x88, 0, 0x89, 0, 0x8a, 2, b'h', b'i']);
    }
}
