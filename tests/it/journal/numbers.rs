//! Numbers of channels over many markets: 1, 2, 3 … without holes, whatever is refused, lost, taken back or restarted; and
//! what the writer tells of them.

use std::{collections::BTreeMap, sync::Arc};

use actix::prelude::*;
use tokio::sync::broadcast;
use zmart::{
    actors::{
        committed::{COMMITTED_MAX, Committed},
        journal_writer::{AppendError, JournalWriter},
        supervision::{Crash, DeathGuard},
    },
    domain::{
        counted::{Counted, Numbers},
        entry::EntryBody,
        event::Outcome,
        ids::{AccountAddress, Epoch, Seq, Wallet},
    },
    journal::{
        read::channels,
        write::{CommitFailure, WriterLife},
    },
    telemetry::health::Health,
};
use zmart_testkit::{
    patience::{wait_for, within},
    postgres::Database,
};

use super::{append, begin_append, leased, open, prepare, settings, stall, story::Story};

/// The entries of each channel by number, as they are stored: checked to be all that it has, without holes, in each stream in
/// the order of its own numbers, and up to the stored head.
pub async fn checked(database: &Database, epoch: Epoch) -> BTreeMap<&'static str, Vec<(AccountAddress, Seq)>> {
    let client = database.connect().await;
    let heads = channels::heads(&client).await.unwrap();
    let mut all = BTreeMap::new();
    for channel in Counted::ALL {
        let name = channel.as_str();
        let rows = channels::entries_after(&client, channel, epoch, Seq(0), u32::MAX >> 1).await.unwrap();
        let mut newest: BTreeMap<AccountAddress, Seq> = BTreeMap::new();
        for (row, number) in rows.iter().zip(1..) {
            assert_eq!(row.numbers.on(channel), Some(Seq(number)), "{name}");
            assert!(channel.has(&row.entry.body), "{name} {number}");
            let before = newest.insert(row.stream, row.entry.seq);
            assert!(before < Some(row.entry.seq), "{name} {number}: {} after {before:?}", row.entry.seq);
        }
        assert_eq!(heads.of(epoch, channel), Seq(rows.len() as u64), "{name}");
        assert_eq!(channels::head(&client, channel, epoch).await.unwrap(), Seq(rows.len() as u64), "{name}");
        let sql = "SELECT payload FROM journal WHERE epoch = $1::bigint";
        let bodies = client.query(sql, &[&i64::from(epoch.0)]).await.unwrap();
        let on_it = bodies.iter().filter(|row| {
            let body: tokio_postgres::types::Json<EntryBody> = row.get(0);
            channel.has(&body.0)
        });
        assert_eq!(on_it.count(), rows.len(), "{name}");
        all.insert(name, rows.iter().map(|row| (row.stream, row.entry.seq)).collect());
    }
    all
}

fn writer(database: &Database, epoch: Epoch) -> (Addr<JournalWriter>, broadcast::Receiver<Arc<Committed>>) {
    let (guard, _death) = DeathGuard::new();
    let (committed, told) = broadcast::channel(COMMITTED_MAX);
    let pool = leased(settings(&database.url).writer_pool().unwrap());
    (JournalWriter::new(pool, Health::new(), guard).announcing(committed, epoch).start(), told)
}

/// What was told, by channel and number.
fn by_number(told: &mut broadcast::Receiver<Arc<Committed>>) -> BTreeMap<&'static str, Vec<(AccountAddress, Seq)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    while let Ok(batch) = told.try_recv() {
        for one in &batch.entries {
            for channel in Counted::ALL {
                if let Some(seq) = one.numbers.on(channel) {
                    let heard = all.entry(channel.as_str()).or_default();
                    heard.push((one.stream, one.entry.seq));
                    assert_eq!(seq, Seq(heard.len() as u64), "{} is told in order", channel.as_str());
                }
            }
        }
    }
    all
}

