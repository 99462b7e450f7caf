//! Who may ask on the operators' port.
//!
//! With a token: who shows it as a bearer, compared in constant time. Without one, which only a developer's machine and tests
//! have: who reaches the port by this machine's own name; a page whose name was pointed at it by somebody else has another. A
//! page of another origin than the console's (this host, REST's port) is refused whatever it shows, so no page that an operator
//! happens to look at can order anything. Probes are for everybody.

use actix_cors::Cors;
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, Uri,
        header::{self, HeaderMap},
    },
    middleware::Next,
    web,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    config::SecretText,
    http::{
        envelope::REQUEST_ID,
        error::{ApiError, ErrorCode},
    },
};

/// What anybody may ask.
const FOR_ALL: [&str; 2] = ["/health", "/ready"];

/// See the module.
#[derive(Debug, Clone)]
pub struct Door {
    token: Option<SecretText>,
    /// REST's port, where the console's pages come from.
    console_port: u16,
}

impl Door {
    /// Opened by this token, for pages from that port.
    pub fn new(token: Option<SecretText>, console_port: u16) -> Self {
        Self { token, console_port }
    }

    /// CORS for the console.
    pub fn cors(&self) -> Cors {
        let port = self.console_port;
        Cors::default()
            .allowed_origin_fn(move |origin, head| {
                origin.to_str().is_ok_and(|origin| is_console(origin, &head.headers, port))
            })
            .allowed_methods(["GET", "HEAD", "POST", "PUT"])
            .allowed_headers(["accept", "authorization", "content-type"])
            .expose_headers([REQUEST_ID, header::RETRY_AFTER])
            .max_age(600)
    }

    fn judge(&self, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
        let forbidden = |message: &'static str| Err(ApiError::new(ErrorCode::Forbidden, message));
        if FOR_ALL.contains(&path) {
            return Ok(());
        }
        if let Some(origin) = headers.get(header::ORIGIN)
            && !origin.to_str().is_ok_and(|origin| is_console(origin, headers, self.console_port))
        {
            return forbidden("Pages of this origin may not ask here.");
        }
        let Some(token) = &self.token else {
            return match host_of(headers) {
                Some(host) if is_this_machine(&host) => Ok(()),
                _ => forbidden("Without OPS_TOKEN this port is asked by this machine's own name only."),
            };
        };
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.split_once(' ')).filter(|(how, _)| how.eq_ignore_ascii_case("bearer"));
        // Of what was shown nothing is told by how long it takes, its length neither.
        let is_right =
            shown.is_some_and(|(_, shown)| Sha256::digest(shown.trim()).ct_eq(&Sha256::digest(token.reveal())).into());
        if is_right {
            Ok(())
        } else {
            Err(ApiError::new(ErrorCode::Unauthorized, "Show the operators' token as a bearer."))
        }
    }
}

/// The middleware.
///
/// # Errors
/// FORBIDDEN or UNAUTHORIZED as [`Door`] has it, and those of what is inside.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // What a browser asks before it asks: CORS has answered it where it is a console's.
    let is_question = request.method() == Method::OPTIONS;
    if let Some(door) = request.app_data::<web::Data<Door>>().filter(|_| !is_question) {
        door.judge(request.path(), request.headers())?;
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// The host that the request names, without its port.
fn host_of(headers: &HeaderMap) -> Option<String> {
    let authority: Uri = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    authority.host().map(str::to_ascii_lowercase)
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The origin is that of pages which REST serves on the same host.
fn is_console(origin: &str, headers: &HeaderMap, port: u16) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let Ok(authority) = rest.parse::<Uri>() else { return false };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let own = authority.host().map(str::to_ascii_lowercase);
    own.is_some() && own == host_of(headers) && authority.port_u16().unwrap_or(usual) == port
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn judged(token: Option<&str>, path: &str, pairs: &[(HeaderName, &str)]) -> Option<ErrorCode> {
        let token = token.map(|token| token.parse().unwrap());
        Door::new(token, 4_000).judge(path, &headers(pairs)).err().map(|error| error.code)
    }

    #[test]
    fn who_shows_the_token_may_ask_and_nobody_else() {
        let judged = |shown: &str| judged(Some("the token"), "/actors", &[(header::AUTHORIZATION, shown)]);
        assert_eq!(judged("Bearer the token"), None);
        assert_eq!(judged("bearer the token"), None);
        for wrong in ["Bearer the tokem", "Bearer the token and more", "Bearer", "Basic the token", "the token", ""] {
            assert_eq!(judged(wrong), Some(ErrorCode::Unauthorized), "{wrong}");
        }
    }

    #[test]
    fn without_a_token_it_is_asked_by_this_machines_name_only() {
        for own in ["localhost:4003", "127.0.0.1:4003", "[::1]:4003", "LOCALHOST"] {
            assert_eq!(judged(None, "/actors", &[(header::HOST, own)]), None, "{own}");
        }
        // A name that somebody else has pointed at this machine.
        for other in ["rebound.example:4003", "10.0.0.1:4003", "localhost.example"] {
            assert_eq!(judged(None, "/actors", &[(header::HOST, other)]), Some(ErrorCode::Forbidden), "{other}");
        }
        assert_eq!(judged(None, "/actors", &[]), Some(ErrorCode::Forbidden));
        assert_eq!(judged(None, "/health", &[(header::HOST, "any.example")]), None);
    }

    #[test]
    fn pages_ask_from_the_console_only_whatever_they_show() {
        let asked = |origin: &str| {
            let pairs = [(header::HOST, "host:4003"), (header::AUTHORIZATION, "Bearer t"), (header::ORIGIN, origin)];
            judged(Some("t"), "/actors", &pairs)
        };
        assert_eq!(asked("http://host:4000"), None);
        for other in ["http://host:4001", "http://other:4000", "https://host", "null", "http://host:4000.example"] {
            assert_eq!(asked(other), Some(ErrorCode::Forbidden), "{other}");
        }
    }
}
