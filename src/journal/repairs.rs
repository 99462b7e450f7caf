//! Repairs that are asked of the leading engine: rows of `repairs`, and the writing that sets a derived row right.
//!
//! Who compares never writes the journal beside a running engine: it leaves a request here and waits for the answer. The leader
//! takes it, in its term. A request stays until it is answered, so one whose engine died is taken again by the next. What is
//! written here for a repair is what entries make, found by folding them again, and nothing else: a position and a tally. (A
//! market's row is its own stream's to write.)

use deadpool_postgres::Pool;
use serde::Serialize;

use super::{JournalError, lease::Leased, replay};
use crate::domain::{
    amount::UnixSeconds,
    ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
    market::Market,
    position::Position,
    replay::{Place, Replay},
    tally::{Counts, VoteKind},
};

/// Characters of a text; what is longer is cut.
const TEXT_MAX: usize = 2_000;

/// What is to be repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `config`, `market`, `row` (a market's, whatever a comparison says), `position`, `vote` or `tally`.
    pub what: &'static str,
    /// The market, or the config.
    pub stream: AccountAddress,
    /// Of a position or a vote.
    pub wallet: Option<Wallet>,
    /// Of a vote or a tally.
    pub vote_kind: Option<VoteKind>,
    /// In what it differs, for people.
    pub difference: String,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: i64,
    /// As in [`Wanted::what`].
    pub what: String,
    /// As in [`Wanted::stream`].
    pub stream: AccountAddress,
    /// As in [`Wanted::wallet`].
    pub wallet: Option<Wallet>,
    /// As in [`Wanted::vote_kind`].
    pub vote_kind: Option<VoteKind>,
}

/// What came of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It agreed with the chain when it was looked at.
    Agreed,
    /// It agrees now.
    Repaired,
    /// It still differs, and what a person can do is said.
    Impossible,
}

impl Outcome {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Repaired => "repaired",
            Self::Impossible => "impossible",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Agreed, Self::Repaired, Self::Impossible].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// An answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its number.
    pub id: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// For people.
    pub detail: String,
}

fn text(text: &str) -> String {
    text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(TEXT_MAX).collect()
}

/// Asks for repairs; their numbers, in order. What is asked for already is asked for once.
///
/// # Errors
/// [`JournalError`]: none of them is asked for.
pub async fn request(pool: &Pool, wanted: &[Wanted]) -> Result<Vec<i64>, JournalError> {
    const SQL: &str = "INSERT INTO repairs (what, stream, wallet, vote_kind, difference)
        VALUES ($1, $2::text, $3::text, $4, $5)
        ON CONFLICT (what, stream, coalesce(wallet::text, ''), coalesce(vote_kind, '')) WHERE answered_at IS NULL
        DO UPDATE SET difference = excluded.difference, asked = repairs.asked + 1 RETURNING id";
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    let statement = tx.prepare_cached(SQL).await?;
    let mut ids = Vec::with_capacity(wanted.len());
    for one in wanted {
        let (stream, wallet) = (one.stream.to_string(), one.wallet.map(|wallet| wallet.to_string()));
        let kind = one.vote_kind.map(VoteKind::as_str);
        let row = tx.query_one(&statement, &[&one.what, &stream, &wallet, &kind, &text(&one.difference)]).await?;
        ids.push(row.try_get(0)?);
    }
    tx.commit().await?;
    Ok(ids)
}

/// Waits no more: takes back what nobody has begun with and nobody else waits for.
///
/// # Errors
/// [`JournalError`]: it stays, and is taken some day.
pub async fn withdraw(pool: &Pool, ids: &[i64]) -> Result<(), JournalError> {
    const LESS: &str = "UPDATE repairs SET asked = greatest(asked - 1, 0) WHERE id = ANY ($1) AND answered_at IS NULL";
    const REMOVE: &str =
        "DELETE FROM repairs WHERE id = ANY ($1) AND asked = 0 AND taken_at IS NULL AND answered_at IS NULL";
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    tx.execute(LESS, &[&ids]).await?;
    tx.execute(REMOVE, &[&ids]).await?;
    tx.commit().await?;
    Ok(())
}

