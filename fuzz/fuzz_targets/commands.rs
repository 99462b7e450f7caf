//! What a WebSocket client may say: no text panics, what is accepted is within the bounds, and what is refused can be
//! answered.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zmart::http::ws::{
    messages,
    protocol::{Action, ChannelRef, parse},
};

const MAX_CHANNELS: usize = 4;
/// The longest id that is echoed, as JSON text, is 256 bytes; a text may double by its escapes.
const ID_BYTES_MAX: usize = 6 * 256 + 2;

fn check_id(id: Option<&Value>) {
    assert!(id.is_none_or(|id| !id.is_null() && id.to_string().len() <= ID_BYTES_MAX));
}

fn check_channels<'a>(channels: impl Iterator<Item = &'a ChannelRef>) {
    let channels: Vec<_> = channels.collect();
    // `market_id` may stand beside a full list.
    assert!(channels.len() <= MAX_CHANNELS + 1);
    assert_eq!(channels.iter().collect::<HashSet<_>>().len(), channels.len(), "each channel once");
}

fuzz_target!(|text: &str| {
    match parse(text, MAX_CHANNELS) {
        Ok(message) => {
            check_id(message.id.as_ref());
            match &message.action {
                Action::Subscribe(wants) => {
                    assert!(!wants.is_empty());
                    check_channels(wants.iter().map(|want| &want.channel));
                    // A name is kept until the answer: it is one of the forms that name the channel.
                    assert!(wants.iter().all(|want| want.name.len() <= "market:".len() + 64));
                }
                Action::Unsubscribe(channels) => check_channels(channels.iter()),
                Action::Unquote(quote) => assert!(!quote.is_null()),
                Action::Perform(command) => {
                    assert!(!command.fields.contains_key("action") && !command.fields.contains_key("id"));
                    // Fields may hold a token: they are not told where a message is written down.
                    let shown = format!("Command {{ name: {:?}, .. }}", command.name);
                    assert_eq!(format!("{command:?}"), shown);
                }
                Action::List | Action::Ping | Action::Pong => {}
            }
        }
        Err(refusal) => {
            check_id(refusal.id.as_ref());
            assert!(refusal.message.len() <= 1_024, "a refusal does not echo what it refuses");
            let answer = messages::error(refusal.id.as_ref(), None, refusal.code, &refusal.message);
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer.get("id"), refusal.id.as_ref());
        }
    }
});
