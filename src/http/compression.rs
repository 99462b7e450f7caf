//! gzip for larger JSON and the console's files, where the client takes it. Small replies, streams and what is compressed already stay as they are.

use actix_http::encoding::Encoder;
use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderMap, HeaderValue},
    middleware::Next,
};

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
    let takes_gzip = request.headers().contains_key(header::ACCEPT_ENCODING) && takes_gzip(&request);
    let mut response = next.call(request).await?.map_into_boxed_body();
    if !is_worth_it(&response) {
        return Ok(response);
    }
    if !takes_gzip {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        return Ok(response);
    }
    weaken_etag(response.headers_mut());
    Ok(response.map_body(|head, body| BoxBody::new(Encoder::response(ContentEncoding::Gzip, head, body))))
}

fn takes_gzip(request: &ServiceRequest) -> bool {
    let taken = AcceptEncoding::parse(request.request()).ok();
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
