//! GET /api/leaderboard: wallets by realised profit, volume or accuracy.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::ids::Wallet,
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        page::{Cursor, Place},
        query::{QueryReader, Window},
        views::Views,
    },
    journal::{
        read::wallets,
        rows::wallets::{LeaderFound, Ranking, RankingPlace, WindowName},
    },
    view::wallet::{LeaderView, WINDOWS},
};

/// Rankings, by their names.
const RANKINGS: [(&str, Ranking); 3] =
    [("profit", Ranking::Profit), ("volume", Ranking::Volume), ("accuracy", Ranking::Accuracy)];

#[derive(Clone, Copy)]
struct Leaders {
    window: WindowName,
    by: Ranking,
    after: Option<RankingPlace>,
    rows: Window,
}

/// A page of the leaderboard.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct LeaderboardPage {
    pub entries: Vec<LeaderView>,
    /// `24h`, `7d`, `30d` or `all`.
    pub window: &'static str,
    /// `profit`, `volume` or `accuracy`.
    pub by: &'static str,
    pub count: usize,
    pub limit: u32,
    pub offset: u32,
    pub next_cursor: Option<String>,
}

/// Wallets by realised profit, volume or accuracy, largest first.
#[utoipa::path(
    get, path = "/api/leaderboard", tag = "users", summary = "Wallets by realised profit, volume or accuracy",
    params(
        ("by" = Option<String>, Query, description = "profit (if not given), volume or accuracy.", pattern = "^(profit|volume|accuracy)$"),
        ("window" = Option<String>, Query, description = "24h, 7d, 30d or all (if not given).", pattern = "^(24h|7d|30d|all)$"),
        ("limit" = Option<u32>, Query, description = "Most rows, 1 to 100; 20 if not given.", minimum = 1, maximum = 100),
        ("offset" = Option<u32>, Query, description = "Rows to skip.", minimum = 0, maximum = 10_000),
        ("cursor" = Option<String>, Query, description = "A next_cursor of the same ranking and window."),
    ),
    responses(
        (status = 200, body = LeaderboardPage),
        (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "A field was refused."),
        (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long."),
    )
)]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    views.kept(&request, async { gateway.ask(parse(request.query_string())?).await }).await
}

fn parse(query: &str) -> Result<Leaders, ApiError> {
    let mut reader = QueryReader::new(query)?;
    let rows = reader.window();
    let by = reader.one_of("by", &RANKINGS).unwrap_or(Ranking::Profit);
    let window = reader.one_of("window", &WINDOWS).unwrap_or(WindowName::All);
    let expected = "a next_cursor of the same ranking and window";
    let cursor: Option<Cursor<LeaderPlace>> = reader.parsed("cursor", expected);
    if cursor.is_some_and(|Cursor(place)| (place.window, place.by) != (window, by)) {
        reader.refuse("cursor", format!("Must be {expected}."));
    }
    reader.finish()?;
    Ok(Leaders { window, by, after: cursor.map(|Cursor(place)| place.at), rows })
}

fn by_text(by: Ranking) -> &'static str {
    RANKINGS.iter().find(|(_, one)| *one == by).map_or("", |(name, _)| *name)
}

impl Question for Leaders {
    type Answer = LeaderboardPage;

    async fn answer(self, reads: Arc<Reads>) -> Result<LeaderboardPage, ApiError> {
        let Self { window, by, after, rows: Window { limit, offset } } = self;
        // One more than asked for tells whether there is a next page.
        let mut found: Vec<LeaderFound> =
            reads.read(async |tx| Ok(wallets::leaders(tx, window, by, after, offset, limit + 1).await?)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let first = after.map_or(0, |place| place.rank) + u64::from(offset) + 1;
        let last = found.last().filter(|_| more).map(|last| {
            let at = last.place(by, first + found.len() as u64 - 1);
            Cursor(LeaderPlace { window, by, at }).to_text()
        });
        let entries: Vec<_> = (first..).zip(found).map(|(rank, leader)| LeaderView::of(rank, leader)).collect();
        Ok(LeaderboardPage {
            window: window.as_str(),
            by: by_text(by),
            count: entries.len(),
            entries,
            limit,
            offset,
            next_cursor: last,
        })
    }
}

/// A place in one ranking of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LeaderPlace {
    window: WindowName,
    by: Ranking,
    at: RankingPlace,
}

const LEADERS: u8 = b'L';

impl Place for LeaderPlace {
    fn encode(&self) -> Vec<u8> {
        let RankingPlace { rank, value, decided, wallet } = self.at;
        let head = [LEADERS, self.window as u8, self.by as u8];
        [&head[..], &rank.to_be_bytes(), &value.to_be_bytes(), &decided.to_be_bytes(), &wallet.0].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let ([list, window, by], rest) = bytes.split_first_chunk::<3>()?;
        let (rank, rest) = rest.split_first_chunk::<8>()?;
        let (value, rest) = rest.split_first_chunk::<16>()?;
        let (decided, wallet) = rest.split_first_chunk::<8>()?;
        let at = RankingPlace {
            // A rank is a count of rows: no honest one comes near the end.
            rank: u64::from_be_bytes(*rank).min(u64::from(u32::MAX)),
            value: i128::from_be_bytes(*value),
            decided: u64::from_be_bytes(*decided),
            wallet: Wallet(wallet.try_into().ok()?),
        };
        let ((_, window), (_, by)) = (WINDOWS.get(usize::from(*window))?, RANKINGS.get(usize::from(*by))?);
        (*list == LEADERS).then_some(Self { window: *window, by: *by, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_what_is_not_known_is_refused_by_its_field() {
        let cases = [
            ("", Ok(("all", "profit"))),
            ("by=accuracy&window=7d", Ok(("7d", "accuracy"))),
            ("by=volume&window=24h", Ok(("24h", "volume"))),
            ("by=luck", Err("by")),
            ("window=1y", Err("window")),
            ("cursor=x", Err("cursor")),
        ];
        for (query, expected) in cases {
            let read = parse(query).map(|leaders| (leaders.window.as_str(), by_text(leaders.by)));
            assert_eq!(
                read.map_err(|error| error.details[0].field.to_string()),
                expected.map_err(str::to_owned),
                "{query}"
            );
        }
    }

    #[test]
    fn a_cursor_belongs_to_one_ranking_of_one_window() {
        for (_, window) in WINDOWS {
            for (_, by) in RANKINGS {
                let at = RankingPlace { rank: 7, value: -3, decided: 2, wallet: Wallet([9; 32]) };
                let cursor = Cursor(LeaderPlace { window, by, at });
                assert_eq!(cursor.to_text().parse(), Ok(cursor));
                let query = |by| format!("by={by}&window={}&cursor={}", window.as_str(), cursor.to_text());
                assert_eq!(parse(&query(by_text(by))).unwrap().after, Some(at));
                let other = if by == Ranking::Volume { "profit" } else { "volume" };
                assert_eq!(parse(&query(other)).err().unwrap().details[0].field, "cursor");
            }
        }
    }
}
