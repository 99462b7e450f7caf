//! What has become final: told to who listens to a market or to the config, once he was sent all of it.
//!
//! The feeds tell of finalized points with the batches that wrote them; a hub that lost one, or whose feeds were restarted,
//! asks the journal for those of its own channels. Newest wins: a point that was not told yet is left out for a newer one.

use actix::prelude::*;

use super::Hub;
use crate::{
    actors::{committed::Committed, feeds::Feeds},
    domain::ids::{AccountAddress, Epoch, MarketAddress, Seq},
    view::frame::Channel,
};

/// How the hub learns what has become final.
#[derive(Debug, Default)]
pub(super) struct Finality {
    /// Whose list it is on.
    feeds: Option<Addr<Feeds>>,
    /// Something was lost on the way.
    is_unknown: bool,
    is_asking: bool,
}

impl Hub {
    /// A batch moved the finalized points of these streams.
    pub(super) fn became_final(&mut self, batch: &Committed) {
        for (stream, seq) in &batch.finalized {
            self.move_final(*stream, batch.epoch, *seq);
        }
    }

    /// Some of it was not told: it is asked for.
    pub(super) fn lost_finality(&mut self, ctx: &mut Context<Self>) {
        self.finality.is_unknown = true;
        self.follow_finality(ctx);
    }

    /// The channel of an account, if anybody listens to it here.
    fn move_final(&mut self, stream: AccountAddress, epoch: Epoch, seq: Seq) {
        let market = Channel::Market(MarketAddress(stream.0));
        let channel = if self.config == Some(Channel::Config(stream)) { Channel::Config(stream) } else { market };
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        if feed.hear_final(epoch, seq) {
            self.tell_final(channel);
        }
    }

    /// Tells those who were sent all that is final of a channel.
    pub(super) fn tell_final(&mut self, channel: Channel) {
        if let Some(feed) = self.feeds.get_mut(&channel) {
            feed.tell_final(channel);
        }
    }

    /// On the feeds' list, and again after they were restarted; what became final meanwhile is asked for.
    pub(super) fn follow_finality(&mut self, ctx: &mut Context<Self>) {
        if self.finality.is_asking {
            return;
        }
        let is_followed = self.finality.feeds.as_ref().is_some_and(Addr::connected);
        if is_followed && !self.finality.is_unknown {
            return;
        }
        self.finality.is_asking = true;
        // What is lost from here on is asked for once more.
        self.finality.is_unknown = false;
        let streams: Vec<AccountAddress> = self.feeds.keys().filter_map(|channel| channel.stream()).collect();
        let (sources, link) = (self.sources.clone(), self.link.clone());
        let asked = async move {
            let feeds = sources.follow(link).await?;
            Some((feeds, sources.finalized(&streams).await?))
        };
        ctx.spawn(asked.into_actor(self).map(|found, hub, _| {
            hub.finality.is_asking = false;
            let Some((feeds, points)) = found else {
                hub.finality.is_unknown = true;
                return;
            };
            hub.finality.feeds = Some(feeds);
            points.into_iter().for_each(|(stream, epoch, seq)| hub.move_final(stream, epoch, seq));
        }));
    }
}
