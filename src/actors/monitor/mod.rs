//! Monitor: finalizes what nobody disputes, finds what is stuck, and has operators told of it.
//!
//! A reconciler: each pass looks at what is (finalized entries, the chain's time, open alerts) and asks for what is missing,
//! so nothing that it remembers is needed for a decision to be made in the end, and a pass that is made twice changes
//! nothing. It looks every [`LOOK_EVERY`], and a look makes a pass
//!
//! - by the schedule, compared with when the last pass was made, both by PostgreSQL's clock: one that was missed is made up
//!   at the start, and no host's clock can skip or repeat one;
//! - when the chain's time reaches the next deadline of a market, without waiting for the schedule: only over what is due;
//! - when an attempt to finalize has ended, or may be made again.
//!
//! A look that fails is made again. Alerts are posted beside all that, so a webhook that hangs holds up no pass. Never
//! signs, sends or votes: it hands intents to the submitter.

pub mod act;
pub mod look;
pub mod refused;
mod sight;
mod walk;
pub mod webhook;

use std::time::{Duration, Instant};

use actix::prelude::*;
use futures_util::{Stream, stream};
use tokio::sync::broadcast::{self, error::RecvError};

use self::{
    look::{Balance, Places, Rules},
    refused::Refused,
    sight::Failing,
    walk::{Walk, Walked},
    webhook::Webhook,
};
use super::{
    submitter::{GovernanceNews, Submitter},
    supervision::{Crash, DeathGuard, Link},
    trouble::Trouble,
};
use crate::{
    chain::rpc::ChainRpc,
    domain::{alert::AlertKind, amount::UnixSeconds, attempt::AttemptStatus, governance::Purpose, schedule::Schedule},
    journal::{
        alerts::{self, NewAlert},
        lease::Leased,
        overdue, scheduled,
    },
    telemetry::metrics::{Counts, Metrics},
};

/// It looks so often whether there is a pass to be made.
/// Open alerts are counted so often, for operators.
const COUNT_EVERY: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While a market waits for its deadline, the chain's time is read so often.
const CLOCK_EVERY: Duration = Duration::from_secs(5);
/// After rounds of the webhook that it was away from, the next one waits: a second, then twice as long each time.
const TELL_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Its name among scheduled runs.
pub const NAME: &str = "monitor";

/// What the actor works with.
#[derive(Clone)]
pub struct MonitorParts {
    /// The node.
    pub rpc: ChainRpc,
    /// Of its arbiter.
    pub pool: Leased,
    /// What is not the chain's to say.
    pub rules: Rules,
    /// When all of it is looked at.
    pub schedule: Schedule,
    /// Who sends.
    pub submitter: Link<Submitter>,
    /// Where it is told what became of that.
    pub news: broadcast::Sender<GovernanceNews>,
    /// Where alerts are posted, if anywhere.
    pub webhook: Option<Webhook>,
    /// Where what is found is counted.
    pub metrics: Metrics,
}

impl MonitorParts {
    fn places(&self) -> Places {
        Places { rpc: self.rpc.clone(), pool: self.pool.pool().clone(), rules: self.rules.clone() }
    }
}

/// What only spares questions: a life without it makes a pass.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    /// Outcomes that were proposed then or before have been looked at.
    seen_until: Option<UnixSeconds>,
    /// Of a pass that found more than it takes.
    walk: Option<Walk>,
    /// Something is to be looked at again at the next look.
    again: bool,
    /// An attempt may be made from then on.
    not_before: Option<Instant>,
    clock_read: Option<Instant>,
    /// When open alerts were counted.
    counted: Option<Instant>,
}

/// See the module.
pub struct Monitor {
    parts: MonitorParts,
    memory: Memory,
    is_looking: bool,
    is_telling: bool,
    /// Rounds of the webhook in a row that it was away from, and when the next one may be.
    in_vain: u32,
    tell_at: Instant,
    refused: Refused,
    /// Looks fail.
    failing: Option<Failing>,
    _guard: DeathGuard,
}

