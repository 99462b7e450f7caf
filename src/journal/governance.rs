//! What decisions of governance are made of: markets that may need one, and each as it stands at its finalized entry.
//!
//! Owns the questions, and what "up to the finalized entry" means in rows. Which markets are looked at is a hint, told by
//! their newest entries; what is decided about ([`standing`]) is read in one snapshot: the state as stored at the finalized
//! entry, the ballots up to it, and what of the newest entry matters. Never decides (`domain::governance` does), and writes
//! nothing.
//!
//! - Pages walk an index of the markets of one phase, so that what is over costs nothing; a page of proposals ends after so
//!   many were looked at, wanted or not.
//! - The count of a market's votes is one row ([`super::votes::counted_up_to`]).

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::{
    IsolationLevel, Row,
    types::{Json, ToSql},
};

use super::{JournalError, rows::BadRow, votes};
use crate::domain::{
    amount::{Bps, UnixSeconds},
    deadline::{MarketTimes, Periods},
    governance::decision::Standing,
    ids::{AccountAddress, Epoch, MarketAddress, Seq, Slot},
    market::Market,
    phase::Phase,
    tally::{Counts, VoteKind},
};

/// A vote may be taken here for so long after the window, since a reading of the chain's clock serves for a few seconds. One
/// that was taken is waited for.
const TAKEN_LATE_SECONDS: i64 = 10;

/// A market that may need a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which one.
    pub market: MarketAddress,
    /// Of what kind.
    pub kind: VoteKind,
    /// Of a dispute: when it began, by the newest entry.
    pub disputed_at: Option<UnixSeconds>,
}

/// A place in a walk over markets: what it is ordered by, and the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(i64, String);

/// Which proposals are looked at: enough votes, and either the chain counts others or they have crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// See `domain::governance::proposal`.
    pub minimum: u32,
    /// As in force.
    pub threshold: Bps,
}

/// Of a market `m` and its tally `t`: minimum and threshold are the first two values. What is divided by is never zero.
const WANTED: &str = "t.in_favour + t.against >= greatest($1::bigint, 1)
    AND ((t.in_favour, t.against) <> (m.proposal_likes, m.proposal_dislikes)
         OR t.in_favour * 10000 / nullif(t.in_favour + t.against, 0) >= $2::bigint)";

/// Proposals that may need a decision, newest first, and where the walk goes on; `None`: that was all. At most `limit`
/// markets are looked at.
///
/// # Errors
/// [`JournalError`].
pub async fn proposals(
    pool: &Pool,
    wanted: Wanted,
    after: Option<&Place>,
    limit: usize,
) -> Result<(Vec<Candidate>, Option<Place>), JournalError> {
    let sql = format!(
        "WITH m AS MATERIALIZED (
             SELECT address::text AS address, created_at_unix, proposal_likes, proposal_dislikes FROM markets
             WHERE phase = 0 AND NOT vanished AND (created_at_unix, address) < ($3::bigint, $4::text)
             ORDER BY created_at_unix DESC, address DESC LIMIT $5),
         looked AS (
             SELECT m.*, coalesce({WANTED}, false) AS wanted, row_number() OVER walk AS number, count(*) OVER () AS many
             FROM m LEFT JOIN vote_tallies t ON t.market = m.address AND t.kind = 'proposal'
             WINDOW walk AS (ORDER BY m.created_at_unix DESC, m.address DESC))
         SELECT address, created_at_unix, wanted, many FROM looked WHERE wanted OR number = many ORDER BY number"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let Place(created_at, address) = after.cloned().unwrap_or(Place(i64::MAX, String::new()));
    let client = pool.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let (minimum, threshold) = (i64::from(wanted.minimum), i64::from(wanted.threshold.0));
    let rows = client.query(&statement, &[&minimum, &threshold, &created_at, &address, &limit]).await?;
    let mut next = None;
    if let Some(last) = rows.last()
        && last.try_get::<_, i64>(3)? >= limit
    {
        next = Some(Place(last.try_get(1)?, last.try_get(0)?));
    }
    let mut found = Vec::new();
    for row in rows {
        if row.try_get(2)? {
            found.push(Candidate { market: address_of(&row, 0)?, kind: VoteKind::Proposal, disputed_at: None });
        }
    }
    Ok((found, next))
}

