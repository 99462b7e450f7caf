//! What a comparison with the chain asks of the journal: in pages, and in bulk whether what the chain has is known.

use deadpool_postgres::Pool;

use super::{JournalError, votes};
use crate::domain::{
    ids::{Epoch, MarketAddress, Seq, Wallet},
    tally::{Counts, VoteKind},
};

/// A table of the journal that the chain has accounts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// `markets`.
    Markets,
    /// `positions`.
    Positions,
    /// Votes on the chain.
    Votes,
}

/// Are there more rows than that? Costs no more than that many.
///
/// # Errors
/// [`JournalError`].
pub async fn more_than(pool: &Pool, what: Counted, rows: usize) -> Result<bool, JournalError> {
    let sql = match what {
        Counted::Markets => "SELECT count(*) FROM (SELECT FROM markets LIMIT $1) AS limited",
        Counted::Positions => "SELECT count(*) FROM (SELECT FROM positions LIMIT $1) AS limited",
        Counted::Votes => {
            "SELECT count(*) FROM (SELECT FROM chain_events WHERE NOT orphaned
                 AND event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted') LIMIT $1) AS limited"
        }
    };
    let row = pool.get().await?.query_one(sql, &[&(rows as i64 + 1)]).await?;
    Ok(row.try_get::<_, i64>(0)? > rows as i64)
}

/// Which of these markets the journal does not know, or knows as rolled back.
///
/// # Errors
/// [`JournalError`].
pub async fn unknown_markets(pool: &Pool, markets: &[MarketAddress]) -> Result<Vec<MarketAddress>, JournalError> {
    const SQL: &str = "SELECT ask.at FROM unnest($1::text[]) WITH ORDINALITY AS ask (market, at)
        WHERE NOT EXISTS (SELECT FROM markets m WHERE m.address = ask.market AND NOT m.vanished)";
    let names: Vec<String> = markets.iter().map(ToString::to_string).collect();
    let rows = pool.get().await?.query(SQL, &[&names]).await?;
    Ok(rows.iter().filter_map(|row| markets.get((row.get::<_, i64>(0) - 1) as usize).copied()).collect())
}

/// Which of these positions the journal does not know.
///
/// # Errors
/// [`JournalError`].
pub async fn unknown_positions(
    pool: &Pool,
    positions: &[(MarketAddress, Wallet)],
) -> Result<Vec<(MarketAddress, Wallet)>, JournalError> {
    const SQL: &str = "SELECT ask.at FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS ask (market, wallet, at)
        WHERE NOT EXISTS (SELECT FROM positions p WHERE p.market = ask.market AND p.wallet = ask.wallet)";
    let (markets, wallets): (Vec<String>, Vec<String>) =
        positions.iter().map(|(market, wallet)| (market.to_string(), wallet.to_string())).unzip();
    let rows = pool.get().await?.query(SQL, &[&markets, &wallets]).await?;
    Ok(rows.iter().filter_map(|row| positions.get((row.get::<_, i64>(0) - 1) as usize).copied()).collect())
}

/// A vote on the chain, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainVote {
    /// The market.
    pub market: MarketAddress,
    /// On what.
    pub kind: VoteKind,
    /// Whose.
    pub wallet: Wallet,
    /// Which way.
    pub vote: bool,
    place: (i64, i64),
}

/// Where a page of votes ended.
#[derive(Debug, Clone)]
pub struct VotePlace {
    stream: String,
    event: &'static str,
    place: (i64, i64),
}

impl ChainVote {
    /// Its place in the order of pages.
    pub fn place(&self) -> VotePlace {
        VotePlace { stream: self.market.to_string(), event: self.kind.event(), place: self.place }
    }
}

const VOTES: &str = "SELECT e.stream::text, e.event, e.epoch::bigint, e.seq, j.payload -> 'event' ->> 'user',
        (j.payload -> 'event' -> 'vote')::boolean
    FROM chain_events e JOIN journal j USING (stream, epoch, seq)
    WHERE e.event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted') AND NOT e.orphaned";

/// A page of votes on the chain that stand, after a place, in the order of market, kind and entry; of one market, or of all.
///
/// # Errors
/// [`JournalError`].
pub async fn chain_votes(
    pool: &Pool,
    market: Option<MarketAddress>,
    after: Option<&VotePlace>,
    limit: usize,
) -> Result<Vec<ChainVote>, JournalError> {
    let of_market = if market.is_some() { "e.stream = $6::text" } else { "$6::text IS NULL" };
    let sql = format!(
        "{VOTES} AND {of_market} AND (e.stream, e.event, e.epoch, e.seq) > ($1::text, $2::text, $3::bigint, $4::bigint)
         ORDER BY e.stream, e.event, e.epoch, e.seq LIMIT $5"
    );
    let nowhere = VotePlace { stream: String::new(), event: "", place: (0, 0) };
    let VotePlace { stream, event, place } = after.unwrap_or(&nowhere);
    let market = market.map(|market| market.to_string());
    let client = pool.get().await?;
    let rows = client.query(&sql, &[stream, event, &place.0, &place.1, &(limit as i64), &market]).await?;
    rows.iter().map(vote).filter_map(Result::transpose).collect()
}

