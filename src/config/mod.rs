//! Configuration: one struct a topic, read from the environment (and `.env`), all errors at once.
//!
//! Every variable is described where it is read, so `.env.example` is generated from the same lines (`zmart config
//! example`) and can't drift. Units are in the names. Secrets are never printed.

mod console;
mod edge;
mod fallback;
mod governance;
mod indexer;
mod ipfs;
mod node;
pub mod ops;
mod retention;
mod secret;
mod setting;
mod source;
pub mod verify;

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

pub use fallback::FallbackConfig;
pub use governance::GovernanceConfig;
pub use indexer::IndexerConfig;
pub use ipfs::IpfsConfig;
pub use node::{NodeConfig, Roles};
pub use secret::{SECRET_BYTES_MIN, Secret, SecretText};
pub use setting::{Setting, Shown, place_of};
pub use source::{ConfigError, Source};

use crate::{
    domain::ids::ProgramId, http::console::ConsoleSettings, http::edge::EdgeSettings, journal::ssl_words,
    telemetry::logging::Levels,
};

/// Where the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// Under the project's tests: faults can be injected (by lines on the standard input).
    Test,
    /// For users.
    Production,
}

impl std::str::FromStr for Environment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Self::Development),
            "test" => Ok(Self::Test),
            "production" => Ok(Self::Production),
            _ => Err("one of development, test, production".into()),
        }
    }
}

/// The journal's database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Connection string or URL.
    pub url: String,
    /// How long a connection attempt may take.
    pub connect_timeout_ms: u64,
    /// Connections of each arbiter that runs streams.
    pub stream_connections: usize,
    /// Connections for reading, of each worker.
    pub read_connections: usize,
    /// The login that serves requests, if the operator has made one; empty: the engine makes its own.
    pub gateway_url: String,
    /// The CA that the server's certificate has to lead to, where the address names none.
    pub ca_file: Option<PathBuf>,
}

/// Sign-in.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Signs the access tokens; Supabase's own, where it shall take them.
    pub jwt_secret: Secret,
    /// The site that wallets sign in to, as `host[:port]`.
    pub domain: String,
    /// Its address.
    pub uri: String,
    /// The chain's name in the message that is signed.
    pub chain: String,
}

/// Markets in memory.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// A market that nobody listens to or asks for so long rests in the journal until it is next found.
    pub idle_ms: u64,
}

/// The chain.
#[derive(Debug, Clone)]
pub struct ChainConfig {
    /// JSON-RPC over HTTP. May carry a key.
    pub rpc_url: String,
    /// Notifications over WebSocket. May carry a key.
    pub ws_url: String,
    /// A second node, used while the first does not answer.
    pub fallback: Option<FallbackConfig>,
    /// The program.
    pub program: ProgramId,
    /// Calls to the node in a second, all parts together.
    pub rpc_calls_per_second: NonZeroU32,
    /// Coverage is proved so often while the chain is quick to answer.
    pub coverage_interval_ms: u64,
    /// A connection without a slot for so long is dead.
    pub silent_after_ms: u64,
}

/// Who may vote here, and with what.
#[derive(Debug, Clone, Copy)]
pub struct VoteConfig {
    /// So many votes make a proposal's tally count.
    pub minimum: u32,
    /// Votes count only with their wallet's signature over the vote.
    pub signatures_required: bool,
    /// Who may vote.
    pub eligibility: VoteEligibility,
    /// For [`VoteEligibility::MinBalance`].
    pub min_balance_lamports: u64,
}

/// Who may vote by a session of this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteEligibility {
    /// Any wallet that signs in.
    Any,
    /// One that holds a minimum of lamports when it votes.
    MinBalance,
    /// One that has traded in any market.
    Traded,
    /// Nobody: votes are cast by transactions only.
    Onchain,
}

impl std::str::FromStr for VoteEligibility {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            "min_balance" => Ok(Self::MinBalance),
            "traded" => Ok(Self::Traded),
            "onchain" => Ok(Self::Onchain),
            _ => Err("one of any, min_balance, traded, onchain".into()),
        }
    }
}

