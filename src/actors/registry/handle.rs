//! Handles: how the rest of the process reaches a stream.
//!
//! A handle is of one life of a stream's actor; `Gone` means that it should be found anew. While it is held, its stream is
//! in use and does not leave. The registry's own handle always leads to its newest life.

use std::sync::Arc;

use actix::prelude::*;

use super::super::stream::{
    AttachConfig, AttachMarket, Detach, ReadConfig, ReadError, ReadMarket, ReleasedConfig, ReleasedMarket, Replay,
    ReplayAfter, pulse::Pulse,
};
use crate::domain::ids::{AccountAddress, MarketAddress};

/// A market's mailbox, of one life of its actor.
#[derive(Debug, Clone)]
pub struct MarketHandle {
    /// The market.
    pub address: MarketAddress,
    /// Asks for the released state.
    pub reads: Recipient<ReadMarket>,
    /// Adds a hub.
    pub attach: Recipient<AttachMarket>,
    /// Takes a hub off.
    pub detach: Recipient<Detach>,
    /// Asks for frames.
    pub replay: Recipient<ReplayAfter>,
    /// The stream does not leave while this is held.
    pub held: Arc<Pulse>,
}

/// The config's mailbox, of one life of its actor.
#[derive(Debug, Clone)]
pub struct ConfigHandle {
    /// The config account.
    pub address: AccountAddress,
    /// Asks for the released state.
    pub reads: Recipient<ReadConfig>,
    /// Adds a hub.
    pub attach: Recipient<AttachConfig>,
    /// Takes a hub off.
    pub detach: Recipient<Detach>,
    /// Asks for frames.
    pub replay: Recipient<ReplayAfter>,
}

macro_rules! asks {
    ($handle:ident, $read:ident, $attach:ident, $released:ident) => {
        impl $handle {
            /// The released state.
            pub async fn read(&self) -> Result<$released, ReadError> {
                self.reads.send($read).await.unwrap_or(Err(ReadError::Gone))
            }
            /// See the message.
            pub async fn attach(&self, hub: super::super::stream::HubLink) -> Result<$released, ReadError> {
                self.attach.send($attach(hub)).await.unwrap_or(Err(ReadError::Gone))
            }
            /// See the message.
            pub async fn detach(&self, hub_id: u64) {
                // A stream that is gone has no list to be taken off.
                let _ = self.detach.send(Detach { hub_id }).await;
            }
            /// See the message.
            pub async fn replay(&self, ask: ReplayAfter) -> Result<Replay, ReadError> {
                self.replay.send(ask).await.unwrap_or(Err(ReadError::Gone))
            }
            /// False once the actor is gone.
            pub fn is_alive(&self) -> bool {
                self.reads.connected()
            }
        }
    };
}
asks!(MarketHandle, ReadMarket, AttachMarket, ReleasedMarket);
asks!(ConfigHandle, ReadConfig, AttachConfig, ReleasedConfig);

/// Find a market's handle; its actor is started if it is not running.
#[derive(Message)]
#[rtype(result = "Result<MarketHandle, ReadError>")]
pub struct FindMarket(pub MarketAddress);

/// Find the config's handle.
#[derive(Message)]
#[rtype(result = "Result<ConfigHandle, ReadError>")]
pub struct FindConfig;

type Newest<M> = Arc<dyn Fn() -> Option<Recipient<M>> + Send + Sync>;

/// The registry, as the rest of the process knows it.
#[derive(Clone)]
pub struct RegistryHandle {
    markets: Newest<FindMarket>,
    config: Newest<FindConfig>,
}

impl std::fmt::Debug for RegistryHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegistryHandle")
    }
}

impl RegistryHandle {
    /// Leads to whatever the two functions name at the time of asking.
    pub fn new(
        markets: impl Fn() -> Option<Recipient<FindMarket>> + Send + Sync + 'static,
        config: impl Fn() -> Option<Recipient<FindConfig>> + Send + Sync + 'static,
    ) -> Self {
        Self { markets: Arc::new(markets), config: Arc::new(config) }
    }

    /// The market's handle.
    ///
    /// # Errors
    /// [`ReadError::Unknown`] if the journal knows no such market.
    pub async fn market(&self, address: MarketAddress) -> Result<MarketHandle, ReadError> {
        let Some(registry) = (self.markets)() else { return Err(ReadError::Gone) };
        registry.send(FindMarket(address)).await.unwrap_or(Err(ReadError::Gone))
    }

    /// The config's handle.
    ///
    /// # Errors
    /// [`ReadError::Gone`] while it is restarted.
    pub async fn config(&self) -> Result<ConfigHandle, ReadError> {
        let Some(registry) = (self.config)() else { return Err(ReadError::Gone) };
        registry.send(FindConfig).await.unwrap_or(Err(ReadError::Gone))
    }
}
