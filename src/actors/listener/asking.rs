//! Asking a stream, until it answers: one that is gone is found anew. The identity of an event makes it safe to ask twice.

use std::time::Duration;

use actix::prelude::*;

use super::{
    pauses,
    window::{Lane, Part},
};
use crate::actors::{
    registry::{OpenConfig, OpenMarket, Registry},
    stream::{Apply, ApplyError, ConfigActor, Delivery, MarketActor, Outcome, Suspect},
    supervision::Link,
};

/// Sends a batch until the stream has answered for it: a stream that is gone is found anew. Answers with its events.
pub(super) async fn deliver(registry: &Link<Registry>, lane: Lane, parts: &[Part]) -> usize {
    let deliveries: Vec<Delivery> = parts.iter().filter_map(|part| part.deliveries.clone()).flatten().collect();
    ask_stream(registry, lane, |lane_addr| {
        let deliveries = deliveries.clone();
        async move {
            match lane_addr {
                StreamAddr::Market(addr) => addr.send(Apply(deliveries)).await,
                StreamAddr::Config(addr) => addr.send(Apply(deliveries)).await,
            }
        }
    })
    .await
    .into_iter()
    .zip(&deliveries)
    .filter(|(outcome, _)| *outcome == Outcome::Dead)
    .for_each(|(_, delivery)| log::warn!("{} of {} is dead", delivery.event.event.name(), delivery.event.id.signature));
    deliveries.len()
}

pub(super) async fn suspect(registry: &Link<Registry>, lane: Lane, reason: &str) {
    ask_stream(registry, lane, |lane_addr| {
        let reason = reason.to_owned();
        async move {
            match lane_addr {
                StreamAddr::Market(addr) => addr.send(Suspect { reason }).await,
                StreamAddr::Config(addr) => addr.send(Suspect { reason }).await,
            }
        }
    })
    .await;
}

/// A stream, found.
pub(super) enum StreamAddr {
    Market(Addr<MarketActor>),
    Config(Addr<ConfigActor>),
}

/// Asks a stream until it answers. The identity of an event makes it safe to ask twice.
pub(super) async fn ask_stream<T, F>(registry: &Link<Registry>, lane: Lane, ask: impl Fn(StreamAddr) -> F) -> T
where
    F: Future<Output = Result<Result<T, ApplyError>, MailboxError>>,
{
    let mut pauses = pauses(Duration::from_millis(20), Duration::from_secs(2));
    loop {
        let found = match (registry.get(), lane) {
            (None, _) => None,
            (Some(registry), Lane::Market(address)) => {
                registry.send(OpenMarket(address)).await.ok().and_then(Result::ok).map(StreamAddr::Market)
            }
            (Some(registry), Lane::Config) => {
                registry.send(OpenConfig).await.ok().and_then(Result::ok).map(StreamAddr::Config)
            }
        };
        if let Some(addr) = found
            && let Ok(Ok(answer)) = ask(addr).await
        {
            return answer;
        }
        tokio::time::sleep(pauses.next().unwrap_or(Duration::from_secs(2))).await;
    }
}
