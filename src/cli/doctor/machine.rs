//! What is left: the clocks, the machine's own limits.

use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;
use crate::{config::Config, http::descriptors::sockets_of};

/// Clocks of the host and of PostgreSQL may differ by so much: tokens and nonces have times of either.
const HOSTS_APART: Duration = Duration::from_secs(2);
/// By more, and who signs in is refused.
const HOSTS_APART_MAX: Duration = Duration::from_secs(30);
/// The chain's clock is an estimate of its validators, which may trail.
const CHAIN_APART: Duration = Duration::from_secs(60);
/// Fewer clients than this are soon too few.
const CLIENTS_MIN: u32 = 10_000;

/// Another clock, beside this host's.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// What it showed.
    theirs: SystemTime,
    /// What the host's showed then: in the middle between the question and the answer.
    ours: SystemTime,
}

impl Reading {
    /// Of a clock that was asked in between.
    pub fn between(asked: SystemTime, theirs: SystemTime, answered: SystemTime) -> Self {
        let took = answered.duration_since(asked).unwrap_or_default();
        Self { theirs, ours: asked + took / 2 }
    }

    fn apart(&self) -> Duration {
        self.theirs.duration_since(self.ours).unwrap_or_else(|error| error.duration())
    }

    fn told(&self) -> String {
        let word = if self.theirs > self.ours { "ahead" } else { "behind" };
        format!("{} ms {word}", self.apart().as_millis())
    }
}

/// The host's clock beside PostgreSQL's and the chain's.
pub fn clock(database: Option<Reading>, chain: Option<Reading>) -> Finding {
    let told = |name: &str, reading: Option<Reading>| match reading {
        Some(reading) => format!("{name} is {}", reading.told()),
        None => format!("{name} was not asked"),
    };
    if database.is_none() && chain.is_none() {
        return Finding::skipped("clock", "there is no other one to compare with");
    }
    let seen = format!("of this host's clock {}, {}", told("PostgreSQL's", database), told("the chain's", chain));
    let sync = "have both hosts' clocks synchronized (chrony, systemd-timesyncd)";
    match database.map(|reading| reading.apart()) {
        Some(apart) if apart > HOSTS_APART_MAX => return Finding::failed("clock", seen, sync),
        Some(apart) if apart > HOSTS_APART => return Finding::warning("clock", seen, sync),
        _ => {}
    }
    if chain.is_some_and(|reading| reading.apart() > CHAIN_APART) {
        let advice = "look whether the node is behind, or this host's clock is wrong; deadlines follow the chain's";
        return Finding::warning("clock", seen, advice);
    }
    Finding::ok("clock", seen)
}

/// Open files: every client is one.
pub fn files(config: &Config) -> Finding {
    // Without a limit there are as many as are wanted.
    let open_max = getrlimit(Resource::Nofile).maximum;
    of_limit(open_max, config.edge.sockets.in_all)
}

fn of_limit(open_max: Option<u64>, wanted: Option<u32>) -> Finding {
    let clients = sockets_of(open_max);
    let seen = match open_max {
        Some(open_max) => format!("{open_max} open files at most, which is {clients} WebSocket clients"),
        None => "open files have no limit".to_owned(),
    };
    let advice = "raise it: LimitNOFILE in the unit, ulimit -Hn in a shell, --ulimit nofile in a container";
    match wanted {
        Some(wanted) if wanted > clients => {
            Finding::failed("files", format!("{seen}; WS_CONNECTIONS asks for {wanted}"), advice)
        }
        None if clients < CLIENTS_MIN => Finding::warning("files", seen, advice),
        _ => Finding::ok("files", seen),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    fn apart(seconds: i64) -> Option<Reading> {
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let by = Duration::from_secs(seconds.unsigned_abs());
        Some(Reading { ours, theirs: if seconds < 0 { ours - by } else { ours + by } })
    }

    #[test]
    fn a_host_whose_clock_is_wrong_is_told_of_it() {
        for (database, chain, state) in [
            (apart(0), apart(-20), State::Ok),
            (apart(-5), apart(0), State::Warning),
            (apart(40), apart(0), State::Failed),
            (apart(0), apart(90), State::Warning),
            (None, apart(1), State::Ok),
            (None, None, State::Skipped),
        ] {
            let finding = clock(database, chain);
            assert_eq!(finding.state, state, "{finding}");
        }
        assert!(clock(apart(-40), None).detail.contains("40000 ms behind"));
    }

    #[test]
    fn a_question_that_took_long_makes_no_clock_wrong() {
        let asked = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let at = |seconds| asked + Duration::from_secs(seconds);
        assert_eq!(Reading::between(asked, at(3), at(6)).apart(), Duration::ZERO);
    }

    #[test]
    fn too_few_files_for_the_clients_that_are_wanted_fail() {
        assert_eq!(of_limit(Some(1_024), None).state, State::Warning);
        assert_eq!(of_limit(Some(65_536), None).state, State::Ok);
        assert_eq!(of_limit(Some(4_096), Some(5_000)).state, State::Failed);
        assert_eq!(of_limit(Some(4_096), Some(500)).state, State::Ok);
        assert_eq!(of_limit(None, Some(u32::MAX)).state, State::Ok);
    }
}
