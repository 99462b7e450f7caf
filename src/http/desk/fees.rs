//! What was lately paid for priority, by the accounts that are written; remembered for a few seconds.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    chain::{
        rpc::{ChainReadError, ChainRpc},
        tx::compose::Percentiles,
    },
    domain::ids::AccountAddress,
};

/// How long an answer is good for.
const GOOD_FOR: Duration = Duration::from_secs(4);
/// Answers that are remembered; past it all are forgotten.
const REMEMBERED_MAX: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RecentFees(Mutex<HashMap<Vec<AccountAddress>, (Instant, Percentiles)>>);

impl RecentFees {
    /// The percentiles for these accounts, at most a few.
    pub async fn of(&self, rpc: &ChainRpc, accounts: &[AccountAddress]) -> Result<Percentiles, ChainReadError> {
        if let Some(known) = self.remembered(accounts, Instant::now()) {
            return Ok(known);
        }
        let fees = match rpc.recent_priority_fees(accounts).await {
            // Some providers do not serve that question, and will not later: nothing is known of what others pay.
            Err(ChainReadError::Refused { .. }) => Vec::new(),
            fees => fees?,
        };
        let fees = Percentiles::of(fees);
        self.remember(accounts, fees, Instant::now());
        Ok(fees)
    }

    fn remembered(&self, accounts: &[AccountAddress], now: Instant) -> Option<Percentiles> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, fees) = known.get(accounts)?;
        (now.saturating_duration_since(*at) < GOOD_FOR).then_some(*fees)
    }

    fn remember(&self, accounts: &[AccountAddress], fees: Percentiles, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(accounts.to_vec(), (now, fees));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::chain::rpc::node_tests::{asked_of, refusal};

    #[tokio::test]
    async fn a_node_that_does_not_serve_the_question_is_no_obstacle_and_one_that_is_away_is() {
        let accounts = [AccountAddress([1; 32])];
        let (_node, rpc) = asked_of(vec![refusal(-32601, Value::Null)]).await;
        let nothing = Percentiles { low: 0, medium: 0, high: 0 };
        assert_eq!(RecentFees::default().of(&rpc, &accounts).await.unwrap(), nothing);
        let (_node, rpc) = asked_of(vec![None]).await;
        assert!(RecentFees::default().of(&rpc, &accounts).await.is_err());
    }

    #[test]
    fn answers_are_good_for_a_while_and_bounded_in_number() {
        let fees = RecentFees::default();
        let now = Instant::now();
        let account = |n: usize| [AccountAddress([u8::try_from(n % 251).unwrap(); 32]), AccountAddress(number(n))];
        let paid = Percentiles { low: 1, medium: 2, high: 3 };
        fees.remember(&account(0), paid, now);
        assert_eq!(fees.remembered(&account(0), now), Some(paid));
        assert_eq!(fees.remembered(&account(1), now), None);
        assert_eq!(fees.remembered(&account(0), now + GOOD_FOR), None);
        for n in 1..3 * REMEMBERED_MAX {
            fees.remember(&account(n), paid, now);
            assert!(fees.0.lock().unwrap().len() <= REMEMBERED_MAX);
        }
    }

    fn number(n: usize) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        bytes
    }
}
