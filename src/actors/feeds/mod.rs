//! Feeds: channels over many markets, made of what was committed.
//!
//! Owns the newest entries of `trades` and `markets` and the hubs that are told of them ([`lane`]). It hears every committed
//! batch ([`super::committed`]), from this process' writer or from another node, so it works the same on every node. What it
//! did not hear (too slow, a writer that died before it could tell) leaves a hole in the numbers, or a head that it is told
//! by the journal: it reads the rest from there. Channels without numbers have no holes that show: where something may
//! never have been told ([`Committed::untold`]), who listens to them begins anew. Never writes, never asks a market: what it tells is durable, and a pure
//! function of the journal's rows.

mod lane;
pub mod messages;
mod ticker;
mod wallets;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use actix::prelude::*;
use deadpool_postgres::Pool;
use futures_util::stream::unfold;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc::error::TrySendError,
};

use self::{
    lane::Lane,
    ticker::Ticker,
    wallets::{Key, TakenBack, Wallets},
};
pub use self::{
    lane::RING_ENTRIES,
    messages::{AttachFeed, DetachFeed, FeedHead, FollowFinality, ReplayFeed},
};
use super::{
    committed::Committed,
    retry,
    stream::{HubInput, HubLink, ReadError, Replay},
    submissions::SubmissionNews,
    supervision::{Crash, DeathGuard},
};
use crate::{
    domain::{
        counted::{Counted, Heads},
        ids::{Epoch, Seq, Wallet},
        position::Position,
    },
    journal::{
        JournalError,
        read::{
            channels::{self, NumberedEntry},
            latest,
        },
    },
    view::channel::Channel,
};

/// Between two looks at the stored heads, and at hubs that lost a frame.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Entries of one reading.
const PAGE: u32 = 1_024;

/// What the feeds work with.
#[derive(Clone)]
pub struct FeedParts {
    /// The journal.
    pub pool: Pool,
    /// The journal's life.
    pub epoch: Epoch,
    /// What is committed.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// What becomes of users' transactions.
    pub news: broadcast::Sender<SubmissionNews>,
}

/// See the module.
pub struct Feeds {
    parts: FeedParts,
    lanes: BTreeMap<Counted, Lane>,
    ticker: Ticker,
    wallets: Wallets,
    is_reading_positions: bool,
    /// Who is told what becomes final, and whether he lost some of it.
    followers: HashMap<u64, (HubLink, bool)>,
    /// The heads as they were stored a look ago: what is still missing of them was not told.
    stored: Heads,
    is_looking: bool,
    reading: Vec<Counted>,
    _guard: DeathGuard,
}

impl Feeds {
    /// A life that knows nothing yet.
    pub fn new(parts: FeedParts, guard: DeathGuard) -> Self {
        let lanes = Counted::ALL.map(|channel| (channel, Lane::new(channel, parts.epoch))).into();
        Self {
            parts,
            lanes,
            ticker: Ticker::default(),
            wallets: Wallets::default(),
            is_reading_positions: false,
            followers: HashMap::new(),
            stored: Heads::default(),
            is_looking: false,
            reading: Vec::new(),
            _guard: guard,
        }
    }

    /// Takes what the journal has of a channel, from its beginning in memory or after what came.
    fn read(&mut self, channel: Counted, ctx: &mut Context<Self>) {
        if self.reading.contains(&channel) {
            return;
        }
        self.reading.push(channel);
        let (pool, epoch) = (self.parts.pool.clone(), self.parts.epoch);
        let after = self.lanes.get(&channel).and_then(Lane::head);
        let read = async move {
            retry("a channel over many markets can't be read", || page(&pool, channel, epoch, after)).await
        };
        ctx.spawn(read.into_actor(self).map(move |(after, entries), feeds, ctx| {
            feeds.reading.retain(|reading| *reading != channel);
            let Some(lane) = feeds.lanes.get_mut(&channel) else { return };
            // What was there before this life is no news.
            let told = lane.head();
            if told.is_none() {
                lane.begin(after);
            }
            for NumberedEntry { stream, entry, numbers } in entries {
                let Some(seq) = numbers.on(channel) else { continue };
                let entry = Arc::new(entry);
                if told.is_some() && lane.head() < Some(seq) {
                    feeds.ticker.note(stream, &entry);
                    feeds.wallets.note(stream, &entry);
                }
                lane.take(seq, stream, &entry);
            }
            feeds.read_positions(ctx);
            feeds.heal(ctx);
        }));
    }

