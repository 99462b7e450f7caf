//! What a pass by hand found and did, as a table and as JSON.

use serde::Serialize;

use crate::{
    actors::{
        monitor::{
            act::Handed,
            look::{Balance, Conditions, Due, Ground},
        },
        submitter::{NotSubmitted, Submitted},
    },
    domain::{alert::AlertKind, amount::UnixSeconds, governance::Intent, ids::Slot},
    journal::{alerts::NewAlert, lease::Holder, overdue::Attempt},
};

/// See the module. The fields of the JSON.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The finalized slot whose clock was read, and the chain's time in it.
    slot: Slot,
    chain_time: UnixSeconds,
    /// Seconds from a resolution to its finalization, in force now.
    finalization_after_seconds: i64,
    /// The periods are the chain's own.
    config_read: bool,
    due: Vec<DueMarket>,
    /// There are more that are due than one pass takes.
    more_due: bool,
    alerts: Vec<Finding>,
    /// Kinds of alerts of which not all could be asked.
    unanswered: Vec<Unanswered>,
    balances: Vec<Balance>,
    /// Something was written or sent.
    acted: bool,
    /// Who holds the lease of governance, where that kept this from acting.
    pub held_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct DueMarket {
    market: String,
    due_at: Option<UnixSeconds>,
    /// The attempt's number, if there is one.
    submission: Option<i64>,
    /// What became of it: the attempt's status, or why there is none.
    result: Option<String>,
    settled: bool,
    signature: Option<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    kind: &'static str,
    severity: &'static str,
    subject: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct Unanswered {
    kind: &'static str,
    reason: String,
}

impl Report {
    /// What was found.
    pub fn new(ground: &Ground, due: &Due, conditions: &Conditions) -> Self {
        let market = |intent: &Intent| DueMarket {
            market: intent.market.to_string(),
            due_at: intent.grounds.due_at,
            submission: None,
            result: None,
            settled: false,
            signature: None,
        };
        let finding = |alert: &NewAlert| Finding {
            kind: alert.kind().as_str(),
            severity: alert.kind().severity().as_str(),
            subject: alert.subject().to_owned(),
            message: alert.message().to_owned(),
        };
        let unanswered =
            |(kind, reason): (&AlertKind, &String)| Unanswered { kind: kind.as_str(), reason: reason.clone() };
        Self {
            slot: ground.clock.slot,
            chain_time: ground.clock.unix_timestamp,
            finalization_after_seconds: ground.periods.finalization_seconds(),
            config_read: ground.config.is_some(),
            due: due.intents.iter().map(market).collect(),
            more_due: due.next.is_some(),
            alerts: conditions.alerts.values().flatten().map(finding).collect(),
            unanswered: conditions.unanswered.iter().map(unanswered).collect(),
            balances: conditions.balances.clone(),
            acted: false,
            held_by: None,
        }
    }

    /// Another node governs: nothing was done.
    pub fn held_by(mut self, holder: Holder) -> Self {
        self.held_by = Some(holder.node);
        self
    }

    /// What the submitter said.
    pub fn handed(&mut self, handed: &[Handed]) {
        self.acted = true;
        for (intent, result) in handed {
            let name = intent.market.to_string();
            let Some(market) = self.due.iter_mut().find(|market| market.market == name) else { continue };
            match result {
                Ok(Submitted::New(id) | Submitted::Open(id)) => market.submission = Some(id.0),
                Err(error) => market.result = Some(error.to_string()),
            }
            market.settled |= matches!(result, Err(NotSubmitted::AlreadyDone));
        }
    }

    /// What became of it.
    pub fn settled(&mut self, attempts: &[Attempt]) {
        for attempt in attempts {
            let Some(market) = self.due.iter_mut().find(|market| market.submission == Some(attempt.id)) else {
                continue;
            };
            (market.result, market.settled) = (Some(attempt.status.clone()), attempt.settled);
            market.signature.clone_from(&attempt.signature);
        }
    }

    /// Nothing waits for anybody.
    pub fn is_well(&self) -> bool {
        let done =
            |market: &DueMarket| market.settled && !matches!(market.result.as_deref(), Some("failed" | "expired"));
        self.due.iter().all(done) && !self.more_due && self.alerts.is_empty() && self.unanswered.is_empty()
    }

    /// To the standard output.
    pub fn print(&self, as_json: bool) {
        if as_json {
            match serde_json::to_string_pretty(self) {
                Ok(text) => println!("{text}"),
                Err(error) => eprintln!("the report can't be written: {error}"),
            }
            return;
        }
        println!("chain time {} (slot {}, finalized)", self.chain_time, self.slot.0);
        let source = if self.config_read { "the chain's config" } else { "the environment: the config can't be read" };
        println!("undisputed outcomes are final after {} s, by {source}", self.finalization_after_seconds);
        self.print_due();
        println!("\nstuck or low: {}", self.alerts.len());
        for Finding { kind, severity, subject, message } in &self.alerts {
            println!("  {severity:<8}  {kind:<22}  {subject:<44}  {message}");
        }
        for Unanswered { kind, reason } in &self.unanswered {
            println!("  {kind} can't be asked now: {reason}");
        }
        println!("\nauthorities:");
        if self.balances.is_empty() {
            println!("  no keys are configured");
        }
        for Balance { authority, wallet, lamports, is_low } in &self.balances {
            let low = if *is_low { "  LOW" } else { "" };
            println!("  {:<8}  {wallet:<44}  {} lamports{low}", authority.as_str(), lamports.0);
        }
        match &self.held_by {
            Some(node) => println!(
                "\nnothing was done: {node} holds the lease of governance and does this by itself. Stop it, or wait 6 s \
                 after it has gone, to act by hand"
            ),
            None if !self.acted => println!("\nnothing was done (--dry-run)"),
            None => {}
        }
    }

    fn print_due(&self) {
        let more = if self.more_due { ", and more" } else { "" };
        println!("\ndue to be finalized: {}{more}", self.due.len());
        for market in &self.due {
            let due_at = market.due_at.map(|at| at.to_string()).unwrap_or_default();
            let without = match (self.acted, market.submission) {
                (false, _) => "",
                (true, Some(_)) => "handed over",
                (true, None) => "left for the next pass",
            };
            let result = market.result.as_deref().unwrap_or(without);
            println!(
                "  {:<44}  {due_at:<24}  {result:<12}  {}",
                market.market,
                market.signature.as_deref().unwrap_or("")
            );
        }
    }
}
