//! What is on its way, what is wrong, and what users wrote: from the database, with the engine's own rights.

use actix_web::{HttpResponse, web};
use deadpool_postgres::{Object, Pool};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::OpsParts;
use crate::{
    http::{body::Checked, error::ApiError, pool::PoolFailure},
    journal::operating::{self, Alert},
};

async fn connection(pool: &Pool) -> Result<Object, ApiError> {
    Ok(pool.get().await.map_err(PoolFailure::from)?)
}

/// GET /submissions: users' transactions and governance's that are not settled.
///
/// # Errors
/// UNAVAILABLE, TIMEOUT.
pub async fn submissions(pool: web::Data<Pool>) -> Result<HttpResponse, ApiError> {
    let client = connection(&pool).await?;
    Ok(HttpResponse::Ok().json(operating::submissions(&client).await?))
}

#[derive(Serialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

/// GET /alerts: open ones, and those that ended last.
///
/// # Errors
/// UNAVAILABLE, TIMEOUT.
pub async fn alerts(pool: web::Data<Pool>) -> Result<HttpResponse, ApiError> {
    let client = connection(&pool).await?;
    Ok(HttpResponse::Ok().json(Alerts { alerts: operating::alerts(&client).await? }))
}

/// POST /alerts/{id}/acknowledge: a person knows of it. Nothing depends on it.
///
/// # Errors
/// NOT_FOUND; UNAVAILABLE, TIMEOUT.
pub async fn acknowledge(id: web::Path<String>, pool: web::Data<Pool>) -> Result<HttpResponse, ApiError> {
    let nothing = || ApiError::not_found("There is no such alert.");
    let id = id.parse().map_err(|_| nothing())?;
    let client = connection(&pool).await?;
    let known = operating::acknowledge(&client, id).await?;
    known.map(|alert| HttpResponse::Ok().json(alert)).ok_or_else(nothing)
}

/// Why, and who says so.
#[derive(Debug, Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct HideBody {
    #[garde(length(chars, min = 1, max = 500), custom(no_control))]
    reason: String,
    #[garde(length(chars, min = 1, max = 128), custom(no_control))]
    by: String,
}

fn no_control(text: &str, _: &()) -> garde::Result {
    let is_fit = !text.trim().is_empty() && !text.contains(char::is_control);
    is_fit.then_some(()).ok_or_else(|| garde::Error::new("words, on one line"))
}

#[derive(Serialize)]
struct Hidden {
    id: Uuid,
    hidden: bool,
    /// It was not hidden or deleted before: this word is the one that is written down.
    by_this: bool,
}

/// POST /discussions/{id}/hide: takes a comment away from all readers, and writes down who did it and why.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; UNAVAILABLE, TIMEOUT.
pub async fn hide(
    id: web::Path<String>,
    pool: web::Data<Pool>,
    parts: web::Data<OpsParts>,
    Checked(body): Checked<HideBody>,
) -> Result<HttpResponse, ApiError> {
    let nothing = || ApiError::not_found("There is no such comment.");
    let id: Uuid = id.parse().map_err(|_| nothing())?;
    let mut client = connection(&pool).await?;
    let hidden = operating::hide_comment(&mut client, id, &body.reason, &body.by, &parts.node).await?;
    let by_this = hidden.ok_or_else(nothing)?;
    if by_this {
        log::warn!("comment {id} is hidden by {}: {}", body.by, body.reason);
    }
    Ok(HttpResponse::Ok().json(Hidden { id, hidden: true, by_this }))
}
