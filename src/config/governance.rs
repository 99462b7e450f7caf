//! Governance: when votes and resolutions are looked at, what stands in for the chain's config, and who signs.
//!
//! Thresholds and the dispute period are the chain's own; what is said of them here counts only where the chain's config
//! can't be read. All periods are of the chain's time.

use std::{path::PathBuf, time::Duration};

use super::{SecretText, Source};
use crate::{
    chain::keys::{KeySource, KeySources, KeyText},
    domain::{amount::Bps, deadline::Periods, schedule::Schedule},
};

const HOUR_SECONDS: i64 = 3_600;
/// Longest period that is taken: ten years, the longest life of a market.
const HOURS_MAX: u32 = 87_600;
/// All of a rate.
const WHOLE: Bps = Bps(10_000);

/// See the module.
#[derive(Debug, Clone)]
pub struct GovernanceConfig {
    /// Where the authorities' keys are.
    pub keys: KeySources,
    /// Proposals and disputes are looked at so often, beside what happens at once.
    pub aggregation_interval: Duration,
    /// Approval that a proposal needs, where the chain's config can't be read.
    pub approval_threshold: Bps,
    /// Agreement that a dispute needs, where the chain's config can't be read.
    pub dispute_threshold: Bps,
    /// A proposal is approved no sooner after its creation: hours.
    pub proposal_min_age_hours: u32,
    /// Votes on a dispute are taken for so long after it began: hours.
    pub dispute_voting_hours: u32,
    /// What nobody disputes is finalized no sooner after its resolution, whatever the chain allows: hours.
    pub finalization_delay_hours: u32,
    /// When the monitor looks: cron, UTC.
    pub monitor_cron: Schedule,
    /// Alerts are posted there.
    pub alert_webhook_url: Option<SecretText>,
    /// An authority that pays and holds less is alerted of: lamports.
    pub low_balance_lamports: u64,
    /// The most that governance pays for priority: micro-lamports a compute unit.
    pub max_priority_fee_micro_lamports: u64,
}

impl GovernanceConfig {
    /// How long things may take: ours, and the chain's dispute period.
    pub fn periods(&self, dispute_period_seconds: i64) -> Periods {
        Periods {
            dispute_period_seconds,
            finalization_delay_seconds: seconds(self.finalization_delay_hours),
            dispute_voting_seconds: seconds(self.dispute_voting_hours),
            ..Periods::default()
        }
    }

    /// See [`GovernanceConfig::proposal_min_age_hours`].
    pub fn proposal_min_age_seconds(&self) -> i64 {
        seconds(self.proposal_min_age_hours)
    }
}

