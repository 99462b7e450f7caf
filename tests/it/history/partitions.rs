//! Partitions of candles: made ahead, filled from the default one, closed to all but the engine.

use tokio_postgres::Client;
use zmart::journal::{
    DatabaseSettings,
    lease::{Leased, Term},
    migrate, partitions,
    write::CommitFailure,
};
use zmart_testkit::{patience::wait_for, postgres::Database};

use std::time::Duration;

/// 2026-11-26T08:00:00Z.
const NOW: i64 = 1_795_680_000;
const YEAR: i64 = 365 * 86_400;

async fn prepared() -> (Database, Leased) {
    let database = Database::fresh().await;
    let settings =
        DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
    migrate::run(&settings).await.unwrap();
    database.take_lease().await;
    let pool = Leased::new(settings.pool(2).unwrap(), Term(1));
    (database, pool)
}

/// A candle of a minute at these times.
async fn insert(client: &Client, times: &[i64]) {
    const SQL: &str = "INSERT INTO candles SELECT 'market', 60, at - mod(mod(at, 60) + 60, 60), 5, 6, 4, 5, 1, 1, 2, 2, 1, 1, \
                       100, 3 FROM unnest($1::bigint[]) at";
    client.execute(SQL, &[&times]).await.unwrap();
}

/// Where each candle is: partition and bucket, in order.
async fn places(client: &Client) -> Vec<(String, i64)> {
    const SQL: &str = "SELECT tableoid::regclass::text, bucket_unix FROM candles ORDER BY bucket_unix";
    client.query(SQL, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_half_a_year_ahead_and_once() {
    let (database, pool) = prepared().await;
    let client = database.connect().await;
    let names = async || {
        const SQL: &str =
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'candles'::regclass ORDER BY 1";
        let rows = client.query(SQL, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    // A chain that is ten years ahead of the host that migrated.
    let far = NOW + 10 * YEAR;
    assert!((2..=4).contains(&partitions::keep(&pool, far).await.unwrap()));
    for name in ["candles_2036_q4", "candles_2037_q1", "candles_2037_q2", "candles_default"] {
        assert!(names().await.contains(&name.to_owned()), "{:?}", names().await);
    }
    let before = names().await;
    assert_eq!(partitions::keep(&pool, far).await.unwrap(), 0);
    assert_eq!(names().await, before);
    // Before its time comes, at every day of a year.
    for day in 0..370 {
        let at = far + day * 86_400;
        partitions::keep(&pool, at).await.unwrap();
        const COVERS: &str = "SELECT to_regclass((candles_partition($1)).name) IS NOT NULL";
        let is_there: bool = client.query_one(COVERS, &[&(at + 150 * 86_400)]).await.unwrap().get(0);
        assert!(is_there, "five months after day {day} there is none");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lands_in_the_default_partition_is_read_at_once_and_moves_out() {
    let (database, pool) = prepared().await;
    let client = database.connect().await;
    let (past, future, never, before) = (NOW - 6 * YEAR, NOW + 20 * YEAR, 8_000_000_000, -61);
    insert(&client, &[past, past + 60, future, never, before]).await;
    let all = places(&client).await;
    assert!(all.iter().all(|(name, _)| name == "candles_default"), "{all:?}");
    assert!(partitions::keep(&pool, NOW).await.unwrap() >= 2);
    let moved = places(&client).await;
    let buckets = |places: &[(String, i64)]| places.iter().map(|(_, bucket)| *bucket).collect::<Vec<_>>();
    assert_eq!(buckets(&moved), buckets(&all), "nothing is lost, nothing is there twice");
    let names: Vec<&str> = moved.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["candles_default", "candles_2020_q4", "candles_2020_q4", "candles_2046_q4", "candles_default"],
        "times before 1970 and from 2200 on stay"
    );
    // A candle that moved is joined where it is.
    let again = "INSERT INTO candles VALUES ('market', 60, $1, 5, 6, 4, 5, 1, 1, 2, 2, 1, 1, 100, 3) \
                 ON CONFLICT (market, step, bucket_unix) DO UPDATE SET trades = candles.trades + excluded.trades";
    assert_eq!(client.execute(again, &[&(past - past % 60)]).await.unwrap(), 1);
    let trades = "SELECT trades FROM candles WHERE market = 'market' AND step = 60 AND bucket_unix = $1";
    assert_eq!(client.query_one(trades, &[&(past - past % 60)]).await.unwrap().get::<_, i64>(0), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waited_for_rows_to_move_is_written_again_and_not_refused() {
    let (database, _) = prepared().await;
    let (client, writer) = (database.connect().await, database.connect().await);
    let past = NOW - 6 * YEAR;
    client.batch_execute(&format!("BEGIN; SELECT make_candles_partition({past})")).await.unwrap();
    let backend: i32 = writer.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    const SQL: &str =
        "INSERT INTO candles SELECT 'market', 60, $1::bigint - mod($1, 60), 5, 6, 4, 5, 1, 1, 2, 2, 1, 1, 100, 3";
    let waits = tokio::spawn(async move { (writer.execute(SQL, &[&past]).await, writer) });
    wait_for("the writer to wait for the lock", || async {
        const WAITS: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)";
        let waits = database.connect().await.query_one(WAITS, &[&backend]).await.unwrap().get(0);
        if waits { Ok(()) } else { Err("it does not") }
    })
    .await;
    client.batch_execute(&format!("SELECT attach_candles_partition({past}); COMMIT")).await.unwrap();
    let (written, writer) = waits.await.unwrap();
    let failure = CommitFailure::from(written.unwrap_err());
    assert!(matches!(failure, CommitFailure::Again(_)), "{failure}");
    assert_eq!(writer.execute(SQL, &[&past]).await.unwrap(), 1);
    assert_eq!(places(&client).await[0].0, "candles_2020_q4");
    // What breaks a rule of the table is refused, as ever.
    let broken = writer.execute(SQL, &[&(past + 1)]).await.unwrap_err();
    assert!(matches!(CommitFailure::from(broken), CommitFailure::Refused(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_writes_around_the_table_of_candles() {
    let (database, pool) = prepared().await;
    partitions::keep(&pool, NOW + 30 * YEAR).await.unwrap();
    let client = database.connect().await;
    const PARTITIONS: &str = "SELECT relname::text, relrowsecurity AND relforcerowsecurity FROM pg_class \
                              WHERE relispartition AND relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let partitions = client.query(PARTITIONS, &[]).await.unwrap();
    assert!(partitions.len() > 5);
    for row in partitions {
        let (name, is_forced): (String, bool) = (row.get(0), row.get(1));
        assert!(is_forced, "{name} is open to its owner");
        for role in ["anon", "authenticated", "service_role"] {
            const HAS: &str = "SELECT has_table_privilege($1, $2, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')";
            assert!(!client.query_one(HAS, &[&role, &name]).await.unwrap().get::<_, bool>(0), "{role} on {name}");
        }
    }
    insert(&client, &[NOW]).await;
    let asked = async |role: &str, sql: &str| {
        let (begun, rest) = (format!("BEGIN; SET LOCAL ROLE {role}"), "ROLLBACK");
        client.batch_execute(&begun).await.unwrap();
        let answer = client.query(sql, &[]).await.map(|rows| rows.len()).map_err(|error| error.code().cloned());
        client.batch_execute(rest).await.unwrap();
        answer
    };
    for role in ["anon", "authenticated", "service_role"] {
        assert_eq!(asked(role, "SELECT * FROM candles").await, Ok(1), "{role}: through the table, as ever");
        for forbidden in
            ["SELECT * FROM candles_default", "SELECT make_candles_partition(0)", "SELECT attach_candles_partition(0)"]
        {
            let refused = asked(role, forbidden).await.unwrap_err().unwrap();
            assert_eq!(refused.code(), "42501", "{role}: {forbidden}");
        }
    }
}

/// The schema before this migration, with candles in it, as it was written.
#[tokio::test(flavor = "multi_thread")]
async fn candles_of_an_older_release_move_and_none_is_lost() {
    let database = Database::fresh().await;
    let client = database.connect().await;
    client.batch_execute("CREATE TABLE refinery_schema_history (version int)").await.unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files: Vec<(u32, std::path::PathBuf)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            Some((name.strip_prefix('V')?.split_once("__")?.0.parse().ok()?, path.clone()))
        })
        .collect();
    files.sort();
    let run = async |path: &std::path::Path| {
        let sql = format!("BEGIN; {}; COMMIT", std::fs::read_to_string(path).unwrap());
        client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    };
    for (_, path) in files.iter().filter(|(version, _)| *version < 17) {
        run(path).await;
    }
    let times: Vec<i64> = (0..400).map(|number| NOW - number * 20 * 86_400).chain([-100, 9_000_000_000]).collect();
    insert(&client, &times).await;
    const HOURS: &str = "INSERT INTO candles SELECT 'market', 3600, at - mod(at, 3600), 5, 6, 4, 5, 1, 1, 2, 2, 1, 1, 100, 3 \
                         FROM unnest($1::bigint[]) at WHERE at > 0";
    client.execute(HOURS, &[&times]).await.unwrap();
    const SUM: &str =
        "SELECT count(*), md5(string_agg(c::text, ' ' ORDER BY market, step, bucket_unix)) FROM candles c";
    let sum = async || {
        let row = client.query_one(SUM, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, String>(1))
    };
    let before = sum().await;
    assert_eq!(before.0, 803);
    for (_, path) in files.iter().filter(|(version, _)| *version == 17) {
        run(path).await;
    }
    assert_eq!(sum().await, before);
    let at_home = places(&client).await.iter().filter(|(name, _)| name != "candles_default").count();
    assert!(at_home > 300, "the newest ten years have their partitions: {at_home}");
}
