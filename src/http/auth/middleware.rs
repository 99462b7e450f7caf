//! The middleware that finds out who asks: once a request, before any handler.
//!
//! A request without a token is anybody's. One with a token that is no good is refused everywhere under `/api/`, on public
//! routes too: a client that believes to be signed in must not be served as if it were. What tells whether the process is
//! well takes no notice of tokens.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::{sessions::Sessions, tokens::Tokens};
use crate::http::{error::ApiError, gateway::GatewayHandle};

/// See the module.
///
/// # Errors
/// UNAUTHORIZED; UNAVAILABLE if the session can't be looked up now.
pub async fn identify(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !request.path().starts_with("/api/") {
        return next.call(request).await;
    }
    let (tokens, sessions, gateway) = parts(&request)?;
    if let Some(caller) = tokens.caller(&mut request).await? {
        sessions.require(gateway.reads(), &caller).await?;
        request.extensions_mut().insert(caller);
    }
    next.call(request).await
}

type Parts = (web::Data<Tokens>, web::Data<Sessions>, web::Data<GatewayHandle>);

fn parts(request: &ServiceRequest) -> Result<Parts, ApiError> {
    let missing = || ApiError::internal("the server was put together without sign-in");
    let tokens = request.app_data::<web::Data<Tokens>>().cloned().ok_or_else(missing)?;
    let sessions = request.app_data::<web::Data<Sessions>>().cloned().ok_or_else(missing)?;
    let gateway = request.app_data::<web::Data<GatewayHandle>>().cloned().ok_or_else(missing)?;
    Ok((tokens, sessions, gateway))
}
