//! The hub: one actor a worker, that holds the sockets.
//!
//! It is attached once to each stream in use and is sent each frame once, into one bounded inbox; fan-out to the sessions
//! happens here, so that a market's turn stays short. Per session and channel it keeps one number, the newest entry that
//! was sent: with it a hole, a restart of the market or a slow joiner is the same thing, namely "read again after that
//! number". Nothing is buffered for a session but its bounded outbox: what a session misses is read again, from what the
//! hub keeps of the channel, from the market's memory, or from the journal.
//!
//! - [`connections`]: how connections come, what they say, how they are written to, how they end.
//! - [`fan_out`]: live frames, from the inbox to the outboxes.
//! - [`feed`]: what the hub has of a channel, and who listens.
//! - [`head`]: where a stream stands, and the way to it.
//! - [`join`]: a subscription, from the wish to the answer.
//! - [`standing`]: where a stream stands, for whoever joins while it still does.
//! - [`seeds`]: markets that are named by their seeds.
//! - [`catch_up`]: sessions that are behind, page by page.
//! - [`unnumbered`]: channels without numbers, and whose they are.
//! - [`prices`], [`conflate`]: prices for who wants them less often, or reads too slowly.
//! - [`commitments`]: what has become final.
//! - [`upkeep`]: heartbeats, streams that were restarted, streams that nobody listens to any more.
//! - [`sources`]: the asynchronous questions to streams and journal.
//! - [`commands`]: what is asked for beside channels.
//! - [`identities`]: who sessions are.
//! - [`quotes`]: quotes that are told again at each change.

mod catch_up;
mod channels;
mod commands;
mod commitments;
mod conflate;
mod connections;
mod fan_out;
mod feed;
mod feeds;
mod figures;
mod head;
mod identities;
mod join;
mod prices;
mod quotes;
mod seeds;
mod seen;
mod sources;
mod standing;
mod unnumbered;
mod upkeep;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::prelude::*;
use futures_util::stream::poll_fn;
use rand::Rng;
use tokio::sync::mpsc;

use self::{
    catch_up::PageReads,
    channels::Channels,
    commands::{CommandState, Done, DoneSender},
    commitments::Finality,
    feed::Feed,
    identities::Watch,
    join::Join,
    prices::PricesWait,
    quotes::Quotes,
    seeds::Wanted,
};
use super::{
    WsLimits,
    codes::Close,
    commands::Services,
    identity::{Identity, Visitor},
    messages::{self, ChannelHead, Position, WsErrorCode},
    outbox::{Outbox, Outgoing, Verdict},
    protocol::{ChannelRef, RequestId},
    rate::MessageRate,
    sockets::Sockets,
};
use crate::{
    actors::stream::{HubInput, HubLink},
    domain::ids::{MarketAddress, MarketSeed},
    http::gateway::MarketRef,
    telemetry::health::Health,
    view::frame::Channel,
};

pub use self::{
    connections::Connect,
    seen::{ConnectionSeen, SeeConnections},
    sources::Sources,
};

/// Frames that wait for the hub; what does not fit is dropped by the stream, and read again.
pub const INBOX: usize = 65_536;
/// Entries that are sent as live ones when a session is so little behind; more are sent page by page.
const BURST: usize = 64;

/// A connection's number in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SessionId(u64);

impl SessionId {
    /// A new one.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Say goodbye to every session, and take no new ones. Answers how many there were.
#[derive(Message)]
#[rtype(result = "usize")]
pub struct SayGoodbye;

/// How many sessions are there?
#[derive(Message)]
#[rtype(result = "usize")]
pub struct CountSessions;

/// The hubs of all workers, for the end.
#[derive(Debug, Clone, Default)]
pub struct Hubs(Arc<Mutex<Vec<Addr<Hub>>>>);

impl Hubs {
    /// A hub was started.
    pub fn add(&self, hub: Addr<Hub>) {
        let mut hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(Addr::connected);
        hubs.push(hub);
    }

    /// Those that live.
    pub fn all(&self) -> Vec<Addr<Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|hub| hub.connected()).cloned().collect()
    }
}

/// What the hub knows of a session.
#[derive(Debug)]
struct Session {
    outbox: Rc<Outbox>,
    /// Whose it is now; `None`: nobody's, it has public channels only.
    identity: Option<Box<Identity>>,
    commands: CommandState,
    channels: Channels,
    /// Markets named by a seed whose address is being looked up.
    resolving: Vec<MarketSeed>,
    /// Subscriptions that are not answered yet.
    unanswered: usize,
    /// Channels in which it is behind, in the order of their turns; only while a page is out.
    catching_up: VecDeque<Channel>,
    /// A page is in its outbox.
    page_is_out: bool,
    beats: u64,
    next_beat: Instant,
}

