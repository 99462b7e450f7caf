//! Comparing the program's accounts with the journal, where history alone does not tell: it ends too early, or a transaction
//! of it can't be read. Whose account differs is a stream's own affair; here it is only made to look.

use std::time::Duration;

use actix::prelude::*;

use super::{Listener, retry, suspect, window::Lane};
use crate::{
    actors::{registry::Registry, supervision::Link},
    chain::anchor::accounts::AccountKind,
    domain::ids::MarketAddress,
    journal::open,
};

/// The program's accounts are to be compared with the journal.
#[derive(Debug)]
pub(super) struct Reconcile {
    /// All of them, or only those that the journal has never heard of.
    all: bool,
    /// For people.
    reason: String,
}

impl Listener {
    pub(super) fn want_reconcile(&mut self, all: bool, reason: String) {
        let all = all || self.reconcile_wanted.as_ref().is_some_and(|wanted| wanted.all);
        self.reconcile_wanted = Some(Reconcile { all, reason });
    }

    /// Compares the program's accounts with the journal. One comparison at a time, however many reasons there are.
    pub(super) fn reconcile(&mut self, Reconcile { all, reason }: Reconcile, ctx: &mut Context<Self>) {
        self.reconciling = true;
        let (rpc, pool, registry) = (self.parts.rpc.clone(), self.parts.pool.clone(), self.parts.registry.clone());
        let work = async move {
            let accounts = loop {
                match rpc.program_accounts(AccountKind::Market, None).await {
                    Ok(accounts) => break accounts,
                    Err(error) => {
                        log::warn!("the program's accounts can't be listed: {error}");
                        tokio::time::sleep(Duration::from_secs(2)).await;
                    }
                }
            };
            compare(
                pool.pool(),
                &registry,
                all,
                &reason,
                accounts.into_iter().map(|(address, _)| MarketAddress(address.0)),
            )
            .await;
        };
        ctx.spawn(work.into_actor(self).map(|(), actor, ctx| {
            actor.reconciling = false;
            actor.drain(ctx);
        }));
    }
}

async fn compare(
    pool: &deadpool_postgres::Pool,
    registry: &Link<Registry>,
    all: bool,
    reason: &str,
    markets: impl Iterator<Item = MarketAddress>,
) {
    for market in markets {
        let known = !all && retry("a market can't be looked up", || open::market_exists(pool, market)).await;
        if !known {
            suspect(registry, Lane::Market(market), reason).await;
        }
    }
    if all {
        suspect(registry, Lane::Config, reason).await;
    }
}
