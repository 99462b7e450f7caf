//! The login that serves requests: it owns nothing, inherits nothing, and may only act as the three roles.
//!
//! Owns its making and its examination. It is the connection of `DATABASE_URL` with another user, whose password follows
//! from the JWT secret, so that nothing more has to be configured; or a login of the operator's own
//! (`DATABASE_GATEWAY_URL`), which is examined but never changed. What could do more than it should is refused: row
//! level security says nothing to a superuser. Roles belong to the whole cluster: other databases' engines may be making
//! the same ones just now.

use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use tokio_postgres::{Client, config::Host};

use super::{
    DatabaseSettings, PoolSettingsError,
    connector::{ConnectError, Connector},
    rights::{ANYONE_ROLE, ENGINE_ROLE, USER_ROLE},
};

/// Its name.
pub const GATEWAY_LOGIN: &str = "zmart_gateway";
/// Supabase's pooler wants the project's reference behind the user's name.
const POOLER_HOST: &str = ".pooler.supabase.com";
/// Other processes change the same roles: PostgreSQL refuses who comes at the same time.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Why requests can't be served by this login.
#[derive(Debug, thiserror::Error)]
pub enum GatewayLoginError {
    /// The connection string can't be used.
    #[error(transparent)]
    Settings(#[from] PoolSettingsError),
    /// The server can't be reached, or is not taken for the one that was meant.
    #[error("the login that serves requests ({GATEWAY_LOGIN}) can't be made or examined: {0}")]
    Connect(#[from] ConnectError),
    /// The login can't be made, or what it may do can't be asked.
    #[error("the login that serves requests ({GATEWAY_LOGIN}) can't be made or examined: {}", super::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// It is not let in.
    #[error(
        "the login that serves requests ({login}) is not let in: {}. Let it in (pg_hba.conf), or name another one by \
         DATABASE_GATEWAY_URL", .error
    )]
    Refused {
        /// The login.
        login: String,
        /// What PostgreSQL said.
        error: ConnectError,
    },
    /// It could do what row level security forbids.
    #[error(
        "the login that serves requests ({login}) {what}: row level security would not hold. It has to be a role of its \
         own: LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE, member of {ANYONE_ROLE}, {USER_ROLE} and {ENGINE_ROLE}"
    )]
    TooMighty {
        /// The login.
        login: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It can't act as one of the roles.
    #[error("the login that serves requests ({login}) can't act as {role}: GRANT {role} TO it")]
    Helpless {
        /// The login.
        login: String,
        /// The role.
        role: &'static str,
    },
}

/// The connection of the engine's own login: that of the owner, with another user.
///
/// # Errors
/// [`PoolSettingsError`].
pub fn derived(owner: &DatabaseSettings, secret: &[u8]) -> Result<Connector, PoolSettingsError> {
    let connector = owner.connector()?;
    let on_pooler = connector.hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.ends_with(POOLER_HOST)));
    let project = connector.login().split_once('.').map(|(_, project)| project);
    let user = match project.filter(|_| on_pooler) {
        Some(project) => format!("{GATEWAY_LOGIN}.{project}"),
        None => GATEWAY_LOGIN.to_owned(),
    };
    Ok(connector.as_login(&user, &password(secret)))
}

fn password(secret: &[u8]) -> String {
    // Any length of key is one.
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(GATEWAY_LOGIN.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The connection of the login that serves requests, once it is there and is what it should be: `own` of the operator,
/// or else the engine's own, made where it is missing.
///
/// # Errors
/// [`GatewayLoginError`].
pub async fn ready(
    owner: &DatabaseSettings,
    own: Option<DatabaseSettings>,
    secret: &[u8],
) -> Result<Connector, GatewayLoginError> {
    match own {
        Some(own) => {
            let gateway = own.connector()?;
            examine(&gateway).await?;
            Ok(gateway)
        }
        None => {
            make(owner, secret).await?;
            Ok(derived(owner, secret)?)
        }
    }
}

/// Makes the engine's own login, or mends it, unless it is as it should be.
///
/// # Errors
/// [`GatewayLoginError`].
pub async fn make(owner: &DatabaseSettings, secret: &[u8]) -> Result<(), GatewayLoginError> {
    let gateway = derived(owner, secret)?;
    match examine(&gateway).await {
        Ok(()) => return Ok(()),
        // Who gave it such rights has to know of it.
        Err(error @ GatewayLoginError::TooMighty { .. }) => return Err(error),
        Err(_) => {}
    }
    let (client, connection) = owner.connector()?.connect().await?;
    let driver = tokio::spawn(connection);
    let mut attempt = 0;
    loop {
        match grant(&client, &password(secret)).await {
            Err(error) if attempt < ATTEMPTS && is_overtaken(&error) => {
                attempt += 1;
                tokio::time::sleep(PAUSE + Duration::from_millis(rand::random_range(0..50))).await;
            }
            outcome => break outcome?,
        }
    }
    drop(client);
    let _ = driver.await;
    examine(&gateway).await
}

async fn grant(client: &Client, password: &str) -> Result<(), tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), current_setting('server_version_num')::int",
            &[&GATEWAY_LOGIN],
        )
        .await?;
    let (is_there, version): (bool, i32) = (row.try_get(0)?, row.try_get(1)?);
    if !is_there {
        client.batch_execute(&format!("CREATE ROLE {GATEWAY_LOGIN} LOGIN NOINHERIT")).await?;
    }
    // Before 16 a role inherits from all that it is a member of, or from none.
    let (asked, options) = if version >= 160_000 { ("SET", " WITH INHERIT FALSE, SET TRUE") } else { ("MEMBER", "") };
    for role in [ANYONE_ROLE, USER_ROLE, ENGINE_ROLE] {
        let can: bool = client
            .query_one("SELECT pg_has_role($1, $2::text, $3)", &[&GATEWAY_LOGIN, &role, &asked])
            .await?
            .try_get(0)?;
        if !can {
            client.batch_execute(&format!("GRANT {role} TO {GATEWAY_LOGIN}{options}")).await?;
        }
    }
    // As its verifier, so that the password is in no log of the server.
    let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
    client.batch_execute(&format!("ALTER ROLE {GATEWAY_LOGIN} LOGIN PASSWORD '{verifier}'")).await
}

