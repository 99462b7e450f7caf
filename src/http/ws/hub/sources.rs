//! The asynchronous questions of a hub: to streams by their handles, to the journal by its connections.
//!
//! Owns the worker's connections for replays. Every question ends within a bound.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::Addr;

use crate::{
    actors::{
        feeds::{Feeds, FollowFinality},
        registry::RegistryHandle,
        stream::{HubLink, ReadError, Replay},
        supervision::Link,
    },
    domain::{
        counted::Counted,
        ids::{AccountAddress, Epoch, MarketAddress, MarketSeed, Seq},
    },
    http::{
        auth::caller::Caller,
        pool::{PoolFailure, ReadPool},
        ws::snapshots,
    },
    journal::{
        read::{self, ReadFailure, channels, latest},
        rights::{self, Access, Acting},
    },
    telemetry::health::Health,
    view::frame::{Channel, FramePack},
};

use super::{
    super::protocol::Since,
    feeds::FeedHandle,
    head::{Head, ManyAt, State, StreamHandle},
};

/// Longest wait for a stream that is being loaded.
pub(super) const PATIENCE: Duration = Duration::from_secs(6);
/// What was read of many markets serves who subscribes so soon after.
const SNAPSHOT_KEPT: Duration = Duration::from_secs(1);
/// Feeds that are being started are asked so often, with a pause between.
const LOADING_ATTEMPTS: usize = 50;
const LOADING_PAUSE: Duration = Duration::from_millis(100);
/// A stream that is behind what a client has is asked again so often, with a pause between: five seconds, in which a node
/// that follows notices that the leader is gone and reads the journal.
const BEHIND_ATTEMPTS: usize = 50;
const BEHIND_PAUSE: Duration = Duration::from_millis(100);
/// Streams that are asked for at once.
const FINALIZED_AT_ONCE: usize = 1_000;
/// Entries in a page of a replay.
const PAGE_ENTRIES: u32 = 128;
/// Bytes of frames in a page; one entry at least.
const PAGE_BYTES: usize = 64 * 1024;

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

/// What was read for a channel over many markets.
struct Kept {
    /// When the reading began.
    read_at: Instant,
    epoch: Epoch,
    at: ManyAt,
}

/// Where a hub's answers come from.
pub struct Sources {
    registry: RegistryHandle,
    pool: ReadPool,
    feeds: Link<Feeds>,
    health: Health,
    /// By channel: what was read last, and when. Who comes while it is read waits for it.
    snapshots: BTreeMap<Channel, tokio::sync::Mutex<Option<Kept>>>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

impl Sources {
    /// Streams behind `registry`, history from `pool`, channels over many markets from `feeds`; `health` knows which markets
    /// may be behind.
    pub fn new(registry: RegistryHandle, pool: ReadPool, feeds: Link<Feeds>, health: Health) -> Self {
        let shared = Counted::ALL.map(Channel::Counted).into_iter().chain([Channel::Ticker]);
        let snapshots = shared.map(|channel| (channel, Default::default())).collect();
        Self { registry, pool, feeds, health, snapshots }
    }

    /// The markets that were made from these seeds, as far as there are any; in one question.
    pub(super) async fn markets_of(&self, seeds: &[MarketSeed]) -> Result<Vec<(MarketSeed, MarketAddress)>, ReadError> {
        let looked_up = async {
            let mut client = self.pool.get().await.map_err(|failure| log::warn!("{failure}"))?;
            let found = rights::run(&mut client, Acting::Anyone, Access::Read, async |tx| {
                read::market_addresses_by_seeds(tx, seeds).await
            });
            found.await.map_err(|failure| log::warn!("{failure}"))
        };
        looked_up.await.map_err(|()| ReadError::Loading)
    }

    /// Be told what becomes final; `None` if the feeds are not there now.
    pub(super) async fn follow(&self, link: HubLink) -> Option<Addr<Feeds>> {
        let feeds = self.feeds.get()?;
        feeds.send(FollowFinality(link)).await.ok()?;
        Some(feeds)
    }

    /// What is final of these streams now; `None` if the journal can't be asked.
    pub(super) async fn finalized(&self, streams: &[AccountAddress]) -> Option<Vec<(AccountAddress, Epoch, Seq)>> {
        let mut points = Vec::new();
        for some in streams.chunks(FINALIZED_AT_ONCE) {
            let mut client = self.pool.get().await.map_err(|failure| log::warn!("{failure}")).ok()?;
            let found =
                rights::run(&mut client, Acting::Anyone, Access::Read, async |tx| latest::finalized(tx, some).await);
            points.extend(found.await.map_err(|failure| log::warn!("{failure}")).ok()?);
        }
        Some(points)
    }

    /// The config's channel.
    pub(super) async fn config(&self) -> Result<Channel, ReadError> {
        Ok(Channel::Config(self.registry.config().await?.address))
    }

    async fn find(&self, channel: Channel) -> Result<StreamHandle, ReadError> {
        match channel {
            Channel::Market(address) => self.registry.market(address).await.map(StreamHandle::Market),
            Channel::Config(_) => self.registry.config().await.map(StreamHandle::Config),
            Channel::Counted(_) | Channel::Ticker | Channel::Wallet(_) => {
                let feeds = self.feeds.get().ok_or(ReadError::Loading)?;
                Ok(StreamHandle::Feed(FeedHandle::new(channel, feeds)))
            }
        }
    }

