//! Replies to public GETs: JSON with an ETag, and "not modified" for who has it already.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::ApiError;

/// A reply that a client may ask for again and be told that nothing changed.
///
/// # Errors
/// INTERNAL if the value can't be written as JSON, which none of ours should.
pub fn cacheable<T: Serialize>(request: &HttpRequest, value: &T) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
    Ok(cacheable_bytes(request, body.into()))
}

/// The same, of JSON that is there already.
pub fn cacheable_bytes(request: &HttpRequest, body: Bytes) -> HttpResponse {
    let etag = etag(&body);
    let mut reply = if has_it(request, &etag) {
        HttpResponse::NotModified().finish()
    } else {
        HttpResponse::Ok().content_type("application/json").body(body)
    };
    let headers = reply.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, value);
    }
    // Live data: a cache may keep it, but must ask each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

fn etag(body: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(34);
    text.push('"');
    for byte in Sha256::digest(body).iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

/// Weak comparison, as If-None-Match has it.
fn has_it(request: &HttpRequest, etag: &str) -> bool {
    request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}
