//! The program's config: fees, thresholds, periods, pause. A stream of its own, ordered against the trades.
//!
//! Owns its state and the one way it changes: as for a market, an event becomes an entry ([`ProgramConfig::plan`]), and
//! entries alone move it ([`ProgramConfig::apply`]).

use serde::{Deserialize, Serialize};

use super::{
    account::{FieldDifference, GlobalConfigAccount, differing},
    amount::{Bps, UnixSeconds},
    entry::{EntryBody, FeeSchedule},
    event::{ChainEvent, GlobalConfigInitialized, InstructionFacts, ProgramEvent},
    ids::{Seq, Slot, Wallet},
    misfit::Misfit,
};

/// The config in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramConfig {
    /// Who may change it.
    pub admin: Wallet,
    /// Who may report tallies.
    pub backend_authority: Wallet,
    /// Where protocol fees go.
    pub protocol_fee_wallet: Wallet,
    /// The three rates of a trade.
    pub fees: FeeSchedule,
    /// Share of likes that approves a proposal.
    pub proposal_approval_threshold: Bps,
    /// Share of agreement that makes a dispute succeed.
    pub dispute_success_threshold: Bps,
    /// No instruction reads it.
    pub min_resolution_delay_seconds: i64,
    /// The window for disputes, after a resolution was proposed.
    pub dispute_period_seconds: i64,
    /// Creation and trading are stopped.
    pub is_paused: bool,
    /// The chain's time of the newest change.
    pub updated_at: UnixSeconds,
    /// Its initialization was rolled back: there is no config on the chain (any more, or yet again).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vanished: bool,
}

impl ProgramConfig {
    /// The entry that an event of the config becomes, with the config after it. Nothing is changed.
    ///
    /// # Errors
    /// The event does not fit `current`: events are missing.
    pub fn plan(current: Option<&Self>, event: &ChainEvent) -> Result<EntryBody, Misfit> {
        let current = current.filter(|config| !config.vanished);
        let config = Box::new(following(current, &event.event, event.facts.as_ref())?);
        Ok(EntryBody::Config { id: event.id, position: event.position, event: event.event.clone(), config })
    }

    /// The config that a stream's first entry makes.
    ///
    /// # Errors
    /// `Unknown` for an entry that begins nothing, `Disagrees` for one that does not follow from its event.
    pub fn begin(body: &EntryBody) -> Result<Self, Misfit> {
        match body {
            EntryBody::Config { event, config, .. } => checked(None, event, config),
            EntryBody::ConfigResync { config, .. } => Ok((**config).clone()),
            EntryBody::Contained { .. } | EntryBody::ConfigRollback { .. } => Err(Misfit::Unknown),
            _ => Err(Misfit::OtherStream),
        }
    }

    /// Moves the config by an entry; unchanged on an error.
    ///
    /// # Errors
    /// The entry does not fit, or (`Disagrees`) does not follow from its own event.
    pub fn apply(&mut self, body: &EntryBody) -> Result<(), Misfit> {
        *self = match body {
            EntryBody::ConfigRollback { config, .. } => (**config).clone(),
            _ if self.vanished => Self::begin(body)?,
            EntryBody::Config { event, config, .. } => checked(Some(self), event, config)?,
            EntryBody::ConfigResync { config, .. } => (**config).clone(),
            // The adopted config has it already.
            EntryBody::Contained {
                event:
                    ProgramEvent::GlobalConfigInitialized(_)
                    | ProgramEvent::ConfigUpdated(_)
                    | ProgramEvent::ProtocolPauseStatusChanged(_),
                ..
            } => return Ok(()),
            _ => return Err(Misfit::OtherStream),
        };
        Ok(())
    }

    /// [`ProgramConfig::begin`] where there is no config yet, else [`ProgramConfig::apply`].
    ///
    /// # Errors
    /// Theirs.
    pub fn advance(current: Option<Self>, body: &EntryBody) -> Result<Self, Misfit> {
        match current {
            None => Self::begin(body),
            Some(mut config) => config.apply(body).map(|()| config),
        }
    }

    /// The entry of an event whose effect the adopted config already contains.
    pub fn plan_contained(event: &ChainEvent) -> EntryBody {
        EntryBody::Contained {
            id: event.id,
            position: event.position,
            event: event.event.clone(),
            figures: None,
            tally: None,
        }
    }

    /// The entry that adopts a config (made by [`ProgramConfig::from_account`]).
    pub fn plan_resync(config: Self, reason: String, slot: Slot) -> EntryBody {
        EntryBody::ConfigResync { reason, config: Box::new(config), slot }
    }

    /// The entry that takes `reverted` back; `rebuilt` is what the others make, `None` if nothing is left.
    pub fn plan_rollback(&self, rebuilt: Option<Self>, reverted: Vec<Seq>, slot: Slot) -> EntryBody {
        let config = rebuilt.unwrap_or_else(|| Self { vanished: true, ..self.clone() });
        EntryBody::ConfigRollback { reverted, config: Box::new(config), slot }
    }