/// Trades and the transactions that are built for them.
#[derive(Debug, Clone)]
pub struct TradingConfig {
    /// The most that a transaction built here pays for priority, in micro-lamports a compute unit.
    pub max_priority_fee_micro_lamports: u64,
    /// By how much the program's price may differ from true LMSR before a quote warns: basis points of certainty.
    pub warn_price_bps: u16,
    /// By how much a trade's cost may differ from true LMSR before a quote warns: basis points of the latter.
    pub warn_cost_bps: u16,
    /// How long a slot lasts: what `expires_at` is estimated by.
    pub slot_ms: u64,
    /// A transaction that has not landed is sent again so often.
    pub resend_ms: u64,
}

/// The servers.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address of all three.
    pub host: String,
    /// REST.
    pub api_port: u16,
    /// WebSocket.
    pub ws_port: u16,
    /// The event indexer's.
    pub indexer_port: u16,
    /// Threads of REST, and as many of WebSocket.
    pub workers: usize,
    /// Heartbeats of WebSocket connections.
    pub heartbeat_ms: u64,
}

/// Logging.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// What is shown at first.
    pub levels: Levels,
    /// `text` or `json`.
    pub json: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the process runs.
    pub environment: Environment,
    /// The journal's database.
    pub database: DatabaseConfig,
    /// Sign-in.
    pub auth: AuthConfig,
    /// Markets in memory.
    pub streams: StreamConfig,
    /// The chain.
    pub chain: ChainConfig,
    /// Who may vote here, and with what.
    pub votes: VoteConfig,
    /// What becomes of votes and resolutions.
    pub governance: GovernanceConfig,
    /// When the journal is compared with the chain.
    pub verify: verify::VerifyConfig,
    /// Snapshots of discussions.
    pub ipfs: IpfsConfig,
    /// Trades.
    pub trading: TradingConfig,
    /// The servers.
    pub server: ServerConfig,
    /// Whose deliveries are taken.
    pub indexer: IndexerConfig,
    /// This node among others.
    pub node: NodeConfig,
    /// Who may ask them, and how much.
    pub edge: EdgeSettings,
    /// The pages that people look at.
    pub console: ConsoleSettings,
    /// Operating.
    pub ops: ops::OpsConfig,
    /// How long is kept what is of use for a while only.
    pub retention: crate::journal::sweep::Retention,
    /// Logging.
    pub log: LogConfig,
}