/// What is no vote of a wallet can't be of an account either.
fn vote(row: &tokio_postgres::Row) -> Result<Option<ChainVote>, JournalError> {
    let event: &str = row.try_get(1)?;
    let kind = VoteKind::ALL.into_iter().find(|kind| kind.event() == event);
    let (market, wallet): (&str, Option<&str>) = (row.try_get(0)?, row.try_get(4)?);
    let vote: Option<bool> = row.try_get(5)?;
    let parsed = (market.parse().ok(), wallet.and_then(|wallet| wallet.parse().ok()), kind, vote);
    let (Some(market), Some(wallet), Some(kind), Some(vote)) = parsed else { return Ok(None) };
    Ok(Some(ChainVote { market, kind, wallet, vote, place: (row.try_get(2)?, row.try_get(3)?) }))
}

/// A wallet's vote on the chain that stands, if there is one: the newest.
///
/// # Errors
/// [`JournalError`].
pub async fn chain_vote(
    pool: &Pool,
    market: MarketAddress,
    wallet: Wallet,
    kind: VoteKind,
) -> Result<Option<bool>, JournalError> {
    let sql = format!(
        "{VOTES} AND e.stream = $1::text AND e.event = $2 AND j.payload -> 'event' ->> 'user' = $3
         ORDER BY e.epoch DESC, e.seq DESC LIMIT 1"
    );
    let client = pool.get().await?;
    let row = client.query_opt(&sql, &[&market.to_string(), &kind.event(), &wallet.to_string()]).await?;
    Ok(row.map(|row| vote(&row)).transpose()?.flatten().map(|vote| vote.vote))
}

/// Markets and kinds that have a stored tally, after one of them, in order.
///
/// # Errors
/// [`JournalError`].
pub async fn tallies(
    pool: &Pool,
    after: Option<(MarketAddress, VoteKind)>,
    limit: usize,
) -> Result<Vec<(MarketAddress, VoteKind)>, JournalError> {
    const SQL: &str = "SELECT market::text, kind FROM vote_tallies WHERE (market, kind) > ($1::text, $2::text)
                       ORDER BY market, kind LIMIT $3";
    let (market, kind) = after.map_or((String::new(), ""), |(market, kind)| (market.to_string(), kind.as_str()));
    let rows = pool.get().await?.query(SQL, &[&market, &kind, &(limit as i64)]).await?;
    let of = |row: &tokio_postgres::Row| {
        let kind = VoteKind::ALL.into_iter().find(|kind| kind.as_str() == row.get::<_, &str>(1))?;
        Some((row.get::<_, &str>(0).parse().ok()?, kind))
    };
    Ok(rows.iter().filter_map(of).collect())
}

/// Which of these have no stored tally.
///
/// # Errors
/// [`JournalError`].
pub async fn missing_tallies(
    pool: &Pool,
    of: &[(MarketAddress, VoteKind)],
) -> Result<Vec<(MarketAddress, VoteKind)>, JournalError> {
    const SQL: &str = "SELECT ask.at FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS ask (market, kind, at)
        WHERE NOT EXISTS (SELECT FROM vote_tallies t WHERE t.market = ask.market AND t.kind = ask.kind)";
    let (markets, kinds): (Vec<String>, Vec<&str>) =
        of.iter().map(|(market, kind)| (market.to_string(), kind.as_str())).unzip();
    let rows = pool.get().await?.query(SQL, &[&markets, &kinds]).await?;
    Ok(rows.iter().filter_map(|row| of.get((row.get::<_, i64>(0) - 1) as usize).copied()).collect())
}

/// What is stored of a tally, and what its ballots count at the entry that it was stored with, of one moment. `None`: nothing is
/// stored; then it counts all ballots there are.
///
/// # Errors
/// [`JournalError`].
pub async fn tally(
    pool: &Pool,
    market: MarketAddress,
    kind: VoteKind,
) -> Result<(Option<Counts>, Counts), JournalError> {
    const STORED: &str = "SELECT in_favour, against, epoch::bigint, seq FROM vote_tallies \
                          WHERE market = $1::text AND kind = $2";
    let mut client = pool.get().await?;
    let tx = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let (mut stored, mut at) = (None, (Epoch(i32::MAX as u32), Seq(i64::MAX as u64)));
    if let Some(row) = tx.query_opt(STORED, &[&market.to_string(), &kind.as_str()]).await? {
        let side = |at| row.try_get::<_, i64>(at).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        // What no sum can be is what no ballots count.
        stored = Some(Counts::new(side(0)?, side(1)?).unwrap_or_default());
        let number = |at| row.try_get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or_default());
        at = (Epoch(u32::try_from(number(2)?).unwrap_or_default()), Seq(number(3)?));
    }
    let counted = votes::counted_up_to(&tx, market.account(), kind, at, None).await?;
    Ok((stored, counted))
}

/// How many votes on the chain each market has that stand; of these markets, or of all that have some.
///
/// # Errors
/// [`JournalError`].
pub async fn vote_counts(pool: &Pool, only: &[MarketAddress]) -> Result<Vec<(MarketAddress, i64)>, JournalError> {
    const SQL: &str = "SELECT stream::text, count(*) FROM chain_events
        WHERE event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted') AND NOT orphaned AND stream > $1::text
          AND (cardinality($3::text[]) = 0 OR stream = ANY ($3::text[]))
        GROUP BY stream ORDER BY stream LIMIT $2";
    const MARKETS: i64 = 2_000;
    let only: Vec<String> = only.iter().map(ToString::to_string).collect();
    let (mut counts, mut after) = (Vec::new(), String::new());
    loop {
        let rows = pool.get().await?.query(SQL, &[&after, &MARKETS, &only]).await?;
        let Some(last) = rows.last() else { return Ok(counts) };
        after = last.try_get(0)?;
        counts.extend(rows.iter().filter_map(|row| Some((row.get::<_, &str>(0).parse().ok()?, row.get(1)))));
    }
}
