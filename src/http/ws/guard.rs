//! What stands between a client's bytes and the codec: a size bound held by a frame's header, and fragments made whole.
//!
//! The codec behind it checks a frame's size only once the whole frame has arrived, and hands on fragments one by one.
//! This follows the frames in the byte stream: a message that announces too much is refused before a byte of it is kept, a
//! fragmented one is passed on as one frame when its last fragment came (RFC 6455, section 5.4), everything else passes
//! unchanged. At the first violation the stream ends; why is left in [`Verdict`], for the session to close with.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::error::PayloadError;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;

use super::codes::Close;

/// Why the stream was ended, if it was; shared with the session.
#[derive(Debug, Clone, Default)]
pub struct Verdict(Rc<Cell<Option<Close>>>);

impl Verdict {
    /// Why.
    pub fn close(&self) -> Option<Close> {
        self.0.get()
    }
}

/// The longest header: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;
/// Longest payload of a control frame.
const MAX_CONTROL: u64 = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const FIRST_CONTROL: u8 = 8;
const MASKED: u8 = 0x80;

/// A frame's header, as its bytes arrive.
#[derive(Debug, Default)]
struct Header {
    bytes: [u8; MAX_HEADER],
    count: usize,
}

impl Header {
    /// Take a byte; true once the header is complete.
    fn take(&mut self, byte: u8) -> bool {
        if let Some(place) = self.bytes.get_mut(self.count) {
            *place = byte;
            self.count += 1;
        }
        self.count >= 2 && self.count >= 2 + self.length_bytes() + self.mask_bytes()
    }

    fn so_far(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }

    fn length_bytes(&self) -> usize {
        match self.bytes[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn mask_bytes(&self) -> usize {
        if self.bytes[1] & MASKED == 0 { 0 } else { 4 }
    }

    fn payload_length(&self) -> u64 {
        match self.length_bytes() {
            0 => u64::from(self.bytes[1] & !MASKED),
            count => self.bytes.iter().skip(2).take(count).fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        }
    }

    fn mask(&self) -> Option<[u8; 4]> {
        self.so_far().last_chunk::<4>().copied().filter(|_| self.mask_bytes() == 4)
    }
}

/// Where the bytes of a payload go.
#[derive(Debug, Clone, Copy)]
enum Destination {
    /// On, as they are.
    Pass,
    /// To the message that is being joined.
    Join { mask: [u8; 4], taken: usize, is_last: bool },
}

/// Follows the frames. Pure: bytes in, bytes out, or a reason to close.
#[derive(Debug)]
struct Frames {
    header: Header,
    payload_left: u64,
    destination: Destination,
    /// The text whose fragments are arriving.
    message: Option<BytesMut>,
    max_message_bytes: u64,
}

impl Frames {
    fn new(max_message_bytes: usize) -> Self {
        Self {
            header: Header::default(),
            payload_left: 0,
            destination: Destination::Pass,
            message: None,
            max_message_bytes: max_message_bytes as u64,
        }
    }

    /// Follow a chunk; what may pass is appended to `out`, also before an error.
    fn follow(&mut self, mut chunk: &[u8], out: &mut BytesMut) -> Result<(), Close> {
        while let Some((&byte, rest)) = chunk.split_first() {
            if self.payload_left == 0 {
                chunk = rest;
                if self.header.take(byte) {
                    self.begin(out)?;
                    self.header = Header::default();
                }
                continue;
            }
            let count = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(chunk.len());
            let (payload, rest) = chunk.split_at(count);
            chunk = rest;
            self.payload_left -= count as u64;
            match (&mut self.destination, &mut self.message) {
                (Destination::Join { mask, taken, .. }, Some(message)) => {
                    message.extend(payload.iter().zip(*taken..).map(|(byte, at)| byte ^ mask[at % 4]));
                    *taken += count;
                }
                _ => out.extend_from_slice(payload),
            }
            if self.payload_left == 0 {
                self.end(out);
            }
        }
        Ok(())
    }

    /// A header is complete.
    fn begin(&mut self, out: &mut BytesMut) -> Result<(), Close> {
        let (first, length) = (self.header.bytes[0], self.header.payload_length());
        let (opcode, is_last) = (first & OPCODE, first & FIN != 0);
        self.payload_left = length;
        self.destination = Destination::Pass;
        if opcode >= FIRST_CONTROL {
            if length > MAX_CONTROL || !is_last {
                return Err(Close::Protocol);
            }
            out.extend_from_slice(self.header.so_far());
            return Ok(());
        }
        let joined = self.message.as_ref().map_or(0, BytesMut::len) as u64;
        if joined.saturating_add(length) > self.max_message_bytes {
            return Err(Close::TooLarge);
        }
        match (opcode, is_last, self.message.is_some()) {
            (CONTINUATION, _, true) => {}
            (TEXT, false, false) => self.message = Some(BytesMut::new()),
            (BINARY, false, false) => return Err(Close::Binary),
            // Whole, or of an opcode that the codec refuses.
            (1.., true, false) => {
                out.extend_from_slice(self.header.so_far());
                return Ok(());
            }
            _ => return Err(Close::Protocol),
        }
        let mask = self.header.mask().filter(|_| first & RESERVED == 0).ok_or(Close::Protocol)?;
        self.destination = Destination::Join { mask, taken: 0, is_last };
        if length == 0 {
            self.end(out);
        }
        Ok(())
    }

    /// A payload is complete.
    fn end(&mut self, out: &mut BytesMut) {
        if !matches!(self.destination, Destination::Join { is_last: true, .. }) {
            return;
        }
        let message = self.message.take().unwrap_or_default();
        out.put_u8(FIN | TEXT);
        // A client's frame is masked; this mask changes nothing.
        match u16::try_from(message.len()) {
            Ok(short) if short < 126 => out.put_u8(MASKED | short as u8),
            Ok(medium) => {
                out.put_u8(MASKED | 126);
                out.put_u16(medium);
            }
            Err(_) => {
                out.put_u8(MASKED | 127);
                out.put_u64(message.len() as u64);
            }
        }
        out.put_u32(0);
        out.extend_from_slice(&message);
    }
}

/// The stream.
#[derive(Debug)]
pub struct Guarded<S> {
    stream: S,
    frames: Frames,
    verdict: Verdict,
}

impl<S> Guarded<S> {
    /// Guard a stream of bytes from a client.
    pub fn new(stream: S, max_message_bytes: usize) -> (Self, Verdict) {
        let verdict = Verdict::default();
        (Self { stream, frames: Frames::new(max_message_bytes), verdict: verdict.clone() }, verdict)
    }
}

impl<S> Stream for Guarded<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.verdict.close().is_some() {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                let mut out = BytesMut::with_capacity(chunk.len());
                // What came before a violation is still answered.
                if let Err(close) = this.frames.follow(&chunk, &mut out) {
                    this.verdict.0.set(Some(close));
                }
                Poll::Ready(Some(Ok(out.freeze())))
            }
            // A broken connection is an end; the codec would make a protocol error of it.
            Poll::Ready(Some(Err(_)) | None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
