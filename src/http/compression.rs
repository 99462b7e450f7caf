//! gzip for larger JSON and the console's files, where the client takes it. Small replies, streams and what is compressed already stay as they are.
//! What never changes is packed once, by [`packed`].

use std::io::Write;

use actix_http::encoding::Encoder;
use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderMap, HeaderValue},
    middleware::Next,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// Smaller replies are not worth the work: they fit into one packet as they are.
pub const MIN_BYTES: u64 = 1_400;

/// The middleware.
///
/// # Errors
/// Those of what is inside.
pub async fn compressed(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let takes_gzip = takes_gzip(request.request());
    let mut response = next.call(request).await?.map_into_boxed_body();
    if response.headers().contains_key(header::CONTENT_ENCODING) || !is_worth_it(&response) {
        return Ok(response);
    }
    if !takes_gzip {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        return Ok(response);
    }
    weaken_etag(response.headers_mut());
    Ok(response.map_body(|head, body| BoxBody::new(Encoder::response(ContentEncoding::Gzip, head, body))))
}

/// A body in gzip's form; `None`: it is not worth it.
pub fn packed(body: &[u8]) -> Option<Bytes> {
    if (body.len() as u64) < MIN_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < body.len()).then(|| packed.into())
}

/// The same reply, with the body that was packed before.
pub fn with_packed(reply: HttpResponse, packed: Bytes) -> HttpResponse {
    let mut reply = reply.set_body(BoxBody::new(packed));
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    weaken_etag(headers);
    reply
}

/// The client wants it so.
pub fn takes_gzip(request: &HttpRequest) -> bool {
    if !request.headers().contains_key(header::ACCEPT_ENCODING) {
        return false;
    }
    let taken = AcceptEncoding::parse(request).ok();
    taken
        .is_some_and(|taken| taken.negotiate([Encoding::identity(), Encoding::gzip()].iter()) == Some(Encoding::gzip()))
}

fn is_worth_it(response: &ServiceResponse<BoxBody>) -> bool {
    let is_large = matches!(response.response().body().size(), BodySize::Sized(bytes) if bytes >= MIN_BYTES);
    let kind = || response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let packs = [&b"application/json"[..], b"text/javascript", b"text/css", b"text/html"];
    is_large && packs.iter().any(|packed| kind().starts_with(packed))
}

/// The same JSON in other bytes: a strong tag would promise the bytes.
fn weaken_etag(headers: &mut HeaderMap) {
    let weak = headers.get(header::ETAG).filter(|tag| tag.as_bytes().first() == Some(&b'"'));
    let weak = weak.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}
