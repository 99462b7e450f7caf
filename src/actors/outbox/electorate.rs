//! Whose votes count, of those that come by the outbox.
//!
//! A vote may have been written past this API, by Supabase's own under a user's role: so `VOTE_ELIGIBILITY` is asked here of
//! every vote that the API has not taken itself (it notes that on the row, which no user can), before it becomes an entry. What
//! was taken is counted, whatever the rules are by then. So is whether a vote on a dispute came in time: it was written when the
//! chain's clock showed what it shows now, less the row's age. A reading of the last seconds is as exact as it is for the API:
//! such a vote may be seconds late and be taken, and none is refused for being read late.
//!
//! Owns what is remembered of wallets that hold enough: at most [`ADMITTED_MAX`], for [`ADMITTED_FOR`], so that a vote that has
//! to wait for its market is not asked about again and again.
//! What can't be known now is known later: such a vote waits in the outbox, and nothing else waits for it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    actors::{
        chain_reader::{ChainReader, ReadBalances, ReadFreshTime},
        supervision::Link,
    },
    config::{VoteConfig, VoteEligibility},
    domain::{
        amount::UnixSeconds,
        deadline::{Deadline, Periods},
        ids::Wallet,
        tally::VoteKind,
        user_write::UserWrite,
    },
    journal::{JournalError, lease::Leased, outbox::OutboxRow, votes},
};

/// Wallets that are remembered to hold enough.
pub const ADMITTED_MAX: usize = 16_384;
/// For so long.
const ADMITTED_FOR: Duration = Duration::from_secs(60);
/// The chain's node has so long to tell what wallets hold: the market of the votes waits for it.
const BALANCES_MAX: Duration = Duration::from_secs(5);

/// Of the votes of one message: rows that may not count, and why; or nothing is known now, and why.
pub type Judged = Result<HashMap<i64, String>, String>;

/// Of some wallets, those that may not vote, and why.
type Excluded = Result<HashMap<Wallet, String>, String>;

/// A vote that nobody has taken yet.
#[derive(Debug, Clone, Copy)]
pub struct Ballot {
    row: i64,
    wallet: Wallet,
    /// Of a vote on a dispute: when that began; when the row was read, and how old it was then.
    dispute: Option<(UnixSeconds, Instant, Duration)>,
}

impl Ballot {
    /// The row's number.
    pub fn row(&self) -> i64 {
        self.row
    }
}

/// See the module.
#[derive(Debug)]
pub struct Electorate {
    rules: VoteConfig,
    periods: Periods,
    chain: Link<ChainReader>,
    admitted: Mutex<HashMap<Wallet, Instant>>,
}

impl Electorate {
    /// By these rules (of the periods, the window for votes on disputes); `chain` leads to who knows what wallets hold, and what
    /// time it is there.
    pub fn new(rules: VoteConfig, periods: Periods, chain: Link<ChainReader>) -> Self {
        Self { rules, periods, chain, admitted: Mutex::default() }
    }

    /// What is to be asked of a row, if anything is.
    pub fn asks(&self, row: &OutboxRow, write: &UserWrite) -> Option<Ballot> {
        let UserWrite::Vote(cast) = write else { return None };
        let on_dispute = cast.kind == VoteKind::Dispute && row.disputed_at.0 != 0;
        let (read_at, age) = row.read;
        let dispute = on_dispute.then_some((row.disputed_at, read_at, age));
        (!row.is_admitted).then_some(Ballot { row: row.id, wallet: cast.wallet, dispute })
    }

