//! GET /api/markets: markets, newest first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use deadpool_postgres::Transaction;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    domain::{
        ids::{Seq, Slot},
        market::Market,
        phase::Phase,
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        page::Cursor,
        query::{ListQuery, QueryReader, Window},
        reply,
    },
    journal::{
        read::{self, MarketFilter, MarketPosition},
        rows::BadRow,
    },
    view::market::MarketDetail,
};

#[derive(Debug, PartialEq, Eq)]
struct ListMarkets {
    filter: MarketFilter,
    after: Option<MarketPosition>,
    window: Window,
}

#[derive(Serialize, ToSchema)]
struct MarketPage {
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
struct MarketQuery {
    /// States, names or numbers (0 to 6), separated by commas.
    #[param(example = "ACTIVE,RESOLVING")]
    state: Option<String>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields; what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/markets",
    tag = "markets",
    summary = "Markets, newest first",
    params(MarketQuery, ListQuery),
    responses((status = 200, body = MarketPage))
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let page = gateway.ask(parse(request.query_string())?).await?;
    reply::cacheable(&request, &page)
}

fn parse(query: &str) -> Result<ListMarkets, ApiError> {
    let (filter, after, window) = read_query(query)?;
    Ok(ListMarkets { filter, after, window })
}

/// What a query string asks for: which markets, after which of them, how many. Public for the fuzz target `queries`.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields.
pub fn read_query(query: &str) -> Result<(MarketFilter, Option<MarketPosition>, Window), ApiError> {
    let mut reader = QueryReader::new(query)?;
    let window = reader.window();
    let after = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
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
    reader.finish()?;
    Ok((MarketFilter { phases }, after, window))
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
        // One more than asked for tells whether there is a next page.
        let asked =
            async |tx: &Transaction<'_>| Ok(read::markets(&**tx, &self.filter, self.after, offset, limit + 1).await?);
        let mut rows = reads.read(asked).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let found: Vec<(Market, Seq, Slot)> = rows
            .iter()
            .map(|row| Ok((row.market()?, Seq(row.last_seq), Slot(row.slot_high))))
            .collect::<Result<_, BadRow>>()
            .map_err(ApiError::internal)?;
        let last = found.last().filter(|_| more).map(|(market, _, _)| {
            Cursor(MarketPosition { created_at_unix: market.created_at.0, address: market.address }).to_text()
        });
        let period = reads.dispute_period_seconds(found.iter().map(|(market, _, _)| market)).await;
        let markets: Vec<_> =
            found.iter().map(|(market, seq, slot)| MarketDetail::new(market, *seq, *slot, period, false)).collect();
        Ok(MarketPage { count: markets.len(), markets, limit, offset, next_cursor: last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let parsed = parse(query).map(|list| list.filter.phases);
            let parsed = parsed.map_err(|error| error.details[0].field.to_string());
            assert_eq!(parsed, expected.map(<[_]>::to_vec).map_err(str::to_owned), "{query:?}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let error = parse("cursor=dAAAAAEAAAAAAAAAAg").unwrap_err();
        assert_eq!(error.details[0].field, "cursor");
    }
}
