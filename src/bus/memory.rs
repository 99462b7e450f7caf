//! The bus within a process, for tests: what Redis does, with a switch to take it away.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc};

use super::{
    Bus, Connection, HEAR_MAX, Heard, SPEAK_MAX, Speaker,
    dirty::{DirtyMarkets, MemoryDirty},
};

/// See the module; clones are the same bus.
#[derive(Clone)]
pub struct MemoryBus {
    said: broadcast::Sender<Bytes>,
    /// The next messages are lost.
    pub is_deaf: Arc<Mutex<bool>>,
    changed: MemoryDirty,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self { said: broadcast::channel(HEAR_MAX).0, is_deaf: Arc::default(), changed: MemoryDirty::default() }
    }
}

impl MemoryBus {
    /// Loses what is said from now on, or no more.
    pub fn lose(&self, loses: bool) {
        *self.is_deaf.lock().unwrap() = loses;
    }
}

impl Bus for MemoryBus {
    fn speak(&self) -> Speaker {
        let (queue, mut waiting) = mpsc::channel(SPEAK_MAX);
        let (told, connection) = mpsc::channel(4);
        let bus = self.clone();
        tokio::spawn(async move {
            let _ = told.send(Connection::Up).await;
            while let Some(message) = waiting.recv().await {
                if !*bus.is_deaf.lock().unwrap() {
                    let _ = bus.said.send(message);
                }
            }
        });
        Speaker { queue, connection }
    }

    fn hear(&self) -> mpsc::Receiver<Heard> {
        let (heard, hears) = mpsc::channel(HEAR_MAX);
        let mut said = self.said.subscribe();
        tokio::spawn(async move {
            let _ = heard.send(Heard::Up).await;
            while let Ok(message) = said.recv().await {
                if heard.send(Heard::Message(message)).await.is_err() {
                    return;
                }
            }
        });
        hears
    }

    fn dirty(&self) -> Arc<dyn DirtyMarkets> {
        Arc::new(self.changed.clone())
    }
}
