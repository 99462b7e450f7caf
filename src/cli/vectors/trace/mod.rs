//! Traces of markets: trades in order, each with what the chain emitted and left behind.
//!
//! A trade takes the engine's whole way: the quote says what the chain will do, its event becomes an entry by
//! `Market::plan`, and the entry moves the market by `Market::apply` and the wallet's position by `Position::apply`. The
//! event's bytes, the market and the position are compared with the recorded ones; a trade that the chain refused has
//! to be refused with the same error, and to change nothing.
//!
//! A wrong step is one failure, not one of every step after it: those are tried from the engine's own state and then
//! from the state that the wrong step recorded.

mod compare;
mod ledger;
mod line;

use serde_json::Value;

use self::{
    ledger::Ledger,
    line::{Line, Step},
};
use super::{Place, Report};

/// A trace, ready to run.
#[derive(Debug)]
pub(super) struct Trace {
    initial: Ledger,
    steps: Vec<Step>,
}

impl Trace {
    /// Reads a line. A malformed step is kept, to fail on its own.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        if let Ok(line) = serde_json::from_slice::<Line<Step>>(line) {
            return Ok(Self { initial: Ledger::new(&line)?, steps: line.steps });
        }
        let line = serde_json::from_slice::<Line<Value>>(line).map_err(|error| error.to_string())?;
        Ok(Self { initial: Ledger::new(&line)?, steps: line.steps.iter().map(Step::read).collect() })
    }

    /// Runs and counts every step.
    pub(super) fn run(self, mut place: Place<'_>, report: &mut Report) {
        let mut ledger = self.initial;
        // The state that the step before recorded, where it failed.
        let mut recorded: Option<Ledger> = None;
        for (index, step) in self.steps.iter().enumerate() {
            place.step = Some(index + 1);
            let ran = ledger.run(step, index);
            let Some(difference) = ran.difference else {
                ledger.commit(ran.after);
                recorded = None;
                report.pass();
                continue;
            };
            if let Some(mut other) = recorded.take() {
                let again = other.run(step, index);
                if again.difference.is_none() {
                    other.commit(again.after);
                    ledger = other;
                    report.pass();
                    continue;
                }
            }
            report.fail(&place, &difference);
            recorded = Some(ledger.recorded(step));
            ledger.commit(ran.after);
        }
    }
}
