//! GET / and /ws on port 4001: from HTTP to WebSocket.
//!
//! Answers the handshake like any route, inside all that surrounds routes; a reply that switches protocols bears what
//! the socket is then handed to the hub with ([`crate::http::sockets`]). A token in the URL is judged before the upgrade:
//! who presents a bad one is refused as REST refuses. The query is told in no log and no reply.

use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, HandshakeError};

use crate::http::{
    app::HubHandle,
    error::{ApiError, ErrorCode},
    ws::{
        admission::Admission,
        identity::{Visitor, token_in},
    },
};

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR if the request is no WebSocket handshake; FORBIDDEN and UNAVAILABLE as [`Admission::admit`] has it;
/// UNAUTHORIZED, RATE_LIMITED, UNAVAILABLE or TIMEOUT for its token.
pub async fn handle(
    request: HttpRequest,
    admission: web::Data<Admission>,
    worker: web::Data<HubHandle>,
) -> Result<HttpResponse, ApiError> {
    let mut response = handshake(&request)
        .map_err(|error| ApiError::new(ErrorCode::ValidationError, format!("This port speaks WebSocket: {error}.")))?;
    // A socket without a peer is a test's.
    let peer = request.peer_addr().map_or([0, 0, 0, 0].into(), |at| at.ip());
    let admitted = admission.into_inner().admit(peer, request.headers())?;
    let visitor = visitor(&request, &worker).await?;
    let mut response = response.finish();
    response.extensions_mut().insert((admitted, visitor));
    Ok(response)
}

/// What RFC 6455 wants of a handshake: [`ws::handshake`] answers it, but takes drafts of the protocol and keys of any
/// length.
fn handshake(request: &HttpRequest) -> Result<actix_web::HttpResponseBuilder, HandshakeError> {
    actix_http::ws::verify_handshake(request.head())?;
    ws::handshake(request)
}

/// Who comes.
async fn visitor(request: &HttpRequest, worker: &HubHandle) -> Result<Visitor, ApiError> {
    let services = worker.services();
    let (address, is_trusted) = services.limits.origin(request);
    let identity = match token_in(request.query_string())? {
        Some(token) => Some(services.admit(address, is_trusted, &token).await?),
        None => None,
    };
    Ok(Visitor { address, is_trusted, identity })
}
