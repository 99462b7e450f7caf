//! GET /metrics: figures for Prometheus. On 4002; on 4000 only where the operator wants it (METRICS_PUBLIC).

use actix_web::{HttpResponse, web};

use crate::{
    http::error::ApiError,
    telemetry::{health::Health, metrics::CONTENT_TYPE},
};

/// The handler.
///
/// # Errors
/// INTERNAL if they can't be written, which a test excludes.
pub async fn handle(health: web::Data<Health>) -> Result<HttpResponse, ApiError> {
    let text = health.metrics().text(&health).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}
