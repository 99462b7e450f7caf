//! All trades that a filter names, in pieces, from one snapshot and in bounded memory: an open portal of one read-only
//! transaction. Who reads slowly holds it for a bounded time only, which is the caller's to see to.

use tokio_postgres::{Portal, Transaction, types::ToSql};

use super::{ReadFailure, SHOWN_TRADE, of_json};
use crate::{
    domain::ids::{MarketAddress, Wallet},
    journal::rows::TradeRow,
};

/// Which trades.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TradeFilter {
    /// Of this market, in its order.
    pub market: Option<MarketAddress>,
    /// Of this wallet.
    pub wallet: Option<Wallet>,
    /// At or after this second of the chain.
    pub from_unix: Option<i64>,
    /// Before this second of the chain.
    pub to_unix: Option<i64>,
}

/// Opens the export. Trades of one market come in its order; no order is promised between markets.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn open(tx: &Transaction<'_>, filter: TradeFilter) -> Result<Portal, ReadFailure> {
    let (market, wallet) = (filter.market.map(|it| it.to_string()), filter.wallet.map(|it| it.to_string()));
    let mut values: Vec<&(dyn ToSql + Sync)> = Vec::new();
    let mut wanted = vec!["NOT t.orphaned".to_owned()];
    if let Some(market) = &market {
        values.push(market);
        wanted.push(format!("t.market = ${}::text", values.len()));
    }
    if let Some(wallet) = &wallet {
        values.push(wallet);
        wanted.push(format!("t.user_wallet = ${}::text", values.len()));
    }
    if let Some(from) = &filter.from_unix {
        values.push(from);
        wanted.push(format!("t.block_time_unix >= ${}", values.len()));
    }
    if let Some(to) = &filter.to_unix {
        values.push(to);
        wanted.push(format!("t.block_time_unix < ${}", values.len()));
    }
    let order = match (&market, &wallet) {
        (Some(_), _) => "t.epoch, t.seq",
        (None, Some(_)) => "t.slot DESC, t.market, t.seq DESC",
        (None, None) => "t.block_time_unix",
    };
    let sql = format!(
        "SELECT row_to_json(shown) FROM trades t {SHOWN_TRADE} WHERE {} ORDER BY {order}",
        wanted.join(" AND ")
    );
    Ok(tx.bind(&sql, &values).await?)
}

/// The next rows, at most `count`; none at the end.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn next(tx: &Transaction<'_>, portal: &Portal, count: i32) -> Result<Vec<TradeRow>, ReadFailure> {
    let rows = tx.query_portal(portal, count).await?;
    rows.into_iter().map(|row| Ok(of_json("trades", row.try_get(0)?)?)).collect()
}
