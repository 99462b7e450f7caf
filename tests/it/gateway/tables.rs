//! Role by role and table by table: what may be read and written, in the database itself, however somebody comes to it.
//!
//! Everything goes through connections that have nothing of the engine, as Supabase's API has: a role, claims, statements.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use zmart::domain::ids::Wallet;
use zmart_testkit::postgres::{Cluster, Database};

use super::{market, pool_on, prepared, wallet};

const ROLES: [&str; 4] = ["anon", "authenticated", "service_role", "zmart_engine"];

/// Who may do what: read, insert, update, delete, as `r`, `i`, `u`, `d`; in the order of [`ROLES`]. `(i)` and `(u)`: of
/// some columns only.
const RIGHTS: &[(&str, [&str; 4])] = &[
    ("alerts", ["", "", "r(u)", "riud"]),
    ("candles", ["r", "r", "r", "riud"]),
    ("category_stats", ["r", "r", "r", "riud"]),
    ("channel_heads", ["", "", "r", "riud"]),
    ("chain_cursor", ["r", "r", "r", "riud"]),
    ("chain_events", ["r", "r", "r", "riud"]),
    ("chain_identity", ["r", "r", "r", "riud"]),
    ("chain_submissions", ["r", "r", "r", "riud"]),
    ("dead_letters", ["", "", "r", "riud"]),
    ("discussions", ["r", "r(i)(u)", "r", "riud"]),
    ("dispute_votes", ["r", "r(i)", "r", "riud"]),
    ("idempotency_keys", ["", "", "", "riud"]),
    ("ipfs_anchors", ["r", "r", "r", "riud"]),
    ("journal", ["r", "r", "r", "riud"]),
    ("journal_epochs", ["r", "r", "r", "riud"]),
    ("journal_writers", ["", "", "r", "riud"]),
    ("leaderboard", ["r", "r", "r", "riud"]),
    ("leaderboard_windows", ["r", "r", "r", "riud"]),
    ("leases", ["", "", "r", "riud"]),
    ("market_evidence", ["", "r(i)", "r", "riud"]),
    ("market_metadata", ["", "r(i)(u)", "r", "riud"]),
    ("market_stats", ["r", "r", "r", "riud"]),
    ("markets", ["r", "r", "r", "riud"]),
    ("nonces", ["", "", "", "riud"]),
    ("operator_actions", ["", "", "r", "ri"]),
    ("outbox", ["", "", "r", "riud"]),
    ("position_changes", ["", "", "r", "riud"]),
    ("position_hours", ["r", "r", "r", "riud"]),
    ("position_ledgers", ["r", "r", "r", "riud"]),
    ("positions", ["r", "r", "r", "riud"]),
    ("program_config", ["r", "r", "r", "riud"]),
    ("proposal_votes", ["r", "r(i)", "r", "riud"]),
    ("refinery_schema_history", ["", "", "", ""]),
    ("refresh_tokens", ["", "", "", "riud"]),
    ("repairs", ["", "", "r", "riud"]),
    ("scheduled_runs", ["", "", "r", "riud"]),
    ("sessions", ["", "", "", "riud"]),
    ("staged_signatures", ["", "", "r", "riud"]),
    ("stats_due", ["", "", "r", "riud"]),
    ("submissions", ["", "r", "r", "riud"]),
    ("trades", ["r", "r", "r", "riud"]),
    ("users", ["r", "r(u)", "r", "riud"]),
    ("vote_tallies", ["r", "r", "r", "riud"]),
    ("wallet_hours", ["r", "r", "r", "riud"]),
    ("wallet_totals", ["r", "r", "r", "riud"]),
    ("webhook_deliveries", ["", "", "r", "riud"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_table_gives_every_role_what_it_should_and_no_more() {
    let (database, _) = prepared(1).await;
    rights_are_as_listed(&database.connect().await).await;
}

pub(super) async fn rights_are_as_listed(client: &Client) {
    const TABLES: &str = "SELECT relname::text, relrowsecurity, relforcerowsecurity FROM pg_class \
                          WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace \
                            AND NOT relispartition ORDER BY 1";
    let tables = client.query(TABLES, &[]).await.unwrap();
    let there: BTreeSet<String> = tables.iter().map(|row| row.get(0)).collect();
    let listed: BTreeSet<String> = RIGHTS.iter().map(|(table, _)| (*table).to_owned()).collect();
    let unlisted: Vec<_> = there.difference(&listed).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}: who may do what with it? Add a line to RIGHTS");
    for row in &tables {
        let (table, enabled, forced): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        assert!(enabled && (forced || table == "refinery_schema_history"), "{table} is open to its owner");
    }
    const HAS: &str = "SELECT has_table_privilege($1, $2, $3), has_any_column_privilege($1, $2, $3)";
    for (table, expected) in RIGHTS.iter().filter(|(table, _)| there.contains(*table)) {
        for (role, expected) in ROLES.iter().zip(expected) {
            let mut found = String::new();
            for (privilege, letter) in [("SELECT", "r"), ("INSERT", "i"), ("UPDATE", "u")] {
                let row = client.query_one(HAS, &[role, table, &privilege]).await.unwrap();
                match (row.get(0), row.get(1)) {
                    (true, _) => found.push_str(letter),
                    (false, true) => found.push_str(&format!("({letter})")),
                    (false, false) => {}
                }
            }
            for (privilege, letter) in [("DELETE", "d"), ("TRUNCATE", "t"), ("REFERENCES", "f"), ("TRIGGER", "g")] {
                let has = "SELECT has_table_privilege($1, $2, $3)";
                if client.query_one(has, &[role, table, &privilege]).await.unwrap().get(0) {
                    found.push_str(letter);
                }
            }
            assert_eq!(&found, expected, "{role} on {table}");
            // What is granted has a policy too, or it would be of no use; what has one shows what is there.
            if expected.contains('r') {
                client
                    .batch_execute(&format!("BEGIN; SET LOCAL ROLE {role}; SELECT * FROM {table} LIMIT 1; ROLLBACK"))
                    .await
                    .unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_of_a_token_may_call_or_make_what_is_not_meant_for_it() {
    let (database, _) = prepared(1).await;
    functions_are_closed(&database.connect().await).await;
}

/// Supabase gives all that its `postgres` makes in `public` to its API roles, and others keep theirs beside ours.
#[tokio::test(flavor = "multi_thread")]
async fn what_supabase_gives_by_default_is_taken_back_and_what_is_not_ours_is_left_alone() {
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    let admin = database.connect().await;
    let name = database.url.rsplit_once('/').unwrap().1;
    let supabase = format!(
        "CREATE ROLE owner LOGIN CREATEROLE;
         CREATE ROLE anon NOLOGIN NOINHERIT;
         CREATE ROLE authenticated NOLOGIN NOINHERIT;
         CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
         GRANT anon, authenticated, service_role TO owner WITH ADMIN OPTION;
         ALTER DATABASE {name} OWNER TO owner;
         CREATE TABLE theirs (x int);
         CREATE SEQUENCE their_numbers;
         GRANT ALL ON theirs TO anon, authenticated, service_role;
         ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
         ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
         ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role"
    );
    admin.batch_execute(&supabase).await.unwrap();
    let owned = Database { url: database.url.replace("postgres@", "owner@") };
    let pool = pool_on(&owned, 1).await;
    assert!(super::reads(&pool).read(async |_| Ok(())).await.is_ok());
    let theirs = "SELECT has_table_privilege('anon', 'theirs', 'DELETE') \
                  AND NOT (SELECT relrowsecurity FROM pg_class WHERE oid = 'theirs'::regclass)";
    assert!(admin.query_one(theirs, &[]).await.unwrap().get::<_, bool>(0), "what is not ours was touched");
    let sequences = "SELECT bool_or(has_sequence_privilege(role, oid, 'USAGE, SELECT, UPDATE')) \
                     FROM pg_class, unnest(ARRAY['anon', 'authenticated', 'service_role']) role WHERE relkind = 'S'";
    assert_eq!(admin.query_one(sequences, &[]).await.unwrap().get::<_, Option<bool>>(0), Some(false));
    admin.batch_execute("DROP TABLE theirs; DROP SEQUENCE their_numbers").await.unwrap();
    rights_are_as_listed(&admin).await;
    functions_are_closed(&owned.connect().await).await;
}

pub(super) async fn functions_are_closed(client: &Client) {
    const FUNCTIONS: &str = "SELECT p.proname::text, p.prosecdef, coalesce(array_to_string(p.proconfig, ','), '') \
                             FROM pg_proc p WHERE pronamespace = 'public'::regnamespace";
    for row in client.query(FUNCTIONS, &[]).await.unwrap() {
        let (name, runs_as_owner, settings): (String, bool, String) = (row.get(0), row.get(1), row.get(2));
        if runs_as_owner || settings.contains("search_path") {
            assert!(
                settings.contains("search_path=public, pg_temp"),
                "{name} looks for tables where others may put them: {settings}"
            );
        }
        for role in ["anon", "authenticated", "service_role"] {
            const MAY: &str = "SELECT bool_or(has_function_privilege($1, oid, 'EXECUTE')) FROM pg_proc \
                               WHERE proname = $2 AND pronamespace = 'public'::regnamespace";
            let may: bool = client.query_one(MAY, &[&role, &name]).await.unwrap().get(0);
            assert_eq!(may, name == "request_wallet", "{role} may call {name}");
        }
    }
    for role in ROLES {
        let may: bool =
            client.query_one("SELECT has_schema_privilege($1, 'public', 'CREATE')", &[&role]).await.unwrap().get(0);
        assert!(!may, "{role} may make things");
    }
    // What a later migration makes is closed until it is opened.
    client
        .batch_execute("CREATE TABLE later (x int); CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        .await
        .unwrap();
    for role in ["anon", "authenticated", "service_role"] {
        let row = client
            .query_one(
                "SELECT has_table_privilege($1, 'later', 'SELECT'), has_function_privilege($1, 'later()', 'EXECUTE')",
                &[&role],
            )
            .await
            .unwrap();
        assert_eq!((row.get(0), row.get(1)), (false, false), "{role}");
    }
}

/// A connection as Supabase's API has it: a role, and the claims of a token.
async fn as_user(database: &Database, role: &str, wallet: Option<Wallet>) -> Client {
    let client = database.connect().await;
    let claims =
        wallet.map(|wallet| serde_json::json!({"wallet": wallet, "role": role}).to_string()).unwrap_or_default();
    client.execute("SELECT set_config('request.jwt.claims', $1, false)", &[&claims]).await.unwrap();
    client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
    client
}

/// The SQLSTATE of a refusal, or how many rows were touched.
async fn outcome(client: &Client, sql: &str) -> Result<u64, String> {
    client
        .execute(sql, &[])
        .await
        .map_err(|error| error.code().map(|state| state.code().to_owned()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_past_the_engine_obeys_phase_and_uniqueness_and_reaches_the_outbox() {
    let (database, _) = prepared(1).await;
    let (proposed, disputed) = (market(&database, 9, 0).await, market(&database, 8, 4).await);
    let admin = database.connect().await;
    let listening = database.connect().await;
    listening.batch_execute("LISTEN zmart_outbox").await.unwrap();
    let one = as_user(&database, "authenticated", Some(wallet(1))).await;
    let vote = |table: &str, market| format!("INSERT INTO {table} (market, vote) VALUES ('{market}', true)");
    assert_eq!(outcome(&one, &vote("proposal_votes", proposed)).await, Ok(1));
    assert_eq!(outcome(&one, &vote("proposal_votes", proposed)).await, Err("23505".into()), "a second one");
    assert_eq!(outcome(&one, &vote("proposal_votes", disputed)).await, Err("ZM001".into()), "in another phase");
    assert_eq!(outcome(&one, &vote("dispute_votes", proposed)).await, Err("ZM001".into()), "in another phase");
    assert_eq!(outcome(&one, &vote("dispute_votes", disputed)).await, Ok(1));
    let nowhere = zmart::domain::ids::MarketAddress([3; 32]);
    assert_eq!(outcome(&one, &vote("proposal_votes", nowhere)).await, Err("ZM001".into()), "no such market");
    for sql in [
        format!("INSERT INTO proposal_votes (market, wallet, vote) VALUES ('{proposed}', '{}', true)", wallet(2)),
        format!("INSERT INTO proposal_votes (market, vote, created_at) VALUES ('{proposed}', true, now())"),
        "UPDATE proposal_votes SET vote = false".into(),
        "DELETE FROM proposal_votes".into(),
        "INSERT INTO outbox (market, kind, payload) VALUES ('x', 'proposal_vote', '{}')".into(),
        "SELECT tell_market('x', 'proposal_vote', '{}')".into(),
        "UPDATE markets SET phase = 1".into(),
        "ALTER TABLE proposal_votes DISABLE TRIGGER ALL".into(),
        "SET session_replication_role = replica".into(),
    ] {
        assert_eq!(outcome(&one, &sql).await, Err("42501".into()), "{sql}");
    }
    // Nobody votes without a wallet: a token of Supabase's own users has none.
    let nobody = as_user(&database, "authenticated", None).await;
    assert!(outcome(&nobody, &vote("proposal_votes", proposed)).await.is_err());
    let anon = as_user(&database, "anon", Some(wallet(3))).await;
    assert_eq!(outcome(&anon, &vote("proposal_votes", proposed)).await, Err("42501".into()));

    let rows = admin.query("SELECT market::text, kind, payload FROM outbox ORDER BY id", &[]).await.unwrap();
    let mut told: Vec<(String, String, serde_json::Value)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    for (.., payload) in &mut told {
        assert!(payload.as_object_mut().unwrap().remove("voted_at_ms").is_some_and(|at| at.as_i64() > Some(0)));
    }
    let payload = serde_json::json!({"wallet": wallet(1), "vote": true, "signature": null});
    assert_eq!(
        told,
        [
            (proposed.to_string(), "proposal_vote".into(), payload.clone()),
            (disputed.to_string(), "dispute_vote".into(), payload)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_table_does_not_take_the_place_of_the_outbox() {
    let (database, _) = prepared(1).await;
    let proposed = market(&database, 9, 0).await;
    let one = as_user(&database, "authenticated", Some(wallet(1))).await;
    // Anybody may make temporary tables, and give others rights to them.
    let trap = "CREATE TEMP TABLE outbox (id bigserial, market text, kind text, payload jsonb);
                CREATE TEMP TABLE markets (address text, phase smallint, vanished boolean);
                GRANT ALL ON pg_temp.outbox, pg_temp.markets TO PUBLIC;
                INSERT INTO pg_temp.markets VALUES ('x', 4, false)";
    one.batch_execute(trap).await.unwrap();
    assert_eq!(
        outcome(&one, &format!("INSERT INTO public.proposal_votes (market, vote) VALUES ('{proposed}', true)")).await,
        Ok(1)
    );
    let admin = database.connect().await;
    assert_eq!(admin.query_one("SELECT count(*) FROM outbox", &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_what_is_anothers() {
    let (database, _) = prepared(1).await;
    let place = market(&database, 9, 0).await;
    let admin = database.connect().await;
    for n in [1, 2] {
        let sql = format!("INSERT INTO users (id, wallet) VALUES (gen_random_uuid(), '{}')", wallet(n));
        admin.batch_execute(&sql).await.unwrap();
    }
    let (one, two) = (
        as_user(&database, "authenticated", Some(wallet(1))).await,
        as_user(&database, "authenticated", Some(wallet(2))).await,
    );
    let (mine, his) = (wallet(1), wallet(2));
    assert_eq!(
        outcome(&two, &format!("INSERT INTO discussions (market, content) VALUES ('{place}', '  hello ')")).await,
        Ok(1)
    );
    assert_eq!(
        outcome(
            &two,
            &format!(
                "INSERT INTO market_metadata (market, market_seed, document) VALUES ('{place}', '{}', '{{}}')",
                "09".repeat(32)
            )
        )
        .await,
        Ok(1)
    );
    for (sql, expected) in [
        (format!("UPDATE users SET display_name = 'x' WHERE wallet = '{mine}'"), Ok(1)),
        (format!("UPDATE users SET display_name = 'x' WHERE wallet = '{his}'"), Ok(0)),
        ("UPDATE users SET display_name = 'y'".into(), Ok(1)),
        ("UPDATE users SET display_name = E'a\\nb'".into(), Err("23514")),
        ("UPDATE users SET avatar_url = 'javascript:x'".into(), Err("23514")),
        (format!("UPDATE users SET wallet = '{his}'"), Err("42501")),
        ("UPDATE users SET id = gen_random_uuid()".into(), Err("42501")),
        ("DELETE FROM users".into(), Err("42501")),
        ("UPDATE discussions SET deleted_at = now()".into(), Ok(0)),
        ("UPDATE discussions SET content = 'x'".into(), Err("42501")),
        ("UPDATE market_metadata SET document = '[]'".into(), Ok(0)),
        ("SELECT * FROM market_metadata".into(), Ok(0)),
        ("SELECT * FROM sessions".into(), Err("42501")),
        ("SELECT * FROM refresh_tokens".into(), Err("42501")),
        ("SELECT * FROM nonces".into(), Err("42501")),
        ("SELECT * FROM idempotency_keys".into(), Err("42501")),
        ("SELECT * FROM outbox".into(), Err("42501")),
    ] {
        assert_eq!(outcome(&one, &sql).await, expected.map_err(str::to_owned), "{sql}");
    }
    // A comment of one's own is deleted once; then only its author still reads it.
    assert_eq!(outcome(&two, "UPDATE discussions SET deleted_at = NULL").await, Err("ZM002".into()));
    assert_eq!(outcome(&two, "UPDATE discussions SET deleted_at = '2000-01-01'").await, Ok(1));
    assert_eq!(outcome(&two, "UPDATE discussions SET deleted_at = now()").await, Err("ZM002".into()));
    let row =
        admin.query_one("SELECT content, deleted_at > now() - interval '1 hour' FROM discussions", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("hello", true));
    let anon = as_user(&database, "anon", None).await;
    assert_eq!(outcome(&anon, "SELECT * FROM discussions").await, Ok(0));
    assert_eq!(outcome(&one, "SELECT * FROM discussions").await, Ok(0));
    assert_eq!(outcome(&two, "SELECT * FROM discussions").await, Ok(1));
}
