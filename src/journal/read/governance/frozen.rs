//! Which votes came too late to be counted: after the decision of their kind, or, on the chain, after the window of the dispute.
//!
//! Owns the rule for one vote, and the reading of what the newest decisions counted. The count that decides is made by
//! `journal::votes::counted_up_to`; that the two agree, `scripts/recompute` checks from outside.

use super::{DEEDS, place};
use crate::{
    domain::{
        amount::UnixSeconds,
        governance::Grounds,
        ids::{MarketAddress, Seq},
        tally::VoteKind,
    },
    journal::read::{JsonText, ReadFailure, TradePosition, ask::Ask, bigint, of_json},
};

/// Up to which entry, itself included, votes of each kind count: those of a decision that was made, else all up to `head`; and
/// until when, on the chain, votes on the dispute do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    head: TradePosition,
    proposal: Option<TradePosition>,
    dispute: Option<TradePosition>,
    window_end: Option<UnixSeconds>,
}

/// Why a vote came too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLate {
    /// On the chain, when the window for votes on the dispute was over. It stays so, whatever is decided.
    Window,
    /// When the decision was made.
    Decision,
}

impl Frozen {
    /// Nothing was decided; or one decision is looked at alone. `window_end` as it is known: of a decision by its grounds, else by
    /// the setting.
    pub fn at(head: TradePosition, window_end: Option<UnixSeconds>) -> Self {
        Self { head, proposal: None, dispute: None, window_end }
    }

    /// Why a vote there came too late, if it did; `cast_at`: the chain's time of one on the chain.
    pub fn too_late(&self, kind: VoteKind, place: TradePosition, cast_at: Option<UnixSeconds>) -> Option<TooLate> {
        let after_window = |end: UnixSeconds| cast_at.is_some_and(|cast_at| cast_at >= end);
        if kind == VoteKind::Dispute && self.window_end.is_some_and(after_window) {
            return Some(TooLate::Window);
        }
        let last = self.last(kind);
        ((place.epoch, place.seq) > (last.epoch, last.seq)).then_some(TooLate::Decision)
    }

    /// The last entry whose vote counts.
    fn last(&self, kind: VoteKind) -> TradePosition {
        let decided = match kind {
            VoteKind::Proposal => self.proposal,
            VoteKind::Dispute => self.dispute,
        };
        decided.unwrap_or(self.head)
    }
}

/// What the newest decision of each kind counted. Of one that this engine signed, its grounds tell; another's is held
/// against all votes that were recorded before it, and against the window by the setting.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn frozen<C: Ask>(
    client: &C,
    market: MarketAddress,
    head: TradePosition,
    window_end: Option<UnixSeconds>,
) -> Result<Frozen, ReadFailure> {
    let mut frozen = Frozen::at(head, window_end);
    if let Some(approved) = newest(client, market, &["ProposalApproved"], head).await? {
        let aggregated = newest(client, market, &["ProposalAggregated"], approved.at).await?;
        frozen.proposal = Some(aggregated.map_or_else(|| before(approved.at), |aggregated| aggregated.counted()));
    }
    if let Some(decided) = newest(client, market, &["MarketFinalized", "DisputeAggregated"], head).await? {
        frozen.dispute = Some(decided.counted());
        if let Some(grounds) = decided.grounds {
            frozen.window_end = grounds.due_at;
        }
    }
    Ok(frozen)
}

/// A decision's event, and the grounds of it if this engine signed it.
struct Decided {
    at: TradePosition,
    grounds: Option<Grounds>,
}

impl Decided {
    /// The last entry that it counted.
    fn counted(&self) -> TradePosition {
        self.grounds.map_or_else(|| before(self.at), |grounds| TradePosition { epoch: grounds.epoch, seq: grounds.seq })
    }
}

fn before(place: TradePosition) -> TradePosition {
    TradePosition { seq: Seq(place.seq.0.saturating_sub(1)), ..place }
}

/// The newest of these events up to a place.
async fn newest<C: Ask>(
    client: &C,
    market: MarketAddress,
    events: &[&str],
    upto: TradePosition,
) -> Result<Option<Decided>, ReadFailure> {
    // A finalization that no dispute came before counted no votes.
    let sql = format!(
        "SELECT last.epoch, last.seq, s.grounds
         FROM unnest($2::text[]) AS deed (event) CROSS JOIN LATERAL (
             SELECT e.epoch, e.seq, e.signature FROM chain_events e JOIN journal j USING (stream, epoch, seq)
             WHERE e.stream = $1::text AND e.event = deed.event AND e.event IN {DEEDS} AND NOT e.orphaned
               AND (e.epoch, e.seq) <= ($3::bigint, $4::bigint)
               AND (e.event <> 'MarketFinalized' OR (j.payload -> 'event' -> 'was_disputed')::boolean)
             ORDER BY e.epoch DESC, e.seq DESC LIMIT 1) last
         LEFT JOIN chain_submissions s ON s.signature = last.signature AND s.in_favour IS NOT NULL
         ORDER BY last.epoch DESC, last.seq DESC LIMIT 1"
    );
    let (epoch, seq) = (i64::from(upto.epoch.0), bigint(upto.seq.0));
    let Some(row) = client.query_opt(&sql, &[&market.to_string(), &events, &epoch, &seq]).await? else {
        return Ok(None);
    };
    let at = place(&row, 0, 1)?;
    let grounds: Option<JsonText<'_>> = row.try_get(2)?;
    let grounds = grounds.map(|json| of_json("chain_submissions", json)).transpose()?;
    Ok(Some(Decided { at, grounds }))
}
