//! Replay: what a stream's entries make of it, from the first one on and by the domain alone.
//!
//! Owns the fold that stands against everything that is stored beside the entries: the state at the head, the state at the
//! finalized point, what is counted of votes, positions. Pure: entries come as arguments, in order, and a roll-back's are told
//! before, since it says only later which entries did not stand. An entry that does not follow from those before it ends the
//! replay, and is named.
//!
//! Memory is the state's, a voter's and a position's, never an entry's: any number of entries can be folded.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    amount::{Lamports, ShareUnits, UnixSeconds},
    entry::{Entry, EntryBody},
    ids::{Epoch, MarketAddress, Seq, Wallet},
    metadata::MarketMetadata,
    misfit::Misfit,
    position::{Position, PositionDelta},
    rollback::{Advance, step},
    tally::{Counts, MarketCounts, Tally, VoteKind, VoteSource},
};

/// An entry's place in its stream: the journal's life, and its number, which no entry of another life has.
pub type Place = (Epoch, Seq);

/// Whose positions are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// Nobody's.
    None,
    /// One wallet's.
    Of(Wallet),
    /// Everybody's: a value of about 200 bytes for each wallet that ever traded there.
    All,
}

/// An entry that does not follow from those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {} of epoch {} does not follow from those before it: {misfit}", .place.1, .place.0.0)]
pub struct Broken {
    /// The entry.
    pub place: Place,
    /// Why.
    pub misfit: Misfit,
}

/// See the module.
#[derive(Debug)]
pub struct Replay<S> {
    advance: Advance<S>,
    /// Entries that later ones take back.
    fallen: BTreeSet<Seq>,
    finalized_at: Option<Seq>,
    positions: Positions,
    voters_max: u32,
    /// As entry by entry says, roll-backs among them.
    head: Option<S>,
    /// As those say that stand: what roll-backs have to lead to as well.
    standing: Option<S>,
    finalized: Option<S>,
    last: Option<Place>,
    entries: u64,
    told: MarketCounts,
    ballots: [(VoteKind, Tally); 2],
    document: Option<MarketMetadata>,
    moved: BTreeMap<Wallet, PositionDelta>,
}

impl<S: Clone + PartialEq> Replay<S> {
    /// Of a stream whose roll-backs take `fallen` back. The state at `finalized_at` is kept. A tally counts `voters_max` wallets.
    pub fn new(
        advance: Advance<S>,
        fallen: BTreeSet<Seq>,
        finalized_at: Option<Seq>,
        positions: Positions,
        voters_max: u32,
    ) -> Self {
        Self {
            advance,
            fallen,
            finalized_at,
            positions,
            voters_max,
            head: None,
            standing: None,
            finalized: None,
            last: None,
            entries: 0,
            told: MarketCounts::default(),
            ballots: VoteKind::ALL.map(|kind| (kind, Tally::new(voters_max))),
            document: None,
            moved: BTreeMap::new(),
        }
    }

    /// The same from the beginning, where other entries fall.
    pub fn anew(&self, fallen: BTreeSet<Seq>) -> Self {
        Self::new(self.advance, fallen, self.finalized_at, self.positions, self.voters_max)
    }

    /// Entries that later ones take back.
    pub fn fallen(&self) -> &BTreeSet<Seq> {
        &self.fallen
    }

    /// The next entry.
    ///
    /// # Errors
    /// [`Broken`]: it does not follow; nothing was changed.
    pub fn next(
        &mut self,
        epoch: Epoch,
        entry: &Entry,
        describes: impl Fn(&S, &MarketMetadata) -> bool,
    ) -> Result<(), Broken> {
        let place = (epoch, entry.seq);
        let broken = |misfit| Broken { place, misfit };
        let head = step(self.advance, self.head.clone(), &entry.body).map_err(broken)?;
        if !self.fallen.contains(&entry.seq) && !entry.body.is_rollback() {
            let standing = step(self.advance, self.standing.clone(), &entry.body).map_err(broken)?;
            self.standing = standing;
            self.count(&entry.body);
            self.move_position(&entry.body);
        }
        self.head = head;
        for (kind, counts) in entry.body.tallies() {
            self.told.set(kind, counts);
        }
        match &entry.body {
            EntryBody::Metadata { metadata, .. } => self.document = Some((**metadata).clone()),
            EntryBody::Rollback { .. } => {
                let head = self.head.as_ref();
                self.document =
                    self.document.take().filter(|document| head.is_some_and(|head| describes(head, document)));
            }
            _ => {}
        }
        if self.finalized_at.is_some_and(|at| entry.seq <= at) {
            self.finalized = self.standing.clone();
        }
        self.last = Some(place);
        self.entries += 1;
        Ok(())
    }

