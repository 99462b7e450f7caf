//! Quote streams: a quote that is told again whenever its market, or the config, has changed.
//!
//! Nothing is subscribed to for it. A market's stream shows its pulse, so a look at each quote stream costs an atomic read,
//! and only one that moved is asked; all that are due in a market are answered by one question to its actor, from what is
//! released, in this process. A stream is asked about once at a time and no more often than the interval, the one that
//! has waited longest first: what is told is the newest, and what was passed over is told by nobody. A reader that is
//! behind is not quoted to until it has caught up.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use bytestring::ByteString;
use serde_json::Value;

use super::{
    Hub, SessionId,
    commands::{Done, DoneSender},
};
use crate::{
    domain::ids::{MarketAddress, Seq, Slot},
    http::{
        error::{ApiError, ErrorCode},
        gateway::Observed,
        routes::trades::estimate::{Asked, EstimateMany, Quoted},
        ws::{
            commands::quote::Opened,
            messages::{self, Held, Position, Quote, Refusal},
            outbox::{Outgoing, Verdict},
            protocol::RequestId,
        },
    },
    view::{frame::text, quote::QuoteView},
};

/// Between two looks at the streams, while there are any.
const LOOK: Duration = Duration::from_millis(10);
/// Streams that are looked at in one turn, but for the rest of the last session's; the next look goes on after them.
const LOOKED_AT: usize = 2_048;
/// After what could not be answered at all.
const LATER: Duration = Duration::from_secs(1);
/// Markets that are asked at a time; the others wait.
const ASKED_AT_ONCE: usize = 8;
/// Trades that are computed by one question.
const TRADES_AT_ONCE: usize = 32;

/// All of a hub.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    streams: BTreeMap<SessionId, Vec<Stream>>,
    /// Whose are looked at next.
    next: SessionId,
    /// Markets with a question out.
    asked: HashSet<MarketAddress>,
    looks: Option<SpawnHandle>,
}

#[derive(Debug)]
struct Stream {
    /// Never two alike in a hub.
    number: u64,
    id: Value,
    market: MarketAddress,
    trade: Asked,
    /// What the market showed; `None`: it could not be asked.
    seen: Option<Observed>,
    /// The config's place then.
    config: Option<Position>,
    told: Told,
    not_before: Instant,
    is_asked: bool,
}

/// What a stream's client knows.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Whatever entry it is of.
    Quote(Box<QuoteView>),
    Error(ErrorCode, String),
}

impl Told {
    fn of(quote: &Result<QuoteView, ApiError>) -> Self {
        match quote {
            Ok(view) => Self::Quote(Box::new(QuoteView { seq: Seq(0), slot: Slot(0), ..view.clone() })),
            Err(error) => Self::Error(error.code, error.message.clone().into_owned()),
        }
    }
}

/// A question about streams of one market.
struct Asking {
    market: MarketAddress,
    trades: Vec<Asked>,
    /// Whose, and which of the trades.
    streams: Vec<(SessionId, u64, usize)>,
}

/// Streams were quoted again.
#[derive(Debug)]
pub(super) struct Requoted {
    market: MarketAddress,
    streams: Vec<(SessionId, u64, usize)>,
    config: Option<Position>,
    outcome: Result<(Vec<Quoted>, Observed), ApiError>,
}

/// Told to the hub whatever becomes of the question.
struct Requoting {
    hub: DoneSender,
    requoted: Option<Requoted>,
}

impl Drop for Requoting {
    fn drop(&mut self) {
        if let Some(requoted) = self.requoted.take() {
            let _ = self.hub.send(Done::Requoted(requoted));
        }
    }
}

/// A quote as a message.
pub(super) fn quote_text(id: Option<&Value>, stream: Option<&Value>, quoted: &Quoted) -> ByteString {
    let Quoted { market: market_id, epoch, seq, slot, quote } = quoted;
    let (market_id, epoch, seq, slot) = (*market_id, *epoch, *seq, *slot);
    match quote {
        Ok(data) => text(&Quote { id, stream, market_id, epoch, seq, slot, data }),
        Err(error) => {
            text(&Refusal { stream, at: Some(Held { market_id, epoch, seq, slot }), ..Refusal::of(id, error) })
        }
    }
}

