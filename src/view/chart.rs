//! Charts: candles of any length from the stored ones, and prices as percent. Pure.
//!
//! A candle's prices are those of YES after each trade; a bucket without a trade carries the close before it. Before the
//! first trade there is no candle.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    domain::amount::{PriceE9, UnixSeconds},
    journal::rows::StoredCandle,
};

/// Lengths of candles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum Resolution {
    /// A minute.
    #[serde(rename = "1m")]
    Minute,
    /// Five.
    #[serde(rename = "5m")]
    Minutes5,
    /// Fifteen.
    #[serde(rename = "15m")]
    Minutes15,
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
    /// Four.
    #[serde(rename = "4h")]
    Hours4,
    /// A day, from midnight UTC.
    #[serde(rename = "1d")]
    Day,
}

impl Resolution {
    /// In seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Minutes5 => 300,
            Self::Minutes15 => 900,
            Self::Hour => 3_600,
            Self::Hours4 => 14_400,
            Self::Day => 86_400,
        }
    }

    /// The stored candles that it is made of, in seconds.
    pub fn step(self) -> i32 {
        if self.seconds() < 3_600 { 60 } else { 3_600 }
    }

    /// The first second of the bucket of a moment.
    pub fn bucket(self, at_unix: i64) -> i64 {
        at_unix - at_unix.rem_euclid(self.seconds())
    }
}

impl std::str::FromStr for Resolution {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "1m" => Self::Minute,
            "5m" => Self::Minutes5,
            "15m" => Self::Minutes15,
            "1h" => Self::Hour,
            "4h" => Self::Hours4,
            "1d" => Self::Day,
            _ => return Err(()),
        })
    }
}

/// A candle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct CandleView {
    /// Its first second.
    pub timestamp: UnixSeconds,
    pub open: PriceE9,
    pub high: PriceE9,
    pub low: PriceE9,
    pub close: PriceE9,
    /// Lamports.
    #[schema(pattern = "^[0-9]+$")]
    pub volume: String,
    pub trades: u64,
}

/// The candles from a bucket to before another, of the stored ones in between and the close before them.
pub fn candles(
    stored: &[StoredCandle],
    resolution: Resolution,
    from_unix: i64,
    to_unix: i64,
    close_before: Option<u64>,
) -> Vec<CandleView> {
    let (mut stored, mut close) = (stored.iter().peekable(), close_before);
    let mut candles = Vec::new();
    let mut bucket = resolution.bucket(from_unix);
    while bucket < to_unix {
        let end = bucket + resolution.seconds();
        let mut made: Option<StoredCandle> = None;
        while let Some(part) = stored.next_if(|part| part.bucket_unix < end) {
            made = Some(match made {
                None => *part,
                Some(so_far) => StoredCandle {
                    high: so_far.high.max(part.high),
                    low: so_far.low.min(part.low),
                    close: part.close,
                    volume: so_far.volume + part.volume,
                    trades: so_far.trades + part.trades,
                    ..so_far
                },
            });
        }
        let empty = |price| StoredCandle {
            bucket_unix: bucket,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
            trades: 0,
        };
        if let Some(candle) = made.or_else(|| close.map(empty)) {
            close = Some(candle.close);
            candles.push(CandleView {
                timestamp: UnixSeconds(bucket),
                open: PriceE9(candle.open),
                high: PriceE9(candle.high),
                low: PriceE9(candle.low),
                close: PriceE9(candle.close),
                volume: candle.volume.to_string(),
                trades: candle.trades,
            });
        }
        bucket = end;
    }
    candles
}

/// A fixed-point number as a JSON number: for the shapes that old front ends know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimals {
    /// In the smallest unit.
    pub units: i128,
    /// Units in one are ten to this.
    pub places: u32,
}

impl Decimals {
    /// A price as percent.
    pub fn percent(price: PriceE9) -> Self {
        Self { units: price.0.into(), places: 7 }
    }

    /// Lamports as SOL.
    pub fn sol(lamports: u64) -> Self {
        Self { units: lamports.into(), places: 9 }
    }
}

impl Serialize for Decimals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = 10_u128.pow(self.places.min(30));
        let (sign, size) = (if self.units < 0 { "-" } else { "" }, self.units.unsigned_abs());
        let text = format!("{sign}{}.{:0width$}", size / one, size % one, width = self.places as usize);
        // The nearest number to the exact text.
        serializer.serialize_f64(text.parse().map_err(serde::ser::Error::custom)?)
    }
}

impl utoipa::PartialSchema for Decimals {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new().schema_type(Type::Number).into()
    }
}
impl ToSchema for Decimals {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(bucket_unix: i64, price: u64) -> StoredCandle {
        StoredCandle { bucket_unix, open: price, high: price, low: price, close: price, volume: 10, trades: 1 }
    }

    #[test]
    fn an_empty_bucket_carries_the_close_and_before_the_first_trade_there_is_none() {
        let stored = [minute(360, 5), minute(420, 9), minute(1_000_020, 1)];
        let made = candles(&stored[..2], Resolution::Minutes5, 0, 1_200, None);
        let shown: Vec<_> =
            made.iter().map(|it| (it.timestamp.0, it.open.0, it.high.0, it.close.0, it.trades)).collect();
        assert_eq!(shown, [(300, 5, 9, 9, 2), (600, 9, 9, 9, 0), (900, 9, 9, 9, 0)]);
        assert_eq!(candles(&[], Resolution::Day, 0, 86_400, Some(3)).len(), 1);
        assert_eq!(candles(&[], Resolution::Day, 0, 86_400, None), []);
    }

    #[test]
    fn numbers_are_the_nearest_to_the_exact_ones() {
        let cases = [
            (Decimals::percent(PriceE9(512_345_678)), "51.2345678"),
            (Decimals::percent(PriceE9::ONE), "100.0"),
            (Decimals::sol(u64::MAX), "18446744073.709553"),
            (Decimals { units: -5, places: 7 }, "-5e-7"),
        ];
        for (number, json) in cases {
            assert_eq!(serde_json::to_string(&number).unwrap(), json);
        }
    }

    proptest! {
        #[test]
        fn longer_candles_are_made_of_the_trades_of_their_minutes(
            steps in prop::collection::vec((1..400_i64, 1..1_000_u64), 1..60),
            resolution in prop::sample::select(vec![Resolution::Minute, Resolution::Minutes5, Resolution::Minutes15]),
        ) {
            let mut at = 0;
            let stored: Vec<_> = steps.iter().map(|(gap, price)| { at += gap * 60; minute(at, *price) }).collect();
            let made = candles(&stored, resolution, 0, at + 60, None);
            for candle in &made {
                let inside = |it: &&StoredCandle| {
                    (candle.timestamp.0..candle.timestamp.0 + resolution.seconds()).contains(&it.bucket_unix)
                };
                let trades: Vec<_> = stored.iter().filter(inside).collect();
                prop_assert_eq!(candle.trades, trades.len() as u64);
                if let (Some(first), Some(last)) = (trades.first(), trades.last()) {
                    prop_assert_eq!((candle.open.0, candle.close.0), (first.open, last.close));
                    prop_assert_eq!(candle.high.0, trades.iter().map(|it| it.high).max().unwrap());
                } else {
                    let before = stored.iter().rfind(|it| it.bucket_unix < candle.timestamp.0).unwrap();
                    prop_assert_eq!((candle.open.0, candle.close.0), (before.close, before.close));
                }
            }
            prop_assert_eq!(made.iter().map(|it| it.trades).sum::<u64>(), stored.len() as u64);
        }
    }
}
