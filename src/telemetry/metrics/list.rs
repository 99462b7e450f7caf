//! What there is to be measured, for people and for tests: the tables of `metrics` as a document.

use std::fmt::Write as _;

use super::{Counts, Known, PREFIX};

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Without the prefix.
    pub(super) name: &'static str,
    /// counter, gauge or histogram.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

impl Described {
    /// As it is served.
    pub fn name(&self) -> String {
        format!("{PREFIX}_{}", self.name)
    }

    /// The names of its series: a histogram has three.
    pub fn series(&self) -> Vec<String> {
        let name = self.name();
        match self.kind {
            "histogram" => ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")).to_vec(),
            _ => vec![name],
        }
    }
}

/// All figures.
pub fn described() -> impl Iterator<Item = &'static Described> {
    Counts::DESCRIBED.iter().chain(Known::DESCRIBED)
}

/// The text of `docs/metrics.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Figures\n\n\
         What `/metrics` tells, made by `zmart metrics > docs/metrics.md` from `src/telemetry/metrics.rs`. No label names a market \
         or a wallet. A figure with labels is there from its first time on. [deploy/grafana](../deploy/grafana/dashboard.json) \
         shows them, [deploy/prometheus](../deploy/prometheus/alerts.yml) says when somebody has to look.\n\n\
         | name | kind | labels | what it tells |\n| --- | --- | --- | --- |\n",
    );
    for figure in described() {
        let labels: Vec<String> = figure.labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a text can't fail.
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", figure.name(), figure.kind, labels.join(", "), figure.help);
    }
    text
}
