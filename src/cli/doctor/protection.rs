//! Redis; and whether what the engine says to PostgreSQL and to Redis can be listened to, or be answered by somebody else.
//!
//! In the clear, or without a check, is how a developer works and how one machine does; a warning only where production says
//! it to another machine.

use deadpool_redis::redis::{RedisError, cmd};
use tokio::time::timeout;

use super::{PATIENCE, finding::Finding};
use crate::{
    config::{Config, Environment, place_of},
    journal::{connector::Connector, ssl_words::Protection},
    redis::{RedisSettings, RedisSettingsError},
    tls::refusal::Refusal,
};

const DATABASE: &str = "database-tls";
const REDIS: &str = "redis-tls";

/// How what is said is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    InTheClear,
    Unchecked,
    Checked,
}

/// Of a server that answers.
pub fn of_database(connector: &Connector, is_encrypted: bool, environment: Environment) -> Finding {
    let (how, seen) = match connector.protection() {
        _ if !is_encrypted => (How::InTheClear, "in the clear".to_owned()),
        Protection::Off | Protection::IfOffered | Protection::Unchecked => {
            (How::Unchecked, "TLS, with a server whose certificate is not checked".to_owned())
        }
        Protection::Chain(roots) => (How::Checked, format!("TLS, with any server whose certificate leads to {roots}")),
        Protection::ChainAndName(roots) => {
            (How::Checked, format!("TLS, with the server of that name, whose certificate leads to {roots}"))
        }
    };
    let advice = "DATABASE_URL with sslmode=verify-full, and DATABASE_CA_FILE where its CA is no public one: who stands in \
                  between can listen, or be the database";
    of(DATABASE, how, seen, connector.stays_here(), environment, advice)
}

/// Redis, where there should be one: is it there, and how is it spoken to?
pub async fn redis(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.edge.redis else {
        let why = "no REDIS_URL: only several nodes on one database need one";
        return vec![Finding::skipped("redis", why), Finding::skipped(REDIS, why)];
    };
    let found = ask(settings).await;
    let (how, seen) = match settings.is_encrypted() {
        true => (How::Checked, "TLS, with the server of that name"),
        false => (How::InTheClear, "in the clear"),
    };
    let advice =
        "rediss:// in REDIS_URL, and REDIS_CA_FILE where its CA is no public one: what is heard there is believed";
    let protection = of(REDIS, how, seen.to_owned(), settings.stays_here(), config.environment, advice);
    vec![found, protection]
}

fn of(
    check: &'static str,
    how: How,
    seen: String,
    stays_here: bool,
    environment: Environment,
    advice: &str,
) -> Finding {
    if how == How::Checked {
        return Finding::ok(check, seen);
    }
    let seen = format!("{seen}, {}", if stays_here { "on this machine" } else { "to another machine" });
    match stays_here || environment != Environment::Production {
        true => Finding::ok(check, seen),
        false => Finding::warning(check, seen, advice),
    }
}

async fn ask(settings: &RedisSettings) -> Finding {
    let place = place_of(settings.url()).unwrap_or_else(|| "the place of REDIS_URL".to_owned());
    let advice = "start it, or correct REDIS_URL; until then nodes count requests by themselves and read PostgreSQL";
    match timeout(PATIENCE, version(settings)).await {
        Ok(Ok(version)) => of_version(&place, version.as_deref()),
        Ok(Err(Unanswered::Settings(error))) => {
            Finding::failed("redis", format!("{place}: {error}"), "correct REDIS_URL, REDIS_CA_FILE")
        }
        Ok(Err(Unanswered::Redis(error))) => match Refusal::of(&error) {
            Some(refusal) => Finding::failed("redis", format!("{place}: {refusal}"), refusal.advice()),
            None if settings.is_encrypted() && error.is_timeout() => of_silence(&place),
            // Its text may show the address, and so a password.
            None => Finding::failed("redis", format!("{place}: {}", error.category()), advice),
        },
        Err(_) if settings.is_encrypted() => of_silence(&place),
        Err(_) => Finding::failed("redis", format!("{place}: no answer in {} s", PATIENCE.as_secs()), advice),
    }
}

/// A Redis that speaks no TLS takes its beginning for a command that is not whole yet, and waits for the rest.
fn of_silence(place: &str) -> Finding {
    let advice =
        "look whether that port speaks TLS (tls-port): a Redis that does not says nothing; or correct REDIS_URL";
    Finding::failed("redis", format!("{place}: no answer to the beginning of TLS"), advice)
}

#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Settings(#[from] RedisSettingsError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

async fn version(settings: &RedisSettings) -> Result<Option<String>, Unanswered> {
    let mut connection = settings.client()?.get_multiplexed_async_connection().await?;
    let info: String = cmd("INFO").arg("server").query_async(&mut connection).await?;
    Ok(info.lines().find_map(|line| line.strip_prefix("redis_version:")).map(|version| version.trim().to_owned()))
}

fn of_version(place: &str, version: Option<&str>) -> Finding {
    let Some(version) = version else {
        return Finding::warning("redis", format!("{place} does not say its version"), "Redis 6 or newer is needed");
    };
    let major: Option<u32> = version.split('.').next().and_then(|major| major.parse().ok());
    let seen = format!("Redis {version} at {place}");
    match major {
        Some(6..) => Finding::ok("redis", seen),
        _ => Finding::failed("redis", seen, "Redis 6 or newer is needed"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn production_is_warned_where_somebody_could_listen_or_answer_instead() {
        use Environment::{Development, Production};
        for (url, is_encrypted, environment, expected) in [
            ("postgres://db.example/x", false, Production, State::Warning),
            ("postgres://db.example/x", true, Production, State::Warning),
            ("postgres://10.0.0.1/x?sslmode=require", true, Production, State::Warning),
            ("postgres://db.example/x?sslmode=disable", false, Development, State::Ok),
            ("postgres://127.0.0.1/x", false, Production, State::Ok),
            ("host=/run/postgresql", false, Production, State::Ok),
        ] {
            let connector = Connector::new(url, None).unwrap();
            let finding = of_database(&connector, is_encrypted, environment);
            assert_eq!(finding.state, expected, "{url}: {finding}");
        }
        assert_eq!(of(REDIS, How::Checked, String::new(), false, Production, "").state, State::Ok);
        assert_eq!(of(REDIS, How::InTheClear, String::new(), false, Production, "").state, State::Warning);
    }

    #[test]
    fn an_old_redis_fails() {
        assert_eq!(of_version("x", Some("7.2.4")).state, State::Ok);
        assert_eq!(of_version("x", Some("5.0.14")).state, State::Failed);
        assert_eq!(of_version("x", None).state, State::Warning);
    }
}
