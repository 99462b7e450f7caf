//! The plan of a soak: which blow falls when, and how long it lasts. Drawn from a seed, before anything runs: the same
//! seed and length give the same plan.
//!
//! Blows on different things overlap freely. Of those that would get into each other's way (a server can't be killed
//! while it is frozen) one is over before the next begins: they share a [`Target`].

use std::{collections::BTreeMap, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// Quiet at the beginning, and after the last blow.
const QUIET: Duration = Duration::from_secs(5);
/// Between one blow and the next.
const GAP_MS: std::ops::Range<u64> = 150..1_500;
/// A target's rest between two blows.
const REST: Duration = Duration::from_millis(300);

/// What a blow falls on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The engine's process.
    Engine,
    /// PostgreSQL, and the way to it.
    Database,
    /// Notifications on their way.
    Notifications,
    /// Answers on their way.
    Answers,
    /// Connections to the chain's first node.
    Connections,
    /// The chain's second node.
    SecondNode,
    /// Deliveries of webhooks.
    Deliveries,
    /// A client.
    Client,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // each is named by `name`
pub enum Blow {
    Kill,
    Stop,
    Crash(&'static str),
    /// Of the market of that number, as far as there are so many.
    CrashMarket(usize),
    Hang(&'static str),
    DatabaseKilled,
    DatabaseRestarted,
    DatabaseFrozen,
    DatabaseReadsOnly,
    DatabaseFull,
    /// As [`Self::CrashMarket`].
    MarketRefused(usize),
    DatabaseCut,
    AnswersOfCommitLost(usize),
    CommitsLost(usize),
    /// As [`Self::CrashMarket`].
    MarketReadSlowly(usize),
    Late,
    Withheld,
    AllWithheld,
    LastWithheld,
    Repeated,
    RepeatedLater,
    Reordered,
    LogsCut,
    NotificationsCut,
    Errors(i64),
    Status(u16),
    TooMany,
    Garbage,
    Half,
    Null,
    AnswersCut,
    HungUp,
    AnswersLate,
    OlderSlot,
    StaleAccounts,
    Behind,
    BehindButHead,
    ShortPages,
    OverlappingPages,
    ForgottenPages,
    SlotsReversed,
    TransactionsCut,
    DroppedWs,
    DroppedHttp,
    RefusedWs,
    RefusedHttp,
    SilentWs,
    SilentHttp,
    FirstCutOff,
    SecondCutOff,
    SecondBehind,
    SecondShort,
    SecondUnwell,
    DeliveriesForged,
    DeliveredAgain,
    DeliveriesStop,
    ClientJoins,
}

/// Each with its weight.
const BLOWS: [(u32, Blow); 70] = [
    (12, Blow::Kill),
    (2, Blow::Stop),
    (2, Blow::Crash("writer")),
    (2, Blow::Crash("reader")),
    (2, Blow::Crash("listener")),
    (2, Blow::Crash("registry")),
    (1, Blow::Crash("clock")),
    (1, Blow::Crash("config")),
    (2, Blow::Crash("hub")),
    (3, Blow::CrashMarket(0)),
    (1, Blow::Hang("writer")),
    (1, Blow::Hang("listener")),
    (1, Blow::Hang("registry")),
    (1, Blow::Hang("reader")),
    (1, Blow::Hang("streams-0")),
    (1, Blow::Hang("streams-1")),
    (1, Blow::Hang("websocket")),
    (3, Blow::DatabaseKilled),
    (2, Blow::DatabaseRestarted),
    (2, Blow::DatabaseFrozen),
    (1, Blow::DatabaseReadsOnly),
    (2, Blow::DatabaseFull),
    (1, Blow::MarketRefused(0)),
    (3, Blow::DatabaseCut),
    (3, Blow::AnswersOfCommitLost(0)),
    (2, Blow::CommitsLost(0)),
    (2, Blow::MarketReadSlowly(0)),
    (2, Blow::Late),
    (5, Blow::Withheld),
    (3, Blow::AllWithheld),
    (3, Blow::LastWithheld),
    (2, Blow::Repeated),
    (2, Blow::RepeatedLater),
    (3, Blow::Reordered),
    (2, Blow::LogsCut),
    (2, Blow::NotificationsCut),
    (2, Blow::Errors(-32603)),
    (1, Blow::Errors(-32005)),
    (1, Blow::Status(502)),
    (1, Blow::TooMany),
    (2, Blow::Garbage),
    (1, Blow::Half),
    (2, Blow::Null),
    (2, Blow::AnswersCut),
    (2, Blow::HungUp),
    (2, Blow::AnswersLate),
    (2, Blow::OlderSlot),
    (2, Blow::StaleAccounts),
    (2, Blow::Behind),
    (2, Blow::BehindButHead),
    (1, Blow::ShortPages),
    (1, Blow::OverlappingPages),
    (1, Blow::ForgottenPages),
    (2, Blow::SlotsReversed),
    (2, Blow::TransactionsCut),
    (3, Blow::DroppedWs),
    (3, Blow::DroppedHttp),
    (1, Blow::RefusedWs),
    (1, Blow::RefusedHttp),
    (1, Blow::SilentWs),
    (1, Blow::SilentHttp),
    (3, Blow::FirstCutOff),
    (2, Blow::SecondCutOff),
    (3, Blow::SecondBehind),
    (2, Blow::SecondShort),
    (1, Blow::SecondUnwell),
    (3, Blow::DeliveriesForged),
    (2, Blow::DeliveredAgain),
    (2, Blow::DeliveriesStop),
    (2, Blow::ClientJoins),
];

impl Blow {
    /// For people.
    pub fn name(self) -> String {
        match self {
            Self::Crash(actor) => format!("panic of {actor}"),
            Self::Hang(thread) => format!("hang of {thread}"),
            Self::Errors(code) => format!("errors {code}"),
            Self::Status(code) => format!("status {code}"),
            Self::CrashMarket(_) => "panic of a market".to_owned(),
            Self::MarketRefused(_) => "a market refused".to_owned(),
            Self::MarketReadSlowly(_) => "a market read slowly".to_owned(),
            Self::AnswersOfCommitLost(_) => "answers of COMMIT lost".to_owned(),
            Self::CommitsLost(_) => "COMMITs lost".to_owned(),
            other => spaced(&format!("{other:?}")),
        }
    }

    /// What it falls on.
    pub fn target(self) -> Target {
        match self {
            Self::Kill | Self::Stop | Self::Crash(_) | Self::CrashMarket(_) | Self::Hang(_) => Target::Engine,
            Self::DatabaseKilled
            | Self::DatabaseRestarted
            | Self::DatabaseFrozen
            | Self::DatabaseReadsOnly
            | Self::DatabaseFull
            | Self::MarketRefused(_)
            | Self::DatabaseCut
            | Self::AnswersOfCommitLost(_)
            | Self::CommitsLost(_)
            | Self::MarketReadSlowly(_) => Target::Database,
            Self::Late
            | Self::Withheld
            | Self::AllWithheld
            | Self::LastWithheld
            | Self::Repeated
            | Self::RepeatedLater
            | Self::Reordered
            | Self::LogsCut
            | Self::NotificationsCut => Target::Notifications,
            Self::DroppedWs
            | Self::DroppedHttp
            | Self::RefusedWs
            | Self::RefusedHttp
            | Self::SilentWs
            | Self::SilentHttp
            | Self::FirstCutOff => Target::Connections,
            Self::SecondCutOff | Self::SecondBehind | Self::SecondShort | Self::SecondUnwell => Target::SecondNode,
            Self::DeliveriesForged | Self::DeliveredAgain | Self::DeliveriesStop => Target::Deliveries,
            Self::ClientJoins => Target::Client,
            _ => Target::Answers,
        }
    }

    /// How long it lasts, in milliseconds.
    fn lasts_ms(self) -> std::ops::Range<u64> {
        match self {
            Self::Kill | Self::Stop => 0..1_500,
            Self::Hang(_) => 100..3_000,
            Self::DeliveriesForged | Self::DeliveredAgain => 0..1,
            Self::Crash(_) | Self::CrashMarket(_) | Self::DatabaseCut | Self::ClientJoins => 0..1,
            Self::DroppedWs | Self::DroppedHttp => 0..1,
            Self::DatabaseKilled | Self::DatabaseRestarted => 0..3_000,
            Self::AnswersOfCommitLost(_) | Self::CommitsLost(_) => 500..2_000,
            // Longer than it takes to go to the other node, mostly.
            Self::FirstCutOff | Self::SecondBehind | Self::SecondShort => 2_000..15_000,
            _ => 500..6_000,
        }
    }

    fn drawn(self, random: &mut StdRng) -> Self {
        match self {
            Self::CrashMarket(_) => Self::CrashMarket(random.random_range(0..1_000)),
            Self::MarketRefused(_) => Self::MarketRefused(random.random_range(0..1_000)),
            Self::MarketReadSlowly(_) => Self::MarketReadSlowly(random.random_range(0..1_000)),
            Self::AnswersOfCommitLost(_) => Self::AnswersOfCommitLost(random.random_range(1..6)),
            Self::CommitsLost(_) => Self::CommitsLost(random.random_range(1..6)),
            other => other,
        }
    }
}

fn spaced(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// A blow with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// From the beginning.
    pub at: Duration,
    /// What.
    pub blow: Blow,
    /// How long.
    pub lasts: Duration,
    /// For what the blow itself draws.
    pub seed: u64,
}

/// All blows of a soak, in the order of their times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(pub Vec<Step>);

impl Plan {
    /// Draws it.
    pub fn of(seed: u64, length: Duration) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut free: BTreeMap<Target, Duration> = BTreeMap::new();
        let mut steps = Vec::new();
        let (mut at, end) = (QUIET, length.saturating_sub(QUIET));
        while at < end {
            let blow = draw(&mut random);
            let lasts = Duration::from_millis(random.random_range(blow.lasts_ms())).min(end - at);
            let seed = random.random();
            let free = free.entry(blow.target()).or_default();
            if *free <= at {
                *free = at + lasts + REST;
                steps.push(Step { at, blow, lasts, seed });
            }
            at += Duration::from_millis(random.random_range(GAP_MS));
        }
        Self(steps)
    }
}

fn draw(random: &mut StdRng) -> Blow {
    let drawn = BLOWS.choose_weighted(random, |(weight, _)| *weight);
    let blow = drawn.map_or(Blow::Kill, |(_, blow)| *blow);
    blow.drawn(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(600);

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(Plan::of(7, LENGTH), Plan::of(7, LENGTH));
        assert_ne!(Plan::of(7, LENGTH), Plan::of(8, LENGTH));
    }

    #[test]
    fn blows_on_one_target_do_not_overlap_and_the_end_is_quiet() {
        let Plan(steps) = Plan::of(1, LENGTH);
        assert!(steps.len() > 300, "{}", steps.len());
        let mut over: BTreeMap<Target, Duration> = BTreeMap::new();
        for step in &steps {
            let before = over.insert(step.blow.target(), step.at + step.lasts);
            assert!(before.is_none_or(|before| before < step.at), "{step:?}");
            assert!(step.at + step.lasts <= LENGTH - QUIET, "{step:?}");
        }
    }

    #[test]
    fn every_blow_falls_in_a_long_soak() {
        let Plan(steps) = Plan::of(3, 20 * LENGTH);
        let fallen: std::collections::BTreeSet<String> = steps.iter().map(|step| step.blow.name()).collect();
        for (_, blow) in BLOWS {
            assert!(fallen.contains(&blow.name()), "{} never fell", blow.name());
        }
    }
}
