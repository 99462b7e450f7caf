//! What the running engine shows of a market, beside what the entries make up to the number that it says.

use std::{fmt, time::Duration};

use deadpool_postgres::Pool;
use serde::Serialize;
use serde_json::Value;

use super::{
    compare::{Difference, fields},
    fold,
};
use crate::{
    config::Config,
    domain::{
        ids::{MarketAddress, Seq, Slot},
        market::Market,
        replay::{Place, Positions, Replay},
    },
    view::market::MarketView,
};

/// Readings of a market that the engine shows as it was some entries ago: it may follow, or have an answer ready.
const READINGS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(5);

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Live {
    /// Where it was asked.
    api: Option<String>,
    /// The entry that it showed, and that was compared.
    seq: Option<Seq>,
    /// Why it was not compared.
    not_compared: Option<String>,
}

impl Live {
    /// It was not, and why.
    pub(super) fn not_compared(why: impl Into<String>) -> Self {
        Self { api: None, seq: None, not_compared: Some(why.into()) }
    }
}

impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { api: Some(api), seq: Some(seq), .. } => write!(f, "the engine at {api} compared at entry {seq}"),
            _ => write!(f, "no engine compared ({})", self.not_compared.as_deref().unwrap_or("none was asked")),
        }
    }
}

/// Where this configuration's engine answers.
pub(super) fn address(config: &Config) -> String {
    let host = match config.server.host.as_str() {
        "0.0.0.0" | "::" | "[::]" => "127.0.0.1",
        host => host,
    };
    format!("http://{host}:{}", config.server.api_port)
}

/// Asks, and compares. Where nobody answers nothing is compared, and that is said; one that shows an older
/// entry than is stored differs by that.
pub(super) async fn compare(
    pool: &Pool,
    api: &str,
    market: MarketAddress,
    upto: Place,
    replayed: &Replay<Market>,
    differences: &mut Vec<Difference>,
) -> Live {
    let (seq, shown) = match shown(api, market, upto.1).await {
        Ok((seq, _)) if seq < upto.1 => {
            // It answers, and stands still: what is stored is not what it shows.
            differences.push(Difference::behind(&format!("the engine at {api}"), upto.1, seq));
            let why = format!("it shows entry {seq}, and {} is stored", upto.1);
            return Live { api: Some(api.to_owned()), ..Live::not_compared(why) };
        }
        Ok(shown) => shown,
        Err(why) => return Live { api: Some(api.to_owned()), ..Live::not_compared(why) },
    };
    let newer;
    let state = if seq == upto.1 {
        replayed.head()
    } else {
        // It has gone on since the row was read.
        match fold(pool, market, (upto.0, seq), None, Positions::None).await {
            Ok(replayed) => {
                newer = replayed;
                newer.head()
            }
            Err(why) => return Live { api: Some(api.to_owned()), ..Live::not_compared(why.to_string()) },
        }
    };
    let ours = state.map(|market| MarketView::at(market, seq, Slot(0)));
    let mut ours = match serde_json::to_value(ours) {
        Ok(ours) => ours,
        Err(why) => return Live::not_compared(why.to_string()),
    };
    if let Some(fields) = ours.as_object_mut() {
        // The slot is the entry's, and no part of the state.
        fields.remove("slot");
    }
    differences.extend(fields(&format!("the engine at {api}"), &ours, &shown));
    Live { api: Some(api.to_owned()), seq: Some(seq), not_compared: None }
}

/// What it shows, at that entry or a later one; at an earlier one, if it still does after all readings.
async fn shown(api: &str, market: MarketAddress, at_least: Seq) -> Result<(Seq, Value), String> {
    let text = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(text)?;
    let url = format!("{}/api/markets/{market}", api.trim_end_matches('/'));
    let mut last = Err("it was not asked".to_owned());
    for _ in 0..READINGS {
        let answer = client.get(&url).send().await.map_err(text)?;
        let status = answer.status();
        let body = answer.text().await.map_err(text)?;
        let body: Value = serde_json::from_str(&body).map_err(|error| format!("its answer is no JSON: {error}"))?;
        match body["seq"].as_u64().map(Seq) {
            Some(seq) if status.is_success() && seq >= at_least => return Ok((seq, body)),
            Some(seq) if status.is_success() => last = Ok((seq, body)),
            _ => last = Err(format!("it answers {status}")),
        }
        tokio::time::sleep(PAUSE).await;
    }
    last
}
