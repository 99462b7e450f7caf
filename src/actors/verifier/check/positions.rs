//! Positions: a row must equal the wallet's account, read around the same moment.

use super::{ACCOUNTS, Check, Difference, PAGE, Subject};
use crate::{
    actors::trouble::Trouble,
    chain::anchor::accounts::decode_account,
    domain::{
        account::UserPositionAccount,
        ids::{AccountAddress, MarketAddress, Wallet},
        position::Position,
    },
    journal::{JournalError, read},
};

impl Check {
    /// Every position of the journal, or those of the markets that are asked for.
    pub(super) async fn positions(&mut self) -> Result<(), Trouble> {
        if self.only.is_empty() {
            return self.positions_from(None, None).await;
        }
        for market in self.only.clone() {
            // No wallet has a smaller address.
            self.positions_from(Some((market, Wallet([0; 32]))), Some(market)).await?;
        }
        Ok(())
    }

    async fn positions_from(
        &mut self,
        mut after: Option<(MarketAddress, Wallet)>,
        only: Option<MarketAddress>,
    ) -> Result<(), Trouble> {
        while !self.is_over() {
            let mut page = {
                let client = self.pool.get().await.map_err(JournalError::from)?;
                read::positions(&**client, after, PAGE as u32).await.map_err(JournalError::from)?
            };
            page.retain(|position| only.is_none_or(|market| position.market == market));
            let Some(last) = page.last() else { break };
            after = Some((last.market, last.user));
            let mut suspects = Vec::new();
            for positions in page.chunks(ACCOUNTS) {
                let address = |position: &Position| self.addresses.position(position.market, position.user).0;
                let addresses: Vec<AccountAddress> = positions.iter().map(address).collect();
                let accounts = self.rpc.accounts(&addresses).await?.accounts;
                for (position, account) in positions.iter().zip(accounts) {
                    self.report.positions += 1;
                    let account = account.map(|account| decode_account::<UserPositionAccount>(&account.data));
                    if !account.is_some_and(|read| read.is_ok_and(|account| position.differences(&account).is_empty()))
                    {
                        suspects.push(Subject::Position { market: position.market, wallet: position.user });
                    }
                }
            }
            self.suspects(suspects).await?;
        }
        Ok(())
    }

    /// A position: the account is read between two readings of the row.
    pub(super) async fn look_at_position(
        &self,
        market: MarketAddress,
        wallet: Wallet,
    ) -> Result<Option<Difference>, Trouble> {
        let subject = Subject::Position { market, wallet };
        let before = self.position_row(market, wallet).await?;
        let account = self.account(self.addresses.position(market, wallet).0).await?;
        let after = self.position_row(market, wallet).await?;
        let account = match account.map(|data| decode_account::<UserPositionAccount>(&data)).transpose() {
            Ok(account) => account,
            Err(error) => return Ok(Some(Difference::wrong(subject, format!("its account can't be read: {error}")))),
        };
        let agrees = |row: &Option<Position>| match (row, &account) {
            (Some(row), Some(account)) => row.differences(account).is_empty(),
            (None, None) => true,
            _ => false,
        };
        if agrees(&before) || agrees(&after) {
            return Ok(None);
        }
        Ok(match (after, account) {
            (Some(row), Some(account)) => Difference::of(subject, row.differences(&account)),
            (None, _) => Some(Difference::wrong(subject, "is on the chain and not in the journal")),
            (_, None) => Some(Difference::wrong(subject, "is in the journal and not on the chain")),
        })
    }

    /// What an account says that a wallet holds.
    pub(in crate::actors::verifier) async fn position_account(
        &self,
        market: MarketAddress,
        wallet: Wallet,
    ) -> Result<Option<Position>, Trouble> {
        let data = self.account(self.addresses.position(market, wallet).0).await?;
        let account = data.and_then(|data| decode_account::<UserPositionAccount>(&data).ok());
        Ok(account.map(|account| Position::from_account(&account)))
    }

    async fn position_row(&self, market: MarketAddress, wallet: Wallet) -> Result<Option<Position>, Trouble> {
        let client = self.pool.get().await.map_err(JournalError::from)?;
        Ok(read::position(&**client, market, wallet).await.map_err(JournalError::from)?)
    }
}
