//! Counts requests: by port, method, route and status, with the time that they took.
//!
//! A route is the path as it was declared, never as it was asked for, and a method is one of those that the API knows: what a
//! stranger sends makes no new series.

use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode},
    web,
};

use super::routes::{Route, health::ServiceName};
use crate::telemetry::{health::Health, metrics::Metrics};

/// Of what no route was found for, or was refused before one was looked for.
const NONE: &str = "none";

/// A request that is being answered. Dropped without an answer (its client is gone), it is only taken off those in flight.
pub struct Meter {
    began: Instant,
    service: &'static str,
    method: &'static str,
    metrics: Option<Metrics>,
}

impl Meter {
    /// A request came.
    pub fn of(request: &ServiceRequest) -> Self {
        let metrics = request.app_data::<web::Data<Health>>().map(|health| health.metrics().clone());
        let service = request.app_data::<web::Data<ServiceName>>().map_or(NONE, |service| service.0);
        if let Some(metrics) = &metrics {
            metrics.note(|counts| counts.http_in_flight.with_label_values(&[service]).inc());
        }
        Self { began: Instant::now(), service, method: known(request.method()), metrics }
    }

    /// It is answered.
    pub fn answered(self, route: Option<Route>, status: StatusCode) {
        let (service, method, took) = (self.service, self.method, self.began.elapsed());
        let route = route.map_or(NONE, |route| route.0);
        log::debug!(target: "zmart::http::access", "{method} {route} {} in {} us", status.as_str(), took.as_micros());
        if let Some(metrics) = &self.metrics {
            metrics.note(|counts| {
                counts.http_requests.with_label_values(&[service, method, route, status.as_str()]).inc();
                counts.http_time.with_label_values(&[service, route]).observe(took.as_secs_f64());
            });
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(metrics) = &self.metrics {
            metrics.note(|counts| counts.http_in_flight.with_label_values(&[self.service]).dec());
        }
    }
}

fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
