//! The journal against the chain's accounts, right under live traffic.
//!
//! A node is read while trades go on, so one answer is never compared with another as if both were of one moment. An account
//! agrees if it equals *some* state that the journal went through around the reading: the state before it, or the state after one
//! of the entries since. What does not agree is read again a few times before it is called a difference.
//!
//! Both sides are walked: every row of the journal is compared with its account, a page at a time, and of every account of the
//! program it is asked whether the journal knows it ([`unknown`]). So memory is a page's, however many there are. Whoever calls
//! gives the client, and with it how often the node may be asked. Only reads.

mod positions;
mod streams;
mod unknown;
mod votes;

use std::{fmt, time::Duration};

use deadpool_postgres::Pool;
use futures_util::StreamExt;
use serde::Serialize;

use crate::{
    actors::trouble::Trouble,
    chain::{program::ProgramAddresses, rpc::ChainRpc},
    domain::{
        account::FieldDifference,
        ids::{AccountAddress, MarketAddress, ProgramId, Wallet},
        tally::VoteKind,
    },
};

/// Rounds of reading again, and the pause between them.
const ROUNDS: u32 = 24;
const ROUND_PAUSE: Duration = Duration::from_millis(250);
/// Suspects that are read again at the same time.
const AGAIN_AT_ONCE: usize = 8;
/// Differences that are told one by one. With more nothing further is compared: something is wrong with all of it.
pub const DIFFERENCES_MAX: usize = 1_000;
/// What `getMultipleAccounts` takes.
const ACCOUNTS: usize = 100;
/// Rows that are read at once.
const PAGE: usize = 1_000;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum Subject {
    /// The program's config.
    Config,
    /// A market's row.
    Market {
        /// Its address.
        market: MarketAddress,
    },
    /// What a wallet holds.
    Position {
        /// Where.
        market: MarketAddress,
        /// Whose.
        wallet: Wallet,
    },
    /// A vote on the chain.
    Vote {
        /// Where.
        market: MarketAddress,
        /// Whose.
        wallet: Wallet,
        /// On what.
        vote_kind: VoteKind,
    },
    /// What is counted of a market's votes: stored, and by the ballots of the journal.
    Tally {
        /// Where.
        market: MarketAddress,
        /// Of what.
        vote_kind: VoteKind,
    },
}

impl Subject {
    /// Its market; `None`: the config.
    pub fn market(&self) -> Option<MarketAddress> {
        match *self {
            Self::Config => None,
            Self::Market { market }
            | Self::Position { market, .. }
            | Self::Vote { market, .. }
            | Self::Tally { market, .. } => Some(market),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::Market { market } => write!(f, "market {market}"),
            Self::Position { market, wallet } => write!(f, "position of {wallet} in {market}"),
            Self::Vote { market, wallet, vote_kind } => {
                write!(f, "{} vote of {wallet} in {market}", vote_kind.as_str())
            }
            Self::Tally { market, vote_kind } => write!(f, "tally of the {} votes in {market}", vote_kind.as_str()),
        }
    }
}

/// In what the journal differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs.
    #[serde(flatten)]
    pub subject: Subject,
    /// For people.
    pub what: String,
    /// The fields, where it is known on both sides.
    pub fields: Vec<FieldDifference>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)
    }
}

impl Difference {
    fn wrong(subject: Subject, what: impl Into<String>) -> Self {
        Self { subject, what: what.into(), fields: Vec::new() }
    }

    /// `None` if there are none.
    fn of(subject: Subject, fields: Vec<FieldDifference>) -> Option<Self> {
        let what: Vec<String> = fields.iter().map(ToString::to_string).collect();
        (!fields.is_empty()).then(|| Self { subject, what: what.join("; "), fields })
    }
}

/// How much was compared, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows of markets.
    pub markets: u64,
    /// Rows of positions.
    pub positions: u64,
    /// Votes on the chain.
    pub votes: u64,
    /// Stored tallies.
    pub tallies: u64,
    /// Accounts of which it was asked whether the journal knows them.
    pub accounts: u64,
    /// What differs, at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// It ended at that many: not everything was compared.
    pub is_cut: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { markets, positions, votes, tallies, accounts, differences, is_cut } = self;
        write!(
            f,
            "verified {markets} markets, {positions} positions, {votes} votes, {tallies} tallies and the config, \
             against {accounts} accounts: {} differences",
            differences.len()
        )?;
        if *is_cut { f.write_str(", and more that were not looked for") } else { Ok(()) }
    }
}

/// See the module.
pub struct Check {
    rpc: ChainRpc,
    pool: Pool,
    addresses: ProgramAddresses,
    /// Only these markets, their positions and votes; empty: all, and the config.
    only: Vec<MarketAddress>,
    report: Report,
}

impl Check {
    /// Over that node and database; only of these markets, or of all.
    pub fn new(rpc: ChainRpc, pool: Pool, program: ProgramId, only: Vec<MarketAddress>) -> Self {
        Self { rpc, pool, addresses: ProgramAddresses::new(program), only, report: Report::default() }
    }

    /// Compares all of it.
    ///
    /// # Errors
    /// [`Trouble`]: not everything was compared; what was found is lost with it.
    pub async fn run(mut self) -> Result<Report, Trouble> {
        if self.only.is_empty() {
            self.suspects(vec![Subject::Config]).await?;
        }
        self.markets().await?;
        self.positions().await?;
        self.votes().await?;
        self.tallies().await?;
        self.unknown().await?;
        self.report.is_cut = self.is_over();
        Ok(self.report)
    }

    /// Compares one thing; `None` if it agrees.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn again(&self, subject: Subject) -> Result<Option<Difference>, Trouble> {
        let mut round = 1;
        loop {
            match self.look(subject).await? {
                Some(difference) if round >= ROUNDS => return Ok(Some(difference)),
                Some(_) => {}
                None => return Ok(None),
            }
            round += 1;
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// One look; `None` if it agrees.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn look(&self, subject: Subject) -> Result<Option<Difference>, Trouble> {
        match subject {
            Subject::Config => self.look_at_config().await,
            Subject::Market { market } => self.look_at_market(market).await,
            Subject::Position { market, wallet } => self.look_at_position(market, wallet).await,
            Subject::Vote { market, wallet, vote_kind } => self.look_at_vote(market, wallet, vote_kind).await,
            Subject::Tally { market, vote_kind } => self.look_at_tally(market, vote_kind).await,
        }
    }

    fn config_address(&self) -> AccountAddress {
        self.addresses.config().0
    }

    /// Enough was found.
    fn is_over(&self) -> bool {
        self.report.differences.len() >= DIFFERENCES_MAX
    }

    /// What did not agree at first sight is read again, several at a time; what still differs is noted.
    async fn suspects(&mut self, mut suspects: Vec<Subject>) -> Result<(), Trouble> {
        suspects.sort_unstable();
        suspects.dedup();
        let noted = |subject: &Subject| self.report.differences.iter().any(|found| found.subject == *subject);
        suspects.retain(|subject| !noted(subject));
        let mut found = Vec::new();
        {
            let this = &*self;
            let looks = suspects.into_iter().map(|subject| this.again(subject));
            let mut looks = futures_util::stream::iter(looks).buffered(AGAIN_AT_ONCE);
            while let Some(difference) = looks.next().await {
                found.extend(difference?);
                if this.report.differences.len() + found.len() >= DIFFERENCES_MAX {
                    break;
                }
            }
        }
        self.report.differences.extend(found);
        Ok(())
    }
}