impl Config {
    /// From the environment, after `.env` has been read into it.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_environment() -> Result<Self, ConfigError> {
        let mut source = Source::new(|name| std::env::var(name).ok());
        let config = Self::read(&mut source);
        source.finish()?;
        config.ok_or_else(ConfigError::default)
    }

    /// Every setting as it is in the environment, secrets hidden, and what is wrong with them.
    pub fn settings() -> (Vec<Setting>, Result<(), ConfigError>) {
        let mut source = Source::new(|name| std::env::var(name).ok());
        let _ = Self::read(&mut source);
        (source.settings().to_vec(), source.finish())
    }

    /// The text of `.env.example`.
    pub fn example() -> String {
        let mut source = Source::new(|_| None);
        let _ = Self::read(&mut source);
        source.example()
    }

    /// `None` if a value is missing or wrong; the source knows which.
    pub fn read(source: &mut Source) -> Option<Self> {
        source.topic("Where the process runs");
        let environment: Option<Environment> =
            source.value("ZMART_ENV", "development", "development, test or production");
        source.topic("The journal's database (PostgreSQL 15 or newer, plain or Supabase)");
        let database_url = source.required(
            "DATABASE_URL",
            "postgres://postgres@127.0.0.1:5432/zmart",
            "connection string, sslmode as libpq has it; on Supabase the direct or the session connection, not the transaction pooler",
        );
        let connect_timeout_ms =
            source.value("DATABASE_CONNECT_TIMEOUT_MS", "5000", "how long a connection attempt may take");
        let stream_connections =
            source.value("DATABASE_STREAM_CONNECTIONS", "4", "connections of each thread that runs markets");
        let read_connections =
            source.value("DATABASE_READ_CONNECTIONS", "4", "connections for reading, of each server thread");
        let gateway_url = source.value(
            "DATABASE_GATEWAY_URL",
            "",
            "a login of your own that serves requests; without it the engine makes one (docs/operating.md)",
        );
        let ca_file: Option<String> = source.value(
            "DATABASE_CA_FILE",
            "",
            "the CA that PostgreSQL's certificate has to lead to, in PEM form, as sslrootcert in the URL; with it and no \
             sslmode: verify-full",
        );
        let ca = ca_file.as_deref().filter(|path| !path.is_empty()).map(Path::new);
        for (name, url) in [("DATABASE_URL", &database_url), ("DATABASE_GATEWAY_URL", &gateway_url)] {
            let url: Option<&String> = url.as_ref();
            if let Some(Err(error)) = url.filter(|url| !url.is_empty()).map(|url| ssl_words::read(url, ca)) {
                source.refuse(name, &error.to_string());
            }
        }
        source.topic("Sign-in");
        let jwt_secret: Option<Secret> = source.required(
            "JWT_SECRET",
            "",
            "at least 32 bytes that nobody else knows (`openssl rand -hex 32`); on Supabase the project's JWT secret",
        );
        if environment == Some(Environment::Production) && jwt_secret.as_ref().is_some_and(Secret::is_known) {
            source.refuse("JWT_SECRET", "a secret that stands in examples is none");
        }
        let domain =
            source.value("SIWS_DOMAIN", "localhost:3000", "the site that wallets sign in to: host, or host:port");
        let uri = source.value("SIWS_URI", "http://localhost:3000", "the address of that site");
        let chain = source.value("SIWS_CHAIN", "localnet", "mainnet, devnet, testnet or localnet");
        for (name, value) in [("SIWS_DOMAIN", &domain), ("SIWS_URI", &uri)] {
            let value: &Option<String> = value;
            if value.as_ref().is_some_and(|text| text.len() > 255 || text.contains(char::is_whitespace)) {
                source.refuse(name, "no more than 255 characters, no spaces");
            }
            let is_local = value.as_ref().is_some_and(|text| text.contains("localhost"));
            if environment == Some(Environment::Production) && is_local {
                source.refuse(name, "the site's own name");
            }
        }
        if chain.as_deref().is_some_and(|chain: &str| !["mainnet", "devnet", "testnet", "localnet"].contains(&chain)) {
            source.refuse("SIWS_CHAIN", "one of mainnet, devnet, testnet, localnet");
        }
        source.topic("Markets in memory");
        let idle_ms = source.value(
            "STREAM_IDLE_MS",
            "600000",
            "a market that nobody listens to or asks for so long rests in the journal until it is next found",
        );
        source.topic("The chain");
        let rpc_url = source.required("SOLANA_RPC_URL", "http://127.0.0.1:8899", "JSON-RPC over HTTP; may carry a key");
        let ws_url =
            source.required("SOLANA_WS_URL", "ws://127.0.0.1:8900", "notifications over WebSocket; may carry a key");
        let fallback = fallback::read(source);
        let program = source.value(
            "SOLANA_PROGRAM_ID_CORE",
            "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS",
            "address of the zmart-core program",
        );
        let rpc_calls_per_second = source.value("RPC_CALLS_PER_SECOND", "400", "calls to the node, all parts together");
        let coverage_interval_ms =
            source.value("COVERAGE_INTERVAL_MS", "5000", "how often the chain is asked what was missed");
        let silent_after_ms =
            source.value("CHAIN_SILENT_AFTER_MS", "10000", "a notification socket without a slot for so long is dead");
        source.topic("Votes");
        let minimum = source.value("MIN_PROPOSAL_VOTES", "10", "so many votes make a proposal's tally count");
        let signatures: Option<String> =
            source.value("VOTE_SIGNATURES", "optional", "optional, or required: a vote has its wallet's own signature");
        if signatures.as_deref().is_some_and(|signatures| !matches!(signatures, "optional" | "required")) {
            source.refuse("VOTE_SIGNATURES", "one of optional, required");
        }
        let eligibility =
            source.value("VOTE_ELIGIBILITY", "any", "who may vote through the API: any, min_balance, traded, onchain");
        let min_balance_lamports = source.value(
            "VOTE_MIN_BALANCE_LAMPORTS",
            "100000000",
            "what a wallet has to hold where min_balance decides",
        );
        let governance = governance::read(source);
        let verify = verify::read(source);
        let ipfs = ipfs::read(source);
        source.topic("Trades, and the transactions that are built for wallets to sign");
        let max_priority_fee = source.value(
            "MAX_PRIORITY_FEE_MICRO_LAMPORTS",
            "1000000",
            "most that a transaction built here pays for priority, a compute unit",
        );
        let warn_price_bps = source.value(
            "WARN_PRICE_BPS",
            "100",
            "a quote warns where the program's price differs from true LMSR by more, of the price of certainty",
        );
        let warn_cost_bps =
            source.value("WARN_COST_BPS", "100", "a quote warns where its cost differs from true LMSR by more");
        let slot_ms = source.value("SLOT_MS", "400", "how long a slot lasts: what expires_at is estimated by");
        let resend_ms = source.value("RESEND_MS", "2000", "a transaction that has not landed is sent again so often");
        source.topic("The servers");
        let host = source.value("API_HOST", "127.0.0.1", "address of all three ports");
        let api_port = source.value("API_PORT", "4000", "REST; 0 = any free port");
        let ws_port = source.value("WS_PORT", "4001", "WebSocket; 0 = any free port");
        let indexer_port = source.value("INDEXER_PORT", "4002", "the event indexer's; 0 = any free port");
        let workers = source.value("WORKERS", "2", "threads of REST, and as many of WebSocket");
        let heartbeat_ms = source.value("WS_HEARTBEAT_MS", "10000", "heartbeats of WebSocket connections");
        let node = node::read(source, api_port);
        let retention = retention::read(source);
        let edge = edge::read(source, environment);
        let indexer = indexer::read(source, environment);
        let ops = ops::read(source, environment);
        let console = console::read(source, environment, ops.as_ref());
        source.topic("Logging");
        let levels = source.value("LOG_LEVEL", "info", "what is logged: a level, or by module: warn,zmart=debug");
        let format: Option<String> = source.value("LOG_FORMAT", "text", "text or json");
        if format.as_deref().is_some_and(|format| !matches!(format, "text" | "json")) {
            source.refuse("LOG_FORMAT", "one of text, json");
        }
        Some(Self {
            environment: environment?,
            database: DatabaseConfig {
                url: database_url?,
                connect_timeout_ms: connect_timeout_ms?,
                stream_connections: stream_connections?,
                read_connections: read_connections?,
                gateway_url: gateway_url?,
                ca_file: ca_file.map(|path| Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty()))?,
            },
            auth: AuthConfig { jwt_secret: jwt_secret?, domain: domain?, uri: uri?, chain: chain? },
            streams: StreamConfig { idle_ms: idle_ms? },
            chain: ChainConfig {
                rpc_url: rpc_url?,
                ws_url: ws_url?,
                fallback: fallback?,
                program: program?,
                rpc_calls_per_second: rpc_calls_per_second?,
                coverage_interval_ms: coverage_interval_ms?,
                silent_after_ms: silent_after_ms?,
            },
            votes: VoteConfig {
                minimum: minimum?,
                signatures_required: signatures? == "required",
                eligibility: eligibility?,
                min_balance_lamports: min_balance_lamports?,
            },
            governance: governance?,
            verify: verify?,
            ipfs: ipfs?,
            trading: TradingConfig {
                max_priority_fee_micro_lamports: max_priority_fee?,
                warn_price_bps: warn_price_bps?,
                warn_cost_bps: warn_cost_bps?,
                slot_ms: slot_ms?,
                resend_ms: resend_ms?,
            },
            server: ServerConfig {
                host: host?,
                api_port: api_port?,
                ws_port: ws_port?,
                indexer_port: indexer_port?,
                workers: workers?,
                heartbeat_ms: heartbeat_ms?,
            },
            indexer: indexer?,
            node: node?,
            edge: edge?,
            console: console?,
            ops: ops?,
            retention: retention?,
            log: LogConfig { levels: levels?, json: format? == "json" },
        })
    }
}

