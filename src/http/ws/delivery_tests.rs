//! Every order of arrival.

use proptest::prelude::*;

use super::*;

/// What the world does to a hub and one of its sessions.
#[derive(Debug, Clone)]
enum Step {
    /// The stream sends the entry so far from its head (0 = the newest), as often as it likes.
    Arrive(u64),
    /// The stream makes some entries and loses them on the way.
    Lose(u64),
    /// The stream says where its head is.
    Announce,
    /// The hub asks for what is missing, up to some of it.
    Replay(u64),
    /// The session reads again from where it stands, up to some of it.
    CatchUp(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..40).prop_map(Step::Arrive),
        2 => (0u64..40).prop_map(Step::Lose),
        1 => Just(Step::Announce),
        2 => (1u64..60).prop_map(Step::Replay),
        2 => (1u64..60).prop_map(Step::CatchUp),
    ]
}

proptest! {
    #[test]
    fn each_entry_is_passed_on_exactly_once_and_in_order(
        start in 0u64..50, joined in 0u64..50, steps in proptest::collection::vec(step(), 1..200),
    ) {
        let joined = joined.min(start);
        let mut inlet = Inlet::default();
        let mut reader = Reader::new(Seq(joined));
        let mut stream_head = start;
        let mut passed = Vec::new();
        let mut sent = Vec::new();
        let take = |inlet: &mut Inlet<u64>, reader: &mut Reader, seq: u64, passed: &mut Vec<u64>, sent: &mut Vec<u64>| {
            for (seq, item) in inlet.offer(Seq(seq), seq) {
                prop_assert_eq!(seq, Seq(item));
                passed.push(item);
                if reader.offer(seq) == Offer::Deliver {
                    sent.push(item);
                }
            }
            Ok(())
        };
        // Some arrive before the hub knows where it begins.
        for early in start.saturating_sub(3)..start + 3 {
            take(&mut inlet, &mut reader, early, &mut passed, &mut sent)?;
            stream_head = stream_head.max(early);
        }
        for (seq, item) in inlet.start(Seq(start)) {
            passed.push(item);
            if reader.offer(seq) == Offer::Deliver {
                sent.push(item);
            }
        }
        for step in steps {
            match step {
                Step::Arrive(back) => {
                    if back == 0 {
                        stream_head += 1;
                    }
                    let seq = stream_head.saturating_sub(back).max(1);
                    take(&mut inlet, &mut reader, seq, &mut passed, &mut sent)?;
                }
                Step::Lose(count) => stream_head += count,
                Step::Announce => {
                    inlet.announce(Seq(stream_head));
                    prop_assert_eq!(inlet.is_behind(), inlet.head() < Some(Seq(stream_head)));
                }
                Step::Replay(count) => {
                    let head = inlet.head().unwrap().0;
                    for seq in head + 1..=stream_head.min(head + count) {
                        take(&mut inlet, &mut reader, seq, &mut passed, &mut sent)?;
                    }
                }
                Step::CatchUp(count) => {
                    let last = reader.last();
                    if let Some(recent) = inlet.recent_after(last) {
                        for seq in recent.take(count as usize) {
                            prop_assert_eq!(reader.offer(Seq(*seq)), Offer::Deliver);
                            sent.push(*seq);
                        }
                    } else {
                        let head = inlet.head().unwrap().0;
                        for seq in last.0 + 1..=head.min(last.0 + count) {
                            prop_assert_eq!(reader.offer(Seq(seq)), Offer::Deliver);
                            sent.push(seq);
                        }
                    }
                }
            }
        }
        let all = |from: u64, to: u64| (from + 1..=to).collect::<Vec<_>>();
        prop_assert_eq!(passed, all(start, inlet.head().unwrap().0), "the hub passes on every entry after its start");
        prop_assert_eq!(sent, all(joined, reader.last().0), "the session gets every entry after it joined");
    }
}

#[test]
fn a_jump_forgets_what_is_kept_and_keeps_what_came_early() {
    let mut inlet = Inlet::default();
    assert!(inlet.start(Seq(0)).is_empty());
    assert_eq!(inlet.offer(Seq(1), 1).len(), 1);
    for seq in [12, 13, 15] {
        assert!(inlet.offer(Seq(seq), seq).is_empty());
    }
    assert!(inlet.has_hole());
    assert_eq!(inlet.start(Seq(11)), [(Seq(12), 12), (Seq(13), 13)]);
    assert_eq!(inlet.recent_after(Seq(11)).unwrap().copied().collect::<Vec<_>>(), [12, 13]);
    assert!(inlet.recent_after(Seq(10)).is_none(), "what was jumped over is not kept");
    assert!(inlet.is_behind());
}

#[test]
fn what_is_kept_is_bounded() {
    let mut inlet = Inlet::default();
    inlet.start(Seq(0));
    for seq in 1..=3_000 {
        inlet.offer(Seq(seq), seq);
    }
    assert!(inlet.recent_after(Seq(3_000 - MAX_RECENT as u64)).is_some());
    assert!(inlet.recent_after(Seq(3_000 - MAX_RECENT as u64 - 1)).is_none());
    for seq in 4_000..8_000 {
        inlet.offer(Seq(seq), seq);
    }
    assert_eq!(inlet.early.len(), MAX_EARLY);
    assert_eq!(inlet.early.first_key_value().map(|(seq, _)| seq.0), Some(4_000));
}
