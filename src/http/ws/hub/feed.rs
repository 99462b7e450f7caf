//! What a hub has of a channel, and who listens to it.

use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{SessionId, conflate::Conflation, head::StreamHandle, standing::Standing};
use crate::{
    domain::ids::{Epoch, Seq},
    http::ws::{
        delivery::{Inlet, Offer, Reader},
        messages,
        outbox::{Outbox, Outgoing, Overflow},
    },
    view::frame::{Channel, FramePack},
};

/// Frames of a channel without numbers that wait for an answer to go first.
const HELD_MAX: usize = 64;

/// A channel in use.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// The stream, while the hub is on its list.
    pub handle: Option<StreamHandle>,
    /// The journal's life that the numbers belong to; `None` before the hub was first attached.
    pub epoch: Option<Epoch>,
    /// What came, in order.
    pub inlet: Inlet<Arc<FramePack>>,
    /// Who listens, in the order in which they came: as their sockets and outboxes lie in memory, which fan-out goes through.
    pub readers: BTreeMap<SessionId, FeedReader>,
    /// Where the stream stood when it was last asked.
    pub standing: Option<Box<Standing>>,
    /// A question about the channel as a whole is in flight: attach, replay, detach.
    pub is_busy: bool,
    /// Pages being read, by the entry that they follow, and who waits for them.
    pub pages: BTreeMap<Seq, Vec<SessionId>>,
    /// Everything up to here is final on the chain; 0 where nothing is, or nothing is known.
    finalized: Seq,
    /// The newest that became final before the hub was first attached: its head may have been read before that.
    early_final: Option<(Epoch, Seq)>,
    /// What says so, once somebody was told.
    commitment: Option<Arc<FramePack>>,
}

impl Feed {
    /// Frames came. Returns what is to be passed on because of it. Frames of another life of the journal are left alone:
    /// the hub will be attached to it anew.
    pub fn offer(&mut self, pack: Arc<FramePack>) -> Vec<(Seq, Arc<FramePack>)> {
        if self.epoch.is_some_and(|epoch| epoch != pack.epoch) {
            return Vec::new();
        }
        self.inlet.offer(pack.seq, pack)
    }

    /// A session gets the frames from here on without having asked for this channel.
    pub fn listen_along(&mut self, session: SessionId, outbox: &Rc<Outbox>) {
        let head = self.inlet.head();
        self.readers.entry(session).or_insert_with(|| FeedReader::listening_from(head, outbox));
    }

    /// Everything of this life up to here has become final. False if nobody need be told now.
    pub fn hear_final(&mut self, epoch: Epoch, seq: Seq) -> bool {
        if self.epoch.is_none() {
            self.early_final = self.early_final.max(Some((epoch, seq)));
        }
        self.epoch == Some(epoch) && self.finalize(seq)
    }

    /// The hub is attached in this life. The point that was heard of it before, if one was.
    pub fn take_early_final(&mut self, epoch: Epoch) -> Option<Seq> {
        self.early_final.take().filter(|(of, _)| *of == epoch).map(|(_, seq)| seq)
    }

    /// Everything up to here is final. False if that was known.
    pub fn finalize(&mut self, seq: Seq) -> bool {
        let moves = seq > self.finalized;
        if moves {
            (self.finalized, self.commitment) = (seq, None);
        }
        moves
    }

    /// The numbers have another meaning: nothing of them is known to be final.
    pub fn forget_final(&mut self) {
        (self.finalized, self.commitment) = (Seq(0), None);
    }

    /// Everything up to here is final.
    pub fn finalized(&self) -> Seq {
        self.finalized
    }

    /// Tells every reader who was sent all that is final, and was not told so yet. Who has no room for it stays owed.
    pub fn tell_final(&mut self, channel: Channel) {
        let (Some(epoch), finalized) = (self.epoch, self.finalized) else { return };
        if !self.readers.values().any(|reader| reader.is_owed(finalized)) {
            return;
        }
        let make = || {
            let text = messages::commitment(channel, epoch, finalized);
            Arc::new(FramePack::new(channel, epoch, finalized, &[text]))
        };
        let pack = Arc::clone(self.commitment.get_or_insert_with(make));
        for reader in self.readers.values_mut().filter(|reader| reader.is_owed(finalized)) {
            if reader.outbox.push(Outgoing::Pack(Arc::clone(&pack))).is_ok() {
                reader.told_final(finalized);
            }
        }
    }

    /// True once nobody listens and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.readers.is_empty() && !self.is_busy
    }
}

