//! Bounds on what is sent, before anybody reads it, and the end of a handler that panics.
//!
//! The innermost of what surrounds a handler, so that its refusals get all that every reply gets. What is not HTTP, takes
//! too long to come, or has more than 96 headers or 128 KiB of them never gets here: the framework answers 400 or 408
//! without a body and closes.

use std::{panic::AssertUnwindSafe, time::Duration};

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
};
use futures_util::FutureExt;

use super::error::{ApiError, ErrorCode};

/// Longest path with its query, in bytes; longer is refused unread.
pub const MAX_TARGET_BYTES: usize = 4 * 1024;
/// Largest body, in bytes; what announces more is refused unread.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// With the app's data: the largest body where it is not [`MAX_BODY_BYTES`].
#[derive(Debug, Clone, Copy)]
pub struct BodyMax(pub usize);

/// Most headers; more are refused.
pub const MAX_HEADERS: usize = 64;
/// All headers together, names and values, in bytes; more are refused.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;
/// A request's head must have come within so long, from its connection's first byte on; else 408 and closed.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// A body must have come within so long; else TIMEOUT.
pub const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// The middleware of every port, inside all others.
///
/// # Errors
/// What was sent is out of bounds; INTERNAL for a handler that panicked.
pub async fn bounds(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(error) = refusal(&request) {
        return Ok(request.error_response(error));
    }
    // A handler owns nothing that others see half changed: actors own what matters, and live elsewhere.
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(response) => response.map(ServiceResponse::map_into_boxed_body),
        // It was logged where it was heard (`telemetry::panics`), with this request's id.
        Err(_) => Err(ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR).into()),
    }
}

fn refusal(request: &ServiceRequest) -> Option<ApiError> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET_BYTES {
        let message = format!("The path and its query are longer than {MAX_TARGET_BYTES} bytes.");
        return Some(ApiError::invalid_field("path", message));
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let message = format!("More than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES} bytes of them.");
        return Some(ApiError::invalid_field("headers", message));
    }
    let announced = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    let most = request.app_data::<BodyMax>().map_or(MAX_BODY_BYTES, |most| most.0);
    let message = format!("The body is larger than {most} bytes.");
    (announced > most as u64).then(|| ApiError::new(ErrorCode::PayloadTooLarge, message))
}
