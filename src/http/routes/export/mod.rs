//! Exports: public data, whole.

pub mod trades;
