//! The actors: who owns what, and who tells whom.
//!
//! | actor | owns | receives | sends | mailbox bound | overflow | on panic |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | [`root`] | kinds and restarts | deaths, orders | - | a death a kind | 20 restarts a minute by rule, then exit 70 | the process ends |
//! | [`clock`] | nothing | - | ticks | - | a tick is left out | restarted |
//! | [`sweeper`] | a timer | - | - | one pass at a time | the next pass | restarted |
//! | [`listener`] | window, live connection, cursor | logs, ticks | `Apply`, `Suspect`, `Finalized` | 4,096 transactions, 256 a lane | unsubscribes; leaves it to coverage | restarted at the cursor |
//! | [`chain_reader`] | an RPC client | `ReadHistory` | - | 8 reads at once | others wait | restarted |
//! | [`lookout`] | a timer | - | - | one look at a time | the next look | restarted |
//! | [`registry`] | the map of streams | `FindMarket`, `OpenMarket`, `Leave` | starts streams | 256 look-ups, 262,144 streams | `Loading` | restarted, its streams end with it |
//! | [`stream`] | a stream's state, ring, listeners | `Apply`, reads, `Attach` | `Append`, frames | 1,024 events, one append in flight | `Full`; a full hub is reminded | read again from the journal |
//! | [`journal_writer`] | buffer, generations | `Append`, `Open`, `Close` | - | 8,192 entries | `Full` at once | restarted, streams are opened again |
//! | [`stats_keeper`] | nothing | ticks | - | one pass at a time | a tick is left out | restarted, what is due is in PostgreSQL |
//! | [`outbox`] | which markets have users' writes on their way | bells, ticks | `Written` | 512 rows a page, 256 markets | rows stay in the outbox | restarted, reads again |
//! | [`ledger_keeper`] | nothing: notes are in PostgreSQL | ticks | - | one piece of work at a time | a tick is no news | restarted |
//! | [`lease_keeper`] | this node's term | `GiveUp` | `Become` | one question at a time | stops leading in time | restarted with the same term |
//! | [`herald`] | numbers of its messages | committed batches, news | the bus | 256 messages | lost, others read the journal | restarted |
//! | [`follower`] | how far this node has heard | the bus | `HearCommitted`, `HearHeads` | 1,024 messages | reads the journal | restarted |
//! | [`feeds`] | the newest entries of channels over many markets, who is told of them | committed batches, attaching, replays | frames | 128 batches | reads the journal | restarted, reads the journal |
//! | [`deliveries`] | nothing: the table is its state | bells | `AreKnown`, `Hinted` | 256 rows, one pass at a time | the next pass | restarted, rows come again |
//! | [`monitor`] | nothing: tables are its state | news of attempts | `Submit` | one pass, one round of the webhook at a time | the next look | restarted, makes a pass |
//! | [`aggregator`] | a place in a walk, readings of the chain's clock | committed batches, news of the submitter | `Submit` | one pass at a time, 4,096 markets heard of | looks at everything | restarted, looks at everything |
//! | [`submissions`] | nothing: the table is its state | `SendNow`, ticks | news | a page of 256, 64 first sends | the next pass | restarted, goes on from the table |
//! | [`verifier`] | nothing: `repairs`, `scheduled_runs` and `alerts` are its state | - | `Rebuild`, `Suspect` | one comparison and one repair at a time | rows wait | restarted, takes what is not answered |
//! | [`submitter`] | nothing: the table is its state | `Submit`, ticks | news | 16 begun at once, 256 on their way | `Unavailable`: asked again | restarted, goes on from the table |
//!
//! Hubs, gateways and sessions are in `http`. [`engine`] wires them; [`supervision`] has the death watch, [`watchdog`]
//! notices who hangs.

use std::time::Duration;

use backon::BackoffBuilder;

use crate::journal::JournalError;

pub mod aggregator;
pub mod backfilling;
pub mod bell;
pub mod chain_clock;
pub mod chain_reader;
pub mod clock;
pub mod committed;
mod config_in_force;
pub mod deliveries;
pub mod dirty_marker;
pub mod engine;
pub mod feeds;
pub mod follower;
mod generations;
pub mod governing;
pub mod herald;
pub mod indexing;
pub mod journal_writer;
pub mod kinds;
pub mod lease_keeper;
pub mod ledger_keeper;
pub mod listener;
pub mod lookout;
pub mod monitor;
pub mod outbox;
pub mod pressure;
pub mod registry;
pub mod role;
pub mod root;
pub mod snapshotter;
pub mod snapshotting;
pub mod stats_keeper;
pub mod stream;
pub mod submissions;
pub mod submitter;
pub mod supervision;
pub mod sweeper;
mod trouble;
pub mod verifier;
pub mod watchdog;

/// Asks the journal until it answers: a read has no effect, and whoever waits for it can do nothing without it. Said once
/// at the beginning, and then every tenth time.
async fn retry<T, F: Future<Output = Result<T, JournalError>>>(what: &str, ask: impl Fn() -> F) -> T {
    let mut pauses = pauses(Duration::from_millis(50), Duration::from_secs(2));
    for attempt in 0_u64.. {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                if attempt % 10 == 0 {
                    log::warn!("{what}, trying again: {error}");
                }
                tokio::time::sleep(pauses.next().unwrap_or(Duration::from_secs(2))).await;
            }
        }
    }
    std::future::pending().await
}

/// Pauses that grow from `min` to `max`, with jitter, without an end.
fn pauses(min: Duration, max: Duration) -> impl Iterator<Item = Duration> {
    backon::ExponentialBuilder::default()
        .with_min_delay(min)
        .with_max_delay(max)
        .with_jitter()
        .without_max_times()
        .build()
}
