//! GET /api/markets: markets, by what they are and in the order that is asked for. Answered from the worker's views for
//! a moment.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use deadpool_postgres::Transaction;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    domain::{
        amount::Lamports,
        ids::{Seq, Slot},
        market::Market,
        phase::Phase,
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        page::Cursor,
        query::{ListQuery, QueryReader, Window},
        views::Views,
    },
    journal::{
        read::listing::{self, ListPlace, Listed, MarketQuery, MarketSort},
        rows::BadRow,
    },
    view::market::{MarketDetail, MarketNow},
};

/// Longest search and longest name of a category, in characters.
const WORDS_MAX: usize = 200;

/// Which markets.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct ListMarkets {
    query: MarketQuery,
    after: Option<ListPlace>,
    window: Window,
}

/// A page of markets.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarketPage {
    markets: Vec<MarketDetail>,
    /// Rows in this answer.
    count: usize,
    limit: u32,
    offset: u32,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// Besides the window.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // described only: `read_query` reads it
struct ListMarketsQuery {
    /// States, names or numbers (0 to 6), separated by commas.
    #[param(example = "ACTIVE,RESOLVING")]
    state: Option<String>,
    /// Of this category.
    category: Option<String>,
    /// Of this wallet.
    creator: Option<String>,
    /// Words of question, description or tags.
    search: Option<String>,
    /// RFC 3339.
    ending_before: Option<String>,
    /// created_at (the default), volume, volume_24h, liquidity, price_yes or ending.
    sort: Option<String>,
    /// asc or desc; desc if not given, asc for sort=ending.
    order: Option<String>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields; what the gateway answers.
#[utoipa::path(get, path = "/api/markets", tag = "markets", summary = "Markets, by what they are and in the order that is asked for",
    params(ListMarketsQuery, ListQuery),
    responses((status = 200, body = MarketPage)))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    views.kept(&request, async { gateway.ask(parse(request.query_string())?).await }).await
}

fn parse(query: &str) -> Result<ListMarkets, ApiError> {
    ListMarkets::read(QueryReader::new(query)?)
}

impl ListMarkets {
    /// As a query, or a message, says it.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused fields.
    pub fn read(reader: QueryReader) -> Result<Self, ApiError> {
        let (query, after, window) = read(reader)?;
        Ok(Self { query, after, window })
    }
}

/// What a query string asks for: which markets, after which of them, how many. Public for the fuzz target `queries`.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields.
pub fn read_query(query: &str) -> Result<(MarketQuery, Option<ListPlace>, Window), ApiError> {
    read(QueryReader::new(query)?)
}

fn read(mut reader: QueryReader) -> Result<(MarketQuery, Option<ListPlace>, Window), ApiError> {
    let window = reader.window();
    let text = reader.text("state");
    let phases = match text.as_deref().map_or(Ok(Vec::new()), states) {
        Ok(phases) => phases,
        Err(bad) => {
            let bad: String = bad.chars().take(32).collect();
            let names = "PROPOSED, APPROVED, ACTIVE, RESOLVING, DISPUTED, FINALIZED, CANCELLED";
            reader.refuse("state", format!("{bad:?} is not a state: {names} or 0 to 6, separated by commas."));
            Vec::new()
        }
    };
    let category = reader.words("category", WORDS_MAX);
    let search = reader.words("search", WORDS_MAX);
    if search.as_ref().is_some_and(|text| text.split_whitespace().all(|word| word.starts_with('-'))) {
        reader.refuse("search", "Must have a word that is not excluded.");
    }
    let creator = reader.parsed("creator", "a wallet's address (base58 of 32 bytes)");
    let ending_before_unix = reader.moment("ending_before");
    let sort = reader.one_of("sort", &MarketSort::NAMES).unwrap_or(MarketSort::CreatedAt);
    let order = reader.one_of("order", &[("asc", false), ("desc", true)]);
    let descending = order.unwrap_or(sort != MarketSort::Ending);
    let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    let is_other = |place: &ListPlace| (place.sort, place.descending) != (sort, descending);
    if after.as_ref().is_some_and(is_other) {
        reader.refuse("cursor", "It belongs to another sort or order.");
    }
    reader.finish()?;
    Ok((MarketQuery { phases, category, creator, search, ending_before_unix, sort, descending }, after, window))
}

/// The phases of a list of names or numbers, each once; or the part that is none.
fn states(text: &str) -> Result<Vec<Phase>, &str> {
    let mut phases = Vec::new();
    for part in text.split(',') {
        let phase = phase(part.trim()).ok_or(part)?;
        if !phases.contains(&phase) {
            phases.push(phase);
        }
    }
    Ok(phases)
}

fn phase(text: &str) -> Option<Phase> {
    match text.to_ascii_uppercase().as_str() {
        "PROPOSED" | "0" => Some(Phase::Proposed),
        "APPROVED" | "1" => Some(Phase::Approved),
        "ACTIVE" | "2" => Some(Phase::Active),
        "RESOLVING" | "3" => Some(Phase::Resolving),
        "DISPUTED" | "4" => Some(Phase::Disputed),
        "FINALIZED" | "5" => Some(Phase::Finalized),
        "CANCELLED" | "6" => Some(Phase::Cancelled),
        _ => None,
    }
}

impl Question for ListMarkets {
    type Answer = MarketPage;

