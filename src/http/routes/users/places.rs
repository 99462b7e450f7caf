//! Places in the lists of a wallet, as cursors carry them.

use crate::{
    domain::ids::{MarketAddress, Seq, Slot},
    http::page::{MOMENTS_US, Place},
    journal::{read::wallets::WalletTradePosition, rows::wallets::VotePosition},
};

const TRADES: u8 = b'W';
const POSITIONS: u8 = b'P';
const VOTES: u8 = b'V';

/// The market of the last position of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AfterMarket(pub MarketAddress);

impl Place for AfterMarket {
    fn encode(&self) -> Vec<u8> {
        [&[POSITIONS][..], &self.0.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, market) = bytes.split_first()?;
        let market = MarketAddress(market.try_into().ok()?);
        (list == POSITIONS).then_some(Self(market))
    }
}

impl Place for WalletTradePosition {
    fn encode(&self) -> Vec<u8> {
        [&[TRADES][..], &self.slot.0.to_be_bytes(), &self.seq.0.to_be_bytes(), &self.market.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (slot, rest) = rest.split_first_chunk::<8>()?;
        let (seq, market) = rest.split_first_chunk::<8>()?;
        let market = MarketAddress(market.try_into().ok()?);
        let place = Self { slot: Slot(u64::from_be_bytes(*slot)), market, seq: Seq(u64::from_be_bytes(*seq)) };
        (list == TRADES).then_some(place)
    }
}

impl Place for VotePosition {
    fn encode(&self) -> Vec<u8> {
        [&[VOTES, self.code()][..], &self.created_at_us.to_be_bytes(), &self.market.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&list, rest) = bytes.split_first()?;
        let (&code, rest) = rest.split_first()?;
        let (created_at, market) = rest.split_first_chunk::<8>()?;
        let (source, kind) = Self::of_code(code)?;
        let market = MarketAddress(market.try_into().ok()?);
        let created_at_us = i64::from_be_bytes(*created_at);
        let is_place = list == VOTES && MOMENTS_US.contains(&created_at_us);
        is_place.then_some(Self { created_at_us, source, kind, market })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::page::{BadCursor, Cursor};

    proptest! {
        #[test]
        fn places_round_trip_and_are_of_one_list(slot: u64, seq: u64, market: [u8; 32], at in MOMENTS_US, code in 0u8..4) {
            let market = MarketAddress(market);
            let trade = Cursor(WalletTradePosition { slot: Slot(slot), market, seq: Seq(seq) });
            prop_assert_eq!(trade.to_text().parse(), Ok(trade));
            let (source, kind) = VotePosition::of_code(code).unwrap();
            let vote = Cursor(VotePosition { created_at_us: at, source, kind, market });
            prop_assert_eq!(vote.0.code(), code);
            prop_assert_eq!(vote.to_text().parse(), Ok(vote));
            let before = Cursor(VotePosition { created_at_us: -1 - at, ..vote.0 });
            prop_assert_eq!(before.to_text().parse::<Cursor<VotePosition>>(), Err(BadCursor));
            let position = Cursor(AfterMarket(market));
            prop_assert_eq!(position.to_text().parse(), Ok(position));
            prop_assert_eq!(position.to_text().parse::<Cursor<VotePosition>>(), Err(BadCursor));
            prop_assert_eq!(vote.to_text().parse::<Cursor<WalletTradePosition>>(), Err(BadCursor));
        }
    }
}
