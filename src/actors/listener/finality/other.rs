//! The other node's word on what one of two lacks: nothing falls without it where it is needed.
//!
//! Owns what is remembered of it between looks: what was reported, and since when it was not to be had. Never takes anything
//! back. People are told once: that the nodes disagree, or that finality has waited for [`UNHEARD_MAX`] for one that is away.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use super::{Blocks, Looking, Place, Recorded, Slot, Verdict, block_lacks, statuses};

/// How long the other node may be away while its word is needed, before people are told that finality waits for it.
const UNHEARD_MAX: Duration = Duration::from_secs(600);

/// See the module. As much as is in doubt.
#[derive(Debug, Default)]
pub(super) struct Other {
    reported: HashSet<(Place, &'static str)>,
    unheard: HashMap<Place, Instant>,
}

impl Other {
    /// That is final.
    pub(super) fn forget_up_to(&mut self, slot: Slot) {
        self.reported.retain(|((_, at), _)| *at > slot);
        self.unheard.retain(|(_, at), _| *at > slot);
    }

    /// People were not told of that yet.
    pub(super) fn is_new(&mut self, it: &Recorded, reason: &'static str) -> bool {
        self.reported.insert(((it.signature, it.slot), reason))
    }

    /// Its word could not be had, once more.
    fn is_unheard_for_long(&mut self, it: &Recorded, now: Instant) -> bool {
        let since = *self.unheard.entry((it.signature, it.slot)).or_insert(now);
        now.saturating_duration_since(since) >= UNHEARD_MAX
    }
}

impl Looking {
    /// Does the other node know nothing of it either, where there is one whose word is needed?
    pub(super) async fn other_agrees(&mut self, it: &Recorded, blocks: &mut Blocks) -> bool {
        let endpoints = self.rpc.endpoints();
        let is_needed = !self.rpc.decides() || endpoints.second_is_fit() || it.slot <= endpoints.second_served_up_to();
        if !endpoints.are_two() || !is_needed {
            return true;
        }
        let other = self.rpc.at(self.rpc.endpoint().other());
        let verdict = match statuses(&other, &[it.signature], self.known_final).await {
            Ok(answer) => answer.verdict(it),
            Err(error) => {
                log::warn!("{} can't be asked for {}, which the other lacks: {error}", other.endpoint(), it.signature);
                if self.other.is_unheard_for_long(it, Instant::now()) {
                    self.report(it, "other node away", &format!("{} can't be asked", other.endpoint())).await;
                }
                return false;
            }
        };
        self.other.unheard.remove(&(it.signature, it.slot));
        match verdict {
            Verdict::Failed => true,
            Verdict::NotThere => block_lacks(&other, it, blocks).await,
            Verdict::Unclear => false,
            Verdict::Stands => {
                let says = format!("{} has it as final", other.endpoint());
                self.report(it, "nodes disagree", &says).await;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountAddress, TxSignature};

    #[test]
    fn people_are_told_once_that_finality_waits_for_a_node_that_is_away_for_long() {
        let it = Recorded { slot: Slot(7), signature: TxSignature([1; 64]), stream: AccountAddress([1; 32]) };
        let (mut other, began) = (Other::default(), Instant::now());
        assert!(!other.is_unheard_for_long(&it, began));
        assert!(!other.is_unheard_for_long(&it, began + UNHEARD_MAX / 2));
        assert!(other.is_unheard_for_long(&it, began + UNHEARD_MAX) && other.is_new(&it, "away"));
        assert!(other.is_unheard_for_long(&it, began + UNHEARD_MAX) && !other.is_new(&it, "away"));
        other.forget_up_to(Slot(7));
        assert!(!other.is_unheard_for_long(&it, began + UNHEARD_MAX));
    }
}