fn seconds(hours: u32) -> i64 {
    i64::from(hours) * HOUR_SECONDS
}

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source) -> Option<GovernanceConfig> {
    source.topic("Governance: what nodes with the roles aggregator and monitor do (docs/operating.md)");
    let backend_path: Option<PathBuf> = source.value(
        "BACKEND_KEYPAIR_PATH",
        "",
        "file with the backend authority's key: a JSON array of 64 numbers, mode 600",
    );
    let backend_text: Option<KeyText> = source.value(
        "BACKEND_AUTHORITY_PRIVATE_KEY",
        "",
        "the same key itself, as such an array or in base58, instead of the file; a file is safer",
    );
    let admin_path: Option<PathBuf> = source.value(
        "ADMIN_KEYPAIR_PATH",
        "",
        "file with the admin's key; without it proposals are counted here and approved by an admin",
    );
    let file = |path: PathBuf| (!path.as_os_str().is_empty()).then_some(KeySource::File(path));
    let (backend_file, admin_file) = (backend_path.and_then(file), admin_path.and_then(file));
    let backend_text = backend_text.filter(|text| !text.is_empty()).map(KeySource::Text);
    if backend_file.is_some() && backend_text.is_some() {
        source.refuse("BACKEND_AUTHORITY_PRIVATE_KEY", "nothing, where BACKEND_KEYPAIR_PATH is given");
    }
    let interval = source.value::<u64>(
        "VOTE_AGGREGATION_INTERVAL",
        "300000",
        "milliseconds between two looks at all votes; what crosses a threshold is acted on at once",
    );
    let approval = source.value(
        "PROPOSAL_APPROVAL_THRESHOLD",
        "7000",
        "approval that a proposal needs, in basis points; only where the chain's config can't be read",
    );
    let dispute = source.value(
        "DISPUTE_THRESHOLD",
        "6000",
        "agreement that a dispute needs, in basis points; only where the chain's config can't be read",
    );
    let min_age = source.value("PROPOSAL_MIN_AGE_HOURS", "0", "a proposal is approved no sooner after its creation");
    let voting = source.value("DISPUTE_VOTING_HOURS", "72", "votes on a dispute are taken for so long after it began");
    let cron = source.value("MARKET_MONITOR_CRON", "*/5 * * * *", "when the market monitor looks: cron, UTC");
    let delay = source.value(
        "FINALIZATION_DELAY_HOURS",
        "48",
        "what nobody disputes is finalized no sooner after its resolution, nor before the chain allows it",
    );
    let webhook: Option<SecretText> =
        source.value("ALERT_WEBHOOK_URL", "", "http or https address that alerts are posted to; may carry a token");
    let low_balance = source.value(
        "AUTHORITY_LOW_BALANCE_LAMPORTS",
        "500000000",
        "an authority that holds less is alerted of: it pays for what governance sends",
    );
    let max_fee = source.value(
        "GOVERNANCE_MAX_PRIORITY_FEE_MICRO_LAMPORTS",
        "1000000",
        "most that governance pays for priority, a compute unit",
    );

    for (name, threshold) in [("PROPOSAL_APPROVAL_THRESHOLD", approval), ("DISPUTE_THRESHOLD", dispute)] {
        if threshold.is_some_and(|bps: u16| Bps(bps) > WHOLE) {
            source.refuse(name, "0 to 10000");
        }
    }
    for (name, hours) in
        [("PROPOSAL_MIN_AGE_HOURS", min_age), ("DISPUTE_VOTING_HOURS", voting), ("FINALIZATION_DELAY_HOURS", delay)]
    {
        if hours.is_some_and(|hours: u32| hours > HOURS_MAX) {
            source.refuse(name, "hours, ten years at most");
        }
    }
    if interval == Some(0) {
        source.refuse("VOTE_AGGREGATION_INTERVAL", "1 or more");
    }
    let is_http = |url: &SecretText| url.reveal().starts_with("https://") || url.reveal().starts_with("http://");
    let webhook = webhook.filter(|url| !url.reveal().is_empty());
    if webhook.as_ref().is_some_and(|url| !is_http(url)) {
        source.refuse("ALERT_WEBHOOK_URL", "an http or https address");
    }

    Some(GovernanceConfig {
        keys: KeySources { backend: backend_file.or(backend_text), admin: admin_file },
        aggregation_interval: Duration::from_millis(interval?),
        approval_threshold: Bps(approval?),
        dispute_threshold: Bps(dispute?),
        proposal_min_age_hours: min_age?,
        dispute_voting_hours: voting?,
        finalization_delay_hours: delay?,
        monitor_cron: cron?,
        alert_webhook_url: webhook,
        low_balance_lamports: low_balance?,
        max_priority_fee_micro_lamports: max_fee?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(set: &'static [(&'static str, &'static str)]) -> Result<GovernanceConfig, String> {
        let mut source = Source::new(|name| set.iter().find(|(own, _)| *own == name).map(|(_, is)| (*is).to_owned()));
        let config = read(&mut source);
        source.finish().map_err(|error| error.to_string())?;
        Ok(config.unwrap())
    }

    #[test]
    fn without_any_variable_the_program_facts_hold_and_nobodys_key_is_there() {
        let config = read_with(&[]).unwrap();
        assert!(config.keys.backend.is_none() && config.keys.admin.is_none() && config.alert_webhook_url.is_none());
        assert_eq!(config.periods(259_200), Periods::default(), "as the domain has them");
        assert_eq!((config.approval_threshold, config.dispute_threshold), (Bps(7_000), Bps(6_000)));
        assert_eq!((config.proposal_min_age_seconds(), config.aggregation_interval.as_secs()), (0, 300));
        assert_eq!(config.monitor_cron.to_string(), "*/5 * * * *");
        let longest = read_with(&[("DISPUTE_VOTING_HOURS", "87600")]).unwrap();
        assert_eq!(longest.periods(0).dispute_voting_seconds, 315_360_000);
    }

    #[test]
    fn a_key_has_one_place() {
        let file = read_with(&[("BACKEND_KEYPAIR_PATH", "/k/backend.json")]).unwrap();
        assert!(matches!(file.keys.backend, Some(KeySource::File(path)) if path.ends_with("k/backend.json")));
        let text = read_with(&[("BACKEND_AUTHORITY_PRIVATE_KEY", "[1]"), ("ADMIN_KEYPAIR_PATH", "/k/admin.json")]);
        let keys = text.unwrap().keys;
        assert!(matches!((keys.backend, keys.admin), (Some(KeySource::Text(_)), Some(KeySource::File(_)))));
        let both = read_with(&[("BACKEND_KEYPAIR_PATH", "/k"), ("BACKEND_AUTHORITY_PRIVATE_KEY", "the-secret-text")]);
        let error = both.unwrap_err();
        assert!(error.contains("BACKEND_AUTHORITY_PRIVATE_KEY") && error.contains("BACKEND_KEYPAIR_PATH"), "{error}");
        assert!(!error.contains("the-secret-text"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, set) in [
            ("PROPOSAL_APPROVAL_THRESHOLD", &[("PROPOSAL_APPROVAL_THRESHOLD", "10001")] as &'static [_]),
            ("DISPUTE_THRESHOLD", &[("DISPUTE_THRESHOLD", "-1")]),
            ("DISPUTE_VOTING_HOURS", &[("DISPUTE_VOTING_HOURS", "87601")]),
            ("VOTE_AGGREGATION_INTERVAL", &[("VOTE_AGGREGATION_INTERVAL", "0")]),
            ("MARKET_MONITOR_CRON", &[("MARKET_MONITOR_CRON", "every now and then")]),
            ("MARKET_MONITOR_CRON", &[("MARKET_MONITOR_CRON", "0 0 30 2 *")]),
            ("ALERT_WEBHOOK_URL", &[("ALERT_WEBHOOK_URL", "ftp://example")]),
        ] {
            assert!(read_with(set).unwrap_err().contains(name), "{name}");
        }
    }

    #[test]
    fn neither_a_key_nor_the_webhooks_token_is_shown() {
        let config = read_with(&[
            ("BACKEND_AUTHORITY_PRIVATE_KEY", "the-secret-text"),
            ("ALERT_WEBHOOK_URL", "https://hooks.example/the-secret-token"),
        ]);
        let config = config.unwrap();
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains("the-secret"), "{shown}");
        assert!(config.alert_webhook_url.unwrap().reveal().ends_with("the-secret-token"), "who posts can");
    }
}
