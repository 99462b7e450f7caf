//! From what is stored of positions and what has come since to what is to be stored.
//!
//! Owns what is read for a piece of work and the pure step from it to the rows. Writes nothing but the hours that a
//! roll-back takes away, which are read and deleted in one statement.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::{
    super::{JournalError, read::ReadFailure, rows::BadRow},
    Key, Positions, TRADES_MAX, ledger_amount as amount, ledger_whole as whole,
    rows::{HourRow, LedgerRow, Tallies, Tally},
};
use crate::domain::{
    amount::{Lamports, ShareUnits, UnixSeconds},
    event::Outcome,
    ids::{Epoch, Seq},
    ledger::{Holding, Ledger, LedgerHour, LedgerTrade, Profit, Settlement, Side, UnixHour, Verdict, go_on},
    phase::Phase,
};

/// A position and its market as they stand.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    held: (ShareUnits, ShareUnits),
    claimed: Option<Lamports>,
    claimed_at: Option<UnixSeconds>,
    verdict: Verdict,
    finalized_at: UnixSeconds,
}

/// What was settled of a position when it was last looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Settled {
    verdict: Option<(UnixHour, Profit, Option<bool>)>,
    claim: Option<(UnixHour, Profit)>,
}

/// All that a piece of work begins from.
#[derive(Debug, Default)]
pub struct Before {
    taken_away: Vec<(Key, UnixHour, Tally)>,
    newest: BTreeMap<Key, LedgerHour>,
    trades: BTreeMap<Key, Vec<LedgerTrade>>,
    standing: BTreeMap<Key, Standing>,
    settled: BTreeMap<Key, Settled>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Folded {
    /// Hours that are new or changed.
    pub hours: Vec<HourRow>,
    /// Ledgers as they are now.
    pub ledgers: Vec<LedgerRow>,
    /// Positions that have no ledger any more.
    pub gone: Vec<Key>,
    /// What it adds to wallets.
    pub tallies: Tallies,
    /// Positions with more trades than one transaction takes.
    pub unfinished: Vec<Key>,
}

impl Before {
    /// Reads it; the hours that a roll-back reaches are deleted.
    pub async fn read(tx: &Transaction<'_>, positions: &Positions) -> Result<Self, JournalError> {
        let mut before = Self::default();
        let back: Vec<(&Key, &(Epoch, Seq))> =
            positions.iter().filter_map(|(key, from)| Some((key, from.as_ref()?))).collect();
        if !back.is_empty() {
            let (keys, from): (Vec<&Key>, Vec<&(Epoch, Seq)>) = back.into_iter().unzip();
            let (markets, wallets) = columns(keys.into_iter());
            let (epochs, seqs): (Vec<i32>, Vec<i64>) = from.into_iter().map(place).unzip();
            let sql = tx.prepare_cached(TAKE_AWAY).await?;
            for row in tx.query(&sql, &[&markets, &wallets, &epochs, &seqs]).await? {
                before.taken_away.push((key(&row)?, UnixHour(row.try_get(2)?), tally(&row, 3)?));
            }
        }
        let (markets, wallets) = columns(positions.keys());
        let sql = tx.prepare_cached(NEWEST).await?;
        for row in tx.query(&sql, &[&markets, &wallets]).await? {
            before.newest.insert(key(&row)?, hour(&row)?);
        }
        let (epochs, seqs): (Vec<i32>, Vec<i64>) =
            positions.keys().map(|key| before.newest.get(key).map_or((0, 0), |row| place(&row.last))).unzip();
        let sql = tx.prepare_cached(TRADES).await?;
        for row in tx.query(&sql, &[&markets, &wallets, &epochs, &seqs, &TRADES_MAX]).await? {
            before.trades.entry(key(&row)?).or_default().push(trade(&row)?);
        }
        let sql = tx.prepare_cached(STANDING).await?;
        for row in tx.query(&sql, &[&markets, &wallets]).await? {
            before.standing.insert(key(&row)?, standing(&row)?);
        }
        let sql = tx.prepare_cached(SETTLED).await?;
        for row in tx.query(&sql, &[&markets, &wallets]).await? {
            before.settled.insert(key(&row)?, settled(&row)?);
        }
        Ok(before)
    }
}

/// The step. See the module.
pub fn fold(positions: &Positions, mut before: Before) -> Folded {
    let mut folded = Folded::default();
    for ((_, wallet), hour, tally) in std::mem::take(&mut before.taken_away) {
        folded.tallies.subtract(&wallet, hour, tally);
    }
    for key in positions.keys() {
        let newest = before.newest.remove(key);
        let trades = before.trades.remove(key).unwrap_or_default();
        if trades.len() as i64 >= TRADES_MAX {
            folded.unfinished.push(key.clone());
        }
        let hours = go_on(newest, &trades);
        if let (Some(newest), Some(first)) = (newest, hours.first())
            && first.hour == newest.hour
        {
            folded.tallies.subtract(&key.1, newest.hour, Tally::of_hour(&newest));
        }
        for hour in &hours {
            folded.tallies.add(&key.1, hour.hour, Tally::of_hour(hour));
            folded.hours.push(HourRow::of(key, hour));
        }
        let had_ledger = before.settled.contains_key(key);
        let settled_before = before.settled.remove(key).unwrap_or_default();
        settled_before.tell(|hour, tally| folded.tallies.subtract(&key.1, hour, tally));
        let Some(end) = hours.last().copied().or(newest) else {
            if had_ledger {
                folded.tallies.markets(&key.1, -1);
                folded.gone.push(key.clone());
            }
            continue;
        };
        if !had_ledger {
            folded.tallies.markets(&key.1, 1);
        }
        let settled = Settled::now(&end.ledger, &before.standing.remove(key).unwrap_or_default());
        settled.tell(|hour, tally| folded.tallies.add(&key.1, hour, tally));
        folded.ledgers.push(settled.row(key, &end));
    }
    folded
}

impl Settled {
    fn now(ledger: &Ledger, standing: &Standing) -> Self {
        if standing.verdict == Verdict::Open {
            return Self::default();
        }
        let settlement = Settlement::of(ledger, standing.verdict, standing.held, standing.claimed);
        let decided = UnixHour::of(standing.finalized_at);
        Self {
            verdict: Some((decided, settlement.by_verdict, settlement.was_right)),
            claim: standing.claimed.map(|_| (standing.claimed_at.map_or(decided, UnixHour::of), settlement.by_claim)),
        }
    }

