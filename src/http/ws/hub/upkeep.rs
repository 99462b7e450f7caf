//! What a hub does by the clock: heartbeats, streams that were restarted, holes that nobody filled, streams that nobody
//! listens to any more, sessions that are gone.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use actix::prelude::*;

use super::{Hub, SessionId};
use crate::{
    actors::stream::Replay,
    http::ws::{
        messages,
        outbox::{Outgoing, Verdict},
    },
    view::frame::Channel,
};

/// Between two looks at whose heartbeat is due, at most.
pub(super) const BEATS_EVERY: Duration = Duration::from_millis(25);
/// Between two looks at every session of every channel, for one that is behind and waits for nothing.
const SWEEP: Duration = Duration::from_secs(1);

impl Hub {
    pub(super) fn tick(&mut self, now: Instant, ctx: &mut Context<Self>) {
        self.watch_identities(now, ctx);
        if self.config.is_none() && !self.config_is_looked_for {
            self.look_for_config(ctx);
        }
        self.follow_finality(ctx);
        let channels: Vec<Channel> = self.feeds.keys().copied().collect();
        for channel in &channels {
            self.tend(*channel, ctx);
        }
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP;
            channels.into_iter().for_each(|channel| self.sweep(channel, ctx));
        }
    }

    /// Heartbeats that are due. Often, so that few are due at once: frames wait for a turn that tells many.
    pub(super) fn beat_due(&mut self, now: Instant) {
        while let Some((_, session)) = self.beats.first().copied().filter(|(due, _)| *due <= now) {
            self.beats.pop_first();
            self.beat(session, now);
        }
    }

    fn beat(&mut self, session: SessionId, now: Instant) {
        let Some(known) = self.sessions.get(&session) else { return };
        let channels = known.channels.iter().chain(self.config.filter(|config| !known.channels.contains(*config)));
        let heads: BTreeMap<_, _> =
            channels.filter_map(|channel| Some((channel.to_string(), self.position_of(session, channel)?))).collect();
        let (covered_slot, _) = self.health.coverage();
        let counter = known.beats + 1;
        let text = messages::heartbeat(counter, covered_slot, heads);
        if let Some(known) = self.sessions.get_mut(&session) {
            // From now: one that was late is not made up for by two at once.
            known.next_beat = now + self.limits.heartbeat.max(BEATS_EVERY);
            self.beats.insert((known.next_beat, session));
            // Where there is no room something else comes: this one is left out, and the next has its number.
            if known.outbox.push(Outgoing::Message(text, Verdict::Neutral)).is_ok() {
                known.beats = counter;
            }
        }
    }

    fn look_for_config(&mut self, ctx: &mut Context<Self>) {
        self.config_is_looked_for = true;
        let sources = self.sources.clone();
        let found = async move { sources.config().await }.into_actor(self);
        ctx.spawn(found.map(|found, hub, _| {
            hub.config_is_looked_for = false;
            if let Ok(channel) = found {
                hub.config.get_or_insert(channel);
                hub.feeds.entry(channel).or_default();
                let sessions: Vec<_> = hub.sessions.keys().copied().collect();
                sessions.into_iter().for_each(|session| hub.settle_config(session));
            }
        }));
    }

    /// See to one channel.
    fn tend(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get(&channel).filter(|feed| !feed.is_busy) else { return };
        // The config is kept: the first who subscribes to anything is to get its next change.
        let is_kept = matches!(channel, Channel::Config(_));
        let is_alive = feed.handle.as_ref().is_some_and(|handle| handle.is_alive());
        if feed.is_idle() && !is_kept {
            self.leave(channel, ctx);
        } else if !is_alive {
            // Those who join ask the stream themselves; nobody else waits for a stream that was never attached.
            if feed.epoch.is_some() || is_kept {
                self.reattach(channel, ctx);
            }
        } else if feed.inlet.is_behind() {
            self.heal(channel, ctx);
        }
    }

    /// Nobody listens: off the stream's list.
    fn leave(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        let Some(handle) = feed.handle.take() else { return self.remove(channel) };
        feed.is_busy = true;
        let hub_id = self.link.id;
        let left = async move { handle.detach(hub_id).await }.into_actor(self);
        ctx.spawn(left.map(move |(), hub, ctx| {
            let Some(feed) = hub.feeds.get_mut(&channel) else { return };
            feed.is_busy = false;
            if feed.readers.is_empty() {
                hub.remove(channel);
            } else {
                // Somebody joined meanwhile, and the stream may have taken the hub off its list after that.
                hub.reattach(channel, ctx);
            }
        }));
    }

    fn remove(&mut self, channel: Channel) {
        self.feeds.remove(&channel);
        if let Channel::Market(address) = channel {
            self.seeds.retain(|_, known| *known != address);
        }
    }

    /// The stream was restarted: find it, and go on after what came before. Sessions notice nothing.
    fn reattach(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        feed.is_busy = true;
        let (sources, link) = (self.sources.clone(), self.link.clone());
        let attached = async move { sources.attach(channel, link, false, None).await }.into_actor(self);
        ctx.spawn(attached.map(move |outcome, hub, ctx| {
            if let Some(feed) = hub.feeds.get_mut(&channel) {
                feed.is_busy = false;
            }
            match outcome {
                Ok((handle, head)) => {
                    hub.attached(channel, handle, &head, ctx);
                    if !channel.is_numbered() {
                        return hub.begin_anew(channel, ctx);
                    }
                    if hub.feeds.get(&channel).is_some_and(|feed| feed.inlet.is_behind()) {
                        hub.heal(channel, ctx);
                    }
                }
                // The next tick asks again.
                Err(error) => log::debug!("{channel}: {error}"),
            }
        }));
    }

    /// Something was lost on the way: ask for it.
    pub(super) fn heal(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel).filter(|feed| !feed.is_busy) else { return };
        let (Some(handle), Some(epoch), Some(after)) = (feed.handle.clone(), feed.epoch, feed.inlet.head()) else {
            return;
        };
        feed.is_busy = true;
        let replayed = async move { handle.replay(epoch, after).await }.into_actor(self);
        ctx.spawn(replayed.map(move |replay, hub, ctx| {
            let Some(feed) = hub.feeds.get_mut(&channel) else { return };
            feed.is_busy = false;
            if feed.epoch != Some(epoch) {
                return;
            }
            let ready: Vec<_> = match replay {
                Ok(Replay::Frames(packs)) => packs.into_iter().flat_map(|pack| feed.offer(pack)).collect(),
                // Too far behind for memory: go on at the head; each session reads the journal from where it stands.
                Ok(Replay::ReadJournal { head }) if feed.inlet.head() < Some(head) => {
                    let ready = feed.inlet.start(head);
                    let sessions: Vec<_> = feed.readers.keys().copied().collect();
                    sessions.into_iter().for_each(|session| hub.advance(session, channel, ctx));
                    ready
                }
                Ok(Replay::NotServable) => return hub.reattach(channel, ctx),
                // It came meanwhile; or the next tick asks again.
                Ok(Replay::ReadJournal { .. }) | Err(_) => return,
            };
            hub.publish(channel, &ready, ctx);
        }));
    }

    /// Sessions that are behind and wait for nothing go on.
    fn sweep(&mut self, channel: Channel, ctx: &mut Context<Self>) {
        if !channel.is_numbered() {
            return self.catch_up_unnumbered(channel, ctx);
        }
        // Who had no room for it, and may have now.
        self.tell_final(channel);
        let Some(feed) = self.feeds.get(&channel) else { return };
        let Some(head) = feed.inlet.head() else { return };
        let behind = feed.readers.iter().filter(|(_, reader)| reader.resumes_after().is_some_and(|last| last < head));
        let behind: Vec<SessionId> = behind.map(|(session, _)| *session).collect();
        behind.into_iter().for_each(|session| self.advance(session, channel, ctx));
    }
}
