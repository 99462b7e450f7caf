//! The login that serves requests: made once whoever comes at the same time, and refused if it could do more than it should.

use futures_util::future::join_all;
use zmart::journal::{
    DatabaseSettings,
    gateway_login::{self, GatewayLoginError},
    migrate,
};
use zmart_testkit::{
    engine::JWT_SECRET,
    postgres::{Cluster, Database},
};

use super::settings;

async fn migrated(cluster: &Cluster) -> Database {
    let database = cluster.database().await;
    migrate::run(&settings(&database)).await.unwrap();
    database
}

fn own(database: &Database, login: &str) -> DatabaseSettings {
    DatabaseSettings { url: database.url.replace("postgres@", &format!("{login}@")), ..settings(database) }
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_of_several_databases_that_start_at_once_make_one_login() {
    let cluster = Cluster::start().await;
    let databases = join_all((0..4).map(|_| cluster.database())).await;
    let started = databases.iter().map(async |database| {
        migrate::run(&settings(database)).await.unwrap();
        gateway_login::ready(&settings(database), None, JWT_SECRET.as_bytes()).await.unwrap();
    });
    join_all(started).await;
    for database in &databases {
        let pool = super::pool_on(database, 1).await;
        assert!(super::reads(&pool).read(async |_| Ok(())).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_row_level_security_does_not_bind_is_refused() {
    let cluster = Cluster::start().await;
    let database = migrated(&cluster).await;
    let admin = database.connect().await;
    let roles = "IN ROLE anon, authenticated, zmart_engine";
    for (options, what) in [
        ("SUPERUSER NOINHERIT", "superuser"),
        ("BYPASSRLS NOINHERIT", "bypasses row level security"),
        ("CREATEROLE NOINHERIT", "make roles"),
        ("INHERIT", "inherits"),
    ] {
        admin.batch_execute(&format!("CREATE ROLE other LOGIN {options} {roles}")).await.unwrap();
        let refused = gateway_login::ready(&settings(&database), Some(own(&database, "other")), b"").await.unwrap_err();
        assert!(matches!(refused, GatewayLoginError::TooMighty { .. }), "{options}: {refused}");
        assert!(refused.to_string().contains(what), "{options}: {refused}");
        admin.batch_execute("DROP ROLE other").await.unwrap();
    }
    admin.batch_execute("CREATE ROLE other LOGIN NOINHERIT IN ROLE anon, authenticated").await.unwrap();
    let refused = gateway_login::ready(&settings(&database), Some(own(&database, "other")), b"").await.unwrap_err();
    assert!(matches!(refused, GatewayLoginError::Helpless { role: "zmart_engine", .. }), "{refused}");
    admin.batch_execute("GRANT zmart_engine TO other").await.unwrap();
    gateway_login::ready(&settings(&database), Some(own(&database, "other")), b"").await.unwrap();
    let made = "SELECT count(*) FROM pg_roles WHERE rolname = 'zmart_gateway'";
    assert_eq!(admin.query_one(made, &[]).await.unwrap().get::<_, i64>(0), 0, "who brings a login gets none made");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engines_own_login_is_mended_but_not_stripped_of_what_somebody_gave_it() {
    let cluster = Cluster::start().await;
    let database = migrated(&cluster).await;
    let admin = database.connect().await;
    admin.batch_execute("CREATE ROLE zmart_gateway NOLOGIN NOINHERIT").await.unwrap();
    gateway_login::ready(&settings(&database), None, JWT_SECRET.as_bytes()).await.unwrap();
    admin.batch_execute("ALTER ROLE zmart_gateway BYPASSRLS").await.unwrap();
    let refused = gateway_login::ready(&settings(&database), None, JWT_SECRET.as_bytes()).await.unwrap_err();
    assert!(matches!(refused, GatewayLoginError::TooMighty { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_passwords_are_asked_the_login_has_one_that_follows_from_the_secret() {
    let cluster = Cluster::start().await;
    let database = migrated(&cluster).await;
    let admin = database.connect().await;
    let rules =
        "COPY (VALUES ('host all zmart_gateway 127.0.0.1/32 scram-sha-256'), ('host all all 127.0.0.1/32 trust')) TO ";
    let file: String = admin.query_one("SHOW hba_file", &[]).await.unwrap().get(0);
    admin.batch_execute(&format!("{rules} '{file}'; SELECT pg_reload_conf()")).await.unwrap();
    let login = gateway_login::ready(&settings(&database), None, JWT_SECRET.as_bytes()).await.unwrap();
    let wrong = login.clone().as_login(gateway_login::GATEWAY_LOGIN, "another");
    zmart_testkit::patience::wait_for("a wrong password to be refused", || async {
        match wrong.connect().await {
            Ok(_) => Err("let in"),
            Err(_) => Ok(()),
        }
    })
    .await;
    // Another secret is another password, set at the next start.
    gateway_login::ready(&settings(&database), None, &[7; 32]).await.unwrap();
    assert!(login.connect().await.is_err(), "the old one is of no use any more");
}
