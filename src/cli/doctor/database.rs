//! PostgreSQL: is it there, is its schema ours, may its logins do what they have to, is the journal of this chain? Only reads:
//! what a start would make or migrate is told, and not done.

use std::time::SystemTime;

use tokio::time::timeout;

use super::{PATIENCE, finding::Finding, machine::Reading, protection};
use crate::{
    config::{Config, place_of},
    journal::{
        connector::ConnectError,
        gateway_login::{self, GATEWAY_LOGIN},
        inspect::{InspectError, Inspection, Roles, Server},
        migrate::Standing,
    },
};

/// The oldest release that is taken.
const VERSION_MIN: i32 = 150_000;
/// Where the schema is not as this binary wants it.
const MIGRATE: &str = "run `zmart migrate` (`zmart serve` does the same at its start)";

/// What was seen.
pub struct Seen {
    /// Of `database`, `database-tls`, `migrations` and `roles`.
    pub findings: Vec<Finding>,
    /// What time it is there.
    pub clock: Option<Reading>,
    /// The chain that the journal is of; the inner `None`: there is no journal yet; the outer: it could not be asked.
    chain: Option<Option<(String, String)>>,
}

/// Looks at it.
pub async fn look(config: &Config) -> Seen {
    let place = place_of(&config.database.url).unwrap_or_else(|| "the place of DATABASE_URL".to_owned());
    match inspect(config, &place).await {
        Ok(seen) => seen,
        Err(error) => {
            let advice = advice_on(&error);
            let mut findings = vec![Finding::failed("database", format!("{place}: {error}"), advice)];
            findings.extend(
                ["database-tls", "migrations", "roles"]
                    .map(|check| Finding::skipped(check, "the database did not answer")),
            );
            Seen { findings, clock: None, chain: None }
        }
    }
}

fn advice_on(error: &InspectError) -> &'static str {
    match error {
        InspectError::Connect(ConnectError::Tls(refusal)) => refusal.advice(),
        InspectError::Settings(_) => {
            "correct DATABASE_URL, DATABASE_CA_FILE (docs/operating.md, TLS to PostgreSQL and Redis)"
        }
        _ => "start PostgreSQL, or correct DATABASE_URL: host, port, user, password, database, pg_hba.conf",
    }
}

async fn inspect(config: &Config, place: &str) -> Result<Seen, InspectError> {
    let settings = config.database.settings();
    let connector = settings.connector()?;
    let mut inspection = Inspection::begin(&settings).await?;
    let asked = SystemTime::now();
    let server = inspection.server().await?;
    let clock = Reading::between(asked, server.now.into(), SystemTime::now());
    let standing = inspection.migrations().await?;
    let roles = inspection.roles().await?;
    let chain = inspection.chain().await?;
    let findings = vec![
        of_server(&server, place),
        protection::of_database(&connector, inspection.is_encrypted(), config.environment),
        of_schema(&standing),
        of_roles(config, &server, &standing, &roles).await,
    ];
    Ok(Seen { findings, clock: Some(clock), chain: Some(chain) })
}

fn of_server(server: &Server, place: &str) -> Finding {
    let Server { version, connections, connections_max, .. } = server;
    let seen = format!("PostgreSQL {version} at {place}, {connections} of {connections_max} connections are open");
    if server.version_number < VERSION_MIN {
        return Finding::failed("database", seen, "PostgreSQL 15 or newer is needed");
    }
    if server.is_recovering {
        return Finding::failed(
            "database",
            format!("{seen}; it is a standby"),
            "name the primary, or promote this one",
        );
    }
    Finding::ok("database", seen)
}

fn of_schema(standing: &Standing) -> Finding {
    let Standing { applied, pending, foreign } = standing;
    if !foreign.is_empty() {
        let seen = format!("{applied} are applied, of which this release does not have {}", foreign.join(", "));
        return Finding::failed(
            "migrations",
            seen,
            "a newer release was here: run that one, or restore a backup from before",
        );
    }
    match pending.as_slice() {
        [] => Finding::ok("migrations", format!("{applied} are applied, none is missing")),
        [first, ..] => {
            let seen = format!("{applied} are applied, {} are not, from {first} on", pending.len());
            Finding::warning("migrations", seen, MIGRATE)
        }
    }
}