    /// What is missing is read.
    fn heal(&mut self, ctx: &mut Context<Self>) {
        let wanted = |lane: &Lane| lane.head().is_none() || lane.wanted().is_some();
        let behind: Vec<Counted> =
            self.lanes.iter().filter(|(_, lane)| wanted(lane)).map(|(channel, _)| *channel).collect();
        behind.into_iter().for_each(|channel| self.read(channel, ctx));
    }

    /// Who listens to what has no numbers begins anew from what is stored.
    fn all_lost(&mut self) {
        self.followers.values_mut().for_each(|(_, has_lost)| *has_lost = true);
        self.wallets.all_lost();
        self.ticker.listeners.all_lost();
    }

    fn hear(&mut self, batch: &Arc<Committed>) {
        if batch.epoch != self.parts.epoch {
            return;
        }
        if batch.is_untold() {
            return self.all_lost();
        }
        for one in &batch.entries {
            self.ticker.note(one.stream, &one.entry);
            self.wallets.note(one.stream, &one.entry);
            for (channel, lane) in &mut self.lanes {
                if let Some(seq) = one.numbers.on(*channel) {
                    lane.take(seq, one.stream, &one.entry);
                }
            }
        }
        if batch.finalized.is_empty() {
            return;
        }
        self.followers.retain(|_, (link, has_lost)| {
            match link.inbox.try_send(HubInput::Finalized(Arc::clone(batch))) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    *has_lost = true;
                    true
                }
                Err(TrySendError::Closed(_)) => false,
            }
        });
    }

    /// Positions that moved are read and told, one reading at a time.
    fn read_positions(&mut self, ctx: &mut Context<Self>) {
        if self.is_reading_positions {
            return;
        }
        let (pool, epoch) = (self.parts.pool.clone(), self.parts.epoch);
        if let Some(back) = self.wallets.next_taken_back() {
            self.is_reading_positions = true;
            let read = async move {
                let read = async || wallets_of(&pool, epoch, &back).await;
                (retry("wallets of a roll-back can't be read", read).await, back)
            };
            ctx.spawn(read.into_actor(self).map(|(found, back), feeds, ctx| {
                feeds.is_reading_positions = false;
                found.into_iter().for_each(|wallet| feeds.wallets.move_of(back.stream, wallet, &back.by));
                feeds.read_positions(ctx);
            }));
            return;
        }
        let moved = self.wallets.next_moved();
        if moved.is_empty() {
            return;
        }
        self.is_reading_positions = true;
        let keys: Vec<Key> = moved.iter().map(|(key, _)| *key).collect();
        let read = async move { positions(&pool, &keys).await };
        ctx.spawn(read.into_actor(self).map(move |read, feeds, ctx| {
            feeds.is_reading_positions = false;
            match read {
                Ok(positions) => {
                    for (position, (_, entry)) in positions.iter().zip(&moved) {
                        feeds.wallets.tell_position(epoch, position, entry);
                    }
                    feeds.read_positions(ctx);
                }
                // The next look asks again.
                Err(error) => {
                    log::warn!("positions can't be read now: {error}");
                    feeds.wallets.again(moved);
                }
            }
        }));
    }

    /// By the clock: what was stored a look ago and did not come was not told.
    fn look(&mut self, ctx: &mut Context<Self>) {
        for (channel, lane) in &mut self.lanes {
            lane.remind();
            lane.announce(self.stored.of(self.parts.epoch, *channel));
        }
        for (link, has_lost) in self.followers.values_mut().filter(|(_, has_lost)| *has_lost) {
            *has_lost = link.inbox.try_send(HubInput::FinalityLost).is_err();
        }
        self.ticker.listeners.remind(Channel::Ticker, self.parts.epoch, Seq(0));
        self.ticker.tell(self.parts.epoch);
        self.wallets.remind(self.parts.epoch);
        self.read_positions(ctx);
        self.heal(ctx);
        if std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let pool = self.parts.pool.clone();
        let asked = async move { Ok::<_, JournalError>(channels::heads(&**pool.get().await?).await?) };
        ctx.spawn(asked.into_actor(self).map(|heads, feeds, _| {
            feeds.is_looking = false;
            match heads {
                Ok(heads) => feeds.stored = heads,
                Err(error) => log::debug!("the heads of channels can't be read now: {error}"),
            }
        }));
    }
}

