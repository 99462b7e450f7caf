//! The faults, one file a family.

pub mod accounts;
pub mod cuts;
pub mod delays;
pub mod errors;
mod history;
pub mod index;
pub mod lag;
pub mod logs;
pub mod notifications;
pub mod pages;
pub mod retention;
pub mod sends;
pub mod status;
pub mod vanish;
