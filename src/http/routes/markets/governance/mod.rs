//! GET /api/markets/{market}/governance: the audit trail. Each vote and whether it was counted, each decision with its
//! grounds and its transaction, the thresholds in force: enough to make every decision again (`scripts/recompute` does).
//!
//! Written for who distrusts the operator, so it is told in the order in which it happened: a page that was read once does
//! not change by what comes later, unless something is decided, overridden or rolled back, and each of these is seen.
//! Without a cursor everything begins: the market, the first decisions, the first votes. With the cursor of a list there
//! is that list alone. What is told never goes beyond the head that the world may see.

mod views;

use std::{num::NonZeroU32, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};
use deadpool_postgres::Transaction;
use serde::Serialize;
use utoipa::ToSchema;

use self::views::{DecisionView, GovernedMarket, InForce, Rules, TrailVoteView};
use super::{MarketPath, market_of};
use crate::{
    chain::program::pda::ProgramAddresses,
    domain::{
        amount::UnixSeconds,
        deadline::{MarketTimes, Periods},
        governance::Purpose,
        ids::{Epoch, MarketAddress, ProgramId, Seq, Slot},
        tally::VoteKind,
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        openapi::errors::NotFound,
        page::{Cursor, DecisionPlace},
        query::QueryReader,
        reply,
        routes::votes::VoteRules,
    },
    journal::read::{
        self, ReadFailure, TradePosition,
        governance::{self, Attempt, BEGINNING, Deed, Frozen, TooLate, TrailVote},
    },
};

/// Most rows of each list in an answer: who recomputes reads them all.
const LIMIT_MAX: u32 = 500;
/// Rows of each list where none are asked for.
const LIMIT: u32 = 100;
/// Changes of the config that are told; older ones are on the chain.
const CHANGES_MAX: u32 = 100;

/// What is asked for.
enum Part {
    /// All, from the beginning.
    Beginning,
    /// Votes alone, after a place.
    Votes(TradePosition),
    /// Decisions alone, after a place.
    Decisions(DecisionPlace),
}

struct ShowTrail {
    market: MarketRef,
    kind: Option<VoteKind>,
    decision: Option<i64>,
    part: Part,
    limit: u32,
    rules: Rules,
    /// All but the chain's dispute period, which is not known here.
    periods: Periods,
}

/// The audit trail of a market, or the next page of one of its lists.
#[derive(Serialize, ToSchema)]
struct Trail {
    /// The program that owns the market's account.
    program_id: ProgramId,
    /// The market as its newest entry leaves it.
    market: GovernedMarket,
    /// What decides now; `null` while the config is not known. What decided then is with each decision.
    thresholds: Option<InForce>,
    /// This server's own rules, which the program does not know.
    rules: Rules,
    /// Every attempt of this engine, and everything that authorities did past it, oldest first; `null` in a page of votes.
    decisions: Option<Vec<DecisionView>>,
    /// Where the next page of decisions begins; `null` on the last one.
    decisions_next_cursor: Option<String>,
    /// Every vote, in the order of its entry; with `decision`, those that it counted. `null` in a page of decisions.
    votes: Option<Vec<TrailVoteView>>,
    /// Votes in this answer. A page of `decision` may have fewer than there is room for, and is not the last.
    count: usize,
    limit: u32,
    /// Where the next page of votes begins; `null` on the last one.
    next_cursor: Option<String>,
    epoch: Epoch,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND (market, decision); what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/markets/{market}/governance",
    tag = "markets",
    summary = "The audit trail: each vote, each decision, what was in force",
    params(
        MarketPath,
        ("type" = Option<String>, Query, pattern = "^(proposal|dispute)$", description = "Votes of one kind."),
        ("decision" = Option<i64>, Query, minimum = 1, description = "The id of a decision of this engine: exactly the votes that it counted."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of each list, 100 if left out."),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before: the next votes alone."),
        ("decisions_cursor" = Option<String>, Query, description = "decisions_next_cursor of the page before: the next decisions alone.")),
    responses((status = 200, body = Trail), NotFound)
)]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    rules: web::Data<VoteRules>,
) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let limit = reader.count("limit", 1..=LIMIT_MAX, LIMIT);
    let kind = reader.one_of("type", &[("proposal", VoteKind::Proposal), ("dispute", VoteKind::Dispute)]);
    let decision =
        reader.parsed("decision", "the id of a decision of this engine").map(|id: NonZeroU32| id.get().into());
    let votes = reader.parsed("cursor", "a next_cursor of this list").map(|Cursor(place)| place);
    let decisions =
        reader.parsed("decisions_cursor", "a decisions_next_cursor of this list").map(|Cursor(place)| place);
    if votes.is_some() && decisions.is_some() {
        reader.refuse("decisions_cursor", "One list at a time: not together with `cursor`.");
    }
    reader.finish()?;
    let part = match (votes, decisions) {
        (Some(after), _) => Part::Votes(after),
        (None, Some(after)) => Part::Decisions(after),
        (None, None) => Part::Beginning,
    };
    let periods = *rules.periods();
    let rules = Rules::new(rules.config(), &periods);
    reply::cacheable(&request, &gateway.ask(ShowTrail { market, kind, decision, part, limit, rules, periods }).await?)
}

