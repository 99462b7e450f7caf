//! Routes: a folder a noun, a file a verb. Each verb holds its whole way: what it takes, what it asks, what it answers.

use std::future::ready;

use actix_web::{
    Handler, HttpResponse, Resource, Responder,
    http::{Method, header},
    web,
};

use super::error::ApiError;

pub mod actions;
pub mod auth;
pub mod discussions;
pub mod health;
pub mod markets;
pub mod ready;
pub mod trades;
pub mod transactions;
pub mod upgrade;
pub mod users;
pub mod votes;

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

/// A path that takes these methods, whose routes are added by who calls; anything else is METHOD_NOT_ALLOWED.
pub fn takes(path: &str, methods: &'static str) -> Resource {
    let options = move || ready(HttpResponse::NoContent().insert_header((header::ALLOW, methods)).finish());
    let refused = move || ready(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, methods)).finish());
    web::resource(path).route(web::method(Method::OPTIONS).to(options)).default_service(web::to(refused))
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

/// A path that is read and written.
pub fn both<R, ReadArgs, W, WriteArgs>(path: &str, read: R, write: W) -> Resource
where
    R: Handler<ReadArgs> + Clone,
    ReadArgs: actix_web::FromRequest + 'static,
    R::Output: Responder + 'static,
    W: Handler<WriteArgs>,
    WriteArgs: actix_web::FromRequest + 'static,
    W::Output: Responder + 'static,
{
    const METHODS: &str = "GET, HEAD, POST, OPTIONS";
    let allow = |mut reply: actix_web::HttpResponseBuilder| async move {
        reply.insert_header((header::ALLOW, METHODS)).finish()
    };
    web::resource(path)
        .route(web::get().to(read.clone()))
        .route(web::head().to(read))
        .route(web::post().to(write))
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
    app.service(both("/api/markets", markets::list::handle, markets::create::handle))
        .service(readable("/api/markets/{market}", markets::show::handle))
        .service(readable("/api/markets/{market}/prices", markets::prices::handle))
        .service(readable("/api/markets/{market}/trades", markets::trades::handle))
        .service(readable("/api/markets/{market}/votes", votes::list::handle))
        .service(readable("/api/markets/{market}/discussions", discussions::list::handle))
        .service(
            takes("/api/markets/{market}/metadata", "PUT, OPTIONS").route(web::put().to(markets::metadata::handle)),
        )
        .service(writable("/api/votes/proposal", votes::cast::proposal))
        .service(writable("/api/votes/dispute", votes::cast::dispute))
        .service(readable("/api/votes/{market}", votes::show::handle))
        .service(writable("/api/discussions", discussions::post::handle))
        .service(
            takes("/api/discussions/{market}", "GET, HEAD, POST, DELETE, OPTIONS")
                .route(web::get().to(discussions::list::handle))
                .route(web::head().to(discussions::list::handle))
                .route(web::post().to(discussions::post::on_market))
                .route(web::delete().to(discussions::delete::handle)),
        )
        .service(writable("/api/auth/nonce", auth::nonce::handle))
        .service(writable("/api/auth/login", auth::login::handle))
        .service(writable("/api/auth/refresh", auth::refresh::handle))
        .service(writable("/api/auth/logout", auth::logout::handle))
        .service(users::me::resource())
        .service(readable("/health", health::handle))
        .service(readable("/ready", ready::handle))
        .service(readable("/api/trades/estimate", trades::estimate::handle))
        .service(readable("/api/trades/quote", trades::estimate::handle))
        .service(actions::action("/actions.json", actions::rules::handle))
        .service(actions::action("/api/actions/icon.svg", actions::icon::handle))
        .service(
            actions::action("/api/actions/markets/{market}", actions::market::show)
                .route(web::post().to(actions::market::trade)),
        )
        .service(writable("/api/trades/buy", trades::buy::handle))
        .service(writable("/api/trades/sell", trades::sell::handle))
        .service(writable("/api/markets/{market}/resolve", markets::resolve::handle))
        .service(writable("/api/markets/{market}/dispute", markets::dispute::handle))
        .service(writable("/api/markets/{market}/activate", markets::activate::handle))
        .service(writable("/api/markets/{market}/claim", markets::claim::handle))
        .service(writable("/api/markets/{market}/withdraw", markets::withdraw::handle))
        .service(writable("/api/transactions", transactions::submit::handle))
        .service(readable("/api/transactions/{signature}", transactions::show::handle));
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
