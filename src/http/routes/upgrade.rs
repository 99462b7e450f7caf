//! GET / and /ws on port 4001: from HTTP to WebSocket.

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
        outbox::Outbox,
        session::WsSession,
    },
};

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR if the request is no WebSocket handshake.
pub async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    worker: web::Data<HubHandle>,
) -> Result<HttpResponse, ApiError> {
    let mut response = ws::handshake(&request)
        .map_err(|error| ApiError::new(ErrorCode::ValidationError, format!("This port speaks WebSocket: {error}.")))?;
    let (id, hub, limits, strikes) = (SessionId::next(), worker.hub(), worker.limits(), Strikes::default());
    let (outbox, reader) = Outbox::new(limits.outbox_frames, limits.outbox_bytes);
    let (guarded, verdict) = Guarded::new(payload, limits.message_bytes);
    let session = WsSession::new(id, hub.clone(), limits, outbox, verdict, strikes.clone());
    let codec = Codec::new().max_size(limits.message_bytes);
    let actor = ws::WebsocketContext::with_codec(session, guarded, codec);
    let more = move || hub.send(More { session: id }).map(|taken| taken.is_ok()).boxed_local();
    Ok(response.streaming(SessionBody::new(actor, reader, strikes, more)))
}
