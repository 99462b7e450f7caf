//! How long is kept what is of use for a while only; history is kept for good (docs/operating.md).

use super::Source;
use crate::journal::sweep::Retention;

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source) -> Option<Retention> {
    source.topic("Retention, in days; history is kept for good (docs/operating.md)");
    let submission_bytes_days = source.value(
        "RETENTION_SUBMISSION_BYTES_DAYS",
        "7",
        "the signed bytes of a user's transaction, after nothing could change it any more; its row stays",
    );
    let refusals_days = source.value(
        "RETENTION_REFUSALS_DAYS",
        "30",
        "decisions of governance that were refused before they were signed",
    );
    let alerts_days = source.value("RETENTION_ALERTS_DAYS", "90", "alerts, after they were over");
    let deliveries_days =
        source.value("RETENTION_DELIVERIES_DAYS", "7", "deliveries of webhooks, after they were worked off");
    Some(Retention {
        submission_bytes_days: submission_bytes_days?,
        refusals_days: refusals_days?,
        alerts_days: alerts_days?,
        deliveries_days: deliveries_days?,
    })
}
