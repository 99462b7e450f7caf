//! Routes: a folder a noun, a file a verb. Each verb holds its whole way: what it takes, what it asks, what it answers.

use actix_web::{Handler, HttpResponse, Resource, Responder, http::header, web};

use super::error::ApiError;

pub mod auth;
pub mod docs;
pub mod health;
pub mod markets;
pub mod ready;
pub mod upgrade;
pub mod users;

const METHODS: &str = "GET, HEAD, OPTIONS";

/// A path that is read: GET, HEAD (the same without its body) and OPTIONS; anything else is METHOD_NOT_ALLOWED.
pub fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .route(web::method(actix_web::http::Method::OPTIONS).to(options))
        .default_service(web::to(method_not_allowed))
}

async fn options() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::ALLOW, METHODS)).finish()
}

/// A path that is written: POST and OPTIONS; anything else is METHOD_NOT_ALLOWED.
pub fn writable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    const METHODS: &str = "POST, OPTIONS";
    let allow = |mut reply: actix_web::HttpResponseBuilder| async move {
        reply.insert_header((header::ALLOW, METHODS)).finish()
    };
    web::resource(path)
        .route(web::post().to(handler))
        .route(web::method(actix_web::http::Method::OPTIONS).to(move || allow(HttpResponse::NoContent())))
        .default_service(web::to(move || allow(HttpResponse::MethodNotAllowed())))
}

async fn method_not_allowed() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, METHODS)).finish()
}

/// Any path that is none of ours.
///
/// # Errors
/// NOT_FOUND, always.
pub async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("There is nothing at this path."))
}

/// The paths of port 4000.
pub fn api(app: &mut web::ServiceConfig) {
    app.service(readable("/api/markets", markets::list::handle))
        .service(readable("/api/markets/{market}", markets::show::handle))
        .service(readable("/api/markets/{market}/prices", markets::prices::handle))
        .service(readable("/api/markets/{market}/trades", markets::trades::handle))
        .service(writable("/api/auth/nonce", auth::nonce::handle))
        .service(writable("/api/auth/login", auth::login::handle))
        .service(writable("/api/auth/refresh", auth::refresh::handle))
        .service(writable("/api/auth/logout", auth::logout::handle))
        .service(users::me::resource())
        .service(readable("/docs", docs::to_page))
        .service(readable("/docs/{file:.*}", docs::page))
        .service(readable("/health", health::handle))
        .service(readable("/openapi.json", docs::openapi))
        .service(readable("/ready", ready::handle));
}

/// The paths of port 4001.
pub fn websocket(app: &mut web::ServiceConfig) {
    for path in ["/", "/ws"] {
        let upgrade = web::resource(path).route(web::get().to(upgrade::handle));
        app.service(upgrade.default_service(web::to(method_not_allowed)));
    }
    app.service(readable("/health", health::handle));
}

/// The paths of port 4002.
pub fn indexer(app: &mut web::ServiceConfig) {
    app.service(readable("/health", health::handle));
}
