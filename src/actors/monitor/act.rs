//! Acting: what a pass found is told, and what is due is handed to the submitter.
//!
//! Owns nothing: whatever is lost on the way is found again by the next pass. Never decides, and never waits for a
//! transaction.

use futures_util::future::join_all;

use super::look::{Conditions, Due};
use crate::{
    actors::{
        submitter::{NotSubmitted, Submitted, Submitter, hand_over},
        supervision::Link,
    },
    domain::governance::Intent,
    journal::{JournalError, alerts, lease::Leased},
};

/// Intents that are handed over at once.
const AT_ONCE: usize = 8;

/// All that a pass found.
#[derive(Debug)]
pub struct Found {
    /// What is to be done.
    pub due: Due,
    /// What is to be told.
    pub conditions: Conditions,
}

/// What became of an intent.
pub type Handed = (Intent, Result<Submitted, NotSubmitted>);

/// Raises what was found, and resolves what was not, of kinds of which all was asked.
///
/// # Errors
/// [`JournalError`]: what was told before stays so.
pub async fn tell(pool: &Leased, conditions: &Conditions) -> Result<(), JournalError> {
    for (kind, found) in &conditions.alerts {
        alerts::raise_all(pool, found).await?;
        if conditions.unanswered.contains_key(kind) {
            continue;
        }
        let subjects: Vec<String> = found.iter().map(|alert| alert.subject().to_owned()).collect();
        alerts::resolve_all_but(pool, *kind, &subjects).await?;
    }
    alerts::resolve_failing_of_what_is_past(pool).await?;
    alerts::resolve_missing_of_what_is_settled(pool).await?;
    Ok(())
}

/// Hands intents to the submitter, a few at once, in their order. Where it takes none of those now, the rest is left.
pub async fn submit(submitter: &Link<Submitter>, intents: Vec<Intent>) -> Vec<Handed> {
    let mut handed = Vec::with_capacity(intents.len());
    for some in intents.chunks(AT_ONCE) {
        let hand = |intent: &Intent| {
            let intent = *intent;
            async move { (intent, hand_over(submitter, intent).await) }
        };
        let results = join_all(some.iter().map(hand)).await;
        // One of them may have a reason of its own.
        let none_is_taken = results.iter().all(|(_, result)| matches!(result, Err(NotSubmitted::Unavailable(_))));
        handed.extend(results);
        if none_is_taken {
            break;
        }
    }
    handed
}
