//! How the process's descriptors are shared out: each connection is one, and who takes the last one takes it from
//! everybody, from PostgreSQL's connections too.
//!
//! So each port has its own share, and some are left for what is no client. Past its share a port lets nobody in: the
//! WebSocket's says so ([`super::ws::admission`]), the others' connections wait in the kernel until one ends.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Left for all that is no client: PostgreSQL, Redis, the node, files; and for connections of the indexer's port and the operators'.
const OTHERS: u64 = 1_024;
/// Connections of the indexer's port, which has one worker.
pub const DELIVERIES: usize = 256;
/// Connections of REST; most of them are idle between two requests.
const REQUESTS_MAX: u64 = 8_192;
/// Of one worker, however few descriptors there are.
const REQUESTS_OF_A_WORKER_MIN: u64 = 16;

/// Connections of WebSocket that there is room for.
pub fn for_sockets() -> u32 {
    sockets_of(open_max())
}

/// Connections of REST that there is room for, of each worker.
pub fn for_requests(workers: usize) -> usize {
    requests_of(open_max(), workers)
}

/// The process's limit of open descriptors, raised as far as it may; `None`: there is none.
fn open_max() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if raised.is_ok() { limit.maximum } else { limit.current }
}

fn requests_in_all(open_max: Option<u64>) -> u64 {
    open_max.map_or(REQUESTS_MAX, |open_max| (open_max / 8).min(REQUESTS_MAX))
}

fn requests_of(open_max: Option<u64>, workers: usize) -> usize {
    let each = requests_in_all(open_max) / (workers as u64).max(1);
    usize::try_from(each.max(REQUESTS_OF_A_WORKER_MIN)).unwrap_or(usize::MAX)
}

/// As [`for_sockets`], of a process that may have so many descriptors; `None`: any number.
pub fn sockets_of(open_max: Option<u64>) -> u32 {
    let Some(open_max) = open_max else { return u32::MAX };
    let left = open_max - (open_max / 2).min(OTHERS) - requests_in_all(Some(open_max));
    u32::try_from(left).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_shared_out_and_some_are_left_for_the_rest_of_the_process() {
        for (open_max, workers, sockets, requests) in [
            (Some(256), 2, 96, 16),
            (Some(1_024), 2, 384, 64),
            (Some(20_000), 2, 16_476, 1_250),
            (Some(1_048_576), 4, 1_039_360, 2_048),
            (None, 4, u32::MAX, 2_048),
        ] {
            assert_eq!((sockets_of(open_max), requests_of(open_max, workers)), (sockets, requests), "{open_max:?}");
            let Some(open_max) = open_max else { continue };
            let taken = u64::from(sockets) + (requests * workers) as u64;
            assert!(open_max - taken >= (open_max / 2).min(OTHERS), "{taken} of {open_max}");
        }
        assert!(for_sockets() > 0 && for_requests(1) > 0);
    }
}
