//! A subscription, from the wish to the answer.
//!
//! The stream is asked to put the hub on its list and to say where it stands, in one turn of its own; the answer is that
//! state (or a resume after what the client has), and then every entry after it. While the question is out nothing of the
//! channel is delivered to the session: where it stands can't be overtaken by its own answer.

use std::{cell::Cell, rc::Rc, time::Duration};

use actix::prelude::*;

use super::{
    Hub, SessionId, Subscribe,
    feed::FeedReader,
    sources::{Head, State, StreamHandle},
};
use crate::{
    actors::stream::ReadError,
    domain::ids::Seq,
    http::{
        gateway::MarketRef,
        ws::{
            messages::{self, WsErrorCode},
            outbox::{Outgoing, Verdict},
            protocol::{ChannelRef, RequestId, Since, Want},
        },
    },
    view::frame::Channel,
};

/// Subscriptions of a session that may wait for their answers, as a multiple of its channels.
const UNANSWERED_PER_CHANNEL: usize = 2;

/// A message of a client that is answered in parts: the last part bears its id.
#[derive(Debug)]
pub(super) struct Request {
    id: RequestId,
    open: Cell<usize>,
}

impl Request {
    pub fn new(id: RequestId, parts: usize) -> Rc<Self> {
        Rc::new(Self { id, open: Cell::new(parts) })
    }

    /// The id for the next part.
    fn next_id(&self) -> RequestId {
        self.open.set(self.open.get().saturating_sub(1));
        if self.open.get() == 0 { self.id.clone() } else { None }
    }
}

/// One part of it.
#[derive(Debug)]
pub(super) struct Join {
    pub session: SessionId,
    pub name: String,
    pub since: Option<Since>,
    /// Prices at most so often; the outer `None` leaves it as it is.
    pub conflate: Option<Option<Duration>>,
    pub request: Rc<Request>,
    /// The client asked, and it counts among what is not answered.
    is_asked: bool,
}

impl Join {
    /// A snapshot that the client did not ask for, since what it has can't be gone on from.
    pub fn anew(session: SessionId, name: String) -> Self {
        Self { session, name, since: None, conflate: None, request: Request::new(None, 1), is_asked: false }
    }
}

impl Handler<Subscribe> for Hub {
    type Result = ();

    fn handle(&mut self, Subscribe { session, id, wants }: Subscribe, ctx: &mut Context<Self>) {
        let Some(known) = self.sessions.get(&session) else { return };
        let new = wants.iter().filter(|want| {
            !self.channel_of(&want.channel).is_some_and(|channel| known.channels.contains_key(&channel))
        });
        if known.channels.len() + known.resolving.len() + new.count() > self.limits.channels {
            let message = format!("At most {} channels a connection.", self.limits.channels);
            return self.refuse(session, &id, None, WsErrorCode::TooManyChannels, &message);
        }
        if known.unanswered + wants.len() > self.limits.channels * UNANSWERED_PER_CHANNEL {
            let message = "Too many subscriptions wait for their answers.";
            return self.refuse(session, &id, None, WsErrorCode::Unavailable, message);
        }
        if let Some(known) = self.sessions.get_mut(&session) {
            known.unanswered += wants.len();
        }
        let request = Request::new(id, wants.len());
        for Want { channel, name, since, conflate } in wants {
            let (request, conflate) = (request.clone(), Some(conflate));
            let join = Join { session, name, since, conflate, request, is_asked: true };
            match self.channel_of(&channel) {
                Some(channel) => self.begin(channel, join, ctx),
                None => self.look_up(channel, join, ctx),
            }
        }
    }
}

impl Hub {
    /// The channel's account is not known here: find it, then go on.
    fn look_up(&mut self, name: ChannelRef, join: Join, ctx: &mut Context<Self>) {
        let sources = self.sources.clone();
        match name {
            ChannelRef::Market(MarketRef::Address(address)) => self.begin(Channel::Market(address), join, ctx),
            ChannelRef::Counted(channel) => self.begin(Channel::Counted(channel), join, ctx),
            ChannelRef::Ticker => self.begin(Channel::Ticker, join, ctx),
            ChannelRef::Wallet(wallet) => self.begin(Channel::Wallet(wallet), join, ctx),
            ChannelRef::Config => {
                let found = async move { sources.config().await }.into_actor(self);
                ctx.spawn(found.map(|found, hub, ctx| match found {
                    Ok(channel) => {
                        hub.config.get_or_insert(channel);
                        hub.begin(channel, join, ctx);
                    }
                    Err(error) => hub.answer_error(&join, error),
                }));
            }
            ChannelRef::Market(MarketRef::Seed(seed)) => {
                if let Some(known) = self.sessions.get_mut(&join.session) {
                    known.resolving.push(seed);
                }
                let found = async move { sources.market_of(seed).await }.into_actor(self);
                ctx.spawn(found.map(move |found, hub, ctx| {
                    let Some(known) = hub.sessions.get_mut(&join.session) else { return };
                    let place = known.resolving.iter().position(|looked_for| *looked_for == seed);
                    match (place.map(|place| known.resolving.swap_remove(place)), found) {
                        (None, _) => hub.answer_cancelled(&join),
                        (Some(_), Ok(address)) => hub.begin(Channel::Market(address), join, ctx),
                        (Some(_), Err(error)) => hub.answer_error(&join, error),
                    }
                }));
            }
        }
    }