/// Whose positions a roll-back moves.
async fn wallets_of(pool: &Pool, epoch: Epoch, back: &TakenBack) -> Result<Vec<Wallet>, JournalError> {
    let client = pool.get().await?;
    Ok(latest::wallets_of(&**client, back.stream, epoch, &back.seqs).await?)
}

/// Positions, in the order in which they are asked for; one that is not there is empty.
async fn positions(pool: &Pool, keys: &[Key]) -> Result<Vec<Position>, JournalError> {
    let client = pool.get().await?;
    Ok(latest::positions_of(&**client, keys).await?)
}

/// What follows an entry, or (without one) the newest that memory holds; and the entry before the first.
async fn page(
    pool: &Pool,
    channel: Counted,
    epoch: Epoch,
    after: Option<Seq>,
) -> Result<(Seq, Vec<NumberedEntry>), JournalError> {
    let client = pool.get().await?;
    let after = match after {
        Some(after) => after,
        None => Seq(channels::head(&**client, channel, epoch).await?.0.saturating_sub(RING_ENTRIES as u64)),
    };
    Ok((after, channels::entries_after(&**client, channel, epoch, after, PAGE).await?))
}

impl Actor for Feeds {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // Heard from here on; what was committed before is read.
        let told = unfold(self.parts.committed.subscribe(), |mut told| async {
            match told.recv().await {
                Err(RecvError::Closed) => None,
                heard => Some((heard, told)),
            }
        });
        ctx.add_stream(told);
        let news = unfold(self.parts.news.subscribe(), |mut news| async {
            match news.recv().await {
                Err(RecvError::Closed) => None,
                heard => Some((heard, news)),
            }
        });
        ctx.add_stream(news);
        self.heal(ctx);
        ctx.run_interval(LOOK_EVERY, |feeds, ctx| feeds.look(ctx));
    }
}

impl StreamHandler<Result<Arc<Committed>, RecvError>> for Feeds {
    fn handle(&mut self, heard: Result<Arc<Committed>, RecvError>, ctx: &mut Context<Self>) {
        match heard {
            Ok(batch) => self.hear(&batch),
            Err(error) => {
                log::warn!("feeds: {error}; the rest is read from the journal");
                self.all_lost();
            }
        }
        self.read_positions(ctx);
        self.heal(ctx);
    }
}

impl StreamHandler<Result<SubmissionNews, RecvError>> for Feeds {
    fn handle(&mut self, heard: Result<SubmissionNews, RecvError>, _: &mut Context<Self>) {
        match heard {
            Ok(news) => self.wallets.tell_order(self.parts.epoch, &news.row),
            // Who listens begins anew from what is stored.
            Err(_) => self.wallets.all_lost(),
        }
    }
}

impl Handler<AttachFeed> for Feeds {
    type Result = Result<FeedHead, ReadError>;

