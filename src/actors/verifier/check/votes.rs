//! Votes: each on the chain that the journal has must be a vote record, and the other way round; and what is stored as counted
//! must be what the journal's ballots count.

use std::collections::BTreeSet;

use super::{ACCOUNTS, Check, Difference, PAGE, Subject};
use crate::{
    actors::trouble::Trouble,
    chain::anchor::accounts::decode_account,
    domain::{
        account::{FieldDifference, VoteRecordAccount},
        ids::{AccountAddress, MarketAddress, Wallet},
        tally::{Counts, VoteKind},
    },
    journal::verify::{self, ChainVote},
};

/// Does the record say that?
pub(super) fn is_vote(record: &VoteRecordAccount, vote: &ChainVote) -> bool {
    record.market == vote.market
        && record.user == vote.wallet
        && record.vote_type == vote.kind as u8
        && record.vote == vote.vote
}

impl Check {
    /// Every vote on the chain that the journal has, or those of the markets that are asked for.
    pub(super) async fn votes(&mut self) -> Result<(), Trouble> {
        let only: Vec<Option<MarketAddress>> = match self.only.as_slice() {
            [] => vec![None],
            only => only.iter().copied().map(Some).collect(),
        };
        for market in only {
            let mut after = None;
            while !self.is_over() {
                let page = verify::chain_votes(&self.pool, market, after.as_ref(), PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.place());
                let mut suspects = Vec::new();
                for votes in page.chunks(ACCOUNTS) {
                    let address = |vote: &ChainVote| self.addresses.vote(vote.market, vote.wallet, vote.kind).0;
                    let addresses: Vec<AccountAddress> = votes.iter().map(address).collect();
                    let accounts = self.rpc.accounts(&addresses).await?.accounts;
                    for (vote, account) in votes.iter().zip(accounts) {
                        self.report.votes += 1;
                        let record = account.map(|account| decode_account::<VoteRecordAccount>(&account.data));
                        if !record.is_some_and(|read| read.is_ok_and(|record| is_vote(&record, vote))) {
                            let ChainVote { market, wallet, kind, .. } = *vote;
                            suspects.push(Subject::Vote { market, wallet, vote_kind: kind });
                        }
                    }
                }
                // What has votes has a tally, or its row is missing.
                let counted: BTreeSet<_> = page.iter().map(|vote| (vote.market, vote.kind)).collect();
                let counted: Vec<_> = counted.into_iter().collect();
                let missing = verify::missing_tallies(&self.pool, &counted).await?;
                suspects.extend(missing.into_iter().map(|(market, vote_kind)| Subject::Tally { market, vote_kind }));
                self.suspects(suspects).await?;
            }
        }
        Ok(())
    }

    /// A vote on the chain.
    pub(super) async fn look_at_vote(
        &self,
        market: MarketAddress,
        wallet: Wallet,
        vote_kind: VoteKind,
    ) -> Result<Option<Difference>, Trouble> {
        let subject = Subject::Vote { market, wallet, vote_kind };
        let before = verify::chain_vote(&self.pool, market, wallet, vote_kind).await?;
        let account = self.account(self.addresses.vote(market, wallet, vote_kind).0).await?;
        let after = verify::chain_vote(&self.pool, market, wallet, vote_kind).await?;
        let record = match account.map(|data| decode_account::<VoteRecordAccount>(&data)).transpose() {
            Ok(record) => record,
            Err(error) => return Ok(Some(Difference::wrong(subject, format!("its account can't be read: {error}")))),
        };
        let on_chain = record.map(|record| record.vote);
        if before == on_chain || after == on_chain {
            return Ok(None);
        }
        Ok(match (after, on_chain) {
            (Some(journal), Some(chain)) => {
                Difference::of(subject, FieldDifference::between("vote", &journal, &chain).into_iter().collect())
            }
            (None, _) => Some(Difference::wrong(subject, "is on the chain and not in the journal")),
            (_, None) => Some(Difference::wrong(subject, "is in the journal and not on the chain")),
        })
    }

    /// Every stored tally, or those of the markets that are asked for.
    pub(super) async fn tallies(&mut self) -> Result<(), Trouble> {
        let mut after = None;
        let mut only: Vec<_> = self
            .only
            .iter()
            .flat_map(|market| VoteKind::ALL.map(|vote_kind| Subject::Tally { market: *market, vote_kind }))
            .collect();
        if !only.is_empty() {
            self.report.tallies += only.len() as u64;
            return self.suspects(std::mem::take(&mut only)).await;
        }
        while !self.is_over() {
            let page = verify::tallies(&self.pool, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            let mut suspects = Vec::new();
            for (market, vote_kind) in page {
                self.report.tallies += 1;
                if self.look_at_tally(market, vote_kind).await?.is_some() {
                    suspects.push(Subject::Tally { market, vote_kind });
                }
            }
            self.suspects(suspects).await?;
        }
        Ok(())
    }

    /// A tally: both sides are the journal's, of one moment.
    pub(super) async fn look_at_tally(
        &self,
        market: MarketAddress,
        vote_kind: VoteKind,
    ) -> Result<Option<Difference>, Trouble> {
        let (stored, counted) = verify::tally(&self.pool, market, vote_kind).await?;
        let stored = stored.unwrap_or_default();
        if stored == counted {
            return Ok(None);
        }
        let text = |counts: Counts| format!("{} to {}", counts.in_favour(), counts.against());
        let what = format!("is stored as {}, and its ballots count {}", text(stored), text(counted));
        Ok(Some(Difference::wrong(Subject::Tally { market, vote_kind }, what)))
    }
}
