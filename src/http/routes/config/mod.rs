//! The program's config.

pub mod show;
