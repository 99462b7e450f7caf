//! Replies to public GETs: JSON with an ETag, and "not modified" for who has it already.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::ApiError;

/// A body that is ready to be sent, and its name. Cloning it copies nothing.
#[derive(Debug, Clone)]
pub struct Rendered {
    body: Bytes,
    etag: HeaderValue,
}

impl Rendered {
    /// As JSON.
    ///
    /// # Errors
    /// INTERNAL if the value can't be written as JSON, which none of ours should.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, ApiError> {
        Ok(Self::of_bytes(serde_json::to_vec(value).map_err(ApiError::internal)?.into()))
    }

    /// Of a text that is JSON.
    pub fn of_json(text: String) -> Self {
        Self::of_bytes(text.into())
    }

    /// Of bytes that are JSON, or are said to be something else by whoever replies with them.
    pub fn of_bytes(body: Bytes) -> Self {
        // Quotes and hexadecimal digits: always a header's value.
        let etag = HeaderValue::from_str(&etag(&body)).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, etag }
    }

    /// Of the body.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// The reply, or "not modified" for who has it already.
    pub fn reply(&self, request: &HttpRequest) -> HttpResponse {
        let mut reply = if has_it(request, &self.etag) {
            HttpResponse::NotModified().finish()
        } else {
            let mut reply = HttpResponse::with_body(StatusCode::OK, self.body.clone()).map_into_boxed_body();
            reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            reply
        };
        let headers = reply.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        // Live data: a cache may keep it, but must ask each time.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        reply
    }
}

/// A reply that a client may ask for again and be told that nothing changed.
///
/// # Errors
/// As [`Rendered::of`].
pub fn cacheable<T: Serialize>(request: &HttpRequest, value: &T) -> Result<HttpResponse, ApiError> {
    Ok(Rendered::of(value)?.reply(request))
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
fn has_it(request: &HttpRequest, etag: &HeaderValue) -> bool {
    let etag = etag.to_str().unwrap_or_default();
    request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}
