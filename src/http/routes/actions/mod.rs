//! Solana Actions: a link to a market that a wallet can trade from.
//!
//! Owns their forms and headers (any site may ask: `*`). Nobody signs in: who signs the transaction is who it is for. The
//! transactions come from the same hand as those of `/api/trades`.

pub mod icon;
pub mod market;
pub mod rules;

use std::future::ready;

use actix_web::{
    FromRequest, Handler, HttpResponse, HttpResponseBuilder, Resource, Responder,
    http::{Method, header},
    web,
};
use serde::Serialize;

use super::{
    super::{auth::AuthSettings, error::ApiError},
    Route,
};

/// The version of the Actions' rules that is spoken.
const VERSION: &str = "2.4";

/// A reply that any site may read.
fn open(mut reply: HttpResponse, chain: Option<&str>) -> HttpResponse {
    let headers = reply.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            headers.insert(header::HeaderName::from_static(name), value);
        }
    };
    set("access-control-allow-origin", "*");
    set("access-control-allow-methods", "GET,POST,PUT,OPTIONS");
    set(
        "access-control-allow-headers",
        "Content-Type, Authorization, Content-Encoding, Accept-Encoding, X-Accept-Action-Version, X-Accept-Blockchain-Ids",
    );
    set("access-control-expose-headers", "X-Action-Version, X-Blockchain-Ids");
    set("x-action-version", VERSION);
    if let Some(chain) = chain {
        set("x-blockchain-ids", chain);
    }
    reply
}

fn ok<T: Serialize>(value: &T, chain: Option<&str>) -> HttpResponse {
    open(HttpResponse::Ok().json(value), chain)
}

/// A refusal in the Actions' form: wallets show its `message`. The envelope's body has it.
fn refused(error: ApiError, chain: Option<&str>) -> HttpResponse {
    use actix_web::ResponseError;
    open(error.error_response(), chain)
}

/// A path of Actions: read by any site, with GET and HEAD; `methods` are those that OPTIONS tells, which any site may ask.
pub fn action<F, Args>(path: &'static str, methods: &'static str, read: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let told =
        move |mut reply: HttpResponseBuilder| ready(open(reply.insert_header((header::ALLOW, methods)).finish(), None));
    web::resource(path)
        .app_data(Route(path))
        .route(web::get().to(read.clone()))
        .route(web::head().to(read))
        .route(web::method(Method::OPTIONS).to(move || told(HttpResponse::NoContent())))
        .default_service(web::to(move || told(HttpResponse::MethodNotAllowed())))
}

/// The site's configured address: what links in replies begin with. Never what a request's headers say of it: replies
/// are shown by others' wallets.
fn origin(settings: &AuthSettings) -> String {
    settings.site.uri.trim_end_matches('/').to_owned()
}
