//! A fault that has been set: when it strikes, how often it did, and how it ends.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::patience::wait_for;

/// Which of the messages that a fault could strike it does strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All of them, until it is lifted.
    Always,
    /// The next so many.
    Next(u64),
    /// On average one in `n`, drawn from a seed.
    OneIn {
        /// At least 1.
        n: u32,
        /// The same seed strikes the same places of the same sequence.
        seed: u64,
    },
}

/// Decides and counts.
#[derive(Debug)]
pub struct Dice {
    when: When,
    random: Mutex<StdRng>,
    left: AtomicU64,
    struck: AtomicU64,
    lifted: AtomicBool,
}

impl Dice {
    /// For a fault that is being set.
    pub fn new(when: When) -> Arc<Self> {
        let (left, seed) = match when {
            When::Always => (u64::MAX, 0),
            When::Next(count) => (count, 0),
            When::OneIn { seed, .. } => (u64::MAX, seed),
        };
        Arc::new(Self {
            when,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            left: AtomicU64::new(left),
            struck: AtomicU64::new(0),
            lifted: AtomicBool::new(false),
        })
    }

    /// True if this message is to be struck; counts it.
    pub fn strikes(&self) -> bool {
        if self.is_lifted() {
            return false;
        }
        let drawn = match self.when {
            When::Always => true,
            When::Next(_) => {
                let take = |left: u64| left.checked_sub(1);
                self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
            }
            When::OneIn { n, .. } => {
                self.random.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..n.max(1)) == 0
            }
        };
        if drawn {
            self.hit();
        }
        drawn
    }

    /// Counts one more message that was struck.
    pub fn hit(&self) {
        self.struck.fetch_add(1, Ordering::SeqCst);
    }

    /// It has been lifted.
    pub fn is_lifted(&self) -> bool {
        self.lifted.load(Ordering::SeqCst)
    }
}

/// The hand on a fault that has been set. Dropping it leaves the fault where it is.
#[derive(Clone)]
pub struct Fault {
    name: &'static str,
    dice: Arc<Dice>,
    on_lift: Arc<dyn Fn() + Send + Sync>,
}

impl Fault {
    pub(super) fn new(name: &'static str, dice: Arc<Dice>, on_lift: impl Fn() + Send + Sync + 'static) -> Self {
        Self { name, dice, on_lift: Arc::new(on_lift) }
    }

    /// What it is.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How often it really struck.
    pub fn struck(&self) -> u64 {
        self.dice.struck.load(Ordering::SeqCst)
    }

    /// Of [`When::Next`]: how many are still to be struck.
    pub fn left(&self) -> u64 {
        self.dice.left.load(Ordering::SeqCst)
    }

    /// Waits until it has struck so often.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn has_struck(&self, times: u64) {
        wait_for(&format!("the fault `{}` to strike {times} times", self.name), || async {
            let struck = self.struck();
            if struck >= times { Ok(()) } else { Err(struck) }
        })
        .await;
    }

    /// Ends it. What it still holds back goes on its way now.
    pub fn lift(&self) {
        if !self.dice.lifted.swap(true, Ordering::SeqCst) {
            (self.on_lift)();
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("name", &self.name).field("dice", &self.dice).finish_non_exhaustive()
    }
}
