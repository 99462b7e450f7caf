//! What a hub has of a channel, and who listens to it.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::Arc,
};

use super::{SessionId, sources::StreamHandle};
use crate::{
    domain::ids::{Epoch, Seq},
    http::ws::{
        delivery::{Inlet, Offer, Reader},
        outbox::Outbox,
    },
    view::frame::FramePack,
};

/// A channel in use.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// The stream, while the hub is on its list.
    pub handle: Option<StreamHandle>,
    /// The journal's life that the numbers belong to; `None` before the hub was first attached.
    pub epoch: Option<Epoch>,
    /// What came, in order.
    pub inlet: Inlet<Arc<FramePack>>,
    /// Who listens.
    pub readers: HashMap<SessionId, FeedReader>,
    /// A question about the channel as a whole is in flight: attach, replay, detach.
    pub is_busy: bool,
    /// Pages being read, by the entry that they follow, and who waits for them.
    pub pages: BTreeMap<Seq, Vec<SessionId>>,
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

    /// True once nobody listens and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.readers.is_empty() && !self.is_busy
    }
}

/// A session in a channel.
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
}

impl FeedReader {
    /// A session that waits for its first answer.
    pub fn waiting(ticket: u64, outbox: &Rc<Outbox>) -> Self {
        Self { at: None, has_been_sent: false, joins: 0, ticket, is_deferred: false, outbox: Rc::clone(outbox) }
    }

    fn listening_from(head: Option<Seq>, outbox: &Rc<Outbox>) -> Self {
        Self { at: head.map(Reader::new), ..Self::waiting(0, outbox) }
    }

    /// It was answered: it stands here.
    pub fn answered(&mut self, at: Seq) {
        self.at = Some(Reader::new(at));
        self.has_been_sent = true;
    }

    /// It gets what comes after this, if it stands nowhere yet.
    pub fn begin(&mut self, at: Seq) {
        self.at.get_or_insert(Reader::new(at));
    }

    /// Numbers have another meaning now; it stands nowhere.
    pub fn restart(&mut self) {
        self.at = None;
        self.has_been_sent = false;
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

    /// True if this entry is to be sent to it now; it then counts as sent.
    pub fn offer(&mut self, seq: Seq) -> bool {
        if self.joins > 0 {
            return false;
        }
        let delivers = self.at.as_mut().is_some_and(|reader| reader.offer(seq) == Offer::Deliver);
        self.has_been_sent |= delivers;
        delivers
    }
}
