//! What every reply gets around its handler's: an id, the error body, and what browsers are told to be careful with.
//! Here a request begins and ends, so here it gets its id for all that is done for it ([`request`]), and is counted ([`meter`]).
//!
//! One place writes the body of an error, whoever refused: a handler, an extractor, the router, a middleware. A reply that
//! is an error but says nothing of it (the framework's own) is given the code of its status; headers that it got on its
//! way stay.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::{ApiError, ErrorCode, FieldError, ProgramRefusal},
    meter::Meter,
    routes::Route,
};
use crate::{domain::ids::TxSignature, journal::rows::timestamp, telemetry::request};

/// Where a reply names its request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The body of every error, on every route.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// What went wrong, for programs.
    pub error: ErrorCode,
    /// What went wrong, for people.
    pub message: &'a str,
    /// The status of the reply.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// When, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// The path that was asked for, without its query.
    pub path: &'a str,
    /// Names the request, as the header x-request-id does.
    pub request_id: Uuid,
    /// The fields that were refused; empty if it is not about fields.
    pub details: &'a [FieldError],
    /// What the program refuses it with, if it is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_error: Option<&'a ProgramRefusal>,
    /// The transaction that is in the way, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<&'a TxSignature>,
}

/// With the app's data: whether TLS ends in front of it. Browsers are then told to come by TLS only.
#[derive(Debug, Clone, Copy)]
pub struct BehindTls(pub bool);

/// The longest part of a path that an error tells, in bytes.
const MAX_TOLD_PATH: usize = 1_024;

/// The middleware of every port, around all others.
///
/// # Errors
/// None of its own: what is returned as an error carries the error body too.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request::new_id();
    // What is done before the answer's future is polled belongs to the request, too.
    request::within(Some(id), async move { answered(id, request, next).await }).await
}

async fn answered(
    request_id: Uuid,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let meter = Meter::of(&request);
    let told = Told {
        request_id,
        path: request.path().get(..request.path().floor_char_boundary(MAX_TOLD_PATH)).unwrap_or_default().to_owned(),
        is_behind_tls: request.app_data::<BehindTls>().is_some_and(|tls| tls.0),
    };
    match next.call(request).await {
        Ok(response) => {
            let (request, response) = response.map_into_boxed_body().into_parts();
            let response = told.complete(response);
            meter.answered(request.app_data::<Route>().copied(), response.status());
            Ok(ServiceResponse::new(request, response))
        }
        Err(error) => {
            let reply = told.complete(error.error_response());
            meter.answered(None, reply.status());
            Err(InternalError::from_response(error, reply).into())
        }
    }
}

/// What a reply is told of its request.
struct Told {
    request_id: Uuid,
    path: String,
    is_behind_tls: bool,
}

impl Told {
    fn complete(&self, mut response: HttpResponse) -> HttpResponse {
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let told = response.extensions_mut().remove::<ApiError>();
            // A reply with a body of its own that is not ours to write (`/ready`) keeps it.
            if told.is_some() || !response.extensions().contains::<OwnBody>() {
                let error = told.unwrap_or_else(|| ApiError::of_status(status));
                response = self.error_reply(response, &error);
            }
        }
        self.dress(response.headers_mut());
        response
    }

    fn error_reply(&self, response: HttpResponse, error: &ApiError) -> HttpResponse {
        let status = error.code.status();
        let body = ErrorBody {
            error: error.code,
            message: &error.message,
            status: status.as_u16(),
            timestamp: timestamp(chrono::Utc::now().timestamp_millis()),
            path: &self.path,
            request_id: self.request_id,
            details: &error.details,
            program_error: error.program_error.as_deref(),
            signature: error.signature.as_deref(),
        };
        // It has nothing that can't be written.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut reply = response.set_body(BoxBody::new(body));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = error.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        reply
    }

    fn dress(&self, headers: &mut HeaderMap) {
        let mut id = Uuid::encode_buffer();
        if let Ok(value) = HeaderValue::from_str(self.request_id.hyphenated().encode_lower(&mut id)) {
            headers.insert(REQUEST_ID, value);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            // Data is no page: nothing in it is run, and nobody frames it.
            let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if self.is_behind_tls {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
    }
}

/// Marks a reply whose error status comes with a body of its own.
#[derive(Debug, Clone, Copy)]
pub struct OwnBody;
