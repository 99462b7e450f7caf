//! GET /api/events/latest: journal entries as the frames of the WebSocket server, for those who can only poll.
//!
//! Of one market by its `seq`, without a hole; of all streams by the moment of recording. Entries are recorded before they
//! are committed, at most as long as an append may wait, so the next question about all streams goes back [`OVERLAP_MS`]: what was shown already is
//! shown again, and told apart by channel, epoch and seq.

use std::{fmt::Write, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};

use crate::{
    domain::{
        entry::EntryBody,
        ids::{AccountAddress, Epoch, MarketAddress, Seq},
    },
    http::{
        error::ApiError,
        gateway::{BadMarketRef, GatewayHandle, MarketRef, Question, Reads},
        page::{Cursor, MOMENTS_US},
        query::QueryReader,
        reply::Rendered,
    },
    journal::read::{
        self,
        activity::{self, EventPlace, StreamEntry},
    },
    view::frame::{Channel, FramePack},
};

/// A `since` from here on is a moment in milliseconds, below a seq.
const MOMENTS: u64 = 1_000_000_000_000;
/// See the module. A market that waits longer for its append says that it is stale.
const OVERLAP_MS: i64 = 30_000;
/// All streams are shown from so long ago where no `since` is given.
const LOOK_BACK_MS: i64 = 60_000;
const TYPES: [&str; 7] =
    ["trade_executed", "price_update", "market_update", "vote_update", "discussion", "config_update", "rollback"];