    /// One vote too many was not counted when it came either.
    fn count(&mut self, body: &EntryBody) {
        let cast = match body {
            EntryBody::Vote { vote_kind, wallet, vote, .. } => Some((*vote_kind, *wallet, VoteSource::OffChain, *vote)),
            _ => body
                .chain_event()
                .and_then(|(.., event)| VoteKind::of(event))
                .map(|(kind, wallet, vote)| (kind, wallet, VoteSource::Chain, vote)),
        };
        let Some((kind, wallet, source, vote)) = cast else { return };
        for (_, tally) in self.ballots.iter_mut().filter(|(of, _)| *of == kind) {
            let _ = tally.cast(wallet, source, vote);
        }
    }

    fn move_position(&mut self, body: &EntryBody) {
        let is_wanted = |wallet: &Wallet| match self.positions {
            Positions::None => false,
            Positions::Of(one) => *wallet == one,
            Positions::All => true,
        };
        if let Some((wallet, delta)) = PositionDelta::of(body).filter(|(wallet, _)| is_wanted(wallet)) {
            self.moved.entry(wallet).or_default().merge(delta);
        }
    }

    /// What all entries up to here make.
    pub fn head(&self) -> Option<&S> {
        self.head.as_ref()
    }

    /// What those make that stand at the finalized point.
    pub fn finalized(&self) -> Option<&S> {
        self.finalized.as_ref()
    }

    /// False if a roll-back says something else than the entries that it leaves standing. `exists`: the state is not that of a
    /// stream whose beginning fell.
    pub fn rollbacks_agree(&self, exists: impl Fn(&S) -> bool) -> bool {
        self.head.as_ref().filter(|state| exists(state)) == self.standing.as_ref().filter(|state| exists(state))
    }

    /// The newest entry.
    pub fn last(&self) -> Option<Place> {
        self.last
    }

    /// How many there were.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// What the newest entries say is counted.
    pub fn told(&self) -> MarketCounts {
        self.told
    }

    /// What the ballots among the entries that stand count.
    pub fn counted(&self, kind: VoteKind) -> Counts {
        let tally = self.ballots.iter().find(|(of, _)| *of == kind);
        tally.map(|(_, tally)| tally.counts()).unwrap_or_default()
    }

    /// What the market is about, by the newest entry that says so.
    pub fn document(&self) -> Option<&MarketMetadata> {
        self.document.as_ref()
    }

    /// The positions that entries have moved. Where history is gone more may be sold than was bought: then there are none left.
    pub fn positions(&self, market: MarketAddress) -> impl Iterator<Item = (Position, Option<UnixSeconds>)> + '_ {
        self.moved.iter().map(move |(wallet, delta)| (position_of(market, *wallet, delta), delta.claimed_at))
    }
}

/// What a position's entries make, with the moment of its claim.
fn position_of(market: MarketAddress, user: Wallet, delta: &PositionDelta) -> Position {
    let held = |shares: i128| ShareUnits(u64::try_from(shares.max(0)).unwrap_or(u64::MAX));
    Position {
        market,
        user,
        shares_yes: held(delta.shares_yes),
        shares_no: held(delta.shares_no),
        total_invested: delta.invested,
        trades_count: delta.trades,
        last_trade_at: delta.last_trade_at.unwrap_or(UnixSeconds(0)),
        has_claimed: delta.claimed.is_some(),
        claimed_amount: delta.claimed.unwrap_or(Lamports::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Slot;

    /// A state that counts what was applied: comments leave it as it is, as they do any.
    fn count(state: Option<u32>, body: &EntryBody) -> Result<u32, Misfit> {
        match body {
            EntryBody::ConfigRollback { reverted, .. } => Ok(state.unwrap_or_default() - reverted.len() as u32),
            _ => Ok(state.unwrap_or_default() + 1),
        }
    }

    fn entry(seq: u64, body: EntryBody) -> Entry {
        Entry { seq: Seq(seq), recorded_at_ms: 0, body }
    }

    fn vote(seq: u64, wallet: u8, vote: bool) -> Entry {
        let tally = Counts::default();
        let wallet = Wallet([wallet; 32]);
        let vote_kind = VoteKind::Proposal;
        entry(
            seq,
            EntryBody::Vote {
                vote_kind,
                wallet,
                vote,
                signature: None,
                voted_at_ms: 0,
                tally,
                slot: Slot(1),
                request_id: None,
            },
        )
    }

    #[test]
    fn ballots_are_counted_anew_whatever_the_entries_say_is_counted() {
        let mut replay = Replay::<u32>::new(count, BTreeSet::new(), None, Positions::All, 2);
        for (entry, at) in [vote(1, 1, true), vote(2, 2, false), vote(3, 3, true)].iter().zip(1..) {
            replay.next(Epoch(1), entry, |_, _| true).unwrap();
            assert_eq!(replay.last(), Some((Epoch(1), Seq(at))));
        }
        assert_eq!(Some(replay.counted(VoteKind::Proposal)), Counts::new(1, 1), "the third is one too many");
        assert_eq!(replay.told(), MarketCounts::default(), "as the entries say, wrong or not");
        assert_eq!((replay.head(), replay.entries()), (None, 3), "what fits always moves nothing");
    }
}
