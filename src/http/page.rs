//! Cursors: where the next page begins, as a text that clients hand back unread.
//!
//! A cursor is a place in an order, not a number of rows, so that rows which come or go meanwhile neither repeat nor hide
//! others. Its first byte names the list that it belongs to: one of another list is refused.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    domain::ids::{Epoch, MarketAddress, Seq},
    journal::{
        read::{MarketPosition, TradePosition},
        social::CommentPosition,
    },
};

/// A text is not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct BadCursor;

/// A place that a page can begin after.
pub trait Place: Sized {
    /// As bytes.
    fn encode(&self) -> Vec<u8>;
    /// From bytes; `None` if they are not one.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// A place as clients carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<P>(pub P);

/// Longer texts are refused unread.
const MAX_TEXT: usize = 128;

impl<P: Place> Cursor<P> {
    /// As text.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.encode())
    }
}

impl<P: Place> FromStr for Cursor<P> {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() > MAX_TEXT {
            return Err(BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        P::decode(&bytes).map(Self).ok_or(BadCursor)
    }
}

const MARKETS: u8 = b'm';
const TRADES: u8 = b't';
const COMMENTS: u8 = b'c';

impl Place for MarketPosition {
    fn encode(&self) -> Vec<u8> {
        [&[MARKETS][..], &self.created_at_unix.to_be_bytes(), &self.address.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (created_at, address) = rest.split_first_chunk::<8>()?;
        let address = MarketAddress(address.try_into().ok()?);
        (list == MARKETS).then_some(Self { created_at_unix: i64::from_be_bytes(*created_at), address })
    }
}

impl Place for TradePosition {
    fn encode(&self) -> Vec<u8> {
        [&[TRADES][..], &self.epoch.0.to_be_bytes(), &self.seq.0.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (epoch, seq) = rest.split_first_chunk::<4>()?;
        let seq = u64::from_be_bytes(seq.try_into().ok()?);
        (list == TRADES).then_some(Self { epoch: Epoch(u32::from_be_bytes(*epoch)), seq: Seq(seq) })
    }
}

impl Place for CommentPosition {
    fn encode(&self) -> Vec<u8> {
        [&[COMMENTS][..], &self.created_at_us.to_be_bytes(), self.id.as_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (created_at, id) = rest.split_first_chunk::<8>()?;
        let id = uuid::Uuid::from_slice(id).ok()?;
        (list == COMMENTS).then_some(Self { created_at_us: i64::from_be_bytes(*created_at), id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_round_trips(created_at_unix: i64, address: [u8; 32], epoch: u32, seq: u64) {
            let market = Cursor(MarketPosition { created_at_unix, address: MarketAddress(address) });
            prop_assert_eq!(market.to_text().parse(), Ok(market));
            let trade = Cursor(TradePosition { epoch: Epoch(epoch), seq: Seq(seq) });
            prop_assert_eq!(trade.to_text().parse(), Ok(trade));
            prop_assert_eq!(trade.to_text().parse::<Cursor<MarketPosition>>(), Err(BadCursor));
            let id = uuid::Uuid::from_u64_pair(seq, created_at_unix as u64);
            let comment = Cursor(CommentPosition { created_at_us: created_at_unix, id });
            prop_assert_eq!(comment.to_text().parse(), Ok(comment));
            prop_assert_eq!(comment.to_text().parse::<Cursor<TradePosition>>(), Err(BadCursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text in "\\PC{0,200}") {
            if let Ok(cursor) = text.parse::<Cursor<TradePosition>>() {
                prop_assert_eq!(cursor.to_text(), text, "one text a place");
            }
        }
    }

    #[test]
    fn a_cursor_cut_or_lengthened_is_refused() {
        let text = Cursor(TradePosition { epoch: Epoch(1), seq: Seq(2) }).to_text();
        for bad in ["", "t", &text[1..], &text[..text.len() - 1], &format!("{text}A"), &format!("{text}="), " "] {
            assert_eq!(bad.parse::<Cursor<TradePosition>>(), Err(BadCursor), "{bad:?}");
        }
    }
}