    fn tell(&self, mut tell: impl FnMut(UnixHour, Tally)) {
        if let Some((hour, realised, was_right)) = self.verdict {
            let (decided, correct) = (i128::from(was_right.is_some()), i128::from(was_right == Some(true)));
            tell(hour, Tally { realised: realised.0, decided, correct, ..Tally::default() });
        }
        if let Some((hour, realised)) = self.claim {
            tell(hour, Tally { realised: realised.0, ..Tally::default() });
        }
    }

    fn row(&self, key: &Key, end: &LedgerHour) -> LedgerRow {
        LedgerRow {
            market: key.0.clone(),
            wallet: key.1.clone(),
            last_hour: end.hour.0,
            cost_yes: end.ledger.yes.cost.0,
            cost_no: end.ledger.no.cost.0,
            realised: end.ledger.realised.0,
            verdict_hour: self.verdict.map(|(hour, ..)| hour.0),
            verdict_realised: self.verdict.map_or(0, |(_, realised, _)| realised.0),
            was_right: self.verdict.and_then(|(.., was_right)| was_right),
            claim_hour: self.claim.map(|(hour, _)| hour.0),
            claim_realised: self.claim.map_or(0, |(_, realised)| realised.0),
        }
    }
}

const TAKE_AWAY: &str = "
    DELETE FROM position_hours h USING unnest($1::text[], $2::text[], $3::integer[], $4::bigint[])
        AS k (market, wallet, epoch, seq)
    WHERE h.market = k.market AND h.wallet = k.wallet AND (h.last_epoch, h.last_seq) >= (k.epoch, k.seq)
    RETURNING h.market, h.wallet, h.hour, h.trades, h.volume, h.realised";

const NEWEST: &str = "
    SELECT k.market, k.wallet, h.hour, h.trades, h.volume, h.realised, h.last_epoch, h.last_seq,
           h.shares_yes, h.cost_yes, h.shares_no, h.cost_no, h.realised_so_far
    FROM unnest($1::text[], $2::text[]) AS k (market, wallet) CROSS JOIN LATERAL (
        SELECT * FROM position_hours h WHERE h.market = k.market AND h.wallet = k.wallet ORDER BY h.hour DESC LIMIT 1) h";

const TRADES: &str = "
    SELECT k.market, k.wallet, t.epoch, t.seq, t.block_time_unix, t.trade_type, t.outcome, t.shares::numeric,
           t.cost::numeric, t.amount_before_fees::numeric
    FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) AS k (market, wallet, epoch, seq)
    CROSS JOIN LATERAL (
        SELECT * FROM trades t WHERE t.market = k.market AND t.user_wallet = k.wallet
            AND (t.epoch, t.seq) > (k.epoch, k.seq) AND NOT t.orphaned
        ORDER BY t.epoch, t.seq LIMIT $5) t";

const STANDING: &str = "
    SELECT k.market, k.wallet, p.shares_yes::numeric, p.shares_no::numeric, p.has_claimed, p.claimed_amount::numeric,
           p.claimed_at_unix, m.phase, m.final_outcome, m.finalized_at_unix
    FROM unnest($1::text[], $2::text[]) AS k (market, wallet)
    JOIN markets m ON m.address = k.market
    JOIN positions p ON p.market = k.market AND p.wallet = k.wallet";

