//! Pages of markets, by every filter and sort of the list, and what is near a market.
//!
//! Never counts and never walks a table: a page by phase and category is found in indexes of `market_stats` alone, a walk a
//! phase, merged; one creator's markets, the newest that match a search, and the last to end before a moment are sorted when
//! they are asked for ([`MATCHES_MAX`]). The order is that of the last figures (`journal::stats`), the rows are the markets' own.

use tokio_postgres::{Row, types::ToSql};

use super::{MarketFilter, MarketPosition, ReadFailure, SHOWN_MARKETS, ask::Ask, of_json, unsigned};
use crate::{
    domain::{
        ids::{MarketAddress, Wallet},
        phase::Phase,
    },
    journal::rows::{BadRow, MarketRow},
};

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarketSort {
    /// The chain's time of the creation.
    CreatedAt,
    /// All that was ever traded.
    Volume,
    /// What was traded in the newest 24 hours.
    Volume24h,
    /// The liquidity on paper.
    Liquidity,
    /// The price of YES; markets without one last.
    PriceYes,
    /// When the question is to be decided; only markets that say so.
    Ending,
}

impl MarketSort {
    /// All of them, by name.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("created_at", Self::CreatedAt),
        ("volume", Self::Volume),
        ("volume_24h", Self::Volume24h),
        ("liquidity", Self::Liquidity),
        ("price_yes", Self::PriceYes),
        ("ending", Self::Ending),
    ];

    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at_unix",
            Self::Volume => "volume",
            Self::Volume24h => "volume_24h",
            Self::Liquidity => "liquidity",
            Self::PriceYes => "price_yes",
            Self::Ending => "ends_at_unix",
        }
    }
}

/// Which markets, in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketQuery {
    /// In one of these phases; empty = in any.
    pub phases: Vec<Phase>,
    /// Of this category.
    pub category: Option<String>,
    /// Of this creator.
    pub creator: Option<Wallet>,
    /// With these words in question, description or tags.
    pub search: Option<String>,
    /// To be decided before this time of the chain.
    pub ending_before_unix: Option<i64>,
    /// By what.
    pub sort: MarketSort,
    /// The largest first.
    pub descending: bool,
}

impl Default for MarketQuery {
    fn default() -> Self {
        Self {
            phases: Vec::new(),
            category: None,
            creator: None,
            search: None,
            ending_before_unix: None,
            sort: MarketSort::CreatedAt,
            descending: true,
        }
    }
}

/// A place in a list: what it is sorted by, and the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPlace {
    /// The list's order.
    pub sort: MarketSort,
    /// The list's direction.
    pub descending: bool,
    /// The sorted value.
    pub key: i128,
    /// The market.
    pub address: MarketAddress,
}

/// What the keeper counted of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Traded in the newest 24 hours, lamports.
    pub volume_24h: u64,
    /// Trades in them.
    pub trades_24h: u64,
    /// Wallets that traded in them.
    pub traders_24h: u64,
    /// The price of YES a day ago, in units of 1e-9.
    pub price_yes_before: u64,
}

/// A market of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its row.
    pub row: MarketRow,
    /// Its figures; `None` before the keeper has first counted it.
    pub figures: Option<Figures>,
    /// The sorted value.
    pub key: i128,
}

/// Markets that are sorted for one page: of a search, or of each phase before a moment. What lies behind them is not found,
/// since a page must not cost more the more markets there are.
pub const MATCHES_MAX: u32 = 10_000;

/// So many markets at the head of a list are looked through for a search before all that match are sorted.
const SEARCH_WALK: i64 = 400;
/// The columns of `market_stats s` that [`figures`] reads, from a column on.
const FIGURES: &str = "s.volume_24h::text, s.trades_24h, s.traders_24h, s.price_yes_before";

fn figures(row: &Row, at: usize) -> Result<Option<Figures>, ReadFailure> {
    let Some(volume) = row.try_get::<_, Option<String>>(at)? else { return Ok(None) };
    Ok(Some(Figures {
        volume_24h: number("market_stats", &volume)?,
        trades_24h: unsigned("market_stats", row.try_get(at + 1)?)?,
        traders_24h: unsigned("market_stats", row.try_get(at + 2)?)?,
        price_yes_before: unsigned("market_stats", row.try_get(at + 3)?)?,
    }))
}

