//! Sessions that are behind, page by page.
//!
//! One page a session is out at a time; the next is given when it was written, that is, as the socket drains, so that
//! what waits for a slow reader stays one page however far it is behind.
//!
//! Pages begin at fixed places, not where a session happens to stand, and are kept a little while: when everybody comes
//! back at once, each page is read once however many want it and wherever in it they stand. Entries never change, so a
//! kept page never does. Few are read at a time, the others wait their turn.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;

use super::{
    BURST, Hub, SessionId,
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

/// Pages begin after entries whose number is a multiple of this: few enough for the last of them to fit into a page of
/// common entries, so that a page goes on where the one before it ended.
const PAGE_STEP: u64 = 32;
/// Pages that are kept; a page is 64 KiB, or one entry.
const MAX_KEPT: usize = 64;
/// A page that nobody wanted for so long is let go.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// A page: what follows an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    channel: Channel,
    epoch: Epoch,
    after: Seq,
}

impl PageKey {
    /// The page that has what follows an entry, if its entries are not uncommonly large.
    fn around(channel: Channel, epoch: Epoch, after: Seq) -> Self {
        Self { channel, epoch, after: Seq(after.0 - after.0 % PAGE_STEP) }
    }
}

/// The pages being read, and those that were. Those that wait are at most as many as sessions are behind.
#[derive(Debug, Default)]
pub(super) struct PageReads {
    running: usize,
    waiting: VecDeque<PageKey>,
    kept: HashMap<PageKey, Kept>,
    /// The kept ones will be looked through.
    is_expiring: bool,
}

#[derive(Debug)]
struct Kept {
    page: Vec<Arc<FramePack>>,
    wanted_at: Instant,
}

impl PageReads {
    /// What a kept page has after an entry; `None` if nothing.
    fn kept(&mut self, key: PageKey, after: Seq, now: Instant) -> Option<Vec<Arc<FramePack>>> {
        let kept = self.kept.get_mut(&key)?;
        kept.wanted_at = now;
        let page = rest(&kept.page, after);
        if page.is_empty() { None } else { Some(page) }
    }

    fn keep(&mut self, key: PageKey, page: &[Arc<FramePack>], now: Instant) {
        let is_full = self.kept.len() >= MAX_KEPT && !self.kept.contains_key(&key);
        let oldest = self.kept.iter().filter(|_| is_full).min_by_key(|(_, kept)| kept.wanted_at).map(|(key, _)| *key);
        if let Some(oldest) = oldest {
            self.kept.remove(&oldest);
        }
        self.kept.insert(key, Kept { page: page.to_vec(), wanted_at: now });
    }

    /// Let go what nobody wants any more; true if something is left.
    fn expire(&mut self, now: Instant) -> bool {
        self.kept.retain(|_, kept| now.duration_since(kept.wanted_at) < KEPT_FOR);
        !self.kept.is_empty()
    }
}

/// What of a page follows an entry.
fn rest(page: &[Arc<FramePack>], after: Seq) -> Vec<Arc<FramePack>> {
    let from = page.iter().position(|pack| pack.seq > after).unwrap_or(page.len());
    let rest = page.get(from..).unwrap_or_default();
    if rest.first().is_some_and(|pack| pack.seq == after.next()) { rest.to_vec() } else { Vec::new() }
}

