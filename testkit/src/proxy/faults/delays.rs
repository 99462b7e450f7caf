//! Answers and notifications that come late. Notifications keep their order; answers of different calls don't.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    super::{
        fault::Dice,
        message::{Call, Note, Reply},
        node::Node,
        rules::{Rule, SocketId},
    },
    errors::Methods,
    notifications::Matcher,
};

/// How late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// Always the same.
    Fixed(Duration),
    /// Anything up to that, drawn from a seed.
    UpTo(Duration, u64),
}

/// Draws delays.
struct Clock {
    delay: Delay,
    random: Mutex<StdRng>,
}

impl Clock {
    fn new(delay: Delay) -> Self {
        let seed = match delay {
            Delay::Fixed(_) => 0,
            Delay::UpTo(_, seed) => seed,
        };
        Self { delay, random: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    fn draw(&self) -> Duration {
        match self.delay {
            Delay::Fixed(delay) => delay,
            Delay::UpTo(most, _) => {
                let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
                let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
                Duration::from_micros(random.random_range(0..=most))
            }
        }
    }
}

/// Late answers.
pub struct LateAnswers {
    methods: Methods,
    clock: Clock,
    dice: Arc<Dice>,
}

impl LateAnswers {
    /// Of these methods.
    pub fn new(methods: Methods, delay: Delay, dice: Arc<Dice>) -> Self {
        Self { methods, clock: Clock::new(delay), dice }
    }
}

impl Rule for LateAnswers {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if self.methods.include(&call.method) && self.dice.strikes() {
            reply.after += self.clock.draw();
        }
        Box::pin(async {})
    }
}

/// Late notifications.
pub struct LateNotes {
    which: Matcher,
    clock: Clock,
    dice: Arc<Dice>,
}

impl LateNotes {
    /// Of that kind.
    pub fn new(which: Matcher, delay: Delay, dice: Arc<Dice>) -> Self {
        Self { which, clock: Clock::new(delay), dice }
    }
}

impl Rule for LateNotes {
    fn notify(&self, _socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if self.which.matches(&mut note) && self.dice.strikes() {
            note.after += self.clock.draw();
        }
        out.push(note);
    }
}
