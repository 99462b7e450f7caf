//! Threads that run actors: does each of them still answer?
//!
//! Owns the list of the process's arbiters under their names. A question is a closure that runs on the arbiter between
//! its actors' turns, so one blocking handler is noticed, whichever actor it belongs to. One question is out at a time:
//! a thread that hangs gathers none. Never decides what silence means: that is the watchdog's.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::ArbiterHandle;

use super::panics;

#[derive(Debug)]
struct Watched {
    name: String,
    arbiter: ArbiterHandle,
    asked: u64,
    answered: Arc<AtomicU64>,
    missed: u32,
}

/// A thread that has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// Its name.
    pub name: String,
    /// Checks in a row that found the same question open.
    pub missed: u32,
}

/// The threads; clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Threads(Arc<Mutex<Vec<Watched>>>);

impl Threads {
    /// Adds one. Threads of one kind may share a name.
    pub fn watch(&self, name: impl Into<String>, arbiter: ArbiterHandle) {
        let name = name.into();
        let own = name.clone();
        arbiter.spawn_fn(move || panics::name_thread(&own));
        let watched = Watched { name, arbiter, asked: 0, answered: Arc::new(AtomicU64::new(0)), missed: 0 };
        self.list().push(watched);
    }

    /// Asks every thread that has answered, and tells which has been silent for longest. One that is gone is forgotten:
    /// whoever runs on it is missed elsewhere.
    pub fn check(&self) -> Option<Silent> {
        let mut list = self.list();
        list.retain_mut(|watched| {
            if watched.answered.load(Ordering::Acquire) < watched.asked {
                watched.missed += 1;
                return true;
            }
            watched.missed = 0;
            watched.asked += 1;
            let (answered, number) = (Arc::clone(&watched.answered), watched.asked);
            watched.arbiter.spawn_fn(move || answered.store(number, Ordering::Release))
        });
        let silent = list.iter().filter(|watched| watched.missed > 0).max_by_key(|watched| watched.missed)?;
        Some(Silent { name: silent.name.clone(), missed: silent.missed })
    }

    /// For fault tests: blocks the threads of that name, as a handler that hangs would. False if there is none.
    pub fn hang(&self, name: &str, time: Duration) -> bool {
        let list = self.list();
        let mut named = list.iter().filter(|watched| watched.name == name).peekable();
        named.peek().is_some() && named.all(|watched| watched.arbiter.spawn_fn(move || std::thread::sleep(time)))
    }

    /// For fault tests: from now on each turn of an actor on the threads of that name takes so much longer. False if there is
    /// none.
    pub fn slow(&self, name: &str, time: Duration) -> bool {
        let list = self.list();
        let mut named = list.iter().filter(|watched| watched.name == name).peekable();
        named.peek().is_some() && named.all(|watched| watched.arbiter.spawn_fn(move || panics::slow_thread(time)))
    }

    fn list(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Checks until the answer is as wanted; a thread needs a moment to answer.
    fn check_until(threads: &Threads, wanted: impl Fn(&Option<Silent>) -> bool) -> Option<Silent> {
        for _ in 0..10_000 {
            let silent = threads.check();
            if wanted(&silent) {
                return silent;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never as wanted, last: {:?}", threads.check());
    }

    #[test]
    fn a_thread_that_hangs_is_named_and_is_well_again_when_it_answers() {
        actix::System::new().block_on(async {
            let threads = Threads::default();
            let (quick, slow) = (actix::Arbiter::new(), actix::Arbiter::new());
            threads.watch("quick", quick.handle());
            threads.watch("slow", slow.handle());
            check_until(&threads, Option::is_none);
            let (release, held) = mpsc::channel::<()>();
            assert!(slow.spawn_fn(move || assert!(held.recv().is_err())));
            let silent = check_until(&threads, |silent| silent.as_ref().is_some_and(|silent| silent.missed > 20));
            assert_eq!(silent.map(|silent| silent.name), Some("slow".to_owned()));
            drop(release);
            check_until(&threads, Option::is_none);
        });
    }

    #[test]
    fn a_thread_that_is_gone_is_forgotten() {
        actix::System::new().block_on(async {
            let threads = Threads::default();
            let arbiter = actix::Arbiter::new();
            threads.watch("gone", arbiter.handle());
            arbiter.stop();
            assert!(arbiter.join().is_ok());
            check_until(&threads, |_| threads.list().is_empty());
            assert!(!threads.hang("gone", Duration::ZERO));
        });
    }
}