    /// The config that the account shows. The account does not say when it was changed: that is taken from `previous`.
    pub fn from_account(account: &GlobalConfigAccount, previous: Option<&Self>) -> Self {
        Self {
            admin: account.admin,
            backend_authority: account.backend_authority,
            protocol_fee_wallet: account.protocol_fee_wallet,
            fees: FeeSchedule {
                protocol: account.protocol_fee_bps,
                resolver: account.resolver_reward_bps,
                lp: account.liquidity_provider_fee_bps,
            },
            proposal_approval_threshold: account.proposal_approval_threshold,
            dispute_success_threshold: account.dispute_success_threshold,
            min_resolution_delay_seconds: account.min_resolution_delay,
            dispute_period_seconds: account.dispute_period,
            is_paused: account.is_paused,
            updated_at: previous.map_or(UnixSeconds(0), |config| config.updated_at),
            vanished: false,
        }
    }

    /// Where the chain's account differs, in every field that events explain.
    pub fn differences(&self, account: &GlobalConfigAccount) -> Vec<FieldDifference> {
        let chain = Self::from_account(account, Some(self));
        let mut differences: Vec<_> = differing!(self, chain;
            admin, backend_authority, protocol_fee_wallet, proposal_approval_threshold, dispute_success_threshold,
            min_resolution_delay_seconds, dispute_period_seconds, is_paused
        );
        let rates = [
            ("protocol_fee_bps", self.fees.protocol, chain.fees.protocol),
            ("resolver_reward_bps", self.fees.resolver, chain.fees.resolver),
            ("liquidity_provider_fee_bps", self.fees.lp, chain.fees.lp),
        ];
        differences
            .extend(rates.iter().filter_map(|(field, ours, theirs)| FieldDifference::between(field, ours, theirs)));
        differences
    }
}

fn checked(
    current: Option<&ProgramConfig>,
    event: &ProgramEvent,
    stored: &ProgramConfig,
) -> Result<ProgramConfig, Misfit> {
    // The fee wallet is the one thing that only the instruction tells; an entry keeps it in its config.
    let facts = InstructionFacts::Initialization { protocol_fee_wallet: stored.protocol_fee_wallet };
    let config = following(current, event, Some(&facts))?;
    if config == *stored { Ok(config) } else { Err(Misfit::Disagrees) }
}

fn following(
    current: Option<&ProgramConfig>,
    event: &ProgramEvent,
    facts: Option<&InstructionFacts>,
) -> Result<ProgramConfig, Misfit> {
    match event {
        ProgramEvent::GlobalConfigInitialized(event) => match (current, facts) {
            (Some(_), _) => Err(Misfit::AlreadyExists),
            (None, Some(InstructionFacts::Initialization { protocol_fee_wallet })) => {
                Ok(initialized(event, *protocol_fee_wallet))
            }
            (None, _) => Err(Misfit::LacksFacts),
        },
        ProgramEvent::ConfigUpdated(event) => Ok(ProgramConfig {
            fees: FeeSchedule {
                protocol: event.protocol_fee_bps,
                resolver: event.resolver_reward_bps,
                lp: event.liquidity_provider_fee_bps,
            },
            proposal_approval_threshold: event.proposal_approval_threshold,
            dispute_success_threshold: event.dispute_success_threshold,
            min_resolution_delay_seconds: event.min_resolution_delay,
            dispute_period_seconds: event.dispute_period,
            updated_at: event.timestamp,
            ..current.ok_or(Misfit::Unknown)?.clone()
        }),
        ProgramEvent::ProtocolPauseStatusChanged(event) => {
            let current = current.ok_or(Misfit::Unknown)?;
            // The instruction toggles: the same value twice means that one in between is missing.
            if event.is_paused == current.is_paused {
                return Err(Misfit::Field { field: "is_paused" });
            }
            Ok(ProgramConfig { is_paused: event.is_paused, updated_at: event.timestamp, ..current.clone() })
        }
        _ => Err(Misfit::OtherStream),
    }
}