impl DatabaseConfig {
    /// As the journal wants it.
    pub fn settings(&self) -> crate::journal::DatabaseSettings {
        crate::journal::DatabaseSettings {
            url: self.url.clone(),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            ca_file: self.ca_file.clone(),
        }
    }

    /// The login that serves requests, if the operator has made one.
    pub fn own_gateway(&self) -> Option<crate::journal::DatabaseSettings> {
        let url = Some(self.gateway_url.clone()).filter(|url| !url.is_empty())?;
        Some(crate::journal::DatabaseSettings { url, ..self.settings() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_no_value_is_shown() {
        let mut source = Source::new(|name| match name {
            "API_PORT" => Some("70000".into()),
            "SOLANA_PROGRAM_ID_CORE" => Some("secret-looking".into()),
            "SOLANA_RPC_URL" | "SOLANA_WS_URL" => Some("ws://x".into()),
            "LOG_FORMAT" => Some("xml".into()),
            "DATABASE_GATEWAY_URL" => Some("postgres://h/db?sslmode=perhaps".into()),
            _ => None,
        });
        assert!(Config::read(&mut source).is_none());
        let error = source.finish().unwrap_err().to_string();
        for name in ["API_PORT", "SOLANA_PROGRAM_ID_CORE", "DATABASE_URL", "DATABASE_GATEWAY_URL", "LOG_FORMAT"] {
            assert!(error.contains(name), "{name} in {error}");
        }
        assert!(!error.contains("secret-looking") && !error.contains("70000"), "{error}");
    }

    #[test]
    fn the_example_is_a_configuration() {
        let example = Config::example();
        let values: std::collections::HashMap<_, _> = example
            .lines()
            .filter_map(|line| line.trim_start_matches("# ").split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // The one thing that no example may hold.
        let secret = |name: &str| (name == "JWT_SECRET").then(|| "0123456789abcdef".repeat(4));
        let mut source = Source::new(|name| secret(name).or_else(|| values.get(name).cloned()));
        assert!(Config::read(&mut source).is_some());
        source.finish().unwrap();
    }

    #[test]
    fn production_takes_neither_a_secret_of_examples_nor_the_site_of_a_developer() {
        let refused = |environment: &'static str, secret: &'static str| {
            let mut source = Source::new(move |name| match name {
                "ZMART_ENV" => Some(environment.into()),
                "JWT_SECRET" => Some(secret.into()),
                "DATABASE_URL" | "SOLANA_RPC_URL" | "SOLANA_WS_URL" => Some("x".into()),
                _ => None,
            });
            let _ = Config::read(&mut source);
            source.finish().err().map(|error| error.to_string()).unwrap_or_default()
        };
        let known = "super-secret-jwt-token-with-at-least-32-characters-long";
        assert_eq!(refused("development", known), "");
        let error = refused("production", known);
        assert!(error.contains("JWT_SECRET") && error.contains("SIWS_DOMAIN") && error.contains("SIWS_URI"), "{error}");
        assert!(refused("test", "short").contains("JWT_SECRET"));
        assert!(refused("development", "").contains("JWT_SECRET is missing"));
    }
}
