//! The frames that go together, laid out once as they go over the wire: every subscriber is sent the same buffer.
//!
//! Owns the buffer and what of it is the price: that part comes last, and may be left out for who wants prices less often
//! ([`FramePack::without_price`], a view of the same buffer), or stand for several ([`FramePack::conflated`]). Never decides
//! what a frame says, nor when it is sent.

use std::{
    fmt::Write,
    sync::{Arc, OnceLock},
};

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::{channel::Channel, wire};
use crate::domain::ids::{Epoch, Seq};

/// How a price's text begins.
const PRICE_BEGINS: &str = r#"{"type":"price_update","#;
/// What stands before the number in a frame's text. Nothing before it holds such a text: types and addresses.
const SEQ: &str = r#","seq":"#;

/// The frames that one entry causes: they share its `seq` and come together.
#[derive(Debug, Clone)]
pub struct FramePack {
    /// The channel.
    pub channel: Channel,
    /// The journal's life.
    pub epoch: Epoch,
    /// The entry's number on the channel; 0 where a channel has none.
    pub seq: Seq,
    wire: Bytes,
    count: usize,
    /// Where the price's frame begins: the last one.
    price_at: Option<usize>,
    /// The same without it, once somebody needed that.
    rest: OnceLock<Arc<FramePack>>,
}

impl PartialEq for FramePack {
    fn eq(&self, other: &Self) -> bool {
        (self.channel, self.epoch, self.seq, &self.wire) == (other.channel, other.epoch, other.seq, &other.wire)
    }
}

impl Eq for FramePack {}

impl FramePack {
    /// These texts.
    pub fn new(channel: Channel, epoch: Epoch, seq: Seq, texts: &[ByteString]) -> Self {
        let mut out = BytesMut::new();
        let mut price_at = None;
        for text in texts {
            price_at = text.starts_with(PRICE_BEGINS).then_some(out.len());
            wire::put_text(&mut out, text);
        }
        Self { channel, epoch, seq, wire: out.freeze(), count: texts.len(), price_at, rest: OnceLock::new() }
    }

    /// All of them, as WebSocket frames.
    pub fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The texts, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        wire::texts(&self.wire)
    }

    /// One of them is a price.
    pub fn has_price(&self) -> bool {
        self.price_at.is_some()
    }

    /// The frames but for the price; `None` if there are no others. A view of the same buffer, made once.
    pub fn without_price(self: &Arc<Self>) -> Option<Arc<Self>> {
        let Some(at) = self.price_at else { return Some(Arc::clone(self)) };
        (at > 0).then(|| {
            let rest = self.rest.get_or_init(|| {
                let wire = self.wire.slice(..at);
                Arc::new(self.with(self.seq, wire, self.count - 1, None))
            });
            Arc::clone(rest)
        })
    }

    /// The price as the one that holds after entry `at`, standing for `count` prices, of the entries from `from` on. One that
    /// stands for itself alone is the frame as it is. `None` if there is no price.
    pub fn conflated(&self, at: Seq, from: Seq, count: u64) -> Option<Arc<Self>> {
        let begins = self.price_at?;
        let wire = if (at, from, count) == (self.seq, self.seq, 1) {
            self.wire.slice(begins..)
        } else {
            let mut out = BytesMut::new();
            wire::put_text(&mut out, &conflate(wire::texts(&self.wire[begins..]).next()?, at, from, count)?);
            out.freeze()
        };
        Some(Arc::new(self.with(at, wire, 1, Some(0))))
    }

    /// Other frames of the same channel.
    fn with(&self, seq: Seq, wire: Bytes, count: usize, price_at: Option<usize>) -> Self {
        Self { channel: self.channel, epoch: self.epoch, seq, wire, count, price_at, rest: OnceLock::new() }
    }
}

/// A price's text, with another number and what it stands for.
fn conflate(text: &str, at: Seq, from: Seq, count: u64) -> Option<String> {
    let (head, tail) = text.split_once(SEQ)?;
    let tail = tail.trim_start_matches(|digit: char| digit.is_ascii_digit()).strip_suffix("}}")?;
    let mut out = String::with_capacity(text.len() + 64);
    // An empty object takes its first field without a comma.
    let comma = if tail.ends_with('{') { "" } else { "," };
    write!(out, r#"{head}{SEQ}{at}{tail}{comma}"conflated":{count}}},"from_seq":{from}}}"#).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MarketAddress;

    fn pack(texts: &[&str]) -> Arc<FramePack> {
        let texts: Vec<ByteString> = texts.iter().map(|text| (*text).into()).collect();
        Arc::new(FramePack::new(Channel::Market(MarketAddress([7; 32])), Epoch(1), Seq(12), &texts))
    }

    const TRADE: &str = r#"{"type":"trade_executed","channel":"market:x","seq":12,"data":{}}"#;
    const PRICE: &str =
        r#"{"type":"price_update","channel":"market:x","epoch":1,"seq":12,"slot":5,"data":{"cause":"trade"}}"#;

    #[test]
    fn the_frames_but_for_the_price_are_the_same_buffer() {
        let both = pack(&[TRADE, PRICE]);
        let rest = both.without_price().unwrap();
        assert_eq!(rest.texts().collect::<Vec<_>>(), [TRADE]);
        assert_eq!((rest.count(), rest.wire().as_ptr()), (1, both.wire().as_ptr()));
        assert!(Arc::ptr_eq(&rest, &both.without_price().unwrap()), "made once");
        assert!(pack(&[PRICE]).without_price().is_none());
        let trade = pack(&[TRADE]);
        assert!(!trade.has_price() && Arc::ptr_eq(&trade.without_price().unwrap(), &trade));
    }

    #[test]
    fn a_price_alone_is_itself_and_one_for_several_says_so() {
        let both = pack(&[TRADE, PRICE]);
        let alone = both.conflated(Seq(12), Seq(12), 1).unwrap();
        assert_eq!(alone.texts().collect::<Vec<_>>(), [PRICE]);
        let several = both.conflated(Seq(14), Seq(9), 3).unwrap();
        let expected = r#"{"type":"price_update","channel":"market:x","epoch":1,"seq":14,"slot":5,"data":{"cause":"trade","conflated":3},"from_seq":9}"#;
        assert_eq!(several.texts().collect::<Vec<_>>(), [expected]);
        assert_eq!((several.seq, several.count()), (Seq(14), 1));
        assert!(pack(&[TRADE]).conflated(Seq(12), Seq(12), 1).is_none());
    }
}
