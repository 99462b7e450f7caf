//! Markets and the config: an account must equal a state that the journal went through.

use std::collections::HashSet;

use anyhow::Context;

use super::{ROUND_PAUSE, ROUNDS, Verification};
use crate::{
    chain::anchor::accounts::{AccountKind, decode_account},
    domain::{
        account::{FieldDifference, GlobalConfigAccount, MarketAccount},
        config::ProgramConfig,
        entry::EntryBody,
        ids::{AccountAddress, MarketAddress},
        market::Market,
        misfit::Misfit,
    },
    journal::{
        open,
        read::{self, MarketFilter, MarketPosition},
        rows::RowHead,
    },
};

/// Markets that are read together: what `getMultipleAccounts` takes.
const PAGE: u32 = 100;
/// Entries that are followed from one reading.
const ENTRIES_MAX: u32 = 1_000;

/// A state that can be compared and moved on.
trait Compared: Clone {
    type Account: crate::chain::anchor::accounts::AccountLayout;
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

impl Verification {
    /// The config account.
    pub(super) async fn config(&mut self, address: AccountAddress) -> anyhow::Result<()> {
        for round in 0..ROUNDS {
            let epoch = read::newest_epoch(&**self.pool.get().await?).await?;
            let stored = open::load_config(&self.pool, address, epoch).await?;
            let account = self.rpc.accounts(&[address]).await?.accounts.into_iter().flatten().next();
            match (stored.filter(|stored| !stored.row.state.vanished), account) {
                (None, None) => return Ok(()),
                (Some(stored), Some(account)) => {
                    let found = self.compare(address, stored.row.head(), stored.row.state, &account.data).await?;
                    if found.is_empty() || round + 1 == ROUNDS {
                        self.differs("config", &found);
                        return Ok(());
                    }
                }
                (None, Some(_)) if round + 1 == ROUNDS => {
                    self.wrong("config", "is on the chain and not in the journal")
                }
                (Some(_), None) if round + 1 == ROUNDS => {
                    self.wrong("config", "is in the journal and not on the chain")
                }
                _ => {}
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        Ok(())
    }

    /// Every market of the journal, and every one of the chain.
    pub(super) async fn markets(&mut self) -> anyhow::Result<()> {
        let on_chain = self.rpc.program_accounts(AccountKind::Market, None).await?;
        let mut unmatched: HashSet<MarketAddress> =
            on_chain.iter().map(|(address, _)| MarketAddress(address.0)).collect();
        drop(on_chain);
        let mut after = None;
        loop {
            let page = {
                let client = self.pool.get().await?;
                read::markets(&**client, &MarketFilter::default(), after, 0, PAGE).await?
            };
            let Some(last) = page.last() else { break };
            after = Some(MarketPosition { created_at_unix: last.created_at_unix, address: last.address });
            let addresses: Vec<AccountAddress> = page.iter().map(|row| row.address.account()).collect();
            let accounts = self.rpc.accounts(&addresses).await?.accounts;
            for (row, account) in page.into_iter().zip(accounts) {
                unmatched.remove(&row.address);
                self.markets += 1;
                let first = match &account {
                    Some(account) => {
                        self.compare(row.address.account(), row.head(), row.market()?, &account.data).await?
                    }
                    None => Vec::new(),
                };
                if account.is_none() || !first.is_empty() {
                    self.market_again(row.address).await?;
                }
            }
        }
        for address in unmatched {
            self.market_again(address).await?;
        }
        Ok(())
    }

    /// A market that did not agree at first sight.
    async fn market_again(&mut self, address: MarketAddress) -> anyhow::Result<()> {
        for round in 1..=ROUNDS {
            let row = read::market(&**self.pool.get().await?, address).await?;
            let account = self.rpc.accounts(&[address.account()]).await?.accounts.into_iter().flatten().next();
            let last = round == ROUNDS;
            match (row, account) {
                (Some(row), Some(_)) if row.vanished && last => {
                    self.wrong(format!("market {address}"), "is on the chain, and rolled back in the journal");
                }
                (Some(row), Some(_)) if row.vanished => {}
                // Its creation was rolled back.
                (Some(row), None) if row.vanished => return Ok(()),
                (Some(row), Some(account)) => {
                    let found = self.compare(address.account(), row.head(), row.market()?, &account.data).await?;
                    if found.is_empty() {
                        return Ok(());
                    }
                    if last {
                        self.differs(format!("market {address}"), &found);
                    }
                }
                (None, Some(_)) if last => {
                    self.wrong(format!("market {address}"), "is on the chain and not in the journal")
                }
                (Some(_), None) if last => {
                    self.wrong(format!("market {address}"), "is in the journal and not on the chain")
                }
                (None, None) => return Ok(()),
                _ => {}
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        Ok(())
    }

    /// Empty if the account equals the state or one that follows from it; else the differences from the newest.
    async fn compare<S: Compared>(
        &self,
        stream: AccountAddress,
        head: RowHead,
        mut state: S,
        data: &[u8],
    ) -> anyhow::Result<Vec<FieldDifference>> {
        let account: S::Account = decode_account(data).with_context(|| format!("account {stream}"))?;
        let mut found = state.compare(&account);
        if found.is_empty() {
            return Ok(found);
        }
        let entries = {
            let client = self.pool.get().await?;
            read::entries_after(&**client, stream, head.epoch, head.last_seq, ENTRIES_MAX).await?
        };
        for entry in entries {
            state = state.follow(&entry.body).with_context(|| format!("{stream}: entry {} does not fit", entry.seq))?;
            found = state.compare(&account);
            if found.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}
