//! LeaseKeeper: asks for the lease of an office, renews it, and says what this node is because of it. There is one an office.
//!
//! Owns the term that this node has, and the moment until which it is surely valid: by the monotonic clock of this process,
//! counted from before the database was asked. [`MARGIN`] before that moment all that a leader does by itself stops, whoever
//! answers or does not; what a pause of the whole process makes of that is the database's affair (`journal::lease`). It goes
//! on asking: a lease that nobody has taken meanwhile is renewed in the same term, and one that somebody has makes this a
//! node that follows. So a database that is away for a while costs no stream its memory. A node that follows asks every
//! [`ASK_EVERY`], so that it leads that long after a lease has ended; at its first asking only, it takes over from an earlier
//! life of itself at once. Has an arbiter and a connection that nobody busy shares.
//!
//! Each time before it asks, it looks whether the database is still the one of the journal's life
//! (`journal::current_life`): after a promotion or a restore under the same address it begins the next life, in which it
//! holds nothing yet, and has root end all that knows the old one.
//!
//! Panic: the next life goes on with the term that the one before had.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix::prelude::*;
use deadpool_postgres::Pool;

use super::{
    role::Role,
    root::{Become, Lapse, Reborn, Root},
    supervision::{Crash, DeathGuard, Link},
    trouble::Lasting,
};
use crate::{
    domain::ids::Epoch,
    journal::{
        JournalError,
        current_life::{CurrentLife, LivingDatabase},
        lease::{self, Asked, Holder, Office, Term},
        pool,
    },
    telemetry::health::{Health, LeaseStanding, Part},
};

/// A lease is renewed so often.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Who has no lease looks so often whether it is to be had.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// It looks at the clock so often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So long before the lease may expire, the node stops leading.
const MARGIN: Duration = Duration::from_secs(1);
/// The database has so long to answer to a renewal.
const RENEWAL_MAX: Duration = Duration::from_millis(1_500);
/// A takeover waits for every transaction of the last term.
const TAKEOVER_MAX: Duration = Duration::from_secs(20);
/// The beginning of a life waits for the migrations of an older dump: cut short, they would begin again for ever.
const BEGINNING_MAX: Duration = Duration::from_secs(3_600);

/// What the keeper works with.
#[derive(Clone)]
pub struct LeaseParts {
    /// Of its arbiter.
    pub pool: Pool,
    /// Which database that is, and which it has to be.
    pub database: LivingDatabase,
    /// Whose lease.
    pub office: Office,
    /// This node's name among those of its database.
    pub node: String,
    /// It has all that whoever holds the office needs.
    pub may_lead: bool,
    /// Who starts and ends what belongs to a role.
    pub root: Link<Root>,
    /// Where it is told.
    pub health: Health,
    /// What its lives have in common.
    pub held: Held,
}

/// What one life of the keeper leaves to the next.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Mutex<HeldLease>>);

#[derive(Debug, Clone, Copy, Default)]
struct HeldLease {
    lease: Option<(Term, Instant)>,
    /// The life of the journal in which it was asked for.
    epoch: Epoch,
    /// It has asked once: from now on it waits until a lease has expired, also one of its own name.
    has_asked: bool,
}

impl Held {
    fn get(&self) -> HeldLease {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, lease: Option<(Term, Instant)>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (held.lease, held.has_asked) = (lease, true);
    }

