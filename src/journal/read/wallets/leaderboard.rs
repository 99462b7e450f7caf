//! Wallets ranked: a page of the leaderboard, found in the index of its order.

use deadpool_postgres::Transaction;
use rust_decimal::Decimal;
use tokio_postgres::types::ToSql;

use super::{
    super::super::{ledgers::ledger_whole, rows::BadRow},
    ReadFailure,
    rows::{LeaderFound, Ranking, RankingPlace, WindowName},
};
use crate::domain::ledger::Profit;

/// A page of the leaderboard after a place.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn leaders(
    tx: &Transaction<'_>,
    window: WindowName,
    by: Ranking,
    after: Option<RankingPlace>,
    offset: u32,
    limit: u32,
) -> Result<Vec<LeaderFound>, ReadFailure> {
    let (column, order, only) = match by {
        Ranking::Profit => ("realised", "l.realised DESC, l.wallet DESC", ""),
        Ranking::Volume => ("volume", "l.volume DESC, l.wallet DESC", ""),
        Ranking::Accuracy => {
            ("accuracy_bps", "l.accuracy_bps DESC, l.decided DESC, l.wallet DESC", "AND l.decided > 0")
        }
    };
    let period = window.as_str();
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&period, &offset, &limit];
    let place = after.map(|at| {
        let value = Decimal::try_from_i128_with_scale(at.value, 0).unwrap_or(Decimal::MAX);
        let bigint = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let bps = i64::try_from(at.value).unwrap_or(i64::MAX);
        (value, bps, bigint(at.decided), at.wallet.to_string())
    });
    let mut from = String::new();
    if let Some((value, bps, decided, wallet)) = &place {
        if by == Ranking::Accuracy {
            from = "AND (l.accuracy_bps, l.decided, l.wallet) < ($4::bigint, $5::bigint, $6::text)".into();
            values.extend([bps as &(dyn ToSql + Sync), decided, wallet]);
        } else {
            from = format!("AND (l.{column}, l.wallet) < ($4::numeric, $5::text)");
            values.extend([value as &(dyn ToSql + Sync), wallet]);
        }
    }
    let sql = format!(
        "SELECT l.wallet, u.display_name, l.trades, l.volume, l.realised, l.decided, l.correct, l.accuracy_bps
         FROM (SELECT * FROM leaderboard l WHERE l.period = $1 {only} {from} ORDER BY {order} OFFSET $2 LIMIT $3) l
         LEFT JOIN users u ON u.wallet = l.wallet ORDER BY {order}"
    );
    let rows = tx.query(&tx.prepare_cached(&sql).await?, &values).await?;
    rows.into_iter()
        .map(|row| {
            let text: &str = row.try_get(0)?;
            let wallet = text.parse();
            let wallet = wallet.map_err(|error| BadRow { table: "leaderboard", reason: format!("{text}: {error}") })?;
            let count = |at: usize| row.try_get::<_, i64>(at).map(|count| count.max(0).unsigned_abs());
            Ok(LeaderFound {
                wallet,
                display_name: row.try_get(1)?,
                trades: count(2)?,
                volume: ledger_whole(&row, 3)?.unsigned_abs(),
                realised: Profit(ledger_whole(&row, 4)?),
                decided: count(5)?,
                correct: count(6)?,
                accuracy_bps: u64::try_from(row.try_get::<_, i64>(7)?).ok(),
            })
        })
        .collect()
}
