//! GET / and /ws on port 4001: from HTTP to WebSocket.
//!
//! A token in the URL is judged before the upgrade: who presents a bad one is refused as REST refuses. The query is told in
//! no log and no reply.

use actix_http::ws::Codec;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use futures_util::FutureExt;

use crate::http::{
    app::HubHandle,
    error::{ApiError, ErrorCode},
    ws::{
        body::{SessionBody, Strikes},
        guard::Guarded,
        hub::{More, SessionId},
        identity::{Visitor, token_in},
        outbox::Outbox,
        session::WsSession,
    },
};

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR if the request is no WebSocket handshake; UNAUTHORIZED, RATE_LIMITED, UNAVAILABLE or TIMEOUT for its
/// token.
pub async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    worker: web::Data<HubHandle>,
) -> Result<HttpResponse, ApiError> {
    let mut response = ws::handshake(&request)
        .map_err(|error| ApiError::new(ErrorCode::ValidationError, format!("This port speaks WebSocket: {error}.")))?;
    let visitor = visitor(&request, &worker).await?;
    let (id, hub, limits, strikes) = (SessionId::next(), worker.hub(), worker.limits(), Strikes::default());
    let (outbox, reader) = Outbox::new(limits.outbox_frames, limits.outbox_bytes);
    let (guarded, verdict) = Guarded::new(payload, limits.message_bytes);
    let session = WsSession::new(id, hub.clone(), limits, outbox, visitor, verdict, strikes.clone());
    let codec = Codec::new().max_size(limits.message_bytes);
    let actor = ws::WebsocketContext::with_codec(session, guarded, codec);
    let more = move || hub.send(More { session: id }).map(|taken| taken.is_ok()).boxed_local();
    Ok(response.streaming(SessionBody::new(actor, reader, strikes, more)))
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