    /// The same for who wants to go on after an entry. Where the stream does not have it yet, as on a node that follows and
    /// is a little behind, it is told of it and given some time.
    pub(super) async fn attach_after(
        &self,
        channel: Channel,
        link: HubLink,
        since: Since,
    ) -> Result<(StreamHandle, Head), ReadError> {
        for attempt in 0..BEHIND_ATTEMPTS {
            let (handle, head) = self.attach(channel, link.clone(), false, None).await?;
            if head.epoch != since.epoch || head.seq >= since.seq {
                return Ok((handle, head));
            }
            if attempt == 0 {
                // What comes of it is seen at the next attempt.
                let _ = handle.replay(since.epoch, since.seq).await;
            }
            tokio::time::sleep(BEHIND_PAUSE).await;
        }
        self.attach(channel, link, false, None).await
    }

    /// Put the hub on a stream's list, and learn where the stream stands; of many markets also what there is, if somebody
    /// needs it.
    pub(super) async fn attach(
        &self,
        channel: Channel,
        link: HubLink,
        needs_snapshot: bool,
        caller: Option<Caller>,
    ) -> Result<(StreamHandle, Head), ReadError> {
        let is_fed = !matches!(channel, Channel::Market(_) | Channel::Config(_));
        let attached = async {
            // An actor that is gone is found once more: it may just have been restarted.
            let attempts = if is_fed { LOADING_ATTEMPTS } else { 2 };
            for _ in 0..attempts {
                let handle = match self.find(channel).await {
                    Ok(handle) => handle,
                    Err(ReadError::Gone) => continue,
                    Err(ReadError::Loading) if is_fed => {
                        tokio::time::sleep(LOADING_PAUSE).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                match handle.attach(link.clone()).await {
                    Ok(head) if needs_snapshot => {
                        let head = self.with_snapshot(channel, head, caller, Instant::now()).await?;
                        return Ok((handle, head));
                    }
                    Ok(head) => return Ok((handle, head)),
                    Err(ReadError::Gone) => {}
                    // They read the journal just now, which is soon done.
                    Err(ReadError::Loading) if is_fed => tokio::time::sleep(LOADING_PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
            Err(ReadError::Gone)
        };
        tokio::time::timeout(PATIENCE, attached).await.unwrap_or(Err(ReadError::Loading))
    }

    /// A head of a channel over many markets, with what was read at it or after it: now, or a moment ago at an earlier head,
    /// which then is where the answer begins. What has no numbers can't be gone on with from an earlier place: its reading must
    /// have begun after the hub was attached.
    async fn with_snapshot(
        &self,
        channel: Channel,
        head: Head,
        caller: Option<Caller>,
        attached_at: Instant,
    ) -> Result<Head, ReadError> {
        if let (Channel::Wallet(wallet), Some(caller)) = (channel, caller) {
            let read = snapshots::of_wallet(&self.pool, wallet, &caller).await;
            let read = read.map_err(|failure| {
                log::warn!("{channel}: {failure}");
                ReadError::Loading
            })?;
            let at = ManyAt { seq: head.seq, newest: None, read };
            return Ok(Head { state: State::Many(Some(at)), ..head });
        }
        let Some(kept) = self.snapshots.get(&channel) else { return Ok(head) };
        let mut kept = kept.lock().await;
        if let Some(Kept { read_at, epoch, at }) = &*kept
            && (read_at.elapsed() < SNAPSHOT_KEPT && *epoch == head.epoch && at.seq <= head.seq)
            && (channel.is_numbered() || *read_at >= attached_at)
        {
            return Ok(Head { state: State::Many(Some(at.clone())), ..head });
        }
        let read_at = Instant::now();
        let read = snapshots::read(&self.pool, &self.health, channel).await;
        let read = read.map_err(|failure| {
            log::warn!("{channel}: {failure}");
            ReadError::Loading
        })?;
        let at = ManyAt { seq: head.seq, newest: head.newest, read };
        *kept = Some(Kept { read_at, epoch: head.epoch, at: at.clone() });
        Ok(Head { state: State::Many(Some(at)), ..head })
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
        let mut client = self.pool.get().await?;
        let page: Vec<FramePack> = rights::run(&mut client, Acting::Anyone, Access::Read, async |tx| {
            if let Channel::Counted(counted) = channel {
                let entries = channels::entries_after(tx, counted, epoch, after, PAGE_ENTRIES).await?;
                let pack = |one: &channels::NumberedEntry| {
                    let seq = one.numbers.on(counted)?;
                    Some(FramePack::counted(counted, epoch, seq, one.stream, &one.entry))
                };
                return Ok(entries.iter().filter_map(pack).collect());
            }
            let Some(stream) = channel.stream() else { return Ok(Vec::new()) };
            let entries = read::entries_after(tx, stream, epoch, after, PAGE_ENTRIES).await?;
            Ok::<_, ReadFailure>(entries.iter().map(|entry| FramePack::of(channel, epoch, entry)).collect())
        })
        .await?;
        drop(client);
        // Nothing past what the stream has released: it is durable, but the world is told in the stream's own time.
        let page: Vec<_> = page.into_iter().take_while(|pack| pack.seq <= head).map(Arc::new).collect();
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
