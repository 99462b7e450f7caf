//! What must hold when a soak has fallen quiet.

use std::time::Duration;

use tokio::time::Instant;

use super::{Summary, world::World};
use crate::{
    audit,
    compare::differences,
    load::heard_everything,
    patience::{PATIENCE, wait_for},
    subscriber::Subscriber,
};

impl World {
    /// Looks at everything.
    pub async fn judge(&mut self, summary: &mut Summary) {
        self.engine.listening().await;
        summary.trades = self.load.done();
        let sent = self.load.sent();
        heard_everything(&self.listening, &sent, &self.database, &self.client).await;
        self.engine.ready().await;
        // What is still on its way is no difference: it is looked at again for a while.
        let mut found = self.look().await;
        let began = Instant::now();
        while !found.is_empty() && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(500)).await;
            found = self.look().await;
        }
        summary.differences.extend(found);
        summary.adoptions = audit::adoptions(&self.database).await;
        if summary.adoptions > 0 {
            summary.differences.push(format!("{} accounts were adopted, with all history there", summary.adoptions));
        }
        let refused = summary.struck.contains_key("a market refused");
        let forged = summary.struck.contains_key("deliveries forged");
        let letters = audit::dead_letters(&self.database).await;
        let is_expected = |source: &str, reason: &str| {
            refused && source == "journal" && reason == "refused"
                || forged && source.starts_with("webhook:") && reason == "never came"
        };
        let unexpected = letters.iter().filter(|(source, reason, _)| !is_expected(source, reason));
        summary.differences.extend(unexpected.map(|letter| format!("a dead letter: {letter:?}")));
        self.judge_late_comers(summary).await;
        summary.subscribers = self.listening.len() + self.joined.len();
    }

    async fn look(&self) -> Vec<String> {
        let mut found = audit::breaches(&self.database).await;
        found.extend(differences(&self.database, &self.client, &self.load.markets, &self.load.wallets()).await);
        let verified = self.engine.run(&["verify"]).await;
        if !verified.status.success() {
            found.push(format!("verify: {}", String::from_utf8_lossy(&verified.stdout)));
        }
        found
    }

    /// Who came in the middle has what everybody has, from the first snapshot on.
    async fn judge_late_comers(&mut self, summary: &mut Summary) {
        let heads: Vec<_> =
            self.listening[0].notebook().markets.into_iter().map(|(market, heard)| (market, heard.last)).collect();
        let is_there = |one: &Subscriber| {
            let notebook = one.notebook();
            heads.iter().all(|(market, head)| notebook.markets.get(market).is_some_and(|heard| heard.last >= *head))
        };
        wait_for("late comers to be at every head", || async {
            match self.joined.iter().filter(|one| !is_there(one)).count() {
                0 => Ok(()),
                behind => Err(behind),
            }
        })
        .await;
        for one in self.listening.iter().chain(&self.joined) {
            summary.differences.extend(one.notebook().faults.iter().map(|fault| format!("a subscriber: {fault}")));
        }
    }
}
