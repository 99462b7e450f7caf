//! Transactions of requests: whom they act for, and that nothing of them is left on a connection.

use std::{future::Future, pin::pin, time::Duration};

use actix_web::http::StatusCode;
use deadpool_postgres::Transaction;
use futures_util::future::join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use zmart::{
    http::{
        error::{ApiError, ErrorCode},
        gateway::Reads,
        idempotency::Reply,
    },
    journal::{
        idempotency::RequestKey,
        lease::{Leased, Term},
        read::ReadFailure,
        rights::{self, Acting},
        write::WriterLife,
    },
};

use super::{caller, market, pool_on, prepared, reads, settings, wallet};
use zmart_testkit::{
    patience::wait_for,
    postgres::{Cluster, Database},
};

const WHO: &str = "SELECT current_user::text, session_user::text, \
                          coalesce(current_setting('request.jwt.claims', true), ''), request_wallet()";

async fn who(tx: &Transaction<'_>) -> Result<(String, String, String, Option<String>), ApiError> {
    let row = tx.query_one(WHO, &[]).await?;
    Ok((row.get(0), row.get(1), row.get(2), row.get(3)))
}

const VOTE: &str = "INSERT INTO proposal_votes (market, vote) VALUES ($1::text, true)";

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_acts_for_whom_it_is_made_and_for_nobody_afterwards() {
    let (_database, pool) = prepared(1).await;
    let reads = reads(&pool);
    let one = caller(1);
    let (role, login, claims, wallet_seen) = reads.write(&one, who).await.unwrap();
    assert_eq!((role.as_str(), login.as_str()), ("authenticated", "zmart_gateway"));
    assert_eq!(wallet_seen, Some(wallet(1).to_string()));
    let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims["sub"], one.user.to_string());
    assert_eq!(claims["sid"], one.session.to_string());

    // The same connection, one after the other.
    let (role, _, claims, wallet_seen) = reads.read(who).await.unwrap();
    assert_eq!((role.as_str(), claims.as_str(), wallet_seen), ("anon", "", None));
    let (role, _, claims, wallet_seen) = reads.engine(who).await.unwrap();
    assert_eq!((role.as_str(), claims.as_str(), wallet_seen), ("zmart_engine", "", None));
    let (role, _, _, wallet_seen) = reads.read_for(Some(&caller(2)), who).await.unwrap();
    assert_eq!((role.as_str(), wallet_seen), ("authenticated", Some(wallet(2).to_string())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_may_act_for_the_user_and_then_for_the_engine_and_is_one() {
    let (database, pool) = prepared(1).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    let both = async |tx: &Transaction<'_>| {
        tx.execute(VOTE, &[&market]).await?;
        rights::act(tx, Acting::Engine).await?;
        let row = tx.query_one("SELECT count(*) FROM outbox", &[]).await?;
        assert_eq!(who(tx).await?.3, None, "no claims are left");
        Ok(row.get::<_, i64>(0))
    };
    assert_eq!(reads.write(&caller(1), both).await.unwrap(), 1);
    let failing = async |tx: &Transaction<'_>| {
        both(tx).await?;
        Err::<(), _>(ApiError::not_found("nothing"))
    };
    assert_eq!(reads.write(&caller(2), failing).await.unwrap_err().code, ErrorCode::NotFound);
    let votes: i64 =
        database.connect().await.query_one("SELECT count(*) FROM proposal_votes", &[]).await.unwrap().get(0);
    assert_eq!(votes, 1, "an effect that is refused leaves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_told_by_its_meaning() {
    let (database, pool) = prepared(1).await;
    let reads = reads(&pool);
    let (open, closed) = (market(&database, 9, 0).await.to_string(), market(&database, 8, 2).await.to_string());
    let vote = async |market: &str| {
        let effect = async |tx: &Transaction<'_>| Ok(tx.execute(VOTE, &[&market]).await?);
        reads.write(&caller(1), effect).await.map_err(|error| error.code)
    };
    assert_eq!(vote(&open).await, Ok(1));
    assert_eq!(vote(&open).await, Err(ErrorCode::Conflict), "a second time");
    assert_eq!(vote(&closed).await, Err(ErrorCode::Conflict), "in another phase");
    let run = async |sql: &'static str| {
        let effect = async |tx: &Transaction<'_>| Ok(tx.execute(sql, &[]).await?);
        reads.write(&caller(1), effect).await.map_err(|error| error.code)
    };
    assert_eq!(run("DELETE FROM trades").await, Err(ErrorCode::Forbidden));
    assert_eq!(run("SELECT pg_sleep(30)").await, Err(ErrorCode::Timeout));
    assert_eq!(run("SELECT 1 / 0").await, Err(ErrorCode::Internal));
    assert_eq!(
        run("INSERT INTO discussions (market, content) VALUES ('11111111111111111111111111111111', 'x')").await,
        Err(ErrorCode::NotFound)
    );
    let too_large = async |tx: &Transaction<'_>| {
        Ok(tx.execute("SELECT (2::numeric ^ 100)::bigint", &[]).await.map_err(ReadFailure::from)?)
    };
    assert_eq!(
        reads.read(too_large).await.unwrap_err().code,
        ErrorCode::ValidationError,
        "what is asked for is at fault"
    );
    let readable = async |tx: &Transaction<'_>| Ok(tx.execute("DELETE FROM users", &[]).await?);
    assert!(reads.read(readable).await.is_err(), "a read never writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_hides_a_failed_statement_is_not_taken_for_written() {
    let (database, pool) = prepared(1).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    let hiding = async |tx: &Transaction<'_>| {
        tx.execute(VOTE, &[&market]).await?;
        let _ = tx.execute("SELECT 1 / 0", &[]).await;
        Ok(())
    };
    assert!(reads.write(&caller(1), hiding).await.is_err());
}

