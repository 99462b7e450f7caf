//! GET /api/actions/icon.svg: the picture that wallets show beside a market.

use actix_web::HttpResponse;

const ICON: &str = include_str!("icon.svg");

/// The handler.
#[utoipa::path(
    get,
    path = "/api/actions/icon.svg",
    tag = "actions", summary = "The picture that wallets show beside a market",
    responses((status = 200, description = "A picture.", content_type = "image/svg+xml", body = String))
)]
pub async fn handle() -> HttpResponse {
    super::open(HttpResponse::Ok().content_type("image/svg+xml").body(ICON), None)
}