impl Question for ShowTrail {
    type Answer = Trail;

    async fn answer(self, reads: Arc<Reads>) -> Result<Trail, ApiError> {
        let released = reads.released(self.market).await?;
        let market = released.market.address;
        let head = TradePosition { epoch: released.epoch, seq: released.seq };
        let is_final = |at: TradePosition| at.epoch <= released.epoch && at.seq <= released.finalized_seq;
        let times = MarketTimes::of(&released.market, None);
        let window_end = (times.dispute_initiated_at.0 != 0).then(|| times.dispute_voting_end(&self.periods).moment());
        let window_end = window_end.flatten();
        let config = reads.released_config().await.ok();
        let after_votes = match self.part {
            Part::Beginning => Some(BEGINNING),
            Part::Votes(after) => Some(after),
            Part::Decisions(_) => None,
        };
        let after_decisions = match self.part {
            Part::Beginning => Some(DecisionPlace::BEGINNING),
            Part::Decisions(after) => Some(after),
            Part::Votes(_) => None,
        };
        let read = async |tx: &Transaction<'_>| {
            let (_, program) =
                read::chain_identity(tx).await?.ok_or_else(|| ApiError::unavailable("The chain is not known yet."))?;
            let program: ProgramId = program.parse().map_err(ApiError::internal)?;
            let addresses = ProgramAddresses::new(program);
            let changes = match &config {
                Some(at) => {
                    let head = TradePosition { epoch: at.epoch, seq: at.seq };
                    governance::config_changes(tx, addresses.config().0, head, CHANGES_MAX).await?
                }
                None => Vec::new(),
            };
            let decisions = match after_decisions {
                Some(after) => Some(decisions(tx, market, after, head, self.limit).await?),
                None => None,
            };
            let votes = match after_votes {
                Some(after) => {
                    let counted = Counted::of(tx, market, self.decision, self.kind, head, window_end).await?;
                    Some(counted.page(tx, market, after, self.limit).await?)
                }
                None => None,
            };
            Ok((program, addresses, changes, decisions, votes))
        };
        let (program_id, addresses, changes, decisions, votes) = reads.engine_read(read).await?;
        let config_address = addresses.config().0;
        let thresholds = config.as_ref().and_then(|at| {
            at.config.as_deref().map(|config| InForce::new(config_address, config, at.seq, at.slot, &changes))
        });
        let (decisions, decisions_next_cursor) = match decisions {
            None => (None, None),
            Some((rows, next)) => {
                let views = rows.iter().map(|row| match row {
                    Decision::Own(attempt) => DecisionView::own(attempt, &is_final),
                    Decision::Other(deed) => DecisionView::other(deed, &is_final),
                });
                (Some(views.collect()), next.map(|next| Cursor(next).to_text()))
            }
        };
        let (votes, next_cursor) = match votes {
            None => (None, None),
            Some((rows, next)) => {
                let views = rows.iter().filter_map(|vote| TrailVoteView::of(market, vote, &addresses));
                (Some(views.collect::<Vec<_>>()), next.map(|next| Cursor(next).to_text()))
            }
        };
        Ok(Trail {
            program_id,
            market: GovernedMarket::from(&*released.market),
            thresholds,
            rules: self.rules,
            decisions,
            decisions_next_cursor,
            count: votes.as_ref().map_or(0, Vec::len),
            votes,
            limit: self.limit,
            next_cursor,
            epoch: released.epoch,
            seq: released.seq,
            slot: released.slot,
        })
    }
}

/// A decision, by whom it was made.
enum Decision {
    Own(Attempt),
    Other(Deed),
}