    /// Nothing is held in a life that begins; its database may still name this node, which takes over from itself at once.
    fn begin(&self, epoch: Epoch) {
        let new = HeldLease { lease: None, epoch, has_asked: false };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

/// How it is said to people.
struct Words {
    leads: &'static str,
    at_a_lapse: &'static str,
    of_the_others: &'static str,
}

enum Answer {
    /// The database is another one than that of the journal's life.
    Elsewhere,
    /// It was another one: this is another life.
    Reborn,
    Renewed(Option<Instant>),
    Asked(Asked),
}

/// See the module.
pub struct LeaseKeeper {
    parts: LeaseParts,
    asking: bool,
    due: Instant,
    is_ending: bool,
    /// The lease could not be renewed in time.
    lapsed: bool,
    /// Root knows what this node is.
    told: bool,
    /// Root has yet to hear of another life of the journal.
    reborn: bool,
    trouble: Lasting,
    _guard: DeathGuard,
}

impl LeaseKeeper {
    /// A keeper that goes on where the last one ended.
    pub fn new(parts: LeaseParts, guard: DeathGuard) -> Self {
        let (asking, is_ending, lapsed, told, reborn) = (false, false, false, true, false);
        Self {
            parts,
            asking,
            due: Instant::now(),
            is_ending,
            lapsed,
            told,
            reborn,
            trouble: Lasting::default(),
            _guard: guard,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        self.live();
        let held = self.parts.held.get();
        if !self.told {
            self.tell();
        }
        if !self.lapsed && held.lease.is_some_and(|(_, until)| now + MARGIN >= until) {
            self.lapse();
        }
        if !self.asking && !self.is_ending && now >= self.due {
            self.ask(held, now, ctx);
        }
    }

    /// The journal's life may have become another one: what is held is worth nothing in it, and who knows the old one ends.
    fn live(&mut self) {
        let epoch = self.parts.database.life.epoch();
        let known = self.parts.held.get().epoch;
        if known == epoch {
            return;
        }
        self.parts.held.begin(epoch);
        if known == Epoch::default() {
            return;
        }
        log::warn!(
            "the database is another one: the journal goes on in epoch {epoch}, {} begins anew",
            self.parts.office
        );
        pool::drop_idle(&self.parts.pool);
        self.parts.health.forget_chain();
        (self.lapsed, self.told, self.reborn) = (false, false, true);
        self.due = Instant::now();
        self.tell();
    }

    fn ask(&mut self, held: HeldLease, now: Instant, ctx: &mut Context<Self>) {
        self.asking = true;
        self.due = now + if held.lease.is_some() { RENEW_EVERY } else { ASK_EVERY };
        let parts = self.parts.clone();
        let office = parts.office;
        let ask = async move {
            let limit = if held.lease.is_some() { RENEWAL_MAX } else { TAKEOVER_MAX };
            let answer = async {
                if !is_lived_in(&parts.pool, &parts.database.life).await? {
                    return Ok(Answer::Elsewhere);
                }
                match held.lease {
                    Some((term, _)) => lease::renew(&parts.pool, office, term, lease::VALID).await.map(Answer::Renewed),
                    None if parts.may_lead => {
                        let at_once = !held.has_asked;
                        let asked = lease::take(&parts.pool, office, &parts.node, lease::VALID, at_once).await;
                        asked.map(Answer::Asked)
                    }
                    None => lease::holder(&parts.pool, office).await.map(|holder| Answer::Asked(Asked::Theirs(holder))),
                }
            };
            let answer = tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
                // The question is still on its connection.
                pool::drop_idle(&parts.pool);
                Err(JournalError::NoAnswer(limit))
            });
            // A lease that is held runs out meanwhile: it is another database's.
            if let Ok(Answer::Elsewhere) = answer { begin_next(&parts.database).await } else { answer }
        };
        ctx.spawn(ask.into_actor(self).map(move |answer, keeper, ctx| {
            keeper.asking = false;
            keeper.answered(held, answer, ctx);
        }));
    }

    fn answered(&mut self, held: HeldLease, answer: Result<Answer, JournalError>, ctx: &mut Context<Self>) {
        self.live();
        // What was asked for a term that was stopped meanwhile, or in another life, is no news of it.
        if self.parts.held.get().epoch != held.epoch {
            return;
        }
        if self.parts.held.get().lease.map(|(term, _)| term) != held.lease.map(|(term, _)| term) {
            return;
        }
        if answer.is_ok()
            && let Some(failures) = self.trouble.over()
        {
            log::info!("the lease {} can be asked for again after {failures} failures", self.parts.office);
        }
        match answer {
            Ok(Answer::Elsewhere | Answer::Reborn) => {}
            Ok(Answer::Renewed(Some(until))) => self.renewed(held, until),
            Ok(Answer::Renewed(None)) => self.follow("its term is over: another node has taken the lease", None),
            Ok(Answer::Asked(Asked::Ours(term, _))) if self.is_ending => {
                ctx.spawn(give_up(self.parts.pool.clone(), self.parts.office, term).into_actor(self));
            }
            Ok(Answer::Asked(Asked::Ours(term, until))) => self.lead(term, until),
            Ok(Answer::Asked(Asked::Theirs(holder))) => self.follow("", Some(&holder)),
            Err(error) if held.lease.is_some() => {
                // Asked again at the next look.
                self.due = Instant::now();
                log::log!(self.trouble.failed(), "the lease {} can't be renewed now: {error}", self.parts.office);
            }
            Err(error) => {
                let Words { leads, .. } = self.words();
                log::log!(self.trouble.failed(), "the lease {} can't be asked for: {error}", self.parts.office);
                if self.parts.office == Office::Engine {
                    self.parts.health.down(Part::Database, error.to_string());
                }
                self.parts.health.degraded(self.part(), format!("nobody can be asked who {leads}: {error}"));
                // Whatever else this node is, it does not hold the office: it serves what it can.
                self.tell();
            }
        }
    }

    /// Where its health is told.
    fn part(&self) -> Part {
        match self.parts.office {
            Office::Engine => Part::Lease,
            Office::Governance => Part::Governance,
            Office::Snapshots => Part::Snapshots,
        }
    }

    fn words(&self) -> Words {
        match self.parts.office {
            Office::Engine => Words {
                leads: "leads",
                at_a_lapse: "nothing is written until it is, or another node leads",
                of_the_others: "this one follows and writes nothing",
            },
            Office::Governance => Words {
                leads: "governs",
                at_a_lapse: "no authority's transaction is sent until it is, or another node governs",
                of_the_others: "this one stands by",
            },
            Office::Snapshots => Words {
                leads: "makes snapshots",
                at_a_lapse: "no discussion is pinned until it is, or another node does it",
                of_the_others: "this one stands by",
            },
        }
    }

    fn lead(&mut self, term: Term, until: Instant) {
        let (node, office) = (&self.parts.node, self.parts.office);
        log::info!("this node ({node}) {}, in term {term}", self.words().leads);
        self.parts.held.set(Some((term, until)));
        self.parts.health.up(self.part());
        self.parts.health.set_lease(office, LeaseStanding::own(node, term.0));
        self.tell();
    }

    fn renewed(&mut self, held: HeldLease, until: Instant) {
        self.parts.held.set(held.lease.map(|(term, _)| (term, until)));
        if std::mem::take(&mut self.lapsed) {
            log::info!("this node ({}) {} again: nobody has taken its lease", self.parts.node, self.words().leads);
            self.parts.health.up(self.part());
            self.tell();
        }
    }

    fn lapse(&mut self) {
        let reason = format!("the lease could not be renewed in time: {}", self.words().at_a_lapse);
        log::warn!("{reason}");
        self.lapsed = true;
        match self.parts.office {
            Office::Engine => self.parts.health.down(Part::Lease, reason),
            // What the node serves is as true as before.
            Office::Governance | Office::Snapshots => self.parts.health.degraded(self.part(), reason),
        }
        self.tell();
    }

    /// This node does not lead; `holder` does, if that is known.
    fn follow(&mut self, why: &str, holder: Option<&Holder>) {
        if let Some((term, _)) = self.parts.held.get().lease {
            let leads = self.words().leads;
            log::warn!("this node ({}) {leads} no more, term {term}: {why}", self.parts.node);
            self.parts.health.degraded(self.part(), format!("nobody {leads}, as far as is known: {why}"));
            self.due = Instant::now() + ASK_EVERY;
        }
        self.lapsed = false;
        self.parts.held.set(None);
        if let Some(holder) = holder {
            if self.parts.office == Office::Engine {
                self.parts.health.up(Part::Database);
            }
            self.tell_who_leads(holder);
        }
        self.tell();
    }

    fn tell_who_leads(&self, Holder { node, term, is_valid }: &Holder) {
        let (health, part, Words { leads, of_the_others, .. }) = (&self.parts.health, self.part(), self.words());
        health.set_lease(self.parts.office, LeaseStanding::of_another(&self.parts.node, node, term.0, *is_valid));
        if !is_valid {
            let may = if self.parts.may_lead { "this node asks for it" } else { "this node may not (ROLES)" };
            health.degraded(part, format!("nobody {leads}: the lease of {node:?}, term {term}, has ended; {may}"));
        } else if *node == self.parts.node {
            let reason =
                format!("another process named {node} {leads}, term {term}: each node needs a NODE_ID of its own");
            health.degraded(part, reason);
        } else {
            health.off(part, format!("node {node} {leads}, term {term}: {of_the_others}"));
        }
    }

    fn tell(&mut self) {
        if self.reborn {
            self.reborn =
                self.parts.root.get().is_none_or(|root| root.try_send(Reborn(self.parts.held.get().epoch)).is_err());
            if self.reborn {
                return;
            }
        }
        let lease = self.parts.held.get().lease;
        let role = lease.map_or(Role::Following, |(term, _)| Role::Leading(term));
        let lapsed = self.lapsed && lease.is_some();
        // One that finds no room is told again at the next look.
        let office = self.parts.office;
        self.told = self.parts.root.get().is_some_and(|root| {
            if lapsed { root.try_send(Lapse(office)).is_ok() } else { root.try_send(Become(office, role)).is_ok() }
        });
    }
}

impl Actor for LeaseKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(LOOK_EVERY, Self::look);
        self.look(ctx);
    }
}

