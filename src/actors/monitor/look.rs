//! Looking: what a pass of the monitor finds, and what of it is to be done. Changes nothing.
//!
//! Owns the order of questions: the chain's finalized time first, then the periods in force, then markets from the oldest.
//! What is irreversible is decided from the market as it was after its newest finalized entry; alerts, which can be taken
//! back, from its newest one. The host's clock is not asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use deadpool_postgres::Pool;
use serde::Serialize;

use crate::{
    actors::{
        config_in_force::{CONFIG, NO_CONFIG, config_in_force},
        trouble::Trouble,
    },
    chain::{
        model::Commitment,
        rpc::{ChainClock, ChainRpc},
    },
    config::GovernanceConfig,
    domain::{
        alert::{AlertKind, MORE, SUBJECTS_MAX},
        amount::{Bps, Lamports, UnixSeconds},
        attempt::Authority,
        config::ProgramConfig,
        deadline::{LIFE_SECONDS, MarketTimes, Periods, Readiness},
        governance::{Grounds, Intent, Purpose},
        ids::Wallet,
        overdue::{OUR_WORK_SECONDS, finding},
        phase::Phase,
    },
    journal::{
        alerts::{self, NewAlert},
        overdue::{self, Place, Resolving, Since},
        votes,
    },
};

/// Markets of a page of those that may be due.
const PAGE: usize = 200;
/// Markets that one pass finds due; the next one goes on behind them.
pub const DUE_MAX: usize = 1_000;
/// A decision that has been on its way for so long, and that nobody has seen confirmed, is alerted of.
const UNCONFIRMED_AFTER: Duration = Duration::from_secs(600);

/// Those of markets that stay where they are for too long.
const STUCK: [AlertKind; 6] = [
    AlertKind::ProposalStuck,
    AlertKind::ApprovalStuck,
    AlertKind::Unresolved,
    AlertKind::DisputeStuck,
    AlertKind::FinalizationStuck,
    AlertKind::TooOld,
];

/// The kinds of conditions of which a pass finds all there are: what is not found any more is over.
pub const KINDS: [AlertKind; 13] = [
    AlertKind::ProposalStuck,
    AlertKind::ApprovalStuck,
    AlertKind::Unresolved,
    AlertKind::DisputeStuck,
    AlertKind::FinalizationStuck,
    AlertKind::TooOld,
    AlertKind::TallyFull,
    AlertKind::SubmissionUnconfirmed,
    AlertKind::AuthorityMissing,
    AlertKind::AuthorityMismatch,
    AlertKind::BalanceLow,
    AlertKind::ConfigUnread,
    // Whoever has found all this has read the chain.
    AlertKind::ChainUnread,
];

/// What is not the chain's to say.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Periods; that of disputes counts only where the chain's config can't be read.
    pub periods: Periods,
    /// As that.
    pub dispute_threshold: Bps,
    /// An authority with less is alerted of.
    pub low_balance: Lamports,
    /// The keys that are here, by their wallets.
    pub authorities: Vec<(Authority, Wallet)>,
}

impl Rules {
    /// As they are configured, with these keys.
    pub fn new(config: &GovernanceConfig, keys: impl IntoIterator<Item = (Authority, Wallet)>) -> Self {
        let unread = Periods::default().dispute_period_seconds;
        Self {
            periods: config.periods(unread),
            dispute_threshold: config.dispute_threshold,
            low_balance: Lamports(config.low_balance_lamports),
            authorities: keys.into_iter().collect(),
        }
    }
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Places {
    /// The node.
    pub rpc: ChainRpc,
    /// The journal.
    pub pool: Pool,
    /// What is not the chain's to say.
    pub rules: Rules,
}

/// What all of a pass rests on.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The finalized time of the chain.
    pub clock: ChainClock,
    /// The periods in force.
    pub periods: Periods,
    /// The config after its newest finalized entry, or as the chain has it; `None`: there is none, the environment stands in.
    pub config: Option<ProgramConfig>,
    /// That of disputes. It decides nothing here, and is told with each decision.
    pub threshold: Bps,
}

impl Ground {
    /// Outcomes that were proposed then or before, and that nobody disputed, are due.
    pub fn due_since(&self) -> UnixSeconds {
        before(self.now(), self.periods.finalization_seconds())
    }

    fn now(&self) -> UnixSeconds {
        self.clock.unix_timestamp
    }
}

/// So long before; never further back than numbers go.
fn before(now: UnixSeconds, seconds: i64) -> UnixSeconds {
    UnixSeconds(now.0.saturating_sub(seconds))
}

/// What is to be finalized.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// What is to be asked for.
    pub intents: Vec<Intent>,
    /// Where to go on, if there may be more.
    pub next: Option<Place>,
    /// Some market is due by its newest entry, and that is not final yet.
    pub waits_for_finality: bool,
}

