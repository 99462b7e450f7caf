//! The caller, as handlers know it.
//!
//! A handler that takes [`SignedIn`] is for signed-in wallets only; one that takes [`MaybeSignedIn`] shows more to them.
//! The token was checked before, once a request, by the middleware that leaves the [`Caller`] with the request: a token
//! that is no good never gets here, on public routes neither.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use uuid::Uuid;

use crate::{
    domain::ids::Wallet,
    http::error::{ApiError, ErrorCode},
};

/// A signed-in wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The wallet that signed in.
    pub wallet: Wallet,
    /// The user: UUIDv5 of the wallet.
    pub user: Uuid,
    /// The session of the token.
    pub session: Uuid,
    /// When the token runs out, seconds since 1970.
    pub expires_at_unix: i64,
}

/// The caller; without one the request is UNAUTHORIZED.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn(pub Caller);

/// The caller, if the request has a token.
#[derive(Debug, Clone, Copy)]
pub struct MaybeSignedIn(pub Option<Caller>);

fn caller(request: &HttpRequest) -> Option<Caller> {
    request.extensions().get::<Caller>().copied()
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let missing = || ApiError::new(ErrorCode::Unauthorized, "Sign in first: Authorization: Bearer <token>.");
        ready(caller(request).map(Self).ok_or_else(missing))
    }
}

impl FromRequest for MaybeSignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(caller(request))))
    }
}
