//! PostgreSQL: the journal.

pub mod read;
pub mod rows;
