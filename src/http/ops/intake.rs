//! GET and PUT /intake: no new votes, comments, trades and uploads, while an operator finds out what is wrong.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::{http::body::Checked, telemetry::health::Health};

#[derive(Debug, Deserialize, Serialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct IntakeBody {
    #[garde(skip)]
    paused: bool,
}

/// Is it paused?
pub async fn show(health: web::Data<Health>) -> HttpResponse {
    HttpResponse::Ok().json(IntakeBody { paused: health.intake().is_paused() })
}

/// Pauses it, or lets it go on.
pub async fn set(health: web::Data<Health>, Checked(body): Checked<IntakeBody>) -> HttpResponse {
    health.intake().pause(body.paused);
    HttpResponse::Ok().json(body)
}
