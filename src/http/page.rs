//! Cursors: where the next page begins, as a text that clients hand back unread.
//!
//! A cursor is a place in an order, not a number of rows, so that rows which come or go meanwhile neither repeat nor hide
//! others. Its first byte names the list that it belongs to: one of another list is refused.

use std::{ops::RangeInclusive, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    domain::ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
    journal::{
        read::{
            MarketPosition, TradePosition,
            activity::{ActivityPlace, EventPlace, HolderPlace},
            listing::{ListPlace, MarketSort},
        },
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

/// Moments that rows can have, in microseconds: from 1970 to the end of 9999. PostgreSQL knows none before 4713 BC.
pub const MOMENTS_US: RangeInclusive<i64> = 0..=253_402_300_799_999_999;

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
const ACTIVITY: u8 = b'a';
const COMMENTS: u8 = b'c';
const EVENTS: u8 = b'e';
const HOLDERS: u8 = b'h';
const DECISIONS: u8 = b'd';
const SNAPSHOTS: u8 = b's';
/// Sorted lists of markets: a byte an order, since a place in one means nothing in another.
const SORTED: u8 = b'A';

/// A document's number among those of its market: pages go down from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPlace(pub u32);

impl Place for SnapshotPlace {
    fn encode(&self) -> Vec<u8> {
        [&[SNAPSHOTS][..], &self.0.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, number) = bytes.split_first()?;
        let number = number.try_into().ok()?;
        (list == SNAPSHOTS).then_some(Self(u32::from_be_bytes(number)))
    }
}

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
        let created_at_us = i64::from_be_bytes(*created_at);
        (list == COMMENTS && MOMENTS_US.contains(&created_at_us)).then_some(Self { created_at_us, id })
    }
}

