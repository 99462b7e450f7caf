//! Solana Actions: a link to a market that a wallet can trade from.
//!
//! Owns their forms and headers (any site may ask: `*`). Nobody signs in: who signs the transaction is who it is for. The
//! transactions come from the same hand as those of `/api/trades`.

pub mod icon;
pub mod market;
pub mod rules;

use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, http::header, web};
use serde::Serialize;

use super::super::error::ApiError;

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

async fn preflight() -> HttpResponse {
    open(HttpResponse::NoContent().finish(), None)
}

async fn method_not_allowed() -> HttpResponse {
    open(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD, POST, OPTIONS")).finish(), None)
}

/// A path of Actions: read by any site, with GET and HEAD; OPTIONS is answered for any site too.
pub fn action<F, Args>(path: &str, read: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(read.clone()))
        .route(web::head().to(read))
        .route(web::method(actix_web::http::Method::OPTIONS).to(preflight))
        .default_service(web::to(method_not_allowed))
}

/// Where the client reached us: what links in replies begin with.
fn origin(request: &HttpRequest) -> String {
    let info = request.connection_info();
    format!("{}://{}", info.scheme(), info.host())
}
