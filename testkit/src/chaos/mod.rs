//! Chaos, counted: one kind of blow so many times while users vote, comment and trade, and then each thing that was
//! acknowledged has to be there once, the journal has to be the chain, and no subscriber may have a hole.
//!
//! Beside the soak ([`crate::soak`]), which mixes everything from a seed and judges what the chain did: here a kind has its
//! count and its row in a table, and what *clients* were told is judged, too. `scripts/chaos` runs it; docs/reliability.md
//! has what came of it.

mod asking;
mod crowd;
mod found;
mod judge;
pub mod kind;
pub mod record;
pub mod strike;
pub mod table;
pub mod users;
pub mod verdict;
pub mod world;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng};

use self::{
    kind::Kind,
    record::Record,
    verdict::Breach,
    world::{Size, World},
};

/// What came of some kinds of blows in one world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each kind, and how often it struck.
    pub struck: Vec<(Kind, u32)>,
    /// What clients were told.
    pub record: Record,
    /// Trades that landed on the chain beside those of users.
    pub trades: usize,
    /// Subscribers, and how often they had to come back.
    pub subscribers: usize,
    /// See above.
    pub reconnects: u64,
    /// From the end of each blow until all worked again.
    pub back_after: Vec<Duration>,
    /// How long it all took.
    pub took: Duration,
    /// What is wrong; empty if nothing is.
    pub breaches: Vec<Breach>,
}

/// Runs these kinds one after the other, each so often or until it is `enough`, in one world; what is wrong is looked for at
/// the end.
///
/// # Panics
/// If something can't be had here, or does not go on: `Err` of the task that this runs in.
pub async fn run(blows: &[(Kind, u32)], seed: u64, size: Size, enough: Arc<AtomicBool>) -> Outcome {
    let began = Instant::now();
    let log = move |text: String| println!("{:7} ms  {text}", began.elapsed().as_millis());
    let kinds: Vec<Kind> = blows.iter().map(|(kind, _)| *kind).collect();
    let mut world = World::begin(&kinds, size).await;
    world.enough = enough;
    log("begun".to_owned());
    let mut random = StdRng::seed_from_u64(seed);
    let mut outcome = Outcome::default();
    for (kind, count) in blows {
        let dealt = world.deal(*kind, 0..*count, &mut random, &log).await;
        outcome.struck.push((*kind, dealt.struck));
        outcome.back_after.extend(dealt.back_after);
        outcome.breaches.extend(dealt.breaches);
        if dealt.struck < dealt.dealt {
            let fell = format!("{} of {} blows fell on nothing: {kind}", dealt.dealt - dealt.struck, dealt.dealt);
            outcome.breaches.push(Breach::Other(fell));
        }
    }
    log("quiet".to_owned());
    outcome.breaches.extend(world.judge().await);
    log("judged".to_owned());
    if !outcome.breaches.is_empty() {
        let kept = std::env::temp_dir().join(format!("zmart-chaos-{}-{seed}.log", kinds[0]));
        let said = world.engine.said();
        log(format!("what the engine said: {} ({:?})", kept.display(), std::fs::write(&kept, said)));
    }
    outcome.record = world.users.record();
    outcome.trades = world.load.done();
    outcome.subscribers = world.listening.len() + world.crowd.clients().len();
    outcome.reconnects = world.reconnects();
    outcome.took = began.elapsed();
    outcome
}