impl Place for ListPlace {
    fn encode(&self) -> Vec<u8> {
        let sort = MarketSort::NAMES.iter().position(|(_, sort)| *sort == self.sort).unwrap_or_default() as u8;
        let list = SORTED + 2 * sort + u8::from(self.descending);
        [&[list][..], &self.key.to_be_bytes(), &self.address.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (key, address) = rest.split_first_chunk::<16>()?;
        let list = list.checked_sub(SORTED)?;
        let (_, sort) = MarketSort::NAMES.get(usize::from(list / 2))?;
        let key = i128::from_be_bytes(*key);
        // Those columns are bigint; the others, numeric, hold any.
        let is_narrow = matches!(sort, MarketSort::CreatedAt | MarketSort::PriceYes | MarketSort::Ending);
        if is_narrow && i64::try_from(key).is_err() {
            return None;
        }
        Some(Self { sort: *sort, descending: list % 2 == 1, key, address: MarketAddress(address.try_into().ok()?) })
    }
}

impl Place for ActivityPlace {
    fn encode(&self) -> Vec<u8> {
        [&[ACTIVITY][..], &self.at_unix.to_be_bytes(), &self.seq.0.to_be_bytes(), &self.market.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (seq, market) = rest.split_first_chunk::<8>()?;
        let market = MarketAddress(market.try_into().ok()?);
        (list == ACTIVITY).then_some(Self {
            at_unix: i64::from_be_bytes(*at),
            market,
            seq: Seq(u64::from_be_bytes(*seq)),
        })
    }
}

impl Place for EventPlace {
    fn encode(&self) -> Vec<u8> {
        [&[EVENTS][..], &self.at_ms.to_be_bytes(), &self.seq.0.to_be_bytes(), &self.stream.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (seq, stream) = rest.split_first_chunk::<8>()?;
        let stream = AccountAddress(stream.try_into().ok()?);
        let at_ms = i64::from_be_bytes(*at);
        let is_moment = at_ms.checked_mul(1_000).is_some_and(|us| MOMENTS_US.contains(&us));
        (list == EVENTS && is_moment).then_some(Self { at_ms, stream, seq: Seq(u64::from_be_bytes(*seq)) })
    }
}

impl Place for HolderPlace {
    fn encode(&self) -> Vec<u8> {
        [&[HOLDERS][..], &self.shares.to_be_bytes(), &self.wallet.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (shares, wallet) = rest.split_first_chunk::<16>()?;
        let wallet = Wallet(wallet.try_into().ok()?);
        let shares = i128::from_be_bytes(*shares);
        (list == HOLDERS && shares >= 0).then_some(Self { shares, wallet })
    }
}

/// A place among a market's decisions: how far this engine's own are told, and how far those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionPlace {
    /// The newest of its own; 0 before the first.
    pub own: i64,
    /// The newest entry of another.
    pub other: TradePosition,
}

impl DecisionPlace {
    /// Before all.
    pub const BEGINNING: Self = Self { own: 0, other: TradePosition { epoch: Epoch(0), seq: Seq(0) } };
}

impl Place for DecisionPlace {
    fn encode(&self) -> Vec<u8> {
        let Self { own, other } = self;
        [&[DECISIONS][..], &own.to_be_bytes(), &other.epoch.0.to_be_bytes(), &other.seq.0.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (own, rest) = rest.split_first_chunk::<8>()?;
        let (epoch, seq) = rest.split_first_chunk::<4>()?;
        let other = TradePosition {
            epoch: Epoch(u32::from_be_bytes(*epoch)),
            seq: Seq(u64::from_be_bytes(seq.try_into().ok()?)),
        };
        let own = i64::from_be_bytes(*own);
        (list == DECISIONS && own >= 0).then_some(Self { own, other })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_round_trips(
            created_at_unix: i64, created_at_us in MOMENTS_US, address: [u8; 32], epoch: u32, seq: u64,
        ) {
            let market = Cursor(MarketPosition { created_at_unix, address: MarketAddress(address) });
            prop_assert_eq!(market.to_text().parse(), Ok(market));
            let trade = Cursor(TradePosition { epoch: Epoch(epoch), seq: Seq(seq) });
            prop_assert_eq!(trade.to_text().parse(), Ok(trade));
            prop_assert_eq!(trade.to_text().parse::<Cursor<MarketPosition>>(), Err(BadCursor));
            let id = uuid::Uuid::from_u64_pair(seq, created_at_unix as u64);
            let comment = Cursor(CommentPosition { created_at_us, id });
            prop_assert_eq!(comment.to_text().parse(), Ok(comment));
            prop_assert_eq!(comment.to_text().parse::<Cursor<TradePosition>>(), Err(BadCursor));
            let other = TradePosition { epoch: Epoch(epoch), seq: Seq(seq) };
            let decision = Cursor(DecisionPlace { own: created_at_us, other });
            prop_assert_eq!(decision.to_text().parse(), Ok(decision));
            prop_assert_eq!(decision.to_text().parse::<Cursor<TradePosition>>(), Err(BadCursor));
        }

        #[test]
        fn a_cursor_of_a_sorted_list_round_trips_and_is_of_that_order(
            sort in 0..6_usize, descending: bool, key: i64, shares in 0..=i128::MAX, address: [u8; 32], seq: u64,
            at_unix: i64,
        ) {
            let key = key.into();
            let place = ListPlace { sort: MarketSort::NAMES[sort].1, descending, key, address: MarketAddress(address) };
            prop_assert_eq!(Cursor(place).to_text().parse(), Ok(Cursor(place)));
            let happened = ActivityPlace { at_unix, seq: Seq(seq), market: MarketAddress(address) };
            prop_assert_eq!(Cursor(happened).to_text().parse(), Ok(Cursor(happened)));
            let holder = HolderPlace { shares, wallet: Wallet(address) };
            prop_assert_eq!(Cursor(holder).to_text().parse(), Ok(Cursor(holder)));
            prop_assert_eq!(Cursor(holder).to_text().parse::<Cursor<ListPlace>>(), Err(BadCursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text in "\\PC{0,200}") {
            if let Ok(cursor) = text.parse::<Cursor<TradePosition>>() {
                prop_assert_eq!(cursor.to_text(), text, "one text a place");
            }
        }
    }

    #[test]
    fn a_place_that_no_row_can_have_is_refused() {
        fn is_refused<P: Place + PartialEq + std::fmt::Debug>(place: P) -> bool {
            Cursor(place).to_text().parse::<Cursor<P>>() == Err(BadCursor)
        }
        let address = MarketAddress([1; 32]);
        for (_, sort) in MarketSort::NAMES {
            let is_numeric = matches!(sort, MarketSort::Volume | MarketSort::Volume24h | MarketSort::Liquidity);
            for key in [1 << 100, -(1 << 100)] {
                assert_eq!(is_refused(ListPlace { sort, descending: false, key, address }), !is_numeric, "{sort:?}");
            }
        }
        assert!(is_refused(HolderPlace { shares: -1, wallet: Wallet([1; 32]) }));
        for at in [i64::MIN, -1, 253_402_300_800_000_000, i64::MAX] {
            assert!(is_refused(CommentPosition { created_at_us: at, id: uuid::Uuid::nil() }), "{at}");
            assert!(is_refused(EventPlace { at_ms: at, stream: address.account(), seq: Seq(1) }), "{at}");
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
