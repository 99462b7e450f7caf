//! A lease that a command holds while it acts by hand, as an engine would: renewed as long as it is needed.

use std::time::Duration;

use deadpool_postgres::Pool;

use crate::journal::{
    DatabaseSettings,
    lease::{self, Asked, Holder, Office, Term, VALID},
};

/// A lease is renewed so often.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// See the module.
pub struct HeldLease {
    pool: Pool,
    office: Office,
    term: Term,
    renewal: tokio::task::JoinHandle<()>,
}

impl HeldLease {
    /// Takes the lease of an office under a name, if nobody holds it; else who does.
    pub async fn take(settings: &DatabaseSettings, office: Office, node: &str) -> anyhow::Result<Result<Self, Holder>> {
        let pool = settings.pool(1)?;
        match lease::take(&pool, office, node, VALID, false).await? {
            Asked::Ours(term, _) => {
                let renewal = actix::spawn(renew(pool.clone(), office, term));
                Ok(Ok(Self { pool, office, term, renewal }))
            }
            Asked::Theirs(holder) => Ok(Err(holder)),
        }
    }

    /// The term in which this may write.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Lets others hold it at once.
    pub async fn give_up(self) {
        self.renewal.abort();
        if let Err(error) = lease::give_up(&self.pool, self.office, self.term).await {
            log::warn!("the lease can't be given up, it expires by itself: {error}");
        }
    }
}

async fn renew(pool: Pool, office: Office, term: Term) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match lease::renew(&pool, office, term, VALID).await {
            Ok(Some(_)) => {}
            Ok(None) => return log::warn!("the lease of {office} is another's: nothing more is done"),
            Err(error) => log::warn!("the lease of {office} can't be renewed now: {error}"),
        }
    }
}
