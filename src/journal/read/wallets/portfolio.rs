//! The past of a wallet's positions: their hours in a stretch of time, and the prices of moments.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::{
    super::super::ledgers::{ledger_hour, ledger_whole},
    ReadFailure, SHOWN_MARKETS,
    holdings::position,
    rows::PositionFound,
};
use crate::domain::{
    amount::{Lamports, PriceE9},
    ids::{MarketAddress, Wallet},
    ledger::{Profit, UnixHour},
    phase::Phase,
    portfolio::Past,
    valuation::current_value,
};

/// Positions that a portfolio is made of: those that were traded last.
pub const POSITIONS_MAX: usize = 50;
/// Hours of one position in the stretch that is looked at: the newest.
pub const HOURS_MAX: i64 = 1_000;

/// A position of a portfolio.
#[derive(Debug, Clone)]
pub struct PastFound {
    /// Its market.
    pub market: MarketAddress,
    /// The price of YES now; what a moment without a price takes.
    pub price_yes_now: PriceE9,
    /// What happened to it.
    pub past: Past,
}

/// The pasts of the wallet's newest positions from an hour on; true: there are more positions, or more hours, than are
/// looked at.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn pasts(
    tx: &Transaction<'_>,
    wallet: Wallet,
    from: UnixHour,
) -> Result<(Vec<PastFound>, bool), ReadFailure> {
    let newest = format!(
        "
        SELECT row_to_json(p), row_to_json(m), l.cost_yes, l.cost_no, l.realised,
               l.verdict_hour, l.verdict_realised, l.claim_hour, l.claim_realised
        FROM (SELECT * FROM position_ledgers WHERE wallet = $1 ORDER BY last_hour DESC, market LIMIT $2) l
        JOIN positions p ON p.market = l.market AND p.wallet = l.wallet
        JOIN {SHOWN_MARKETS} m ON m.address = l.market AND NOT m.vanished
        ORDER BY l.last_hour DESC, l.market"
    );
    const HOURS: &str = "
        SELECT k.market, h.wallet, h.hour, h.trades, h.volume, h.realised, h.last_epoch, h.last_seq,
               h.shares_yes, h.cost_yes, h.shares_no, h.cost_no, h.realised_so_far
        FROM unnest($1::text[]) AS k (market) CROSS JOIN LATERAL (
            (SELECT * FROM position_hours h WHERE h.market = k.market AND h.wallet = $2 AND h.hour >= $3
             ORDER BY h.hour DESC LIMIT $4)
            UNION ALL
            (SELECT * FROM position_hours h WHERE h.market = k.market AND h.wallet = $2 AND h.hour < $3
             ORDER BY h.hour DESC LIMIT 1)) h";
    let name = wallet.to_string();
    let more = POSITIONS_MAX as i64 + 1;
    let mut rows = tx.query(&tx.prepare_cached(&newest).await?, &[&name, &more]).await?;
    let mut truncated = rows.len() > POSITIONS_MAX;
    rows.truncate(POSITIONS_MAX);
    let mut pasts: Vec<PastFound> = rows.iter().map(past).collect::<Result<_, _>>()?;
    let markets: Vec<String> = pasts.iter().map(|found| found.market.to_string()).collect();
    let place: HashMap<&str, usize> = markets.iter().enumerate().map(|(at, market)| (market.as_str(), at)).collect();
    for row in tx.query(&tx.prepare_cached(HOURS).await?, &[&markets, &name, &from.0, &HOURS_MAX]).await? {
        if let Some(found) = place.get(row.try_get::<_, &str>(0)?).and_then(|at| pasts.get_mut(*at)) {
            found.past.hours.push(ledger_hour(&row)?);
        }
    }
    for found in &mut pasts {
        truncated |= found.past.hours.len() as i64 > HOURS_MAX;
        found.past.hours.sort_by_key(|row| row.hour);
    }
    Ok((pasts, truncated))
}

fn past(row: &Row) -> Result<PastFound, ReadFailure> {
    let PositionFound { position, market, .. } = position(row)?;
    let settled = |at: usize| {
        let hour: Option<i64> = row.try_get(at)?;
        let realised = Profit(ledger_whole(row, at + 1)?);
        Ok::<_, ReadFailure>(hour.map(|hour| (UnixHour(hour), realised)))
    };
    let payout = match market.phase {
        Phase::Finalized if position.has_claimed => position.claimed_amount,
        Phase::Finalized => current_value(&market, &position, None).unwrap_or_default(),
        _ => Lamports::ZERO,
    };
    Ok(PastFound {
        market: market.address,
        price_yes_now: market.price_yes.unwrap_or_default(),
        past: Past { hours: Vec::new(), verdict: settled(5)?, claim: settled(7)?, payout },
    })
}

/// The wallet's first hour; `None` if it never traded.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn first_hour(tx: &Transaction<'_>, wallet: Wallet) -> Result<Option<UnixHour>, ReadFailure> {
    const SQL: &str = "SELECT hour FROM wallet_hours WHERE wallet = $1 ORDER BY hour LIMIT 1";
    let row = tx.query_opt(&tx.prepare_cached(SQL).await?, &[&wallet.to_string()]).await?;
    row.map(|row| Ok(UnixHour(row.try_get(0)?))).transpose()
}

/// The prices of YES right before these hours, each of its market, in their order; `None` before the first trade.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn prices(
    tx: &Transaction<'_>,
    moments: &[(MarketAddress, UnixHour)],
) -> Result<Vec<Option<PriceE9>>, ReadFailure> {
    const SQL: &str = "
        SELECT coalesce(
                   (SELECT close FROM candles c WHERE c.market = k.market AND c.step = 3600
                      AND c.bucket_unix < k.moment AND c.bucket_unix >= k.moment - 7948800
                    ORDER BY c.bucket_unix DESC LIMIT 1),
                   (SELECT close FROM candles c WHERE c.market = k.market AND c.step = 3600
                      AND c.bucket_unix < k.moment - 7948800 ORDER BY c.bucket_unix DESC LIMIT 1))
        FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS k (market, moment, place) ORDER BY k.place";
    let (markets, hours): (Vec<String>, Vec<i64>) =
        moments.iter().map(|(market, hour)| (market.to_string(), hour.0.saturating_mul(3_600))).unzip();
    let rows = tx.query(&tx.prepare_cached(SQL).await?, &[&markets, &hours]).await?;
    rows.iter().map(|row| Ok(row.try_get::<_, Option<i64>>(0)?.map(|price| PriceE9(price.unsigned_abs())))).collect()
}
