//! GET / and /ws on port 4001: from HTTP to WebSocket.

use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;

use crate::http::{
    app::HubHandle,
    error::{ApiError, ErrorCode},
    ws::{guard::Guarded, session::WsSession},
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
    let limits = worker.limits();
    let (guarded, verdict) = Guarded::new(payload, limits.message_bytes);
    ws::WsResponseBuilder::new(WsSession::new(worker.hub(), limits, verdict), &request, guarded)
        .frame_size(limits.message_bytes)
        .start()
        .map_err(|error| ApiError::new(ErrorCode::ValidationError, format!("This port speaks WebSocket: {error}.")))
}