/// Disputes that began at or before a moment, oldest first, and where the walk goes on; `None`: that was all.
///
/// # Errors
/// [`JournalError`].
pub async fn disputes(
    pool: &Pool,
    begun_by: UnixSeconds,
    after: Option<&Place>,
    limit: usize,
) -> Result<(Vec<Candidate>, Option<Place>), JournalError> {
    const SQL: &str = "
        SELECT address::text, dispute_initiated_at_unix FROM markets
        WHERE phase = 4 AND NOT vanished AND dispute_initiated_at_unix <= $1
          AND (dispute_initiated_at_unix, address) > ($2::bigint, $3::text)
        ORDER BY dispute_initiated_at_unix, address LIMIT $4";
    let Place(begun, address) = after.cloned().unwrap_or(Place(i64::MIN, String::new()));
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows =
        client.query(&statement, &[&begun_by.0, &begun, &address, &i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    let found = rows.iter().map(dispute_of).collect::<Result<Vec<_>, _>>()?;
    let mut next = None;
    if let Some(last) = rows.last().filter(|_| rows.len() >= limit) {
        next = Some(Place(last.try_get(1)?, last.try_get(0)?));
    }
    Ok((found, next))
}

/// The disputes that began next after a moment, oldest first, at most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn disputes_after(
    pool: &Pool,
    begun_after: UnixSeconds,
    limit: usize,
) -> Result<Vec<Candidate>, JournalError> {
    const SQL: &str = "
        SELECT address::text, dispute_initiated_at_unix FROM markets
        WHERE phase = 4 AND NOT vanished AND dispute_initiated_at_unix > $1
        ORDER BY dispute_initiated_at_unix, address LIMIT $2";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&begun_after.0, &i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(dispute_of).collect()
}

/// Which of these markets may need a decision; every dispute is among them, whether it is due or not.
///
/// # Errors
/// [`JournalError`].
pub async fn among(pool: &Pool, wanted: Wanted, markets: &[MarketAddress]) -> Result<Vec<Candidate>, JournalError> {
    let sql = format!(
        "SELECT m.address::text, m.dispute_initiated_at_unix, m.phase = 4 FROM markets m
         LEFT JOIN vote_tallies t ON t.market = m.address AND t.kind = 'proposal'
         WHERE m.address = ANY ($3::text[]) AND NOT m.vanished AND (m.phase = 4 OR (m.phase = 0 AND {WANTED}))"
    );
    let names: Vec<String> = markets.iter().map(ToString::to_string).collect();
    let client = pool.get().await?;
    let statement = client.prepare_cached(&sql).await?;
    let (minimum, threshold) = (i64::from(wanted.minimum), i64::from(wanted.threshold.0));
    let rows = client.query(&statement, &[&minimum, &threshold, &names]).await?;
    let candidate = |row: &Row| match row.try_get(2)? {
        true => dispute_of(row),
        false => Ok(Candidate { market: address_of(row, 0)?, kind: VoteKind::Proposal, disputed_at: None }),
    };
    rows.iter().map(candidate).collect()
}

fn dispute_of(row: &Row) -> Result<Candidate, JournalError> {
    let disputed_at = Some(UnixSeconds(row.try_get(1)?));
    Ok(Candidate { market: address_of(row, 0)?, kind: VoteKind::Dispute, disputed_at })
}

fn address_of(row: &Row, at: usize) -> Result<MarketAddress, JournalError> {
    let text: &str = row.try_get(at)?;
    Ok(text.parse().map_err(|error| bad(format!("address {text}: {error}")))?)
}

fn bad(reason: String) -> BadRow {
    BadRow { table: "markets", reason }
}

/// A market as a decision of that kind sees it; `None` if the journal has no such market, or none that is final.
/// `known`: a slot up to which everything on the chain is known here, and the chain's time in it. Of the periods, the window for
/// votes matters: on a dispute, votes on the chain count from before its end; and votes that came before it and are not in the
/// finalized state yet are on their way to it.
///
/// # Errors
/// [`JournalError`].
pub async fn standing(
    pool: &Pool,
    market: MarketAddress,
    kind: VoteKind,
    known: (Slot, UnixSeconds),
    periods: &Periods,
) -> Result<Option<Standing>, JournalError> {
    const SQL: &str = "
        SELECT coalesce((SELECT j.epoch FROM journal_epochs e JOIN journal j ON j.stream = m.address AND j.epoch = e.epoch
                                                                             AND j.seq = m.finalized_seq), epoch),
               finalized_seq, finalized_state, phase, proposal_likes, proposal_dislikes, dispute_agree,
               dispute_disagree
        FROM markets m WHERE address = $1::text AND NOT vanished AND finalized_seq > 0 AND finalized_state IS NOT NULL";
    let mut client = pool.get().await?;
    // One snapshot: no entry becomes final, and none falls, between two of these questions.
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let tx = snapshot.start().await?;
    let statement = tx.prepare_cached(SQL).await?;
    let Some(row) = tx.query_opt(&statement, &[&market.to_string()]).await? else { return Ok(None) };
    let (Json(state), code): (Json<Market>, i16) = (row.try_get(2)?, row.try_get(3)?);
    if state.vanished {
        return Ok(None);
    }
    let phase_at_head =
        u8::try_from(code).ok().and_then(Phase::from_code).ok_or_else(|| bad(format!("phase {code}")))?;
    let (epoch, seq): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (epoch, seq) = (Epoch(epoch.unsigned_abs()), Seq(seq.unsigned_abs()));
    let at = match kind {
        VoteKind::Proposal => 4,
        VoteKind::Dispute => 6,
    };
    let side = |at| row.try_get::<_, i64>(at).map(|count| u32::try_from(count).ok());
    let on_chain = side(at)?.zip(side(at + 1)?).and_then(|(in_favour, against)| Counts::new(in_favour, against));
    let on_chain = on_chain.ok_or_else(|| bad("counts".into()))?;
    let times = MarketTimes::of(&state, None);
    // A proposal's votes are always taken, and those on a dispute whose window never ends.
    let end = match kind {
        VoteKind::Proposal => None,
        VoteKind::Dispute => times.dispute_voting_end(periods).moment(),
    };
    Ok(Some(Standing {
        market,
        epoch,
        seq,
        times,
        counted: votes::counted_up_to(&tx, market.account(), kind, (epoch, seq), end).await?,
        phase_at_head,
        on_chain,
        refreshed_at: match kind {
            VoteKind::Proposal => refreshed_at(&tx, market).await?,
            VoteKind::Dispute => None,
        },
        votes_on_their_way: match end {
            Some(end) => on_their_way(&tx, market.account(), (epoch, seq), known, end).await?,
            None => false,
        },
    }))
}

/// When a proposal's counts were last reported to the chain, by the chain's time.
async fn refreshed_at(tx: &Transaction<'_>, market: MarketAddress) -> Result<Option<UnixSeconds>, JournalError> {
    const SQL: &str = "SELECT block_time_unix FROM chain_events \
                       WHERE stream = $1::text AND event = 'ProposalAggregated' AND NOT orphaned \
                       ORDER BY epoch DESC, seq DESC LIMIT 1";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&market.to_string()]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(UnixSeconds))
}