/// The sessions whose streams are looked at now: from `next` on, around, until they are as many as may be.
fn turn<'a, T>(
    streams: &'a BTreeMap<SessionId, Vec<T>>,
    next: &mut SessionId,
) -> impl Iterator<Item = (&'a SessionId, &'a Vec<T>)> + use<'a, T> {
    let from = *next;
    let around = move || streams.range(from..).chain(streams.range(..from));
    let mut looked_at = 0;
    let ends_at = around().position(|(session, own)| {
        *next = *session;
        let is_full = looked_at >= LOOKED_AT;
        looked_at += own.len();
        is_full
    });
    around().take(ends_at.unwrap_or(usize::MAX))
}

impl Quotes {
    /// A session's, as it named them.
    pub fn of(&self, session: SessionId) -> impl Iterator<Item = &Value> {
        self.streams.get(&session).into_iter().flatten().map(|stream| &stream.id)
    }

    /// A session is gone, or leaves all of its own: these.
    pub fn leave(&mut self, session: SessionId) -> Vec<Value> {
        self.streams.remove(&session).unwrap_or_default().into_iter().map(|stream| stream.id).collect()
    }

    /// Leave one; false if there is none.
    fn leave_one(&mut self, session: SessionId, id: &Value) -> bool {
        let Some(streams) = self.streams.get_mut(&session) else { return false };
        let before = streams.len();
        streams.retain(|stream| stream.id != *id);
        let has_left = streams.len() < before;
        if streams.is_empty() {
            self.streams.remove(&session);
        }
        has_left
    }

    fn find(&mut self, session: SessionId, number: u64) -> Option<&mut Stream> {
        self.streams.get_mut(&session)?.iter_mut().find(|stream| stream.number == number)
    }
}

impl Hub {
    /// Leave a quote stream, named by the id of the action that began it.
    pub(super) fn unquote(&mut self, session: SessionId, id: &RequestId, quote: Value) {
        let was_begun = self.quotes.leave_one(session, &quote);
        let was_beginning = self.cancel_quotes(session, Some(&quote));
        let left = if was_begun || was_beginning { vec![quote] } else { Vec::new() };
        let text = messages::reply_with_quotes(id.as_ref(), "unsubscribe", Vec::new(), &left);
        self.send(session, Outgoing::Message(text, Verdict::Good));
    }

    /// Leave all quote streams of a session: these had begun.
    pub(super) fn leave_quotes(&mut self, session: SessionId) -> Vec<Value> {
        self.cancel_quotes(session, None);
        self.quotes.leave(session)
    }

    /// A stream begins: its first quote is the answer.
    pub(super) fn begin_quotes(&mut self, session: SessionId, id: &Value, opened: Opened, ctx: &mut Context<Self>) {
        let Opened { trade, quoted, seen } = opened;
        let text = quote_text(Some(id), Some(id), &quoted);
        self.tickets += 1;
        let stream = Stream {
            number: self.tickets,
            id: id.clone(),
            market: quoted.market,
            trade,
            seen: Some(seen),
            // Looked at once more: which config it was made with is not known here.
            config: None,
            told: Told::of(&quoted.quote),
            not_before: Instant::now() + self.limits.quote_interval,
            is_asked: false,
        };
        self.quotes.streams.entry(session).or_default().push(stream);
        if self.quotes.looks.is_none() {
            self.quotes.looks = Some(ctx.run_interval(LOOK, |hub, ctx| hub.look_at_quotes(Instant::now(), ctx)));
        }
        self.send(session, Outgoing::Message(text, Verdict::Good));
    }

    /// The newest entry of the config that came here.
    fn config_place(&self) -> Option<Position> {
        let feed = self.feeds.get(&self.config?)?;
        Some(Position { epoch: feed.epoch?, seq: feed.inlet.head()? })
    }

    /// Ask about the streams that are due.
    fn look_at_quotes(&mut self, now: Instant, ctx: &mut Context<Self>) {
        if self.quotes.streams.is_empty() {
            if let Some(looks) = self.quotes.looks.take() {
                ctx.cancel_future(looks);
            }
            return;
        }
        if self.quotes.asked.len() >= ASKED_AT_ONCE {
            return;
        }
        let config = self.config_place();
        for asking in self.due_quotes(now, config) {
            if self.quotes.asked.len() >= ASKED_AT_ONCE {
                break;
            }
            self.ask_quotes(asking, config);
        }
    }