async fn of_roles(config: &Config, server: &Server, standing: &Standing, roles: &Roles) -> Finding {
    let may_make_roles = server.is_superuser || server.makes_roles;
    if !standing.pending.is_empty() && !server.makes_tables {
        let seen = format!("{} may make no tables in its schema", server.login);
        return Finding::failed(
            "roles",
            seen,
            "GRANT CREATE ON SCHEMA to it, or name the schema's owner in DATABASE_URL",
        );
    }
    if !roles.missing.is_empty() {
        let seen = format!("{} are not there", roles.missing.join(", "));
        if !may_make_roles {
            let advice = format!("{} may not make roles: make them yourself, or give it CREATEROLE", server.login);
            return Finding::failed("roles", seen, advice);
        }
        return Finding::warning("roles", seen, MIGRATE);
    }
    if !roles.can_act {
        let advice = format!("GRANT zmart_engine TO {}", server.login);
        return Finding::failed("roles", format!("{} can't act as zmart_engine", server.login), advice);
    }
    let settings = config.database.settings();
    let gateway = match config.database.own_gateway() {
        Some(own) => own.connector(),
        None if roles.has_gateway => gateway_login::derived(&settings, config.auth.jwt_secret.bytes()),
        None if may_make_roles => {
            return Finding::warning("roles", format!("the login {GATEWAY_LOGIN} is not there yet"), MIGRATE);
        }
        None => {
            let advice = "make a login yourself and name it by DATABASE_GATEWAY_URL (docs/operating.md)";
            return Finding::failed(
                "roles",
                format!("{} may not make the login {GATEWAY_LOGIN}", server.login),
                advice,
            );
        }
    };
    let gateway = match gateway {
        Ok(gateway) => gateway,
        Err(error) => return Finding::failed("roles", error.to_string(), "correct DATABASE_GATEWAY_URL"),
    };
    let login = gateway.login().to_owned();
    match timeout(PATIENCE, gateway_login::examine(&gateway)).await {
        Ok(Ok(())) => {
            let slower =
                if roles.engine_bypasses { "" } else { "; zmart_engine has no BYPASSRLS: large batches cost more" };
            Finding::ok("roles", format!("{} acts as zmart_engine, requests come as {login}{slower}", server.login))
        }
        Ok(Err(gateway_login::GatewayLoginError::Refused { .. })) if config.database.own_gateway().is_none() => {
            // Another secret, or another deployment's: the start sets its password anew.
            let seen = format!("{login} is not let in with the password that follows from JWT_SECRET");
            Finding::warning("roles", seen, format!("{MIGRATE}, or let it in (pg_hba.conf)"))
        }
        Ok(Err(error)) => Finding::failed("roles", error.to_string(), "see docs/operating.md, The database's logins"),
        Err(_) => Finding::failed(
            "roles",
            format!("{login}: no answer in {} s", PATIENCE.as_secs()),
            "look at PostgreSQL's log",
        ),
    }
}

/// Is the journal of the chain that is asked?
pub fn journal_of(config: &Config, seen: &Seen, genesis: Option<&str>) -> Finding {
    let program = config.chain.program.to_string();
    match (&seen.chain, genesis) {
        (None, _) => Finding::skipped("journal", "the database did not answer"),
        (Some(None), _) => Finding::ok("journal", "none yet: the first start begins it"),
        (Some(Some(_)), None) => Finding::skipped("journal", "no node has said which chain it is of"),
        (Some(Some((own_genesis, own_program))), Some(genesis)) => {
            if own_genesis == genesis && *own_program == program {
                return Finding::ok("journal", format!("it is of this chain ({genesis}) and program"));
            }
            let seen = format!(
                "it is of another chain: begun with genesis hash {own_genesis} and program {own_program}, but the node \
                 answers {genesis} and the program is {program}"
            );
            Finding::failed("journal", seen, "use a database of its own for each chain (DATABASE_URL)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    fn server() -> Server {
        Server {
            version: "16.4".to_owned(),
            version_number: 160_004,
            is_recovering: false,
            now: chrono::Utc::now(),
            connections_max: 100,
            connections: 5,
            login: "owner".to_owned(),
            is_superuser: false,
            makes_roles: true,
            makes_tables: true,
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_or_is_too_old_fails() {
        assert_eq!(of_server(&server(), "x").state, State::Ok);
        assert_eq!(of_server(&Server { version_number: 140_012, ..server() }, "x").state, State::Failed);
        assert_eq!(of_server(&Server { is_recovering: true, ..server() }, "x").state, State::Failed);
    }

    #[test]
    fn what_a_start_would_mend_is_a_warning_and_what_it_would_refuse_a_failure() {
        let standing = |pending: &[&str], foreign: &[&str]| {
            let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            of_schema(&Standing { applied: 3, pending: named(pending), foreign: named(foreign) }).state
        };
        assert_eq!(standing(&[], &[]), State::Ok);
        assert_eq!(standing(&["V4__a"], &[]), State::Warning);
        assert_eq!(standing(&["V4__a"], &["V9__b"]), State::Failed);
    }
}