/// A page of decisions and where the next one begins: what is ours and what is not, each in its own order, told together by
/// the time at which it was written down here.
async fn decisions(
    tx: &Transaction<'_>,
    market: MarketAddress,
    after: DecisionPlace,
    head: TradePosition,
    limit: u32,
) -> Result<(Vec<Decision>, Option<DecisionPlace>), ApiError> {
    let own = governance::attempts(tx, market, after.own, head, limit + 1).await?;
    let others = governance::others(tx, market, after.other, head, limit + 1).await?;
    let (mut own, mut others) = (own.into_iter().peekable(), others.into_iter().peekable());
    let (mut page, mut last) = (Vec::new(), after);
    while page.len() < limit as usize {
        let is_own = match (own.peek(), others.peek()) {
            (Some(attempt), Some(deed)) => attempt.created_at <= deed.recorded_at,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        if is_own && let Some(attempt) = own.next() {
            last.own = attempt.id;
            page.push(Decision::Own(attempt));
        } else if let Some(deed) = others.next() {
            last.other = deed.landed.place;
            page.push(Decision::Other(deed));
        }
    }
    let more = own.peek().is_some() || others.peek().is_some();
    Ok((page, more.then_some(last)))
}

/// Which votes are told, and against what they are held.
struct Counted {
    kinds: Vec<VoteKind>,
    upto: TradePosition,
    frozen: Frozen,
    /// Only those that were counted.
    only: bool,
}

/// Why a vote is not counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NotCounted {
    Overridden(TradePosition),
    Late(TooLate),
}

impl Counted {
    async fn of(
        tx: &Transaction<'_>,
        market: MarketAddress,
        decision: Option<i64>,
        kind: Option<VoteKind>,
        head: TradePosition,
        window_end: Option<UnixSeconds>,
    ) -> Result<Self, ApiError> {
        let kinds = kind.map_or_else(|| VoteKind::ALL.to_vec(), |kind| vec![kind]);
        let Some(id) = decision else {
            let frozen = governance::frozen(tx, market, head, window_end).await?;
            return Ok(Self { kinds, upto: head, frozen, only: false });
        };
        let attempt = governance::attempt_by_id(tx, market, id).await?;
        let attempt =
            attempt.ok_or_else(|| ApiError::not_found("This engine made no such decision about this market."))?;
        let counts = match attempt.purpose {
            Purpose::AggregateProposal | Purpose::ApproveProposal => Some(VoteKind::Proposal),
            Purpose::FinalizeDispute => Some(VoteKind::Dispute),
            // It counted none.
            Purpose::FinalizeUndisputed => None,
        };
        let kinds = kinds.into_iter().filter(|kind| Some(*kind) == counts).collect();
        let upto = TradePosition { epoch: attempt.grounds.epoch, seq: attempt.grounds.seq };
        let upto = if (upto.epoch, upto.seq) < (head.epoch, head.seq) { upto } else { head };
        Ok(Self { kinds, upto, frozen: Frozen::at(upto, attempt.grounds.due_at), only: true })
    }

    async fn page(
        &self,
        tx: &Transaction<'_>,
        market: MarketAddress,
        after: TradePosition,
        limit: u32,
    ) -> Result<(Vec<(TrailVote, Option<NotCounted>)>, Option<TradePosition>), ReadFailure> {
        let mut found = governance::votes(tx, market, &self.kinds, after, self.upto, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(|vote| vote.place);
        let too_late = |vote: &TrailVote| self.frozen.too_late(vote.kind, vote.place, vote.cast_at());
        // One on the chain is overridden by none.
        let at_risk: Vec<usize> =
            (0..found.len()).filter(|at| found[*at].body.is_users() && too_late(&found[*at]).is_none()).collect();
        let asked: Vec<_> = at_risk.iter().map(|at| (found[*at].kind, found[*at].wallet)).collect();
        let mut overriding = vec![None; found.len()];
        for (at, by) in at_risk.into_iter().zip(governance::overridden(tx, market, &self.frozen, &asked).await?) {
            overriding[at] = by;
        }
        let judged = found.into_iter().zip(overriding).map(|(vote, by)| {
            let reason = too_late(&vote).map(NotCounted::Late).or(by.map(NotCounted::Overridden));
            (vote, reason)
        });
        Ok((judged.filter(|(_, reason)| !self.only || reason.is_none()).collect(), next))
    }
}
