//! Verifier: has the leader compare the journal with the chain by itself, and heal what it is asked to.
//!
//! Two things beside each other, each one at a time:
//!
//! - A comparison ([`check`]) by a schedule, compared with when the last one *began*, both by PostgreSQL's clock: one that was
//!   missed is made up once, and a process that dies in the middle again and again does not begin again and again: the next moment
//!   of the schedule is waited for. One that the node or the database cut short is tried a few times more in this life. What it
//!   finds is an alert, which the next comparison that finds nothing resolves, and figures.
//! - Repairs ([`repair`]) that somebody has asked for (`journal::repairs`), the oldest first.
//!
//! Its client has a small share of the budget, so that what is live is not starved. Nothing is remembered that matters: a life
//! that ends loses a comparison, and a repair is taken again by the next.

pub mod check;
mod repair;

use std::time::{Duration, Instant};

use actix::prelude::*;

use self::check::{Check, Report};
use super::{
    kinds::kind,
    registry::Registry,
    role::Runs,
    root::Kind,
    supervision::{Crash, DeathGuard, Link, retires},
    trouble::Trouble,
};
use crate::{
    chain::rpc::{ChainReadError, ChainRpc},
    domain::{alert::AlertKind, ids::AccountAddress, schedule::Schedule},
    faults,
    journal::{
        JournalError,
        alerts::{self, NewAlert},
        dead_letters,
        lease::Leased,
        repairs::{self, Outcome},
        scheduled,
    },
    telemetry::health::Health,
};

/// It looks so often whether something is to be done.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Its names among scheduled runs: when a comparison began, and when one was last complete.
pub const NAME: &str = "verifier";
const COMPLETE: &str = "verifier_complete";
/// The alert's subject.
const SUBJECT: &str = "journal";
/// A comparison that was cut short is tried again so often, after this pause.
const TRIES_MAX: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// A repair that the node or the database cut short is begun again after so long.
const REPAIRS_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// So often, then it is answered as impossible: what is asked for after it is not held up for ever.
const REPAIR_TRIES_MAX: u32 = 24;
/// Differences that the alert names.
const NAMED: usize = 5;

/// What the actor works with.
#[derive(Clone)]
pub struct VerifierParts {
    /// A client with its share of the budget, of this arbiter.
    pub rpc: ChainRpc,
    /// Of this arbiter.
    pub pool: Leased,
    /// The way to the streams.
    pub registry: Link<Registry>,
    /// The program's config account.
    pub config_address: AccountAddress,
    /// When all is compared.
    pub schedule: Schedule,
    /// Where figures are told.
    pub health: Health,
}

/// See the module.
pub struct Verifier {
    parts: VerifierParts,
    is_looking: bool,
    is_comparing: bool,
    repairs_at: Instant,
    /// The repair that was cut short last, and how often it was.
    cut_short: Option<(i64, u32)>,
    /// Of a comparison that was cut short: how often it was tried, and when it is again.
    again: Option<(u32, Instant)>,
    _guard: DeathGuard,
}

/// The kind that root starts; it runs where the node leads.
pub fn verifier(link: &Link<Verifier>, arbiter: ArbiterHandle, parts: VerifierParts) -> Kind {
    kind("verifier", Runs::Leading, link, arbiter, parts, |parts, role, guard| {
        Verifier::new(VerifierParts { pool: parts.pool.under(role.term()), ..parts }, guard)
    })
}