    /// Ask the stream; what it answers goes on in [`Hub::finish`].
    pub(super) fn begin(&mut self, channel: Channel, mut join: Join, ctx: &mut Context<Self>) {
        if !self.may_have(join.session, channel) {
            let id = self.answered(&join);
            let message = "It is the wallet's own: sign in as that wallet.";
            return self.refuse(join.session, &id, Some(&join.name), WsErrorCode::Forbidden, message);
        }
        // What has no numbers has no place to go on from.
        join.since = join.since.filter(|_| channel.is_numbered());
        self.tickets += 1;
        let ticket = self.tickets;
        let Some(known) = self.sessions.get_mut(&join.session) else { return };
        known.channels.entry(channel).or_insert(false);
        let feed = self.feeds.entry(channel).or_default();
        let reader = feed.readers.entry(join.session).or_insert_with(|| FeedReader::waiting(ticket, &known.outbox));
        reader.joins += 1;
        let ticket = reader.ticket;

        let (sources, link) = (self.sources.clone(), self.link.clone());
        let (since, caller) = (join.since, known.caller());
        let attached = async move {
            match since {
                Some(since) => sources.attach_after(channel, link, since).await,
                None => sources.attach(channel, link, true, caller).await,
            }
        };
        ctx.spawn(
            attached.into_actor(self).map(move |outcome, hub, ctx| hub.finish(channel, join, ticket, outcome, ctx)),
        );
    }

    fn finish(
        &mut self,
        channel: Channel,
        join: Join,
        ticket: u64,
        outcome: Result<(StreamHandle, Head), ReadError>,
        ctx: &mut Context<Self>,
    ) {
        let outcome = outcome.and_then(|(handle, head)| {
            let is_current = self.attached(channel, handle, &head, ctx);
            if is_current { Ok(head) } else { Err(ReadError::Gone) }
        });
        let session = join.session;
        let Some(feed) = self.feeds.get_mut(&channel) else { return self.answer_cancelled(&join) };
        let finalized = feed.finalized();
        let Some(reader) = feed.readers.get_mut(&session).filter(|reader| reader.ticket == ticket && reader.joins > 0)
        else {
            return self.answer_cancelled(&join);
        };
        reader.joins -= 1;
        match outcome {
            Ok(head) => {
                let resumed = join.since.and_then(|since| resume(since, &head, self.limits.resume_entries));
                // Wherever it stood before, by an earlier subscription or by listening along: it is sent all that follows
                // its answer, and no price of before.
                let mut answer = match resumed {
                    Some(since) => {
                        reader.answered(since);
                        reader.conflation.forget();
                        head.resumed(channel, since)
                    }
                    None => match head.snapshot(channel) {
                        Some(snapshot) => {
                            reader.answered(snapshot.seq.unwrap_or_default());
                            reader.conflation.forget();
                            snapshot
                        }
                        // It was not read for who wanted to resume.
                        None => return self.begin(channel, Join { since: None, ..join }, ctx),
                    },
                };
                if let Some(interval) = join.conflate {
                    reader.conflate(interval);
                }
                // More than it has is told once it was sent that far.
                answer.finalized_seq =
                    head.finalized.max(Some(finalized)).filter(|seq| Some(*seq) <= answer.seq && seq.0 > 0);
                reader.told_final(answer.finalized_seq.unwrap_or_default());
                if let Some(known) = self.sessions.get_mut(&session) {
                    known.channels.insert(channel, true);
                    known.unanswered = known.unanswered.saturating_sub(usize::from(join.is_asked));
                }
                let text = messages::subscribed(join.request.next_id().as_ref(), &answer);
                self.send(session, Outgoing::Message(text, Verdict::Good));
                self.settle_config(session);
            }
            Err(error) => {
                if reader.joins == 0 {
                    // What was there before it stays: an earlier subscription, or the config that everyone gets.
                    if reader.last().is_none() {
                        feed.readers.remove(&session);
                    }
                    if let Some(known) = self.sessions.get_mut(&session) {
                        known.channels.retain(|asked, joined| *asked != channel || *joined);
                    }
                }
                self.answer_error(&join, error);
                self.settle_config(session);
            }
        }
        // What came while the question was out.
        self.advance(session, channel, ctx);
        self.settle_reader(session, channel, ctx);
        self.release_held(session, channel);
    }