/// Those of these that have been answered.
///
/// # Errors
/// [`JournalError`].
pub async fn answers(pool: &Pool, ids: &[i64]) -> Result<Vec<Answer>, JournalError> {
    const SQL: &str = "SELECT id, outcome, coalesce(detail, '') FROM repairs \
                       WHERE id = ANY ($1) AND answered_at IS NOT NULL ORDER BY id";
    let rows = pool.get().await?.query(SQL, &[&ids]).await?;
    let of = |row: &tokio_postgres::Row| {
        Some(Answer { id: row.get(0), outcome: Outcome::parse(row.get(1))?, detail: row.get(2) })
    };
    Ok(rows.iter().filter_map(of).collect())
}

/// The oldest request that is not answered.
///
/// # Errors
/// [`JournalError`].
pub async fn oldest(pool: &Pool) -> Result<Option<Request>, JournalError> {
    const SQL: &str = "SELECT id, what, stream::text, wallet::text, vote_kind FROM repairs \
                       WHERE answered_at IS NULL ORDER BY id LIMIT 1";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let Some(row) = client.query_opt(&statement, &[]).await? else { return Ok(None) };
    let (stream, wallet, kind): (&str, Option<&str>, Option<&str>) =
        (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(Some(Request {
        id: row.try_get(0)?,
        what: row.try_get(1)?,
        // What is no address is nobody's stream: it is answered as such.
        stream: stream.parse().unwrap_or(AccountAddress([0; 32])),
        wallet: wallet.and_then(|wallet| wallet.parse().ok()),
        vote_kind: VoteKind::ALL.into_iter().find(|one| Some(one.as_str()) == kind),
    }))
}

/// It is begun with.
///
/// # Errors
/// [`JournalError`].
pub async fn take(pool: &Leased, id: i64) -> Result<(), JournalError> {
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute("UPDATE repairs SET taken_at = now() WHERE id = $1 AND answered_at IS NULL", &[&id]).await?;
    tx.commit().await?;
    Ok(())
}

/// It is done with.
///
/// # Errors
/// [`JournalError`]: it will be taken again.
pub async fn answer(pool: &Leased, id: i64, outcome: Outcome, detail: &str) -> Result<(), JournalError> {
    const SQL: &str = "UPDATE repairs SET answered_at = now(), outcome = $2, detail = $3 \
                       WHERE id = $1 AND answered_at IS NULL";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute(SQL, &[&id, &outcome.as_str(), &text(detail)]).await?;
    tx.commit().await?;
    Ok(())
}

/// Locks a market's row, so that no batch of the writer passes, and folds what has been committed since. Where its row stands.
const LOCK: &str = "SELECT epoch::bigint, last_seq FROM markets WHERE address = $1::text FOR UPDATE";

fn place(row: &tokio_postgres::Row) -> Result<Place, JournalError> {
    let number = |at| row.try_get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or_default());
    Ok((Epoch(u32::try_from(number(0)?).unwrap_or_default()), Seq(number(1)?)))
}