impl Session {
    fn new(outbox: Rc<Outbox>, visitor: Visitor, next_beat: Instant) -> Self {
        Self {
            outbox,
            identity: visitor.identity.map(Box::new),
            commands: CommandState::new(visitor),
            channels: Channels::default(),
            resolving: Vec::new(),
            unanswered: 0,
            catching_up: VecDeque::new(),
            page_is_out: false,
            beats: 0,
            next_beat,
        }
    }
}

/// The actor.
#[derive(Debug)]
pub struct Hub {
    link: HubLink,
    inbox: Option<mpsc::Receiver<HubInput>>,
    sources: Arc<Sources>,
    services: Rc<Services>,
    done: DoneSender,
    done_inbox: Option<mpsc::UnboundedReceiver<Done>>,
    told: figures::Told,
    health: Health,
    limits: WsLimits,
    message_rate: MessageRate,
    sockets: Sockets,
    /// Room for those that are being written.
    marked: Vec<usize>,
    sessions: HashMap<SessionId, Box<Session>>,
    /// Whose heartbeat is next.
    beats: BTreeSet<(Instant, SessionId)>,
    feeds: HashMap<Channel, Feed>,
    /// The config's channel, once its account is known. Everyone who has a subscription gets its frames.
    config: Option<Channel>,
    config_is_looked_for: bool,
    seeds: HashMap<MarketSeed, MarketAddress>,
    /// Those that are being looked up, and for whom.
    seeds_wanted: Wanted<Join>,
    page_reads: PageReads,
    quotes: Quotes,
    tickets: u64,
    watch: Watch,
    next_sweep: Instant,
    is_closing: bool,
    finality: Finality,
    prices_wait: PricesWait,
}

impl Hub {
    /// A hub over these sources, that answers commands with these services.
    pub fn new(sources: Sources, services: Rc<Services>, health: Health, limits: WsLimits) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (sender, inbox) = mpsc::channel(INBOX);
        let (done, done_inbox) = mpsc::unbounded_channel();
        Self {
            link: HubLink { id: NEXT.fetch_add(1, Ordering::Relaxed), inbox: sender },
            inbox: Some(inbox),
            sources: Arc::new(sources),
            services,
            done,
            done_inbox: Some(done_inbox),
            told: figures::Told::new(health.metrics().clone()),
            health,
            limits,
            message_rate: MessageRate::new(limits.messages_per_second, limits.message_burst),
            sockets: Sockets::default(),
            marked: Vec::new(),
            sessions: HashMap::new(),
            beats: BTreeSet::new(),
            feeds: HashMap::new(),
            config: None,
            config_is_looked_for: false,
            seeds: HashMap::new(),
            seeds_wanted: Wanted::default(),
            page_reads: PageReads::default(),
            quotes: Quotes::default(),
            tickets: 0,
            watch: Watch::default(),
            next_sweep: Instant::now(),
            is_closing: false,
            finality: Finality::default(),
            prices_wait: PricesWait::default(),
        }
    }

    /// Put something into a session's outbox; one that is full ends the session.
    fn send(&mut self, session: SessionId, item: Outgoing) {
        let Some(known) = self.sessions.get(&session) else { return };
        if known.outbox.push(item).is_err() {
            self.drop_slow(session);
        }
    }

    fn refuse(&mut self, session: SessionId, id: &RequestId, channel: Option<&str>, code: WsErrorCode, message: &str) {
        let text = messages::error(id.as_ref(), channel, code, message);
        self.send(session, Outgoing::Message(text, Verdict::of(code)));
    }

    fn drop_slow(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.get(&session) {
            known.outbox.close(Close::Slow);
        }
        self.forget(session);
    }

    /// A session is gone.
    fn forget(&mut self, session: SessionId) {
        let Some(known) = self.sessions.remove(&session) else { return };
        self.beats.remove(&(known.next_beat, session));
        self.quotes.leave(session);
        for seed in &known.resolving {
            self.seeds_wanted.give_up(*seed, |join| join.session == session);
        }
        for channel in known.channels.iter().chain(self.config) {
            if let Some(feed) = self.feeds.get_mut(&channel) {
                feed.readers.remove(&session);
            }
        }
    }

    /// The channel that a name stands for, as far as it is known here.
    fn channel_of(&self, name: &ChannelRef) -> Option<Channel> {
        match name {
            ChannelRef::Market(MarketRef::Address(address)) => Some(Channel::Market(*address)),
            ChannelRef::Market(MarketRef::Seed(seed)) => self.seeds.get(seed).copied().map(Channel::Market),
            ChannelRef::Config => self.config,
            ChannelRef::Counted(channel) => Some(Channel::Counted(*channel)),
            ChannelRef::Ticker => Some(Channel::Ticker),
            ChannelRef::Wallet(wallet) => Some(Channel::Wallet(*wallet)),
        }
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        match self.sockets.open() {
            Ok(readiness) => drop(ctx.add_stream(readiness)),
            Err(error) => {
                log::error!("a hub can't watch sockets: {error}");
                return ctx.stop();
            }
        }
        if let Some(inbox) = self.inbox.take() {
            ctx.add_stream(fan_out::batches(inbox));
        }
        if let Some(mut inbox) = self.done_inbox.take() {
            ctx.add_stream(poll_fn(move |cx| inbox.poll_recv(cx)));
        }
        ctx.spawn(connections::Flushing);
        ctx.run_interval(Duration::from_secs(1), Self::tell_figures);
        ctx.run_interval(self.life_interval(), |hub, _| hub.check_lives(Instant::now()));
        let often = (self.limits.heartbeat / 4).clamp(Duration::from_millis(10), Duration::from_millis(250));
        ctx.run_interval(often, |hub, ctx| hub.tick(Instant::now(), ctx));
        ctx.run_interval(often.min(upkeep::BEATS_EVERY), |hub, _| hub.beat_due(Instant::now()));
        self.tick(Instant::now(), ctx);
    }
}

