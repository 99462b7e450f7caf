//! The asynchronous questions of a hub: to streams by their handles, to the journal by its connections.
//!
//! Owns the worker's connections for replays. Every question ends within a bound.

use std::{sync::Arc, time::Duration};

use crate::{
    actors::{
        registry::{ConfigHandle, MarketHandle, RegistryHandle},
        stream::{HubLink, ReadError, ReleasedConfig, ReleasedMarket, Replay, ReplayAfter},
    },
    domain::{
        config::ProgramConfig,
        ids::{Epoch, MarketAddress, MarketSeed, Seq, Slot},
        market::Market,
        metadata::MarketMetadata,
    },
    http::pool::{PoolFailure, ReadPool},
    journal::{
        read::{self, ReadFailure},
        rights::{self, Access, Acting},
        rows::timestamp,
    },
    view::{
        config::ConfigView,
        frame::{Channel, FramePack},
        market::MarketView,
    },
};

use super::super::messages::{Snapshot, Subscribed};

/// Longest wait for a stream that is being loaded.
const PATIENCE: Duration = Duration::from_secs(6);
/// Entries in a page of a replay.
const PAGE_ENTRIES: u32 = 128;
/// Bytes of frames in a page; one entry at least.
const PAGE_BYTES: usize = 64 * 1024;

/// A stream, whichever it is.
#[derive(Debug, Clone)]
pub(super) enum StreamHandle {
    Market(MarketHandle),
    Config(ConfigHandle),
}

/// A stream's state when the hub was attached to it.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub epoch: Epoch,
    pub seq: Seq,
    pub slot: Slot,
    pub recorded_at_ms: i64,
    pub state: State,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Market(Arc<Market>, Option<Arc<MarketMetadata>>),
    Config(Option<Arc<ProgramConfig>>),
}

impl Head {
    /// The answer to a subscription that begins here, with a snapshot.
    pub fn snapshot(&self, channel: Channel) -> Subscribed {
        let snapshot = match &self.state {
            State::Market(market, document) => {
                let view = MarketView::at(market, self.seq, self.slot).with_metadata(document.as_deref());
                Snapshot::Market(Box::new(view))
            }
            State::Config(config) => {
                Snapshot::Config(config.as_ref().map(|config| Box::new(ConfigView::from(&**config))))
            }
        };
        Subscribed {
            recovered: false,
            slot: Some(self.slot),
            timestamp: Some(timestamp(self.recorded_at_ms)),
            snapshot: Some(snapshot),
            ..self.resumed(channel, self.seq)
        }
    }

    /// The answer to a subscription that resumes after an entry.
    pub fn resumed(&self, channel: Channel, seq: Seq) -> Subscribed {
        Subscribed {
            channel,
            market_id: channel.market(),
            epoch: self.epoch,
            seq,
            head_seq: self.seq,
            recovered: true,
            slot: None,
            timestamp: None,
            snapshot: None,
        }
    }
}

impl From<ReleasedMarket> for Head {
    fn from(released: ReleasedMarket) -> Self {
        let ReleasedMarket { epoch, seq, slot, recorded_at_ms, market, beside, .. } = released;
        Self { epoch, seq, slot, recorded_at_ms, state: State::Market(market, beside.document) }
    }
}

impl From<ReleasedConfig> for Head {
    fn from(released: ReleasedConfig) -> Self {
        let ReleasedConfig { epoch, seq, slot, recorded_at_ms, config } = released;
        Self { epoch, seq, slot, recorded_at_ms, state: State::Config(config) }
    }
}

impl StreamHandle {
    async fn attach(&self, link: HubLink) -> Result<Head, ReadError> {
        match self {
            Self::Market(handle) => handle.attach(link).await.map(Head::from),
            Self::Config(handle) => handle.attach(link).await.map(Head::from),
        }
    }

    pub async fn detach(&self, hub_id: u64) {
        let detached = async {
            match self {
                Self::Market(handle) => handle.detach(hub_id).await,
                Self::Config(handle) => handle.detach(hub_id).await,
            }
        };
        let _ = tokio::time::timeout(PATIENCE, detached).await;
    }

    pub async fn replay(&self, epoch: Epoch, after: Seq) -> Result<Replay, ReadError> {
        let ask = ReplayAfter { epoch, after };
        let replayed = async {
            match self {
                Self::Market(handle) => handle.replay(ask).await,
                Self::Config(handle) => handle.replay(ask).await,
            }
        };
        tokio::time::timeout(PATIENCE, replayed).await.unwrap_or(Err(ReadError::Loading))
    }

    pub fn is_alive(&self) -> bool {
        match self {
            Self::Market(handle) => handle.is_alive(),
            Self::Config(handle) => handle.is_alive(),
        }
    }
}

/// Why a page can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageFailure {
    /// Ask again a little later.
    Later,
    /// What follows that entry is not there any more, or never was.
    NotServable,
}

impl From<ReadFailure> for PageFailure {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Transient(cause) => log::warn!("a replay waits for the journal: {cause}"),
            // Asking again will not help, but a snapshot would hide entries that exist: the session waits, and says why.
            ReadFailure::Refused(_) | ReadFailure::BadRow(_) => log::error!("a replay can't be read: {failure}"),
        }
        Self::Later
    }
}

