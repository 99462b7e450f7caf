//! Looks at everything once it is quiet, and again for a while: what is still on its way is no breach.

use tokio::time::{Duration, Instant, sleep};

use super::{
    found,
    record::Record,
    verdict::{self, Breach},
    world::World,
};
use crate::{audit, compare::differences, http::try_request, patience::PATIENCE};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

impl World {
    /// Lets everybody end what is under way, and looks.
    ///
    /// # Panics
    /// If it does not become quiet.
    pub async fn judge(&mut self) -> Vec<Breach> {
        self.users.end().await;
        self.pace.fall_quiet().await;
        self.engine.ready().await;
        let record = self.users.record();
        let began = Instant::now();
        loop {
            let breaches = self.look(&record).await;
            if breaches.is_empty() || began.elapsed() > PATIENCE {
                return breaches;
            }
            sleep(LOOK).await;
        }
    }

    /// What is not as it should be, now.
    pub async fn look(&self, record: &Record) -> Vec<Breach> {
        let found = found::read(&self.database, &self.client, &self.markets).await;
        let mut breaches = verdict::writes(record, &found);
        breaches.extend(verdict::chain(&found));
        for (name, one) in &self.listening {
            breaches.extend(one.look(|notebook| verdict::subscriber(name, notebook, &found)));
        }
        for (number, one) in self.crowd.clients().iter().enumerate() {
            breaches.extend(one.look(|notebook| verdict::subscriber(&format!("client {number}"), notebook, &found)));
        }
        breaches.extend(self.tallies(record).await);
        let mut others = audit::breaches(&self.database).await;
        others.extend(differences(&self.database, &self.client, &self.load.markets, &self.load.wallets()).await);
        let letters = audit::dead_letters(&self.database).await;
        others.extend(letters.iter().map(|letter| format!("a dead letter: {letter:?}")));
        match audit::adoptions(&self.database).await {
            0 => {}
            adopted => others.push(format!("{adopted} accounts were adopted, with all history there")),
        }
        let verified = self.engine.run(&["verify"]).await;
        if !verified.status.success() {
            let said = [verified.stdout, verified.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            others.push(format!("verify: {}", said.concat()));
        }
        breaches.extend(others.into_iter().map(Breach::Other));
        breaches
    }

    /// What clients are shown of votes is what was acknowledged.
    async fn tallies(&self, record: &Record) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for market in &self.proposals {
            let key = market.to_string();
            let votes: Vec<bool> =
                record.votes.iter().filter(|vote| vote.market == key).map(|vote| vote.vote).collect();
            let likes = votes.iter().filter(|vote| **vote).count();
            let answer = try_request("GET", &self.engine.api, &format!("/api/votes/{key}"), &[], b"").await;
            let told = answer.ok().and_then(|answer| serde_json::from_slice::<serde_json::Value>(&answer.body).ok());
            let told = told.unwrap_or_default()["proposal"].clone();
            let is = |name: &str, count: usize| told[name].as_u64() == Some(count as u64);
            if !is("likes", likes) || !is("dislikes", votes.len() - likes) {
                let of = votes.len();
                breaches.push(Breach::Other(format!("{key}: {likes} of {of} votes are in favour, told is {told}")));
            }
        }
        breaches
    }
}