/// What the program sets at the beginning (program facts, section 2); the event names one of the rates.
fn initialized(event: &GlobalConfigInitialized, protocol_fee_wallet: Wallet) -> ProgramConfig {
    ProgramConfig {
        admin: event.admin,
        backend_authority: event.backend_authority,
        protocol_fee_wallet,
        fees: FeeSchedule { protocol: event.protocol_fee_bps, resolver: Bps(200), lp: Bps(500) },
        proposal_approval_threshold: Bps(7_000),
        dispute_success_threshold: Bps(6_000),
        min_resolution_delay_seconds: 86_400,
        dispute_period_seconds: 259_200,
        is_paused: false,
        updated_at: event.timestamp,
        vanished: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            event::{ConfigUpdated, ProtocolPauseStatusChanged},
            ids::{ChainPosition, EventId, TxSignature},
        },
        *,
    };

    fn chain_event(event: impl Into<ProgramEvent>, facts: Option<InstructionFacts>) -> ChainEvent {
        ChainEvent {
            id: EventId { signature: TxSignature([7; 64]), n: 0 },
            position: ChainPosition { slot: Slot(9), transaction_index: None, n: 0 },
            event: event.into(),
            facts,
        }
    }

    fn initialization() -> ChainEvent {
        let event = GlobalConfigInitialized {
            admin: Wallet([1; 32]),
            backend_authority: Wallet([2; 32]),
            protocol_fee_bps: Bps(300),
            timestamp: UnixSeconds(100),
        };
        chain_event(event, Some(InstructionFacts::Initialization { protocol_fee_wallet: Wallet([3; 32]) }))
    }

    fn pause(is_paused: bool) -> ChainEvent {
        let event = ProtocolPauseStatusChanged { is_paused, paused_by: Wallet([1; 32]), timestamp: UnixSeconds(200) };
        chain_event(event, None)
    }

    fn update() -> ChainEvent {
        let event = ConfigUpdated {
            protocol_fee_bps: Bps(1),
            resolver_reward_bps: Bps(2),
            liquidity_provider_fee_bps: Bps(3),
            proposal_approval_threshold: Bps(4),
            dispute_success_threshold: Bps(5),
            min_resolution_delay: 6,
            dispute_period: 7,
            timestamp: UnixSeconds(300),
        };
        chain_event(event, None)
    }

    fn begun() -> ProgramConfig {
        ProgramConfig::begin(&ProgramConfig::plan(None, &initialization()).unwrap()).unwrap()
    }

    #[test]
    fn a_new_config_has_the_programs_defaults() {
        let config = begun();
        assert_eq!(config.fees, FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) });
        assert_eq!((config.proposal_approval_threshold, config.dispute_success_threshold), (Bps(7_000), Bps(6_000)));
        assert_eq!((config.min_resolution_delay_seconds, config.dispute_period_seconds), (86_400, 259_200));
        assert_eq!((config.protocol_fee_wallet, config.is_paused), (Wallet([3; 32]), false));
    }

    #[test]
    fn updates_and_pauses_follow_their_events() {
        let mut config = begun();
        for event in [pause(true), update(), pause(false), pause(true)] {
            let body = ProgramConfig::plan(Some(&config), &event).unwrap();
            config.apply(&body).unwrap();
        }
        assert_eq!(config.fees, FeeSchedule { protocol: Bps(1), resolver: Bps(2), lp: Bps(3) });
        assert_eq!((config.dispute_period_seconds, config.is_paused), (7, true));
        assert_eq!((config.admin, config.updated_at), (Wallet([1; 32]), UnixSeconds(200)));
    }

    #[test]
    fn what_does_not_fit_is_a_misfit_and_changes_nothing() {
        let mut config = begun();
        let plan = ProgramConfig::plan;
        assert_eq!(plan(None, &update()), Err(Misfit::Unknown));
        assert_eq!(plan(None, &ChainEvent { facts: None, ..initialization() }), Err(Misfit::LacksFacts));
        assert_eq!(plan(Some(&config), &initialization()), Err(Misfit::AlreadyExists));
        assert_eq!(plan(Some(&config), &pause(false)), Err(Misfit::Field { field: "is_paused" }));
        let mut body = plan(Some(&config), &update()).unwrap();
        if let EntryBody::Config { config, .. } = &mut body {
            config.fees.lp = Bps(4);
        }
        let before = config.clone();
        assert_eq!(config.apply(&body), Err(Misfit::Disagrees));
        assert_eq!(config, before);
    }

    #[test]
    fn an_adopted_config_equals_its_account() {
        let account = GlobalConfigAccount {
            admin: Wallet([1; 32]),
            backend_authority: Wallet([2; 32]),
            protocol_fee_wallet: Wallet([3; 32]),
            protocol_fee_bps: Bps(300),
            resolver_reward_bps: Bps(200),
            liquidity_provider_fee_bps: Bps(499),
            proposal_approval_threshold: Bps(7_000),
            dispute_success_threshold: Bps(6_000),
            min_resolution_delay: 86_400,
            dispute_period: 259_200,
            min_resolver_reputation: 8_000,
            is_paused: true,
            reserved: [0; 64],
            bump: 254,
        };
        let mut config = begun();
        let fields: Vec<_> = config.differences(&account).into_iter().map(|d| (d.field, d.journal, d.chain)).collect();
        let expected = [("is_paused", "false", "true"), ("liquidity_provider_fee_bps", "500", "499")];
        assert_eq!(fields, expected.map(|(field, journal, chain)| (field, journal.to_owned(), chain.to_owned())));
        let adopted = ProgramConfig::from_account(&account, Some(&config));
        config.apply(&ProgramConfig::plan_resync(adopted, "a test".to_owned(), Slot(1))).unwrap();
        assert_eq!(config.differences(&account), []);
        assert_eq!(config.updated_at, UnixSeconds(100));
    }
}
