//! The program's config: what is in force, for everybody to read. Never changes it: only the chain does.

pub mod show;