/// A session in a channel. Fan-out goes through all of them: what few of them need is not in it, but behind it.
#[derive(Debug)]
pub(super) struct FeedReader {
    /// Where it stands; `None` before its first answer.
    at: Option<Reader>,
    /// Anything of the channel was sent: only then may it be told of in heartbeats.
    has_been_sent: bool,
    /// Subscriptions of it that are not answered yet. Nothing is delivered meanwhile: what comes is read again after.
    pub joins: u32,
    /// Which of several memberships of the same session, over time.
    pub ticket: u64,
    /// Live frames were left out: it is read on page by page, until it stands at the head again.
    pub is_deferred: bool,
    /// The session's: fan-out looks nothing up.
    pub outbox: Rc<Outbox>,
    /// Prices that it does not get each; `None` while it gets every price.
    conflation: Option<Box<Conflation>>,
    /// Of a channel without numbers.
    unnumbered: Option<Box<Unnumbered>>,
    /// It asked for the channel, and was answered.
    is_subscribed: bool,
    /// It was told that everything up to here is final.
    told_final: Seq,
}

/// What a session misses of a channel that can't be read again.
#[derive(Debug, Default)]
struct Unnumbered {
    /// What came while an answer was on its way.
    held: Vec<Arc<FramePack>>,
    /// Some of it was lost.
    has_lost: bool,
}

impl FeedReader {
    /// A session that waits for its first answer.
    pub fn waiting(ticket: u64, outbox: &Rc<Outbox>) -> Self {
        Self {
            at: None,
            has_been_sent: false,
            joins: 0,
            ticket,
            is_deferred: false,
            outbox: Rc::clone(outbox),
            conflation: None,
            unnumbered: None,
            is_subscribed: false,
            told_final: Seq(0),
        }
    }

    fn listening_from(head: Option<Seq>, outbox: &Rc<Outbox>) -> Self {
        Self { at: head.map(Reader::new), ..Self::waiting(0, outbox) }
    }

    /// It was answered: it stands here.
    pub fn answered(&mut self, at: Seq) {
        self.at = Some(Reader::new(at));
        (self.has_been_sent, self.is_subscribed) = (true, true);
    }

    /// Of a channel without numbers: keeps what comes for after the answer, up to a bound.
    pub fn hold(&mut self, pack: &Arc<FramePack>) {
        let missed = self.unnumbered.get_or_insert_default();
        if missed.held.len() < HELD_MAX {
            missed.held.push(Arc::clone(pack));
        } else {
            missed.has_lost = true;
        }
    }

    /// What was held.
    pub fn take_held(&mut self) -> Vec<Arc<FramePack>> {
        self.unnumbered.as_mut().map(|missed| std::mem::take(&mut missed.held)).unwrap_or_default()
    }

    /// It did not get something that can't be read again.
    pub fn lose(&mut self) {
        self.unnumbered.get_or_insert_default().has_lost = true;
    }

    /// Did it lose something? Asked once.
    pub fn take_lost(&mut self) -> bool {
        self.unnumbered.as_mut().is_some_and(|missed| std::mem::take(&mut missed.has_lost))
    }

    /// It was told what is final.
    pub fn told_final(&mut self, seq: Seq) {
        self.told_final = self.told_final.max(seq);
    }

    /// It was sent all that is final, and is to be told so.
    pub fn is_owed(&self, finalized: Seq) -> bool {
        finalized > self.told_final && self.is_subscribed && self.joins == 0 && self.sent() >= Some(finalized)
    }

    /// It gets what comes after this, if it stands nowhere yet.
    pub fn begin(&mut self, at: Seq) {
        self.at.get_or_insert(Reader::new(at));
    }

    /// Numbers have another meaning now; it stands nowhere.
    pub fn restart(&mut self) {
        self.at = None;
        self.has_been_sent = false;
        self.told_final = Seq(0);
        self.forget_price();
    }

    /// Where it stands.
    pub fn last(&self) -> Option<Seq> {
        self.at.map(Reader::last)
    }

    /// The newest that was sent to it.
    pub fn sent(&self) -> Option<Seq> {
        self.last().filter(|_| self.has_been_sent)
    }

    /// Where it is to be read on from, if it may be sent to now.
    pub fn resumes_after(&self) -> Option<Seq> {
        self.last().filter(|_| self.joins == 0)
    }

    /// Sends it the frames of an entry that it was offered. What is left out of them waits in `conflation`.
    pub fn send(&mut self, pack: &Arc<FramePack>, now: Instant) -> Result<(), Overflow> {
        let has_room = !pack.has_price() || self.outbox.is_roomy();
        let parts = self.parts(pack, now, has_room);
        parts.into_iter().flatten().try_for_each(|part| self.outbox.push(Outgoing::Pack(part)))
    }