/// An authority's lamports.
#[derive(Debug, Clone, Serialize)]
pub struct Balance {
    /// Whose.
    pub authority: Authority,
    /// Where.
    pub wallet: Wallet,
    /// How much.
    pub lamports: Lamports,
    /// It is too little.
    pub is_low: bool,
}

/// All that an operator should know now, of [`KINDS`].
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// By kind; a kind of which nothing is to be said is there too.
    pub alerts: BTreeMap<AlertKind, Vec<NewAlert>>,
    /// The kinds of which not all could be asked, and why: what was found of them is not all there is.
    pub unanswered: BTreeMap<AlertKind, String>,
    /// What the authorities hold.
    pub balances: Vec<Balance>,
}

impl Places {
    /// What a pass rests on.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn ground(&self) -> Result<Ground, Trouble> {
        let clock = self.rpc.clock(Commitment::Finalized).await?;
        let config = config_in_force(&self.pool, &self.rpc).await?;
        let (mut periods, mut threshold) = (self.rules.periods, self.rules.dispute_threshold);
        if let Some(config) = &config {
            periods.dispute_period_seconds = config.dispute_period_seconds;
            threshold = config.dispute_success_threshold;
        }
        Ok(Ground { clock, periods, config, threshold })
    }

    /// What is to be finalized, of markets behind a place; at most [`DUE_MAX`].
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn due(&self, ground: &Ground, after: Option<Place>) -> Result<Due, Trouble> {
        let mut due = Due { next: after, ..Due::default() };
        loop {
            let page = overdue::resolving(&self.pool, ground.due_since(), due.next, PAGE).await?;
            let is_last = page.len() < PAGE;
            due.next = page.last().map(|last| (last.proposed_at, last.market)).filter(|_| !is_last);
            for market in &page {
                match undisputed(market, ground) {
                    Decision::Due(intent) => due.intents.push(intent),
                    Decision::NotFinal => due.waits_for_finality = true,
                    Decision::Nothing => {}
                }
            }
            if is_last || due.intents.len() + PAGE > DUE_MAX {
                return Ok(due);
            }
        }
    }

    /// What an operator should know. A question that is not answered holds up no other.
    pub async fn conditions(&self, ground: &Ground) -> Conditions {
        let mut found = Conditions { alerts: KINDS.map(|kind| (kind, Vec::new())).into(), ..Conditions::default() };
        let asked = self.stuck_markets(ground, &mut found).await;
        found.note(&STUCK, asked);
        let asked = self.full_tallies(&mut found).await;
        found.note(&[AlertKind::TallyFull], asked);
        let asked = self.unconfirmed(&mut found).await;
        found.note(&[AlertKind::SubmissionUnconfirmed], asked);
        if ground.config.is_none() {
            found.push(NewAlert::new(AlertKind::ConfigUnread, CONFIG, NO_CONFIG));
        }
        self.authorities(ground, &mut found).await;
        found
    }

    async fn full_tallies(&self, found: &mut Conditions) -> Result<(), Trouble> {
        let kind = AlertKind::TallyFull;
        let full = votes::full(&self.pool, SUBJECTS_MAX + 1).await?;
        let message = format!("{}: {} have voted", kind.meaning(), votes::VOTERS_MAX);
        found.push_some(kind, full.into_iter().map(|market| NewAlert::new(kind, market, &message)).collect());
        Ok(())
    }

    async fn unconfirmed(&self, found: &mut Conditions) -> Result<(), Trouble> {
        let kind = AlertKind::SubmissionUnconfirmed;
        let known = alerts::subjects(&self.pool, kind).await?;
        let old = overdue::unconfirmed(&self.pool, UNCONFIRMED_AFTER, &known, SUBJECTS_MAX + 1).await?;
        let alert = |one: overdue::Unconfirmed| {
            let since = one.created_at;
            let message = format!("{} on {}, first signed at {since}, is not confirmed", one.purpose, one.market);
            NewAlert::new(kind, one.signature, message)
        };
        found.push_some(kind, old.into_iter().map(alert).collect());
        Ok(())
    }

    async fn stuck_markets(&self, ground: &Ground, found: &mut Conditions) -> Result<(), Trouble> {
        let (now, periods) = (ground.now(), &ground.periods);
        let too_old = before(before(now, LIFE_SECONDS), 1);
        let lists = [
            (Since::Proposal, before(now, periods.proposed_seconds_max)),
            (Since::Approval, before(now, periods.approved_seconds_max)),
            (Since::Question, now),
            (Since::Resolution, before(ground.due_since(), OUR_WORK_SECONDS)),
            (Since::Dispute, before(before(now, periods.dispute_voting_seconds), OUR_WORK_SECONDS)),
            (Since::Creation(Phase::Active), too_old),
            (Since::Creation(Phase::Resolving), too_old),
            (Since::Creation(Phase::Disputed), too_old),
        ];
        let mut said = BTreeSet::new();
        let mut crowded = BTreeSet::new();
        for (since, until) in lists {
            let mut markets = overdue::markets(&self.pool, since, until, SUBJECTS_MAX + 1).await?;
            let is_crowded = markets.len() > SUBJECTS_MAX;
            markets.truncate(SUBJECTS_MAX);
            let mut last = None;
            for (market, times) in markets {
                let Some((kind, due)) = finding(&times, periods, now) else { continue };
                last = Some(kind);
                if said.insert((kind, market)) {
                    let since = due.moment().map(|due| format!(" (since {due})")).unwrap_or_default();
                    found.push(NewAlert::new(kind, market, format!("{}{since}", kind.meaning())));
                }
            }
            crowded.extend(last.filter(|_| is_crowded));
        }
        for kind in crowded {
            let message = format!("more than {SUBJECTS_MAX} markets: {}; the oldest are named", kind.meaning());
            found.push(NewAlert::new(kind, MORE, message));
        }
        Ok(())
    }

    async fn authorities(&self, ground: &Ground, found: &mut Conditions) {
        let keys = &self.rules.authorities;
        if !keys.iter().any(|(authority, _)| *authority == Authority::Backend) {
            let message = "there is no key of the backend: nothing is counted, approved or finalized from here";
            found.push(NewAlert::new(AlertKind::AuthorityMissing, Authority::Backend.as_str(), message));
        }
        for (authority, wallet) in keys {
            let named = ground.config.as_ref().map(|config| match authority {
                Authority::Backend => config.backend_authority,
                Authority::Admin => config.admin,
            });
            if let Some(named) = named.filter(|named| named != wallet) {
                let message = format!("the config names {named}, the key here is of {wallet}");
                found.push(NewAlert::new(AlertKind::AuthorityMismatch, authority.as_str(), message));
            }
            let lamports = match self.rpc.balance(*wallet).await {
                Ok(lamports) => lamports,
                Err(error) => {
                    found.note(&[AlertKind::BalanceLow], Err(error.into()));
                    continue;
                }
            };
            let is_low = lamports < self.rules.low_balance;
            if is_low {
                let message = format!(
                    "the {} has fewer than {} lamports: what it has to pay for may not land",
                    authority.as_str(),
                    self.rules.low_balance.0
                );
                found.push(NewAlert::new(AlertKind::BalanceLow, wallet, message));
            }
            found.balances.push(Balance { authority: *authority, wallet: *wallet, lamports, is_low });
        }
    }
}