    /// The hub is on the stream's list, and this is where the stream stands. False if the answer is of an older life of
    /// the journal than is known by now.
    pub(super) fn attached(
        &mut self,
        channel: Channel,
        handle: StreamHandle,
        head: &Head,
        ctx: &mut Context<Self>,
    ) -> bool {
        if let (State::Market(market, _), Channel::Market(address)) = (&head.state, channel) {
            self.seeds.insert(market.seed, address);
        }
        let feed = self.feeds.entry(channel).or_default();
        if feed.epoch.is_some_and(|epoch| epoch > head.epoch) {
            return false;
        }
        feed.handle = Some(handle);
        if feed.epoch == Some(head.epoch) {
            feed.inlet.announce(head.seq);
            // Whoever's question it was, those who listen are to know.
            if feed.finalize(head.finalized.unwrap_or_default()) {
                self.tell_final(channel);
            }
            return true;
        }
        let is_new_life = feed.epoch.is_some();
        feed.epoch = Some(head.epoch);
        let mut told = Vec::new();
        if is_new_life {
            feed.inlet.reset();
            feed.pages.clear();
            feed.forget_final();
            for (session, reader) in &mut feed.readers {
                let was_sent = reader.sent().is_some();
                reader.restart();
                if was_sent && reader.joins == 0 {
                    reader.answered(head.seq);
                    told.push(*session);
                }
            }
        }
        let is_more_final = feed.finalize(head.finalized.unwrap_or_default());
        let ready = feed.inlet.start(head.seq);
        // Who listens along gets what comes from here on; who waits is answered by his own question.
        feed.readers.values_mut().filter(|reader| reader.joins == 0).for_each(|reader| reader.begin(head.seq));
        if !told.is_empty() {
            log::warn!("{channel} begins anew in epoch {}: {} sessions get a snapshot", head.epoch, told.len());
            match head.snapshot(channel) {
                Some(snapshot) => {
                    let text = messages::subscribed(None, &snapshot);
                    for session in told {
                        self.send(session, Outgoing::Message(text.clone(), Verdict::Neutral));
                    }
                }
                None => {
                    for session in told {
                        let name = channel.to_string();
                        self.begin(channel, Join::anew(session, name), ctx);
                    }
                }
            }
        }
        self.publish(channel, &ready, ctx);
        if is_more_final {
            self.tell_final(channel);
        }
        true
    }

    fn answered(&mut self, join: &Join) -> RequestId {
        if let Some(known) = self.sessions.get_mut(&join.session) {
            known.unanswered = known.unanswered.saturating_sub(usize::from(join.is_asked));
        }
        join.request.next_id()
    }

    fn answer_error(&mut self, join: &Join, error: ReadError) {
        let (code, message) = match error {
            ReadError::Unknown => (WsErrorCode::NotFound, "There is no such market."),
            ReadError::Loading => (WsErrorCode::Unavailable, "It is being loaded; try again."),
            ReadError::Gone => (WsErrorCode::Unavailable, "It was restarted; try again."),
        };
        let id = self.answered(join);
        self.refuse(join.session, &id, Some(&join.name), code, message);
    }

    fn answer_cancelled(&mut self, join: &Join) {
        let id = self.answered(join);
        let message = "Unsubscribed before it was answered.";
        self.refuse(join.session, &id, Some(&join.name), WsErrorCode::Cancelled, message);
    }
}

/// The entry that is gone on after, as the client gave it; `None` if it can't be served.
fn resume(since: Since, head: &Head, max_entries: u64) -> Option<Seq> {
    let behind = head.seq.0.saturating_sub(since.seq.0);
    (since.epoch == head.epoch && since.seq <= head.seq && behind <= max_entries).then_some(since.seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Epoch;

    #[test]
    fn a_resume_is_served_in_the_same_life_up_to_the_head_and_within_the_bound() {
        let head = Head { epoch: Epoch(2), seq: Seq(500), newest: None, finalized: None, state: State::Config(None) };
        let cases = [
            ((2, 500), Some(500)),
            ((2, 400), Some(400)),
            ((2, 399), None),
            ((2, 501), None),
            ((1, 500), None),
            ((3, 1), None),
        ];
        for ((epoch, seq), expected) in cases {
            let since = Since { epoch: Epoch(epoch), seq: Seq(seq) };
            assert_eq!(resume(since, &head, 100), expected.map(Seq), "{since:?}");
        }
    }
}