/// A whole number that came as text.
pub(super) fn number<T: std::str::FromStr>(table: &'static str, text: &str) -> Result<T, BadRow> {
    text.parse().map_err(|_| BadRow { table, reason: format!("{text} is out of range") })
}

/// A page of markets, without those whose creation was rolled back.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn markets<C: Ask>(
    client: &C,
    query: &MarketQuery,
    after: Option<ListPlace>,
    offset: u32,
    limit: u32,
) -> Result<Vec<Listed>, ReadFailure> {
    let by_creation = query.sort == MarketSort::CreatedAt && query.descending;
    let plain = query.category.is_none() && query.creator.is_none() && query.search.is_none();
    if by_creation && plain && query.ending_before_unix.is_none() {
        return newest(client, query, after, offset, limit).await;
    }
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let column = query.sort.column();
    let (direction, beyond) = if query.descending { ("DESC", "<") } else { ("ASC", ">") };
    let order = format!("{column} {direction}, market {direction}");
    let creator = query.creator.map(|creator| creator.to_string());
    let place = after.map(|at| (at.key.to_string(), at.address.to_string()));

    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&offset, &limit];
    let mut wanted = vec!["true".to_owned()];
    if query.sort == MarketSort::Ending {
        wanted.push("s.ends_at_unix IS NOT NULL".to_owned());
    }
    // The same rules, for the walk through ends below.
    let mut ending = Vec::new();
    if let Some(before) = &query.ending_before_unix {
        values.push(before);
        ending.push(format!("e.ends_at_unix < ${}", values.len()));
        wanted.push(format!("s.ends_at_unix < ${}", values.len()));
    }
    if let Some(category) = &query.category {
        values.push(category);
        ending.push(format!("e.category = ${}", values.len()));
        wanted.push(format!("s.category = ${}", values.len()));
    }
    if let Some((key, address)) = &place {
        values.push(key);
        values.push(address);
        let kind = match query.sort {
            MarketSort::Volume | MarketSort::Volume24h | MarketSort::Liquidity => "numeric",
            MarketSort::CreatedAt | MarketSort::PriceYes | MarketSort::Ending => "bigint",
        };
        let (key, address) = (values.len() - 1, values.len());
        wanted.push(format!("(s.{column}, s.market) {beyond} (${key}::text::{kind}, ${address}::text)"));
    }
    let all: Vec<i16> = (0..=6).collect();
    let phases: Vec<i16> =
        if query.phases.is_empty() { all } else { query.phases.iter().map(|phase| *phase as i16).collect() };
    values.push(&phases);
    let phases_at = values.len();
    let wanted = wanted.join(" AND ");
    // A walk a phase, merged.
    let walk = |rows: &str| {
        format!(
            "SELECT walk.market, walk.{column} FROM unnest(${phases_at}::smallint[]) AS wanted (phase) \
             CROSS JOIN LATERAL (SELECT s.market, s.{column} FROM market_stats s \
                 WHERE s.phase = wanted.phase AND {wanted} ORDER BY {order} LIMIT {rows}) AS walk ORDER BY {order}"
        )
    };
    let shown = |page: &str| {
        format!(
            "SELECT row_to_json(m), page.{column}::text, {FIGURES} FROM ({page} OFFSET $1 LIMIT $2) AS page \
             JOIN {SHOWN_MARKETS} m ON m.address = page.market LEFT JOIN market_stats s ON s.market = page.market \
             ORDER BY page.{column} {direction}, page.market {direction}"
        )
    };
    // Few by nature or by a bound: sorted whole.
    // Else by a walk of the order's index; with a moment to end before, in any other order than that, it might never end.
    let is_walked = query.ending_before_unix.is_none() || query.sort == MarketSort::Ending;
    let mut few = None;
    if let Some(creator) = &creator {
        values.push(creator);
        few = Some(format!("market_stats s WHERE s.creator_wallet = ${}", values.len()));
    }
    let mut first_walked = None;
    if let Some(search) = &query.search {
        values.push(search);
        let words = format!("websearch_to_tsquery('simple', ${})", values.len());
        // 'T': the index can't tell which ones match (`-word`, `word or -word`): that is nearly all of them.
        let matches = format!("m.metadata IS NOT NULL AND m.search @@ {words} AND querytree({words}) <> 'T'");
        if few.is_none() && is_walked && offset + limit <= SEARCH_WALK {
            first_walked = Some(format!(
                "SELECT near.market, near.{column} FROM ({} LIMIT {SEARCH_WALK}) AS near \
                 JOIN markets m ON m.address = near.market WHERE {matches} ORDER BY {order}",
                walk(&SEARCH_WALK.to_string())
            ));
        }
        few = Some(match few {
            Some(few) => format!("{few} AND EXISTS (SELECT FROM markets m WHERE m.address = s.market AND {matches})"),
            None => format!(
                "(SELECT m.address FROM markets m WHERE {matches} ORDER BY m.created_at_unix DESC, m.address DESC \
                 LIMIT {MATCHES_MAX}) m JOIN market_stats s ON s.market = m.address WHERE true"
            ),
        });
    }
    // In any other order those that end in time may be anywhere.
    if few.is_none() && !is_walked {
        let ending = ending.join(" AND ");
        few = Some(format!(
            "unnest(${phases_at}::smallint[]) AS phases (phase) CROSS JOIN LATERAL (SELECT e.* FROM market_stats e \
             WHERE e.phase = phases.phase AND {ending} ORDER BY e.ends_at_unix DESC, e.market DESC LIMIT {MATCHES_MAX}) s \
             WHERE true"
        ));
    }
    if let Some(page) = first_walked {
        // What so many markets say is found at the head of the list; what few say is not, and those few are sorted.
        let rows = client.query(&shown(&page), &values).await?;
        if rows.len() as i64 == limit {
            return rows.iter().map(listed).collect();
        }
    }
    let page = match few {
        Some(few) => format!(
            "SELECT s.market, s.{column} FROM {few} AND s.phase = ANY (${phases_at}::smallint[]) AND {wanted} ORDER BY {order}"
        ),
        None => walk("$1::bigint + $2::bigint"),
    };
    let rows = client.query(&shown(&page), &values).await?;
    rows.iter().map(listed).collect()
}

