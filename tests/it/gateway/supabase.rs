//! A database as Supabase gives it: an owner that is no superuser, its API's login and roles, default grants to them of all
//! that is made, event triggers over every statement that makes something, another search path.
//!
//! It is made here from what Supabase's own setup does, as far as plain PostgreSQL can be set up so: its extensions
//! (supautils among them, which reserves roles) and its pooler are not here.

use tokio_postgres::{Client, error::SqlState};
use zmart::domain::ids::{MarketAddress, Wallet};
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    patience::wait_for,
    postgres::{Cluster, Database},
    stage::Stage,
};

use super::{
    tables::{functions_are_closed, rights_are_as_listed},
    written::tally_is,
};

/// `owner` stands for Supabase's `postgres`, which can't be made less than a superuser in a cluster that it made.
const SETUP: &str = "
    CREATE ROLE supabase_admin SUPERUSER LOGIN;
    CREATE ROLE owner LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
    CREATE ROLE anon NOLOGIN;
    CREATE ROLE authenticated NOLOGIN;
    CREATE ROLE service_role NOLOGIN BYPASSRLS;
    CREATE ROLE authenticator LOGIN NOINHERIT;
    GRANT anon, authenticated, service_role TO authenticator;
    GRANT anon, authenticated, service_role TO owner WITH ADMIN OPTION;
    ALTER ROLE anon SET statement_timeout = '3s';
    ALTER ROLE authenticated SET statement_timeout = '8s';
    ALTER ROLE authenticator SET statement_timeout = '8s';
    ALTER ROLE authenticator SET lock_timeout = '8s';";

/// In the database itself, by its superuser.
const WITHIN: &str = r#"
    CREATE PUBLICATION supabase_realtime;
    CREATE SCHEMA extensions;
    CREATE SCHEMA auth AUTHORIZATION supabase_admin;
    GRANT ALL ON SCHEMA extensions TO owner;
    GRANT USAGE ON SCHEMA extensions, auth, public TO owner, anon, authenticated, service_role;
    ALTER ROLE owner SET search_path = "$user", public, extensions;
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
        $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
    ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON TABLES TO owner, anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON FUNCTIONS TO owner, anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON SEQUENCES TO owner, anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public GRANT ALL ON TABLES TO owner, anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public GRANT ALL ON FUNCTIONS TO owner, anon, authenticated, service_role;
    CREATE FUNCTION extensions.ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
            IF one.schema_name IS DISTINCT FROM 'pg_temp' THEN NOTIFY pgrst, 'reload schema'; END IF;
        END LOOP;
    END $$;
    CREATE FUNCTION extensions.drop_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP
            IF NOT one.is_temporary THEN NOTIFY pgrst, 'reload schema'; END IF;
        END LOOP;
    END $$;
    CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.ddl_watch();
    CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.drop_watch();"#;

fn by(database: &Database, login: &str) -> Database {
    Database { url: database.url.replace("postgres@", &format!("{login}@")) }
}

/// A request of Supabase's API: its login, which becomes the role of the token for one transaction.
async fn request(api: &mut Client, role: &str, wallet: Option<Wallet>, sql: &str) -> Result<u64, SqlState> {
    let claims = serde_json::json!({"role": role, "wallet": wallet, "sub": "00000000-0000-5000-8000-000000000001"});
    let ask = async {
        let tx = api.transaction().await?;
        tx.execute(
            "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
            &[&role, &claims.to_string()],
        )
        .await?;
        let rows = tx.execute(sql, &[]).await?;
        tx.commit().await?;
        Ok::<_, tokio_postgres::Error>(rows)
    };
    ask.await.map_err(|error| error.code().cloned().unwrap_or_else(|| panic!("{error}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_database_as_supabase_gives_it_the_engine_runs_and_its_api_obeys_the_same_rules() {
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    let admin = database.connect().await;
    let name = database.url.rsplit_once('/').unwrap().1;
    admin.batch_execute(SETUP).await.unwrap();
    admin.batch_execute(&format!("ALTER DATABASE {name} OWNER TO owner")).await.unwrap();
    admin.batch_execute(WITHIN).await.unwrap();

    // All of the engine, with its migrations, as that owner.
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &by(&database, "owner"));
    engine.start().await;
    engine.ready().await;
    let stage = Stage { engine, database: database.clone(), chain };
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.client().proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    const OWNERS: &str = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                          AND relkind IN ('r', 'p') AND relowner <> 'owner'::regrole";
    assert_eq!(admin.query_one(OWNERS, &[]).await.unwrap().get::<_, i64>(0), 0);
    rights_are_as_listed(&admin).await;

    // What a user does past the engine has the same effect, and only that.
    let mut api = by(&database, "authenticator").connect().await;
    let vote = format!("INSERT INTO proposal_votes (market, vote) VALUES ('{market}', true)");
    let (one, other) = (Wallet([1; 32]), Wallet([2; 32]));
    assert_eq!(request(&mut api, "authenticated", Some(one), &vote).await, Ok(1));
    assert_eq!(request(&mut api, "authenticated", Some(one), &vote).await, Err(SqlState::UNIQUE_VIOLATION));
    for nobody in [("anon", None), ("authenticated", None), ("service_role", Some(other))] {
        let refused = request(&mut api, nobody.0, nobody.1, &vote).await.unwrap_err();
        assert_eq!(refused, SqlState::INSUFFICIENT_PRIVILEGE, "{nobody:?}");
    }
    let forged = format!("INSERT INTO proposal_votes (market, vote, wallet) VALUES ('{market}', true, '{other}')");
    assert_eq!(
        request(&mut api, "authenticated", Some(one), &forged).await,
        Err(SqlState::INSUFFICIENT_PRIVILEGE),
        "a vote in another's name"
    );
    tally_is(&database, market, 1, 0).await;
    for role in ["anon", "authenticated", "service_role"] {
        assert_eq!(request(&mut api, role, None, "SELECT * FROM markets").await, Ok(1), "{role}");
        for closed in ["SELECT * FROM sessions", "DELETE FROM markets", "TRUNCATE trades", "CREATE TABLE x (y int)"] {
            let refused = request(&mut api, role, Some(one), closed).await;
            assert_eq!(refused, Err(SqlState::INSUFFICIENT_PRIVILEGE), "{role}: {closed}");
        }
    }
    verified(&stage, market).await;
    functions_are_closed(&by(&database, "owner").connect().await).await;
}

async fn verified(stage: &Stage, market: MarketAddress) {
    wait_for("a journal that equals the chain", || async {
        let output = stage.engine.run(&["verify", "--market", &market.to_string()]).await;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
    })
    .await;
}