    /// What is due of those that are looked at now, by market; who has waited longest comes first.
    fn due_quotes(&mut self, now: Instant, config: Option<Position>) -> Vec<Asking> {
        let mut due = Vec::new();
        for (session, streams) in turn(&self.quotes.streams, &mut self.quotes.next) {
            let Some(known) = self.sessions.get(session) else { continue };
            let ready = streams.iter().filter(|stream| {
                let is_current = || stream.config == config && stream.seen.as_ref().is_some_and(Observed::is_current);
                !stream.is_asked && stream.not_before <= now && !is_current()
            });
            let before = due.len();
            due.extend(ready.map(|stream| (stream.not_before, *session, stream)));
            if due.len() > before && !known.outbox.is_roomy() {
                due.truncate(before);
            }
        }
        due.sort_unstable_by_key(|(not_before, ..)| *not_before);
        let mut askings: Vec<Asking> = Vec::new();
        let mut places: HashMap<MarketAddress, usize> = HashMap::new();
        for (_, session, Stream { number, market, trade, .. }) in due {
            if self.quotes.asked.contains(market) {
                continue;
            }
            let place = *places.entry(*market).or_insert_with(|| {
                askings.push(Asking { market: *market, trades: Vec::new(), streams: Vec::new() });
                askings.len() - 1
            });
            let Asking { trades, streams, .. } = &mut askings[place];
            let at = match trades.iter().position(|known| known == trade) {
                Some(at) => at,
                None if trades.len() < TRADES_AT_ONCE => {
                    trades.push(*trade);
                    trades.len() - 1
                }
                // In the next question.
                None => continue,
            };
            streams.push((session, *number, at));
        }
        askings
    }

    fn ask_quotes(&mut self, asking: Asking, config: Option<Position>) {
        let Asking { market, trades, streams } = asking;
        self.quotes.asked.insert(market);
        for (session, number, _) in &streams {
            if let Some(stream) = self.quotes.find(*session, *number) {
                stream.is_asked = true;
            }
        }
        let outcome = Err(ApiError::new(ErrorCode::Internal, "Something went wrong here."));
        let requoted = Some(Requoted { market, streams, config, outcome });
        let mut requoting = Requoting { hub: self.done.clone(), requoted };
        let services = Rc::clone(&self.services);
        actix::spawn(async move {
            let outcome = services.gateway.answer(EstimateMany { market, trades }).await;
            if let Some(requoted) = &mut requoting.requoted {
                requoted.outcome = outcome;
            }
        });
    }

    /// Tell what is new.
    pub(super) fn requoted(&mut self, requoted: Requoted) {
        let Requoted { market, streams, config, outcome } = requoted;
        self.quotes.asked.remove(&market);
        let now = Instant::now();
        for (session, number, at) in streams {
            let Some(stream) = self.quotes.find(session, number) else { continue };
            stream.is_asked = false;
            let said = match &outcome {
                Ok((quoted, seen)) => {
                    stream.seen = Some(seen.clone());
                    stream.config = config;
                    stream.not_before = now + self.limits.quote_interval;
                    let Some(quoted) = quoted.get(at) else { continue };
                    stream.says(Told::of(&quoted.quote), |id| quote_text(None, Some(id), quoted))
                }
                Err(error) => {
                    stream.seen = None;
                    stream.not_before = now + LATER;
                    let told = Told::Error(error.code, error.message.clone().into_owned());
                    stream.says(told, |id| text(&Refusal { stream: Some(id), ..Refusal::of(None, error) }))
                }
            };
            if let Some(text) = said {
                self.send(session, Outgoing::Message(text, Verdict::Neutral));
            }
        }
    }
}

impl Stream {
    /// What is to be said, if it is anything new.
    fn says(&mut self, told: Told, text: impl FnOnce(&Value) -> ByteString) -> Option<ByteString> {
        if self.told == told {
            return None;
        }
        self.told = told;
        Some(text(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_bounded_and_every_stream_has_its_turn() {
        let streams: BTreeMap<_, _> = (1..=1_000).map(|n| (SessionId(n), vec![(); 5])).collect();
        let mut next = SessionId::default();
        let mut looked_at: HashMap<SessionId, usize> = HashMap::new();
        for _ in 0..5 {
            let now: Vec<_> = turn(&streams, &mut next).collect();
            assert!((LOOKED_AT..LOOKED_AT + 5).contains(&now.iter().map(|(_, own)| own.len()).sum::<usize>()));
            now.iter().for_each(|(session, _)| *looked_at.entry(**session).or_default() += 1);
        }
        assert!(looked_at.len() == 1_000 && looked_at.values().all(|times| (2..=3).contains(times)));
        // Few are all looked at each time.
        let few: BTreeMap<_, _> = (1..=10).map(|n| (SessionId(n), vec![()])).collect();
        assert!((0..3).all(|_| turn(&few, &mut next).count() == 10));
        assert_eq!(turn(&BTreeMap::<_, Vec<()>>::new(), &mut next).count(), 0);
    }
}