/// Writes what a wallet's entries make of its position, if that is what `should_be` says; true if it was written. `folded` is a
/// replay of the market's entries that keeps this wallet's position.
///
/// # Errors
/// [`replay::ReplayError`]: nothing was written.
pub async fn rewrite_position(
    pool: &Leased,
    market: MarketAddress,
    wallet: Wallet,
    folded: &mut Replay<Market>,
    should_be: impl FnOnce(Option<&Position>) -> bool,
) -> Result<bool, replay::ReplayError> {
    const WRITE: &str = "INSERT INTO positions (market, wallet, shares_yes, shares_no, total_invested, trades_count,
                last_trade_at_unix, has_claimed, claimed_amount, claimed_at_unix)
        SELECT $1::text, $2::text, $3::text::numeric, $4::text::numeric, $5::text::numeric, $6::bigint, $7, $8,
               $9::text::numeric, $10
        ON CONFLICT (market, wallet) DO UPDATE SET shares_yes = excluded.shares_yes, shares_no = excluded.shares_no,
            total_invested = excluded.total_invested, trades_count = excluded.trades_count,
            last_trade_at_unix = excluded.last_trade_at_unix, has_claimed = excluded.has_claimed,
            claimed_amount = excluded.claimed_amount, claimed_at_unix = excluded.claimed_at_unix";
    const REMOVE: &str = "DELETE FROM positions WHERE market = $1::text AND wallet = $2::text";
    const COUNT: &str = "UPDATE markets SET traders_count = (SELECT count(*) FROM positions WHERE market = $1::text) \
                         WHERE address = $1::text";
    let mut client = pool.get().await.map_err(JournalError::from)?;
    let tx = pool.begin(&mut client).await?;
    let address = market.to_string();
    let Some(row) = tx.query_opt(LOCK, &[&address]).await.map_err(JournalError::from)? else { return Ok(false) };
    replay::go_on(pool.pool(), market.account(), place(&row)?, folded, Market::is_described_by).await?;
    let made = folded.positions(market).find(|(position, _)| position.user == wallet);
    if !should_be(made.as_ref().map(|(position, _)| position)) {
        return Ok(false);
    }
    let wallet = wallet.to_string();
    let written = match made {
        Some((position, claimed_at)) => {
            let [yes, no] = [position.shares_yes.0, position.shares_no.0].map(|shares| shares.to_string());
            let (invested, claimed) = (position.total_invested.0.to_string(), position.claimed_amount.0.to_string());
            let trades = i64::from(position.trades_count);
            let (last, claimed_at) = (position.last_trade_at.0, claimed_at.map(|UnixSeconds(at)| at));
            tx.execute(
                WRITE,
                &[
                    &address,
                    &wallet,
                    &yes,
                    &no,
                    &invested,
                    &trades,
                    &last,
                    &position.has_claimed,
                    &claimed,
                    &claimed_at,
                ],
            )
            .await
        }
        None => tx.execute(REMOVE, &[&address, &wallet]).await,
    };
    written.map_err(JournalError::from)?;
    tx.execute(COUNT, &[&address]).await.map_err(JournalError::from)?;
    tx.commit().await.map_err(JournalError::from)?;
    Ok(true)
}

/// Stores what a market's ballots count. False if there is no such market.
///
/// # Errors
/// [`JournalError`]: nothing was written.
pub async fn rewrite_tally(
    pool: &Leased,
    market: MarketAddress,
    kind: VoteKind,
) -> Result<Option<Counts>, JournalError> {
    const WRITE: &str = "INSERT INTO vote_tallies (market, kind, in_favour, against, epoch, seq)
        VALUES ($1::text, $2, $3, $4, $5::bigint::integer, $6)
        ON CONFLICT (market, kind) DO UPDATE SET in_favour = excluded.in_favour, against = excluded.against,
                                                 epoch = excluded.epoch, seq = excluded.seq";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let address = market.to_string();
    let Some(row) = tx.query_opt(LOCK, &[&address]).await? else { return Ok(None) };
    let at = place(&row)?;
    let counts = super::votes::counted_up_to(&tx, market.account(), kind, at, None).await?;
    let (epoch, seq) = (i64::from(at.0.0), i64::try_from(at.1.0).unwrap_or(i64::MAX));
    let (likes, dislikes) = (i64::from(counts.in_favour()), i64::from(counts.against()));
    tx.execute(WRITE, &[&address, &kind.as_str(), &likes, &dislikes, &epoch, &seq]).await?;
    tx.commit().await?;
    Ok(Some(counts))
}
