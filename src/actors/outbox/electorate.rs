//! Whose votes count, of those that come by the outbox.
//!
//! A vote may have been written past this API, by Supabase's own under a user's role: so `VOTE_ELIGIBILITY` is asked here of
//! every vote that the API has not taken itself (it notes that on the row, which no user can), before it becomes an entry. What
//! was taken is counted, whatever the rules are by then. Owns what is remembered of wallets that hold enough: at most
//! [`ADMITTED_MAX`], for [`ADMITTED_FOR`], so that a vote that has to wait for its market is not asked about again and again.
//! What can't be known now is known later: such a vote waits in the outbox, and nothing else waits for it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    actors::{
        chain_reader::{ChainReader, ReadBalances},
        supervision::Link,
    },
    config::{VoteConfig, VoteEligibility},
    domain::{ids::Wallet, user_write::UserWrite},
    journal::{JournalError, lease::Leased, votes},
};

/// Wallets that are remembered to hold enough.
pub const ADMITTED_MAX: usize = 16_384;
/// For so long.
const ADMITTED_FOR: Duration = Duration::from_secs(60);
/// The chain's node has so long to tell what wallets hold: the market of the votes waits for it.
const BALANCES_MAX: Duration = Duration::from_secs(5);

/// Of the wallets of one message: those that may not vote, and why; or nothing is known now, and why.
pub type Judged = Result<HashMap<Wallet, String>, String>;

/// See the module.
#[derive(Debug)]
pub struct Electorate {
    rules: VoteConfig,
    balances: Link<ChainReader>,
    admitted: Mutex<HashMap<Wallet, Instant>>,
}

impl Electorate {
    /// By these rules; `balances` leads to who knows what wallets hold.
    pub fn new(rules: VoteConfig, balances: Link<ChainReader>) -> Self {
        Self { rules, balances, admitted: Mutex::default() }
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

    /// Which of the wallets may not vote.
    pub async fn judge(&self, pool: &Leased, voters: impl Iterator<Item = Wallet>) -> Judged {
        let voters: HashSet<Wallet> = voters.collect();
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

    async fn hold_enough(&self, voters: HashSet<Wallet>) -> Judged {
        let asked: Vec<Wallet> = {
            let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = |wallet: &Wallet| admitted.get(wallet).is_some_and(|at| at.elapsed() < ADMITTED_FOR);
            voters.into_iter().filter(|wallet| !is_known(wallet)).collect()
        };
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let reader = self.balances.get().ok_or("the chain's reader is not there")?;
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