impl Verifier {
    /// A new life, which knows nothing but the tables.
    pub fn new(parts: VerifierParts, guard: DeathGuard) -> Self {
        Self {
            parts,
            is_looking: false,
            is_comparing: false,
            repairs_at: Instant::now(),
            cut_short: None,
            again: None,
            _guard: guard,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        self.look_for_repairs(ctx);
        if self.is_comparing {
            return;
        }
        let retries = self.again.filter(|(_, at)| *at <= Instant::now());
        if self.again.is_some() && retries.is_none() {
            return;
        }
        self.is_comparing = true;
        let parts = self.parts.clone();
        let work = async move {
            if retries.is_none() && !begins(&parts).await? {
                return Ok(None);
            }
            compare(&parts).await.map(Some)
        };
        ctx.spawn(work.into_actor(self).map(move |compared, actor, _| {
            actor.is_comparing = false;
            actor.compared(compared, retries.map_or(0, |(tries, _)| tries));
        }));
    }

    fn compared(&mut self, compared: Result<Option<Report>, Trouble>, tries: u32) {
        match compared {
            Ok(None) => {}
            Ok(Some(report)) => {
                self.again = None;
                log::info!("{report}");
            }
            Err(error) if tries < TRIES_MAX => {
                log::warn!("the journal can't be compared with the chain now, it is tried again: {error}");
                self.again = Some((tries + 1, Instant::now() + TRY_AGAIN_AFTER));
            }
            Err(error) => {
                log::warn!("the journal can't be compared with the chain, the next time is waited for: {error}");
                self.again = None;
            }
        }
    }

    /// One after the other, until none is left.
    fn look_for_repairs(&mut self, ctx: &mut Context<Self>) {
        if self.repairs_at > Instant::now() || std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let (parts, mut cut_short) = (self.parts.clone(), self.cut_short);
        let work = async move {
            let done = repair_all(&parts, &mut cut_short).await;
            (done, cut_short)
        };
        ctx.spawn(work.into_actor(self).map(|(done, cut_short), actor, _| {
            actor.is_looking = false;
            actor.cut_short = cut_short;
            if let Err(error) = done {
                log::warn!("repairs are looked for again: {error}");
                actor.repairs_at = Instant::now() + REPAIRS_AGAIN_AFTER;
            }
        }));
    }
}

/// All of it is asked of one node.
fn check_of(parts: &VerifierParts) -> Check {
    Check::new(parts.rpc.pinned(), parts.pool.pool().clone(), parts.rpc.program(), Vec::new())
}

/// All that is asked for, the oldest first. `cut_short`: which was, and how often.
async fn repair_all(parts: &VerifierParts, cut_short: &mut Option<(i64, u32)>) -> Result<(), Trouble> {
    while let Some(request) = repairs::oldest(parts.pool.pool()).await? {
        repairs::take(&parts.pool, request.id).await?;
        faults::reached("verifier:taken");
        let (outcome, detail) = match repair::repair(parts, &check_of(parts), &request).await {
            Ok(done) => done,
            Err(error) => {
                let tries = cut_short.filter(|(id, _)| *id == request.id).map_or(1, |(_, tries)| tries + 1);
                *cut_short = Some((request.id, tries));
                if tries < REPAIR_TRIES_MAX {
                    return Err(error);
                }
                (Outcome::Impossible, format!("it was tried {tries} times, and cut short by: {error}"))
            }
        };
        log::info!("repair {}: {}: {detail}", request.id, outcome.as_str());
        repairs::answer(&parts.pool, request.id, outcome, &detail).await?;
    }
    // Letters whose retry is over are closed by those who see that; those of users' rows are seen here.
    let mut client = parts.pool.get().await.map_err(JournalError::from)?;
    let tx = parts.pool.begin(&mut client).await?;
    dead_letters::settle(&*tx).await?;
    tx.commit().await.map_err(JournalError::from)?;
    Ok(())
}

/// Is it time? Then it is noted before anything is compared: a life that ends in the middle is no reason to begin again at once.
async fn begins(parts: &VerifierParts) -> Result<bool, Trouble> {
    let run = scheduled::last_run(parts.pool.pool(), NAME).await?;
    let Some(last) = run.last else {
        // Nothing was missed by a journal that is new: its first time comes.
        scheduled::note_run(&parts.pool, NAME, run.now).await?;
        return Ok(false);
    };
    if !parts.schedule.is_due(Some(last), run.now) {
        return Ok(false);
    }
    scheduled::note_run(&parts.pool, NAME, run.now).await?;
    Ok(true)
}

async fn compare(parts: &VerifierParts) -> Result<Report, Trouble> {
    if !parts.rpc.decides() {
        // It may be behind, and then all that is new would differ.
        let detail = "the second node is in use, and is not compared with".to_owned();
        return Err(ChainReadError::Unavailable { method: "verification", detail }.into());
    }
    let report = check_of(parts).run().await?;
    faults::reached("verifier:compared");
    let run = scheduled::last_run(parts.pool.pool(), COMPLETE).await?;
    let (differences, at) = (report.differences.len(), run.now.timestamp());
    // Told before the alert is: who is woken by that finds the figures.
    parts.health.metrics().note(|counts| {
        counts.verify_differences.set(whole(differences as u64));
        counts.verify_last_success.set(at);
        counts.verify_markets.set(whole(report.markets));
        counts.verify_positions.set(whole(report.positions));
        counts.verify_votes.set(whole(report.votes));
    });
    match report.differences.as_slice() {
        [] => drop(alerts::resolve(&parts.pool, AlertKind::JournalDiffers, SUBJECT).await?),
        found => {
            let named: Vec<String> = found.iter().take(NAMED).map(ToString::to_string).collect();
            let more = if report.is_cut { " or more" } else { "" };
            let message = format!("{}{more} differences: {}", found.len(), named.join(" | "));
            alerts::raise(&parts.pool, &NewAlert::new(AlertKind::JournalDiffers, SUBJECT, message)).await?;
        }
    }
    scheduled::note_run(&parts.pool, COMPLETE, run.now).await?;
    Ok(report)
}

/// When the last comparison was complete, in unix seconds, and how many differences the alert that it left open names.
async fn recalled(pool: &Leased) -> Result<(Option<i64>, i64), JournalError> {
    let last = scheduled::last_run(pool.pool(), COMPLETE).await?.last;
    let message = alerts::message(pool.pool(), AlertKind::JournalDiffers, SUBJECT).await?;
    // Its first word is the number.
    let count = |message: String| message.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(1);
    Ok((last.map(|last| last.timestamp()), message.map_or(0, count)))
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Actor for Verifier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // What an earlier life found out is told until this one has.
        let (pool, metrics) = (self.parts.pool.clone(), self.parts.health.metrics().clone());
        let recall = async move { recalled(&pool).await };
        ctx.spawn(recall.into_actor(self).map(move |recalled, _, _| match recalled {
            Ok((Some(last), differences)) => metrics.note(|counts| {
                counts.verify_last_success.set(last);
                counts.verify_differences.set(differences);
            }),
            Ok(_) => {}
            Err(error) => log::warn!("what the last comparison found can't be recalled: {error}"),
        }));
        ctx.run_interval(LOOK_EVERY, Self::look);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // Whoever leads from now on tells them.
        self.parts.health.metrics().note(|counts| {
            let all = [
                &counts.verify_differences,
                &counts.verify_last_success,
                &counts.verify_markets,
                &counts.verify_positions,
                &counts.verify_votes,
            ];
            all.into_iter().for_each(|figure| figure.set(0));
        });
    }
}

impl Handler<Crash> for Verifier {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the verifier was asked to crash");
    }
}

retires!(Verifier);
