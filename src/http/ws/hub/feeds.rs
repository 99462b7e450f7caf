//! The way to the feeds: channels over many markets, as a hub attaches to them.

use actix::prelude::*;

use super::head::{Head, State};
use crate::{
    actors::{
        feeds::{AttachFeed, DetachFeed, FeedHead, Feeds, ReplayFeed},
        stream::{HubLink, ReadError, Replay, ReplayAfter},
    },
    view::channel::Channel,
};

/// One life of the feeds, as the source of one channel.
#[derive(Debug, Clone)]
pub struct FeedHandle {
    channel: Channel,
    feeds: Addr<Feeds>,
}

impl FeedHandle {
    pub fn new(channel: Channel, feeds: Addr<Feeds>) -> Self {
        Self { channel, feeds }
    }

    pub async fn attach(&self, link: HubLink) -> Result<FeedHead, ReadError> {
        let channel = self.channel;
        self.feeds.send(AttachFeed { link, channel }).await.unwrap_or(Err(ReadError::Gone))
    }

    pub async fn detach(&self, hub_id: u64) {
        // Feeds that are gone have no list to be taken off.
        let _ = self.feeds.send(DetachFeed { hub_id, channel: self.channel }).await;
    }

    pub async fn replay(&self, ask: ReplayAfter) -> Result<Replay, ReadError> {
        let Channel::Counted(channel) = self.channel else { return Ok(Replay::NotServable) };
        self.feeds.send(ReplayFeed { channel, ask }).await.unwrap_or(Err(ReadError::Gone))
    }

    pub fn is_alive(&self) -> bool {
        self.feeds.connected()
    }
}

impl From<FeedHead> for Head {
    fn from(FeedHead { epoch, seq, newest }: FeedHead) -> Self {
        Self { epoch, seq, newest, finalized: None, state: State::Many(None) }
    }
}