/// Another process has made or changed the role at the same time: unique_violation, duplicate_object, rolled back, and
/// "tuple concurrently updated", which has the code of an internal error.
fn is_overtaken(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|state| ["23505", "42710", "40001", "40P01", "XX000"].contains(&state.code()))
}

/// Looks at what the login may do.
///
/// # Errors
/// [`GatewayLoginError::TooMighty`] or [`GatewayLoginError::Helpless`]; that it is not let in.
pub async fn examine(gateway: &Connector) -> Result<(), GatewayLoginError> {
    let login = gateway.login().to_owned();
    let refused = |error| GatewayLoginError::Refused { login: login.clone(), error };
    let (mut client, connection) = gateway.connect().await.map_err(refused)?;
    let driver = tokio::spawn(connection);
    let outcome = look(&mut client, &login).await;
    drop(client);
    let _ = driver.await;
    outcome
}

async fn look(client: &mut Client, login: &str) -> Result<(), GatewayLoginError> {
    // `USAGE`: has the rights of the role without acting as it.
    const SQL: &str = "SELECT rolsuper, rolbypassrls, rolcreaterole, \
                              (SELECT bool_or(pg_has_role(r.oid, role.oid, 'USAGE')) FROM pg_roles role \
                               WHERE role.oid <> r.oid AND pg_has_role(r.oid, role.oid, 'MEMBER')) \
                       FROM pg_roles r WHERE rolname = session_user";
    let row = client.query_one(SQL, &[]).await?;
    let reasons = [
        "is a superuser",
        "bypasses row level security (BYPASSRLS)",
        "may make roles (CREATEROLE)",
        "inherits the rights of the roles that it is a member of",
    ];
    for (at, what) in reasons.into_iter().enumerate() {
        if row.try_get::<_, Option<bool>>(at)?.unwrap_or(false) {
            return Err(GatewayLoginError::TooMighty { login: login.to_owned(), what });
        }
    }
    for role in [ANYONE_ROLE, USER_ROLE, ENGINE_ROLE] {
        let transaction = client.transaction().await?;
        let acted = transaction.batch_execute(&format!("SET LOCAL ROLE {role}")).await;
        if acted.is_err_and(|error| error.as_db_error().is_some()) {
            return Err(GatewayLoginError::Helpless { login: login.to_owned(), role });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(url: &str) -> String {
        let owner = DatabaseSettings { url: url.into(), connect_timeout: Duration::from_secs(1), ca_file: None };
        derived(&owner, &[7; 32]).unwrap().login().to_owned()
    }

    #[test]
    fn only_on_supabases_pooler_the_user_keeps_the_projects_reference() {
        assert_eq!(user("postgres://postgres:x@127.0.0.1/zmart"), GATEWAY_LOGIN);
        assert_eq!(user("postgres://first.last:x@db.example.com/zmart"), GATEWAY_LOGIN);
        let pooled = "postgres://postgres.abcdef:x@aws-0-eu-central-1.pooler.supabase.com:5432/postgres";
        assert_eq!(user(pooled), "zmart_gateway.abcdef");
    }

    #[test]
    fn the_password_follows_from_the_secret_alone() {
        assert_eq!(password(&[7; 32]), password(&[7; 32]));
        assert_ne!(password(&[7; 32]), password(&[8; 32]));
        assert_eq!(password(&[7; 32]).len(), 64);
    }
}
