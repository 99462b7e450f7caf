//! Markets by their deadlines: from the oldest, by an index, and never more than asked for.

use std::time::Duration;

use zmart::{
    actors::monitor::{
        act,
        look::{Conditions, Ground, KINDS, Places, Rules},
    },
    chain::rpc::{ChainClock, ChainRpc, RpcBudget, RpcOptions},
    domain::{
        alert::{AlertKind, MORE, SUBJECTS_MAX},
        amount::{Bps, Lamports, UnixSeconds},
        attempt::Authority,
        deadline::Periods,
        ids::{AccountAddress, Epoch, ProgramId, Slot, Wallet},
        phase::Phase,
    },
    journal::{
        alerts,
        overdue::{self, Since},
        votes::{self, VOTERS_MAX},
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
    overdue::unconfirmed(&pool, Duration::ZERO, &["a".repeat(64)], 10).await.unwrap();
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
        places.conditions(&ground).await.alerts
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
        let found = Conditions { alerts: found.clone(), ..Conditions::default() };
        act::tell(&pool, &found).await.unwrap();
        let listed = alerts::open(pool.pool(), 10_000).await.unwrap();
        assert_eq!(listed.iter().any(|alert| alert.kind == "approval_stuck"), open);
        assert!(listed.iter().any(|alert| alert.kind == "authority_missing"));
        let failing = listed.iter().filter(|alert| alert.kind == "submission_failing").map(|alert| &alert.subject);
        let expected = format!("{resolving}/approve_proposal");
        assert_eq!(failing.collect::<Vec<_>>(), [&expected], "nothing is to be done to one that is approved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_asked_keeps_nothing_else_from_being_told_and_ends_no_alert() {
    let (database, _) = seeded().await;
    let wallet = Wallet([5; 32]);
    let rules = Rules {
        periods: Periods::default(),
        dispute_threshold: Bps(6_000),
        low_balance: Lamports(1),
        authorities: vec![(Authority::Backend, wallet)],
    };
    let nowhere = RpcOptions { attempts: 1, ..RpcOptions::new("http://127.0.0.1:1", ProgramId([1; 32])) };
    let rpc = ChainRpc::new(nowhere, RpcBudget::new(std::num::NonZeroU32::MIN)).unwrap();
    let places = Places { rpc, pool: settings(&database.url).pool(2).unwrap(), rules };
    let clock = ChainClock { slot: Slot(1), unix_timestamp: UnixSeconds(FIRST + 30 * DAY) };
    let ground = Ground { clock, periods: Periods::default(), config: None, threshold: Bps(6_000) };
    let found = places.conditions(&ground).await;
    assert_eq!(found.unanswered.keys().collect::<Vec<_>>(), [&AlertKind::BalanceLow]);

    let pool = leased(settings(&database.url).pool(2).unwrap());
    let before = [AlertKind::BalanceLow, AlertKind::ChainUnread];
    alerts::raise_all(&pool, &before.map(|kind| alerts::NewAlert::new(kind, wallet, ""))).await.unwrap();
    act::tell(&pool, &found).await.unwrap();
    assert_eq!(alerts::subjects(&places.pool, AlertKind::ApprovalStuck).await.unwrap().len(), 40);
    assert_eq!(alerts::subjects(&places.pool, AlertKind::BalanceLow).await.unwrap(), [wallet.to_string()]);
    assert_eq!(alerts::subjects(&places.pool, AlertKind::ChainUnread).await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_unconfirmed_since_its_first_attempt_in_a_row() {
    let database = Database::fresh().await;
    prepare(&database).await;
    // Of market, signature, status and settled: minutes since it was made, and since it changed.
    let rows = "
        INSERT INTO chain_submissions (purpose, market, intent_hash, grounds, term, signature, transaction,
                                       last_valid_block_height, status, settled, created_at, updated_at)
        SELECT 'finalize_undisputed', repeat('1', 31) || market, sha256('x'), '{}', 1, repeat(signature, 64), '\\x01'::bytea,
               1, status, settled, now() - made * interval '1 minute', now() - changed * interval '1 minute'
        FROM (VALUES ('2', 'a', 'expired', true, 15, 14), ('2', 'b', 'expired', true, 8, 7), ('2', 'c', 'sent', false, 1, 1),
                     ('3', 'd', 'failed', true, 30, 29), ('3', 'e', 'expired', true, 8, 7), ('3', 'f', 'signed', false, 1, 1),
                     ('4', 'g', 'expired', true, 20, 19), ('4', 'h', 'confirmed', false, 15, 1),
                     ('5', 'j', 'expired', true, 20, 19), ('5', 'k', 'expired', true, 6, 5),
                     ('6', 'm', 'expired', true, 60, 59), ('6', 'n', 'expired', true, 40, 30),
                     ('7', 'p', 'processed', false, 11, 1)) s (market, signature, status, settled, made, changed)";
    database.connect().await.batch_execute(rows).await.unwrap();
    let pool = settings(&database.url).pool(1).unwrap();
    let old = async |known: &str| -> String {
        let known: Vec<String> = known.chars().map(|one| one.to_string().repeat(64)).collect();
        let found = overdue::unconfirmed(&pool, Duration::from_secs(600), &known, 10).await.unwrap();
        found.iter().map(|one| one.signature.chars().next().unwrap()).collect()
    };
    assert_eq!(old("").await, "ap", "one that landed or failed begins another row of attempts");
    assert_eq!(old("ajm").await, "jap", "between two attempts it is as it was; what nobody tries any more is over");
    assert_eq!(overdue::unconfirmed(&pool, Duration::ZERO, &[], 2).await.unwrap().len(), 2, "as many as asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tally_is_full_while_votes_on_it_are_taken() {
    let (database, _) = seeded().await;
    let full = i64::from(VOTERS_MAX);
    // Two of each: one has room for a wallet.
    let tallies = format!(
        "SET session_replication_role = replica;
         INSERT INTO vote_tallies (market, kind, in_favour, against, epoch, seq)
         SELECT address, kind, {full} - 7, 7 - number % 2, epoch, 1
         FROM (SELECT *, row_number() OVER (PARTITION BY phase ORDER BY address) - 1 AS number
               FROM markets WHERE phase IN (0, 2, 4)) m, unnest(ARRAY['proposal', 'dispute']) kind
         WHERE number < 2 AND (phase, kind) IN ((0, 'proposal'), (2, 'proposal'), (4, 'proposal'));
         UPDATE vote_tallies SET kind = 'dispute' WHERE market IN (SELECT address FROM markets WHERE phase = 4)"
    );
    let client = database.connect().await;
    client.batch_execute(&tallies).await.unwrap();
    let pool = settings(&database.url).pool(1).unwrap();
    let found = votes::full(&pool, 10).await.unwrap();
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    let phases = "SELECT phase FROM markets WHERE address::text = ANY ($1) ORDER BY phase";
    let phases: Vec<i16> = client.query(phases, &[&names]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(phases, [0, 4]);
    assert_eq!(votes::full(&pool, 1).await.unwrap().len(), 1);
    // The dispute is over.
    client.batch_execute("UPDATE markets SET phase = 5 WHERE phase = 4").await.unwrap();
    assert_eq!(votes::full(&pool, 10).await.unwrap().len(), 1);
}
