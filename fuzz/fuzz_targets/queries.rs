//! Query strings, cursors and names of markets: no text panics, and what is accepted is within the bounds.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use zmart::{
    http::{
        gateway::MarketRef,
        page::Cursor,
        query::{MAX_LIMIT, MAX_OFFSET},
        routes::markets::list,
    },
    journal::read::{MarketPosition, TradePosition},
};

fuzz_target!(|text: &str| {
    match list::read_query(text) {
        Ok((filter, _, window)) => {
            assert!((1..=MAX_LIMIT).contains(&window.limit));
            assert!(window.offset <= MAX_OFFSET);
            let phases: HashSet<_> = filter.phases.iter().map(|phase| *phase as u8).collect();
            assert_eq!(phases.len(), filter.phases.len(), "each phase once");
        }
        Err(error) => {
            assert!(!error.details.is_empty(), "a refusal names its fields");
            assert!(error.details.iter().all(|detail| detail.message.len() <= 512));
        }
    }
    if let Ok(cursor) = text.parse::<Cursor<MarketPosition>>() {
        assert_eq!(cursor.to_text(), text, "one text a place");
        assert!(text.parse::<Cursor<TradePosition>>().is_err(), "a cursor belongs to one list");
    }
    if let Ok(cursor) = text.parse::<Cursor<TradePosition>>() {
        assert_eq!(cursor.to_text(), text, "one text a place");
    }
    match text.parse::<MarketRef>() {
        Ok(MarketRef::Address(address)) => assert_eq!(address.to_string(), text),
        Ok(MarketRef::Seed(seed)) => assert_eq!(seed.to_string(), text.to_ascii_lowercase()),
        Err(_) => {}
    }
});
