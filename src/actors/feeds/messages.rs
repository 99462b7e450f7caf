//! What hubs ask of the feeds: to be told of a channel, and what they missed of it.

use actix::prelude::*;

use crate::{
    actors::stream::{HubLink, ReadError, Replay, ReplayAfter},
    domain::{
        counted::Counted,
        ids::{Epoch, Seq, Slot},
    },
    view::channel::Channel,
};

/// Where a channel stands: every entry after it will be sent to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedHead {
    /// The journal's life.
    pub epoch: Epoch,
    /// The newest entry; 0 before the first, and on channels without numbers.
    pub seq: Seq,
    /// The newest entry's slot and when it was recorded, in milliseconds since 1970; `None` where there is none.
    pub newest: Option<(Slot, i64)>,
}

/// Add a hub to those that are told of a channel over many markets or of a wallet, and answer with where it stands, in one turn.
#[derive(Message)]
#[rtype(result = "Result<FeedHead, ReadError>")]
pub struct AttachFeed {
    /// The hub.
    pub link: HubLink,
    /// `markets`, `trades`, `ticker` or a wallet's.
    pub channel: Channel,
}

/// Take a hub off the list of a channel.
#[derive(Message)]
#[rtype(result = "()")]
pub struct DetachFeed {
    /// As in [`HubLink::id`].
    pub hub_id: u64,
    /// Of what.
    pub channel: Channel,
}

/// The frames after an entry of a channel.
#[derive(Message)]
#[rtype(result = "Result<Replay, ReadError>")]
pub struct ReplayFeed {
    /// Of what.
    pub channel: Counted,
    /// After which entry.
    pub ask: ReplayAfter,
}

/// Add a hub to those that are told what becomes final.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FollowFinality(pub HubLink);