/// Polls a future so often, with pauses in which answers may come, and drops it.
async fn dropped_after(polls: u32, pause: Duration, work: impl Future) {
    let mut work = pin!(work);
    for _ in 0..polls {
        if futures_util::poll!(&mut work).is_ready() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn request(reads: &Reads, kind: u32, n: u32, market: &str) -> Result<(), ApiError> {
    let caller = caller((n % 200) as u8 + 1);
    let vote = async |tx: &Transaction<'_>| {
        tx.execute(VOTE, &[&market]).await?;
        tx.query_one("SELECT pg_sleep(0.0005)", &[]).await?;
        Ok(())
    };
    match kind {
        0 => reads.read(async |tx| who(tx).await.map(drop)).await,
        1 => reads.read_for(Some(&caller), async |tx| who(tx).await.map(drop)).await,
        2 => reads.write(&caller, vote).await,
        3 => reads.engine(async |tx| who(tx).await.map(drop)).await,
        4 => reads.write(&caller, async |tx| Ok(tx.execute("SELECT 1 / 0", &[]).await.map(|_| ())?)).await,
        _ => {
            let key = RequestKey {
                wallet: caller.wallet,
                route: "POST /x".into(),
                key: (n % 50).to_string(),
                body_hash: [0; 32],
            };
            let effect = async |tx: &Transaction<'_>| {
                vote(tx).await?;
                Reply::json(StatusCode::CREATED, &n)
            };
            reads.write_once(&caller, Some(&key), effect).await.map(drop)
        }
    }
}

/// journal.md's test: whatever the point at which a request ends, its connection is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_dropped_anywhere_leave_every_connection_idle_without_role_and_claims() {
    const CONNECTIONS: usize = 4;
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (database, pool) = prepared(CONNECTIONS).await;
    let market = market(&database, 9, 0).await.to_string();
    let reads = reads(&pool);
    let mut n = 0;
    while n < 1_000 {
        let batch: Vec<_> = (0..8)
            .map(|_| {
                n += 1;
                let (polls, pause) = (random.random_range(1..24), Duration::from_micros(random.random_range(0..400)));
                dropped_after(polls, pause, request(&reads, n % 6, n, &market))
            })
            .collect();
        join_all(batch).await;
    }
    let outside = database.connect().await;
    const BUSY: &str = "SELECT count(*) FILTER (WHERE state <> 'idle'), count(*) FROM pg_stat_activity \
                        WHERE usename = 'zmart_gateway' AND datname = current_database()";
    let known = wait_for("every connection to be idle", || async {
        let row = outside.query_one(BUSY, &[]).await.unwrap();
        let (busy, all): (i64, i64) = (row.get(0), row.get(1));
        if busy == 0 { Ok(all) } else { Err(busy) }
    })
    .await;
    assert_eq!(known, CONNECTIONS as i64, "all connections were used, and none was given up");
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(pool.get().await.unwrap());
    }
    for client in &connections {
        const LEFT: &str = "SELECT current_user::text, session_user::text, \
                                   coalesce(current_setting('request.jwt.claims', true), ''), \
                                   current_setting('statement_timeout'), pg_backend_pid()";
        let row = client.query_one(LEFT, &[]).await.unwrap();
        let left: [String; 4] = std::array::from_fn(|at| row.get(at));
        assert_eq!(left, ["zmart_gateway", "zmart_gateway", "", "0"]);
        let locks = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND locktype = 'advisory'";
        let held: i64 = outside.query_one(locks, &[&row.get::<_, i32>(4)]).await.unwrap().get(0);
        assert_eq!(held, 0);
        // By itself the login reads nothing at all.
        assert!(client.query("SELECT * FROM markets", &[]).await.is_err());
    }
    // What was not dropped in time was written, each by the right wallet.
    let row =
        outside.query_one("SELECT count(*) FROM proposal_votes WHERE market = $1::text", &[&market]).await.unwrap();
    println!("{} votes got through", row.get::<_, i64>(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_no_superuser_can_migrate_and_serve() {
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    let admin = database.connect().await;
    admin.batch_execute("CREATE ROLE owner LOGIN CREATEROLE").await.unwrap();
    let name = database.url.rsplit_once('/').unwrap().1;
    admin.batch_execute(&format!("ALTER DATABASE {name} OWNER TO owner")).await.unwrap();
    let owned = Database { url: database.url.replace("postgres@", "owner@") };
    assert_ne!(owned, database);
    let pool = pool_on(&owned, 1).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    let effect = async |tx: &Transaction<'_>| Ok(tx.execute(VOTE, &[&market]).await?);
    assert_eq!(reads.write(&caller(1), effect).await.unwrap(), 1);
    owned.take_lease().await;
    let writer = Leased::new(settings(&owned).writer_pool().unwrap(), Term(1));
    assert!(!WriterLife::begin(&writer).await.unwrap().copies, "it may not give BYPASSRLS away");
    let forced = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                  AND NOT (relrowsecurity AND (relforcerowsecurity OR relname = 'refinery_schema_history'))";
    assert_eq!(
        admin.query_one(forced, &[]).await.unwrap().get::<_, i64>(0),
        0,
        "every table is closed, to its owner too"
    );
}