impl Conditions {
    fn push(&mut self, alert: NewAlert) {
        self.alerts.entry(alert.kind()).or_default().push(alert);
    }

    /// The first of these; one more says that there are more.
    fn push_some(&mut self, kind: AlertKind, mut alerts: Vec<NewAlert>) {
        if alerts.len() > SUBJECTS_MAX {
            alerts.truncate(SUBJECTS_MAX);
            let message = format!("more than {SUBJECTS_MAX}: {}; the oldest are named", kind.meaning());
            alerts.push(NewAlert::new(kind, MORE, message));
        }
        alerts.into_iter().for_each(|alert| self.push(alert));
    }

    /// How the question after these kinds went.
    fn note(&mut self, kinds: &[AlertKind], asked: Result<(), Trouble>) {
        if let Err(trouble) = asked {
            self.unanswered.extend(kinds.iter().map(|kind| (*kind, trouble.to_string())));
        }
    }
}

#[derive(Debug, PartialEq)]
enum Decision {
    Due(Intent),
    /// It would be, by an entry that is not final.
    NotFinal,
    Nothing,
}

/// Is a market to be finalized without a dispute? By its finalized state and the chain's finalized time. A dispute that the
/// journal does not know yet is the program's to refuse: undisputed is finalized what it has as such, and nothing else.
fn undisputed(resolving: &Resolving, ground: &Ground) -> Decision {
    let Some(market) = resolving.finalized.as_ref().filter(|market| !market.vanished) else {
        return Decision::NotFinal;
    };
    let times = MarketTimes::of(market, None);
    match times.finalization(&ground.periods, ground.now()) {
        Readiness::Ready => Decision::Due(Intent {
            market: resolving.market,
            purpose: Purpose::FinalizeUndisputed,
            counts: None,
            grounds: Grounds {
                epoch: resolving.epoch,
                seq: resolving.finalized_seq,
                slot: ground.clock.slot,
                chain_time: ground.now(),
                threshold: ground.threshold,
                minimum: 0,
                due_at: times.finalization_due(&ground.periods).moment(),
                config_read: ground.config.is_some(),
            },
        }),
        Readiness::OtherPhase | Readiness::NotBefore(_) => Decision::NotFinal,
        Readiness::Never => Decision::Nothing,
    }
}

#[cfg(test)]
mod tests;
