//! Routes: a folder a noun, a file a verb. Each verb holds its whole way: what it takes, what it asks, what it answers.

use std::future::ready;

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder,
    http::{Method, header},
    web,
};

use super::error::ApiError;

pub mod actions;
pub mod auth;
pub mod config;
pub mod discussions;
pub mod docs;
pub mod events;
pub mod export;
pub mod faucet;
pub mod health;
pub mod leaderboard;
pub mod markets;
pub mod metrics;
pub mod ready;
pub mod trades;
pub mod transactions;
pub mod upgrade;
pub mod users;
pub mod votes;
pub mod webhook;

/// A path that takes these methods, whose routes are added by who calls; OPTIONS tells them, and anything else is
/// METHOD_NOT_ALLOWED.
pub fn takes(path: &'static str, methods: &'static str) -> Resource {
    let options = move || ready(HttpResponse::NoContent().insert_header((header::ALLOW, methods)).finish());
    let refused = move || ready(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, methods)).finish());
    let resource = web::resource(path).app_data(Route(path));
    resource.route(web::method(Method::OPTIONS).to(options)).default_service(web::to(refused))
}

/// With a resource's data: its path as it was declared, for who counts requests.
#[derive(Debug, Clone, Copy)]
pub struct Route(pub &'static str);

/// A path that is read: GET, and HEAD (the same without its body).
pub fn readable<F, Args>(path: &'static str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    read_by(takes(path, "GET, HEAD, OPTIONS"), handler)
}

fn read_by<F, Args>(resource: Resource, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource.route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// A path that is written by POST.
pub fn writable<F, Args>(path: &'static str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    takes(path, "POST, OPTIONS").route(web::post().to(handler))
}

/// A path that is read, and written by POST.
pub fn both<R, ReadArgs, W, WriteArgs>(path: &'static str, read: R, write: W) -> Resource
where
    R: Handler<ReadArgs> + Clone,
    ReadArgs: FromRequest + 'static,
    R::Output: Responder + 'static,
    W: Handler<WriteArgs>,
    WriteArgs: FromRequest + 'static,
    W::Output: Responder + 'static,
{
    read_by(takes(path, "GET, HEAD, POST, OPTIONS"), read).route(web::post().to(write))
}

/// A path that is read, and set by PUT.
pub fn settable<R, ReadArgs, W, WriteArgs>(path: &'static str, read: R, write: W) -> Resource
where
    R: Handler<ReadArgs> + Clone,
    ReadArgs: FromRequest + 'static,
    R::Output: Responder + 'static,
    W: Handler<WriteArgs>,
    WriteArgs: FromRequest + 'static,
    W::Output: Responder + 'static,
{
    read_by(takes(path, "GET, HEAD, PUT, OPTIONS"), read).route(web::put().to(write))
}

/// Any path that is none of ours.
///
/// # Errors
/// NOT_FOUND, always.
pub async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("There is nothing at this path."))
}

/// The paths of port 4000. Of two that match the same text, the first is taken.
pub fn api(app: &mut web::ServiceConfig) {
    app.configure(of_markets).configure(of_trades).configure(of_users).configure(of_all);
}

fn of_markets(app: &mut web::ServiceConfig) {
    app.service(both("/api/markets", markets::list::handle, markets::create::handle))
        .service(readable("/api/markets/activity", markets::activity::handle))
        .service(readable("/api/markets/trending", markets::trending::handle))
        .service(readable("/api/markets/categories", markets::categories::handle))
        .service(readable("/api/markets/{market}", markets::show::handle))
        .service(readable("/api/markets/{market}/prices", markets::prices::handle))
        .service(readable("/api/markets/{market}/price-history", markets::history::handle))
        .service(readable("/api/markets/{market}/candles", markets::candles::handle))
        .service(readable("/api/markets/{market}/trades", markets::trades::handle))
        .service(readable("/api/markets/{market}/votes", votes::list::handle))
        .service(readable("/api/markets/{market}/governance", markets::governance::handle))
        .service(readable("/api/markets/{market}/stats", markets::stats::handle))
        .service(readable("/api/markets/{market}/related", markets::related::handle))
        .service(readable("/api/markets/{market}/holders", markets::holders::handle))
        .service(readable("/api/markets/{market}/depth", markets::depth::handle))
        .service(readable("/api/markets/{market}/discussions", discussions::list::of_market))
        .service(readable("/api/markets/{market}/snapshots", markets::snapshots::handle))
        .service(
            takes("/api/markets/{market}/metadata", "PUT, OPTIONS").route(web::put().to(markets::metadata::handle)),
        )
        .service(writable("/api/markets/{market}/resolve", markets::resolve::handle))
        .service(writable("/api/markets/{market}/dispute", markets::dispute::handle))
        .service(writable("/api/markets/{market}/activate", markets::activate::handle))
        .service(writable("/api/markets/{market}/claim", markets::claim::handle))
        .service(writable("/api/markets/{market}/withdraw", markets::withdraw::handle));
}

fn of_trades(app: &mut web::ServiceConfig) {
    app.service(readable("/api/trades/estimate", trades::estimate::handle))
        .service(readable("/api/trades/quote", trades::estimate::quote))
        .service(writable("/api/trades/buy", trades::buy::handle))
        .service(writable("/api/trades/sell", trades::sell::handle))
        .service(readable("/api/trades/history", trades::history::handle))
        .service(writable("/api/transactions", transactions::submit::handle))
        .service(readable("/api/transactions/{signature}", transactions::show::handle))
        .service(actions::action("/actions.json", "GET, HEAD, OPTIONS", actions::rules::handle))
        .service(actions::action("/api/actions/icon.svg", "GET, HEAD, OPTIONS", actions::icon::handle))
        .service(
            actions::action("/api/actions/markets/{market}", "GET, HEAD, POST, OPTIONS", actions::market::show)
                .route(web::post().to(actions::market::trade)),
        );
}

fn of_users(app: &mut web::ServiceConfig) {
    app.service(writable("/api/auth/nonce", auth::nonce::handle))
        .service(writable("/api/auth/login", auth::login::handle))
        .service(writable("/api/auth/refresh", auth::refresh::handle))
        .service(writable("/api/auth/logout", auth::logout::handle))
        .service(users::me::resource())
        .service(readable("/api/users/{wallet}", users::show::handle))
        .service(readable("/api/users/{wallet}/positions", users::positions::handle))
        .service(readable("/api/users/{wallet}/portfolio", users::portfolio::handle))
        .service(readable("/api/users/{wallet}/trades", users::trades::handle))
        .service(readable("/api/users/{wallet}/votes", users::votes::handle))
        .service(readable("/api/leaderboard", leaderboard::list::handle))
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
        );
}

fn of_all(app: &mut web::ServiceConfig) {
    app.service(readable("/api/events/latest", events::latest::handle))
        .service(readable("/api/export/trades.csv", export::trades::csv))
        .service(readable("/api/export/trades.ndjson", export::trades::ndjson))
        .service(readable("/api/config", config::show::handle))
        .service(readable("/docs", docs::to_page))
        .service(readable("/docs/{file:.*}", docs::page))
        .service(readable("/openapi.json", docs::openapi))
        .service(readable("/asyncapi.json", docs::asyncapi))
        .service(readable("/health", health::handle))
        .service(readable("/ready", ready::handle));
}

/// The paths of port 4001.
pub fn websocket(app: &mut web::ServiceConfig) {
    for path in ["/", "/ws"] {
        app.service(takes(path, "GET").route(web::get().to(upgrade::handle)));
    }
    app.service(readable("/health", health::handle))
        .service(readable("/ready", ready::handle))
        .service(readable("/asyncapi.json", docs::asyncapi));
}

/// Beside them on port 4000, where operators collect figures there.
pub fn of_operators(app: &mut web::ServiceConfig, are_metrics_public: bool) {
    if are_metrics_public {
        app.service(readable("/metrics", metrics::handle));
    }
}

/// Beside them on port 4000, where money is worth nothing.
pub fn of_development(app: &mut web::ServiceConfig) {
    app.service(both("/api/faucet", faucet::balance, faucet::give));
}

/// The paths of port 4002.
pub fn indexer(app: &mut web::ServiceConfig) {
    for path in ["/api/webhooks/helius", "/helius/webhook"] {
        app.service(writable(path, webhook::handle));
    }
    app.service(readable("/health", health::handle))
        .service(readable("/ready", ready::handle))
        .service(readable("/metrics", metrics::handle));
}
