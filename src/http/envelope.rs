//! What every request gets around its handler: an id, bounds on what was sent, and the error body.
//!
//! One place writes the body of an error, whoever refused: a handler, an extractor, the router or this envelope. A reply
//! that is an error but says nothing of it (the framework's own) is given the code of its status.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
    web,
};
use serde::Serialize;
use uuid::Uuid;

use super::error::{ApiError, ErrorCode, FieldError, ProgramRefusal};
use crate::{domain::ids::TxSignature, journal::rows::timestamp};

/// Longest path with its query, in bytes; longer is refused unread.
pub const MAX_TARGET_BYTES: usize = 4 * 1024;
/// Largest body, in bytes; what announces more is refused unread.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Where a reply names its request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorCode,
    message: &'a str,
    status: u16,
    timestamp: String,
    path: &'a str,
    request_id: Uuid,
    details: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    program_error: Option<&'a ProgramRefusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a TxSignature>,
}

/// The middleware of every port.
///
/// # Errors
/// None of its own: what is returned as an error carries the error body too.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let request_id = Uuid::now_v7();
    if let Some(error) = refusal(&request) {
        let path = request.path().chars().take(128).collect::<String>();
        let body = error_reply(HttpResponse::new(error.code.status()), &error, &path, request_id);
        return Ok(request.into_response(body));
    }
    let path = request.path().to_owned();
    let response = match next.call(request).await {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => {
            let body = completed(error.error_response(), &path, request_id);
            return Err(InternalError::from_response(error, body).into());
        }
    };
    let (request, response) = response.into_parts();
    Ok(ServiceResponse::new(request, completed(response, &path, request_id)))
}

fn refusal(request: &ServiceRequest) -> Option<ApiError> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET_BYTES {
        let message = format!("The path and its query are longer than {MAX_TARGET_BYTES} bytes.");
        return Some(ApiError::invalid_field("path", message));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    let message = format!("The body is larger than {MAX_BODY_BYTES} bytes.");
    (announced > MAX_BODY_BYTES as u64).then(|| ApiError::new(ErrorCode::PayloadTooLarge, message))
}

fn completed(mut response: HttpResponse, path: &str, request_id: Uuid) -> HttpResponse {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let told = response.extensions_mut().remove::<ApiError>();
        // A reply with a body of its own that is not ours to write (`/ready`) keeps it.
        if told.is_some() || !response.extensions().contains::<OwnBody>() {
            let error = told.unwrap_or_else(|| ApiError::of_status(status));
            return error_reply(response, &error, path, request_id);
        }
    }
    name(&mut response, request_id);
    response
}

/// Marks a reply whose error status comes with a body of its own.
#[derive(Debug, Clone, Copy)]
pub struct OwnBody;

fn error_reply(response: HttpResponse, error: &ApiError, path: &str, request_id: Uuid) -> HttpResponse {
    let status = error.code.status();
    let body = ErrorBody {
        error: error.code,
        message: &error.message,
        status: status.as_u16(),
        timestamp: timestamp(chrono::Utc::now().timestamp_millis()),
        path,
        request_id,
        details: &error.details,
        program_error: error.program_error.as_deref(),
        signature: error.signature.as_deref(),
    };
    let mut reply = HttpResponse::build(status).json(&body);
    // What was said of the reply still holds (`Allow`, who may read it); what was said of its body does not.
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            reply.headers_mut().insert(name.clone(), value.clone());
        }
    }
    if let Some(seconds) = error.retry_after_seconds {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    name(&mut reply, request_id);
    reply
}

fn name(response: &mut HttpResponse, request_id: Uuid) {
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

/// How JSON bodies are read: bounded, and refused with a reason.
pub fn json_bodies() -> web::JsonConfig {
    use actix_web::error::JsonPayloadError;
    web::JsonConfig::default().limit(MAX_BODY_BYTES).error_handler(|error, _| {
        match &error {
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
                let message = format!("The body is larger than {MAX_BODY_BYTES} bytes.");
                ApiError::new(ErrorCode::PayloadTooLarge, message)
            }
            JsonPayloadError::ContentType => {
                ApiError::new(ErrorCode::UnsupportedMediaType, "The body must be application/json.")
            }
            // Tells the place and what was expected there, of the client's own text.
            JsonPayloadError::Deserialize(reason) => ApiError::invalid_field("body", reason.to_string()),
            _ => ApiError::invalid_field("body", "The body can't be read."),
        }
        .into()
    })
}
