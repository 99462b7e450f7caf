//! The way to every stream.

use actix::prelude::*;

use super::stream::{
    AttachConfig, AttachMarket, Detach, ReadConfig, ReadError, ReadMarket, ReleasedConfig, ReleasedMarket, Replay,
    ReplayAfter,
};
use crate::domain::ids::{AccountAddress, MarketAddress};

/// A market's mailbox, of one life of its actor.
#[derive(Debug, Clone)]
pub struct MarketHandle {
    /// The market.
    pub address: MarketAddress,
    pub(super) reads: Recipient<ReadMarket>,
    pub(super) attach: Recipient<AttachMarket>,
    pub(super) detach: Recipient<Detach>,
    pub(super) replay: Recipient<ReplayAfter>,
}

/// The config's mailbox, of one life of its actor.
#[derive(Debug, Clone)]
pub struct ConfigHandle {
    /// The config account.
    pub address: AccountAddress,
    pub(super) reads: Recipient<ReadConfig>,
    pub(super) attach: Recipient<AttachConfig>,
    pub(super) detach: Recipient<Detach>,
    pub(super) replay: Recipient<ReplayAfter>,
}

macro_rules! asks {
    ($handle:ident, $read:ident, $attach:ident, $released:ident) => {
        impl $handle {
            /// The released state.
            pub async fn read(&self) -> Result<$released, ReadError> {
                self.reads.send($read).await.unwrap_or(Err(ReadError::Gone))
            }
            /// See the message.
            pub async fn attach(&self, hub: super::stream::HubLink) -> Result<$released, ReadError> {
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

/// The registry, as the rest of the process knows it.
#[derive(Debug, Clone)]
pub struct RegistryHandle {
    pub(super) markets: Recipient<FindMarket>,
    pub(super) config: Recipient<FindConfig>,
}

impl RegistryHandle {
    /// The market's handle.
    pub async fn market(&self, address: MarketAddress) -> Result<MarketHandle, ReadError> {
        self.markets.send(FindMarket(address)).await.unwrap_or(Err(ReadError::Gone))
    }

    /// The config's handle.
    pub async fn config(&self) -> Result<ConfigHandle, ReadError> {
        self.config.send(FindConfig).await.unwrap_or(Err(ReadError::Gone))
    }
}
