//! Live frames, from the inbox to the outboxes.
//!
//! What waits in the inbox is taken together, up to a bound, and passed on channel by channel: frames of one channel that
//! come together are joined once, and every session that stands before them gets that one buffer. So a burst costs each
//! session one write of one buffer, however many frames it has. A session that does not get every price, or has little
//! room, is sent entry by entry; one whose outbox has no room is read on from where it stands, page by page, as one that
//! comes back.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use super::{BURST, Hub};
use crate::{
    actors::stream::HubInput,
    domain::ids::Seq,
    http::ws::outbox::{Outbox, Outgoing},
    view::frame::{Channel, FramePack},
};

/// Inputs that are taken together; what they cause is written before more is taken.
const BATCH: usize = 128;

/// What came, in order.
pub(super) struct Inputs(Vec<HubInput>);

/// What comes into the inbox, as batches.
pub(super) fn batches(mut inbox: mpsc::Receiver<HubInput>) -> impl futures_util::Stream<Item = Inputs> {
    futures_util::stream::poll_fn(move |cx| {
        let mut batch = Vec::new();
        let received = inbox.poll_recv_many(cx, &mut batch, BATCH);
        received.map(|count| (count > 0).then_some(Inputs(batch)))
    })
}

type Entries = Vec<(Seq, Arc<FramePack>)>;

/// Entries of a channel, one after the other, and what they are together.
struct Run<'a> {
    entries: &'a [(Seq, Arc<FramePack>)],
    frames: usize,
    bytes: usize,
    /// Joined from the first on; most sessions want all of it.
    whole: Option<Bytes>,
}

impl<'a> Run<'a> {
    fn new(entries: &'a [(Seq, Arc<FramePack>)]) -> Self {
        let frames = entries.iter().map(|(_, pack)| pack.count()).sum();
        let bytes = entries.iter().map(|(_, pack)| pack.wire().len()).sum();
        Self { entries, frames, bytes, whole: None }
    }

    /// There is room for all of it.
    fn fits(&self, outbox: &Outbox) -> bool {
        outbox.takes(self.frames, self.bytes)
    }

    /// What follows an entry, and how many frames it is.
    fn after(&mut self, last: Seq) -> Outgoing {
        let missing = |(seq, _): &&(Seq, Arc<FramePack>)| *seq > last;
        if self.entries.first().is_some_and(|first| missing(&first)) {
            let entries = self.entries;
            let whole = self.whole.get_or_insert_with(|| joined(entries.iter().map(|(_, pack)| pack), self.bytes));
            return Outgoing::Frames(whole.clone(), self.frames);
        }
        let rest = || self.entries.iter().filter(missing).map(|(_, pack)| pack);
        Outgoing::Frames(joined(rest(), 0), rest().map(|pack| pack.count()).sum())
    }
}

/// A buffer of this thread's own, even of one entry: counting who holds it costs less than where all hubs count.
fn joined<'a>(packs: impl Iterator<Item = &'a Arc<FramePack>>, bytes: usize) -> Bytes {
    let mut joined = BytesMut::with_capacity(bytes);
    packs.for_each(|pack| joined.extend_from_slice(pack.wire()));
    joined.freeze()
}

impl StreamHandler<Inputs> for Hub {
    fn handle(&mut self, Inputs(inputs): Inputs, ctx: &mut Context<Self>) {
        let mut ready: Vec<(Channel, Entries)> = Vec::new();
        for input in inputs {
            match input {
                HubInput::Frames(pack) => {
                    let channel = pack.channel;
                    if !channel.is_numbered() {
                        self.publish_unnumbered(channel, &pack);
                        continue;
                    }
                    let Some(feed) = self.feeds.get_mut(&channel) else { continue };
                    let entries = feed.offer(pack);
                    match ready.iter_mut().find(|(known, _)| *known == channel) {
                        Some((_, known)) => known.extend(entries),
                        None => ready.push((channel, entries)),
                    }
                }
                HubInput::Finalized(batch) => self.became_final(&batch),
                HubInput::FinalityLost => self.lost_finality(ctx),
                // Something of it was lost.
                HubInput::Head { channel, .. } if !channel.is_numbered() => self.begin_anew(channel, ctx),
                HubInput::Head { channel, epoch, seq } => {
                    if let Some(feed) = self.feeds.get_mut(&channel).filter(|feed| feed.epoch == Some(epoch)) {
                        feed.inlet.announce(seq);
                        if feed.inlet.is_behind() {
                            self.heal(channel, ctx);
                        }
                    }
                }
            }
        }
        for (channel, entries) in ready {
            self.publish(channel, &entries, ctx);
            if self.feeds.get(&channel).is_some_and(|feed| feed.inlet.has_hole()) {
                self.heal(channel, ctx);
            }
        }
        self.flush(ctx);
    }
}

impl Hub {
    /// Frames came in order: pass them on.
    pub(super) fn publish(&mut self, channel: Channel, ready: &[(Seq, Arc<FramePack>)], ctx: &mut Context<Self>) {
        let ([(first, _), ..], [.., (newest, _)]) = (ready, ready) else { return };
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        let mut run = Run::new(ready);
        // More than an outbox should take at once is read page by page from what is kept of the channel: by the piece less
        // than as one buffer.
        let (fits_joined, fits_each) = (ready.len() <= BATCH, ready.len() <= BURST);
        let (mut slow, mut behind, finalized, mut tells_final) = (Vec::new(), Vec::new(), feed.finalized(), false);
        let mut now = None;
        for (session, reader) in &mut feed.readers {
            let Some(last) = reader.resumes_after().filter(|last| last < newest) else { continue };
            let stands_before = last.next() >= *first;
            let is_sent = if stands_before && fits_joined && reader.gets_every_price() && run.fits(&reader.outbox) {
                reader.pass(*newest);
                // It has just said that it takes so much.
                let _ = reader.outbox.push(run.after(last));
                true
            } else {
                let now = *now.get_or_insert_with(Instant::now);
                stands_before && fits_each && reader.send_each(ready, now)
            };
            if is_sent {
                reader.is_deferred = false;
            } else if stands_before || reader.is_deferred {
                reader.is_deferred = true;
                let now = *now.get_or_insert_with(Instant::now);
                if reader.outbox.defer(run.frames, run.bytes, self.limits.catch_up, now).is_err() {
                    slow.push(*session);
                } else if stands_before {
                    behind.push(*session);
                }
            }
            tells_final |= reader.is_owed(finalized);
            if let Some(due) = reader.price_waits_until() {
                let now = *now.get_or_insert_with(Instant::now);
                self.prices_wait.wait(due, now, channel, *session);
            }
        }
        if tells_final {
            feed.tell_final(channel);
        }
        slow.into_iter().for_each(|session| self.drop_slow(session));
        behind.into_iter().for_each(|session| self.advance(session, channel, ctx));
        self.look_at_prices(ctx);
    }
}