impl Hub {
    /// A session's page was written: there is room for the next.
    pub(super) fn page_written(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.page_is_out = false;
        // Each channel gets its turn; one that needs another page goes to the end.
        for channel in std::mem::take(&mut known.catching_up) {
            self.advance(session, channel, ctx);
        }
        // Whose page is out now stands first.
        if let Some(known) = self.sessions.get_mut(&session).filter(|known| !known.catching_up.is_empty()) {
            known.catching_up.rotate_left(1);
        }
    }

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
            return self.catch_up(PageKey { channel, epoch, after }, session, ctx);
        };
        // Many channels can be a little behind at once, after a reconnect: together they must not fill the outbox.
        // An entry may even be larger than the whole outbox; a page is not counted.
        let missing: Vec<_> = missing.collect();
        let frames = missing.iter().map(|pack| pack.count()).sum();
        let bytes = missing.iter().map(|pack| pack.wire().len()).sum();
        if missing.len() > BURST || !known.outbox.takes(frames, bytes) {
            let page = cut(missing.into_iter().cloned());
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
        let page: Vec<_> = offered.iter().flat_map(|pack| reader.parts(pack, now, true)).flatten().collect();
        if page.is_empty() {
            self.settle_reader(session, channel, ctx);
            // It got on, though all of it was left out: there is nothing to wait for. Each time it gets on by a page, of
            // those that are kept, so this ends.
            if !offered.is_empty() {
                self.advance(session, channel, ctx);
            }
            return;
        }
        known.page_is_out = true;
        if !known.catching_up.contains(&channel) {
            known.catching_up.push_back(channel);
        }
        self.send(session, Outgoing::Page(page));
        self.settle_reader(session, channel, ctx);
    }

    /// Send what follows an entry from a page that is kept; or have the page read.
    fn catch_up(&mut self, exact: PageKey, session: SessionId, ctx: &mut Context<Self>) {
        let PageKey { channel, epoch, after } = exact;
        let (shared, now) = (PageKey::around(channel, epoch, after), Instant::now());
        let page = [shared, exact].into_iter().find_map(|key| self.page_reads.kept(key, after, now));
        self.told.looked_up_page(page.is_some());
        match page {
            Some(page) => self.send_page(session, channel, page, ctx),
            // It ended before this: at what was the head then, or its entries are large.
            None if self.page_reads.kept.contains_key(&shared) => self.want_page(exact, session, ctx),
            None => self.want_page(shared, session, ctx),
        }
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
        let waiting = feed.pages.remove(&after).unwrap_or_default();
        if let Ok(page) = &page {
            self.keep_page(key, page, ctx);
        }
        for session in waiting {
            let Some(feed) = self.feeds.get(&channel) else { return };
            let stands = feed.readers.get(&session).and_then(|reader| reader.resumes_after());
            let Some(stands) = stands.filter(|stands| feed.inlet.head().is_some_and(|head| *stands < head)) else {
                continue;
            };
            let exact = PageKey { after: stands, ..key };
            match &page {
                // The page ends before what this session needs, or what came before that is there no more.
                Ok(page) if stands != after && rest(page, stands).is_empty() => self.want_page(exact, session, ctx),
                Err(PageFailure::NotServable) if stands != after => self.want_page(exact, session, ctx),
                // The sweep asks again.
                Ok(page) if rest(page, stands).is_empty() => {}
                Err(PageFailure::Later) => {}
                // In its turn, if another channel's page came first; from the page that is kept now.
                Ok(_) => self.advance(session, channel, ctx),
                Err(PageFailure::NotServable) => {
                    log::warn!("{channel}: what follows {after} in epoch {epoch} can't be served; a snapshot is sent");
                    let name = channel.to_string();
                    self.begin(channel, Join::anew(session, name), ctx);
                }
            }
        }
    }

    fn keep_page(&mut self, key: PageKey, page: &[Arc<FramePack>], ctx: &mut Context<Self>) {
        self.page_reads.keep(key, page, Instant::now());
        if !std::mem::replace(&mut self.page_reads.is_expiring, true) {
            ctx.run_later(KEPT_FOR, Self::expire_pages);
        }
    }

    fn expire_pages(&mut self, ctx: &mut Context<Self>) {
        self.page_reads.is_expiring = self.page_reads.expire(Instant::now());
        if self.page_reads.is_expiring {
            ctx.run_later(KEPT_FOR, Self::expire_pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccountAddress;

    fn channel(number: u8) -> Channel {
        Channel::Config(AccountAddress([number; 32]))
    }

    fn page(seqs: std::ops::RangeInclusive<u64>) -> Vec<Arc<FramePack>> {
        seqs.map(|seq| Arc::new(FramePack::new(channel(1), Epoch(1), Seq(seq), &["x".into()]))).collect()
    }

    fn seqs(page: &[Arc<FramePack>]) -> Vec<u64> {
        page.iter().map(|pack| pack.seq.0).collect()
    }

    #[test]
    fn whoever_stands_in_the_same_page_shares_it_and_gets_only_what_he_misses() {
        let key = |after| PageKey::around(channel(1), Epoch(1), Seq(after));
        assert_eq!((key(32), key(63)), (key(40), key(40)));
        assert_ne!(key(31), key(32));
        assert_ne!(key(40), PageKey::around(channel(2), Epoch(1), Seq(40)));
        assert_ne!(key(40), PageKey::around(channel(1), Epoch(2), Seq(40)));

        let (mut reads, now) = (PageReads::default(), Instant::now());
        reads.keep(key(40), &page(33..=80), now);
        for after in [32, 40, 63] {
            let sent = reads.kept(key(after), Seq(after), now).unwrap();
            assert_eq!(seqs(&sent), (after + 1..=80).collect::<Vec<_>>());
        }
        // Nothing that would leave a hole, and nothing where there is nothing.
        assert_eq!(rest(&page(33..=80), Seq(31)), []);
        assert_eq!(rest(&page(33..=80), Seq(80)), []);
        assert!(reads.kept(key(64), Seq(64), now).is_none());
    }

    #[test]
    fn kept_pages_are_bounded_and_let_go_when_nobody_wants_them() {
        let (mut reads, now) = (PageReads::default(), Instant::now());
        let key = |number: usize| PageKey::around(channel(1), Epoch(1), Seq(number as u64 * PAGE_STEP));
        for number in 0..2 * MAX_KEPT {
            reads.keep(key(number), &page(1..=1), now + Duration::from_millis(number as u64));
            assert!(reads.kept.len() <= MAX_KEPT);
        }
        assert!(!reads.kept.contains_key(&key(0)) && reads.kept.contains_key(&key(2 * MAX_KEPT - 1)));
        assert!(reads.expire(now + KEPT_FOR), "the newest is wanted still");
        assert!(!reads.expire(now + 2 * KEPT_FOR));
    }
}
