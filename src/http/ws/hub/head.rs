//! Where a stream stands, whichever it is: a market, the config, or a channel over many; and the way to it.
//!
//! Knows what each kind of stream says of itself and what a subscription is answered with. Asks nothing by itself: the
//! questions, and how long they may take, are [`super::sources`]'.

use std::sync::Arc;

use crate::{
    actors::{
        registry::{ConfigHandle, MarketHandle},
        stream::{HubLink, ReadError, ReleasedConfig, ReleasedMarket, Replay, ReplayAfter},
    },
    domain::{
        config::ProgramConfig,
        ids::{Epoch, Seq, Slot},
        market::Market,
        metadata::MarketMetadata,
    },
    http::ws::{
        messages::{PriceNow, Snapshot, Subscribed},
        snapshots::ManySnapshot,
    },
    journal::rows::timestamp,
    view::{config::ConfigView, frame::Channel, market::MarketView},
};

use super::{feeds::FeedHandle, sources::PATIENCE};

/// A stream, whichever it is.
#[derive(Debug, Clone)]
pub(super) enum StreamHandle {
    Market(MarketHandle),
    Config(ConfigHandle),
    Feed(FeedHandle),
}

/// A stream's state when the hub was attached to it.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub epoch: Epoch,
    pub seq: Seq,
    /// The entry's slot and when it was recorded; `None` before there is one.
    pub newest: Option<(Slot, i64)>,
    /// Everything up to here is final on the chain, where that is known.
    pub finalized: Option<Seq>,
    pub state: State,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Market(Arc<Market>, Option<Arc<MarketMetadata>>),
    Config(Option<Arc<ProgramConfig>>),
    /// Of many markets; `None` where it was not read, since nobody needed it.
    Many(Option<ManyAt>),
}

/// What was read of many markets, at a head or after it.
#[derive(Debug, Clone)]
pub(super) struct ManyAt {
    pub seq: Seq,
    pub newest: Option<(Slot, i64)>,
    pub read: Arc<ManySnapshot>,
}

impl Head {
    /// The answer to a subscription that begins here, with a snapshot; `None` if none was read.
    pub fn snapshot(&self, channel: Channel) -> Option<Subscribed> {
        let snapshot = match &self.state {
            State::Market(market, document) => {
                let slot = self.newest.map(|(slot, _)| slot).unwrap_or_default();
                let view = MarketView::at(market, self.seq, slot).with_metadata(document.as_deref());
                Snapshot::Market(Box::new(view))
            }
            State::Config(config) => {
                Snapshot::Config(config.as_ref().map(|config| Box::new(ConfigView::from(&**config))))
            }
            State::Many(read) => Snapshot::Many(read.as_ref()?.read.clone()),
        };
        let (seq, newest) = self.snapshot_at();
        Some(Subscribed {
            recovered: false,
            slot: newest.map(|(slot, _)| slot),
            timestamp: newest.map(|(_, recorded_at_ms)| timestamp(recorded_at_ms)),
            snapshot: Some(snapshot),
            price: None,
            ..self.resumed(channel, seq)
        })
    }

    fn price(&self) -> Option<PriceNow> {
        let State::Market(market, _) = &self.state else { return None };
        let price_yes = market.price_yes?;
        let (shares_yes, shares_no) = (market.shares_yes, market.shares_no);
        Some(PriceNow { price_yes, price_no: price_yes.complement(), shares_yes, shares_no })
    }

    /// The entry after which a subscription goes on that begins with the snapshot.
    pub fn snapshot_at(&self) -> (Seq, Option<(Slot, i64)>) {
        match &self.state {
            State::Many(Some(at)) => (at.seq, at.newest),
            _ => (self.seq, self.newest),
        }
    }

    /// The answer to a subscription that resumes after an entry.
    pub fn resumed(&self, channel: Channel, seq: Seq) -> Subscribed {
        Subscribed {
            channel,
            market_id: channel.market(),
            epoch: self.epoch,
            seq: channel.is_numbered().then_some(seq),
            head_seq: channel.is_numbered().then_some(self.seq),
            recovered: true,
            finalized_seq: None,
            price: self.price(),
            slot: None,
            timestamp: None,
            snapshot: None,
        }
    }
}

impl From<ReleasedMarket> for Head {
    fn from(released: ReleasedMarket) -> Self {
        let ReleasedMarket { epoch, seq, slot, recorded_at_ms, finalized_seq, market, beside, .. } = released;
        let state = State::Market(market, beside.document);
        Self { epoch, seq, newest: Some((slot, recorded_at_ms)), finalized: Some(finalized_seq), state }
    }
}

impl From<ReleasedConfig> for Head {
    fn from(released: ReleasedConfig) -> Self {
        let ReleasedConfig { epoch, seq, slot, recorded_at_ms, config } = released;
        Self { epoch, seq, newest: Some((slot, recorded_at_ms)), finalized: None, state: State::Config(config) }
    }
}

impl StreamHandle {
    /// Put the hub on the stream's list, and learn where the stream stands.
    pub async fn attach(&self, link: HubLink) -> Result<Head, ReadError> {
        match self {
            Self::Market(handle) => handle.attach(link).await.map(Head::from),
            Self::Config(handle) => handle.attach(link).await.map(Head::from),
            Self::Feed(handle) => handle.attach(link).await.map(Head::from),
        }
    }

    pub async fn detach(&self, hub_id: u64) {
        let detached = async {
            match self {
                Self::Market(handle) => handle.detach(hub_id).await,
                Self::Config(handle) => handle.detach(hub_id).await,
                Self::Feed(handle) => handle.detach(hub_id).await,
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
                Self::Feed(handle) => handle.replay(ask).await,
            }
        };
        tokio::time::timeout(PATIENCE, replayed).await.unwrap_or(Err(ReadError::Loading))
    }

    pub fn is_alive(&self) -> bool {
        match self {
            Self::Market(handle) => handle.is_alive(),
            Self::Config(handle) => handle.is_alive(),
            Self::Feed(handle) => handle.is_alive(),
        }
    }
}
