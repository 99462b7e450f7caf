//! One pass: what time it is on the chain, what is in force, which markets may need a decision, and what is to be sent.
//!
//! Owns nothing: what it carries from one pass to the next ([`State`]) is a place in a walk and readings of a clock, and a
//! life without them begins anew. Whatever fails (the node, the database) ends the pass and is done again after a pause; an
//! attempt that the submitter can't take now is its own affair, and holds up no other market.

use std::{cmp::Ordering, collections::BTreeSet, time::Duration};

use futures_util::StreamExt;

use super::{AggregatorParts, agenda::Work, time::ChainTime};
use crate::{
    actors::{
        config_in_force::{CONFIG, NO_CONFIG, config_in_force},
        submitter::{NotSubmitted, hand_over},
        trouble::{Lasting, Trouble},
    },
    chain::{model::Commitment, rpc::ChainClock},
    domain::{
        alert::{AlertKind, MORE},
        amount::{Bps, UnixSeconds},
        deadline::Deadline,
        governance::{
            Intent,
            decision::{Alert, ChainView, Verdict, Why},
            dispute,
            proposal::ProposalRules,
        },
        ids::MarketAddress,
        tally::VoteKind,
    },
    journal::{
        JournalError,
        alerts::{self, NewAlert},
        governance::{self, Candidate, Place, Wanted},
        staging,
    },
};

/// Markets that one step of the look at everything looks at.
const STEP_MARKETS: usize = 1_000;
/// Disputes that are decided in one step.
const STEP_DISPUTES: usize = 256;
/// Markets that are decided about at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Alerts of a kind that one look at everything keeps; beyond, one stands for the rest.
const ALERTS_MAX: usize = 1_000;
/// A market whose attempt can't be taken now is looked at again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// One whose attempt was put off, after so long at least and at most.
const PUT_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// One whose attempt would fail. The submitter keeps its own pause.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// What one pass leaves to the next.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The chain's time.
    pub time: ChainTime,
    /// The look at everything, while it goes on.
    sweep: Option<Sweep>,
    /// What the last one found.
    crowded: Crowded,
    trouble: Lasting,
}

/// Of each kind of [`ALERTS`]: more markets are to be alerted of than have an alert of their own.
type Crowded = [bool; 2];

/// A look at everything, step by step: the proposals, then the disputes that are due.
#[derive(Debug, Default)]
struct Sweep {
    after: Option<Place>,
    proposals_done: bool,
    /// Of each kind, the markets that are alerted of: those that it came to, and those that were heard of meanwhile.
    alerted: [BTreeSet<String>; 2],
    /// Some could not be looked at: what was alerted of before stays so.
    incomplete: bool,
}

/// The kinds that are alerted of here, of markets.
const ALERTS: [AlertKind; 2] = [AlertKind::AdminHasToApprove, AlertKind::DisputeWithoutVotes];

/// What came of a pass.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub state: State,
    /// Moments of the chain that are waited for.
    pub dues: Vec<(MarketAddress, Deadline)>,
    /// Markets that are to be looked at again, and when.
    pub retries: Vec<(MarketAddress, Duration)>,
    /// The look at everything is over.
    pub swept: bool,
    /// What has to be done again.
    pub undone: Option<Work>,
    /// Something failed, or can't be done yet.
    pub trouble: bool,
}

/// What is in force on the chain.
#[derive(Debug, Clone, Copy)]
struct InForce {
    approval: Bps,
    dispute: Bps,
    has_admin_key: bool,
    config_read: bool,
}

/// See the module.
pub(super) async fn pass(parts: AggregatorParts, state: State, work: Work) -> Passed {
    let mut passed = Passed { state, ..Passed::default() };
    match try_pass(&parts, &work, &mut passed).await {
        Ok(()) => {
            if let Some(failures) = passed.state.trouble.over() {
                log::info!("votes are looked at again after {failures} failures");
            }
        }
        Err(trouble) => {
            log::log!(passed.state.trouble.failed(), "votes are looked at later: {trouble}");
            passed.trouble = true;
            passed.undone = Some(work);
        }
    }
    passed
}

