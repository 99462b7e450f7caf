//! What a follower makes of the bus, without a database: nothing listens where it would read.

use std::sync::Arc;

use super::*;
use crate::{
    bus::{memory::MemoryBus, wire::Voice},
    domain::{
        counted::{Counted, Numbers},
        entry::{Entry, EntryBody},
        ids::{AccountAddress, Seq, Slot, Wallet},
    },
    journal::DatabaseSettings,
};

const EPOCH: Epoch = Epoch(2);

fn batch(seq: u64) -> Committed {
    let body = EntryBody::Comment {
        id: Uuid::nil(),
        wallet: Wallet([3; 32]),
        content: "x".into(),
        created_at_ms: 1,
        slot: Slot(1),
        request_id: None,
    };
    let entry = Arc::new(Entry { seq: Seq(seq), recorded_at_ms: 1, body });
    let numbers = Numbers { markets: None, trades: Some(Seq(seq)) };
    let entries = vec![CommittedEntry { stream: AccountAddress([7; 32]), entry, numbers }];
    Committed { epoch: EPOCH, entries, finalized: Vec::new() }
}

/// An ear that has read what there was.
fn ear(bus: Option<Arc<dyn Bus>>) -> (Ear, broadcast::Receiver<Arc<Committed>>) {
    let settings = DatabaseSettings {
        url: "postgres://nobody@127.0.0.1:1/none".into(),
        connect_timeout: Duration::from_millis(50),
        ca_file: None,
    };
    let pool = settings.pool(1).unwrap();
    let (committed, told) = broadcast::channel(64);
    let registry = Link::default();
    registry.set(Registry::new(Arc::new([]), pool.clone(), AccountAddress([9; 32]), DeathGuard::new().0).start());
    let parts = FollowerParts {
        bus,
        pool,
        registry,
        committed,
        news: broadcast::channel(8).0,
        epoch: EPOCH,
        program: ProgramId([1; 32]),
        health: Health::new(),
    };
    (Ear { missed: false, ..Ear::new(parts) }, told)
}

fn told(receiver: &mut broadcast::Receiver<Arc<Committed>>) -> Vec<u64> {
    let batches = std::iter::from_fn(|| receiver.try_recv().ok());
    batches.flat_map(|batch| batch.entries.iter().map(|one| one.entry.seq.0).collect::<Vec<_>>()).collect()
}

#[test]
fn what_follows_is_told_at_once_and_a_hole_a_new_leader_or_a_silence_has_the_journal_read_first() {
    System::new().block_on(async {
        let (mut ear, mut receiver) = ear(None);
        let mut voice = Voice::new(Term(3));
        let say = |voice: &mut Voice, seq| voice.committed(&batch(seq)).remove(0);
        ear.hear(&say(&mut voice, 1));
        assert!(ear.missed, "nothing is known of what this leader said before");
        ear.missed = false;
        ear.hear(&say(&mut voice, 2));
        ear.hear(&say(&mut voice, 3));
        assert!(!ear.missed);
        assert_eq!(told(&mut receiver), [2, 3]);
        voice.skip();
        ear.hear(&say(&mut voice, 5));
        ear.hear(&say(&mut voice, 6));
        assert!(ear.missed);
        assert_eq!(told(&mut receiver), [0_u64; 0], "what follows a hole is read with it");
        ear.missed = false;
        ear.hear(&voice.beat(Slot(40), Slot(41), Slot(39)).unwrap());
        assert!(!ear.missed);
        assert_eq!(ear.parts.health.coverage(), (Slot(40), Slot(41)));
        assert_eq!(ear.parts.health.finality(), Slot(39), "nothing was read for it");
        voice.skip();
        ear.hear(&voice.beat(Slot(40), Slot(41), Slot(39)).unwrap());
        assert!(ear.missed, "a last message that was lost is noticed by the beat");

        ear.missed = false;
        let mut next = Voice::new(Term(4));
        ear.hear(&next.beat(Slot(42), Slot(42), Slot(0)).unwrap());
        assert!(ear.missed, "another leader");
        ear.missed = false;
        // The old one was paused, and says what it had to say.
        ear.hear(&say(&mut voice, 7));
        assert!(!ear.missed);
        assert_eq!(told(&mut receiver), [0_u64; 0]);
        ear.heard_at = Some(Instant::now() - SILENT_AFTER);
        ear.hear(&say(&mut next, 8));
        assert!(ear.missed, "nothing was heard for too long to be sure");
    });
}

