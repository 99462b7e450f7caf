//! Channels without numbers: the ticker, and wallets' own.
//!
//! Nothing of them can be read again. What comes while a subscription waits for its answer is held, bounded, and sent after
//! it; who lost something, or could not take it, begins anew from a snapshot. A wallet's channel is its own connection's
//! alone, as long as that is signed in.

use std::{rc::Rc, sync::Arc};

use actix::prelude::*;

use super::{Hub, SessionId, feed::FeedReader, join::Join};
use crate::{
    http::ws::outbox::Outgoing,
    view::{channel::Channel, pack::FramePack},
};

impl Hub {
    /// Frames of a channel without numbers came.
    pub(super) fn publish_unnumbered(&mut self, channel: Channel, pack: &Arc<FramePack>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        for reader in feed.readers.values_mut() {
            if reader.joins > 0 {
                reader.hold(pack);
            } else if channel == Channel::Ticker && !reader.outbox.is_roomy() {
                // It gets the prices of then when it has read these.
                reader.lose();
            } else if reader.outbox.push(Outgoing::Pack(Arc::clone(pack))).is_err() {
                // It begins anew, from a snapshot, once there is room.
                reader.lose();
            }
        }
    }

    /// After an answer: what came meanwhile.
    pub(super) fn release_held(&mut self, session: SessionId, channel: Channel) {
        let reader = self.feeds.get_mut(&channel).and_then(|feed| feed.readers.get_mut(&session));
        let Some(reader) = reader.filter(|reader| reader.joins == 0) else { return };
        let outbox = Rc::clone(&reader.outbox);
        if reader.take_held().into_iter().any(|pack| outbox.push(Outgoing::Pack(pack)).is_err()) {
            reader.lose();
        }
    }

    /// Something of a channel was lost: all who listen begin anew.
    pub(super) fn begin_anew(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        // Their answer may have been read before it.
        feed.readers.values_mut().filter(|reader| reader.joins > 0).for_each(FeedReader::lose);
        let readers: Vec<SessionId> =
            feed.readers.iter().filter(|(_, reader)| reader.joins == 0).map(|(session, _)| *session).collect();
        readers.into_iter().for_each(|session| self.begin(channel, Join::anew(session, channel.to_string()), ctx));
    }

    /// By the clock: who lost something and has read what he has begins anew.
    pub(super) fn catch_up_unnumbered(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        let ready = feed.readers.iter_mut().filter(|(_, reader)| reader.joins == 0 && reader.outbox.is_roomy());
        let lost: Vec<SessionId> =
            ready.filter_map(|(session, reader)| reader.take_lost().then_some(*session)).collect();
        lost.into_iter().for_each(|session| self.begin(channel, Join::anew(session, channel.to_string()), ctx));
    }

    /// Leave the channels that only a signed-in session may have.
    pub(super) fn leave_private(&mut self, session: SessionId) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        let private: Vec<Channel> =
            known.channels.iter().filter(|channel| matches!(channel, Channel::Wallet(_))).collect();
        for channel in private {
            known.channels.remove(channel);
            if let Some(feed) = self.feeds.get_mut(&channel) {
                feed.readers.remove(&session);
            }
        }
        self.settle_config(session);
    }

    /// May a session have a channel?
    pub(super) fn may_have(&self, session: SessionId, channel: Channel) -> bool {
        let Channel::Wallet(wallet) = channel else { return true };
        let identity = self.sessions.get(&session).and_then(|known| known.identity.as_deref());
        identity.is_some_and(|identity| identity.wallet() == wallet)
    }
}
