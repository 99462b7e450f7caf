//! The newest of all markets: bounded, by indexes.

use super::{
    super::rows::{BadRow, PositionRow},
    IS_CONTAINED, ReadFailure, SHOWN_TRADE, TradeFound,
    ask::Ask,
    of_json, unsigned,
};
use crate::domain::{
    ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
    position::Position,
};

/// A trade of any market.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestTrade {
    /// The trade.
    pub trade: TradeFound,
    /// Its entry is final on the chain.
    pub finalized: bool,
}

/// The newest trades by the chain's time, newest first; without those that were rolled back.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn trades<C: Ask>(client: &C, limit: u32) -> Result<Vec<LatestTrade>, ReadFailure> {
    let sql = format!(
        "SELECT row_to_json(shown), {IS_CONTAINED}, m.epoch = t.epoch AND t.seq <= m.finalized_seq
         FROM (SELECT * FROM trades WHERE NOT orphaned
               ORDER BY block_time_unix DESC, market DESC, seq DESC LIMIT $1) t
         JOIN markets m ON m.address = t.market
         {SHOWN_TRADE}
         ORDER BY t.block_time_unix DESC, t.market DESC, t.seq DESC"
    );
    let rows = client.query(&sql, &[&i64::from(limit)]).await?;
    rows.into_iter()
        .map(|row| {
            let trade = TradeFound { row: of_json("trades", row.try_get(0)?)?, contained: row.try_get(1)? };
            Ok(LatestTrade { trade, finalized: row.try_get(2)? })
        })
        .collect()
}

/// The finalized points of streams, in the life of the journal that each is in.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn finalized<C: Ask>(
    client: &C,
    streams: &[AccountAddress],
) -> Result<Vec<(AccountAddress, Epoch, Seq)>, ReadFailure> {
    const SQL: &str = "SELECT address::text, epoch, finalized_seq FROM markets WHERE address = ANY ($1::text[]) \
                       UNION ALL \
                       SELECT address::text, epoch, finalized_seq FROM program_config WHERE address = ANY ($1::text[])";
    let names: Vec<String> = streams.iter().map(ToString::to_string).collect();
    let rows = client.query(SQL, &[&names]).await?;
    rows.into_iter()
        .map(|row| {
            let address: &str = row.try_get(0)?;
            let bad = |error| BadRow { table: "markets", reason: format!("address {address}: {error}") };
            let stream = address.parse().map_err(bad)?;
            let epoch = Epoch(row.try_get::<_, i32>(1)?.unsigned_abs());
            Ok((stream, epoch, Seq(unsigned("markets", row.try_get(2)?)?)))
        })
        .collect()
}

/// Positions, in the order in which they are asked for; one that is not there is empty.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn positions_of<C: Ask>(client: &C, keys: &[(MarketAddress, Wallet)]) -> Result<Vec<Position>, ReadFailure> {
    const SQL: &str = "SELECT row_to_json(p) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS ask (market, wallet, at) \
                       LEFT JOIN positions p ON p.market = ask.market AND p.wallet = ask.wallet ORDER BY ask.at";
    let (markets, wallets): (Vec<String>, Vec<String>) =
        keys.iter().map(|(market, wallet)| (market.to_string(), wallet.to_string())).unzip();
    let rows = client.query(SQL, &[&markets, &wallets]).await?;
    rows.into_iter()
        .zip(keys)
        .map(|(row, key)| match row.try_get(0)? {
            Some(json) => Ok(of_json::<PositionRow>("positions", json)?.position()),
            None => Ok(Position::empty(key.0, key.1)),
        })
        .collect()
}

/// The wallets whose events are among these entries of a market.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn wallets_of<C: Ask>(
    client: &C,
    stream: AccountAddress,
    epoch: Epoch,
    seqs: &[Seq],
) -> Result<Vec<Wallet>, ReadFailure> {
    const SQL: &str = "SELECT DISTINCT payload -> 'event' ->> 'user' AS wallet FROM journal \
                       WHERE stream = $1::text AND epoch IN (SELECT epoch FROM journal_epochs WHERE epoch <= $2::bigint) \
                         AND seq = ANY ($3::bigint[]) \
                         AND payload -> 'event' ->> 'user' IS NOT NULL";
    let seqs: Vec<i64> = seqs.iter().map(|seq| i64::try_from(seq.0).unwrap_or(i64::MAX)).collect();
    let rows = client.query(SQL, &[&stream.to_string(), &i64::from(epoch.0), &seqs]).await?;
    rows.into_iter()
        .map(|row| {
            let wallet: &str = row.try_get(0)?;
            let bad = |error| BadRow { table: "journal", reason: format!("wallet {wallet}: {error}") };
            Ok(wallet.parse().map_err(bad)?)
        })
        .collect()
}
