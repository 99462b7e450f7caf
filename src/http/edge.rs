//! What surrounds every route of the API: who may ask from where, and how much.
//!
//! The order, from the outside: the envelope (id, error body, security headers), compression, CORS, limits' outer part,
//! what authenticates, limits' inner part, bounds and panics. So a refusal of any of them gets what is outside of it: the
//! error body, CORS headers (a browser would hide the error otherwise) and the headers of limits.

use std::{io, num::NonZeroU32, sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
};

use super::{
    connections::ConnectionSettings,
    envelope::REQUEST_ID,
    limits::{
        self, LimitSettings, Limits,
        class::{Class, Rates},
        client::Networks,
        rate::Rate,
        shared::Redis,
    },
    ws::admission::SocketSettings,
};
use crate::{
    redis::RedisSettings,
    telemetry::health::{Health, Part},
};

/// Who may ask from where, and how much.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// How much.
    pub limits: LimitSettings,
    /// Where counters are shared; without it each node counts alone.
    pub redis: Option<RedisSettings>,
    /// Origins of pages that may ask from a browser.
    pub origins: Vec<String>,
    /// How many WebSocket connections there may be.
    pub sockets: SocketSettings,
    /// How many connections to the other ports an address may have.
    pub connections: ConnectionSettings,
    /// TLS ends in front of this process.
    pub is_behind_tls: bool,
    /// Figures are served on the API's port too.
    pub are_metrics_public: bool,
}

impl EdgeSettings {
    /// Nobody is limited, and no page may ask: for servers that only their own process knows.
    pub fn open() -> Self {
        let any = Rate { count: NonZeroU32::MAX, period: Duration::from_secs(1) };
        let rates = Rates::new([any; Class::ALL.len()]);
        let nobody = Networks::default;
        let limits = LimitSettings { is_on: false, rates, proxies: nobody(), trusted: nobody() };
        Self {
            limits,
            redis: None,
            origins: Vec::new(),
            sockets: SocketSettings { per_address: u32::MAX, in_all: None },
            connections: ConnectionSettings { api: u32::MAX, indexer: u32::MAX },
            is_behind_tls: false,
            are_metrics_public: false,
        }
    }
}

/// The same, running; clones share it.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Limits of the process.
    pub limits: Arc<Limits>,
    /// Looked at by a task of its own ([`Redis::probe`]).
    pub redis: Option<Redis>,
    origins: Vec<String>,
}

impl Edge {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// There can be no client for Redis.
    pub fn new(settings: &EdgeSettings, health: &Health) -> io::Result<Self> {
        let redis = settings.redis.as_ref().map(|settings| Redis::new(settings, health.clone())).transpose();
        let redis = redis.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        if redis.is_none() {
            health.off(Part::Redis, "REDIS_URL is not set: limits are counted by this node alone");
        }
        let limits = Arc::new(Limits::new(settings.limits.clone(), redis.clone()));
        Ok(Self { limits, redis, origins: settings.origins.clone() })
    }

    /// CORS for the pages that may ask. Solana Actions are for any page: [`actions_for_all`] goes around it.
    pub fn cors(&self) -> Cors {
        let cors = self.origins.iter().fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
        let exposed = [REQUEST_ID, header::ETAG, header::LINK, header::RETRY_AFTER];
        cors.allowed_origin_fn(|_, head| is_action(head.uri.path()))
            .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
            .allowed_headers([
                "accept",
                "accept-encoding",
                "authorization",
                "content-encoding",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "x-accept-action-version",
                "x-accept-blockchain-ids",
            ])
            .expose_headers(exposed.into_iter().chain(limits::HEADERS).chain(ACTION_HEADERS))
            .max_age(600)
    }
}

/// What blockchain clients read from a reply of an Action.
const ACTION_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-action-version"), HeaderName::from_static("x-blockchain-ids")];

fn is_action(path: &str) -> bool {
    path == "/actions.json" || path == "/api/actions" || path.starts_with("/api/actions/")
}

/// Around CORS: replies of Solana Actions may be read by any page, as their specification wants it.
///
/// # Errors
/// Those of what is inside.
pub async fn actions_for_all(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_action = is_action(request.path());
    let mut response = next.call(request).await;
    let any = HeaderValue::from_static("*");
    if is_action {
        match &mut response {
            Ok(response) => drop(response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any)),
            Err(error) => {
                error.add_response_mapper(move |mut response| {
                    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any.clone());
                    response
                });
            }
        }
    }
    response.map(ServiceResponse::map_into_boxed_body)
}
