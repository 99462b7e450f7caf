//! GET and PUT /log-levels, GET /logs: what this process says, and how much.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    OpsParts,
    audit::{Name, Reason, audited, operator},
};
use crate::{
    http::{body::Checked, error::ApiError},
    journal::operator_actions::Action,
    telemetry::{
        census::Service,
        logging::{self, LEVELS_BYTES_MAX, Line, RECENT_MAX},
    },
};

#[derive(Debug, Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelsBody {
    /// `info`, or `info,zmart::journal=debug`.
    #[garde(length(min = 1, max = LEVELS_BYTES_MAX))]
    levels: String,
    #[garde(skip)]
    reason: Option<Reason>,
    #[garde(skip)]
    by: Option<Name>,
}

#[derive(Serialize)]
struct LevelsView {
    levels: String,
}

/// Those that are shown.
pub async fn show() -> HttpResponse {
    HttpResponse::Ok().json(LevelsView { levels: logging::levels() })
}

/// Others, until the process ends.
///
/// # Errors
/// VALIDATION_ERROR: which part is none.
pub async fn set(
    request: HttpRequest,
    parts: web::Data<OpsParts>,
    Checked(LevelsBody { levels, reason, by }): Checked<LevelsBody>,
) -> Result<HttpResponse, ApiError> {
    let operator = operator(&request, by, reason);
    let done = async move {
        logging::set_levels(&levels).map_err(|error| ApiError::invalid_field("levels", error.to_string()))?;
        Ok(logging::levels())
    };
    let told = |levels: &String| Some(levels.clone());
    let levels = audited(parts, operator, Action::SetLogLevels, "log levels".to_owned(), done, told).await?;
    Ok(HttpResponse::Ok().json(LevelsView { levels }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsQuery {
    lines: Option<usize>,
    service: Option<String>,
}

#[derive(Serialize)]
struct Logs {
    lines: Vec<Line>,
}

/// The last lines in memory, the oldest first; of a service: those that are its alone.
///
/// # Errors
/// VALIDATION_ERROR.
pub async fn recent(query: web::Query<LogsQuery>) -> Result<HttpResponse, ApiError> {
    let most = query.lines.unwrap_or(200);
    if !(1..=RECENT_MAX).contains(&most) {
        return Err(ApiError::invalid_field("lines", format!("1 to {RECENT_MAX}.")));
    }
    let lines = match query.service.as_deref() {
        None => logging::recent(most),
        Some(name) => {
            let service = Service::named(name);
            let service = service.ok_or_else(|| ApiError::invalid_field("service", "One of the six services."))?;
            logging::recent_of(service.name(), most)
        }
    };
    Ok(HttpResponse::Ok().json(Logs { lines }))
}
