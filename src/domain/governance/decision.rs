//! What a decision is made of, and what comes of it.
//!
//! A decision looks at a market as it stands at its finalized entry ([`Standing`]) and at the chain ([`ChainView`]), and
//! answers with a [`Verdict`]: what to send, what to alert of, when to look again, and why. It remembers nothing: made again
//! from the same, it is the same, so whoever makes it may die at any moment.

use super::{Grounds, Intent, Purpose};
use crate::domain::{
    amount::{Bps, UnixSeconds},
    deadline::{Deadline, MarketTimes},
    ids::{Epoch, MarketAddress, Seq, Slot},
    phase::Phase,
    tally::Counts,
};

/// A market as a decision sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which one.
    pub market: MarketAddress,
    /// The life of the journal that `seq` belongs to.
    pub epoch: Epoch,
    /// Its newest finalized entry: `times` and `counted` are of it.
    pub seq: Seq,
    /// Its phase and moments.
    pub times: MarketTimes,
    /// The votes in question, each wallet once; of a dispute, on the chain only those from before the end of the window.
    pub counted: Counts,
    /// Its phase at its newest entry, final or not. Where that is another, something is on its way already.
    pub phase_at_head: Phase,
    /// What the chain counts, by its newest entry. What was sent and may yet vanish is not sent again before it has.
    pub on_chain: Counts,
    /// The chain's time when that was last reported to it; `None`: never.
    pub refreshed_at: Option<UnixSeconds>,
    /// Votes that were acknowledged in time and have not reached the finalized entry yet.
    pub votes_on_their_way: bool,
}

/// The chain, as a decision sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainView {
    /// A finalized slot up to which the journal knows everything.
    pub slot: Slot,
    /// The chain's time in it.
    pub time: UnixSeconds,
    /// The threshold in force.
    pub threshold: Bps,
    /// It was read from the chain.
    pub config_read: bool,
}

/// What somebody has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alert {
    /// The proposal has crossed, on the chain too, and the admin's key is not ours: an admin has to approve.
    NeedsAdmin {
        /// As counted.
        approval: Bps,
        /// What it takes.
        threshold: Bps,
    },
    /// The window for votes on the dispute is over, and nobody voted: the program refuses to decide, and so do we.
    DisputeWithoutVotes {
        /// Since then it is.
        since: Deadline,
    },
}

/// Why this and not more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its finalized phase asks for no such decision.
    OtherPhase,
    /// Its newest entry says another phase than its finalized one: that has to become final, or vanish.
    Moving,
    /// Nobody voted.
    NoVotes,
    /// Fewer voted than are asked for.
    TooFew {
        /// So many voted.
        total: u32,
        /// So many are needed.
        minimum: u32,
    },
    /// Enough voted, too few of them in favour.
    BelowThreshold {
        /// Rounded down.
        approval: Bps,
    },
    /// Enough are in favour, but the market is too young.
    TooYoung {
        /// Old enough from then on.
        until: Deadline,
    },
    /// Enough are in favour.
    Crossed {
        /// Rounded down, at least the threshold.
        approval: Bps,
    },
    /// The window for votes is open.
    WindowOpen {
        /// Over from then on.
        until: Deadline,
    },
    /// The window is over, but votes that came in time are not counted yet.
    VotesOnTheirWay,
    /// The window is over.
    WindowOver,
    /// The program refuses: the market is too old.
    TooOld,
}

/// What comes of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Why.
    pub why: Why,
    /// To be sent.
    pub submit: Option<Intent>,
    /// To be told; none: what was told of this before is over.
    pub alert: Option<Alert>,
    /// Nothing new can come of the same votes before then.
    pub look_at: Option<Deadline>,
}

impl Verdict {
    /// There is nothing to be done.
    pub(super) fn nothing(why: Why) -> Self {
        Self { why, submit: None, alert: None, look_at: None }
    }
}

impl Standing {
    /// What is to be sent, with the counts, and its grounds.
    pub(super) fn intent(&self, purpose: Purpose, chain: &ChainView, minimum: u32, due: Option<Deadline>) -> Intent {
        Intent {
            market: self.market,
            purpose,
            counts: Some(self.counted),
            grounds: Grounds {
                epoch: self.epoch,
                seq: self.seq,
                slot: chain.slot,
                chain_time: chain.time,
                threshold: chain.threshold,
                minimum,
                due_at: due.and_then(Deadline::moment),
                config_read: chain.config_read,
            },
        }
    }
}
