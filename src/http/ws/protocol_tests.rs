//! Tables of messages.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::ids::{MarketAddress, MarketSeed};

const MARKET: &str = "US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx";

fn market() -> ChannelRef {
    ChannelRef::Market(MarketRef::Address(MarketAddress([7; 32])))
}

fn want(channel: ChannelRef, name: &str, since: Option<(u32, u64)>) -> Want {
    Want {
        channel,
        name: name.into(),
        since: since.map(|(epoch, seq)| Since { epoch: Epoch(epoch), seq: Seq(seq) }),
        conflate: None,
    }
}

#[test]
fn messages_are_understood() {
    let by_address = format!("market:{MARKET}");
    let seed = "07".repeat(32);
    let by_seed = format!("market:{seed}");
    let seed_channel = ChannelRef::Market(MarketRef::Seed(MarketSeed([7; 32])));
    let cases = [
        ("ping".to_owned(), None, Action::Ping),
        (json!({"action": "ping", "id": 7}).to_string(), Some(json!(7)), Action::Ping),
        (json!({"action": "pong", "id": null}).to_string(), None, Action::Pong),
        (json!({"action": "list", "id": "x"}).to_string(), Some(json!("x")), Action::List),
        (json!({"action": "unsubscribe"}).to_string(), None, Action::Unsubscribe(vec![])),
        (json!({"action": "unsubscribe", "quote": [1]}).to_string(), None, Action::Unquote(json!([1]))),
        (json!({"action": "unsubscribe", "market_id": MARKET}).to_string(), None, Action::Unsubscribe(vec![market()])),
        (
            json!({"action": "auth", "id": 1, "token": "t", "more": 1}).to_string(),
            Some(json!(1)),
            Action::Perform(Command {
                name: CommandName::Auth,
                fields: json!({"token": "t", "more": 1}).as_object().unwrap().clone(),
            }),
        ),
        (
            json!({"action": "subscribe", "market_id": MARKET, "conflate": false, "more": 1}).to_string(),
            None,
            Action::Subscribe(vec![want(market(), &by_address, None)]),
        ),
        (
            json!({"action": "subscribe", "market_id": MARKET, "channels": [by_address, by_address]}).to_string(),
            None,
            Action::Subscribe(vec![want(market(), &by_address, None)]),
        ),
        (
            json!({"action": "subscribe", "channels": ["config", by_seed],
                   "since": {by_seed.clone(): {"epoch": 1, "seq": u64::MAX}}})
            .to_string(),
            None,
            Action::Subscribe(vec![
                want(ChannelRef::Config, "config", None),
                want(seed_channel, &by_seed, Some((1, u64::MAX))),
            ]),
        ),
        (
            json!({"action": "subscribe", "market_id": MARKET, "since": {by_address.clone(): {"epoch": 2, "seq": 0}}})
                .to_string(),
            None,
            Action::Subscribe(vec![want(market(), &by_address, Some((2, 0)))]),
        ),
    ];
    for (text, id, action) in cases {
        assert_eq!(parse(&text, 200), Ok(ClientMessage { id, action }), "{text}");
    }
}

#[test]
fn bad_messages_are_refused_with_their_code_and_id() {
    use WsErrorCode::{BadMessage, TooManyChannels, UnknownAction, ValidationError};
    let place = json!({"epoch": 1, "seq": 2});
    let subscribe = |fields: Value| {
        let mut message = json!({"action": "subscribe", "id": 1});
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        message.to_string()
    };
    let cases = [
        (String::new(), BadMessage, false),
        ("{".into(), BadMessage, false),
        ("[]".into(), BadMessage, false),
        ("\"ping\"".into(), BadMessage, false),
        ("{} {}".into(), BadMessage, false),
        ("[".repeat(60_000), BadMessage, false),
        (json!({"id": 1}).to_string(), BadMessage, true),
        (json!({"id": 1, "action": 5}).to_string(), BadMessage, true),
        (json!({"id": 1, "action": "fly"}).to_string(), UnknownAction, true),
        (json!({"id": "x".repeat(300), "action": "ping"}).to_string(), ValidationError, false),
        // Found by fuzzing: 184467440737095450000 came back as another number.
        (r#"{"id": 184467440737095450000, "action": "fly"}"#.to_owned(), ValidationError, false),
        (r#"{"id": [{"a": 1.5}], "action": "ping"}"#.to_owned(), ValidationError, false),
        (json!({"id": 1, "action": "unsubscribe", "quote": 1, "market_id": MARKET}).to_string(), ValidationError, true),
        (subscribe(json!({})), ValidationError, true),
        (subscribe(json!({"channels": []})), ValidationError, true),
        (subscribe(json!({"channels": "config"})), ValidationError, true),
        (subscribe(json!({"channels": [1]})), ValidationError, true),
        (subscribe(json!({"channels": ["market:x"]})), ValidationError, true),
        (subscribe(json!({"channels": ["weather"]})), ValidationError, true),
        (subscribe(json!({"channels": ["config", "wallet:me"]})), ValidationError, true),
        (subscribe(json!({"channels": vec!["config"; 201]})), TooManyChannels, true),
        (subscribe(json!({"market_id": 5})), ValidationError, true),
        (subscribe(json!({"market_id": "7".repeat(63)})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "conflate": 1})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "conflate": true, "interval_ms": 49})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "conflate": true, "interval_ms": 5_001})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "conflate": true, "interval_ms": "100"})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "since": 5})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "since": place})), ValidationError, true),
        (subscribe(json!({"market_id": MARKET, "since": {"config": place}})), ValidationError, true),
        (subscribe(json!({"channels": ["config"], "since": {"config": {"epoch": 1}}})), ValidationError, true),
        (
            subscribe(json!({"channels": ["config"], "since": {"config": {"epoch": 1, "seq": -1}}})),
            ValidationError,
            true,
        ),
        (
            subscribe(json!({"channels": ["config"], "since": {"config": {"epoch": 4294967296u64, "seq": 1}}})),
            ValidationError,
            true,
        ),
    ];
    for (text, code, with_id) in cases {
        let refusal = parse(&text, 200).unwrap_err();
        assert_eq!((refusal.code, refusal.id.is_some()), (code, with_id), "{text:.100}: {}", refusal.message);
        assert!(refusal.message.len() < 300, "{}", refusal.message);
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,200}") {
        let _ = parse(&text, 200);
    }
}
