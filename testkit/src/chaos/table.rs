//! The table that `scripts/chaos` prints and docs/reliability.md shows.

use std::time::Duration;

use super::{Outcome, verdict::Breach};

/// Its first two lines.
pub const HEAD: &str = "\
| what | times | trades | votes | comments | transactions | asked again | came back | works again after: half, most | lost | doubled | holes | else |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// A line.
pub fn row(outcome: &Outcome) -> String {
    let (record, breaches) = (&outcome.record, &outcome.breaches);
    let what: Vec<&str> = outcome.struck.iter().map(|(kind, _)| kind.title()).collect();
    let times: Vec<String> = outcome.struck.iter().map(|(_, struck)| struck.to_string()).collect();
    let count = |of: fn(&Breach) -> bool| breaches.iter().filter(|breach| of(breach)).count();
    let cells = [
        what.join(", "),
        times.join(", "),
        outcome.trades.to_string(),
        record.votes.len().to_string(),
        record.comments.len().to_string(),
        record.orders.len().to_string(),
        record.asked_again.to_string(),
        outcome.reconnects.to_string(),
        spread(&outcome.back_after),
        count(|breach| matches!(breach, Breach::Lost(_))).to_string(),
        count(|breach| matches!(breach, Breach::Doubled(_) | Breach::MadeUp(_))).to_string(),
        count(|breach| matches!(breach, Breach::Hole(_))).to_string(),
        count(|breach| matches!(breach, Breach::Other(_))).to_string(),
    ];
    format!("| {} |", cells.join(" | "))
}

/// The median, and the longest.
fn spread(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    let seconds = |time: &Duration| format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100);
    match (times.get(times.len() / 2), times.last()) {
        (Some(half), Some(most)) => format!("{}, {}", seconds(half), seconds(most)),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::kind::Kind;

    #[test]
    fn a_row_has_a_cell_for_each_column_and_counts_every_breach() {
        let breaches = [Breach::Lost, Breach::Doubled, Breach::MadeUp, Breach::Hole, Breach::Other];
        let outcome = Outcome {
            struck: vec![(Kind::Engine, 3), (Kind::Redis, 1)],
            trades: 40,
            reconnects: 7,
            back_after: [1_500, 900, 12_040].map(Duration::from_millis).into(),
            breaches: breaches.map(|breach| breach(String::new())).into(),
            ..Outcome::default()
        };
        let row = row(&outcome);
        assert_eq!(
            row,
            "| SIGKILL of the engine, SIGKILL of Redis | 3, 1 | 40 | 0 | 0 | 0 | 0 | 7 | 1.5 s, 12.0 s | 1 | 2 | 1 | 1 |"
        );
        for line in HEAD.lines() {
            assert_eq!(line.matches('|').count(), row.matches('|').count());
        }
        assert_eq!(spread(&[]), "-");
    }
}