async fn try_pass(parts: &AggregatorParts, work: &Work, passed: &mut Passed) -> Result<(), Trouble> {
    let time = &mut passed.state.time;
    let clock = parts.rpc.clock(Commitment::Finalized).await?;
    let known = staging::load_cursor(parts.pool.pool(), parts.rpc.program()).await?.final_slot();
    // First the reading of an earlier pass.
    time.covered(known);
    time.read(clock);
    time.covered(known);
    let Some(now) = time.now() else {
        // Nothing can be decided before the journal has come so far: for a moment after the start, or without a leader.
        (passed.undone, passed.trouble) = (Some(work.clone()), true);
        return Ok(());
    };
    match work {
        Work::Time => Ok(()),
        Work::Markets(markets) => {
            let in_force = in_force(parts).await?;
            let found = governance::among(parts.pool.pool(), wanted(parts, in_force), markets).await?;
            // What a look at everything has passed already may have come to an alert since: its end leaves that alone.
            let mut sweep = passed.state.sweep.take();
            let settled = settle(parts, in_force, now, found, passed, sweep.as_mut()).await;
            passed.state.sweep = sweep;
            settled
        }
        Work::Sweep => sweep(parts, in_force(parts).await?, now, passed).await,
    }
}

fn wanted(parts: &AggregatorParts, in_force: InForce) -> Wanted {
    Wanted { minimum: parts.settings.minimum, threshold: in_force.approval }
}

/// What the chain's config says; where there is none to be had, what the environment says, and an operator is told.
async fn in_force(parts: &AggregatorParts) -> Result<InForce, Trouble> {
    match config_in_force(parts.pool.pool(), &parts.rpc).await {
        Ok(Some(config)) => {
            return Ok(InForce {
                approval: config.proposal_approval_threshold,
                dispute: config.dispute_success_threshold,
                has_admin_key: parts.admin == Some(config.admin),
                config_read: true,
            });
        }
        Ok(None) => {}
        Err(Trouble::Chain(error)) => log::warn!("the chain's config can't be read: {error}"),
        Err(trouble @ Trouble::Journal(_)) => return Err(trouble),
    }
    alerts::raise(&parts.pool, &NewAlert::new(AlertKind::ConfigUnread, CONFIG, NO_CONFIG)).await?;
    Ok(InForce {
        approval: parts.settings.approval_threshold,
        dispute: parts.settings.dispute_threshold,
        has_admin_key: parts.admin.is_some(),
        config_read: false,
    })
}

/// One step of the look at everything. Where a step fails, the look begins anew.
async fn sweep(
    parts: &AggregatorParts,
    in_force: InForce,
    now: ChainClock,
    passed: &mut Passed,
) -> Result<(), Trouble> {
    let mut sweep = passed.state.sweep.take().unwrap_or_default();
    let (after, pool) = (sweep.after.take(), parts.pool.pool());
    let (found, next) = if sweep.proposals_done {
        let begun_by = UnixSeconds(now.unix_timestamp.0.saturating_sub(parts.settings.periods.dispute_voting_seconds));
        if after.is_none() {
            let upcoming = governance::disputes_after(pool, begun_by, STEP_DISPUTES).await?;
            passed.dues.extend(upcoming.into_iter().filter_map(|candidate| due_of(parts, &candidate)));
        }
        governance::disputes(pool, begun_by, after.as_ref(), STEP_DISPUTES).await?
    } else {
        governance::proposals(pool, wanted(parts, in_force), after.as_ref(), STEP_MARKETS).await?
    };
    settle(parts, in_force, now, found, passed, Some(&mut sweep)).await?;
    let walk_is_over = next.is_none();
    sweep.after = next;
    if !(walk_is_over && sweep.proposals_done) {
        sweep.proposals_done |= walk_is_over;
        passed.state.sweep = Some(sweep);
        return Ok(());
    }
    if !sweep.incomplete {
        passed.state.crowded = sweep.alerted.each_ref().map(|subjects| subjects.len() > ALERTS_MAX);
        for (kind, subjects) in ALERTS.into_iter().zip(sweep.alerted) {
            let subjects: Vec<String> = subjects.into_iter().collect();
            alerts::resolve_all_but(&parts.pool, kind, &subjects).await?;
        }
    }
    if in_force.config_read {
        alerts::resolve(&parts.pool, AlertKind::ConfigUnread, CONFIG).await?;
    }
    passed.swept = true;
    Ok(())
}

