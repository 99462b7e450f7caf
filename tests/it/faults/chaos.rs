//! A little of everything that `scripts/chaos` does, so that it stays in order; and that it finds what is wrong.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};
use zmart_testkit::chaos::{
    kind::Kind,
    verdict::Breach,
    world::{Size, World},
};

const BLOWS: [Kind; 7] =
    [Kind::Engine, Kind::Database, Kind::Redis, Kind::Chain, Kind::HalfOpen, Kind::Slow, Kind::Clock];
const LONGEST: Duration = Duration::from_secs(1);
/// Blows after which all of a kind have been dealt: each stretch of network in two manners, the clock both ways.
const ROUND: u32 = 12;

/// Is it the breach that has to be found?
type Finds = fn(&Breach) -> bool;

/// What somebody does to the database behind everybody's back, and what has to be found then.
const DOCTORED: [(&str, Finds); 6] = [
    (
        "DELETE FROM proposal_votes WHERE ctid = (SELECT min(ctid) FROM proposal_votes)",
        |breach| matches!(breach, Breach::Lost(what) if what.starts_with("vote as row")),
    ),
    (
        "INSERT INTO discussions (market, wallet, content) SELECT market, wallet, content FROM discussions LIMIT 1",
        |breach| matches!(breach, Breach::MadeUp(what) if what.starts_with("comment as row")),
    ),
    (
        "UPDATE discussions SET content = 'x' WHERE ctid = (SELECT min(ctid) FROM discussions)",
        |breach| matches!(breach, Breach::Lost(what) if what.starts_with("comment as row")),
    ),
    (
        "UPDATE submissions SET status = 'expired' WHERE ctid = (SELECT min(ctid) FROM submissions WHERE status = 'finalized')",
        |breach| matches!(breach, Breach::Other(what) if what.starts_with("it landed, and is said not to have")),
    ),
    (
        "DELETE FROM trades WHERE (market, seq) IN (SELECT market, max(seq) FROM trades GROUP BY market)",
        |breach| matches!(breach, Breach::Hole(what) if what.contains("other trades")),
    ),
    (
        "UPDATE journal SET payload = jsonb_set(payload, '{wallet}', '\"nobody\"') \
         WHERE kind = 'vote' AND (stream, seq) IN (SELECT stream, max(seq) FROM journal WHERE kind = 'vote' GROUP BY stream)",
        |breach| matches!(breach, Breach::MadeUp(what) if what.starts_with("vote as entry")),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_once_after_every_trouble_and_a_doctored_database_is_found_out() {
    let size = Size { longest_blow: LONGEST, ..Size::default() };
    let mut world = World::begin(&BLOWS, size).await;
    // Each run deals others; one that failed can be dealt again.
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("CHAOS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for kind in BLOWS {
        let first = match kind {
            Kind::HalfOpen | Kind::Slow | Kind::Clock => random.random_range(0..ROUND),
            _ => 0,
        };
        let dealt = world.deal(kind, first..first + 1, &mut random, &|line| eprintln!("{line}")).await;
        assert_eq!((dealt.struck, dealt.breaches), (1, vec![]), "{kind}");
    }
    assert_eq!(world.judge().await, []);
    let record = world.users.record();
    assert!(record.votes.len() > BLOWS.len() && record.orders.len() > BLOWS.len(), "{record:?}");
    assert!(record.asked_again > 0, "no request ever fell on a trouble");

    let rows = world.database.connect().await;
    // Rows as they are, whatever triggers and references say.
    rows.batch_execute("SET session_replication_role = replica").await.unwrap();
    let mut before = Vec::new();
    for (doctor, is_it) in DOCTORED {
        assert!(!before.iter().any(is_it), "before {doctor}: {before:#?}");
        assert!(rows.execute(doctor, &[]).await.unwrap() > 0, "{doctor}");
        before = world.look(&record).await;
        assert!(before.iter().any(is_it), "{doctor}: {before:#?}");
    }
}
