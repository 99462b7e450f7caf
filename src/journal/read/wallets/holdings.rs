//! What a wallet holds, traded and voted.

use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::{
    super::super::{
        ledgers::{ledger_amount, ledger_whole},
        rows::{BadRow, MarketRow, PositionRow, TradeRow},
    },
    IS_CONTAINED, ReadFailure, SHOWN_MARKETS, SHOWN_TRADE, of_json,
    rows::{PositionFound, VoteFound, VotePosition},
};
use crate::domain::{
    amount::Lamports,
    config::ProgramConfig,
    ids::{Epoch, MarketAddress, Seq, Slot, Wallet},
    ledger::{Holding, Ledger, Profit},
};

/// A page of a wallet's positions in the order of their markets, after one; without those in markets that vanished.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn positions(
    tx: &Transaction<'_>,
    wallet: Wallet,
    after: Option<MarketAddress>,
    offset: u32,
    limit: u32,
) -> Result<Vec<PositionFound>, ReadFailure> {
    let sql = format!(
        "
        SELECT row_to_json(p), row_to_json(m), l.cost_yes, l.cost_no, l.realised,
               (t.epoch, t.seq) IS NOT DISTINCT FROM (h.last_epoch, h.last_seq)
        FROM (SELECT * FROM positions WHERE wallet = $1::text AND market > $2::text ORDER BY market OFFSET $3 LIMIT $4) p
        JOIN {SHOWN_MARKETS} m ON m.address = p.market AND NOT m.vanished
        LEFT JOIN position_ledgers l ON l.market = p.market AND l.wallet = p.wallet
        LEFT JOIN LATERAL (SELECT epoch, seq FROM trades t
                           WHERE t.market = p.market AND t.user_wallet = p.wallet AND NOT t.orphaned
                           ORDER BY t.epoch DESC, t.seq DESC LIMIT 1) t ON true
        LEFT JOIN LATERAL (SELECT last_epoch, last_seq FROM position_hours h
                           WHERE h.market = p.market AND h.wallet = p.wallet ORDER BY h.hour DESC LIMIT 1) h ON true
        ORDER BY p.market"
    );
    let after = after.map(|market| market.to_string()).unwrap_or_default();
    let rows = tx
        .query(&tx.prepare_cached(&sql).await?, &[&wallet.to_string(), &after, &i64::from(offset), &i64::from(limit)])
        .await?;
    rows.iter().map(|row| Ok(PositionFound { is_summed_up: row.try_get(5)?, ..position(row)? })).collect()
}

pub(super) fn position(row: &Row) -> Result<PositionFound, ReadFailure> {
    let position = of_json::<PositionRow>("positions", row.try_get(0)?)?.position();
    let market = of_json::<MarketRow>("markets", row.try_get(1)?)?;
    let question = market.metadata.as_ref().map(|metadata| metadata.question.clone());
    let market = market.market()?;
    let mut ledger = Ledger {
        yes: Holding { shares: position.shares_yes, cost: Lamports::ZERO },
        no: Holding { shares: position.shares_no, cost: Lamports::ZERO },
        realised: Profit::default(),
    };
    if row.try_get::<_, Option<rust_decimal::Decimal>>(2)?.is_some() {
        ledger.yes.cost = Lamports(ledger_amount(row, 2)?);
        ledger.no.cost = Lamports(ledger_amount(row, 3)?);
        ledger.realised = Profit(ledger_whole(row, 4)?);
    }
    Ok(PositionFound { position, market, ledger, is_summed_up: true, question })
}

/// The config in force; `None` before the program was set up.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn config(tx: &Transaction<'_>) -> Result<Option<ProgramConfig>, ReadFailure> {
    let row = tx.query_opt(&tx.prepare_cached("SELECT state FROM program_config LIMIT 1").await?, &[]).await?;
    row.map(|row| Ok(of_json("program_config", row.try_get(0)?)?)).transpose()
}

/// A trade's place among those of its wallet: newest slot first, then by market, then newest entry first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletTradePosition {
    /// Its slot.
    pub slot: Slot,
    /// Its market.
    pub market: MarketAddress,
    /// Its entry.
    pub seq: Seq,
}

/// A trade of a wallet, and what its own row does not tell.
#[derive(Debug, Clone, PartialEq)]
pub struct WalletTradeFound {
    /// The row; `recorded_at` in RFC 3339 with milliseconds.
    pub row: TradeRow,
    /// An adopted state contained it already.
    pub contained: bool,
    /// At or below its market's finalized point.
    pub finalized: bool,
}