#[test]
fn what_was_told_from_the_journal_is_not_told_again_and_another_life_of_it_is_left_alone() {
    System::new().block_on(async {
        let (mut ear, mut receiver) = ear(None);
        let mut voice = Voice::new(Term(1));
        ear.hear(&voice.beat(Slot(1), Slot(1), Slot(0)).unwrap());
        ear.missed = false;
        ear.reader.numbers.insert(Counted::Trades, Seq(4));
        for seq in 3..6 {
            ear.hear(&voice.committed(&batch(seq)).remove(0));
        }
        ear.hear(&voice.committed(&Committed { epoch: Epoch(9), ..batch(6) }).remove(0));
        assert_eq!(told(&mut receiver), [5]);
    });
}

#[test]
fn once_in_its_life_it_says_that_what_was_before_its_first_reading_was_told_to_nobody() {
    System::new().block_on(async {
        let (mut ear, mut receiver) = ear(None);
        ear.begins();
        ear.begins();
        let said: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        assert_eq!(said, [Arc::new(Committed::untold(EPOCH))]);
        assert!(said[0].is_untold() && !batch(1).is_untold());
    });
}

#[test]
fn garbage_is_counted_and_left_alone() {
    System::new().block_on(async {
        let (mut ear, mut receiver) = ear(None);
        for garbage in ["", "{}", "null", "\u{7}", r#"{"v":1,"life":"x"}"#] {
            ear.hear(&Bytes::from_static(garbage.as_bytes()));
        }
        assert_eq!((ear.garbage, ear.missed, ear.leader), (5, false, None));
        assert_eq!(told(&mut receiver), [0_u64; 0]);
    });
}

#[test]
fn what_a_herald_says_comes_over_the_bus_in_order_and_a_full_or_deaf_bus_only_leaves_numbers_out() {
    System::new().block_on(async {
        let bus = MemoryBus::default();
        let shared: Arc<dyn Bus> = Arc::new(bus.clone());
        let (committed, _) = broadcast::channel(64);
        let parts = crate::actors::herald::HeraldParts {
            bus: Some(Arc::clone(&shared)),
            committed: committed.clone(),
            news: broadcast::channel(8).0,
            health: Health::new(),
        };
        let mut hears = bus.hear();
        assert_eq!(hears.recv().await, Some(Heard::Up));
        let herald = crate::actors::herald::Herald::new(parts, Term(5), DeathGuard::new().0).start();
        let (mut numbers, mut seqs) = (Vec::new(), Vec::new());
        for seq in 1..=6 {
            while committed.receiver_count() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            bus.lose(seq == 3);
            committed.send(Arc::new(batch(seq))).unwrap();
            if seq == 3 {
                // Until it was said to nobody.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            loop {
                let Some(Heard::Message(bytes)) = hears.recv().await else { panic!("the bus ended") };
                let message = wire::decode(&bytes).unwrap();
                assert_eq!(message.term, Term(5));
                numbers.push(message.number);
                if let Said::Committed(batch) = message.said {
                    seqs.extend(batch.entries.iter().map(|one| one.entry.seq.0));
                    break;
                }
            }
        }
        assert_eq!(seqs, [1, 2, 4, 5, 6]);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        let holes = numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
        assert!(holes >= 1, "what was lost has left a number out: {numbers:?}");
        // A writer that died may have left something untold: what is said next leaves a number out.
        let before = numbers.last().copied().unwrap();
        committed.send(Arc::new(Committed::untold(EPOCH))).unwrap();
        committed.send(Arc::new(batch(7))).unwrap();
        let mut after = before;
        loop {
            let Some(Heard::Message(bytes)) = hears.recv().await else { panic!("the bus ended") };
            let message = wire::decode(&bytes).unwrap();
            if matches!(message.said, Said::Committed(_)) {
                assert!(message.number > after + 1, "{} after {after}", message.number);
                break;
            }
            after = message.number;
        }
        assert!(herald.connected());
    });
}
