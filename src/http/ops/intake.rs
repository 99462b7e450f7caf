//! GET and PUT /intake: no new votes, comments, trades and uploads, while an operator finds out what is wrong.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    OpsParts,
    audit::{Name, Reason, audited, operator},
};
use crate::{
    http::{body::Checked, error::ApiError},
    journal::operator_actions::Action,
    telemetry::health::Health,
};

#[derive(Debug, Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct IntakeBody {
    #[garde(skip)]
    paused: bool,
    #[garde(skip)]
    reason: Option<Reason>,
    #[garde(skip)]
    by: Option<Name>,
}

#[derive(Serialize)]
struct IntakeView {
    paused: bool,
}

/// Is it paused?
pub async fn show(health: web::Data<Health>) -> HttpResponse {
    HttpResponse::Ok().json(IntakeView { paused: health.intake().is_paused() })
}

/// Pauses it, or lets it go on.
///
/// # Errors
/// VALIDATION_ERROR.
pub async fn set(
    request: HttpRequest,
    parts: web::Data<OpsParts>,
    Checked(IntakeBody { paused, reason, by }): Checked<IntakeBody>,
) -> Result<HttpResponse, ApiError> {
    let operator = operator(&request, by, reason);
    let action = if paused { Action::PauseIntake } else { Action::ResumeIntake };
    let intake = parts.health.intake().clone();
    let done = async move {
        intake.pause(paused);
        Ok(())
    };
    audited(parts, operator, action, "intake".to_owned(), done, |()| None).await?;
    Ok(HttpResponse::Ok().json(IntakeView { paused }))
}