/// Are there votes on a dispute that came before the end of its window and are not in the finalized state yet: on their way
/// to the journal, recorded here, or on the chain in a slot that is final?
///
/// A vote that came later is not waited for, or somebody who goes on voting would hold the dispute open. When one that was
/// cast here came is told by its row's age: it was written when the chain's clock showed what it shows now, less that. What is
/// known of that clock is older than now, so this only takes a row for older than it is, and each one for a moment only.
async fn on_their_way(
    tx: &Transaction<'_>,
    market: AccountAddress,
    (epoch, seq): (Epoch, Seq),
    (slot, time): (Slot, UnixSeconds),
    end: UnixSeconds,
) -> Result<bool, JournalError> {
    const SQL: &str = "
        WITH window_end AS (SELECT now() - make_interval(secs => $5::float8) AS here)
        SELECT EXISTS (SELECT FROM outbox, window_end
                       WHERE market = $1::text AND kind = 'dispute_vote' AND created_at < here)
            OR EXISTS (SELECT FROM journal, window_end
                       WHERE stream = $1::text AND (epoch, seq) > ($2::bigint, $3::bigint) AND kind = 'vote'
                         AND payload ->> 'vote_kind' = 'dispute'
                         AND coalesce((payload ->> 'voted_at_ms')::numeric < extract(epoch FROM here) * 1000, true))
            OR EXISTS (SELECT FROM chain_events
                       WHERE stream = $1::text AND (epoch, seq) > ($2::bigint, $3::bigint) AND NOT orphaned
                         AND event = 'DisputeVoteSubmitted' AND slot <= $4 AND block_time_unix < $6)";
    let over_since = time.0.saturating_sub(end.0).saturating_sub(TAKEN_LATE_SECONDS);
    // As PostgreSQL can take from its time: some thirty years.
    let over_since = over_since.clamp(-1_000_000_000, 1_000_000_000) as f64;
    let statement = tx.prepare_cached(SQL).await?;
    let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let (epoch, seq, slot) = (i64::from(epoch.0), number(seq.0), number(slot.0));
    let values: [&(dyn ToSql + Sync); 6] = [&market.to_string(), &epoch, &seq, &slot, &over_since, &end.0];
    Ok(tx.query_one(&statement, &values).await?.try_get(0)?)
}
