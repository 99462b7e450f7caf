//! How each blow is dealt, while everybody goes on, and how long it takes until all work again.
//!
//! Before a blow there has been work since the last one, so that each falls on something; some kills of the engine come
//! sooner, at any moment of its start.

use std::{
    ops::Range,
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime},
};

use rand::{Rng, rngs::StdRng};
use tokio::time::{sleep, timeout};

use super::{kind::Kind, verdict::Breach, world::World};
use crate::{
    host_clock::seconds_ahead,
    http::try_request,
    link::Manner,
    patience::{PATIENCE, wait_for},
    proxy::Fault,
};

/// Of so many kills of the engine, one comes while it starts.
const EARLY: u32 = 4;
/// The longest time from a start to an early kill: about twice what a start takes.
const LIFE_MS: u64 = 1_500;
/// How long servers are away.
const AWAY_MS: Range<u64> = 0..3_000;
/// How long the chain is cut off, and a stretch of network is silent: up to longer than anybody waits for an answer.
const CUT_OFF_MS: Range<u64> = 500..8_000;
const SILENT_MS: Range<u64> = 1_000..12_000;
/// How long a stretch crawls, and how it does.
const SLOW_MS: Range<u64> = 2_000..8_000;
const DELAY_MS: Range<u64> = 20..250;
const BYTES_PER_SECOND: Range<u32> = 8_000..64_000;
/// How long a disk stays full once the engine has found it full.
const FULL_MS: Range<u64> = 500..3_000;
/// The clock's jumps, in turn; each is taken back.
const JUMPS_SECONDS: [i64; 2] = [3_600, -3_600];
const JUMP_MS: Range<u64> = 1_000..4_000;
/// An answer may be so old; a jump is far more.
const CLOCK_TOLERANCE_SECONDS: u64 = 60;
/// How long one is waited for.
const ANSWER: Duration = Duration::from_secs(10);

/// Between two looks whether the engine is ready.
const LOOK: Duration = Duration::from_millis(20);
/// Acknowledgements of each sort that show that one was asked for after a blow: one more than can be under way.
const WORK_AFTER: usize = 3;

/// What was dealt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dealt {
    /// Blows.
    pub dealt: u32,
    /// Those that struck something.
    pub struck: u32,
    /// From the end of each blow until the engine was ready and had acknowledged a vote and a comment that were asked for
    /// after it; of clients, until all were back and had heard all.
    pub back_after: Vec<Duration>,
    /// What went wrong meanwhile.
    pub breaches: Vec<Breach>,
}

impl World {
    /// Deals blows of a kind, or until it is enough. By its number a blow has its place in a round: which stretch of network
    /// it falls on, or in which direction.
    ///
    /// # Panics
    /// If work does not go on before or after one.
    pub async fn deal(&mut self, kind: Kind, numbers: Range<u32>, random: &mut StdRng, log: &impl Fn(String)) -> Dealt {
        let mut dealt = Dealt::default();
        let last = numbers.end.saturating_sub(1);
        for number in numbers {
            if self.enough.load(Ordering::Relaxed) {
                break;
            }
            let is_early = kind == Kind::Engine && number % EARLY == EARLY - 1;
            if is_early {
                sleep(Duration::from_millis(random.random_range(0..LIFE_MS))).await;
            } else {
                self.has_worked(kind).await;
            }
            let struck = self.strike(kind, number, random).await;
            let over = Instant::now();
            self.revive(&mut dealt);
            dealt.dealt += 1;
            dealt.struck += u32::from(struck);
            let next_is_early = kind == Kind::Engine && (number + 1) % EARLY == EARLY - 1;
            if !next_is_early || number == last {
                if kind == Kind::Clients {
                    self.crowd.is_back(&self.database).await;
                }
                self.works_again(kind, &mut dealt).await;
                dealt.back_after.push(over.elapsed());
            }
            self.revive(&mut dealt);
            log(format!("{kind} {} of {}{}", number + 1, last + 1, if struck { "" } else { ": it fell on nothing" }));
        }
        dealt
    }

