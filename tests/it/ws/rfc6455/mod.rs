//! RFC 6455, case by case, numbered as the Autobahn test suite numbers them (sections 1 to 7 and 10).
//!
//! The tables are in [`framing`] (1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes), [`fragmentation`]
//! (5 fragmentation, 10 what is left), [`utf8`] (6) and [`closing`] (7). This server is no echo: that a text arrived whole
//! shows in the answer to it, which repeats its id; binary messages end with 1003, and what is larger than 64 KiB with
//! 1009. Cases of the suite that send larger messages are here with those ends.

mod case;
mod closing;
mod fragmentation;
mod framing;
mod utf8;

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use self::case::{Case, play};
use super::Scene;

/// Cases that are played at a time: most end with a connection that takes its time to close.
const AT_A_TIME: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_rfc_6455_ends_as_the_standard_has_it() {
    let tables = [framing::cases(), fragmentation::cases(), utf8::cases(), closing::cases()];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
    let numbers: BTreeSet<&str> = cases.iter().map(|case| case.number.as_str()).collect();
    assert_eq!(numbers.len(), cases.len(), "two cases of one number");

    let scene = Scene::set(1, 0).await;
    let url = scene.engine.ws.as_str();
    let played = cases.iter().map(|case| async move { (case, play(url, case).await) });
    let played: Vec<_> = stream::iter(played).buffered(AT_A_TIME).collect().await;
    let wrong: Vec<String> =
        played.into_iter().filter_map(|(case, outcome)| Some(format!("{}: {}", case.number, outcome.err()?))).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