/// A page of a wallet's trades after a place, newest first; without those that were rolled back.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn trades(
    tx: &Transaction<'_>,
    wallet: Wallet,
    after: Option<WalletTradePosition>,
    offset: u32,
    limit: u32,
) -> Result<Vec<WalletTradeFound>, ReadFailure> {
    // The index ends at the slot where the page before ended; what of that slot was shown already is passed over.
    let sql = format!(
        "
        SELECT row_to_json(shown), {IS_CONTAINED}, t.epoch = m.epoch AND t.seq <= m.finalized_seq
        FROM (SELECT * FROM trades t
              WHERE t.user_wallet = $1::text AND NOT t.orphaned AND t.slot <= $2
                AND (t.slot < $2 OR t.market > $3::text OR (t.market = $3::text AND t.seq < $4))
              ORDER BY t.slot DESC, t.market, t.seq DESC OFFSET $5 LIMIT $6) t
        JOIN markets m ON m.address = t.market
        {SHOWN_TRADE}
        ORDER BY t.slot DESC, t.market, t.seq DESC"
    );
    let (slot, market, seq) = after.map_or((i64::MAX, String::new(), i64::MAX), |at| {
        let bigint = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        (bigint(at.slot.0), at.market.to_string(), bigint(at.seq.0))
    });
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let rows = tx
        .query(&tx.prepare_cached(&sql).await?, &[&wallet.to_string(), &slot, &market, &seq, &offset, &limit])
        .await?;
    let found = rows.into_iter().map(|row| {
        Ok(WalletTradeFound {
            row: of_json("trades", row.try_get(0)?)?,
            contained: row.try_get(1)?,
            finalized: row.try_get(2)?,
        })
    });
    found.collect()
}

/// A page of a wallet's votes after a place, newest first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn votes(
    tx: &Transaction<'_>,
    wallet: Wallet,
    after: Option<VotePosition>,
    offset: u32,
    limit: u32,
) -> Result<Vec<VoteFound>, ReadFailure> {
    // Each source's own index gives its newest in order; they are merged.
    const HERE: &str = "
        (SELECT created_at, CODE::smallint AS code, market::text AS market, vote, signature::text AS signature,
                NULL::text AS tx_signature
         FROM TABLE
         WHERE wallet = $1::text AND created_at <= $2
           AND (created_at < $2 OR CODE > $3::smallint OR (CODE = $3::smallint AND market > $4::text))
         ORDER BY created_at DESC, market LIMIT $5::bigint + $6::bigint)";
    const CHAIN: &str = "
        (SELECT v.recorded_at, v.code, v.stream::text, v.vote, NULL, e.signature::text
         FROM (SELECT *, CASE payload -> 'event' ->> 'event' WHEN 'ProposalVoteSubmitted' THEN 2 ELSE 3 END::smallint AS code,
                      (payload -> 'event' ->> 'vote')::boolean AS vote
               FROM journal
               WHERE kind IN ('event', 'contained')
                 AND payload -> 'event' ->> 'event' IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted')
                 AND payload -> 'event' ->> 'user' = $1 AND recorded_at <= $2) v
         JOIN chain_events e ON e.stream = v.stream AND e.epoch = v.epoch AND e.seq = v.seq AND NOT e.orphaned
         WHERE v.recorded_at < $2 OR v.code > $3::smallint OR (v.code = $3::smallint AND v.stream > $4::text)
         ORDER BY v.recorded_at DESC, v.code, v.stream LIMIT $5::bigint + $6::bigint)";
    let here = |code: &str, table: &str| HERE.replace("CODE", code).replace("TABLE", table);
    let sql = format!(
        "SELECT created_at, code, market, vote, signature, tx_signature FROM ({} UNION ALL {} UNION ALL {CHAIN}) AS v \
         ORDER BY created_at DESC, code, market OFFSET $5 LIMIT $6",
        here("0", "proposal_votes"),
        here("1", "dispute_votes")
    );
    let latest = DateTime::<Utc>::from_timestamp(4_102_444_800, 0).unwrap_or_default();
    let (at, code, market) = after.map_or((latest, -1, String::new()), |at| {
        let moment = DateTime::from_timestamp_micros(at.created_at_us).unwrap_or(latest);
        (moment, i16::from(at.code()), at.market.to_string())
    });
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let rows =
        tx.query(&tx.prepare_cached(&sql).await?, &[&wallet.to_string(), &at, &code, &market, &offset, &limit]).await?;
    let found = rows.into_iter().map(|row| {
        let created_at: DateTime<Utc> = row.try_get(0)?;
        let code: i16 = row.try_get(1)?;
        let known = u8::try_from(code).ok().and_then(VotePosition::of_code);
        let (source, kind) = known.ok_or_else(|| BadRow { table: "votes", reason: format!("code {code}") })?;
        let market: &str = row.try_get(2)?;
        let market =
            market.parse().map_err(|error| BadRow { table: "votes", reason: format!("market {market}: {error}") })?;
        Ok(VoteFound {
            place: VotePosition { created_at_us: created_at.timestamp_micros(), source, kind, market },
            vote: row.try_get(3)?,
            created_at,
            signature: row.try_get(4)?,
            tx_signature: row.try_get(5)?,
        })
    });
    found.collect()
}

impl WalletTradeFound {
    /// Where it stands.
    ///
    /// # Errors
    /// [`BadRow`] if its market is no address.
    pub fn place(&self) -> Result<WalletTradePosition, BadRow> {
        let market = self.row.market.parse();
        let market = market.map_err(|error| BadRow { table: "trades", reason: format!("market: {error}") })?;
        Ok(WalletTradePosition { slot: Slot(self.row.slot), market, seq: Seq(self.row.seq) })
    }

    /// The journal's life that it was recorded in.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.row.epoch)
    }
}