const SETTLED: &str = "
    SELECT k.market, k.wallet, l.verdict_hour, l.verdict_realised, l.was_right, l.claim_hour, l.claim_realised
    FROM unnest($1::text[], $2::text[]) AS k (market, wallet)
    JOIN position_ledgers l ON l.market = k.market AND l.wallet = k.wallet";

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<&'a str>, Vec<&'a str>) {
    keys.map(|(market, wallet)| (market.as_str(), wallet.as_str())).unzip()
}

fn place(at: &(Epoch, Seq)) -> (i32, i64) {
    (i32::try_from(at.0.0).unwrap_or(i32::MAX), i64::try_from(at.1.0).unwrap_or(i64::MAX))
}

fn key(row: &Row) -> Result<Key, JournalError> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn tally(row: &Row, at: usize) -> Result<Tally, ReadFailure> {
    let trades: i64 = row.try_get(at)?;
    let (volume, realised) = (whole(row, at + 1)?, whole(row, at + 2)?);
    Ok(Tally { trades: i128::from(trades), volume, realised, ..Tally::default() })
}

/// An hour of a position, after its market and wallet.
pub(in crate::journal) fn hour(row: &Row) -> Result<LedgerHour, ReadFailure> {
    let Tally { trades, volume, realised, .. } = tally(row, 3)?;
    let holding = |at: usize| {
        Ok::<_, ReadFailure>(Holding { shares: ShareUnits(amount(row, at)?), cost: Lamports(amount(row, at + 1)?) })
    };
    Ok(LedgerHour {
        hour: UnixHour(row.try_get(2)?),
        trades: trades.unsigned_abs() as u64,
        volume: volume.unsigned_abs(),
        realised: Profit(realised),
        last: (Epoch(row.try_get::<_, i32>(6)?.unsigned_abs()), Seq(row.try_get::<_, i64>(7)?.unsigned_abs())),
        ledger: Ledger { yes: holding(8)?, no: holding(10)?, realised: Profit(whole(row, 12)?) },
    })
}

fn outcome(text: &str) -> Result<Outcome, BadRow> {
    match text {
        "YES" => Ok(Outcome::Yes),
        "NO" => Ok(Outcome::No),
        other => Err(BadRow { table: "trades", reason: format!("outcome {other}") }),
    }
}

fn trade(row: &Row) -> Result<LedgerTrade, JournalError> {
    let (cost, before_fees) = (amount(row, 8)?, amount(row, 9)?);
    let side = if row.try_get::<_, &str>(5)? == "buy" { Side::Buy } else { Side::Sell };
    Ok(LedgerTrade {
        at: (Epoch(row.try_get::<_, i32>(2)?.unsigned_abs()), Seq(row.try_get::<_, i64>(3)?.unsigned_abs())),
        time: UnixSeconds(row.try_get(4)?),
        side,
        outcome: outcome(row.try_get(6)?)?,
        shares: ShareUnits(amount(row, 7)?),
        cost: Lamports(cost),
        volume: Lamports(if side == Side::Buy { cost } else { before_fees }),
    })
}

fn standing(row: &Row) -> Result<Standing, JournalError> {
    let phase: i16 = row.try_get(7)?;
    let phase = u8::try_from(phase).ok().and_then(Phase::from_code);
    let phase = phase.ok_or_else(|| BadRow { table: "markets", reason: "phase".into() })?;
    let winner = row.try_get::<_, Option<&str>>(8)?.map(outcome).transpose()?;
    let has_claimed: bool = row.try_get(4)?;
    Ok(Standing {
        held: (ShareUnits(amount(row, 2)?), ShareUnits(amount(row, 3)?)),
        claimed: if has_claimed { Some(Lamports(amount(row, 5)?)) } else { None },
        claimed_at: row.try_get::<_, Option<i64>>(6)?.map(UnixSeconds),
        verdict: Verdict::of(phase, winner),
        finalized_at: UnixSeconds(row.try_get(9)?),
    })
}

fn settled(row: &Row) -> Result<Settled, JournalError> {
    let (verdict_hour, claim_hour): (Option<i64>, Option<i64>) = (row.try_get(2)?, row.try_get(5)?);
    let (by_verdict, by_claim) = (Profit(whole(row, 3)?), Profit(whole(row, 6)?));
    let was_right: Option<bool> = row.try_get(4)?;
    Ok(Settled {
        verdict: verdict_hour.map(|hour| (UnixHour(hour), by_verdict, was_right)),
        claim: claim_hour.map(|hour| (UnixHour(hour), by_claim)),
    })
}
