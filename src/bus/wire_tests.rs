use proptest::prelude::*;

use super::*;
use crate::{
    domain::ids::{MarketAddress, TxSignature, Wallet},
    view::frame::{Channel, FramePack},
};

fn comment(seq: u64, bytes: usize) -> CommittedEntry {
    let content = "x".repeat(bytes);
    let body = EntryBody::Comment {
        id: Uuid::nil(),
        wallet: Wallet([3; 32]),
        content,
        created_at_ms: 5,
        slot: Slot(7),
        request_id: None,
    };
    let entry = Arc::new(Entry { seq: Seq(seq), recorded_at_ms: 1_700_000_000_123, body });
    let numbers = Numbers { markets: None, trades: seq.is_multiple_of(2).then_some(Seq(seq * 10)) };
    CommittedEntry { stream: AccountAddress([9; 32]), entry, numbers }
}

fn batch(sizes: &[usize]) -> Committed {
    let entries = sizes.iter().zip(1..).map(|(bytes, seq)| comment(seq, *bytes)).collect();
    Committed { epoch: Epoch(3), entries, finalized: vec![(AccountAddress([9; 32]), Seq(1))] }
}

fn heard(messages: &[Bytes]) -> Vec<Message> {
    messages.iter().map(|message| decode(message).unwrap()).collect()
}

#[test]
fn a_batch_comes_as_it_was_said_and_makes_the_same_frames() {
    let said = batch(&[5, 80, 0]);
    let mut voice = Voice::new(Term(4));
    let messages = heard(&voice.committed(&said));
    let [Message { term: Term(4), number: 1, said: Said::Committed(came), .. }] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!(came, &said);
    let frames = |batch: &Committed| -> Vec<_> {
        let channel = Channel::Market(MarketAddress([9; 32]));
        let of = |one: &CommittedEntry| FramePack::of(channel, batch.epoch, &one.entry).wire().to_vec();
        batch.entries.iter().map(of).collect()
    };
    assert_eq!(frames(came), frames(&said));
}

#[test]
fn a_large_batch_is_said_in_pieces_in_order_and_what_is_too_large_alone_leaves_a_number_out() {
    let half = MESSAGE_BYTES_MAX / 2;
    let said = batch(&[half, half, MESSAGE_BYTES_MAX + 1, 10, 10]);
    let mut voice = Voice::new(Term(1));
    let bytes = voice.committed(&said);
    assert!(bytes.iter().all(|message| message.len() <= MESSAGE_BYTES_MAX));
    let messages = heard(&bytes);
    let numbers: Vec<u64> = messages.iter().map(|message| message.number).collect();
    let mut entries = Vec::new();
    for message in &messages {
        let Said::Committed(committed) = &message.said else { panic!("{message:?}") };
        entries.extend(committed.entries.iter().map(|one| one.entry.seq.0));
    }
    assert_eq!(entries, [1, 2, 4, 5]);
    let next = heard(&[voice.beat(Slot(1), Slot(2), Slot(1)).unwrap()])[0].number;
    assert_eq!(next - numbers.len() as u64, 2, "one number is missing before the {next}th: {numbers:?}");
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.last() < Some(&next));
}

#[test]
fn more_entries_than_a_message_holds_are_said_in_several() {
    let said = batch(&vec![1; ENTRIES_MAX * 2 + 1]);
    let messages = heard(&Voice::new(Term(1)).committed(&said));
    let count = |message: &Message| match &message.said {
        Said::Committed(committed) => (committed.entries.len(), committed.finalized.len()),
        _ => panic!("{message:?}"),
    };
    let counts: Vec<_> = messages.iter().map(count).collect();
    assert_eq!(counts, [(ENTRIES_MAX, 1), (ENTRIES_MAX, 0), (1, 0)]);
}

#[test]
fn what_is_no_message_is_told_apart_and_never_panics() {
    let beat = Voice::new(Term(1)).beat(Slot(1), Slot(2), Slot(1)).unwrap();
    let text = String::from_utf8(beat.to_vec()).unwrap();
    let of = |from: &str, to: &str| decode(text.replace(from, to).as_bytes());
    assert!(of("", "").is_ok());
    assert!(matches!(of("\"v\":1", "\"v\":2"), Err(NoMessage::Version(2))));
    assert!(matches!(decode(br#"{"v":9,"something":"else"}"#), Err(NoMessage::Version(9))));
    assert!(matches!(of("beat", "sing"), Err(NoMessage::Malformed(_))));
    assert!(matches!(of("\"head\":2", "\"head\":-2"), Err(NoMessage::Malformed(_))));
    assert!(matches!(decode(&vec![b' '; MESSAGE_BYTES_MAX + 1]), Err(NoMessage::TooLarge(_))));
    let deep = "[".repeat(100_000);
    for garbage in ["", "null", "{}", "PING", r#"{"v":1}"#, deep.as_str(), "\u{0}"] {
        assert!(decode(garbage.as_bytes()).is_err(), "{garbage:.20}");
    }
}

#[test]
fn news_come_as_they_were() {
    let row = SubmissionRow {
        signature: TxSignature([1; 64]),
        wallet: Wallet([2; 32]),
        client_ref: Some("mine".into()),
        market: MarketAddress([3; 32]),
        purpose: "buy_shares".into(),
        status: crate::domain::submission::SubmissionStatus::Failed,
        settled: true,
        slot: Some(Slot(u64::MAX)),
        reason: Some(crate::journal::submissions::FailureReason { code: Some(6_015), name: "Slippage".into() }),
        last_valid_block_height: 12,
        received_at_ms: 1,
        updated_at_ms: 2,
        request_id: Some(Uuid::from_u128(7)),
    };
    let came = decode(&Voice::new(Term(1)).news(&row).unwrap()).unwrap();
    assert_eq!(came.said, Said::News(Box::new(row)));
}

#[test]
fn a_beat_says_how_far_the_chain_is_final_and_one_of_a_release_that_did_not_is_still_a_beat() {
    let beat = Voice::new(Term(1)).beat(Slot(5), Slot(6), Slot(4)).unwrap();
    let said = |finalized| Said::Beat { covered: Slot(5), head: Slot(6), finalized };
    assert_eq!(decode(&beat).unwrap().said, said(Slot(4)));
    let text = String::from_utf8(beat.to_vec()).unwrap();
    let older = text.replace(",\"finalized\":4", "");
    assert_ne!(older, text);
    assert_eq!(decode(older.as_bytes()).unwrap().said, said(Slot(0)));
}

proptest! {
    /// Any change of a real message is refused, or read as some message.
    #[test]
    fn no_bytes_make_it_panic(at in 0_usize..2_000, byte: u8, cut in 0_usize..2_000, any in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = Voice::new(Term(1)).committed(&batch(&[40, 3]))[0].to_vec();
        let length = bytes.len();
        bytes[at % length] = byte;
        let _ = decode(&bytes);
        bytes.truncate(cut);
        let _ = decode(&bytes);
        let _ = decode(&any);
    }
}
