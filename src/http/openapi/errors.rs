//! The errors of routes: a handler names only those that are its own, in one short line,
//! `responses((status = 200, body = MarketDetail), NotFound)`, or with words of its own,
//! `(status = 409, description = "…")`: the body is the same for all, and is put in here.
//!
//! What any route may answer, whatever it does, is added to each of them ([`of_any`]). Each error is one response of the
//! document's components.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{Content, ContentBuilder, Ref, RefOr, Response, ResponseBuilder, header::HeaderBuilder, path::Operation},
};

use crate::http::envelope::ErrorBody;

/// Status, name among the components, what it means.
const ERRORS: [(u16, &str, &str); 13] = [
    (400, "BadRequest", "VALIDATION_ERROR: refused; `details` names each field and why."),
    (401, "Unauthorized", "UNAUTHORIZED: no token where one is needed, or one that is not good (any more)."),
    (403, "Forbidden", "FORBIDDEN: signed in, but not allowed to do this."),
    (404, "NotFound", "NOT_FOUND: there is no such thing."),
    (405, "MethodNotAllowed", "METHOD_NOT_ALLOWED: the header Allow names the methods."),
    (409, "Conflict", "CONFLICT: it contradicts what is there already."),
    (413, "PayloadTooLarge", "PAYLOAD_TOO_LARGE: the body is larger than 64 KiB."),
    (415, "UnsupportedMediaType", "UNSUPPORTED_MEDIA_TYPE: the body must be application/json."),
    (422, "Unprocessable", "CHAIN_REFUSED: the program would refuse it. IDEMPOTENCY_MISMATCH: same key, other body."),
    (429, "RateLimited", "RATE_LIMITED: too many requests; come again after Retry-After seconds."),
    (500, "Internal", "INTERNAL: a fault of the server; tell us the request_id."),
    (503, "Unavailable", "UNAVAILABLE: a part does not answer now. STALE: too far behind the chain. See Retry-After."),
    (504, "Timeout", "TIMEOUT: it took too long."),
];

/// The responses that the sets refer to.
pub(super) fn components() -> impl Iterator<Item = (&'static str, Response)> {
    ERRORS.into_iter().map(|(status, name, description)| {
        let mut response = ResponseBuilder::new().description(description).content("application/json", body());
        let header = |about: &str, schema| HeaderBuilder::new().description(Some(about)).schema(Some(schema)).build();
        if matches!(status, 429 | 503) {
            response = response.header("Retry-After", header("Seconds until it may be tried again.", u32::schema()));
        }
        if status == 405 {
            response = response.header("Allow", header("The methods of this path.", String::schema()));
        }
        (name, response.build())
    })
}

/// Adds to an operation what any may answer, and the error body to errors that were given words only.
pub(super) fn of_any(operation: &mut Operation, is_api: bool) {
    let mut statuses = vec![400, 413, 500];
    if is_api {
        statuses.extend([401, 429, 503, 504]);
    }
    if operation.request_body.is_some() {
        statuses.push(415);
    }
    let responses = &mut operation.responses.responses;
    for (status, reference) in references(&statuses) {
        responses.entry(status).or_insert(reference);
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            response.content.insert("application/json".to_owned(), body().into());
        }
    }
}

fn body() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build()
}

fn references(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let known = ERRORS.iter().filter(|(status, ..)| statuses.contains(status));
    known.map(|(status, name, _)| (status.to_string(), Ref::from_response_name(*name).into())).collect()
}

macro_rules! error_sets {
    ($($(#[doc = $doc:literal])+ $name:ident: [$($status:literal),+];)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                references(&[$($status),+])
            }
        }
    )+};
}

error_sets! {
    /// 403, where the caller's wallet decides.
    Forbidden: [403];
    /// 404, where something is named.
    NotFound: [404];
    /// 409, where it may contradict what is there.
    Conflict: [409];
    /// 422: CHAIN_REFUSED or IDEMPOTENCY_MISMATCH.
    Unprocessable: [422];
}