    async fn strike(&mut self, kind: Kind, number: u32, random: &mut StdRng) -> bool {
        let longest = self.longest_blow;
        let mut within = |range: Range<u64>| Duration::from_millis(random.random_range(range)).min(longest);
        match kind {
            Kind::Engine => {
                let was_running = self.engine.is_running();
                self.engine.kill();
                self.engine.launch();
                was_running
            }
            Kind::Database => {
                self.cluster.kill();
                sleep(within(AWAY_MS)).await;
                self.cluster.up().await;
                true
            }
            Kind::Redis => {
                self.redis.kill();
                sleep(within(AWAY_MS)).await;
                self.redis.up().await;
                true
            }
            Kind::Chain => {
                let (refused, dropped) = self.hand.cut_off();
                sleep(within(CUT_OFF_MS)).await;
                refused.iter().for_each(Fault::lift);
                dropped > 0 || refused.iter().any(|fault| fault.struck() > 0)
            }
            Kind::HalfOpen => {
                // Each stretch in both manners; what was held back goes on, or is lost with its connection.
                let round = number / self.links.0.len() as u32;
                let manner = if (number + round).is_multiple_of(2) { Manner::Silent } else { Manner::Deaf };
                let time = within(SILENT_MS);
                self.spoil(number, manner, time, random.random_bool(0.5)).await
            }
            Kind::Slow => {
                let (time, delay) = (within(SLOW_MS), within(DELAY_MS));
                let bytes_per_second = random.random_range(BYTES_PER_SECOND);
                self.spoil(number, Manner::Slow { delay, bytes_per_second }, time, false).await
            }
            Kind::Disk => {
                self.cluster.fill_small_disk().await;
                self.finds_the_disk_full().await;
                sleep(within(FULL_MS)).await;
                self.cluster.empty_small_disk().await;
                true
            }
            Kind::Wal => {
                let has_ended = self.cluster.run_out_of_log().await;
                sleep(within(AWAY_MS)).await;
                self.cluster.empty_small_disk().await;
                self.cluster.up().await;
                has_ended
            }
            Kind::Clock => {
                let clock = self.clock.as_ref().expect("a clock that can be moved");
                let jump = JUMPS_SECONDS[number as usize % JUMPS_SECONDS.len()];
                clock.is_ahead_by(jump);
                let has_jumped = self.is_ahead_by(jump).await;
                sleep(within(JUMP_MS)).await;
                // Who is an hour behind PostgreSQL lets nobody sign in: by that clock every message has expired.
                clock.is_ahead_by(0);
                has_jumped && self.is_ahead_by(0).await
            }
            Kind::Clients => {
                // As a crash and as a new release, in turn.
                if number.is_multiple_of(2) {
                    self.engine.kill();
                } else {
                    self.engine.stop().await;
                }
                self.crowd.has_lost_its_server();
                self.engine.launch();
                self.engine.listening().await;
                true
            }
        }
    }

    /// Waits until the engine's own clock, as it dates its answers, is so far ahead of this one; false if it never is.
    async fn is_ahead_by(&self, seconds: i64) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let asked = timeout(ANSWER, try_request("GET", &self.engine.api, "/ready", &[], b"")).await;
            let answer = asked.ok().and_then(Result::ok);
            let told = answer.and_then(|answer| seconds_ahead(answer.header("date")?, SystemTime::now()));
            if told.is_some_and(|told| told.abs_diff(seconds) < CLOCK_TOLERANCE_SECONDS) {
                return true;
            }
            sleep(LOOK).await;
        }
        false
    }

    /// Spoils one stretch of network for a while: true if something had to wait there.
    async fn spoil(&self, number: u32, manner: Manner, time: Duration, is_cut: bool) -> bool {
        let (_, link) = &self.links.0[number as usize % self.links.0.len()];
        let before = link.held();
        link.set(manner);
        sleep(time).await;
        if is_cut {
            link.cut();
        }
        link.set(Manner::Well);
        link.held() > before
    }

    async fn finds_the_disk_full(&self) {
        wait_for("the journal to find the disk full", || async {
            let down = self.engine.parts_down().await.unwrap_or_default();
            let full = down.iter().any(|(part, reason)| part == "journal" && reason.contains("53100"));
            if full { Ok(()) } else { Err(format!("down: {down:?}")) }
        })
        .await;
    }

    /// An engine that ended by itself is started again, as whoever runs it would; that it did is a breach unless it could
    /// not start because its servers were away.
    fn revive(&mut self, dealt: &mut Dealt) {
        if let Some((status, had_started)) = self.engine.ended_by_itself() {
            if had_started {
                dealt.breaches.push(Breach::Other(format!("the engine ended by itself: {status}")));
            }
            self.engine.launch();
        }
    }

    /// Waits until a trade has landed, and a vote, a comment and a transaction of users were acknowledged.
    async fn has_worked(&self, kind: Kind) {
        let before = (self.users.counts(), self.load.done());
        wait_for(&format!("work before a blow ({kind})"), || async {
            let now = (self.users.counts(), self.load.done());
            let is_more = now.1 > before.1 && now.0.iter().zip(before.0).all(|(now, before)| *now > before);
            if is_more { Ok(()) } else { Err(format!("{now:?} after {before:?}")) }
        })
        .await;
    }

    /// Waits until all is well after a blow.
    async fn works_again(&mut self, kind: Kind, dealt: &mut Dealt) {
        let began = Instant::now();
        // An engine whose servers were away when it started is started again.
        while !self.is_ready().await {
            if began.elapsed() > PATIENCE {
                let down = self.engine.parts_down().await;
                panic!("not ready after a blow ({kind}): {down:?}");
            }
            self.revive(dealt);
            sleep(LOOK).await;
        }
        let before = self.users.counts();
        wait_for(&format!("work after a blow ({kind})"), || async {
            let now = self.users.counts();
            let is_more = now.iter().zip(before).take(2).all(|(now, before)| *now >= before + WORK_AFTER);
            if is_more { Ok(()) } else { Err(format!("{now:?} after {before:?}")) }
        })
        .await;
    }

    async fn is_ready(&self) -> bool {
        match try_request("GET", &self.engine.api, "/ready", &[], b"").await {
            Ok(answer) => answer.status == 200,
            Err(_) => false,
        }
    }
}
