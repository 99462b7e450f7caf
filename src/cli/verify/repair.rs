//! Repairs as they are asked of the leading engine, and what it answers.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    time::Duration,
};

use deadpool_postgres::Pool;
use serde::Serialize;

use crate::{
    actors::verifier::check::{Check, Difference, Subject},
    cli::line::printable,
    domain::ids::{AccountAddress, MarketAddress},
    journal::{
        lease::{self, Office},
        repairs::{self, Outcome, Wanted},
    },
};

/// Answers are looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// No engine is there that would do it, or none has answered; and why that is said.
#[derive(Debug)]
pub(super) struct NobodyLeads(pub(super) String);

/// What became of a difference.
#[derive(Debug, Serialize)]
pub(super) struct Repaired {
    #[serde(flatten)]
    subject: Subject,
    /// What the engine says; `null`: nothing, in the time there was.
    outcome: Option<Outcome>,
    detail: String,
    /// In what it still differs, compared once more here.
    pub(super) still: Option<Difference>,
}

impl fmt::Display for Repaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.map_or("not answered", Outcome::as_str);
        write!(f, "{}: {outcome}: {}", self.subject, printable(&self.detail))
    }
}

/// The row of a market that was named, where the market agrees as far as the chain tells: its finalized state and its document
/// are in no account. What is said of it where the engine can't.
fn row_of(market: MarketAddress) -> (Difference, Wanted) {
    let what = "its row could not be made anew from its entries".to_owned();
    let difference = Difference { subject: Subject::Market { market }, what, fields: Vec::new() };
    let (stream, difference_of) = (market.account(), "asked for by name".to_owned());
    (difference, Wanted { what: "row", stream, wallet: None, vote_kind: None, difference: difference_of })
}

fn wanted(difference: &Difference, config: AccountAddress) -> Wanted {
    let subject = difference.subject;
    let (what, wallet, vote_kind) = match subject {
        Subject::Config => ("config", None, None),
        Subject::Market { .. } => ("market", None, None),
        Subject::Position { wallet, .. } => ("position", Some(wallet), None),
        Subject::Vote { wallet, vote_kind, .. } => ("vote", Some(wallet), Some(vote_kind)),
        Subject::Tally { vote_kind, .. } => ("tally", None, Some(vote_kind)),
    };
    let stream = subject.market().map_or(config, |market| market.account());
    Wanted { what, stream, wallet, vote_kind, difference: difference.what.clone() }
}

/// Asks, waits for the answers, and compares what was answered once more. `named`: markets whose rows are made anew in any case.
pub(super) async fn repaired(
    pool: &Pool,
    check: &Check,
    config: AccountAddress,
    differences: &[Difference],
    named: &[MarketAddress],
    wait: Duration,
) -> anyhow::Result<Result<Vec<Repaired>, NobodyLeads>> {
    let leads = async || Ok::<_, anyhow::Error>(lease::holder(pool, Office::Engine).await?.is_valid);
    if !leads().await? {
        return Ok(Err(NobodyLeads("no engine leads: start one, and ask again".to_owned())));
    }
    let agrees = |market: &MarketAddress| {
        let subject = Subject::Market { market: *market };
        !differences.iter().any(|difference| difference.subject == subject)
    };
    let named: BTreeSet<MarketAddress> = named.iter().copied().filter(agrees).collect();
    let found = differences.iter().map(|difference| (difference.clone(), wanted(difference, config)));
    let (differences, wanted): (Vec<_>, Vec<_>) = found.chain(named.into_iter().map(row_of)).unzip();
    let ids = repairs::request(pool, &wanted).await?;
    let until = tokio::time::Instant::now() + wait;
    let mut answers = HashMap::new();
    while answers.len() < ids.len() && tokio::time::Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
        answers = repairs::answers(pool, &ids).await?.into_iter().map(|answer| (answer.id, answer)).collect();
    }
    if answers.len() < ids.len() {
        // What nobody has begun with is not left behind: the one who asked is gone.
        repairs::withdraw(pool, &ids).await?;
        if answers.is_empty() {
            let why = format!("the leading engine has not answered in {} s", wait.as_secs());
            return Ok(Err(NobodyLeads(why)));
        }
    }
    let mut repaired = Vec::with_capacity(ids.len());
    for (difference, id) in differences.iter().zip(&ids) {
        let answer = answers.remove(id);
        // What could not be repaired needs no second opinion.
        let still = match answer.as_ref().map(|answer| answer.outcome) {
            Some(Outcome::Agreed | Outcome::Repaired) => check.again(difference.subject).await?,
            Some(Outcome::Impossible) | None => Some(difference.clone()),
        };
        let (outcome, detail) = match answer {
            Some(answer) => (Some(answer.outcome), answer.detail),
            None => (None, "the engine has not come to it in time".to_owned()),
        };
        repaired.push(Repaired { subject: difference.subject, outcome, detail, still });
    }
    Ok(Ok(repaired))
}
