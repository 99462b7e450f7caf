//! Markets and the config: an account must equal a state that the journal went through.

use super::{ACCOUNTS, Check, Difference, Subject};
use crate::{
    actors::trouble::Trouble,
    chain::anchor::accounts::{AccountLayout, decode_account},
    domain::{
        account::{FieldDifference, GlobalConfigAccount, MarketAccount},
        config::ProgramConfig,
        entry::EntryBody,
        ids::{AccountAddress, MarketAddress},
        market::Market,
        misfit::Misfit,
    },
    journal::{
        JournalError, open,
        read::{self, MarketFilter, MarketPosition},
        rows::{MarketRow, RowHead},
    },
};

/// Entries that are followed from one reading.
const ENTRIES_MAX: u32 = 1_000;

/// A state that can be compared and moved on.
trait Compared: Clone {
    type Account: AccountLayout;
    fn compare(&self, account: &Self::Account) -> Vec<FieldDifference>;
    fn follow(self, body: &EntryBody) -> Result<Self, Misfit>;
}

impl Compared for Market {
    type Account = MarketAccount;
    fn compare(&self, account: &MarketAccount) -> Vec<FieldDifference> {
        self.differences(account)
    }
    fn follow(self, body: &EntryBody) -> Result<Self, Misfit> {
        Self::advance(Some(self), body)
    }
}

impl Compared for ProgramConfig {
    type Account = GlobalConfigAccount;
    fn compare(&self, account: &GlobalConfigAccount) -> Vec<FieldDifference> {
        self.differences(account)
    }
    fn follow(self, body: &EntryBody) -> Result<Self, Misfit> {
        Self::advance(Some(self), body)
    }
}

impl Check {
    /// The config.
    pub(super) async fn look_at_config(&self) -> Result<Option<Difference>, Trouble> {
        let (address, subject) = (self.config_address(), Subject::Config);
        let epoch = read::newest_epoch(&**self.pool.get().await.map_err(JournalError::from)?).await;
        let epoch = epoch.map_err(JournalError::from)?;
        let stored = open::load_config(&self.pool, address, epoch).await?;
        let account = self.account(address).await?;
        Ok(match (stored.filter(|stored| !stored.row.state.vanished), account) {
            (None, None) => None,
            (Some(stored), Some(data)) => {
                self.compare(subject, address, stored.row.head(), stored.row.state, &data).await?
            }
            (None, Some(_)) => Some(Difference::wrong(subject, "is on the chain and not in the journal")),
            (Some(_), None) => Some(Difference::wrong(subject, "is in the journal and not on the chain")),
        })
    }

    /// Every market of the journal, or those that are asked for.
    pub(super) async fn markets(&mut self) -> Result<(), Trouble> {
        let (mut after, mut only) = (None, self.only.clone());
        let is_all = only.is_empty();
        while !self.is_over() {
            let page = if is_all {
                let client = self.pool.get().await.map_err(JournalError::from)?;
                let page = read::markets(&**client, &MarketFilter::default(), after, 0, ACCOUNTS as u32).await;
                page.map_err(JournalError::from)?
            } else {
                let some: Vec<_> = only.drain(..only.len().min(ACCOUNTS)).collect();
                if some.is_empty() {
                    break;
                }
                self.report.markets += some.len() as u64;
                // One that the journal does not know is compared as such.
                self.suspects(some.into_iter().map(|market| Subject::Market { market }).collect()).await?;
                continue;
            };
            let Some(last) = page.last() else { break };
            after = Some(MarketPosition { created_at_unix: last.created_at_unix, address: last.address });
            let suspects = self.page_of_markets(page).await?;
            self.suspects(suspects).await?;
        }
        Ok(())
    }

    /// Those of a page that do not agree at first sight.
    async fn page_of_markets(&mut self, page: Vec<MarketRow>) -> Result<Vec<Subject>, Trouble> {
        let addresses: Vec<AccountAddress> = page.iter().map(|row| row.address.account()).collect();
        let accounts = self.rpc.accounts(&addresses).await?.accounts;
        let mut suspects = Vec::new();
        for (row, account) in page.into_iter().zip(accounts) {
            self.report.markets += 1;
            let subject = Subject::Market { market: row.address };
            let Some(account) = account else {
                suspects.push(subject);
                continue;
            };
            // A row that is none is a difference of its market, and no reason not to compare the others.
            let agrees = match row.market() {
                Ok(state) => {
                    self.compare(subject, row.address.account(), row.head(), state, &account.data).await?.is_none()
                }
                Err(_) => false,
            };
            if !agrees {
                suspects.push(subject);
            }
        }
        Ok(suspects)
    }

    /// A market.
    pub(super) async fn look_at_market(&self, market: MarketAddress) -> Result<Option<Difference>, Trouble> {
        let subject = Subject::Market { market };
        let row = {
            let client = self.pool.get().await.map_err(JournalError::from)?;
            read::market(&**client, market).await.map_err(JournalError::from)?
        };
        let account = self.account(market.account()).await?;
        let wrong = |what: &str| Some(Difference::wrong(subject, what));
        Ok(match (row, account) {
            (Some(row), Some(_)) if row.vanished => wrong("is on the chain, and rolled back in the journal"),
            // Its creation was rolled back.
            (Some(row), None) if row.vanished => None,
            (Some(row), Some(data)) => match row.market() {
                Ok(state) => self.compare(subject, market.account(), row.head(), state, &data).await?,
                Err(error) => wrong(&error.to_string()),
            },
            (None, Some(_)) => wrong("is on the chain and not in the journal"),
            (Some(_), None) => wrong("is in the journal and not on the chain"),
            (None, None) => None,
        })
    }

    /// Nothing if the account equals the state or one that follows from it; else the differences from the newest.
    async fn compare<S: Compared>(
        &self,
        subject: Subject,
        stream: AccountAddress,
        head: RowHead,
        mut state: S,
        data: &[u8],
    ) -> Result<Option<Difference>, Trouble> {
        let account: S::Account = match decode_account(data) {
            Ok(account) => account,
            Err(error) => return Ok(Some(Difference::wrong(subject, format!("its account can't be read: {error}")))),
        };
        let mut found = state.compare(&account);
        if found.is_empty() {
            return Ok(None);
        }
        let entries = {
            let client = self.pool.get().await.map_err(JournalError::from)?;
            let entries = read::entries_after(&**client, stream, head.epoch, head.last_seq, ENTRIES_MAX).await;
            entries.map_err(JournalError::from)?
        };
        for entry in entries {
            if entry.body.fits_always() {
                continue;
            }
            state = match state.follow(&entry.body) {
                Ok(state) => state,
                Err(misfit) => {
                    let what = format!("entry {} does not follow from the row: {misfit}", entry.seq);
                    return Ok(Some(Difference::wrong(subject, what)));
                }
            };
            found = state.compare(&account);
            if found.is_empty() {
                break;
            }
        }
        Ok(Difference::of(subject, found))
    }

    /// An account's bytes, if it is the program's.
    pub(super) async fn account(&self, address: AccountAddress) -> Result<Option<Vec<u8>>, Trouble> {
        let account = self.rpc.accounts(&[address]).await?.accounts.into_iter().flatten().next();
        Ok(account.filter(|account| account.owner == self.rpc.program()).map(|account| account.data))
    }
}