/// When the window of a dispute is over.
fn due_of(parts: &AggregatorParts, candidate: &Candidate) -> Option<(MarketAddress, Deadline)> {
    let window = parts.settings.periods.dispute_voting_seconds;
    candidate.disputed_at.map(|at| (candidate.market, Deadline::after(at, window)))
}

/// Decides about markets, and has carried out what comes of it.
async fn settle(
    parts: &AggregatorParts,
    in_force: InForce,
    now: ChainClock,
    found: Vec<Candidate>,
    passed: &mut Passed,
    mut sweep: Option<&mut Sweep>,
) -> Result<(), Trouble> {
    let is_early =
        |candidate: &Candidate| due_of(parts, candidate).is_some_and(|(_, due)| !due.is_reached(now.unix_timestamp));
    let (early, found): (Vec<_>, Vec<_>) = found.into_iter().partition(is_early);
    passed.dues.extend(early.iter().filter_map(|candidate| due_of(parts, candidate)));
    let decided = found.into_iter().map(|candidate| async move {
        let decided = decide(parts, in_force, now, candidate).await;
        (candidate, decided)
    });
    let mut decided = futures_util::stream::iter(decided).buffer_unordered(AT_ONCE);
    let mut new = Vec::new();
    while let Some((Candidate { market, .. }, decided)) = decided.next().await {
        let (verdict, again) = match decided {
            Ok(Some(decided)) => decided,
            // Nothing of it is final yet.
            Ok(None) => continue,
            Err(error) => {
                log::warn!("{market} is decided about later: {error}");
                passed.retries.push((market, AGAIN_AFTER));
                if let Some(sweep) = &mut sweep {
                    sweep.incomplete = true;
                }
                continue;
            }
        };
        passed.dues.extend(verdict.look_at.map(|at| (market, at)));
        passed.retries.extend(again.map(|after| (market, after)));
        if let Some(alert) = verdict.alert {
            new.extend(note_alert(market, alert, sweep.as_deref_mut(), passed.state.crowded));
        }
    }
    alerts::raise_all(&parts.pool, &new).await?;
    Ok(())
}

/// What is to be said of a market. While a look at everything goes on one alert stands for all beyond the bound, and each
/// that is told is noted, whether the look came to that market or it was heard of; what is heard of a single market after a
/// look that found so many is among them.
fn note_alert(market: MarketAddress, alert: Alert, sweep: Option<&mut Sweep>, crowded: Crowded) -> Option<NewAlert> {
    let (at, message) = match alert {
        Alert::NeedsAdmin { threshold, .. } => {
            (0, format!("its votes have reached {} basis points: an admin has to approve it", threshold.0))
        }
        Alert::DisputeWithoutVotes { since } => {
            let since = since.moment().map_or_else(String::new, |since| format!(" since {since}"));
            (1, format!("its window for votes is over{since}, and nobody voted: a person has to decide it"))
        }
    };
    let Some(sweep) = sweep else {
        return (!crowded[at]).then(|| NewAlert::new(ALERTS[at], market, message));
    };
    let known = &mut sweep.alerted[at];
    let subject = market.to_string();
    if known.contains(&subject) {
        return Some(NewAlert::new(ALERTS[at], subject, message));
    }
    let subject = match known.len().cmp(&ALERTS_MAX) {
        Ordering::Less => subject,
        Ordering::Equal => MORE.to_owned(),
        Ordering::Greater => return None,
    };
    known.insert(subject.clone());
    Some(NewAlert::new(ALERTS[at], subject, message))
}