    async fn answer(self, reads: Arc<Reads>) -> Result<MarketPage, ApiError> {
        let Window { limit, offset } = self.window;
        let (query, after) = (&self.query, self.after);
        // One more than asked for tells whether there is a next page.
        let asked = async |tx: &Transaction<'_>| Ok(listing::markets(tx, query, after, offset, limit + 1).await?);
        let mut rows = reads.read(asked).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = rows.last().filter(|_| more).map(|last| {
            let (sort, descending) = (query.sort, query.descending);
            Cursor(ListPlace { sort, descending, key: last.key, address: last.row.address }).to_text()
        });
        let markets = shown(&reads, &rows).await?;
        Ok(MarketPage { count: markets.len(), markets, limit, offset, next_cursor })
    }
}

/// Rows as market objects.
pub(super) async fn shown(reads: &Reads, rows: &[Listed]) -> Result<Vec<MarketDetail>, ApiError> {
    let markets: Vec<Market> =
        rows.iter().map(|listed| listed.row.market()).collect::<Result<_, BadRow>>().map_err(ApiError::internal)?;
    let dispute_period_seconds = reads.dispute_period_seconds(&markets).await;
    let show = |(market, listed): (&Market, &Listed)| {
        let now = MarketNow {
            dispute_period_seconds,
            is_stale: reads.is_stale(listed.row.address),
            volume_24h: listed.figures.map(|figures| Lamports(figures.volume_24h)),
            traders_count: Some(listed.row.traders_count),
        };
        let detail = MarketDetail::new(market, Seq(listed.row.last_seq), Slot(listed.row.slot_high), now);
        detail.with_metadata(listed.row.metadata.as_ref())
    };
    Ok(markets.iter().zip(rows).map(show).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::registry::RegistryHandle,
        domain::{ids::Epoch, market::sample},
        http::pool::ReadPool,
        journal::rows::{MarketRow, RowHead},
        telemetry::health::Health,
    };

    #[test]
    fn states_are_names_or_numbers_each_once() {
        use Phase::{Active, Cancelled, Proposed};
        let cases: [(&str, Result<&[Phase], &str>); 8] = [
            ("state=ACTIVE", Ok(&[Active])),
            ("state=active,0", Ok(&[Active, Proposed])),
            ("state=2,ACTIVE,%206", Ok(&[Active, Cancelled])),
            ("", Ok(&[])),
            ("state=", Err("state")),
            ("state=ACTIVE,", Err("state")),
            ("state=7", Err("state")),
            ("state=OPEN", Err("state")),
        ];
        for (query, expected) in cases {
            let parsed = parse(query).map(|list| list.query.phases);
            let parsed = parsed.map_err(|error| error.details[0].field.to_string());
            assert_eq!(parsed, expected.map(<[_]>::to_vec).map_err(str::to_owned), "{query:?}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let error = parse("cursor=dAAAAAEAAAAAAAAAAg").unwrap_err();
        assert_eq!(error.details[0].field, "cursor");
    }

    #[test]
    fn what_a_list_is_asked_for_is_refused_by_field() {
        let cases = [
            ("sort=volume&order=asc", None),
            ("sort=ending&ending_before=2026-01-31T12:00:00.000Z", None),
            ("creator=So11111111111111111111111111111111111111112&category=crypto&search=will%20it", None),
            ("sort=shares", Some("sort")),
            ("order=down", Some("order")),
            ("creator=me", Some("creator")),
            ("ending_before=tomorrow", Some("ending_before")),
            ("search=", Some("search")),
            ("search=-rain%20-snow", Some("search")),
            ("search=rain%20-snow", None),
            ("category=%00", Some("category")),
        ];
        for (query, refused) in cases {
            let refused_here = parse(query).err().map(|error| error.details[0].field.to_string());
            assert_eq!(refused_here.as_deref(), refused, "{query}");
        }
        assert!(!parse("sort=ending").unwrap().query.descending, "the next to end comes first");
        let place = ListPlace {
            sort: MarketSort::Volume,
            descending: true,
            key: 5,
            address: crate::domain::ids::MarketAddress([1; 32]),
        };
        let cursor = Cursor(place).to_text();
        assert_eq!(parse(&format!("sort=volume&cursor={cursor}")).unwrap().after, Some(place));
        for other in ["", "sort=liquidity&", "sort=volume&order=asc&"] {
            let error = parse(&format!("{other}cursor={cursor}")).unwrap_err();
            assert_eq!(error.details[0].field, "cursor", "{other}");
        }
    }

    #[actix_web::test]
    async fn a_market_that_may_be_behind_the_chain_says_so_in_lists_too() {
        let health = Health::new();
        let nobody = "host=127.0.0.1 port=1 user=nobody".parse().unwrap();
        let reads = Reads::new(RegistryHandle::new(|| None, || None), ReadPool::new(nobody, 1));
        let reads = reads.with_health(health.clone());
        let market = sample::market();
        let head = RowHead { epoch: Epoch(1), last_seq: Seq(1), slot_high: Slot(1), finalized_seq: Seq(0) };
        let row = Listed { row: MarketRow::new(head, &market, None), figures: None, key: 0 };
        for stale in [None, Some("it is healing"), None] {
            health.stale(market.address.account(), stale);
            let shown = serde_json::to_string(&shown(&reads, std::slice::from_ref(&row)).await.unwrap()).unwrap();
            assert_eq!(shown.contains(r#""code":"STALE""#), stale.is_some(), "{shown}");
        }
    }
}
