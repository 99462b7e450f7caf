//! Live notifications: the fast path, which proves nothing.
//!
//! [`follow`] owns one socket with two subscriptions, the program's logs (confirmed) and the slots, and hands what comes
//! to one bounded channel until something ends it; it says what. It never reconnects, never buffers, never judges a
//! log: the listener does.
//!
//! Why nothing here counts as complete: the client library drops a notification that it cannot parse without a word, it
//! queues without bound whatever is not read at once, it checks no pongs, and a node may itself drop notifications. So
//! loss is found by asking the chain what there is (`chain::rpc`), never by hearing nothing here; and not reading is no
//! answer to too much: when the channel is full the socket is closed, and the gap is filled from the chain.
//! The slots are on the same socket because they tell that it lives: a quiet program says nothing for hours, the chain
//! says something every moment.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use solana_pubsub_client::nonblocking::pubsub_client::{PubsubClient, PubsubClientError};
use solana_rpc_client_api::{
    config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter},
    response::{Response, RpcLogsResponse},
};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Instant, sleep_until, timeout},
};

use super::model::{Commitment, RawTransaction};
use crate::domain::ids::{ProgramId, Slot, TxSignature};

/// What to listen to.
#[derive(Clone)]
pub struct LiveOptions {
    /// Where the node's notifications are (`ws` or `wss`). May carry a key: it is never logged.
    pub url: String,
    /// Transactions that mention it are told.
    pub program: ProgramId,
    /// How long connecting and subscribing may take in all.
    pub connect_timeout: Duration,
    /// Without a slot for so long, the socket is dead.
    pub silent_after: Duration,
}

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveInput {
    /// Both subscriptions stand: always the first. What happened before it has to be asked for, and a little after it
    /// too (nodes acknowledge a subscription before it is in force).
    Subscribed,
    /// A transaction that mentions the program, with its log and without its instructions.
    Logs(RawTransaction),
    /// The newest processed slot. One that finds the channel full is dropped: the next one says more.
    Slot(Slot),
}

/// Why it ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveEnd {
    /// The node was not reached, or not in time.
    #[error("not connected: {0}")]
    ConnectFailed(String),
    /// The node refused a subscription, or did not answer in time.
    #[error("not subscribed: {0}")]
    SubscribeFailed(String),
    /// The socket was closed or broke, or the node sent what is no JSON.
    #[error("the stream ended")]
    StreamEnded,
    /// No slot came for too long.
    #[error("no slot for {0:?}")]
    Silent(Duration),
    /// The channel is full: the receiver is behind.
    #[error("the receiver is full")]
    ReceiverFull,
    /// The receiver is gone.
    #[error("the receiver is gone")]
    ReceiverClosed,
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Listens until something ends it. Dropping `stop`'s sender stops it too.
///
/// The socket's task lives on the runtime that polls this; the socket is closed when this returns or is dropped.
pub async fn follow(options: LiveOptions, out: mpsc::Sender<LiveInput>, mut stop: oneshot::Receiver<()>) -> LiveEnd {
    tokio::select! {
        biased;
        _ = &mut stop => LiveEnd::Stopped,
        () = out.closed() => LiveEnd::ReceiverClosed,
        end = listen(&options, &out) => end,
    }
}

async fn listen(options: &LiveOptions, out: &mpsc::Sender<LiveInput>) -> LiveEnd {
    let deadline = Instant::now() + options.connect_timeout;
    let connecting = timeout(options.connect_timeout, PubsubClient::new(options.url.as_str()));
    let client = match connecting.await {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return LiveEnd::ConnectFailed(text(&error)),
        Err(_) => return LiveEnd::ConnectFailed("no answer in time".into()),
    };
    let subscribing = async {
        let slots = client.slot_subscribe().await?;
        let filter = RpcTransactionLogsFilter::Mentions(vec![options.program.to_string()]);
        let logs = client.logs_subscribe(filter, confirmed_logs()).await?;
        Ok::<_, PubsubClientError>((slots, logs))
    };
    // The second half of each subscription would end it alone; closing the socket ends both, also where the node is
    // too busy to answer.
    let ((mut slots, _), (mut logs, _)) = match tokio::time::timeout_at(deadline, subscribing).await {
        Ok(Ok(streams)) => streams,
        Ok(Err(error)) => return LiveEnd::SubscribeFailed(text(&error)),
        Err(_) => return LiveEnd::SubscribeFailed("no answer in time".into()),
    };
    if let Some(end) = deliver(out, LiveInput::Subscribed) {
        return end;
    }
    let mut silent_at = Instant::now() + options.silent_after;
    loop {
        let input = tokio::select! {
            // A slot that waits to be read is no silence, even if this task was held up; and a flood of logs must not
            // keep a dead slot stream from being noticed.
            biased;
            slot = slots.next() => match slot {
                Some(slot) => {
                    silent_at = Instant::now() + options.silent_after;
                    LiveInput::Slot(Slot(slot.slot))
                }
                None => return LiveEnd::StreamEnded,
            },
            () = sleep_until(silent_at) => return LiveEnd::Silent(options.silent_after),
            entry = logs.next() => match entry {
                Some(entry) => match transaction(entry) {
                    Some(transaction) => LiveInput::Logs(transaction),
                    None => {
                        log::debug!("a log notification that names no transaction was dropped");
                        continue;
                    }
                },
                None => return LiveEnd::StreamEnded,
            },
        };
        if let Some(end) = deliver(out, input) {
            return end;
        }
    }
}

fn deliver(out: &mpsc::Sender<LiveInput>, input: LiveInput) -> Option<LiveEnd> {
    match out.try_send(input) {
        Ok(()) | Err(TrySendError::Full(LiveInput::Slot(_))) => None,
        Err(TrySendError::Full(_)) => Some(LiveEnd::ReceiverFull),
        Err(TrySendError::Closed(_)) => Some(LiveEnd::ReceiverClosed),
    }
}

/// The commitment's own type is private to the client library: it is made as the wire has it.
fn confirmed_logs() -> RpcTransactionLogsConfig {
    let commitment = serde_json::from_value(json!({ "commitment": Commitment::Confirmed })).ok();
    RpcTransactionLogsConfig { commitment }
}

/// `None` where it names no transaction: nodes also notify what they only rehearsed.
fn transaction(entry: Response<RpcLogsResponse>) -> Option<RawTransaction> {
    let signature = entry.value.signature.parse().ok().filter(|signature| *signature != TxSignature::PLACEHOLDER)?;
    Some(RawTransaction {
        signature,
        slot: entry.context.slot,
        index_in_block: None,
        block_time: None,
        failed: entry.value.err.is_some(),
        logs: Some(entry.value.logs),
        invocations: None,
    })
}

fn text(error: &PubsubClientError) -> String {
    match error {
        PubsubClientError::ConnectionError(cause) => format!("{error}: {cause}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "pubsub_tests.rs"]
mod tests;