    /// What goes now of the frames of an entry; what is left out of them waits.
    pub fn parts(&mut self, pack: &Arc<FramePack>, now: Instant, has_room: bool) -> [Option<Arc<FramePack>>; 2] {
        if self.conflation.is_none() && has_room {
            return [Some(Arc::clone(pack)), None];
        }
        let parts = self.conflation.get_or_insert_default().offer(pack, now, has_room);
        self.settle_conflation();
        parts
    }

    /// Nothing is left out of what it is sent.
    pub fn gets_every_price(&self) -> bool {
        self.conflation.is_none()
    }

    /// Until when a price waits for its turn, if one does; `Some(None)`: only for room.
    pub fn price_waits_until(&self) -> Option<Option<Instant>> {
        self.conflation.as_ref().and_then(|conflation| conflation.waits_until())
    }

    /// The price that waits is told otherwise, or not at all.
    pub fn forget_price(&mut self) {
        self.conflation.iter_mut().for_each(|conflation| conflation.forget());
        self.settle_conflation();
    }

    fn settle_conflation(&mut self) {
        self.conflation.take_if(|conflation| conflation.is_idle());
    }

    /// Sends it entries one by one, without prices where there is little room. False if not all of them have room: it
    /// stands before the first of those.
    pub fn send_each(&mut self, entries: &[(Seq, Arc<FramePack>)], now: Instant) -> bool {
        entries.iter().all(|(seq, pack)| {
            // One frame more: the price that waited may go before it.
            let has_room = self.outbox.has_room(pack.count() + 1, pack.wire().len() * 2);
            has_room && (!self.offer(*seq) || self.send(pack, now).is_ok())
        })
    }

    /// Sends it the price that waited, if it is due.
    pub fn send_due(&mut self, now: Instant) -> Result<(), Overflow> {
        let (Some(at), has_room) = (self.last(), self.outbox.is_roomy()) else { return Ok(()) };
        let price = self.conflation.as_mut().and_then(|conflation| conflation.due(at, now, has_room));
        self.settle_conflation();
        match price {
            Some(price) => self.outbox.push(Outgoing::Pack(price)),
            None => Ok(()),
        }
    }

    /// It gets a price at most so often.
    pub fn conflate(&mut self, interval: Option<Duration>) {
        if interval.is_some() || self.conflation.is_some() {
            self.conflation.get_or_insert_default().set(interval);
            self.settle_conflation();
        }
    }

    /// True if this entry is to be sent to it now; it then counts as sent.
    pub fn offer(&mut self, seq: Seq) -> bool {
        if self.joins > 0 {
            return false;
        }
        let delivers = self.at.as_mut().is_some_and(|reader| reader.offer(seq) == Offer::Deliver);
        self.has_been_sent |= delivers;
        delivers
    }

    /// It is sent everything from where it stands up to this entry: that counts as sent.
    pub fn pass(&mut self, newest: Seq) {
        self.at = Some(Reader::new(newest));
        self.has_been_sent = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccountAddress;

    #[test]
    fn what_became_final_before_the_hub_was_attached_is_known_after() {
        let mut feed = Feed::default();
        assert!(!feed.hear_final(Epoch(2), Seq(7)) && !feed.hear_final(Epoch(2), Seq(6)));
        feed.epoch = Some(Epoch(2));
        assert_eq!(feed.take_early_final(Epoch(2)), Some(Seq(7)));
        assert!(feed.hear_final(Epoch(2), Seq(8)) && !feed.hear_final(Epoch(1), Seq(9)));
        assert_eq!((feed.finalized(), feed.take_early_final(Epoch(2))), (Seq(8), None));
        // Of another life it says nothing.
        let mut feed = Feed::default();
        feed.hear_final(Epoch(1), Seq(7));
        assert_eq!(feed.take_early_final(Epoch(2)), None);
    }

    #[test]
    fn a_commitment_without_room_stays_owed_until_there_is_some() {
        let channel = Channel::Config(AccountAddress([1; 32]));
        let outbox = Outbox::new(1, 10_000, Rc::default(), 0);
        let mut feed = Feed { epoch: Some(Epoch(1)), ..Feed::default() };
        let mut reader = FeedReader::waiting(1, &outbox);
        reader.answered(Seq(5));
        feed.readers.insert(SessionId::next(), reader);
        outbox.push(Outgoing::Frames(bytes::Bytes::from_static(b"x"), 1)).unwrap();
        assert!(feed.finalize(Seq(5)));
        feed.tell_final(channel);
        assert!(feed.readers.values().all(|reader| reader.is_owed(Seq(5))));
        outbox.write_to(&mut Vec::new(), Instant::now()).unwrap();
        feed.tell_final(channel);
        assert!(!feed.readers.values().any(|reader| reader.is_owed(Seq(5))));
    }
}
