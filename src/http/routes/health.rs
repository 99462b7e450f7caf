//! GET /health, on every port: the process is there. At once, always, whatever its parts do.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::telemetry::health::Health;

/// The name that a port answers by.
#[derive(Debug, Clone, Copy)]
pub struct ServiceName(pub &'static str);

#[derive(Serialize)]
struct HealthView {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    /// Seconds.
    uptime: u64,
}

/// The handler.
pub async fn handle(health: web::Data<Health>, service: web::Data<ServiceName>) -> HttpResponse {
    HttpResponse::Ok().json(HealthView {
        status: "healthy",
        service: service.0,
        version: env!("CARGO_PKG_VERSION"),
        uptime: health.uptime_seconds(),
    })
}
