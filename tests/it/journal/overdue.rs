//! Markets by their deadlines: from the oldest, by an index, and never more than asked for.

use zmart::{
    actors::monitor::{
        act,
        look::{Conditions, Ground, KINDS, Places, Rules, SUBJECTS_MAX},
    },
    chain::rpc::{ChainClock, ChainRpc, RpcBudget, RpcOptions},
    domain::{
        alert::{AlertKind, MORE},
        amount::{Bps, Lamports, UnixSeconds},
        deadline::Periods,
        ids::{AccountAddress, Epoch, ProgramId, Slot},
        phase::Phase,
    },
    journal::{
        alerts,
        overdue::{self, Since},
    },
};
use zmart_testkit::{postgres::Database, seed};

use super::{leased, prepare, settings};

const MARKETS: u64 = 3_000;
/// As the seed has it: three markets a second.
const FIRST: i64 = 1_700_000_000;
const DAY: i64 = 86_400;
const ALL: [Since; 8] = [
    Since::Proposal,
    Since::Approval,
    Since::Question,
    Since::Resolution,
    Since::Dispute,
    Since::Creation(Phase::Active),
    Since::Creation(Phase::Resolving),
    Since::Creation(Phase::Disputed),
];

/// Proposals, a few active markets and one dispute; of the proposals some are said to be approved or resolving, in their
/// columns only.
async fn seeded() -> (Database, Epoch) {
    let database = Database::fresh().await;
    let epoch = prepare(&database).await;
    let client = database.connect().await;
    seed::markets(&client, epoch, MARKETS).await;
    let moves = "
        UPDATE markets SET phase = 1, approved_at_unix = created_at_unix + 60
        WHERE address IN (SELECT address FROM markets WHERE phase = 0 ORDER BY created_at_unix, address LIMIT 40);
        UPDATE markets SET phase = 3, resolution_proposed_at_unix = created_at_unix + 120
        WHERE address IN (SELECT address FROM markets WHERE phase = 0 ORDER BY created_at_unix, address LIMIT 450);
        UPDATE markets SET dispute_initiated_at_unix = created_at_unix + 180 WHERE phase = 4;
        ANALYZE";
    client.batch_execute(moves).await.unwrap();
    (database, epoch)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_through_all_that_is_due_once_and_from_the_oldest() {
    let (database, epoch) = seeded().await;
    let pool = settings(&database.url).pool(2).unwrap();
    let until = UnixSeconds(FIRST + 100_000);
    let (mut found, mut place) = (Vec::new(), None);
    loop {
        let page = overdue::resolving(&pool, until, place, 64).await.unwrap();
        assert!(page.len() <= 64);
        let Some(last) = page.last() else { break };
        place = Some((last.proposed_at, last.market));
        found.extend(page);
    }
    assert_eq!(found.len(), 450);
    let in_order =
        found.windows(2).all(|two| two[0].proposed_at <= two[1].proposed_at && two[0].market != two[1].market);
    assert!(in_order);
    assert!(
        found.iter().all(|one| one.epoch == epoch && one.finalized.as_ref().is_some_and(|m| m.address == one.market))
    );
    let first = found[0].proposed_at;
    assert_eq!(overdue::next_resolution(&pool, None).await.unwrap(), Some(first));
    let later = found.iter().map(|one| one.proposed_at).find(|at| *at > first);
    assert_eq!(overdue::next_resolution(&pool, Some(first)).await.unwrap(), later);
    assert_eq!(overdue::next_resolution(&pool, Some(until)).await.unwrap(), None);
    assert_eq!(overdue::resolving(&pool, UnixSeconds(first.0 - 1), None, 64).await.unwrap(), []);
    // One that vanished is none.
    let gone = format!("UPDATE markets SET vanished = true WHERE address = '{}'", found[0].market);
    database.connect().await.batch_execute(&gone).await.unwrap();
    assert_eq!(overdue::resolving(&pool, until, None, 1).await.unwrap()[0].market, found[1].market);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_of_the_monitor_reads_a_table_through() {
    let (database, _) = seeded().await;
    let client = database.connect().await;
    client.batch_execute("SET enable_seqscan = off").await.unwrap();
    let name = database.url.rsplit_once('/').unwrap().1;
    client.batch_execute(&format!("ALTER DATABASE {name} SET enable_seqscan = off")).await.unwrap();
    let read = async || -> i64 {
        const SQL: &str = "SELECT pg_stat_force_next_flush(), (SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables \
                           WHERE relname IN ('markets', 'market_stats', 'chain_submissions', 'program_config'))";
        database.connect().await.query_one(SQL, &[]).await.unwrap().get(1)
    };
    let before = read().await;
    let pool = settings(&database.url).pool(1).unwrap();
    let late = UnixSeconds(FIRST + 10_000 * DAY);
    for since in ALL {
        overdue::markets(&pool, since, late, 10).await.unwrap();
    }
    overdue::resolving(&pool, late, None, 10).await.unwrap();
    overdue::next_resolution(&pool, Some(late)).await.unwrap();
    overdue::unconfirmed(&pool, std::time::Duration::ZERO, 10).await.unwrap();
    overdue::attempts(&pool, &[1, 2]).await.unwrap();
    assert_eq!(overdue::finalized_config(&pool, AccountAddress([255; 32])).await.unwrap(), None);
    pool.get().await.unwrap().query_one("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    assert_eq!(read().await, before);
    // The count counts.
    client.query("SELECT count(*) FROM markets WHERE trades_count = 7", &[]).await.unwrap();
    client.query("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    assert_ne!(read().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_markets_than_have_an_alert_each_are_one_alert_more() {
    let (database, _) = seeded().await;
    let rules = Rules {
        periods: Periods::default(),
        dispute_threshold: Bps(6_000),
        low_balance: Lamports(1),
        authorities: Vec::new(),
    };
    let nowhere = RpcOptions::new("http://127.0.0.1:1", ProgramId([1; 32]));
    let rpc = ChainRpc::new(nowhere, RpcBudget::new(std::num::NonZeroU32::MIN)).unwrap();
    let places = Places { rpc, pool: settings(&database.url).pool(2).unwrap(), rules };
    let at = async |now: i64| {
        let clock = ChainClock { slot: Slot(1), unix_timestamp: UnixSeconds(now) };
        let ground = Ground { clock, periods: Periods::default(), config: None, threshold: Bps(6_000) };
        places.conditions(&ground).await.unwrap().alerts
    };
    let early = at(FIRST).await;
    assert_eq!(early.keys().copied().collect::<Vec<_>>(), {
        let mut kinds = KINDS;
        kinds.sort();
        kinds
    });
    let said: Vec<_> = early.values().flatten().map(|alert| alert.kind()).collect();
    assert_eq!(said, [AlertKind::AuthorityMissing, AlertKind::ConfigUnread]);

    let late = at(FIRST + 30 * DAY).await;
    let count = |kind| late[&kind].len();
    for crowded in [AlertKind::ProposalStuck, AlertKind::FinalizationStuck] {
        assert_eq!(count(crowded), SUBJECTS_MAX + 1, "{crowded:?}");
        assert_eq!(late[&crowded].last().unwrap().subject(), MORE);
    }
    assert_eq!((count(AlertKind::ApprovalStuck), count(AlertKind::TooOld)), (40, 0));
    let oldest = overdue::markets(&places.pool, Since::Proposal, UnixSeconds(FIRST + DAY), 1).await.unwrap();
    assert!(late[&AlertKind::ProposalStuck].iter().any(|alert| alert.subject() == oldest[0].0.to_string()));

    // Too old is all that is said of what is too old.
    let end = at(FIRST + 4_000 * DAY).await;
    assert!(end[&AlertKind::FinalizationStuck].is_empty() && !end[&AlertKind::TooOld].is_empty());
    // What is told is told under the lease, and all of it is over when nothing is found.
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let failing = |market: &str| {
        let subject = format!("{market}/approve_proposal");
        alerts::NewAlert::new(AlertKind::SubmissionFailing, subject, "paused")
    };
    let [resolving, approved] =
        [AlertKind::FinalizationStuck, AlertKind::ApprovalStuck].map(|kind| late[&kind][0].subject().to_owned());
    alerts::raise_all(&pool, &[failing(&resolving), failing(&approved)]).await.unwrap();
    for (found, open) in [(&late, true), (&early, false)] {
        let found = Conditions { alerts: found.clone(), balances: Vec::new() };
        act::tell(&pool, &found).await.unwrap();
        let listed = alerts::open(pool.pool(), 10_000).await.unwrap();
        assert_eq!(listed.iter().any(|alert| alert.kind == "approval_stuck"), open);
        assert!(listed.iter().any(|alert| alert.kind == "authority_missing"));
        let failing = listed.iter().filter(|alert| alert.kind == "submission_failing").map(|alert| &alert.subject);
        let expected = format!("{resolving}/approve_proposal");
        assert_eq!(failing.collect::<Vec<_>>(), [&expected], "nothing is to be done to one that is approved");
    }
}
