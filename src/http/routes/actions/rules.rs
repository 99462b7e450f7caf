//! GET /actions.json: which links of this site are Actions.

use actix_web::HttpResponse;
use serde::Serialize;

/// The rules.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ActionRules {
    /// In order; the first that fits counts.
    pub rules: Vec<ActionRule>,
}

/// A rule.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionRule {
    /// Paths of the site.
    pub path_pattern: &'static str,
    /// Where their Action is.
    pub api_path: &'static str,
}

/// The handler.
#[utoipa::path(
    get,
    path = "/actions.json",
    tag = "actions", summary = "Which links of this site are Actions",
    responses((status = 200, description = "Which links are Actions.", body = ActionRules))
)]
pub async fn handle() -> HttpResponse {
    let rule = |path_pattern, api_path| ActionRule { path_pattern, api_path };
    let rules = vec![rule("/markets/*", "/api/actions/markets/*"), rule("/api/actions/**", "/api/actions/**")];
    super::ok(&ActionRules { rules }, None)
}