struct ListEvents {
    market: Option<MarketRef>,
    since: Option<u64>,
    after: Option<EventPlace>,
    types: Vec<String>,
    limit: u32,
    now_ms: i64,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/events/latest", tag = "events", summary = "Journal entries as the frames of the WebSocket server, for those who can only poll",
    params(("market_id" = Option<String>, Query, description = "Account address or seed; all streams if not given"),
        ("since" = Option<u64>, Query, description = "The newest seq that you have (with market_id), or milliseconds since 1970"),
        ("types" = Option<String>, Query, description = "Types of frames, separated by commas"),
        ("cursor" = Option<String>, Query, description = "A next_cursor of this list, without market_id"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100)),
    responses((status = 200, description = "{events, count, next_since, next_cursor}", body = Object),
        (status = 304, description = "Not modified"), (status = 400, description = "VALIDATION_ERROR"),
        (status = 404, description = "NOT_FOUND"), (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let question = parse(request.query_string(), chrono::Utc::now().timestamp_millis())?;
    Ok(gateway.ask(question).await?.reply(&request))
}

fn parse(query: &str, now_ms: i64) -> Result<ListEvents, ApiError> {
    let mut reader = QueryReader::new(query)?;
    let limit = reader.window().limit;
    let market = reader.text("market_id").and_then(|text| match text.parse() {
        Ok(market) => Some(market),
        Err(BadMarketRef) => {
            reader.refuse("market_id", BadMarketRef.to_string());
            None
        }
    });
    let since = reader.text("since").and_then(|text| {
        let latest_ms = MOMENTS_US.end().unsigned_abs() / 1_000;
        let number = text.parse().ok().filter(|&since| text.bytes().all(|c| c.is_ascii_digit()) && since <= latest_ms);
        if number.is_none() {
            reader.refuse("since", "Must be a seq, or milliseconds since 1970.");
        }
        number
    });
    if market.is_none() && since.is_some_and(|since| since < MOMENTS) {
        reader.refuse("since", "Without market_id it must be milliseconds since 1970.");
    }
    let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    let types: Vec<String> = reader
        .text("types")
        .map(|text| text.split(',').map(|name| name.trim().to_owned()).collect())
        .unwrap_or_default();
    if types.iter().any(|name| !TYPES.contains(&name.as_str())) {
        reader.refuse("types", format!("Must be some of {}.", TYPES.join(", ")));
    }
    reader.finish()?;
    Ok(ListEvents { market, since, after, types, limit, now_ms })
}

/// The reply, written by hand: the frames are the texts that go over a socket.
struct Reply {
    body: String,
    count: usize,
}

impl Reply {
    fn new() -> Self {
        Self { body: r#"{"events":["#.to_owned(), count: 0 }
    }

    fn add(&mut self, channel: Channel, epoch: Epoch, entry: &crate::domain::entry::Entry, types: &[String]) {
        let pack = FramePack::of(channel, epoch, entry);
        let is_wanted = |text: &&str| {
            types.is_empty() || types.iter().any(|name| text.starts_with(&format!(r#"{{"type":"{name}""#)))
        };
        for text in pack.texts().filter(is_wanted) {
            if self.count > 0 {
                self.body.push(',');
            }
            self.body.push_str(text);
            self.count += 1;
        }
    }

    fn finish(mut self, next_since: u64, next_cursor: Option<String>) -> Rendered {
        let cursor = next_cursor.map_or("null".to_owned(), |cursor| format!(r#""{cursor}""#));
        let count = self.count;
        let _ = write!(self.body, r#"],"count":{count},"next_since":{next_since},"next_cursor":{cursor}}}"#);
        Rendered::of_json(self.body)
    }
}

impl Question for ListEvents {
    type Answer = Rendered;

    async fn answer(self, reads: Arc<Reads>) -> Result<Rendered, ApiError> {
        match self.market {
            Some(market) => self.of_market(market, &reads).await,
            None => self.of_all(&reads).await,
        }
    }
}

impl ListEvents {
    async fn of_market(&self, market: MarketRef, reads: &Reads) -> Result<Rendered, ApiError> {
        let released = reads.released(market).await?;
        let (address, epoch, limit) = (released.market.address, released.epoch, self.limit);
        let (stream, since, head) = (address.account(), self.since, released.seq);
        let (after, entries) = reads
            .read(async |tx| {
                let after = match since {
                    None => Seq(head.0.saturating_sub(limit.into())),
                    Some(seq) if seq < MOMENTS => Seq(seq),
                    Some(ms) => {
                        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
                        activity::before_moment(tx, stream, epoch, ms).await?.unwrap_or(Seq(0))
                    }
                };
                Ok((after, read::entries_after(tx, stream, epoch, after, limit).await?))
            })
            .await?;
        let mut reply = Reply::new();
        // Nothing newer than what the market shows.
        let shown: Vec<_> = entries.iter().filter(|entry| entry.seq <= head).collect();
        shown.iter().for_each(|entry| reply.add(Channel::Market(address), epoch, entry, &self.types));
        Ok(reply.finish(shown.last().map_or(after, |entry| entry.seq).0, None))
    }

    /// Where the next question about all streams begins, after an answer up to a moment.
    fn next_since(&self, newest_ms: i64) -> i64 {
        let settled_ms = newest_ms.min(self.now_ms - OVERLAP_MS);
        match (self.after, self.since) {
            // Not back behind what was asked for: who asks for what is new has the rest.
            (None, Some(since)) => settled_ms.max(i64::try_from(since).unwrap_or(i64::MAX)),
            // A cursor's moment is that of the newest entry, and may be too young to be settled.
            _ => settled_ms,
        }
    }

    async fn of_all(&self, reads: &Reads) -> Result<Rendered, ApiError> {
        let epoch = reads.released_config().await?.epoch;
        let asked = self.since.map_or(self.now_ms - LOOK_BACK_MS, |since| i64::try_from(since).unwrap_or(i64::MAX));
        let since_ms = self.after.map_or(asked, |place| place.at_ms);
        let (after, limit) = (self.after.map(|place| (place.stream, place.seq)), self.limit);
        let entries =
            reads.read(async |tx| Ok(activity::recorded_since(tx, epoch, since_ms, after, limit).await?)).await?;
        let mut reply = Reply::new();
        for StreamEntry { stream, entry } in &entries {
            reply.add(channel(*stream, &entry.body), epoch, entry, &self.types);
        }
        let last = entries.last().map(|last| EventPlace {
            at_ms: last.entry.recorded_at_ms,
            stream: last.stream,
            seq: last.entry.seq,
        });
        let newest_ms = last.map_or(since_ms, |last| last.at_ms);
        let next_since = self.next_since(newest_ms);
        let more = last.filter(|_| entries.len() == limit as usize);
        Ok(reply.finish(next_since.unsigned_abs(), more.map(|place| Cursor(place).to_text())))
    }
}

fn channel(stream: AccountAddress, body: &EntryBody) -> Channel {
    match body {
        EntryBody::Config { .. } | EntryBody::ConfigResync { .. } | EntryBody::ConfigRollback { .. } => {
            Channel::Config(stream)
        }
        _ => Channel::Market(MarketAddress(stream.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_refused_by_field() {
        let market = "market_id=So11111111111111111111111111111111111111112";
        let cases = [
            (String::new(), None),
            (format!("{market}&since=0&types=trade_executed,%20rollback"), None),
            (format!("{market}&since=1760000000000"), None),
            ("since=1760000000000".to_owned(), None),
            ("since=12".to_owned(), Some("since")),
            (format!("{market}&since=-1"), Some("since")),
            ("since=253402300799999".to_owned(), None),
            ("since=253402300800000".to_owned(), Some("since")),
            (format!("{market}&since=18446744073709551615"), Some("since")),
            ("market_id=x".to_owned(), Some("market_id")),
            ("types=everything".to_owned(), Some("types")),
            ("limit=101".to_owned(), Some("limit")),
        ];
        for (query, refused) in cases {
            let answer = parse(&query, 0).err().map(|error| error.details[0].field.to_string());
            assert_eq!(answer.as_deref(), refused, "{query}");
        }
    }

    #[test]
    fn who_polls_comes_back_to_what_may_not_be_committed_yet_also_from_a_page_by_cursor() {
        let now_ms = 1_760_000_000_000;
        let asked = |query: &str| parse(query, now_ms).unwrap();
        let place = EventPlace { at_ms: now_ms - 10, stream: AccountAddress([1; 32]), seq: Seq(1) };
        let cursor = Cursor(place).to_text();
        let polled = now_ms - 45_000;
        for (query, newest_ms, expected) in [
            (String::new(), now_ms - 10, now_ms - OVERLAP_MS),
            (format!("since={polled}"), now_ms - 10, now_ms - OVERLAP_MS),
            (format!("since={polled}"), polled, polled),
            (format!("cursor={cursor}"), now_ms - 10, now_ms - OVERLAP_MS),
            (format!("since={polled}&cursor={cursor}"), now_ms - 5, now_ms - OVERLAP_MS),
        ] {
            assert_eq!(asked(&query).next_since(newest_ms), expected, "{query}");
        }
    }
}
