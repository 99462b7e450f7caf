//! Reading is the inverse of writing, and takes nothing else.

use proptest::prelude::*;

use super::*;

fn site() -> Site {
    Site { domain: "zmart.example".into(), uri: "https://zmart.example".into(), chain: "devnet".into() }
}

fn now() -> DateTime<Utc> {
    "2026-01-31T12:00:00.123Z".parse().unwrap()
}

fn message() -> SignInMessage {
    SignInMessage::issued(&site(), Wallet([7; 32]), "abcdef0123456789", now(), now() + TimeDelta::minutes(5))
}

#[test]
fn the_message_is_written_as_wallets_write_it() {
    let text = format!(
        "zmart.example wants you to sign in with your Solana account:\n{}\n\n{STATEMENT}\n\n\
         URI: https://zmart.example\nVersion: 1\nChain ID: devnet\nNonce: abcdef0123456789\n\
         Issued At: 2026-01-31T12:00:00.123Z\nExpiration Time: 2026-01-31T12:05:00.123Z",
        Wallet([7; 32])
    );
    assert_eq!(message().to_string(), text);
    assert_eq!(text.parse(), Ok(message()));
}

#[test]
fn what_is_not_in_the_form_is_refused() {
    let text = message().to_string();
    let cases = [
        (text.replace("Solana account", "Ethereum account"), BadMessage::Opening),
        (text.replace('\n', "\r\n"), BadMessage::Opening),
        (text.replacen("\n\n", "\n", 1), BadMessage::Form),
        (text.replace(&Wallet([7; 32]).to_string(), "nobody"), BadMessage::Address),
        (format!("{text}\n"), BadMessage::Form),
        (format!("{text}\nNonce: another"), BadMessage::Form),
        (format!("{text}\nResources:"), BadMessage::Form),
        (format!("{text}\nhello"), BadMessage::Form),
        (text.replace("Version: 1\nChain ID: devnet", "Chain ID: devnet\nVersion: 1"), BadMessage::Form),
        (text.replace("Version: 1", "version: 1"), BadMessage::Form),
        (text.replace(STATEMENT, &format!("{STATEMENT}\nand more")), BadMessage::Form),
        (text.replace("T12:00:00.123Z", " 12:00:00.123Z"), BadMessage::Moment),
        (text.replace("2026-01-31T12:00", "2026-02-31T12:00"), BadMessage::Moment),
        ("x".repeat(MESSAGE_BYTES_MAX + 1), BadMessage::TooLong),
        (String::new(), BadMessage::Opening),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<SignInMessage>(), Err(expected), "{text:?}");
    }
}

#[test]
fn every_field_must_be_the_one_that_was_issued() {
    let check = |message: SignInMessage, at: DateTime<Utc>| {
        message.check(&site(), Wallet([7; 32]), at).map(|(nonce, ..)| nonce.to_owned())
    };
    let changed = |change: &dyn Fn(&mut SignInMessage)| {
        let mut message = message();
        change(&mut message);
        check(message, now())
    };
    assert_eq!(check(message(), now()), Ok("abcdef0123456789".into()));
    assert!(changed(&|m| m.chain_id = Some("solana:devnet".into())).is_ok(), "a wallet's other name of the chain");
    let other = Some("other".to_owned());
    for (name, outcome) in [
        ("domain", changed(&|m| m.domain = "evil.example".into())),
        ("address", changed(&|m| m.address = Wallet([8; 32]))),
        ("statement", changed(&|m| m.statement = other.clone())),
        ("statement", changed(&|m| m.statement = None)),
        ("URI", changed(&|m| m.uri = Some("https://zmart.example/".into()))),
        ("Version", changed(&|m| m.version = Some("2".into()))),
        ("Chain ID", changed(&|m| m.chain_id = Some("mainnet".into()))),
        ("Chain ID", changed(&|m| m.chain_id = Some("solana:solana:devnet".into()))),
        ("Nonce", changed(&|m| m.nonce = None)),
        ("Issued At", changed(&|m| m.issued_at = None)),
        ("Expiration Time", changed(&|m| m.expiration_time = None)),
        ("Request ID", changed(&|m| m.request_id = other.clone())),
        ("Resources", changed(&|m| m.resources = vec!["https://zmart.example".into()])),
    ] {
        assert_eq!(outcome, Err(Mismatch::Field(name)));
    }
    let soon = now() + TimeDelta::seconds(SKEW_SECONDS + 1);
    assert_eq!(changed(&|m| m.not_before = Some(Moment::at(soon))), Err(Mismatch::NotYet));
    assert_eq!(changed(&|m| m.issued_at = Some(Moment::at(soon))), Err(Mismatch::NotYet));
    assert_eq!(check(message(), now() + TimeDelta::minutes(5)), Err(Mismatch::Expired));
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(
        domain in "[a-z]{1,10}(:[0-9]{1,5})?",
        statement in proptest::option::of("[ -~&&[^U]][ -~]{0,40}"),
        uri in "[!-~]{1,30}",
        nonce in proptest::option::of("[a-z0-9]{8,20}"),
        request in proptest::option::of("[ -~]{0,20}"),
        resources in proptest::collection::vec("[ -~]{0,20}", 0..3),
        seconds in 0..4_000_000_000i64,
    ) {
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        let message = SignInMessage {
            domain,
            statement,
            uri: Some(uri),
            nonce,
            request_id: request,
            resources,
            not_before: Some(Moment::at(at)),
            ..message()
        };
        prop_assert_eq!(message.to_string().parse(), Ok(message));
    }

    #[test]
    fn no_text_is_read_as_something_else_than_it_is(at in 0..400usize, with in "[\\x00-\\x7f]{0,3}") {
        let mut text = message().to_string();
        let at = at.min(text.len());
        text.replace_range(at..(at + 1).min(text.len()), &with);
        if let Ok(read) = text.parse::<SignInMessage>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
