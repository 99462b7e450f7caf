//! What this API is: /openapi.json and, of the WebSocket, /asyncapi.json for programs; /docs (Swagger UI) for people. Offline:
//! the pages are in the program.

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding, HeaderValue},
    web,
};
use utoipa_swagger_ui::Config;

use crate::http::{asyncapi, error::ApiError, openapi, reply::Rendered};

/// The page may run its own scripts, and talk to this server only.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

static DOCUMENT: LazyLock<Result<Rendered, String>> =
    LazyLock::new(|| openapi::text().map(Rendered::of_json).map_err(|error| error.to_string()));
static SOCKET_DOCUMENT: LazyLock<Result<Rendered, String>> =
    LazyLock::new(|| asyncapi::text().map(Rendered::of_json).map_err(|error| error.to_string()));
static PAGES: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/openapi.json")));

/// GET /openapi.json.
///
/// # Errors
/// INTERNAL if it can't be written, which a test excludes.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documents",
    summary = "This document",
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub async fn openapi(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(DOCUMENT.as_ref().map_err(ApiError::internal)?.reply(&request))
}

/// GET /asyncapi.json, on the WebSocket's port too.
///
/// # Errors
/// INTERNAL if it can't be written, which a test excludes.
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    tag = "documents",
    summary = "What the WebSocket says and takes (AsyncAPI 3.0)",
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub async fn asyncapi(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(SOCKET_DOCUMENT.as_ref().map_err(ApiError::internal)?.reply(&request))
}

/// GET /docs: its files are beside it.
pub async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// GET /docs/{file}: Swagger UI.
///
/// # Errors
/// NOT_FOUND for a file that is none of it.
#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = "documents",
    summary = "This document, for people (Swagger UI)",
    params(("file" = String, Path, description = "A file of the page; the page itself is at /docs/.")),
    responses((status = 200, body = String, content_type = "text/html"), crate::http::openapi::errors::NotFound)
)]
pub async fn page(file: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let found = utoipa_swagger_ui::serve(&file, PAGES.clone()).map_err(ApiError::internal)?;
    let found = found.ok_or_else(|| ApiError::not_found("There is nothing at this path."))?;
    let mut reply = HttpResponse::Ok();
    reply.content_type(found.content_type);
    reply.insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    if found.gzpipped {
        reply.insert_header(ContentEncoding::Gzip);
    }
    Ok(reply.body(found.bytes.into_owned()))
}
