//! The bus over Redis: publish and subscribe, on one channel a database and life of its journal.
//!
//! Two connections, each with a task of its own that ends with whoever asked for it. A connection that is lost, or a server
//! that does not answer in time, is tried again with pauses that grow; what is said meanwhile is lost, and so is what was
//! published while the other side was away. Both are told of, so that who hears reads the journal instead.

use std::{fmt, sync::Arc, time::Duration};

use backon::BackoffBuilder;
use bytes::Bytes;
use deadpool_redis::redis::{Client, RedisError, aio::MultiplexedConnection, cmd};
use futures_util::StreamExt;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, timeout, timeout_at},
};

use super::{
    Bus, Connection, HEAR_MAX, Heard, SPEAK_MAX, Speaker,
    dirty::{DirtyMarkets, redis::RedisDirty},
    wire::MESSAGE_BYTES_MAX,
};
use crate::redis::{RedisSettings, RedisSettingsError, describe};

/// Redis has so long to take a message, or a connection.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A connection that is quiet for so long is asked whether it is there: leaders say something every second.
const QUIET_MAX: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Clone)]
pub struct RedisBus {
    client: Client,
    database: Name,
}

/// Names the database and the journal's life, as it is when it is asked.
pub type Name = Arc<dyn Fn() -> String + Send + Sync>;

impl fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client: its address may carry a password.
        f.debug_struct("RedisBus").field("channel", &self.channel()).finish_non_exhaustive()
    }
}

impl RedisBus {
    /// Connects to nothing yet. `database` names the database and the journal's life: nodes of another one on the same
    /// Redis hear nothing of it.
    ///
    /// # Errors
    /// The address can't be understood.
    pub fn new(url: &str, database: &str) -> Result<Self, RedisSettingsError> {
        let (client, database) = (RedisSettings::new(url, None)?.client()?, database.to_owned());
        Ok(Self::named(client, Arc::new(move || database.clone())))
    }

    /// As [`RedisBus::new`], by a name that changes with the journal's life: whoever begins to speak, hear or ask then does
    /// it under the new one.
    pub fn named(client: Client, database: Name) -> Self {
        Self { client, database }
    }

    fn channel(&self) -> String {
        format!("zmart:bus:{}", (self.database)())
    }
}

/// Pauses between attempts, until one succeeds.
fn pauses() -> impl Iterator<Item = Duration> {
    backon::ExponentialBuilder::default()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}

impl Bus for RedisBus {
    fn speak(&self) -> Speaker {
        let (queue, waiting) = mpsc::channel(SPEAK_MAX);
        let (told, connection) = mpsc::channel(4);
        tokio::spawn(self.clone().publish(self.channel(), waiting, told));
        Speaker { queue, connection }
    }

    fn hear(&self) -> mpsc::Receiver<Heard> {
        let (heard, hears) = mpsc::channel(HEAR_MAX);
        tokio::spawn(self.clone().subscribe(self.channel(), heard));
        hears
    }

    fn dirty(&self) -> Arc<dyn DirtyMarkets> {
        let database = Arc::clone(&self.database);
        Arc::new(RedisDirty::new(self.client.clone(), Arc::new(move || format!("zmart:changed:{}", database()))))
    }
}

impl RedisBus {
    async fn publish(self, channel: String, mut waiting: mpsc::Receiver<Bytes>, told: mpsc::Sender<Connection>) {
        let mut pauses = pauses();
        let mut retry_at = Instant::now();
        let mut connection: Option<MultiplexedConnection> = None;
        let mut was_up = None;
        while let Some(message) = waiting.recv().await {
            // While Redis is away messages are lost at once: old news is no news.
            if connection.is_none() && Instant::now() < retry_at {
                continue;
            }
            let sent = async {
                let connection = match &mut connection {
                    Some(connection) => connection,
                    none => none.insert(self.client.get_multiplexed_async_connection().await?),
                };
                let _: i64 = cmd("PUBLISH").arg(&channel).arg(message.as_ref()).query_async(connection).await?;
                Ok::<_, RedisError>(())
            };
            let failure = match timeout(PATIENCE, sent).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(describe(&error)),
                Err(_) => Some(format!("no answer within {} ms", PATIENCE.as_millis())),
            };
            let is_up = failure.is_none();
            match failure {
                None => pauses = self::pauses(),
                Some(reason) => {
                    connection = None;
                    retry_at = Instant::now() + pauses.next().unwrap_or(PAUSE_MAX);
                    // Whoever does not look at it learns it from the next.
                    let _ = told.try_send(Connection::Down(reason));
                }
            }
            if is_up && was_up != Some(true) {
                let _ = told.try_send(Connection::Up);
            }
            was_up = Some(is_up);
        }
    }

    async fn subscribe(self, channel: String, heard: mpsc::Sender<Heard>) {
        let mut pauses = pauses();
        loop {
            let ended = tokio::select! {
                () = heard.closed() => return,
                ended = self.listen(&channel, &heard) => ended,
            };
            let (reason, had_begun) = match ended {
                Ok(()) => ("the connection was closed".to_owned(), true),
                Err((reason, had_begun)) => (reason, had_begun),
            };
            if had_begun {
                pauses = self::pauses();
            }
            if heard.send(Heard::Down(reason)).await.is_err() {
                return;
            }
            tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
        }
    }

    /// Hears until the connection ends: why it ended, and whether it had begun.
    async fn listen(&self, channel: &str, heard: &mpsc::Sender<Heard>) -> Result<(), (String, bool)> {
        let begin = async {
            let mut subscriber = self.client.get_async_pubsub().await?;
            subscriber.subscribe(channel).await?;
            Ok::<_, RedisError>(subscriber)
        };
        let begun = timeout(PATIENCE, begin).await.map_err(|_| (format!("no answer within {PATIENCE:?}"), false))?;
        let subscriber = begun.map_err(|error| (describe(&error), false))?;
        if heard.send(Heard::Up).await.is_err() {
            return Ok(());
        }
        let (mut commands, mut messages) = subscriber.split();
        let mut quiet_until = Instant::now() + QUIET_MAX;
        loop {
            match timeout_at(quiet_until, messages.next()).await {
                Ok(Some(message)) => {
                    let payload = message.get_payload_bytes();
                    // A full queue loses it, which its number shows; so does what is too large to be one of ours.
                    if payload.len() <= MESSAGE_BYTES_MAX
                        && let Err(TrySendError::Closed(_)) =
                            heard.try_send(Heard::Message(Bytes::copy_from_slice(payload)))
                    {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => {
                    // Subscribing again asks for an answer, and changes nothing.
                    let asked = timeout(PATIENCE, commands.subscribe(channel)).await;
                    let answered = asked.map_err(|_| (format!("no answer within {PATIENCE:?}"), true))?;
                    answered.map_err(|error| (describe(&error), true))?;
                }
            }
            quiet_until = Instant::now() + QUIET_MAX;
        }
    }
}
