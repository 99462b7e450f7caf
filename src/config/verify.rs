//! Verification: when the leader compares the journal with the chain by itself, and how much of the node it may ask for that.

use std::num::NonZeroU32;

use super::Source;
use crate::domain::schedule::Schedule;

/// See the module.
#[derive(Debug, Clone)]
pub struct VerifyConfig {
    /// When: cron, UTC.
    pub schedule: Schedule,
    /// Calls a second, of those that RPC_CALLS_PER_SECOND allows in all.
    pub rpc_calls_per_second: NonZeroU32,
}

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source) -> Option<VerifyConfig> {
    source.topic("Verification: the leader compares the journal with the chain's accounts by itself (docs/indexer.md)");
    let schedule = source.value("VERIFY_CRON", "17 * * * *", "when: cron, UTC; a run that was missed is made up once");
    let calls = source.value(
        "VERIFY_RPC_PER_SECOND",
        "5",
        "most calls a second that this and repairs may take of all: what is live goes first",
    );
    Some(VerifyConfig { schedule: schedule?, rpc_calls_per_second: calls? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_every_hour_unless_something_else_is_said_and_never_without_a_rate() {
        let mut source = Source::new(|_| None);
        let config = read(&mut source).unwrap();
        assert_eq!((config.schedule.to_string(), config.rpc_calls_per_second.get()), ("17 * * * *".to_owned(), 5));
        for (name, wrong) in [("VERIFY_CRON", "hourly"), ("VERIFY_RPC_PER_SECOND", "0")] {
            let mut source = Source::new(move |asked| (asked == name).then(|| wrong.to_owned()));
            let _ = read(&mut source);
            assert!(source.finish().unwrap_err().to_string().contains(name));
        }
    }
}