#[test]
fn numbers_have_no_holes_whatever_is_refused_taken_back_or_restarted_and_are_told_in_their_order() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (first, mut told) = writer(&database, epoch);
        let mut stories: Vec<Story> = (1..=6).map(|number| Story::begin(number, epoch)).collect();
        let mut generations = Vec::new();
        for story in &mut stories {
            generations.push(open(&first, story.stream()).await);
            story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
        }
        let taken = stories[0].append();
        let taken_id = taken.entries[0].body.chain_event().unwrap().0;
        append(&first, generations[0], taken).await.unwrap();
        // Several markets in one batch, of which one is refused: the others are written one by one.
        let held = stall(&database).await;
        let mut answers = Vec::new();
        for (at, story) in stories.iter_mut().enumerate().skip(1) {
            let mut what = story.append();
            if at == 3
                && let EntryBody::Event { id, .. } = &mut what.entries[2].body
            {
                *id = taken_id;
            }
            answers.push(begin_append(&first, generations[at], what));
        }
        held.batch_execute("ROLLBACK").await.unwrap();
        for (at, answer) in answers.into_iter().enumerate() {
            let outcome = within("an answer", answer).await.unwrap();
            assert_eq!(matches!(outcome, Err(AppendError::Refused(_))), at == 2, "{outcome:?}");
        }
        // A market takes its trade back, and the other one's goes on in the same batch.
        assert!(!stories[1].roll_back_from(Seq(5)).is_empty());
        stories[2].buy(Wallet([5; 32]), Outcome::No, 2_000_000_000);
        for at in [1, 2] {
            append(&first, generations[at], stories[at].append()).await.unwrap();
        }
        let stored = checked(&database, epoch).await;
        assert_eq!(by_number(&mut told), stored);
        assert_eq!((stored["markets"].len(), stored["trades"].len()), (5 * 4 + 1, 5 + 1 + 1));

        // The next life goes on where this one ended.
        first.do_send(Crash);
        let (second, mut told) = writer(&database, epoch);
        let generation = open(&second, stories[4].stream()).await;
        stories[4].buy(Wallet([6; 32]), Outcome::No, 3_000_000_000);
        append(&second, generation, stories[4].append()).await.unwrap();
        let batch = next_written(&mut told);
        assert_eq!(batch.entries[0].numbers, Numbers { trades: Some(Seq(8)), markets: None });
        assert_eq!(checked(&database, epoch).await["trades"].len(), 8);
    });
}

/// The next batch that was told by now. A life can't know what the one before left untold: it says so once, too.
fn next_written(told: &mut broadcast::Receiver<Arc<Committed>>) -> Arc<Committed> {
    std::iter::repeat_with(|| told.try_recv().expect("told before it is answered"))
        .find(|batch| !batch.is_untold())
        .unwrap()
}

#[test]
fn an_acknowledged_entry_was_told_before() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (writer, mut told) = writer(&database, epoch);
        let mut story = Story::begin(1, epoch);
        let generation = open(&writer, story.stream()).await;
        for _ in 0..20 {
            story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
            let what = story.append();
            let newest = what.entries.last().unwrap().seq;
            append(&writer, generation, what).await.unwrap();
            let batch = next_written(&mut told);
            assert_eq!((batch.epoch, batch.entries.last().unwrap().entry.seq), (epoch, newest));
            assert_eq!(batch.finalized, [(story.stream(), Seq(0))]);
        }
    });
}

#[test]
fn two_lives_of_the_writer_never_give_one_number_twice() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let pool = leased(settings(&database.url).writer_pool().unwrap());
        let (mut early, mut late) = (WriterLife::begin(&pool).await.unwrap(), WriterLife::begin(&pool).await.unwrap());
        let mut stories = [1, 2, 3].map(|number| Story::begin(number, epoch));
        late.commit(&pool, 1, &[stories[0].append()]).await.unwrap();
        let refused = early.commit(&pool, 1, &[stories[1].append()]).await;
        assert!(matches!(refused, Err(CommitFailure::LifeOver)), "{refused:?}");
        let numbers = late.commit(&pool, 2, &[stories[2].append()]).await.unwrap();
        assert_eq!(numbers[0][0], Numbers { markets: Some(Seq(5)), trades: None });
        checked(&database, epoch).await;
    });
}

#[test]
fn an_older_life_that_finds_its_numbers_taken_ends_and_the_next_goes_on() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let pool = leased(settings(&database.url).writer_pool().unwrap());
        let (writer, _told) = writer(&database, epoch);
        let (mut own, mut other) = (Story::begin(1, epoch), Story::begin(2, epoch));
        let generation = open(&writer, own.stream()).await;
        WriterLife::begin(&pool).await.unwrap().commit(&pool, 1, &[other.append()]).await.unwrap();
        let refused = append(&writer, generation, own.append()).await;
        assert!(refused.is_err(), "{refused:?}");
        wait_for("the writer to end", || async { if writer.connected() { Err("it lives") } else { Ok(()) } }).await;
        checked(&database, epoch).await;
    });
}
