//! The 20 recorded markets, trade by trade.