fn listed(row: &Row) -> Result<Listed, ReadFailure> {
    let key: String = row.try_get(1)?;
    Ok(Listed {
        row: of_json("markets", row.try_get(0)?)?,
        key: number("market_stats", &key)?,
        figures: figures(row, 2)?,
    })
}

/// Newest first, of what was committed this moment: figures play no part.
async fn newest<C: Ask>(
    client: &C,
    query: &MarketQuery,
    after: Option<ListPlace>,
    offset: u32,
    limit: u32,
) -> Result<Vec<Listed>, ReadFailure> {
    let after = after
        .map(|at| MarketPosition { created_at_unix: i64::try_from(at.key).unwrap_or(i64::MIN), address: at.address });
    let filter = MarketFilter { phases: query.phases.clone() };
    let rows = super::markets(client, &filter, after, offset, limit).await?;
    let names: Vec<String> = rows.iter().map(|row| row.address.to_string()).collect();
    let sql = format!("SELECT s.market, {FIGURES} FROM market_stats s WHERE s.market = ANY ($1::text[])");
    let mut counted = std::collections::HashMap::new();
    for row in client.query(&sql, &[&names]).await? {
        counted.insert(row.try_get::<_, String>(0)?, figures(&row, 1)?);
    }
    let listed = rows.into_iter().zip(&names).map(|(row, name)| Listed {
        key: row.created_at_unix.into(),
        figures: counted.remove(name).flatten(),
        row,
    });
    Ok(listed.collect())
}

/// What is counted of a market: how many ever traded in it, and its figures.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn counted<C: Ask>(client: &C, market: MarketAddress) -> Result<(u64, Option<Figures>), ReadFailure> {
    let sql = format!(
        "SELECT m.traders_count, {FIGURES} FROM markets m LEFT JOIN market_stats s ON s.market = m.address
         WHERE m.address = $1::text"
    );
    match client.query_opt(&sql, &[&market.to_string()]).await? {
        Some(row) => Ok((unsigned("markets", row.try_get(0)?)?, figures(&row, 1)?)),
        None => Ok((0, None)),
    }
}