/// A verdict about a market, already carried out; and when it is to be looked at again, if its attempt could not be taken.
async fn decide(
    parts: &AggregatorParts,
    in_force: InForce,
    now: ChainClock,
    candidate: Candidate,
) -> Result<Option<(Verdict, Option<Duration>)>, JournalError> {
    let Candidate { market, kind, .. } = candidate;
    let (known, periods) = ((now.slot, now.unix_timestamp), &parts.settings.periods);
    let Some(standing) = governance::standing(parts.pool.pool(), market, kind, known, periods).await? else {
        return Ok(None);
    };
    let threshold = match kind {
        VoteKind::Proposal => in_force.approval,
        VoteKind::Dispute => in_force.dispute,
    };
    let chain = ChainView { slot: now.slot, time: now.unix_timestamp, threshold, config_read: in_force.config_read };
    let verdict = match kind {
        VoteKind::Proposal => {
            let (minimum, min_age_seconds) = (parts.settings.minimum, parts.settings.min_age_seconds);
            ProposalRules { minimum, min_age_seconds, has_admin_key: in_force.has_admin_key }.decide(&standing, &chain)
        }
        VoteKind::Dispute => dispute::decide(&standing, periods, &chain),
    };
    log::debug!("{market}: {:?} by {:?} up to entry {}", verdict.why, standing.counted, standing.seq);
    let again = match (verdict.submit, verdict.why) {
        (Some(intent), _) => submit(parts, intent).await,
        (None, Why::VotesOnTheirWay) => Some(AGAIN_AFTER),
        (None, _) => None,
    };
    Ok(Some((verdict, again)))
}

/// Hands a decision over; when the market is to be looked at again, if it could not be taken.
async fn submit(parts: &AggregatorParts, intent: Intent) -> Option<Duration> {
    let (market, purpose) = (intent.market, intent.purpose.as_str());
    let refused = match hand_over(&parts.submitter, intent).await {
        // What becomes of it is told.
        Ok(submitted) => {
            log::debug!("{market}: {purpose} {submitted:?}");
            return None;
        }
        Err(refused) => refused,
    };
    log::debug!("{market}: {purpose} is not sent: {refused}");
    match refused {
        NotSubmitted::NotBefore(left) => Some(left.clamp(PUT_OFF.0, PUT_OFF.1)),
        NotSubmitted::Unavailable(_) => Some(AGAIN_AFTER),
        NotSubmitted::WouldFail(_) => Some(AFTER_REFUSAL),
        // The key comes with a new process; what is done is told by the journal.
        NotSubmitted::NoKey(_) | NotSubmitted::AlreadyDone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alert_stands_for_all_beyond_the_bound() {
        let mut sweep = Sweep::default();
        let alert = Alert::DisputeWithoutVotes { since: Deadline::after(UnixSeconds(1_760_000_000), 0) };
        let market = |n: usize| {
            let mut market = MarketAddress([1; 32]);
            market.0[..8].copy_from_slice(&n.to_be_bytes());
            market
        };
        let told: Vec<_> =
            (0..ALERTS_MAX + 5).filter_map(|n| note_alert(market(n), alert, Some(&mut sweep), [false; 2])).collect();
        assert_eq!((told.len(), told[ALERTS_MAX].subject()), (ALERTS_MAX + 1, MORE));
        assert!(told.iter().all(|alert| alert.kind() == AlertKind::DisputeWithoutVotes));
        assert!(told[0].message().contains("2025-10-09T08:53:20.000Z"), "{}", told[0].message());
        // It is told again, and is still one.
        assert_eq!(note_alert(market(0), alert, Some(&mut sweep), [false; 2]).as_ref(), Some(&told[0]));
        // What is heard of a single market is told of it, and does not count among them.
        let admin = Alert::NeedsAdmin { approval: Bps(8_000), threshold: Bps(7_000) };
        let one = note_alert(MarketAddress([2; 32]), admin, None, [false, true]).unwrap();
        assert_eq!((one.kind(), one.subject()), (AlertKind::AdminHasToApprove, &*MarketAddress([2; 32]).to_string()));
        assert_eq!(note_alert(MarketAddress([2; 32]), alert, None, [false, true]), None, "it is among the rest");
        assert_eq!(sweep.alerted.map(|subjects| subjects.len()), [0, ALERTS_MAX + 1]);
    }
}
