//! Views: answers that a worker has ready, so that a GET of a market or of a list costs no question while nothing changed.
//!
//! A market's answer is good as long as its actor shows the same (its pulse tells, without a message), and for
//! [`FRESH`] at most, since figures of its last day move by themselves. A list's answer is good for [`LIST_FRESH`]: nobody
//! is shown a list that is older than that, whatever he saw before. Both are bounded in number and bytes; past it, what is
//! too old goes, and then all: what is asked for much is back at once. One a worker, so nothing is locked.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::{
    error::ApiError,
    gateway::{MarketRef, Observed},
    reply::Rendered,
};
use crate::telemetry::metrics::Metrics;

/// A market's figures are looked up again after so long.
const FRESH: Duration = Duration::from_secs(2);
/// A list is looked up again after so long.
const LIST_FRESH: Duration = Duration::from_secs(1);
/// Answers of each kind.
const VIEWS_MAX: usize = 2_048;
/// Bytes of all answers of a kind.
const BYTES_MAX: usize = 16 << 20;

/// Answers that are ready.
#[derive(Debug, Default)]
pub struct Views {
    metrics: Option<Metrics>,
    markets: RefCell<Shelf<MarketRef, Observed>>,
    lists: RefCell<Shelf<String, ()>>,
}

#[derive(Debug)]
struct View<T> {
    rendered: Rendered,
    made: Instant,
    seen: T,
}

#[derive(Debug)]
struct Shelf<K, T> {
    views: HashMap<K, View<T>>,
    bytes: usize,
}

impl<K, T> Default for Shelf<K, T> {
    fn default() -> Self {
        Self { views: HashMap::new(), bytes: 0 }
    }
}

impl<K: Hash + Eq, T> Shelf<K, T> {
    fn put(&mut self, key: K, rendered: Rendered, seen: T, fresh: Duration) {
        if self.views.len() >= VIEWS_MAX || self.bytes + rendered.bytes() > BYTES_MAX {
            self.views.retain(|_, view| view.made.elapsed() < fresh);
            self.bytes = self.views.values().map(|view| view.rendered.bytes()).sum();
        }
        if self.views.len() >= VIEWS_MAX || self.bytes + rendered.bytes() > BYTES_MAX {
            self.views.clear();
            self.bytes = 0;
        }
        self.bytes += rendered.bytes();
        if let Some(old) = self.views.insert(key, View { rendered, made: Instant::now(), seen }) {
            self.bytes -= old.rendered.bytes();
        }
    }
}

impl Views {
    /// None yet; looks into them are counted here.
    pub fn measured_by(metrics: &Metrics) -> Self {
        Self { metrics: Some(metrics.clone()), ..Self::default() }
    }

    /// Counts a look, and passes on what it found.
    fn counted<T>(&self, cache: &str, found: Option<T>) -> Option<T> {
        if let Some(metrics) = &self.metrics {
            let outcome = if found.is_some() { "hit" } else { "miss" };
            metrics.note(|counts| counts.cache_reads.with_label_values(&[cache, outcome]).inc());
        }
        found
    }

    /// The answer to a market's GET, if it is still right.
    pub fn market(&self, market: &MarketRef) -> Option<Rendered> {
        let markets = self.markets.borrow();
        let view = markets.views.get(market).filter(|view| view.made.elapsed() < FRESH && view.seen.is_current());
        self.counted("markets", view.map(|view| view.rendered.clone()))
    }

    /// A market's answer, made from what was observed.
    pub fn put_market(&self, market: MarketRef, rendered: Rendered, seen: Observed) {
        self.markets.borrow_mut().put(market, rendered, seen, FRESH);
    }

    /// The reply to the GET of a list: what is ready, or what is made now and kept.
    ///
    /// # Errors
    /// What the making answers.
    pub async fn kept<T: Serialize>(
        &self,
        request: &HttpRequest,
        made: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<HttpResponse, ApiError> {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        if let Some(ready) = self.list(target) {
            return Ok(ready.reply(request));
        }
        let rendered = Rendered::of(&made.await?)?;
        self.put_list(target, rendered.clone());
        Ok(rendered.reply(request))
    }

    fn list(&self, target: &str) -> Option<Rendered> {
        let lists = self.lists.borrow();
        let view = lists.views.get(target).filter(|view| view.made.elapsed() < LIST_FRESH);
        self.counted("lists", view.map(|view| view.rendered.clone()))
    }

    fn put_list(&self, target: &str, rendered: Rendered) {
        self.lists.borrow_mut().put(target.to_owned(), rendered, (), LIST_FRESH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_answers_are_bounded_in_number_and_bytes() {
        let views = Views::default();
        let small = Rendered::of(&"small").unwrap();
        for number in 0..VIEWS_MAX + 10 {
            views.put_list(&number.to_string(), small.clone());
            assert!(views.lists.borrow().views.len() <= VIEWS_MAX);
        }
        assert!(views.list(&(VIEWS_MAX + 9).to_string()).is_some(), "the newest is there");
        let large = Rendered::of(&"x".repeat(BYTES_MAX / 3)).unwrap();
        for number in 0..5 {
            views.put_list(&format!("large {number}"), large.clone());
            assert!(views.lists.borrow().bytes <= BYTES_MAX);
        }
        assert!(views.list("large 4").is_some() && views.list("nobody asked").is_none());
    }
}
