//! Positions: a row must equal the wallet's account, read around the same moment.

use std::collections::HashMap;

use super::{ROUND_PAUSE, ROUNDS, Verification};
use crate::{
    chain::{
        anchor::accounts::{AccountKind, decode_account},
        program::ProgramAddresses,
    },
    domain::{
        account::UserPositionAccount,
        ids::{AccountAddress, MarketAddress, Wallet},
        position::Position,
    },
    journal::read,
};

const PAGE: u32 = 1_000;

impl Verification {
    /// Every position of the journal, and every one of the chain.
    pub(super) async fn positions(&mut self) -> anyhow::Result<()> {
        let mut on_chain: HashMap<(MarketAddress, Wallet), UserPositionAccount> = HashMap::new();
        for (address, account) in self.rpc.program_accounts(AccountKind::UserPosition, None).await? {
            match decode_account::<UserPositionAccount>(&account.data) {
                Ok(position) => drop(on_chain.insert((position.market, position.user), position)),
                Err(error) => self.wrong(format!("position {address}"), &error.to_string()),
            }
        }
        let mut after = None;
        loop {
            let page = read::positions(&**self.pool.get().await?, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.market, last.user));
            for position in page {
                self.positions += 1;
                let account = on_chain.remove(&(position.market, position.user));
                if !account.is_some_and(|account| position.differences(&account).is_empty()) {
                    self.position_again(position.market, position.user).await?;
                }
            }
        }
        for (market, wallet) in on_chain.into_keys() {
            self.position_again(market, wallet).await?;
        }
        Ok(())
    }

    /// A position that did not agree at first sight: the account is read between two readings of the row.
    async fn position_again(&mut self, market: MarketAddress, wallet: Wallet) -> anyhow::Result<()> {
        let subject = format!("position of {wallet} in {market}");
        let address = ProgramAddresses::new(self.program).position(market, wallet).0;
        for round in 1..=ROUNDS {
            let before = read::position(&**self.pool.get().await?, market, wallet).await?;
            let account = self.position_account(address).await?;
            let after = read::position(&**self.pool.get().await?, market, wallet).await?;
            let agrees = |row: &Option<Position>| match (row, &account) {
                (Some(row), Some(account)) => row.differences(account).is_empty(),
                (None, None) => true,
                _ => false,
            };
            if agrees(&before) || agrees(&after) {
                return Ok(());
            }
            if round == ROUNDS {
                match (after, account) {
                    (Some(row), Some(account)) => self.differs(&subject, &row.differences(&account)),
                    (None, _) => self.wrong(&subject, "is on the chain and not in the journal"),
                    (_, None) => self.wrong(&subject, "is in the journal and not on the chain"),
                }
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        Ok(())
    }

    async fn position_account(&self, address: AccountAddress) -> anyhow::Result<Option<UserPositionAccount>> {
        let account = self.rpc.accounts(&[address]).await?.accounts.into_iter().flatten().next();
        Ok(account.map(|account| decode_account(&account.data)).transpose()?)
    }
}
