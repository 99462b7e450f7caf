//! A subscription, from the wish to the answer.
//!
//! The stream is asked to put the hub on its list and to say where it stands, in one turn of its own; the answer is that
//! state (or a resume after what the client has), and then every entry after it. While the question is out nothing of the
//! channel is delivered to the session: where it stands can't be overtaken by its own answer. A hub that knows where the
//! stream stands ([`super::standing`]) answers at once.
//!
//! Each question is a task beside the hub, which is told its outcome once: the hub's own turns cost the same however many
//! are out. They are as many as subscriptions that a session may leave unanswered, times the sessions.

use std::{cell::Cell, rc::Rc, time::Duration};

use actix::prelude::*;

use super::{
    Hub, SessionId,
    commands::{Done, DoneSender},
    feed::FeedReader,
    head::{Head, State, StreamHandle},
};
use crate::{
    actors::stream::ReadError,
    domain::ids::Seq,
    http::{
        gateway::MarketRef,
        ws::{
            messages::{self, Subscribed, WsErrorCode},
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

/// What came of a question that a subscription waits for.
#[derive(Debug)]
pub(super) struct Joined {
    join: Join,
    asked: Asked,
}

#[derive(Debug)]
enum Asked {
    /// Which channel the config's is.
    Config(Result<Channel, ReadError>),
    /// Where a stream stands, for the membership with this ticket.
    Stream { channel: Channel, ticket: u64, outcome: Box<Result<(StreamHandle, Head), ReadError>> },
}

/// Tells the hub whatever becomes of the question.
struct Joining {
    hub: DoneSender,
    joined: Option<Joined>,
}

impl Joining {
    fn new(hub: &DoneSender, join: Join, asked: Asked) -> Self {
        Self { hub: hub.clone(), joined: Some(Joined { join, asked }) }
    }

    fn answer(mut self, answer: Asked) {
        if let Some(joined) = &mut self.joined {
            joined.asked = answer;
        }
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        if let Some(joined) = self.joined.take() {
            // A hub that is gone has no sessions left.
            let _ = self.hub.send(Done::Joined(joined));
        }
    }
}

impl Hub {
    /// Subscribe to channels; the answers come through the outbox, as they are ready, the last of them with the id.
    pub(super) fn subscribe(&mut self, session: SessionId, id: RequestId, wants: Vec<Want>, ctx: &mut Context<Self>) {
        let Some(known) = self.sessions.get(&session) else { return };
        let new = wants
            .iter()
            .filter(|want| !self.channel_of(&want.channel).is_some_and(|channel| known.channels.contains(channel)));
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
            self.look_up(&channel, join, ctx);
        }
        self.ask_seeds();
    }

    /// Go on with the channel; where its account is not known here, find it first.
    fn look_up(&mut self, name: &ChannelRef, join: Join, ctx: &mut Context<Self>) {
        if let Some(channel) = self.channel_of(name) {
            return self.begin(channel, join, ctx);
        }
        match name {
            ChannelRef::Config => {
                let sources = self.sources.clone();
                let joining = Joining::new(&self.done, join, Asked::Config(Err(ReadError::Gone)));
                actix::spawn(async move {
                    let found = sources.config().await;
                    joining.answer(Asked::Config(found));
                });
            }
            ChannelRef::Market(MarketRef::Seed(seed)) => {
                if let Some(known) = self.sessions.get_mut(&join.session) {
                    known.resolving.push(*seed);
                    self.seeds_wanted.want(*seed, join);
                }
            }
            // Their channel is their name.
            ChannelRef::Market(MarketRef::Address(_))
            | ChannelRef::Counted(_)
            | ChannelRef::Ticker
            | ChannelRef::Wallet(_) => {}
        }
    }

    /// A question was answered that a subscription waits for.
    pub(super) fn joined(&mut self, Joined { join, asked }: Joined, ctx: &mut Context<Self>) {
        match asked {
            Asked::Config(Ok(channel)) => {
                self.config.get_or_insert(channel);
                self.begin(channel, join, ctx);
            }
            Asked::Config(Err(error)) => self.answer_error(&join, error),
            Asked::Stream { channel, ticket, outcome } => self.finish(channel, join, ticket, *outcome, ctx),
        }
    }

    /// Ask the stream, if where it stands is not known here; what it answers goes on in [`Hub::finish`].
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
        known.channels.ask(channel);
        let feed = self.feeds.entry(channel).or_default();
        let reader = feed.readers.entry(join.session).or_insert_with(|| FeedReader::waiting(ticket, &known.outbox));
        reader.joins += 1;
        let (ticket, waits_alone) = (reader.ticket, reader.joins == 1);
        // Answers to one session about one channel don't overtake each other.
        if let Some(head) = feed.standing_for(join.since).filter(|_| waits_alone) {
            return self.answer(channel, join, ticket, Ok(head), ctx);
        }

        let (sources, link) = (self.sources.clone(), self.link.clone());
        let (since, caller) = (join.since, known.caller());
        let asked = move |outcome| Asked::Stream { channel, ticket, outcome: Box::new(outcome) };
        let joining = Joining::new(&self.done, join, asked(Err(ReadError::Gone)));
        actix::spawn(async move {
            let outcome = match since {
                Some(since) => sources.attach_after(channel, link, since).await,
                None => sources.attach(channel, link, true, caller).await,
            };
            joining.answer(asked(outcome));
        });
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
        self.answer(channel, join, ticket, outcome, ctx);
    }

    fn answer(
        &mut self,
        channel: Channel,
        join: Join,
        ticket: u64,
        outcome: Result<Head, ReadError>,
        ctx: &mut Context<Self>,
    ) {
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
                // What has no number stands nowhere. More than it has is told final once it was sent that far.
                let at = resumed.or_else(|| channel.is_numbered().then(|| head.snapshot_at().0));
                let finalized_seq = head.finalized.max(Some(finalized)).filter(|seq| Some(*seq) <= at && seq.0 > 0);
                let text = match resumed {
                    Some(since) => messages::subscribed(&Subscribed { finalized_seq, ..head.resumed(channel, since) }),
                    None => {
                        let written = feed.standing.as_ref().and_then(|known| known.written(&head, finalized_seq));
                        let Some(text) = written.or_else(|| {
                            let text = messages::subscribed(&Subscribed { finalized_seq, ..head.snapshot(channel)? });
                            feed.standing.iter_mut().for_each(|known| known.keep(&head, finalized_seq, &text));
                            Some(text)
                        }) else {
                            // It was not read for who wanted to resume.
                            return self.begin(channel, Join { since: None, ..join }, ctx);
                        };
                        text
                    }
                };
                // Wherever it stood before, by an earlier subscription or by listening along: it is sent all that follows
                // its answer, and no price of before.
                reader.answered(at.unwrap_or_default());
                reader.forget_price();
                if let Some(interval) = join.conflate {
                    reader.conflate(interval);
                }
                reader.told_final(finalized_seq.unwrap_or_default());
                if let Some(known) = self.sessions.get_mut(&session) {
                    known.channels.join(channel);
                    known.unanswered = known.unanswered.saturating_sub(usize::from(join.is_asked));
                }
                let text = messages::with_id(join.request.next_id().as_ref(), text);
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
                        known.channels.give_up(channel);
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
        feed.learn(head);
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
                    // It stays what it was: who listens along has not asked for commitments.
                    reader.pass(head.seq);
                    told.push(*session);
                }
            }
        }
        let finalized = head.finalized.max(feed.take_early_final(head.epoch));
        let is_more_final = feed.finalize(finalized.unwrap_or_default());
        let ready = feed.inlet.start(head.seq);
        // Who listens along gets what comes from here on; who waits is answered by his own question.
        feed.readers.values_mut().filter(|reader| reader.joins == 0).for_each(|reader| reader.begin(head.seq));
        if !told.is_empty() {
            log::warn!("{channel} begins anew in epoch {}: {} sessions get a snapshot", head.epoch, told.len());
            match head.snapshot(channel) {
                Some(snapshot) => {
                    let text = messages::subscribed(&snapshot);
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

    pub(super) fn answer_error(&mut self, join: &Join, error: ReadError) {
        let (code, message) = match error {
            ReadError::Unknown => (WsErrorCode::NotFound, "There is no such market."),
            ReadError::Loading => (WsErrorCode::Unavailable, "It is being loaded; try again."),
            ReadError::Gone => (WsErrorCode::Unavailable, "It was restarted; try again."),
        };
        let id = self.answered(join);
        self.refuse(join.session, &id, Some(&join.name), code, message);
    }

    pub(super) fn answer_cancelled(&mut self, join: &Join) {
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

    #[tokio::test]
    async fn a_question_whose_task_is_gone_is_told_to_the_hub_all_the_same_and_once() {
        let (hub, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        let joining = || {
            let join = Join::anew(SessionId::next(), "config".to_owned());
            Joining::new(&hub, join, Asked::Config(Err(ReadError::Gone)))
        };
        drop(joining());
        joining().answer(Asked::Config(Err(ReadError::Loading)));
        let mut told = || match inbox.try_recv() {
            Ok(Done::Joined(Joined { asked: Asked::Config(Err(error)), .. })) => Some(error),
            _ => None,
        };
        assert_eq!((told(), told(), told()), (Some(ReadError::Gone), Some(ReadError::Loading), None));
    }

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
