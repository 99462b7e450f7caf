//! History that stays: over the end of a market, over a restart, over another database in the place of the first.

mod candles;
mod lives;
mod partitions;
mod retention;
