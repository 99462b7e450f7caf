//! What a market has beside its state on the chain: its document, its votes.
//!
//! Owns how both follow from entries, and the ballots that a tally is counted from. Ballots are read from the journal when
//! the first vote needs them and forgotten when the market takes votes no more; counts are part of every entry that
//! changes them, so that what the world sees needs no ballots. Never reads anything itself.

use std::sync::Arc;

use super::{Life, Subject};
use crate::actors::stream::WrittenRow;
use crate::domain::{
    entry::EntryBody,
    event::ProgramEvent,
    metadata::MarketMetadata,
    misfit::Misfit,
    tally::{Counts, MarketCounts, Tally, VoteKind, VoteSource},
    user_write::{UserWrite, WriteRefused},
};

/// A pure fold of entries, as a market's state is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Votes, counted.
    pub counts: MarketCounts,
    /// What the market is about, if that is known.
    pub document: Option<Arc<MarketMetadata>>,
}

impl Beside {
    /// What holds after an entry.
    pub fn follow(&mut self, body: &EntryBody) {
        for (kind, counts) in body.tallies() {
            self.counts.set(kind, counts);
        }
        match body {
            EntryBody::Metadata { metadata, .. } => self.document = Some(Arc::new((**metadata).clone())),
            // The creation fell, or another one came: what was said of the one before is not said of this.
            EntryBody::Rollback { market, .. } => {
                let is_of_it = |document: &Arc<MarketMetadata>| !market.vanished && market.is_described_by(document);
                self.document = self.document.take().filter(is_of_it);
            }
            _ => {}
        }
    }
}

/// Every wallet's votes, where they have been read.
#[derive(Debug, Default)]
pub(super) struct Ballots {
    proposal: Option<Tally>,
    dispute: Option<Tally>,
}

impl Ballots {
    fn of(&mut self, kind: VoteKind) -> &mut Option<Tally> {
        match kind {
            VoteKind::Proposal => &mut self.proposal,
            VoteKind::Dispute => &mut self.dispute,
        }
    }

    fn are_read(&self, kind: VoteKind) -> bool {
        match kind {
            VoteKind::Proposal => self.proposal.is_some(),
            VoteKind::Dispute => self.dispute.is_some(),
        }
    }
}

/// Why a write is not taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// The ballots have to be read first, when nothing is on its way.
    ReadBallots(VoteKind),
    /// It becomes no entry.
    Refused(WriteRefused),
}

impl<S: Subject> Life<S> {
    /// The ballots that have to be read before this event can be taken.
    pub fn ballots_wanted(&self, event: &ProgramEvent) -> Option<VoteKind> {
        VoteKind::of(event).map(|(kind, ..)| kind).filter(|kind| !self.has_ballots(*kind))
    }

    /// These ballots have been read.
    pub fn has_ballots(&self, kind: VoteKind) -> bool {
        self.ballots.are_read(kind)
    }

    /// Ballots as the journal has them at the applied state; answers with what is counted.
    pub fn take_ballots(&mut self, read: impl IntoIterator<Item = (VoteKind, Tally)>) -> MarketCounts {
        let mut counts = self.applied.beside.counts;
        for (kind, tally) in read {
            counts.set(kind, tally.counts());
            *self.ballots.of(kind) = Some(tally);
        }
        counts
    }

    /// What a user wrote becomes an entry. It carries the slot that the stream has reached: it is final when all before
    /// it is.
    ///
    /// # Errors
    /// [`NotTaken`]: nothing was changed.
    pub fn take_written(&mut self, row: &WrittenRow, now_ms: i64) -> Result<(), NotTaken> {
        let slot = self.planned.iter().map(|entry| entry.body.slot()).fold(self.slot_high, Ord::max);
        if self.applied.state.is_none() {
            return Err(NotTaken::Refused(WriteRefused::NoMarket));
        }
        let (mut counts, mut counted) = (Counts::default(), None);
        if let UserWrite::Vote(cast) = &row.write {
            let tally = self.ballots.of(cast.kind).as_mut().ok_or(NotTaken::ReadBallots(cast.kind))?;
            tally.cast(cast.wallet, VoteSource::OffChain, cast.vote).map_err(|full| NotTaken::Refused(full.into()))?;
            (counts, counted) = (tally.counts(), Some(cast.kind));
        }
        let planned = S::plan_written(self.applied.state.as_deref(), row.write.clone(), counts, slot);
        // It was made of this very state.
        let taken = planned.map(|body| body.caused_by(row.request_id));
        let taken = taken.and_then(|body| self.take(body, now_ms).map_err(|_: Misfit| WriteRefused::NoMarket));
        if let Err(refused) = taken {
            // Its vote is among them: they are read again.
            counted.into_iter().for_each(|kind| *self.ballots.of(kind) = None);
            return Err(NotTaken::Refused(refused));
        }
        self.outbox.push(row.id);
        Ok(())
    }

    /// A vote on the chain counts, too. Its event can't be refused: one too many is recorded, and not counted.
    pub(super) fn count(&mut self, body: &mut EntryBody) {
        let Some((kind, wallet, vote)) = body.chain_event().and_then(|(.., event)| VoteKind::of(event)) else { return };
        let Some(tally) = self.ballots.of(kind) else {
            log::error!("{} {}: a vote came before its ballots were read", S::KIND, self.address);
            return;
        };
        if let Err(full) = tally.cast(wallet, VoteSource::Chain, vote) {
            log::warn!("{} {}: the vote of {wallet} is not counted: {full}", S::KIND, self.address);
        }
        let counts = tally.counts();
        body.set_tally(counts);
    }

    /// Ballots of what is not voted on (any more) are forgotten: a vote that comes late has them read again.
    pub(super) fn forget_ballots(&mut self) {
        let open = self.applied.state.as_deref().and_then(S::takes_votes);
        for kind in VoteKind::ALL.into_iter().filter(|kind| Some(*kind) != open) {
            *self.ballots.of(kind) = None;
        }
    }
}