/// Markets near one: open ones of its category that are traded most, then the newest of its creator. Not itself.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn related<C: Ask>(client: &C, market: MarketAddress, limit: u32) -> Result<Vec<Listed>, ReadFailure> {
    let sql = format!(
        "WITH it AS (SELECT category, creator_wallet FROM market_stats WHERE market = $1::text),
         near AS (
             (SELECT s.market, 0 AS place, s.volume_24h AS key FROM it JOIN market_stats s ON s.category = it.category
              WHERE s.phase = 2 AND s.market <> $1::text ORDER BY s.volume_24h DESC, s.market DESC LIMIT $2)
             UNION ALL
             (SELECT s.market, 1, s.created_at_unix FROM it JOIN market_stats s ON s.creator_wallet = it.creator_wallet
              WHERE s.market <> $1::text ORDER BY s.created_at_unix DESC, s.market DESC LIMIT $2)
         ), best AS (
             SELECT market, min(place) AS place, max(key) AS key FROM near GROUP BY market ORDER BY 2, 3 DESC, 1 LIMIT $2
         )
         SELECT row_to_json(m), '0', {FIGURES} FROM best JOIN {SHOWN_MARKETS} m ON m.address = best.market
         LEFT JOIN market_stats s ON s.market = best.market ORDER BY best.place, best.key DESC, best.market"
    );
    let rows = client.query(&sql, &[&market.to_string(), &i64::from(limit)]).await?;
    rows.into_iter().map(|row| listed(&row)).collect()
}

/// A category, and what is counted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryRow {
    /// Its name.
    pub category: String,
    /// Markets in it.
    pub markets: u64,
    /// Traded in its markets in 24 hours, lamports.
    pub volume_24h: u128,
    /// Traded in the 24 hours before.
    pub volume_before: u128,
}

/// All categories that have markets, the largest first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn categories<C: Ask>(client: &C, limit: u32) -> Result<Vec<CategoryRow>, ReadFailure> {
    const SQL: &str = "SELECT category, markets, volume_24h::text, volume_before::text FROM category_stats
                       WHERE markets > 0 ORDER BY markets DESC, category LIMIT $1";
    let rows = client.query(SQL, &[&i64::from(limit)]).await?;
    let category = |row: Row| {
        let (volume_24h, before): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        Ok(CategoryRow {
            category: row.try_get(0)?,
            markets: unsigned("category_stats", row.try_get(1)?)?,
            volume_24h: number("category_stats", &volume_24h)?,
            volume_before: number("category_stats", &before)?,
        })
    };
    rows.into_iter().map(category).collect()
}

/// A market that is traded just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendingRow {
    /// The market.
    pub address: MarketAddress,
    /// Of YES; `None` where the curve has none.
    pub price_yes: Option<u64>,
    /// Its figures.
    pub figures: Figures,
    /// In units of 1e-10.
    pub score: u128,
    /// What it is about, where that is known.
    pub question: Option<String>,
}

/// Those with the highest score.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn trending<C: Ask>(client: &C, limit: u32) -> Result<Vec<TrendingRow>, ReadFailure> {
    let sql = format!(
        "SELECT s.market, s.price_yes, s.score::text, m.metadata ->> 'question', {FIGURES}
         FROM (SELECT * FROM market_stats WHERE score > 0 ORDER BY score DESC, market DESC LIMIT $1) s
         JOIN markets m ON m.address = s.market ORDER BY s.score DESC, s.market DESC"
    );
    let rows = client.query(&sql, &[&i64::from(limit)]).await?;
    let trending = |row: Row| {
        let bad = |reason: String| BadRow { table: "market_stats", reason };
        let (address, score): (String, String) = (row.try_get(0)?, row.try_get(2)?);
        Ok(TrendingRow {
            address: address.parse().map_err(|error| bad(format!("market {address}: {error}")))?,
            price_yes: u64::try_from(row.try_get::<_, i64>(1)?).ok(),
            figures: figures(&row, 4)?.ok_or_else(|| bad("no figures".to_owned()))?,
            score: number("market_stats", &score)?,
            question: row.try_get(3)?,
        })
    };
    rows.into_iter().map(trending).collect()
}
