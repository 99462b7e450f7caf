//! Faults on demand, for tests: only where `ZMART_ENV=test`.
//!
//! A line on the standard input orders one, a line on the standard output tells that it was sent (`… sent`) or that there
//! is nobody of that name (`… unknown`):
//!
//! - `crash NAME`: that actor panics. `hub` (all of them), or a name of [`Engine::crash`].
//! - `hang NAME MILLIS`: a handler on that thread does not return for so long; all actors of the thread stand still.
//!   Every actor has a thread of its name (`root`, `writer`, `reader`, `listener`, …); streams share `streams-0` and `streams-1`,
//!   servers have `api`, `websocket`, `indexer`, `ops`.
//! - `slow NAME MILLIS`: each turn of an actor on that thread takes so much longer from now on; 0 ends it.
//! - `die-at POINT`, `stop-at POINT`: the process sends itself SIGKILL, or SIGSTOP, when it next reaches that point
//!   ([`crate::faults`]), and says `reached POINT` before.
//!
//! Read on a thread of its own: a read of the standard input can't be cancelled, and must not hold up the end.

use std::{rc::Rc, time::Duration};

use actix::prelude::*;

use crate::{
    actors::{engine::Engine, supervision::Crash},
    faults::{self, Strike},
    http::ws::hub::{Hub, Hubs},
};

/// Orders that wait to be obeyed.
const ORDERS_MAX: usize = 16;

#[derive(Debug, PartialEq, Eq)]
enum Order<'a> {
    Crash(&'a str),
    Hang(&'a str, Duration),
    Slow(&'a str, Duration),
    Strike(&'a str, Strike),
}

impl<'a> Order<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["crash", name] => Some(Self::Crash(name)),
            ["hang", name, millis] => Some(Self::Hang(name, Duration::from_millis(millis.parse().ok()?))),
            ["slow", name, millis] => Some(Self::Slow(name, Duration::from_millis(millis.parse().ok()?))),
            ["die-at", point] => Some(Self::Strike(point, Strike::Die)),
            ["stop-at", point] => Some(Self::Strike(point, Strike::Stop)),
            _ => None,
        }
    }

    /// False if there is nobody of that name.
    fn obey(&self, engine: &Engine, hubs: &Hubs) -> bool {
        match *self {
            Self::Crash("hub") => hubs.all().iter().filter(|hub| hub.try_send(Crash).is_ok()).count() > 0,
            Self::Crash(name) => engine.crash(name),
            Self::Hang(name, time) => engine.health.threads().hang(name, time),
            Self::Slow(name, time) => engine.health.threads().slow(name, time),
            Self::Strike(point, strike) => faults::arm(point, strike),
        }
    }
}

/// Obeys the lines of the standard input.
pub async fn obey(engine: Rc<Engine>, hubs: Hubs) {
    let (sender, mut lines) = tokio::sync::mpsc::channel::<String>(ORDERS_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        let line = line.trim();
        let obeyed = Order::parse(line).is_some_and(|order| order.obey(&engine, &hubs));
        println!("{line} {}", if obeyed { "sent" } else { "unknown" });
    }
}

impl Handler<Crash> for Hub {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("a hub was asked to crash");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_understood_whole_or_not_at_all() {
        assert_eq!(Order::parse("crash writer"), Some(Order::Crash("writer")));
        assert_eq!(Order::parse("hang  listener 250"), Some(Order::Hang("listener", Duration::from_millis(250))));
        assert_eq!(Order::parse("slow listener 5"), Some(Order::Slow("listener", Duration::from_millis(5))));
        assert_eq!(Order::parse("die-at a:b"), Some(Order::Strike("a:b", Strike::Die)));
        assert_eq!(Order::parse("stop-at a:b"), Some(Order::Strike("a:b", Strike::Stop)));
        for line in [
            "",
            "die-at",
            "stop-at a b",
            "crash",
            "crash a b",
            "hang listener",
            "hang listener soon",
            "hang listener -1",
            "slow x",
            "slower x 5",
        ] {
            assert_eq!(Order::parse(line), None, "{line:?}");
        }
    }
}
