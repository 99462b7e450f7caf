//! The accounts' side: what the chain has and the journal does not know.
//!
//! Only the beginning of each account is asked for, and where there are many, a 256th of them at a time: those whose wallet (of a
//! market: whose id) begins with a certain byte. Markets and positions are looked up in bulk. Votes are counted, market by market:
//! each vote that the journal has was found to be a record, and no two votes share one, so as many records as votes are the same
//! ones; where the numbers differ, every record of that market is looked at.

use std::collections::HashMap;

use super::{Check, PAGE, Subject};
use crate::{
    actors::trouble::Trouble,
    chain::{
        anchor::accounts::AccountKind,
        rpc::{ChainReadError, slices::Slice},
    },
    domain::{
        ids::{MarketAddress, Wallet},
        tally::VoteKind,
    },
    journal::verify::{self, Counted},
};

/// Above so many rows of the journal, accounts are asked for in parts.
const WHOLE_MAX: usize = 10_000;
/// Where a market's id begins; of a position or a vote, its wallet.
const MARKET_ID: usize = 8;
const WALLET: usize = 40;
/// Discriminator, market, wallet; of a vote, what it is on and which way, too.
const HEAD: usize = 72;
const VOTE_HEAD: usize = 74;

impl Check {
    /// Looks for them.
    pub(super) async fn unknown(&mut self) -> Result<(), Trouble> {
        if self.only.is_empty() {
            self.unknown_markets().await?;
        }
        self.unknown_positions().await?;
        self.unknown_votes().await
    }

    /// What is asked for, one after the other.
    async fn slices(&self, what: Counted, offset: usize, bytes: usize) -> Result<Vec<Slice>, Trouble> {
        if !self.only.is_empty() {
            let of = |market: &MarketAddress| Slice { market: Some(*market), byte: None, bytes };
            return Ok(self.only.iter().map(of).collect());
        }
        let is_cut = verify::more_than(&self.pool, what, WHOLE_MAX).await?;
        let parts = if is_cut { (0..=u8::MAX).map(Some).collect() } else { vec![None] };
        let of = |byte: Option<u8>| Slice { market: None, byte: byte.map(|byte| (offset, byte)), bytes };
        Ok(parts.into_iter().map(of).collect())
    }

    async fn read(&mut self, kind: AccountKind, slice: Slice) -> Result<Vec<Vec<u8>>, ChainReadError> {
        let accounts = self.rpc.program_account_slices(kind, slice).await?;
        self.report.accounts += accounts.len() as u64;
        Ok(accounts.into_iter().map(|(_, data)| data).collect())
    }

    async fn unknown_markets(&mut self) -> Result<(), Trouble> {
        for slice in self.slices(Counted::Markets, MARKET_ID, MARKET_ID).await? {
            // A byte of the id is filtered by the node, and told, so that it can be checked.
            let slice = Slice { bytes: MARKET_ID + 1, ..slice };
            let accounts = self.rpc.program_account_slices(AccountKind::Market, slice).await?;
            self.report.accounts += accounts.len() as u64;
            let markets: Vec<MarketAddress> =
                accounts.into_iter().map(|(address, _)| MarketAddress(address.0)).collect();
            for some in markets.chunks(PAGE) {
                let unknown = verify::unknown_markets(&self.pool, some).await?;
                self.suspects(unknown.into_iter().map(|market| Subject::Market { market }).collect()).await?;
                if self.is_over() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn unknown_positions(&mut self) -> Result<(), Trouble> {
        for slice in self.slices(Counted::Positions, WALLET, HEAD).await? {
            let accounts = self.read(AccountKind::UserPosition, slice).await?;
            let positions: Vec<_> = accounts.iter().filter_map(|data| head(data)).collect();
            for some in positions.chunks(PAGE) {
                let unknown = verify::unknown_positions(&self.pool, some).await?;
                let of = |(market, wallet)| Subject::Position { market, wallet };
                self.suspects(unknown.into_iter().map(of).collect()).await?;
                if self.is_over() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn unknown_votes(&mut self) -> Result<(), Trouble> {
        let mut counted: HashMap<MarketAddress, i64> = HashMap::new();
        for slice in self.slices(Counted::Votes, WALLET, VOTE_HEAD).await? {
            for (market, _) in self.read(AccountKind::VoteRecord, slice).await?.iter().filter_map(|data| head(data)) {
                *counted.entry(market).or_default() += 1;
            }
        }
        for (market, count) in verify::vote_counts(&self.pool, &self.only).await? {
            *counted.entry(market).or_default() -= count;
        }
        for (market, _) in counted.into_iter().filter(|(_, surplus)| *surplus != 0) {
            let slice = Slice { market: Some(market), byte: None, bytes: VOTE_HEAD };
            let records = self.read(AccountKind::VoteRecord, slice).await?;
            let of = |data: &Vec<u8>| {
                let (market, wallet) = head(data)?;
                let vote_kind = VoteKind::ALL.into_iter().find(|kind| Some(&(*kind as u8)) == data.get(HEAD))?;
                Some(Subject::Vote { market, wallet, vote_kind })
            };
            let mut known = std::collections::HashSet::new();
            let mut after = None;
            loop {
                let page = verify::chain_votes(&self.pool, Some(market), after.as_ref(), PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.place());
                known.extend(page.iter().map(|vote| (vote.wallet, vote.kind)));
            }
            let is_unknown = |subject: &Subject| match subject {
                Subject::Vote { wallet, vote_kind, .. } => !known.contains(&(*wallet, *vote_kind)),
                _ => false,
            };
            let unknown = records.iter().filter_map(of).filter(is_unknown).collect();
            self.suspects(unknown).await?;
            if self.is_over() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Market and wallet of a position or a vote.
fn head(data: &[u8]) -> Option<(MarketAddress, Wallet)> {
    let market = data.get(8..WALLET)?.try_into().ok()?;
    let wallet = data.get(WALLET..HEAD)?.try_into().ok()?;
    Some((MarketAddress(market), Wallet(wallet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn market_and_wallet_stand_behind_the_discriminator_and_nothing_shorter_has_them() {
        let data: Vec<u8> = [[0; 8].as_slice(), &[1; 32], &[2; 32], &[1, 0]].concat();
        assert_eq!(head(&data), Some((MarketAddress([1; 32]), Wallet([2; 32]))));
        assert_eq!(head(&data[..HEAD]), head(&data));
        assert_eq!(head(&data[..HEAD - 1]), None);
    }
}
