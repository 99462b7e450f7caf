//! Sessions that are behind, page by page.
//!
//! One page a session is out at a time; the next is given when it was taken out of the outbox, that is, as the socket
//! drains, so that what waits for a slow reader stays one page however far it is behind. Pages that several sessions need
//! are read once; few are read at a time, the others wait their turn.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use actix::prelude::*;

use super::{
    BURST, Hub, More, SessionId,
    join::Join,
    sources::{PageFailure, cut},
};
use crate::{
    domain::ids::{Epoch, Seq},
    http::ws::outbox::Outgoing,
    view::frame::{Channel, FramePack},
};

/// Pages that are read at a time; the others wait.
const MAX_PAGE_READS: usize = 8;

/// A page: what follows an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageKey {
    channel: Channel,
    epoch: Epoch,
    after: Seq,
}

/// The pages being read. Those that wait are at most as many as sessions are behind.
#[derive(Debug, Default)]
pub(super) struct PageReads {
    running: usize,
    waiting: VecDeque<PageKey>,
}

impl Handler<More> for Hub {
    type Result = ();

    fn handle(&mut self, More { session }: More, ctx: &mut Context<Self>) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.page_is_out = false;
        // Each channel gets its turn; one that needs another page goes to the end.
        for channel in std::mem::take(&mut known.catching_up) {
            self.advance(session, channel, ctx);
        }
    }
}

impl Hub {
    /// Send a session what it misses of a channel, as far as is good at once.
    pub(super) fn advance(&mut self, session: SessionId, channel: Channel, ctx: &mut Context<Self>) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        let (Some(head), Some(epoch)) = (feed.inlet.head(), feed.epoch) else { return };
        let Some(reader) = feed.readers.get_mut(&session) else { return };
        let Some(after) = reader.resumes_after().filter(|after| *after < head) else { return };
        if known.page_is_out {
            if !known.catching_up.contains(&channel) {
                known.catching_up.push_back(channel);
            }
            return;
        }
        let Some(missing) = feed.inlet.recent_after(after) else {
            return self.want_page(PageKey { channel, epoch, after }, session, ctx);
        };
        // Many channels can be a little behind at once, after a reconnect: together they must not fill the outbox.
        if head.0 - after.0 > BURST as u64 || !known.outbox.is_roomy() {
            let page = cut(missing.cloned());
            return self.send_page(session, channel, page, ctx);
        }
        let now = Instant::now();
        let is_slow = missing.into_iter().any(|pack| reader.offer(pack.seq) && reader.send(pack, now).is_err());
        if is_slow {
            return self.drop_slow(session);
        }
        self.settle_reader(session, channel, ctx);
    }

    fn send_page(&mut self, session: SessionId, channel: Channel, page: Vec<Arc<FramePack>>, ctx: &mut Context<Self>) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        let Some(reader) = self.feeds.get_mut(&channel).and_then(|feed| feed.readers.get_mut(&session)) else { return };
        let now = Instant::now();
        let offered = page.into_iter().filter(|pack| reader.offer(pack.seq));
        let offered: Vec<_> = offered.collect();
        // It is read as the socket drains: there is room for all of it.
        let page: Vec<_> = offered.iter().flat_map(|pack| reader.conflation.offer(pack, now, true)).flatten().collect();
        if page.is_empty() {
            return;
        }
        known.page_is_out = true;
        if !known.catching_up.contains(&channel) {
            known.catching_up.push_back(channel);
        }
        self.send(session, Outgoing::Page(page));
        self.settle_reader(session, channel, ctx);
    }

    fn want_page(&mut self, key: PageKey, session: SessionId, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&key.channel) else { return };
        let is_new = !feed.pages.contains_key(&key.after);
        let waiting = feed.pages.entry(key.after).or_default();
        if !waiting.contains(&session) {
            waiting.push(session);
        }
        if is_new {
            self.page_reads.waiting.push_back(key);
            self.read_pages(ctx);
        }
    }

    fn read_pages(&mut self, ctx: &mut Context<Self>) {
        while self.page_reads.running < MAX_PAGE_READS {
            let Some(key) = self.page_reads.waiting.pop_front() else { return };
            let Some(feed) = self.feeds.get(&key.channel) else { continue };
            let (sources, handle) = (self.sources.clone(), feed.handle.clone());
            self.page_reads.running += 1;
            let PageKey { channel, epoch, after } = key;
            let read = async move { sources.page(channel, handle, epoch, after).await }.into_actor(self);
            ctx.spawn(read.map(move |page, hub, ctx| {
                hub.page_reads.running -= 1;
                hub.page_read(key, page, ctx);
                hub.read_pages(ctx);
            }));
        }
    }

    fn page_read(&mut self, key: PageKey, page: Result<Vec<Arc<FramePack>>, PageFailure>, ctx: &mut Context<Self>) {
        let PageKey { channel, epoch, after } = key;
        let Some(feed) = self.feeds.get_mut(&channel).filter(|feed| feed.epoch == Some(epoch)) else { return };
        for session in feed.pages.remove(&after).unwrap_or_default() {
            let reader = self.feeds.get(&channel).and_then(|feed| feed.readers.get(&session));
            if reader.and_then(|reader| reader.resumes_after()) != Some(after) {
                continue;
            }
            let page_is_out = self.sessions.get(&session).is_none_or(|known| known.page_is_out);
            match &page {
                // Another channel's page came first: in its turn.
                Ok(_) if page_is_out => self.advance(session, channel, ctx),
                Ok(page) => self.send_page(session, channel, page.clone(), ctx),
                // The sweep asks again.
                Err(PageFailure::Later) => {}
                Err(PageFailure::NotServable) => {
                    log::warn!("{channel}: what follows {after} in epoch {epoch} can't be served; a snapshot is sent");
                    let name = channel.to_string();
                    self.begin(channel, Join::anew(session, name), ctx);
                }
            }
        }
    }
}
