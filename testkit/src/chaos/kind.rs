//! What may happen, by name, and how often it is asked for.

use std::{fmt, str::FromStr};

/// A kind of blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL of the engine, and a new start.
    Engine,
    /// SIGKILL of every process of PostgreSQL, and a start that recovers.
    Database,
    /// SIGKILL of Redis, which comes back empty.
    Redis,
    /// The chain's node drops its connections and refuses new ones.
    Chain,
    /// A stretch of network falls silent, on open connections.
    HalfOpen,
    /// A stretch of network crawls.
    Slow,
    /// The disk of PostgreSQL's tables is full, to the last page.
    Disk,
    /// The disk of PostgreSQL's log is full: it ends by itself, and is started when there is room.
    Wal,
    /// The engine's clock jumps by an hour.
    Clock,
    /// Thousands of clients lose their server and come back at once.
    Clients,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Engine,
        Self::Database,
        Self::Redis,
        Self::Chain,
        Self::HalfOpen,
        Self::Slow,
        Self::Disk,
        Self::Wal,
        Self::Clock,
        Self::Clients,
    ];

    /// On the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Database => "database",
            Self::Redis => "redis",
            Self::Chain => "chain",
            Self::HalfOpen => "half-open",
            Self::Slow => "slow",
            Self::Disk => "disk",
            Self::Wal => "wal",
            Self::Clock => "clock",
            Self::Clients => "clients",
        }
    }

    /// In the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Engine => "SIGKILL of the engine",
            Self::Database => "SIGKILL of PostgreSQL",
            Self::Redis => "SIGKILL of Redis",
            Self::Chain => "the chain cut off",
            Self::HalfOpen => "half-open connections",
            Self::Slow => "slow networks",
            Self::Disk => "disk full under PostgreSQL's tables",
            Self::Wal => "disk full under PostgreSQL's log",
            Self::Clock => "clock jumps of an hour",
            Self::Clients => "all clients at once",
        }
    }

    /// How often, where nobody says otherwise.
    pub fn count(self) -> u32 {
        match self {
            Self::Engine => 200,
            Self::Database | Self::Redis | Self::Chain | Self::HalfOpen | Self::Slow | Self::Disk | Self::Clock => 20,
            Self::Wal | Self::Clients => 10,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchKind(pub String);

impl FromStr for Kind {
    type Err = NoSuchKind;

    fn from_str(text: &str) -> Result<Self, NoSuchKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| NoSuchKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_is_asked_for() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert!(kind.count() > 0);
        }
        assert_eq!("disks".parse::<Kind>(), Err(NoSuchKind("disks".to_owned())));
    }
}