impl Monitor {
    /// A new life, which knows nothing but the tables.
    pub fn new(parts: MonitorParts, guard: DeathGuard) -> Self {
        Self {
            parts,
            memory: Memory::default(),
            is_looking: false,
            is_telling: false,
            in_vain: 0,
            tell_at: Instant::now(),
            refused: Refused::default(),
            failing: None,
            _guard: guard,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        self.tell(ctx);
        if std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let (parts, mut memory) = (self.parts.clone(), self.memory);
        // What asks for another look from now on is not answered by this one.
        self.memory.again = false;
        let began = Instant::now();
        let work = async move {
            let looked = look_once(&parts, &mut memory).await;
            (memory, looked)
        };
        ctx.spawn(work.into_actor(self).map(move |(memory, looked), actor, ctx| {
            actor.is_looking = false;
            let again = actor.memory.again || memory.again;
            actor.memory = Memory { again, ..memory };
            actor.looked(looked, began, ctx);
        }));
    }

    fn looked(&mut self, looked: Result<(), Trouble>, began: Instant, ctx: &mut Context<Self>) {
        match looked {
            Ok(()) => {
                let Some(failing) = self.failing.take() else { return };
                log::info!("the monitor looks again");
                // A look after one that failed reads the chain.
                if failing.was_alerted() {
                    self.say_blind(None, ctx);
                }
            }
            Err(error) => {
                self.memory.again = true;
                let failing = self.failing.get_or_insert_default();
                let say = failing.failed(began, Instant::now(), matches!(error, Trouble::Chain(_)));
                if say.warn {
                    log::warn!("the monitor can't look now: {error}");
                }
                if say.alert {
                    self.say_blind(Some(error.to_string()), ctx);
                }
            }
        }
    }

    /// That the chain's time can't be read is an alert, too.
    fn say_blind(&self, reason: Option<String>, ctx: &mut Context<Self>) {
        let pool = self.parts.pool.clone();
        let say = async move {
            let said = match reason {
                Some(reason) => alerts::raise(&pool, &NewAlert::new(AlertKind::ChainUnread, NAME, reason)).await,
                None => alerts::resolve(&pool, AlertKind::ChainUnread, NAME).await,
            };
            if let Err(error) = said {
                log::warn!("an alert can't be written: {error}");
            }
        };
        ctx.spawn(say.into_actor(self));
    }

    /// A round of the webhook is over.
    fn posted(&self, round: &webhook::Round) {
        let count = |outcome, times: usize| {
            let note = |counts: &Counts| counts.alert_posts.with_label_values(&[outcome]).inc_by(times as u64);
            self.parts.metrics.note(note);
        };
        count("taken", round.taken);
        count("refused", round.refused);
        count("failed", usize::from(round.is_away));
    }

    /// Posts what nobody has taken yet, one round at a time.
    fn tell(&mut self, ctx: &mut Context<Self>) {
        let Some(webhook) = self.parts.webhook.clone() else { return };
        if Instant::now() < self.tell_at || std::mem::replace(&mut self.is_telling, true) {
            return;
        }
        let (pool, mut refused) = (self.parts.pool.clone(), std::mem::take(&mut self.refused));
        let tell = async move { (webhook.tell(&pool, &mut refused).await, refused) };
        ctx.spawn(tell.into_actor(self).map(|(told, refused), actor, ctx| {
            (actor.is_telling, actor.refused) = (false, refused);
            match told {
                Ok(round) if round.is_away => {
                    actor.posted(&round);
                    actor.in_vain = actor.in_vain.saturating_add(1);
                    actor.tell_at = Instant::now() + pause_after(actor.in_vain);
                }
                Ok(round) => {
                    actor.posted(&round);
                    actor.in_vain = 0;
                    if round.more {
                        actor.tell(ctx);
                    }
                }
                Err(error) => log::warn!("alerts can't be told now: {error}"),
            }
        }));
    }
}

fn pause_after(in_vain: u32) -> Duration {
    Duration::from_secs(1 << in_vain.saturating_sub(1).min(16)).min(TELL_PAUSE_MAX)
}

/// A look, and the pass that it may call for.
async fn look_once(parts: &MonitorParts, memory: &mut Memory) -> Result<(), Trouble> {
    let run = scheduled::last_run(parts.pool.pool(), NAME).await?;
    if memory.counted.is_none_or(|at| at.elapsed() >= COUNT_EVERY) {
        let open = alerts::open_by_kind(parts.pool.pool()).await?;
        parts.metrics.note(|counts| {
            counts.alerts_open.reset();
            open.iter().for_each(|(kind, open)| counts.alerts_open.with_label_values(&[kind.as_str()]).set(*open));
        });
        memory.counted = Some(Instant::now());
    }
    let is_scheduled = parts.schedule.is_due(run.last, run.now);
    let may_again = memory.not_before.is_some_and(|at| at <= Instant::now());
    let wanted = is_scheduled || memory.again || may_again;
    let places = parts.places();
    let ground = if wanted {
        places.ground().await?
    } else {
        // Is there a market whose deadline this life has not seen pass yet, and has it passed?
        let Some(proposed_at) = overdue::next_resolution(parts.pool.pool(), memory.seen_until).await? else {
            return Ok(());
        };
        if memory.clock_read.is_some_and(|at| at.elapsed() < CLOCK_EVERY) {
            return Ok(());
        }
        memory.clock_read = Some(Instant::now());
        let ground = places.ground().await?;
        if proposed_at > ground.due_since() {
            return Ok(());
        }
        ground
    };
    memory.again = false;
    finalize(parts, &places, &ground, memory).await?;
    if is_scheduled {
        let conditions = places.conditions(&ground).await;
        for (kind, trouble) in &conditions.unanswered {
            log::warn!("whether there is an alert {} can't be asked now: {trouble}", kind.as_str());
        }
        act::tell(&parts.pool, &conditions).await?;
        for Balance { authority, lamports, .. } in &conditions.balances {
            let lamports = lamports.0.try_into().unwrap_or(i64::MAX);
            let authority = [authority.as_str()];
            parts.metrics.note(|counts| counts.authority_balance.with_label_values(&authority).set(lamports));
        }
        // For the schedule as of when it was asked: what falls due meanwhile is due.
        scheduled::note_run(&parts.pool, NAME, run.now).await?;
    }
    Ok(())
}

/// Has all finalized that is due, as much as one pass takes.
async fn finalize(
    parts: &MonitorParts,
    places: &Places,
    ground: &look::Ground,
    memory: &mut Memory,
) -> Result<(), Trouble> {
    let walk = memory.walk.unwrap_or_default();
    let found = places.due(ground, walk.place).await?;
    let due = found.intents.len();
    let handed = act::submit(&parts.submitter, found.intents).await;
    memory.walk = None;
    match walk.went(found.next, found.waits_for_finality, due, &handed, Instant::now()) {
        Walked::On(walk) => (memory.walk, memory.again) = (Some(walk), true),
        Walked::Over { not_before, is_unfinished } => {
            memory.not_before = not_before;
            // What becomes final, or finds room, in a moment is looked for as a deadline is.
            if !is_unfinished {
                memory.seen_until = Some(ground.due_since());
            }
        }
    }
    Ok(())
}

impl Actor for Monitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.add_stream(ended(self.parts.news.subscribe()));
        ctx.run_interval(LOOK_EVERY, Self::look);
        self.look(ctx);
    }
}

/// An attempt of ours has ended, and what it was for is not done.
struct Ended;

/// One for each, also for news that were missed.
fn ended(news: broadcast::Receiver<GovernanceNews>) -> impl Stream<Item = Ended> {
    stream::unfold(news, |mut news| async move {
        loop {
            match news.recv().await {
                Ok(told) if told.purpose != Purpose::FinalizeUndisputed => {}
                Ok(told) if told.status == AttemptStatus::Finalized => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return Some((Ended, news)),
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

impl StreamHandler<Ended> for Monitor {
    fn handle(&mut self, _: Ended, _: &mut Self::Context) {
        self.memory.again = true;
    }

    /// Nobody sends any more: the process ends, and this actor when it is told to.
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl Handler<Crash> for Monitor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the monitor was asked to crash");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_that_takes_nothing_is_asked_ever_more_rarely_and_once_a_minute_at_least() {
        let pauses: Vec<u64> = [1, 2, 3, 6, 7, 8, u32::MAX].map(|in_vain| pause_after(in_vain).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60]);
    }
}
