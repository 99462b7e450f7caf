//! The chain's clock, read and moved.
//!
//! A jump is what a chain shows that has skipped slots: slots and seconds go on by as much, the height of blocks does not,
//! so no blockhash expires by it. What had landed before is final after it. Never goes back.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::ChainClient;
use crate::patience::wait_for;

const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";

/// Where the clock's account has its unix time.
const UNIX_TIMESTAMP: std::ops::Range<usize> = 32..40;

impl ChainClient {
    /// The chain's time, in unix seconds.
    pub async fn now(&self) -> i64 {
        let answer = self.call("getAccountInfo", json!([CLOCK, {"encoding": "base64"}])).await;
        let data = BASE64_STANDARD.decode(answer["value"]["data"][0].as_str().unwrap()).unwrap();
        i64::from_le_bytes(data[UNIX_TIMESTAMP].try_into().unwrap())
    }

    /// Moves the chain's clock on, by so many seconds and less than two more.
    pub async fn travel(&self, seconds: i64) {
        self.travel_to(self.now().await + seconds + 1).await;
    }

    /// Moves the chain's clock to a moment that is at least two seconds away.
    pub async fn travel_to(&self, moment: i64) {
        let millis = u64::try_from(moment * 1_000).unwrap();
        self.call("surfnet_timeTravel", json!([{"absoluteTimestamp": millis}])).await;
        wait_for("the chain's clock to have moved", || async {
            let now = self.now().await;
            if now >= moment { Ok(()) } else { Err(now) }
        })
        .await;
    }

    /// Waits until everything that has landed by now is final.
    pub async fn all_final(&self) {
        let landed = self.call("getSlot", json!([{"commitment": "processed"}])).await.as_u64().unwrap();
        wait_for("finality", || async {
            let slot = self.call("getSlot", json!([{"commitment": "finalized"}])).await.as_u64().unwrap();
            if slot >= landed { Ok(()) } else { Err(slot) }
        })
        .await;
    }
}
