//! GET /health, on every port: the process is there. At once, always, whatever its parts do.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry::health::Health;

/// The name that a port answers by.
#[derive(Debug, Clone, Copy)]
pub struct ServiceName(pub &'static str);

#[derive(Serialize, ToSchema)]
struct HealthView {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    /// Seconds.
    uptime: u64,
}

/// The handler.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    summary = "The process is there",
    responses((status = 200, body = HealthView))
)]
pub async fn handle(health: web::Data<Health>, service: web::Data<ServiceName>) -> HttpResponse {
    HttpResponse::Ok().json(HealthView {
        status: "healthy",
        service: service.0,
        version: env!("CARGO_PKG_VERSION"),
        uptime: health.uptime_seconds(),
    })
}
