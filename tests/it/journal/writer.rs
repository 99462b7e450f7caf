//! The writer's actor: who is answered what, and when.

use zmart::{
    actors::{
        journal_writer::{AppendError, BUFFER_ENTRIES_MAX, Open, WriterGone},
        supervision::Crash,
    },
    domain::{event::Outcome, ids::Wallet},
};
use zmart_testkit::{patience::within, postgres::Database};

use super::{append, begin_append, entries, open, prepare, stall, story::Story, writer};

#[test]
fn of_a_batch_only_the_stream_that_breaks_a_rule_is_refused() {
    // Inserted.
    refuses_one_of_a_batch(0);
}

#[test]
fn of_a_large_batch_only_the_stream_that_breaks_a_rule_is_refused() {
    // Copied.
    refuses_one_of_a_batch(300);
}

fn refuses_one_of_a_batch(entries_more: usize) {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (writer, _health) = writer(&database.url);
        let mut stories: Vec<Story> = (1..=5).map(|number| Story::begin(number, epoch)).collect();
        let mut generations = Vec::new();
        for story in &mut stories {
            story.fill(entries_more);
            generations.push(open(&writer, story.stream()).await);
        }
        let taken = stories[0].append();
        let taken_id = taken.entries[0].body.chain_event().unwrap().0;
        append(&writer, generations[0], taken).await.unwrap();

        // The first goes alone and is held back; the others gather behind it.
        let held = stall(&database).await;
        let mut answers = Vec::new();
        for (at, story) in stories.iter_mut().enumerate().skip(1) {
            let mut what = story.append();
            if at == 3 {
                // An event that is in the journal of another stream already.
                let body = &mut what.entries[2].body;
                if let zmart::domain::entry::EntryBody::Event { id, .. } = body {
                    *id = taken_id;
                }
            }
            answers.push(begin_append(&writer, generations[at], what));
        }
        held.batch_execute("ROLLBACK").await.unwrap();
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(within("an answer", answer).await.unwrap());
        }
        assert!(matches!(&outcomes[2], Err(AppendError::Refused(why)) if why.contains("23505")), "{outcomes:?}");
        for at in [0, 1, 3] {
            assert!(outcomes[at].is_ok(), "stream {}: {outcomes:?}", at + 2);
        }
        let expected: Vec<(String, i64)> = [0, 1, 2, 4]
            .into_iter()
            .map(|at: usize| (stories[at].stream().to_string(), 4 + entries_more as i64))
            .collect();
        let mut expected = expected;
        expected.sort();
        assert_eq!(entries(&database).await, expected);
    });
}

#[test]
fn a_full_buffer_says_so_at_once_and_loses_nothing() {
    actix::System::new().block_on(async {
        const ENTRIES: usize = 1_024;
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (writer, _health) = writer(&database.url);
        let mut stories: Vec<Story> =
            (1..=(BUFFER_ENTRIES_MAX / ENTRIES + 2) as u8).map(|number| Story::begin(number, epoch)).collect();
        let mut generations = Vec::new();
        for story in &mut stories {
            story.fill(ENTRIES - 4);
            generations.push(open(&writer, story.stream()).await);
        }
        let held = stall(&database).await;
        let last = stories.len() - 1;
        let mut answers = Vec::new();
        for (at, story) in stories[..last].iter_mut().enumerate() {
            answers.push(begin_append(&writer, generations[at], story.append()));
        }
        let refused = append(&writer, generations[last], stories[last].append()).await;
        let Err(AppendError::Full(given_back)) = refused else { panic!("{refused:?}") };
        assert!(answers.iter().all(|answer| !answer.is_finished()), "nothing is written yet");
        held.batch_execute("ROLLBACK").await.unwrap();
        for answer in answers {
            within("an answer", answer).await.unwrap().unwrap();
        }
        append(&writer, generations[last], *given_back).await.unwrap();
        let counts: Vec<i64> = entries(&database).await.into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, vec![ENTRIES as i64; stories.len()]);
    });
}

#[test]
fn an_append_that_is_longer_than_the_buffer_is_taken_when_it_is_alone() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (writer, _health) = writer(&database.url);
        let mut story = Story::begin(1, epoch);
        story.fill(BUFFER_ENTRIES_MAX);
        let generation = open(&writer, story.stream()).await;
        append(&writer, generation, story.append()).await.unwrap();
        assert_eq!(entries(&database).await, [(story.stream().to_string(), BUFFER_ENTRIES_MAX as i64 + 4)]);
    });
}

#[test]
fn opening_waits_for_what_is_out_and_ends_the_earlier_life() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (writer, _health) = writer(&database.url);
        let mut story = Story::begin(1, epoch);
        let earlier = open(&writer, story.stream()).await;
        let held = stall(&database).await;
        let out = begin_append(&writer, earlier, story.append());
        story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
        let next = story.append();
        let opening = writer.send(Open(story.stream()));
        let opening = actix::spawn(async move { opening.await.unwrap() });
        // Another stream is not held up by it: its opening is answered while the first one's waits.
        open(&writer, Story::begin(2, epoch).stream()).await;
        assert!(!opening.is_finished(), "what is out is not settled yet");
        let late = append(&writer, earlier, next.clone()).await;
        assert!(matches!(late, Err(AppendError::Overtaken)), "while the next life begins: {late:?}");
        held.batch_execute("ROLLBACK").await.unwrap();
        within("the append", out).await.unwrap().unwrap();
        let later = within("the opening", opening).await.unwrap().unwrap();
        assert_ne!(earlier, later);
        let late = append(&writer, earlier, next.clone()).await;
        assert!(matches!(late, Err(AppendError::Overtaken)), "after it has begun: {late:?}");
        append(&writer, later, next).await.unwrap();
        assert_eq!(entries(&database).await, [(story.stream().to_string(), 5)]);
    });
}

#[test]
fn a_writer_that_dies_leaves_nobody_waiting_and_its_next_life_knows_what_it_wrote() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (first, _health) = writer(&database.url);
        let mut story = Story::begin(1, epoch);
        let generation = open(&first, story.stream()).await;
        let held = stall(&database).await;
        let out = begin_append(&first, generation, story.append());
        let opening = first.send(Open(story.stream()));
        let opening = actix::spawn(opening);
        first.do_send(Crash);
        let answer = within("the append", out).await.unwrap();
        assert!(matches!(answer, Err(AppendError::Overtaken)), "{answer:?}");
        let answer = within("the opening", opening).await.unwrap();
        assert!(matches!(answer, Err(_) | Ok(Err(WriterGone))), "{answer:?}");
        held.batch_execute("ROLLBACK").await.unwrap();

        let (second, _health) = writer(&database.url);
        let generation = within("the next life", open(&second, story.stream())).await;
        // Nothing of what was out was written: the append is still the next.
        assert_eq!(entries(&database).await, []);
        let mut again = Story::begin(1, epoch);
        append(&second, generation, again.append()).await.unwrap();
        assert_eq!(entries(&database).await, [(story.stream().to_string(), 4)]);
    });
}
