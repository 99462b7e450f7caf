//! A market and the one way it changes.
//!
//! Owns the state of a market and the only function that moves its phase and quantities, [`Market::apply`]. An event of
//! the chain first becomes an entry ([`Market::plan`], which checks that it fits), is made durable by others, and is then
//! applied; a replay applies the same entries. Because both go through the same functions (`trading`, `lifecycle`),
//! a stored entry that says something else than its own event is noticed and refused. Never knows when, where or by
//! whom any of this is stored.

mod adoption;
mod completion;
mod lifecycle;
mod quote;
mod rollback;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
mod trading;

use serde::{Deserialize, Serialize};

pub use self::adoption::AccountError;
use super::{
    amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
    entry::{EntryBody, FeeSchedule},
    event::{ChainEvent, EventSubject, IpfsHash, Outcome, ProgramEvent},
    ids::{MarketAddress, MarketSeed, Wallet},
    lmsr::{Curve, Quantities},
    metadata::{MarketMetadata, MetadataDocument},
    misfit::Misfit,
    phase::{self, Phase, Step},
};

/// The state of a market: every field of its account that can change, what only its creation tells, and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the account's own
pub struct Market {
    pub address: MarketAddress,
    pub seed: MarketSeed,
    pub creator: Wallet,
    pub phase: Phase,
    /// LMSR's b, fixed point 1e9 (share units).
    pub b_parameter: ShareUnits,
    pub initial_liquidity: Lamports,
    pub current_liquidity: Lamports,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_volume: Lamports,
    /// Times: zero stands for "not yet", as on chain.
    pub created_at: UnixSeconds,
    pub approved_at: UnixSeconds,
    pub activated_at: UnixSeconds,
    pub resolution_proposed_at: UnixSeconds,
    pub resolved_at: UnixSeconds,
    pub finalized_at: UnixSeconds,
    pub cancelled_at: Option<UnixSeconds>,
    /// All zero: nobody yet.
    pub resolver: Wallet,
    pub proposed_outcome: Option<Outcome>,
    pub final_outcome: Option<Outcome>,
    /// The question's document; the account forgets it when it is resolved.
    pub question_hash: IpfsHash,
    /// The evidence's document; zero before a resolution.
    pub evidence_hash: IpfsHash,
    pub dispute_initiated_at: UnixSeconds,
    pub dispute_initiator: Wallet,
    pub accumulated_resolver_fees: Lamports,
    pub accumulated_lp_fees: Lamports,
    pub proposal_likes: u32,
    pub proposal_dislikes: u32,
    pub proposal_total_votes: u32,
    pub dispute_agree: u32,
    pub dispute_disagree: u32,
    pub dispute_total_votes: u32,
    pub was_disputed: bool,
    /// What the events say that the account holds, rent included. Anybody can send it more.
    pub lamports: Lamports,
    /// Trades so far.
    pub trades_count: u64,
    /// Price of YES as the newest trade said, or by the curve before the first; `None` where the curve has none
    /// (b below the program's minimum).
    pub price_yes: Option<PriceE9>,
    /// Its creation was rolled back: there is no such market on the chain (any more, or yet again). Everything but its
    /// names is empty, and the only thing that can happen to it is to be created.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vanished: bool,
}

impl Market {
    /// The entry that an event of the chain becomes in this market, with the values that hold after it; the fee
    /// schedule is the one in force at the event's place in the chain's order. Nothing is changed.
    ///
    /// # Errors
    /// The event does not fit `current`: a gap to be healed, never an event to be dropped.
    pub fn plan(
        current: Option<&Self>,
        address: MarketAddress,
        event: &ChainEvent,
        schedule: FeeSchedule,
    ) -> Result<EntryBody, Misfit> {
        let current = current.filter(|market| !market.vanished);
        let phase = next_phase(current, address, &event.event)?;
        let (id, position) = (event.id, event.position);
        if let (Some(market), ProgramEvent::SharesBought(_) | ProgramEvent::SharesSold(_)) = (current, &event.event) {
            let (_, figures) = market.traded(&event.event, schedule)?;
            return Ok(EntryBody::Trade { id, position, event: event.event.clone(), figures });
        }
        let market = lifecycle::moved(current, address, phase, &event.event, event.facts.as_ref())?;
        Ok(EntryBody::Event {
            id,
            position,
            event: event.event.clone(),
            facts: event.facts.clone(),
            old_phase: current.map(|market| market.phase),
            market: Box::new(market),
            tally: None,
        })
    }

    /// The entry of an event whose effect the adopted state already contains: recorded, moves no quantity.
    pub fn plan_contained(&self, event: &ChainEvent, schedule: FeeSchedule) -> EntryBody {
        EntryBody::Contained {
            id: event.id,
            position: event.position,
            event: event.event.clone(),
            figures: self.contained_figures(&event.event, schedule),
            tally: None,
        }
    }

