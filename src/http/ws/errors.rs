//! Why an action was refused: the codes of `error` messages, and what each says of the client.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::ErrorCode;

/// Why an action was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WsErrorCode {
    /// Not JSON, not an object, or without an action.
    BadMessage,
    /// No such action.
    UnknownAction,
    /// A field is missing or malformed.
    ValidationError,
    /// No such market, or no such thing.
    NotFound,
    /// More channels than a connection may have.
    TooManyChannels,
    /// More quote streams than a connection may have.
    TooManyQuotes,
    /// Not signed in, or the token is no good.
    Unauthorized,
    /// Signed in, and not allowed.
    Forbidden,
    /// It contradicts what is there: another phase, a second vote, another transaction of the same intent.
    Conflict,
    /// The program refuses it, or would: its own error stands beside.
    ChainRefused,
    /// The key was used for another request.
    IdempotencyMismatch,
    /// A later action of the same connection took it back before it was answered.
    Cancelled,
    /// More actions in this time than the caller may ask for, here and by REST together.
    RateLimited,
    /// More actions of this connection wait for their answers than may.
    TooManyRequests,
    /// It took too long.
    Timeout,
    /// The market may be too far behind the chain.
    Stale,
    /// A part that is needed does not answer now.
    Unavailable,
    /// Nothing new is taken, by an operator's word; reading goes on.
    Paused,
    /// A fault of ours.
    Internal,
}

impl WsErrorCode {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::BadMessage,
        Self::UnknownAction,
        Self::ValidationError,
        Self::NotFound,
        Self::TooManyChannels,
        Self::TooManyQuotes,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Conflict,
        Self::ChainRefused,
        Self::IdempotencyMismatch,
        Self::Cancelled,
        Self::RateLimited,
        Self::TooManyRequests,
        Self::Timeout,
        Self::Stale,
        Self::Unavailable,
        Self::Paused,
        Self::Internal,
    ];

    /// The same action may succeed a little later.
    pub fn is_retryable(self) -> bool {
        use WsErrorCode::{Paused, RateLimited, Stale, Timeout, TooManyRequests, Unavailable};
        matches!(self, RateLimited | TooManyRequests | Timeout | Stale | Unavailable | Paused)
    }

    /// It is the client's mistake: ten in a row close the connection. What the chain or another user's act decides is
    /// none, nor is a lack of ours.
    pub fn is_strike(self) -> bool {
        use WsErrorCode::{
            BadMessage, Forbidden, IdempotencyMismatch, NotFound, TooManyChannels, TooManyQuotes, Unauthorized,
            UnknownAction, ValidationError,
        };
        matches!(
            self,
            BadMessage
                | UnknownAction
                | ValidationError
                | NotFound
                | TooManyChannels
                | TooManyQuotes
                | Unauthorized
                | Forbidden
                | IdempotencyMismatch
        )
    }
}

impl From<ErrorCode> for WsErrorCode {
    fn from(code: ErrorCode) -> Self {
        match code {
            // The middle three are about forms of HTTP; here they can only mean a field.
            ErrorCode::ValidationError
            | ErrorCode::PayloadTooLarge
            | ErrorCode::MethodNotAllowed
            | ErrorCode::UnsupportedMediaType => Self::ValidationError,
            ErrorCode::Unauthorized => Self::Unauthorized,
            ErrorCode::Forbidden => Self::Forbidden,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::Conflict => Self::Conflict,
            ErrorCode::ChainRefused => Self::ChainRefused,
            ErrorCode::IdempotencyMismatch => Self::IdempotencyMismatch,
            ErrorCode::RateLimited => Self::RateLimited,
            ErrorCode::Internal => Self::Internal,
            ErrorCode::Unavailable => Self::Unavailable,
            ErrorCode::Paused => Self::Paused,
            ErrorCode::Stale => Self::Stale,
            ErrorCode::Timeout => Self::Timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_succeed_later_is_never_counted_as_a_mistake() {
        for code in WsErrorCode::ALL {
            assert!(!(code.is_retryable() && code.is_strike()), "{code:?}");
        }
        assert_eq!(serde_json::to_string(&WsErrorCode::TooManyRequests).unwrap(), r#""TOO_MANY_REQUESTS""#);
    }
}