impl Hub {
    /// Leave channels (none named: all of them); the answer comes through the outbox, after their last frame.
    fn unsubscribe(&mut self, session: SessionId, id: &RequestId, channels: &[ChannelRef]) {
        let Some(known) = self.sessions.get(&session) else { return };
        let leaving: Vec<Channel> = if channels.is_empty() {
            known.channels.iter().collect()
        } else {
            channels.iter().filter_map(|name| self.channel_of(name)).collect()
        };
        let (mut left, mut given_up) = (Vec::new(), Vec::new());
        if let Some(known) = self.sessions.get_mut(&session) {
            let is_left = |seed: &mut MarketSeed| {
                channels.is_empty() || channels.contains(&ChannelRef::Market(MarketRef::Seed(*seed)))
            };
            given_up.extend(known.resolving.extract_if(.., is_left));
            left.extend(leaving.into_iter().filter(|channel| known.channels.remove(*channel)));
        }
        for seed in given_up {
            for join in self.seeds_wanted.give_up(seed, |join| join.session == session) {
                self.answer_cancelled(&join);
            }
        }
        let heads = left.iter().map(|channel| self.head_of(session, *channel)).collect();
        for channel in left {
            if let Some(feed) = self.feeds.get_mut(&channel) {
                feed.readers.remove(&session);
            }
        }
        self.settle_config(session);
        let quotes = if channels.is_empty() { self.leave_quotes(session) } else { Vec::new() };
        let text = messages::reply_with_quotes(id.as_ref(), "unsubscribe", heads, &quotes);
        self.send(session, Outgoing::Message(text, Verdict::Good));
    }

    /// Tell what is subscribed.
    fn list(&mut self, session: SessionId, id: &RequestId) {
        let Some(known) = self.sessions.get(&session) else { return };
        let heads = known.channels.joined().map(|channel| self.head_of(session, channel)).collect();
        let quotes: Vec<_> = self.quotes.of(session).cloned().collect();
        let text = messages::reply_with_quotes(id.as_ref(), "list", heads, &quotes);
        self.send(session, Outgoing::Message(text, Verdict::Good));
    }

    fn head_of(&self, session: SessionId, channel: Channel) -> ChannelHead {
        ChannelHead::new(channel, self.position_of(session, channel))
    }

    /// The newest entry of a channel that was sent to a session.
    fn position_of(&self, session: SessionId, channel: Channel) -> Option<Position> {
        let feed = self.feeds.get(&channel).filter(|_| channel.is_numbered())?;
        let seq = feed.readers.get(&session)?.sent()?;
        Some(Position { epoch: feed.epoch?, seq })
    }

    /// Who has a subscription gets the config's frames; who has none does not.
    fn settle_config(&mut self, session: SessionId) {
        let Some(channel) = self.config else { return };
        let Some(known) = self.sessions.get(&session) else { return };
        let wants = known.channels.joined().next().is_some();
        let asked_for = known.channels.contains(channel);
        let feed = self.feeds.entry(channel).or_default();
        if wants {
            feed.listen_along(session, &known.outbox);
        } else if !asked_for {
            feed.readers.remove(&session);
        }
    }
}

impl Handler<SayGoodbye> for Hub {
    type Result = usize;

    fn handle(&mut self, _: SayGoodbye, _: &mut Context<Self>) -> usize {
        self.is_closing = true;
        let mut random = rand::rng();
        for session in self.sessions.values() {
            // Spread, so that not everybody comes back in the same second.
            let reconnect_after_ms = random.random_range(500..5_000);
            let goodbye = Outgoing::Message(messages::shutdown(reconnect_after_ms), Verdict::Neutral);
            match session.outbox.push(goodbye) {
                Ok(()) => session.outbox.finish(Close::ShuttingDown),
                Err(_) => session.outbox.close(Close::Slow),
            }
        }
        self.sessions.len()
    }
}

impl Handler<CountSessions> for Hub {
    type Result = usize;

    fn handle(&mut self, _: CountSessions, _: &mut Context<Self>) -> usize {
        self.sessions.values().filter(|session| !session.outbox.is_abandoned()).count()
    }
}
