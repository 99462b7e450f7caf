//! Panics: who panicked, with which words, and the way there.
//!
//! Owns the process's panic hook, and the name under which a thread works at the moment. An actor's name is set while it is
//! polled ([`Working`]); where nobody is polled the thread's own name counts, which it got when it was first watched. A panic
//! is logged here, once, and added to the [`Census`]. Never decides what follows: that is who holds the actor's guard.

use std::{
    backtrace::Backtrace,
    cell::{Cell, RefCell},
    panic::PanicHookInfo,
    time::Duration,
};

use chrono::Utc;

use super::census::{Census, GATEWAY, HUB, LastPanic, STREAMS};

/// A message is cut after so many bytes.
const MESSAGE_BYTES_MAX: usize = 2_000;
/// A backtrace too.
const BACKTRACE_BYTES_MAX: usize = 16_384;

thread_local! {
    static WORKING: Cell<Option<&'static str>> = const { Cell::new(None) };
    static THREAD: RefCell<String> = const { RefCell::new(String::new()) };
    /// For fault tests: each turn on this thread takes so much longer.
    static SLOWED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// An actor works on this thread until this is dropped.
#[derive(Debug)]
pub struct Working(());

impl Working {
    /// By that name.
    pub fn as_one(name: &'static str) -> Self {
        WORKING.set(Some(name));
        Self(())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        WORKING.set(None);
    }
}

/// What this thread is called, for panics of who is not polled under a name.
pub fn name_thread(name: &str) {
    THREAD.with(|own| name.clone_into(&mut own.borrow_mut()));
}

/// For fault tests: each turn of an actor on this thread takes so much longer from now on.
pub fn slow_thread(time: Duration) {
    SLOWED.set(time);
}

/// See [`slow_thread`].
pub fn slowed_by() -> Duration {
    SLOWED.get()
}

/// From now on panics are told to this census, in place of the standard error.
pub fn tell(census: Census) {
    std::panic::set_hook(Box::new(move |info| heard(&census, info)));
}

fn heard(census: &Census, info: &PanicHookInfo<'_>) {
    let who = who();
    let said = info.payload_as_str().unwrap_or("(no words)");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = cut(format!("{said} ({place})"), MESSAGE_BYTES_MAX);
    let backtrace = cut(Backtrace::force_capture().to_string(), BACKTRACE_BYTES_MAX);
    log::error!("{who} panicked at {place}: {said}\n{backtrace}");
    census.panicked(&who, LastPanic { at: Utc::now(), message, backtrace });
}

fn who() -> String {
    if let Some(name) = WORKING.get() {
        return name.to_owned();
    }
    // A thread whose locals are gone is about to end.
    let thread = THREAD.try_with(|own| own.try_borrow().map(|own| own.clone()).unwrap_or_default()).unwrap_or_default();
    match &*thread {
        "api" => GATEWAY.to_owned(),
        "websocket" => HUB.to_owned(),
        streams if streams.starts_with("streams-") => STREAMS.to_owned(),
        "" => std::thread::current().name().unwrap_or("a thread").to_owned(),
        other => other.to_owned(),
    }
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_panics_is_who_is_polled_and_else_the_thread() {
        std::thread::spawn(|| {
            for (thread, who_it_is) in [("api", GATEWAY), ("websocket", HUB), ("streams-1", STREAMS), ("ops", "ops")] {
                name_thread(thread);
                assert_eq!(who(), who_it_is);
            }
            let working = Working::as_one("listener");
            assert_eq!(who(), "listener");
            drop(working);
            assert_eq!(who(), "ops");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn words_are_cut_between_characters() {
        assert_eq!(cut("aé".into(), 2), "a");
        assert_eq!(cut("aé".into(), 3), "aé");
    }
}
