//! A pass: over all markets that have comments, or over those with a document on its way; and what is told of it.
//!
//! Owns how many are brought on at once, in what order, and when it is given up: a service that is away from a few markets in a
//! row may be away from all of them. It may also be away from these alone, so what was tried in vain comes last in the next
//! pass, and of that first what waits longest: no market holds up another for good. Pages are read as it goes, so its memory
//! does not grow.

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};

use super::{
    NAME, SnapshotterParts,
    market::{Away, Brought, Came, bring},
};
use crate::{
    domain::{
        alert::{AlertKind, SUBJECTS_MAX},
        ids::MarketAddress,
        snapshot::AnchorStatus,
    },
    journal::{
        JournalError,
        alerts::{self, NewAlert},
        anchors,
        lease::Leased,
        scheduled,
    },
};

/// Markets that are brought on at once.
const AT_ONCE: usize = 4;
/// Markets of a page.
const PAGE: usize = 256;
/// Markets in a row that the service is away from end a pass.
const AWAY_MAX: usize = 4;
/// After so many passes in vain it is alerted of: a moment's trouble is none.
const ALERT_AFTER: u32 = 3;
/// So often where documents wait for the journal: that takes as long as another engine takes over, and then some.
const BEHIND_ALERT_AFTER: u32 = 8;

/// Over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All markets with discussion that is not pinned.
    All,
    /// Those with a document that is kept and not pinned.
    OnTheirWay,
    /// This one.
    One(MarketAddress),
}

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// Markets that were brought on.
    pub markets: usize,
    /// Documents that were pinned.
    pub pinned: u32,
    /// Markets that are stuck, and why; the first [`SUBJECTS_MAX`].
    pub stuck: Vec<(MarketAddress, String)>,
    /// The service is away; the last that it said.
    pub away: Option<Away>,
    /// Markets with a document that holds deleted words, which the journal does not know of yet.
    pub behind: usize,
    /// All that it is for was tried. What is on its way after a pass over all markets is others' to come.
    pub is_whole: bool,
    /// More are on their way than it took.
    pub more: bool,
    /// It is one over all markets.
    is_over_all: bool,
    /// Else: those that came through.
    through: Vec<MarketAddress>,
    in_row: usize,
}

impl Pass {
    fn note(&mut self, market: MarketAddress, brought: Brought) {
        self.markets += 1;
        self.pinned += brought.pinned;
        if brought.pinned > 0 {
            self.in_row = 0;
        }
        match brought.came {
            Came::Through if self.is_over_all => {}
            Came::Through => self.through.push(market),
            Came::Behind => self.behind += 1,
            Came::Stuck(why) => {
                log::warn!("discussion of {market} can't be pinned: {why}");
                if self.stuck.len() < SUBJECTS_MAX {
                    self.stuck.push((market, why));
                }
            }
            Came::Waits(away) => {
                self.in_row += 1;
                self.away = Some(away);
            }
        }
    }

    fn is_given_up(&self) -> bool {
        self.in_row >= AWAY_MAX
    }
}

/// Makes a pass.
///
/// # Errors
/// The database does not answer, or the lease is over. What was done is done.
pub async fn make(parts: &SnapshotterParts, which: Which) -> Result<Pass, JournalError> {
    let mut pass = Pass { is_over_all: which == Which::All, ..Pass::default() };
    match which {
        Which::One(market) => bring_all(parts, vec![market], &mut pass).await?,
        Which::OnTheirWay => {
            let page = anchors::pending(parts.pool.pool(), PAGE).await?;
            pass.more = page.len() == PAGE;
            bring_all(parts, page, &mut pass).await?;
        }
        Which::All => {
            let began = scheduled::last_run(parts.pool.pool(), NAME).await?.now;
            bring_new(parts, &mut pass).await?;
            bring_tried(parts, AnchorStatus::Failed, began, &mut pass).await?;
            pass.is_whole = !pass.is_given_up();
            bring_tried(parts, AnchorStatus::Pending, began, &mut pass).await?;
            return Ok(pass);
        }
    }
    pass.is_whole = !pass.is_given_up();
    Ok(pass)
}

/// Those that have something which was never tried.
async fn bring_new(parts: &SnapshotterParts, pass: &mut Pass) -> Result<(), JournalError> {
    let mut after = None;
    while !pass.is_given_up() {
        let page = anchors::commented(parts.pool.pool(), after, PAGE).await?;
        let due = page.iter().filter(|one| one.is_due).map(|one| one.market).collect();
        bring_all(parts, due, pass).await?;
        after = page.last().map(|one| one.market);
        if page.len() < PAGE {
            break;
        }
    }
    Ok(())
}

/// Those whose document was tried before this pass, and is as it is.
async fn bring_tried(
    parts: &SnapshotterParts,
    status: AnchorStatus,
    began: DateTime<Utc>,
    pass: &mut Pass,
) -> Result<(), JournalError> {
    let mut after = None;
    while !pass.is_given_up() {
        let page = anchors::tried(parts.pool.pool(), status, began, after.as_ref(), PAGE).await?;
        bring_all(parts, page.iter().map(|one| one.market).collect(), pass).await?;
        let is_last = page.len() < PAGE;
        after = page.into_iter().next_back();
        if is_last {
            break;
        }
    }
    Ok(())
}