    fn handle(&mut self, AttachFeed { link, channel }: AttachFeed, _: &mut Context<Self>) -> Self::Result {
        let epoch = self.parts.epoch;
        match channel {
            Channel::Counted(channel) => {
                let lane = self.lanes.get_mut(&channel).ok_or(ReadError::Unknown)?;
                lane.attach(link).ok_or(ReadError::Loading)
            }
            Channel::Ticker => {
                self.ticker.attach(link);
                Ok(FeedHead { epoch, seq: Seq(0), newest: None })
            }
            Channel::Wallet(wallet) => Ok(self.wallets.attach(wallet, link, epoch)),
            Channel::Market(_) | Channel::Config(_) => Err(ReadError::Unknown),
        }
    }
}

impl Handler<DetachFeed> for Feeds {
    type Result = ();

    fn handle(&mut self, DetachFeed { hub_id, channel }: DetachFeed, _: &mut Context<Self>) {
        match channel {
            Channel::Counted(channel) => {
                self.lanes.get_mut(&channel).into_iter().for_each(|lane| lane.detach(hub_id));
            }
            Channel::Ticker => self.ticker.listeners.remove(hub_id),
            Channel::Wallet(wallet) => self.wallets.detach(wallet, hub_id),
            Channel::Market(_) | Channel::Config(_) => {}
        }
    }
}

impl Handler<ReplayFeed> for Feeds {
    type Result = Result<Replay, ReadError>;

    fn handle(&mut self, ReplayFeed { channel, ask }: ReplayFeed, _: &mut Context<Self>) -> Self::Result {
        let lane = self.lanes.get(&channel).ok_or(ReadError::Unknown)?;
        lane.missed(ask.epoch, ask.after).ok_or(ReadError::Loading)
    }
}

impl Handler<FollowFinality> for Feeds {
    type Result = ();

    fn handle(&mut self, FollowFinality(link): FollowFinality, _: &mut Context<Self>) {
        self.followers.insert(link.id, (link, false));
    }
}

impl Handler<Crash> for Feeds {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("the feeds were asked to crash");
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::journal::DatabaseSettings;

    #[test]
    fn who_listens_without_numbers_begins_anew_where_something_may_never_have_been_told() {
        let nowhere = "postgres://nobody@127.0.0.1:1/none".into();
        let settings = DatabaseSettings { url: nowhere, connect_timeout: Duration::from_millis(50), ca_file: None };
        let parts = FeedParts {
            pool: settings.pool(1).unwrap(),
            epoch: Epoch(3),
            committed: broadcast::channel(1).0,
            news: broadcast::channel(1).0,
        };
        let mut feeds = Feeds::new(parts, DeathGuard::new().0);
        let (inbox, mut told) = mpsc::channel(8);
        let link = HubLink { id: 1, inbox };
        feeds.ticker.attach(link.clone());
        feeds.wallets.attach(Wallet([2; 32]), link.clone(), Epoch(3));
        feeds.followers.insert(1, (link, false));
        let mut reminded = |feeds: &mut Feeds| {
            feeds.ticker.listeners.remind(Channel::Ticker, Epoch(3), Seq(0));
            feeds.wallets.remind(Epoch(3));
            let inputs = std::iter::from_fn(|| told.try_recv().ok());
            inputs.filter(|input| matches!(input, HubInput::Head { .. })).count()
        };
        feeds.hear(&Arc::new(Committed::untold(Epoch(9))));
        assert_eq!(reminded(&mut feeds), 0, "of another life of the journal");
        feeds.hear(&Arc::new(Committed::untold(Epoch(3))));
        assert_eq!(reminded(&mut feeds), 2, "the ticker and the wallet");
        assert!(feeds.followers.values().all(|(_, has_lost)| *has_lost), "what is final is asked for, too");
        assert_eq!(reminded(&mut feeds), 0, "once");
    }
}