    /// The market that a stream's first entry makes: a creation, or the adoption of an account.
    ///
    /// # Errors
    /// `Unknown` for an entry that begins nothing; `Disagrees` for one that does not follow from its event, or speaks of
    /// a state before it.
    pub fn begin(body: &EntryBody) -> Result<Self, Misfit> {
        match body {
            EntryBody::Event { event, facts, old_phase, market, .. } => {
                let phase = next_phase(None, market.address, event)?;
                let begun = lifecycle::moved(None, market.address, phase, event, facts.as_ref())?;
                if old_phase.is_some() || begun != **market {
                    return Err(Misfit::Disagrees);
                }
                Ok(begun)
            }
            EntryBody::Resync { old_phase: None, price_yes_before: None, market, .. } => Ok((**market).clone()),
            EntryBody::Resync { .. } => Err(Misfit::Disagrees),
            EntryBody::Trade { .. }
            | EntryBody::Contained { .. }
            | EntryBody::Rollback { .. }
            | EntryBody::Vote { .. }
            | EntryBody::Comment { .. }
            | EntryBody::CommentDeleted { .. }
            | EntryBody::Metadata { .. } => Err(Misfit::Unknown),
            EntryBody::Config { .. } | EntryBody::ConfigResync { .. } | EntryBody::ConfigRollback { .. } => {
                Err(Misfit::OtherStream)
            }
        }
    }

    /// Moves the market by an entry: the only way in which its phase and its quantities ever change. Unchanged on an
    /// error.
    ///
    /// # Errors
    /// The entry does not fit, or (`Disagrees`) its values do not follow from its own event in this market.
    pub fn apply(&mut self, body: &EntryBody) -> Result<(), Misfit> {
        if body.fits_always() {
            return Ok(());
        }
        if self.vanished && !body.is_rollback() {
            let begun = Self::begin(body)?;
            agree(begun.address == self.address && begun.seed == self.seed)?;
            *self = begun;
            return Ok(());
        }
        *self = match body {
            EntryBody::Trade { event, figures, .. } => {
                next_phase(Some(self), self.address, event)?;
                let (market, computed) = self.traded(event, figures.schedule)?;
                agree(computed == *figures)?;
                market
            }
            EntryBody::Event { event, facts, old_phase, market, .. } => {
                let phase = next_phase(Some(self), self.address, event)?;
                let moved = lifecycle::moved(Some(self), self.address, phase, event, facts.as_ref())?;
                agree(*old_phase == Some(self.phase) && moved == **market)?;
                moved
            }
            EntryBody::Contained { event, figures, .. } => {
                self.check_stream(event)?;
                let computed = figures.as_ref().and_then(|figures| self.contained_figures(event, figures.schedule));
                agree(computed == *figures)?;
                self.with_contained(event)?
            }
            EntryBody::Resync { price_yes_before, old_phase, market, .. } => {
                if market.address != self.address {
                    return Err(Misfit::OtherStream);
                }
                agree(*old_phase == Some(self.phase) && *price_yes_before == self.price_yes)?;
                (**market).clone()
            }
            EntryBody::Rollback { price_yes_before, old_phase, market, .. } => {
                self.rolled_back(*price_yes_before, *old_phase, market)?
            }
            EntryBody::Metadata { metadata, .. } => return agree(self.is_described_by(metadata)),
            EntryBody::Vote { .. } | EntryBody::Comment { .. } | EntryBody::CommentDeleted { .. } => return Ok(()),
            EntryBody::Config { .. } | EntryBody::ConfigResync { .. } | EntryBody::ConfigRollback { .. } => {
                return Err(Misfit::OtherStream);
            }
        };
        Ok(())
    }

    /// These are the fields of the document whose hash the chain has.
    pub fn is_described_by(&self, metadata: &MarketMetadata) -> bool {
        MetadataDocument::new(metadata.clone()).is_ok_and(|document| document.question_hash() == self.question_hash)
    }

    /// [`Market::begin`] where there is no market yet, else [`Market::apply`].
    ///
    /// # Errors
    /// Theirs.
    pub fn advance(current: Option<Self>, body: &EntryBody) -> Result<Self, Misfit> {
        match current {
            None => Self::begin(body),
            Some(mut market) => market.apply(body).map(|()| market),
        }
    }

    /// The shares of both outcomes.
    pub fn quantities(&self) -> Quantities {
        Quantities { yes: self.shares_yes, no: self.shares_no }
    }

    /// The price of YES by the program's curve, from the quantities; `None` where the curve has none.
    pub fn current_price_yes(&self) -> Option<PriceE9> {
        Curve::Program.price_yes(self.quantities(), self.b_parameter).ok()
    }

    fn check_stream(&self, event: &ProgramEvent) -> Result<(), Misfit> {
        let ours = match event.subject() {
            EventSubject::Config => false,
            EventSubject::Market(seed) => seed == self.seed,
            EventSubject::MarketAccount(address) => address == self.address,
        };
        if ours { Ok(()) } else { Err(Misfit::OtherStream) }
    }
}

fn agree(same: bool) -> Result<(), Misfit> {
    if same { Ok(()) } else { Err(Misfit::Disagrees) }
}

/// The phase after an event, by the table; or why it cannot happen to this market.
fn next_phase(current: Option<&Market>, address: MarketAddress, event: &ProgramEvent) -> Result<Phase, Misfit> {
    let step = Step::of(event).ok_or(Misfit::OtherStream)?;
    let from = current.map(|market| market.phase);
    if let Some(market) = current {
        market.check_stream(event)?;
        if market.address != address {
            return Err(Misfit::OtherStream);
        }
    }
    phase::after(from, step).ok_or(match from {
        None => Misfit::Unknown,
        Some(_) if step == Step::Creation => Misfit::AlreadyExists,
        Some(phase) => Misfit::Phase { phase, step },
    })
}