async fn bring_all(parts: &SnapshotterParts, markets: Vec<MarketAddress>, pass: &mut Pass) -> Result<(), JournalError> {
    let bringing = markets.into_iter().map(|market| async move { (market, bring(parts, market).await) });
    let mut brought = stream::iter(bringing).buffer_unordered(AT_ONCE);
    while let Some((market, one)) = brought.next().await {
        match one {
            Ok(one) => {
                parts.metrics.note(|counts| {
                    counts.snapshots_pinned.inc_by(one.pinned.into());
                    match one.came {
                        Came::Through | Came::Behind => {}
                        Came::Stuck(_) => counts.snapshots_stuck.inc(),
                        Came::Waits(_) => counts.snapshots_away.inc(),
                    }
                });
                pass.note(market, one);
            }
            // A row that can't be understood is one market's.
            Err(
                error @ (JournalError::BadRow(_) | JournalError::Read(crate::journal::read::ReadFailure::BadRow(_))),
            ) => {
                pass.note(market, Brought { pinned: 0, came: Came::Stuck(error.to_string()) });
            }
            Err(error) => return Err(error),
        }
        if pass.is_given_up() {
            break;
        }
    }
    Ok(())
}

/// Tells operators what is stuck, and that what was is not any more.
///
/// # Errors
/// [`JournalError`]: tell it again, with the next pass.
pub async fn tell(pool: &Leased, pass: &Pass, in_vain: u32) -> Result<(), JournalError> {
    const KIND: AlertKind = AlertKind::SnapshotFailing;
    let mut found = anchors::failed(pool.pool(), SUBJECTS_MAX).await?;
    let is_new = |market: &MarketAddress| !found.iter().any(|(known, _)| known == market);
    let unmade: Vec<_> = pass.stuck.iter().filter(|(market, _)| is_new(market)).cloned().collect();
    found.extend(unmade);
    found.truncate(SUBJECTS_MAX);
    let mut failing: Vec<NewAlert> =
        found.iter().map(|(market, why)| NewAlert::new(KIND, market, format!("{}: {why}", KIND.meaning()))).collect();
    if let Some(away) = pass.away.as_ref().filter(|_| in_vain >= ALERT_AFTER) {
        failing.push(NewAlert::new(KIND, NAME, format!("the pinning service takes nothing: {}", away.reason)));
    }
    if pass.behind > 0 && in_vain >= BEHIND_ALERT_AFTER {
        let waits = "documents wait for the journal: their words were deleted, and it does not have that (does an engine lead?)";
        failing.push(NewAlert::new(KIND, NAME, waits.to_owned()));
    }
    alerts::raise_all(pool, &failing).await?;
    let mut subjects: Vec<String> = failing.iter().map(|alert| alert.subject().to_owned()).collect();
    if pass.away.is_some() || !anchors::pending(pool.pool(), 1).await?.is_empty() {
        // It is not over yet.
        subjects.push(NAME.to_owned());
    }
    if !(pass.is_over_all && pass.is_whole) {
        // What else is stuck was not looked at: that may have no row that says so.
        let through: Vec<String> = pass.through.iter().map(MarketAddress::to_string).collect();
        let open = alerts::subjects(pool.pool(), KIND).await?;
        subjects.extend(open.into_iter().filter(|subject| subject != NAME && !through.contains(subject)));
    }
    alerts::resolve_all_but(pool, KIND, &subjects).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(n: u8) -> MarketAddress {
        MarketAddress([n; 32])
    }

    fn waits() -> Brought {
        Brought { pinned: 0, came: Came::Waits(Away { reason: "busy".into(), retry_after: None }) }
    }

    #[test]
    fn a_service_that_is_away_from_a_few_in_a_row_ends_a_pass_and_one_that_takes_some_does_not() {
        let mut pass = Pass::default();
        for n in 0..3 {
            pass.note(market(n), waits());
        }
        assert!(!pass.is_given_up());
        pass.note(market(3), Brought { pinned: 1, came: Came::Through });
        (4..7).for_each(|n| pass.note(market(n), waits()));
        assert!(!pass.is_given_up());
        pass.note(market(7), waits());
        assert!(pass.is_given_up());
        assert_eq!((pass.markets, pass.pinned), (8, 1));
    }

    #[test]
    fn markets_that_are_stuck_are_named_up_to_a_bound_and_end_no_pass() {
        let mut pass = Pass::default();
        for n in 0..=SUBJECTS_MAX {
            pass.note(market(n as u8), Brought { pinned: 0, came: Came::Stuck("refused".into()) });
        }
        assert_eq!((pass.stuck.len(), pass.is_given_up()), (SUBJECTS_MAX, false));
    }
}
