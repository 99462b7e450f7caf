//! The error codes of the API: one enum, each with its status.
//!
//! A handler returns an [`ApiError`]; the body that clients see, with the request's id and path, is written in one place
//! ([`super::envelope`]). What happened inside never gets into it: [`ApiError::internal`] logs the cause and keeps it.

use std::{borrow::Cow, fmt};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    actors::stream::ReadError,
    domain::{error::ProgramError, ids::TxSignature},
    http::pool::PoolFailure,
    journal::read::ReadFailure,
};

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)] // the names are those of the API
pub enum ErrorCode {
    ValidationError,
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    PayloadTooLarge,
    MethodNotAllowed,
    UnsupportedMediaType,
    ChainRefused,
    IdempotencyMismatch,
    RateLimited,
    Internal,
    Unavailable,
    Paused,
    Stale,
    Timeout,
}

impl ErrorCode {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ValidationError => "VALIDATION_ERROR",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ChainRefused => "CHAIN_REFUSED",
            Self::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::RateLimited => "RATE_LIMITED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::Stale => "STALE",
            Self::Paused => "PAUSED",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::ValidationError => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ChainRefused | Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::Paused | Self::Stale => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// A field that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's name in the request.
    pub field: Cow<'static, str>,
    /// For people.
    pub message: Cow<'static, str>,
}

/// Why the chain would refuse, or has refused, a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProgramRefusal {
    /// The number of a program's own error, where it has one: 6000 and more are the zmart program's.
    pub code: Option<u32>,
    /// Its name.
    pub name: Cow<'static, str>,
}

impl From<ProgramError> for ProgramRefusal {
    fn from(error: ProgramError) -> Self {
        Self { code: Some(error.code()), name: error.name().into() }
    }
}

/// An answer that is not the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: Cow<'static, str>,
    /// Which fields, if it is about fields.
    pub details: Vec<FieldError>,
    /// When to try again.
    pub retry_after_seconds: Option<u32>,
    /// The chain's own word, where it is the chain that refuses.
    pub program_error: Option<Box<ProgramRefusal>>,
    /// The transaction that this one is in conflict with.
    pub signature: Option<Box<TxSignature>>,
}

impl ApiError {
    /// An error without fields.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let retry_after_seconds = match code {
            ErrorCode::Unavailable | ErrorCode::Stale => Some(1),
            // Till a person says otherwise.
            ErrorCode::Paused => Some(30),
            _ => None,
        };
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
            retry_after_seconds,
            program_error: None,
            signature: None,
        }
    }

    /// The program refuses, or would refuse, what was asked for.
    pub fn chain_refused(error: ProgramError) -> Self {
        let message = format!("The program refuses this: {}.", error.message());
        Self { program_error: Some(Box::new(error.into())), ..Self::new(ErrorCode::ChainRefused, message) }
    }

    /// As [`ApiError::chain_refused`], because of one field.
    pub fn chain_refused_field(error: ProgramError, field: &'static str, message: String) -> Self {
        let details = vec![FieldError { field: field.into(), message: message.into() }];
        Self { details, ..Self::chain_refused(error) }
    }

    /// Fields were refused.
    pub fn invalid(details: Vec<FieldError>) -> Self {
        Self { details, ..Self::new(ErrorCode::ValidationError, "The request was refused; see details.") }
    }

    /// One field was refused.
    pub fn invalid_field(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// There is no such thing.
    pub fn not_found(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, what)
    }

    /// A part that is needed does not answer now.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unavailable, message)
    }

    /// An operator lets nothing new in.
    pub fn paused() -> Self {
        Self::new(ErrorCode::Paused, "Nothing new is taken at the moment; reading goes on. Come again a little later.")
    }

    /// A fault of ours: the cause is logged here, once, and not told.
    pub fn internal(cause: impl fmt::Display) -> Self {
        log::error!("a request failed: {cause}");
        Self::new(ErrorCode::Internal, INTERNAL_MESSAGE)
    }

    /// For a status that was not set by us: the framework's own refusals.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::new(ErrorCode::Unauthorized, "Sign in first."),
            403 => Self::new(ErrorCode::Forbidden, "This is not allowed."),
            404 => Self::not_found("There is nothing at this path."),
            405 => Self::new(ErrorCode::MethodNotAllowed, "This path does not take this method."),
            409 => Self::new(ErrorCode::Conflict, "This conflicts with what is there."),
            413 => Self::new(ErrorCode::PayloadTooLarge, "The body is too large."),
            415 => Self::new(ErrorCode::UnsupportedMediaType, "The body must be application/json."),
            429 => Self::new(ErrorCode::RateLimited, "Too many requests."),
            503 => Self::unavailable("Not available now."),
            408 | 504 => Self::new(ErrorCode::Timeout, "It took too long."),
            400..=499 => Self::new(ErrorCode::ValidationError, "The request can't be understood."),
            _ => Self::new(ErrorCode::Internal, INTERNAL_MESSAGE),
        }
    }
}

const INTERNAL_MESSAGE: &str = "Something went wrong here. Please tell us the request_id.";

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// Without a body: the envelope writes it, since it knows the request's id and path.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unknown => Self::not_found("There is no such market."),
            ReadError::Loading => Self::unavailable("The market is being loaded."),
            ReadError::Gone => Self::unavailable("The market was restarted."),
        }
    }
}

impl From<ReadFailure> for ApiError {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            // Reading, all values are the request's: one that the database can't have is the request's fault.
            ReadFailure::Refused(cause) if cause.code().is_some_and(|state| state.code().starts_with("22")) => {
                log::warn!("the database refuses a value: {cause}");
                Self::invalid_field("query", "A value is outside of what there can be.")
            }
            ReadFailure::Transient(cause) | ReadFailure::Refused(cause) => cause.into(),
            ReadFailure::BadRow(_) => Self::internal(failure),
        }
    }
}

/// What the database refuses is told by what its rules mean; only the messages of our own rules (class ZM) are passed on.
impl From<tokio_postgres::Error> for ApiError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            log::warn!("the database does not answer: {error}");
            return Self::unavailable("The database does not answer now.");
        };
        let state = db.code().code();
        match (state, state.get(..2).unwrap_or_default()) {
            (_, "ZM") => Self::new(ErrorCode::Conflict, db.message().to_owned()),
            ("23505", _) => Self::new(ErrorCode::Conflict, "It is there already."),
            ("23503", _) => Self::not_found("What this is about is not there."),
            ("42501", _) => {
                // Also what a grant that is missing looks like.
                log::warn!("the database forbids: {}", db.message());
                Self::new(ErrorCode::Forbidden, "This is not allowed.")
            }
            ("23514" | "22021" | "22P05", _) => {
                log::warn!("the database refuses: {} {:?}", db.message(), db.constraint());
                Self::invalid_field("body", "A value breaks a rule of the database.")
            }
            ("57014", _) => Self::new(ErrorCode::Timeout, "The database took too long."),
            (_, "08" | "40" | "53" | "55" | "57") => {
                log::warn!("the database does not answer: {} ({state})", db.message());
                Self::unavailable("The database does not answer now.")
            }
            _ => Self::internal(format_args!("{} ({state}) {:?}", db.message(), db.where_())),
        }
    }
}

impl From<PoolFailure> for ApiError {
    fn from(failure: PoolFailure) -> Self {
        log::warn!("{failure}");
        Self::unavailable("The database does not answer now.")
    }
}