impl From<PoolFailure> for PageFailure {
    fn from(failure: PoolFailure) -> Self {
        log::warn!("a replay waits: {failure}");
        Self::Later
    }
}

/// Where a hub's answers come from.
#[derive(Debug)]
pub struct Sources {
    registry: RegistryHandle,
    pool: ReadPool,
}

impl Sources {
    /// Streams behind `registry`, history from `pool`.
    pub fn new(registry: RegistryHandle, pool: ReadPool) -> Self {
        Self { registry, pool }
    }

    /// The market that was made from a seed.
    pub(super) async fn market_of(&self, seed: MarketSeed) -> Result<MarketAddress, ReadError> {
        let looked_up = async {
            let mut client = self.pool.get().await.map_err(|failure| log::warn!("{failure}"))?;
            let found = rights::run(&mut client, Acting::Anyone, Access::Read, async |tx| {
                read::market_address_by_seed(tx, seed).await
            });
            found.await.map_err(|failure| log::warn!("{failure}"))
        };
        looked_up.await.map_err(|()| ReadError::Loading)?.ok_or(ReadError::Unknown)
    }

    /// The config's channel.
    pub(super) async fn config(&self) -> Result<Channel, ReadError> {
        Ok(Channel::Config(self.registry.config().await?.address))
    }

    async fn find(&self, channel: Channel) -> Result<StreamHandle, ReadError> {
        match channel {
            Channel::Market(address) => self.registry.market(address).await.map(StreamHandle::Market),
            Channel::Config(_) => self.registry.config().await.map(StreamHandle::Config),
        }
    }

    /// Put the hub on a stream's list, and learn where the stream stands.
    pub(super) async fn attach(&self, channel: Channel, link: HubLink) -> Result<(StreamHandle, Head), ReadError> {
        let attached = async {
            // An actor that is gone is found once more: it may just have been restarted.
            for _ in 0..2 {
                let handle = match self.find(channel).await {
                    Ok(handle) => handle,
                    Err(ReadError::Gone) => continue,
                    Err(error) => return Err(error),
                };
                match handle.attach(link.clone()).await {
                    Ok(head) => return Ok((handle, head)),
                    Err(ReadError::Gone) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(ReadError::Gone)
        };
        tokio::time::timeout(PATIENCE, attached).await.unwrap_or(Err(ReadError::Loading))
    }

    /// The entries after one, oldest first: from the stream's memory, else from the journal.
    pub(super) async fn page(
        &self,
        channel: Channel,
        handle: Option<StreamHandle>,
        epoch: Epoch,
        after: Seq,
    ) -> Result<Vec<Arc<FramePack>>, PageFailure> {
        let handle = handle.ok_or(PageFailure::Later)?;
        let page = match handle.replay(epoch, after).await {
            Ok(Replay::Frames(packs)) => packs,
            Ok(Replay::ReadJournal { head }) => self.journal_page(channel, epoch, after, head).await?,
            Ok(Replay::NotServable) => return Err(PageFailure::NotServable),
            Err(_) => return Err(PageFailure::Later),
        };
        let page = cut(page);
        let follows = page.iter().zip(after.0 + 1..).all(|(pack, seq)| pack.seq.0 == seq);
        if follows { Ok(page) } else { Err(PageFailure::NotServable) }
    }

    async fn journal_page(
        &self,
        channel: Channel,
        epoch: Epoch,
        after: Seq,
        head: Seq,
    ) -> Result<Vec<Arc<FramePack>>, PageFailure> {
        let entries = {
            let mut client = self.pool.get().await?;
            let page = rights::run(&mut client, Acting::Anyone, Access::Read, async |tx| {
                read::entries_after(tx, channel.stream(), epoch, after, PAGE_ENTRIES).await
            });
            page.await?
        };
        // Nothing past what the stream has released: it is durable, but the world is told in the stream's own time.
        let released = entries.iter().take_while(|entry| entry.seq <= head);
        let page: Vec<_> = released.map(|entry| Arc::new(FramePack::of(channel, epoch, entry))).collect();
        if page.is_empty() && head > after { Err(PageFailure::NotServable) } else { Ok(page) }
    }
}

/// The first page of these.
pub(super) fn cut(packs: impl IntoIterator<Item = Arc<FramePack>>) -> Vec<Arc<FramePack>> {
    let mut bytes = 0;
    let fits = |pack: &Arc<FramePack>| {
        let is_first = bytes == 0;
        bytes += pack.wire().len();
        is_first || bytes <= PAGE_BYTES
    };
    packs.into_iter().take(PAGE_ENTRIES as usize).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccountAddress;

    #[test]
    fn a_page_is_bounded_in_entries_and_bytes_and_never_empty() {
        let pack = |bytes: usize| {
            let channel = Channel::Config(AccountAddress([1; 32]));
            Arc::new(FramePack::new(channel, Epoch(1), Seq(1), &["x".repeat(bytes).into()]))
        };
        let page = |bytes, count| cut((0..count).map(|_| pack(bytes))).len();
        assert_eq!(page(10, 1_000), PAGE_ENTRIES as usize);
        assert_eq!(page(PAGE_BYTES / 4 - 10, 1_000), 4);
        assert_eq!(page(PAGE_BYTES * 2, 1_000), 1);
        assert_eq!(page(10, 0), 0);
    }
}
