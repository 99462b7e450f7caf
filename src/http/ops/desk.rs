//! What is on its way, what is wrong, and what users wrote: from the database, with the engine's own rights.

use actix_web::{HttpRequest, HttpResponse, web};
use deadpool_postgres::{Object, Pool};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    OpsParts,
    audit::{Name, Reason, WhyBody, operator},
};
use crate::{
    http::{
        body::{Checked, MaybeChecked},
        error::ApiError,
        pool::PoolFailure,
    },
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
pub async fn acknowledge(
    request: HttpRequest,
    id: web::Path<String>,
    pool: web::Data<Pool>,
    parts: web::Data<OpsParts>,
    why: MaybeChecked<WhyBody>,
) -> Result<HttpResponse, ApiError> {
    let nothing = || ApiError::not_found("There is no such alert.");
    let id = id.parse().map_err(|_| nothing())?;
    let mut client = connection(&pool).await?;
    let known = operating::acknowledge(&mut client, id, &why.of(&request), &parts.node).await?;
    known.map(|alert| HttpResponse::Ok().json(alert)).ok_or_else(nothing)
}

/// Why, and who says so.
#[derive(Debug, Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct HideBody {
    #[garde(skip)]
    reason: Reason,
    #[garde(skip)]
    by: Name,
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
    request: HttpRequest,
    id: web::Path<String>,
    pool: web::Data<Pool>,
    parts: web::Data<OpsParts>,
    Checked(body): Checked<HideBody>,
) -> Result<HttpResponse, ApiError> {
    let nothing = || ApiError::not_found("There is no such comment.");
    let id: Uuid = id.parse().map_err(|_| nothing())?;
    let mut client = connection(&pool).await?;
    let said = format!("comment {id} is hidden by {}: {}", body.by.0, body.reason.0);
    let operator = operator(&request, Some(body.by), Some(body.reason));
    let by_this = operating::hide_comment(&mut client, id, &operator, &parts.node).await?.ok_or_else(nothing)?;
    if by_this {
        log::warn!("{said}");
    }
    Ok(HttpResponse::Ok().json(Hidden { id, hidden: true, by_this }))
}
