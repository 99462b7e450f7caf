//! The lease's own rules, against PostgreSQL: by its clock, with its locks.

use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use tokio::time::timeout;
use zmart::journal::{
    DatabaseSettings, JournalError,
    lease::{self, Asked, Holder, Leased, Office, Term},
    migrate,
    write::{CommitFailure, WriterLife},
};
use zmart_testkit::{patience::within, postgres::Database};

const LONG: Duration = Duration::from_secs(600);
/// Long enough for whoever would not wait to be done.
const MOMENT: Duration = Duration::from_millis(300);

async fn prepared() -> (Database, Pool) {
    let database = Database::fresh().await;
    let settings =
        DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
    migrate::run(&settings).await.unwrap();
    let pool = settings.pool(4).unwrap();
    (database, pool)
}

async fn take(pool: &Pool, node: &str, valid: Duration) -> Option<Term> {
    match lease::take(pool, Office::Engine, node, valid, false).await.unwrap() {
        Asked::Ours(term, _) => Some(term),
        Asked::Theirs(_) => None,
    }
}

/// The lease expires now, whatever it was valid for.
async fn expire(database: &Database) {
    database.connect().await.execute("UPDATE leases SET expires_at = now() - interval '1 s'", &[]).await.unwrap();
}

/// A singleton's transaction in that term: may it write?
async fn may_write(pool: &Pool, term: Term) -> bool {
    let leased = Leased::new(pool.clone(), term);
    let mut client = leased.get().await.unwrap();
    match leased.begin(&mut client).await {
        Ok(tx) => tx.commit().await.is_ok(),
        Err(JournalError::LeaseOver(over)) => {
            assert_eq!(over, term);
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_one_nodes_until_it_expires_and_each_takeover_is_another_term() {
    let (database, pool) = prepared().await;
    assert!(!may_write(&pool, Term::NONE).await, "nobody's term is good for nothing");
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    assert_eq!(take(&pool, "b", LONG).await, None);
    let holder = lease::holder(&pool, Office::Engine).await.unwrap();
    assert_eq!(holder, Holder { node: "a".into(), term: Term(1), is_valid: true });
    assert!(may_write(&pool, Term(1)).await && !may_write(&pool, Term(2)).await);

    expire(&database).await;
    assert!(!may_write(&pool, Term(1)).await, "also while nobody has taken it over");
    assert!(
        lease::renew(&pool, Office::Engine, Term(1), LONG).await.unwrap().is_some(),
        "nobody has written since: it is still its own"
    );
    assert!(may_write(&pool, Term(1)).await);
    expire(&database).await;
    assert_eq!(take(&pool, "b", LONG).await, Some(Term(2)));
    assert!(may_write(&pool, Term(2)).await && !may_write(&pool, Term(1)).await);
    assert!(lease::renew(&pool, Office::Engine, Term(2), LONG).await.unwrap().is_some());
    assert_eq!(lease::renew(&pool, Office::Engine, Term(1), LONG).await.unwrap(), None);

    lease::give_up(&pool, Office::Engine, Term(1)).await.unwrap();
    assert!(may_write(&pool, Term(2)).await, "only one's own can be given up");
    lease::give_up(&pool, Office::Engine, Term(2)).await.unwrap();
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(3)), "what was given up is free at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_node_takes_over_from_an_earlier_life_of_itself_at_once_if_it_says_so() {
    let (_database, pool) = prepared().await;
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    assert_eq!(take(&pool, "a", LONG).await, None, "its name alone is no reason: it may be another process's");
    assert!(
        matches!(lease::take(&pool, Office::Engine, "b", LONG, true).await.unwrap(), Asked::Theirs(_)),
        "not another's"
    );
    assert!(matches!(lease::take(&pool, Office::Engine, "a", LONG, true).await.unwrap(), Asked::Ours(Term(2), _)));
    assert!(!may_write(&pool, Term(1)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_believes_never_outlasts_what_the_database_says() {
    let (database, pool) = prepared().await;
    let before = Instant::now();
    let Asked::Ours(term, until) = lease::take(&pool, Office::Engine, "a", LONG, false).await.unwrap() else {
        panic!("not ours")
    };
    let renewed = lease::renew(&pool, Office::Engine, term, LONG).await.unwrap().unwrap();
    let left = "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM leases";
    let left: f64 = database.connect().await.query_one(left, &[]).await.unwrap().get(0);
    let believed = renewed.saturating_duration_since(Instant::now());
    assert!(until >= before + LONG && renewed >= until);
    assert!(believed <= Duration::from_secs_f64(left) + Duration::from_millis(1), "{believed:?}, {left} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_waits_for_a_transaction_of_the_last_term_and_a_renewal_does_not() {
    let (database, pool) = prepared().await;
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    let leased = Leased::new(pool.clone(), Term(1));
    let mut client = leased.get().await.unwrap();
    let tx = leased.begin(&mut client).await.unwrap();
    tx.execute("INSERT INTO dead_letters (source, reason, detail) VALUES ('test', 'late', '')", &[]).await.unwrap();
    within("a renewal", lease::renew(&pool, Office::Engine, Term(1), LONG)).await.unwrap().unwrap();

    // Its time is over while it is under way: whoever takes over must see what becomes of it.
    expire(&database).await;
    let mut takeover = std::pin::pin!(lease::take(&pool, Office::Engine, "b", LONG, false));
    assert!(timeout(MOMENT, &mut takeover).await.is_err(), "it does not wait");
    tx.commit().await.unwrap();
    assert!(matches!(within("the takeover", takeover).await.unwrap(), Asked::Ours(Term(2), _)));
    let late = "SELECT count(*) FROM dead_letters WHERE reason = 'late'";
    assert_eq!(database.connect().await.query_one(late, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert!(!may_write(&pool, Term(1)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_the_lock_while_a_takeover_is_under_way_finds_the_term_over() {
    let (database, pool) = prepared().await;
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    let mut client = database.connect().await;
    let takeover = client.transaction().await.unwrap();
    takeover.query("SELECT FROM leases FOR UPDATE", &[]).await.unwrap();
    let mut late = std::pin::pin!(may_write(&pool, Term(1)));
    assert!(timeout(MOMENT, &mut late).await.is_err(), "it does not wait for the takeover");
    takeover.execute("UPDATE leases SET term = 2, node = 'b'", &[]).await.unwrap();
    takeover.commit().await.unwrap();
    assert!(!within("the late transaction", late).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_its_engine_left_standing_ends_before_a_lease_does() {
    let (database, pool) = prepared().await;
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    let leased = Leased::new(pool.clone(), Term(1));
    let mut client = leased.get().await.unwrap();
    let tx = leased.begin(&mut client).await.unwrap();
    expire(&database).await;
    // Nothing ends it but the server.
    assert_eq!(within("the takeover", take(&pool, "b", LONG)).await, Some(Term(2)));
    assert!(tx.commit().await.is_err());
    let client = pool.get().await.unwrap();
    let sql = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!([row.get::<_, &str>(0), row.get(1)], ["5s", "4s"], "both are shorter than {:?}", lease::VALID);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_writes_nothing_in_a_term_that_is_over() {
    let (database, pool) = prepared().await;
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    let leased = Leased::new(pool.clone(), Term(1));
    let mut life = WriterLife::begin(&leased).await.unwrap();
    life.commit(&leased, 1, &[]).await.unwrap();
    expire(&database).await;
    assert!(matches!(life.commit(&leased, 2, &[]).await, Err(CommitFailure::LeaseOver)));
    assert!(matches!(WriterLife::begin(&leased).await, Err(JournalError::LeaseOver(Term(1)))));
    let batch = "SELECT last_batch FROM journal_writers";
    assert_eq!(database.connect().await.query_one(batch, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_office_has_a_lease_of_its_own_and_what_is_written_under_one_says_nothing_of_the_other() {
    let (database, pool) = prepared().await;
    let rows = database.connect().await;
    let count = "SELECT count(*) FROM leases WHERE name = 'governance'";
    assert_eq!(rows.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0, "its row is made by who asks for it");
    let nobody = Holder { node: String::new(), term: Term::NONE, is_valid: false };
    assert_eq!(lease::holder(&pool, Office::Governance).await.unwrap(), nobody);
    let ask = |node: &'static str| lease::take(&pool, Office::Governance, node, LONG, false);
    // Two who find no row at once: one of them makes it, one of them has it.
    let (first, second) = tokio::join!(ask("a"), ask("b"));
    let ours = |asked: &Asked| matches!(asked, Asked::Ours(Term(1), _));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(ours(&first) != ours(&second), "{first:?} {second:?}");

    assert_eq!(take(&pool, "c", LONG).await, Some(Term(1)), "the engine's is free all the while");
    let begin = async |leased: &Leased| {
        let mut client = leased.get().await.unwrap();
        leased.begin(&mut client).await.map(drop)
    };
    let (writing, governing) = (Leased::new(pool.clone(), Term(1)), Leased::governing(pool.clone(), Term(1)));
    begin(&writing).await.unwrap();
    begin(&governing).await.unwrap();
    assert_eq!(governing.under(Term(5)).office(), Office::Governance);
    lease::give_up(&pool, Office::Governance, Term(1)).await.unwrap();
    assert!(matches!(begin(&governing).await, Err(JournalError::LeaseOver(Term(1)))));
    begin(&writing).await.unwrap();
    assert!(matches!(ask("d").await.unwrap(), Asked::Ours(Term(2), _)));
    assert!(matches!(begin(&governing).await, Err(JournalError::LeaseOver(Term(1)))));
    begin(&governing.under(Term(2))).await.unwrap();
    assert_eq!(lease::renew(&pool, Office::Governance, Term(1), LONG).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_of_governance_waits_for_its_own_transactions_and_not_for_the_engines() {
    let (_database, pool) = prepared().await;
    assert_eq!(take(&pool, "a", LONG).await, Some(Term(1)));
    let ask = |node: &'static str| lease::take(&pool, Office::Governance, node, LONG, node == "a");
    assert!(matches!(ask("a").await.unwrap(), Asked::Ours(Term(1), _)));
    let (writing, governing) = (Leased::new(pool.clone(), Term(1)), Leased::governing(pool.clone(), Term(1)));
    let (mut one, mut other) = (writing.get().await.unwrap(), governing.get().await.unwrap());
    let _engines = writing.begin(&mut one).await.unwrap();
    let governances = governing.begin(&mut other).await.unwrap();
    let mut takeover = std::pin::pin!(ask("a"));
    assert!(timeout(MOMENT, &mut takeover).await.is_err(), "it does not wait");
    governances.rollback().await.unwrap();
    assert!(matches!(within("the takeover", takeover).await.unwrap(), Asked::Ours(Term(2), _)));
}
