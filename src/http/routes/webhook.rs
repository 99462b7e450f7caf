//! POST /api/webhooks/helius (and /helius/webhook), on 4002: a delivery is kept, and nothing else.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::http::{
    error::ApiError,
    webhook::{Gate, Kept},
};

/// The handler: 200 once the delivery is committed, by this request or an earlier one.
///
/// # Errors
/// It is not taken, and why ([`Gate::take`]).
pub async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    gate: web::Data<Gate>,
) -> Result<HttpResponse, ApiError> {
    let kept = gate.take(&request, payload).await?;
    let status = match kept {
        Kept::New => "taken",
        Kept::Known => "known",
    };
    Ok(HttpResponse::Ok().json(json!({ "status": status })))
}