/// The process ends: the next node need not wait until the lease expires. Answered when it is given up, or was not held.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct GiveUp;

impl Handler<GiveUp> for LeaseKeeper {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: GiveUp, _: &mut Self::Context) -> Self::Result {
        self.is_ending = true;
        let held = self.parts.held.get().lease;
        self.parts.held.set(None);
        let (pool, office) = (self.parts.pool.clone(), self.parts.office);
        Box::pin(async move {
            if let Some((term, _)) = held {
                give_up(pool, office, term).await;
            }
        })
    }
}

async fn is_lived_in(pool: &Pool, life: &CurrentLife) -> Result<bool, JournalError> {
    let client = pool.get().await?;
    Ok(life.is_lived_in(&client).await?)
}

async fn begin_next(database: &LivingDatabase) -> Result<Answer, JournalError> {
    let begun = tokio::time::timeout(BEGINNING_MAX, database.life.begin_next(&database.settings)).await;
    begun.map_err(|_| JournalError::NoAnswer(BEGINNING_MAX))??;
    Ok(Answer::Reborn)
}

async fn give_up(pool: Pool, office: Office, term: Term) {
    if let Err(error) = lease::give_up(&pool, office, term).await {
        log::warn!("the lease {office} can't be given up, it expires by itself: {error}");
    }
}

impl Handler<Crash> for LeaseKeeper {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the keeper of the lease was asked to crash");
    }
}
