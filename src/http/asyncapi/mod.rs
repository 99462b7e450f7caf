//! The WebSocket port's description (AsyncAPI 3.0), made from the code that makes the messages: served at /asyncapi.json,
//! printed by `zmart asyncapi`, and committed as `docs/asyncapi.json`.
//!
//! What is heard: the tables of `ws::messages::described` and `view::frame::described`. What may be said: the
//! variants in [`said`], which a test holds against the parser. Errors and closes: their own enums. So a message is
//! added where it is made, and nowhere else. That real sessions hold what is said here is a test of `clients/typescript`.

mod document;
pub mod said;
mod strict;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// The document.
pub fn document() -> Value {
    document::build()
}

/// The document as it is committed: indented JSON, with a line end.
///
/// # Errors
/// It can't be written as JSON, which a test excludes.
pub fn text() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&document()).map(|text| text + "\n")
}