    /// What can be said of a write at once: why it may never count.
    pub fn refuses(&self, write: &UserWrite) -> Option<&'static str> {
        let UserWrite::Vote(cast) = write else { return None };
        if self.rules.eligibility == VoteEligibility::Onchain {
            return Some("votes are cast by transactions only");
        }
        (self.rules.signatures_required && cast.signature.is_none())
            .then_some("votes count only with their wallet's signature")
    }

    /// Which of the votes may not count.
    pub async fn judge(&self, pool: &Leased, ballots: &[Ballot]) -> Judged {
        let mut refused = self.late(ballots).await?;
        let in_time = ballots.iter().filter(|ballot| !refused.contains_key(&ballot.row));
        let excluded = self.excluded(pool, in_time.map(|ballot| ballot.wallet).collect()).await?;
        refused.extend(ballots.iter().filter_map(|ballot| Some((ballot.row, excluded.get(&ballot.wallet)?.clone()))));
        Ok(refused)
    }

    /// Votes on disputes that were written when the window was over.
    async fn late(&self, ballots: &[Ballot]) -> Judged {
        if ballots.iter().all(|ballot| ballot.dispute.is_none()) {
            return Ok(HashMap::new());
        }
        let reader = self.chain.get().ok_or("the chain's reader is not there")?;
        let now = reader.send(ReadFreshTime).await.map_err(|error| error.to_string())?;
        let now = now.ok_or("the chain's clock can't be read")?;
        let missed_end = |ballot: &Ballot| {
            let (began, read_at, age) = ballot.dispute?;
            let age = age.saturating_add(read_at.elapsed()).as_millis().div_ceil(1_000);
            let written = UnixSeconds(now.0.saturating_sub_unsigned(u64::try_from(age).unwrap_or(u64::MAX)));
            Some(Deadline::after(began, self.periods.dispute_voting_seconds)).filter(|end| end.is_reached(written))
        };
        let why = |end: Deadline| {
            let end = end.moment().map_or_else(String::new, |end| format!(" until {end}"));
            format!("votes on this dispute were taken{end}")
        };
        Ok(ballots.iter().filter_map(|ballot| Some((ballot.row, why(missed_end(ballot)?)))).collect())
    }

    async fn excluded(&self, pool: &Leased, voters: HashSet<Wallet>) -> Excluded {
        if voters.is_empty() {
            return Ok(HashMap::new());
        }
        match self.rules.eligibility {
            VoteEligibility::Any | VoteEligibility::Onchain => Ok(HashMap::new()),
            VoteEligibility::Traded => self.traded(pool, &voters).await.map_err(|error| error.to_string()),
            VoteEligibility::MinBalance => self.hold_enough(voters).await,
        }
    }

    async fn traded(&self, pool: &Leased, voters: &HashSet<Wallet>) -> Result<HashMap<Wallet, String>, JournalError> {
        let voters: Vec<Wallet> = voters.iter().copied().collect();
        let traded = votes::which_traded(pool.pool(), &voters).await?;
        let strangers = voters.into_iter().filter(|wallet| !traded.contains(wallet));
        Ok(strangers.map(|wallet| (wallet, "only wallets that have traded may vote".to_owned())).collect())
    }

    async fn hold_enough(&self, voters: HashSet<Wallet>) -> Excluded {
        let asked: Vec<Wallet> = {
            let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = |wallet: &Wallet| admitted.get(wallet).is_some_and(|at| at.elapsed() < ADMITTED_FOR);
            voters.into_iter().filter(|wallet| !is_known(wallet)).collect()
        };
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let reader = self.chain.get().ok_or("the chain's reader is not there")?;
        let read = tokio::time::timeout(BALANCES_MAX, reader.send(ReadBalances(asked.clone()))).await;
        let held = read.map_err(|_| format!("no answer within {} s", BALANCES_MAX.as_secs()))?;
        let held = held.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let minimum = self.rules.min_balance_lamports;
        let (enough, poor): (Vec<_>, Vec<_>) = asked.into_iter().zip(held).partition(|(_, held)| *held >= minimum);
        self.remember(enough.into_iter().map(|(wallet, _)| wallet));
        let why = |held| format!("only wallets that hold {minimum} lamports may vote; this one holds {held}");
        Ok(poor.into_iter().map(|(wallet, held)| (wallet, why(held))).collect())
    }

    fn remember(&self, wallets: impl Iterator<Item = Wallet>) {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        for wallet in wallets {
            if admitted.len() >= ADMITTED_MAX {
                admitted.retain(|_, at| at.elapsed() < ADMITTED_FOR);
            }
            // Who finds no room is asked after again.
            if admitted.len() < ADMITTED_MAX {
                admitted.insert(wallet, now);
            }
        }
    }
}
