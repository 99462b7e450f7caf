//! A soak: every fault that the harness knows, drawn from a seed, over everything at once; then quiet, and then the
//! journal has to be the chain.
//!
//! The same seed is the same plan of blows; where the engine is when a blow falls is the machine's affair, so a failure
//! may need more than one run to come again.

pub mod plan;
mod strike;
mod verdict;
pub mod world;

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use self::{
    plan::{Plan, Step},
    strike::{Dealt, Over},
    world::World,
};

/// What a soak came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Trades that landed.
    pub trades: usize,
    /// How often each blow struck: a fault on the wire may strike many messages.
    pub struck: BTreeMap<String, u64>,
    /// Blows that could not be dealt.
    pub left_out: u64,
    /// Accounts that were adopted.
    pub adoptions: i64,
    /// Subscribers that were checked.
    pub subscribers: usize,
    /// What is wrong; empty if nothing is.
    pub differences: Vec<String>,
}

/// Runs one.
pub async fn run(seed: u64, length: Duration) -> Summary {
    let Plan(steps) = Plan::of(seed, length);
    let mut world = World::begin(length).await;
    let began = Instant::now();
    let log = |text: String| println!("{:7} ms  {text}", began.elapsed().as_millis());
    let mut summary = Summary::default();
    let mut under_way: Vec<(Duration, Step, Over)> = Vec::new();
    for step in &steps {
        end_due(&mut world, &mut under_way, began, Some(step.at), &mut summary).await;
        tokio::time::sleep_until(began + step.at).await;
        revive(&mut world, &mut summary, &log);
        let name = step.blow.name();
        match world.strike(step).await {
            Dealt::LeftOut(why) => {
                summary.left_out += 1;
                log(format!("{name}: left out, {why}"));
            }
            Dealt::Struck(times, over) => {
                *summary.struck.entry(name.clone()).or_default() += times;
                log(format!("{name} for {} ms", step.lasts.as_millis()));
                under_way.push((step.at + step.lasts, *step, over));
            }
        }
    }
    end_due(&mut world, &mut under_way, began, None, &mut summary).await;
    log("quiet".to_owned());
    revive(&mut world, &mut summary, &log);
    world.pace.fall_quiet().await;
    revive(&mut world, &mut summary, &log);
    world.judge(&mut summary).await;
    log("judged".to_owned());
    summary
}

/// Ends the blows whose time is over before `until`, each when it is.
async fn end_due(
    world: &mut World,
    under_way: &mut Vec<(Duration, Step, Over)>,
    began: Instant,
    until: Option<Duration>,
    summary: &mut Summary,
) {
    under_way.sort_by_key(|(end, ..)| std::cmp::Reverse(*end));
    while let Some((end, step, over)) = under_way.pop_if(|(end, ..)| until.is_none_or(|until| *end <= until)) {
        tokio::time::sleep_until(began + end).await;
        let struck = world.end(over).await;
        *summary.struck.entry(step.blow.name()).or_default() += struck;
    }
}

/// An engine that ended by itself is started again, as whoever runs it would; that it did is a difference unless it could
/// not start because its servers were away.
fn revive(world: &mut World, summary: &mut Summary, log: &impl Fn(String)) {
    if let Some((status, had_started)) = world.engine.ended_by_itself() {
        log(format!("the engine ended by itself: {status}"));
        if had_started {
            summary.differences.push(format!("the engine ended by itself: {status}"));
        }
        world.engine.launch();
    }
}
