//! The server goes away, and answers get lost: everything is written once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use zmart::{
    actors::{
        journal_writer::{ANSWER_MAX, JournalWriter},
        supervision::DeathGuard,
    },
    domain::{event::Outcome, ids::Wallet},
    telemetry::health::{Health, Part, PartState},
};
use zmart_testkit::{
    patience::{wait_for, within},
    postgres::{Cluster, Database},
};

use super::{append, begin_append, entries, open, prepare, settings, story::Story, writer};

const PASS: u8 = 0;
/// COMMIT reaches the server; its answer does not come back.
const LOSE_ANSWER: u8 = 1;
/// COMMIT does not reach the server.
const LOSE_COMMIT: u8 = 2;
/// COMMIT reaches the server; from then on nothing passes on this connection, which stays open.
const HANG_AFTER_COMMIT: u8 = 3;
/// COMMIT does not reach the server, and nothing after it; the connection stays open.
const HANG_BEFORE_COMMIT: u8 = 4;

/// The connection breaks in the middle of a batch's rows.
const LOSE_ROWS: u8 = 3;

/// A network between the writer and its server, that breaks once at the worst moment.
struct Network {
    url: String,
    fault: Arc<AtomicU8>,
}

impl Network {
    async fn before(database: &Database) -> Self {
        let (head, name) = database.url.rsplit_once('/').unwrap();
        let (scheme, server) = head.split_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}@{}/{name}", listener.local_addr().unwrap());
        let (server, fault) = (server.to_owned(), Arc::new(AtomicU8::new(PASS)));
        let faulty = fault.clone();
        actix::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                // A broken connection is what this is for.
                actix::spawn(pass_on(socket, server, faulty.clone()));
            }
        });
        Self { url, fault }
    }
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, fault: Arc<AtomicU8>) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let is_commit = asked[..length].windows(6).any(|six| six == b"COMMIT");
                let is_rows = length >= 4_096 && fault.load(Ordering::SeqCst) == LOSE_ROWS;
                let is_due = is_rows || is_commit && fault.load(Ordering::SeqCst) != LOSE_ROWS;
                let now = if is_due { fault.swap(PASS, Ordering::SeqCst) } else { PASS };
                if now == LOSE_ROWS {
                    let _ = server.write_all(&asked[..length / 2]).await;
                    return;
                }
                if now == LOSE_COMMIT {
                    return;
                }
                if now == HANG_BEFORE_COMMIT {
                    return hang(client).await;
                }
                if server.write_all(&asked[..length]).await.is_err() {
                    return;
                }
                if now == LOSE_ANSWER {
                    // The server has done it when it answers; nobody hears it.
                    let _ = server.read(&mut answered).await;
                    return;
                }
                if now == HANG_AFTER_COMMIT {
                    let _ = server.read(&mut answered).await;
                    return hang(client).await;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Holds a connection and says nothing, until the other end gives it up.
async fn hang(mut client: TcpStream) {
    let mut said = [0; 1_024];
    while let Ok(1..) = client.read(&mut said).await {}
}

/// Writes an append through each fault; answers with the database once each is there, once.
async fn written_once_through(faults: &[u8], answers_in: Duration) -> Database {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let network = Network::before(&database).await;
    let (guard, _death) = DeathGuard::new();
    let pool = settings(&network.url).pool(2).unwrap();
    let writer = JournalWriter::new(pool, Health::new(), guard).with_answers_in(answers_in).start();
    let mut story = Story::begin(1, epoch);
    let generation = open(&writer, story.stream()).await;
    let mut written = 0;
    for &fault in faults {
        let what = story.append();
        written += what.entries.len() as i64;
        network.fault.store(fault, Ordering::SeqCst);
        within("an append", append(&writer, generation, what)).await.unwrap();
        assert_eq!(network.fault.load(Ordering::SeqCst), PASS, "the fault {fault} has happened");
        assert_eq!(entries(&database).await, [(story.stream().to_string(), written)], "after fault {fault}");
        super::numbers::checked(&database, epoch).await;
        story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
    }
    database
}

#[test]
fn a_server_that_is_silent_on_an_open_socket_is_asked_anew_and_all_is_written_once() {
    actix::System::new().block_on(async {
        let faults = [HANG_AFTER_COMMIT, HANG_BEFORE_COMMIT, PASS];
        written_once_through(&faults, Duration::from_millis(700)).await;
    });
}

#[test]
fn a_commit_without_an_answer_is_looked_up_and_written_once() {
    actix::System::new().block_on(async {
        let database = written_once_through(&[LOSE_ANSWER, LOSE_COMMIT, PASS, LOSE_ANSWER], ANSWER_MAX).await;
        let last_batch = "SELECT max(last_batch) FROM journal_writers";
        let batches: i64 = database.connect().await.query_one(last_batch, &[]).await.unwrap().get(0);
        assert_eq!(batches, 4);
    });
}

#[test]
fn a_batch_that_is_cut_off_in_the_middle_of_its_rows_is_written_once() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let network = Network::before(&database).await;
        let (writer, _health) = writer(&network.url);
        let mut story = Story::begin(1, epoch);
        let generation = open(&writer, story.stream()).await;
        let mut written = 4;
        // Few are inserted, many are copied.
        for entries_more in [1_500, 100, 2_000] {
            story.fill(entries_more);
            written += entries_more as i64;
            network.fault.store(LOSE_ROWS, Ordering::SeqCst);
            within("an append", append(&writer, generation, story.append())).await.unwrap();
            assert_eq!(network.fault.load(Ordering::SeqCst), PASS, "the fault has happened");
            assert_eq!(entries(&database).await, [(story.stream().to_string(), written)]);
        }
    });
}

fn journal_is_up(health: &Health) -> bool {
    health.parts()[&Part::Journal] == PartState::Up
}

#[test]
fn appends_wait_for_a_server_that_is_away_and_readiness_tells() {
    actix::System::new().block_on(async {
        let mut cluster = Cluster::start().await;
        let database = cluster.database().await;
        let epoch = prepare(&database).await;
        let (writer, health) = writer(&database.url);
        let mut stories: Vec<Story> = (1..=4).map(|number| Story::begin(number, epoch)).collect();
        let mut generations = Vec::new();
        for story in &mut stories {
            generations.push(open(&writer, story.stream()).await);
        }
        append(&writer, generations[0], stories[0].append()).await.unwrap();
        stories[0].buy(Wallet([4; 32]), Outcome::No, 1_000_000_000);
        assert!(journal_is_up(&health));

        cluster.stop();
        let answers: Vec<_> = stories
            .iter_mut()
            .zip(&generations)
            .map(|(story, generation)| begin_append(&writer, *generation, story.append()))
            .collect();
        wait_for("readiness to turn down", || async { if journal_is_up(&health) { Err("up") } else { Ok(()) } }).await;
        assert!(answers.iter().all(|answer| !answer.is_finished()), "nobody is told anything before it is sure");
        cluster.up().await;
        for answer in answers {
            within("an append", answer).await.unwrap().unwrap();
        }
        assert!(journal_is_up(&health));
        let counts: Vec<i64> = entries(&database).await.into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts.iter().sum::<i64>(), 5 + 3 * 4);
    });
}
