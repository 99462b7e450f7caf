//! What a client says, as frames of RFC 6455: bytes in, whole messages out, or the code to close with.
//!
//! Pure: it knows no socket. A frame is judged by its header, each rule as soon as the bytes that it is about are there, so
//! that nothing of a message is kept that is refused anyway. A message that lies whole in the bytes that came is unmasked
//! and handed on where it lies; only one that is not complete is kept, as much of it as came. Every connection has one of
//! these, and most of them are idle: an empty one allocates nothing.

use std::ops::ControlFlow;

use super::codes::Close;

/// The longest header: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;
/// Longest payload of a control frame.
const MAX_CONTROL: u64 = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// A message, or a control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A text, its fragments joined.
    Text(&'a str),
    /// To be answered with the same.
    Ping(&'a [u8]),
    /// A sign of life.
    Pong,
    /// The client closes, with a code that may be said back.
    Close(Option<u16>),
}

/// A frame's header, as its bytes arrive.
#[derive(Debug, Default)]
struct Header {
    bytes: [u8; MAX_HEADER],
    count: u8,
}

impl Header {
    /// Take a byte; true once the header is complete.
    fn take(&mut self, byte: u8) -> bool {
        if let Some(place) = self.bytes.get_mut(usize::from(self.count)) {
            *place = byte;
            self.count += 1;
        }
        self.count >= 2 && self.count >= 2 + self.length_bytes() + 4
    }

    fn length_bytes(&self) -> u8 {
        match self.bytes[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    /// Once its bytes came.
    fn payload_length(&self) -> u64 {
        match self.length_bytes() {
            0 => u64::from(self.bytes[1] & !MASKED),
            count => {
                let bytes = self.bytes.iter().skip(2).take(usize::from(count));
                bytes.fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
            }
        }
    }

    /// It was written in as few bytes as it can be.
    fn is_minimal(&self) -> bool {
        match self.length_bytes() {
            0 => true,
            2 => self.payload_length() >= 126,
            _ => self.payload_length() > u64::from(u16::MAX),
        }
    }

    fn mask(&self) -> [u8; 4] {
        let so_far = self.bytes.get(..usize::from(self.count)).unwrap_or_default();
        so_far.last_chunk::<4>().copied().unwrap_or_default()
    }
}

/// A frame whose payload is arriving. Its mask is turned as bytes are taken: it begins with the next byte.
#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: u8,
    is_last: bool,
    mask: [u8; 4],
    left: usize,
}

/// Follows what a client sends. After an error nothing more may be read.
#[derive(Debug, Default)]
pub struct Frames {
    header: Header,
    frame: Option<Frame>,
    /// A text's first fragment came, and not its last.
    is_fragmented: bool,
    /// What came of a text that is not complete.
    text: Vec<u8>,
    /// What came of a control frame that is not complete.
    control: Vec<u8>,
}

impl Frames {
    /// Read what came; it is unmasked where it lies. Whatever is complete is handed on in order, until `heard` says that
    /// it is enough: then the rest is left.
    ///
    /// # Errors
    /// Why the connection must be closed; what came before was handed on.
    pub fn read(
        &mut self,
        mut chunk: &mut [u8],
        max_message_bytes: usize,
        mut heard: impl FnMut(Heard<'_>) -> ControlFlow<()>,
    ) -> Result<(), Close> {
        loop {
            let mut frame = match self.frame {
                Some(frame) => frame,
                None => match self.begin(&mut chunk, max_message_bytes)? {
                    Some(frame) => frame,
                    None => return Ok(()),
                },
            };
            let count = frame.left.min(chunk.len());
            let (payload, rest) = std::mem::take(&mut chunk).split_at_mut(count);
            chunk = rest;
            unmask(payload, frame.mask);
            frame.mask.rotate_left(count % 4);
            frame.left -= count;
            let kept = if frame.opcode >= CLOSE { &mut self.control } else { &mut self.text };
            if frame.left > 0 {
                kept.extend_from_slice(payload);
                self.frame = Some(frame);
                return Ok(());
            }
            self.frame = None;
            if frame.opcode < CLOSE && !frame.is_last {
                kept.extend_from_slice(payload);
                continue;
            }
            // What was kept is given back: the next may not come for hours.
            let kept = std::mem::take(kept);
            let whole = if kept.is_empty() { payload } else { &mut [kept.as_slice(), payload].concat() };
            let heard = match frame.opcode {
                CLOSE => heard(Heard::Close(close_code(whole)?)),
                PING => heard(Heard::Ping(whole)),
                PONG => heard(Heard::Pong),
                _ => {
                    self.is_fragmented = false;
                    heard(Heard::Text(str::from_utf8(whole).map_err(|_| Close::NotUtf8)?))
                }
            };
            if heard.is_break() {
                return Ok(());
            }
        }
    }

    /// Take bytes of a header, up to its end.
    fn begin(&mut self, chunk: &mut &mut [u8], max_message_bytes: usize) -> Result<Option<Frame>, Close> {
        while let Some((byte, rest)) = std::mem::take(chunk).split_first_mut() {
            *chunk = rest;
            let is_complete = self.header.take(*byte);
            self.judge(max_message_bytes)?;
            if is_complete {
                let header = std::mem::take(&mut self.header);
                let opcode = header.bytes[0] & OPCODE;
                self.is_fragmented |= opcode == TEXT;
                return Ok(Some(Frame {
                    opcode,
                    is_last: header.bytes[0] & FIN != 0,
                    mask: header.mask(),
                    left: usize::try_from(header.payload_length()).map_err(|_| Close::TooLarge)?,
                }));
            }
        }
        Ok(None)
    }

    /// Judge a header by the bytes of it that are there.
    fn judge(&self, max_message_bytes: usize) -> Result<(), Close> {
        let [first, second, ..] = self.header.bytes;
        let (opcode, is_last) = (first & OPCODE, first & FIN != 0);
        if self.header.count == 1 {
            let fits = match opcode {
                CONTINUATION => self.is_fragmented,
                TEXT | BINARY => !self.is_fragmented,
                CLOSE | PING | PONG => is_last,
                _ => false,
            };
            return if fits && first & RESERVED == 0 { Ok(()) } else { Err(Close::Protocol) };
        }
        if second & MASKED == 0 {
            return Err(Close::Protocol);
        }
        if self.header.count < 2 + self.header.length_bytes() {
            return Ok(());
        }
        let length = self.header.payload_length();
        if !self.header.is_minimal() || (opcode >= CLOSE && length > MAX_CONTROL) {
            return Err(Close::Protocol);
        }
        if opcode < CLOSE && length.saturating_add(self.text.len() as u64) > max_message_bytes as u64 {
            return Err(Close::TooLarge);
        }
        if opcode == BINARY { Err(Close::Binary) } else { Ok(()) }
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for four in payload.chunks_mut(4) {
        four.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    }
}

/// The code in a close frame's payload, which may be empty.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Close> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(Close::Protocol) };
    };
    let code = u16::from_be_bytes(*code);
    // Those that may stand in a frame: what the RFC and its registry name, and what applications may use.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Close::Protocol);
    }
    str::from_utf8(reason).map(|_| Some(code)).map_err(|_| Close::NotUtf8)
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
