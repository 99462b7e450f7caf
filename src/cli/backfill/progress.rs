//! How far a backfill is, for people: a bar on a terminal, and a line every few seconds elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::actors::listener::Sight;

/// Between two lines.
const LINE_EVERY: Duration = Duration::from_secs(3);
/// The rate is that of so many seconds.
const RATE_OVER: Duration = Duration::from_secs(10);

/// See the module.
pub struct Display {
    bar: Option<ProgressBar>,
    rate: Rate,
    line_due: Instant,
}

impl Display {
    /// Nothing is shown yet.
    pub fn start() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, rate: Rate::default(), line_due: Instant::now() }
    }

    /// Shows how far it is now.
    pub fn show(&mut self, sight: &Sight) {
        let now = Instant::now();
        self.rate.note(now, sight.events, sight.settled);
        match &self.bar {
            Some(bar) => {
                bar.set_length(sight.staged.max(1));
                bar.set_position(sight.settled);
                bar.set_message(self.text(sight));
            }
            None if now >= self.line_due => {
                self.line_due = now + LINE_EVERY;
                eprintln!("{}", self.text(sight));
            }
            None => {}
        }
    }

    /// Nothing more is shown.
    pub fn finish(&mut self, sight: &Sight) {
        match &self.bar {
            Some(bar) => bar.finish_and_clear(),
            None => eprintln!("{}", self.text(sight)),
        }
    }

    fn text(&self, sight: &Sight) -> String {
        let Sight { listed, listed_down_to, first_slot, slot, target_slot, staged, settled, events, .. } = *sight;
        if !sight.is_listed {
            return format!("listing: {listed} transactions found, down to slot {listed_down_to} of {first_slot}");
        }
        let (per_second, settled_per_second) = self.rate.per_second();
        let left = staged.saturating_sub(settled);
        let eta = left.checked_div(settled_per_second).map_or("?".to_owned(), |seconds| format!("{seconds} s"));
        format!(
            "slot {slot} of {target_slot}, {settled} of {staged} transactions, {events} events, {per_second}/s, ETA {eta}"
        )
    }
}

/// Counts of the last seconds.
#[derive(Default)]
struct Rate {
    seen: std::collections::VecDeque<(Instant, u64, u64)>,
}

impl Rate {
    fn note(&mut self, now: Instant, events: u64, settled: u64) {
        self.seen.push_back((now, events, settled));
        while self.seen.len() > 2 && self.seen.front().is_some_and(|(at, ..)| now.duration_since(*at) > RATE_OVER) {
            self.seen.pop_front();
        }
    }

    /// Events, and settled transactions.
    fn per_second(&self) -> (u64, u64) {
        let (Some((began, events, settled)), Some((now, events_now, settled_now))) =
            (self.seen.front(), self.seen.back())
        else {
            return (0, 0);
        };
        let millis = u64::try_from(now.duration_since(*began).as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = |from: u64, to: u64| to.saturating_sub(from).saturating_mul(1_000) / millis;
        (rate(*events, *events_now), rate(*settled, *settled_now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Slot;

    fn sight() -> Sight {
        Sight {
            listed: 40,
            listed_down_to: Slot(3),
            is_listed: false,
            staged: 40,
            settled: 0,
            events: 0,
            first_slot: Slot(0),
            slot: Slot(3),
            target_slot: Slot(9),
        }
    }

    #[test]
    fn a_line_tells_the_list_first_and_then_slot_events_rate_and_what_is_left() {
        let mut display = Display { bar: None, rate: Rate::default(), line_due: Instant::now() };
        assert_eq!(display.text(&sight()), "listing: 40 transactions found, down to slot 3 of 0");
        let now = Instant::now();
        display.rate.note(now, 0, 0);
        display.rate.note(now + Duration::from_secs(2), 40, 20);
        let listed = Sight { is_listed: true, settled: 20, events: 40, slot: Slot(5), ..sight() };
        assert_eq!(display.text(&listed), "slot 5 of 9, 20 of 40 transactions, 40 events, 20/s, ETA 2 s");
    }

    #[test]
    fn a_rate_forgets_what_was_long_ago_and_nothing_is_divided_by_nothing() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), (0, 0));
        let now = Instant::now();
        for second in 0..30 {
            rate.note(now + Duration::from_secs(second), if second < 15 { 0 } else { 100 * (second - 14) }, 0);
        }
        assert_eq!(rate.per_second(), (100, 0));
        assert!(rate.seen.len() < 13);
    }
}
