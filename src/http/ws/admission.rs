//! Who may connect: pages of which origins, how many connections of an address, how many in all.
//!
//! One for the process, whatever its workers. A connection holds a [`Permit`] for as long as its socket is open; giving it
//! back is dropping it. Addresses are told as REST tells them, behind trusted proxies only; clients that REST does not
//! limit are not limited here.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::http::{
    descriptors,
    error::{ApiError, ErrorCode},
    limits::LimitSettings,
    per_address::{PerAddress, Place},
};

/// How long who found no room is to wait.
const RETRY_AFTER_SECONDS: u32 = 10;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketSettings {
    /// Of one address (IPv6: a /64); `u32::MAX` is any number.
    pub per_address: u32,
    /// In the process; `None`: as many as it may have descriptors, with some left for the rest.
    pub in_all: Option<u32>,
}

/// Who may connect.
#[derive(Debug)]
pub struct Admission {
    origins: Vec<String>,
    /// Where this node serves pages of its own.
    pages_port: Option<u16>,
    limits: LimitSettings,
    in_all: u32,
    count: AtomicU32,
    addresses: Arc<PerAddress>,
}

/// The right to a connection.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    /// Its address's, where that is counted; given back with it.
    _place: Option<Place>,
}

/// Let in, or told to leave when it is in.
#[derive(Debug)]
pub struct Admitted {
    /// For as long as the socket is open.
    pub permit: Permit,
    /// Its address has as many as it may have already.
    pub is_one_too_many: bool,
}

impl Admission {
    /// Nobody is in. Raises the process' limit of open descriptors as far as it may.
    /// Pages of `origins` may connect, and those that this node serves itself at `pages_port`.
    pub fn new(
        settings: SocketSettings,
        limits: &LimitSettings,
        origins: &[String],
        pages_port: Option<u16>,
    ) -> Arc<Self> {
        Arc::new(Self {
            origins: origins.to_vec(),
            pages_port,
            limits: limits.clone(),
            in_all: settings.in_all.unwrap_or_else(descriptors::for_sockets),
            count: AtomicU32::new(0),
            addresses: PerAddress::new(settings.per_address),
        })
    }

    /// A connection that shall be upgraded.
    ///
    /// # Errors
    /// FORBIDDEN for a page of another origin, UNAVAILABLE where there is no room.
    pub fn admit(self: &Arc<Self>, peer: IpAddr, headers: &HeaderMap) -> Result<Admitted, ApiError> {
        // Only browsers send it, and they always do: what is no browser has no cookies and no page to be misled by.
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let is_known = |origin: &HeaderValue| {
            let is_listed = self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes());
            is_listed || self.pages_port.is_some_and(|port| is_own_page(origin, host, port))
        };
        if !headers.get_all(header::ORIGIN).all(is_known) {
            return Err(ApiError::new(ErrorCode::Forbidden, "Pages of this origin may not connect."));
        }
        let room = |count: u32| (count < self.in_all).then_some(count + 1);
        if self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            let mut error = ApiError::new(ErrorCode::Unavailable, "There is no room for another connection.");
            error.retry_after_seconds = Some(RETRY_AFTER_SECONDS);
            return Err(error);
        }
        let permit = |place| Permit { admission: Arc::clone(self), _place: place };
        let (address, is_trusted) = self.limits.origin(peer, headers);
        if is_trusted {
            return Ok(Admitted { permit: permit(None), is_one_too_many: false });
        }
        let place = self.addresses.take(address);
        Ok(Admitted { is_one_too_many: place.is_none(), permit: permit(place) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A page that was had from the host that is asked: by the port of pages, or, where a proxy shows both under one address, by
/// the same port. (A name that somebody else points to this host gets him no more than asking from his own machine: there
/// are no cookies.)
fn is_own_page(origin: &HeaderValue, host: Option<&str>, pages_port: u16) -> bool {
    let origin = origin.to_str().ok();
    let page = origin.and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")));
    let (Some(page), Some(host)) = (page, host) else { return false };
    let ((page_name, page_port), (name, port)) = (name_and_port(page), name_and_port(host));
    !name.is_empty()
        && page_name.eq_ignore_ascii_case(name)
        && (page_port == port || page_port.unwrap_or("80").parse() == Ok(pages_port))
}

/// `name:port`, where the name may be an IPv6 address in brackets.
fn name_and_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::http::edge::EdgeSettings;

    fn admission(per_address: u32, in_all: u32, proxies: &str, trusted: &str) -> Arc<Admission> {
        let mut limits = EdgeSettings::open().limits;
        (limits.is_on, limits.proxies, limits.trusted) = (true, proxies.parse().unwrap(), trusted.parse().unwrap());
        let settings = SocketSettings { per_address, in_all: Some(in_all) };
        Admission::new(settings, &limits, &["https://app.example".to_owned()], Some(4000))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse().unwrap(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn pages_of_known_origins_and_what_is_no_page_may_connect() {
        let admission = admission(10, 10, "", "");
        let code = |pairs: &[_]| admission.admit([192, 0, 2, 1].into(), &headers(pairs)).map_err(|error| error.code);
        assert!(code(&[]).is_ok());
        assert!(code(&[("origin", "https://app.example")]).is_ok());
        for bad in ["null", "https://evil.example", "http://app.example", "https://app.example.evil", "", "*"] {
            assert_eq!(code(&[("origin", bad)]).unwrap_err(), ErrorCode::Forbidden, "{bad}");
        }
        let two = [("origin", "https://app.example"), ("origin", "https://evil.example")];
        assert_eq!(code(&two).unwrap_err(), ErrorCode::Forbidden);
    }

    #[test]
    fn pages_of_this_node_may_connect_directly_and_behind_a_proxy() {
        let admission = admission(10, 10, "", "");
        let is_let_in = |origin: &'static str, host: &'static str| {
            admission.admit([192, 0, 2, 1].into(), &headers(&[("origin", origin), ("host", host)])).is_ok()
        };
        for (origin, host) in [
            ("http://127.0.0.1:4000", "127.0.0.1:4001"),
            ("http://localhost:4000", "LOCALHOST:4001"),
            ("http://[::1]:4000", "[::1]:4001"),
            ("https://console.example", "console.example"),
            ("https://console.example:8443", "console.example:8443"),
        ] {
            assert!(is_let_in(origin, host), "{origin} at {host}");
        }
        for (origin, host) in [
            ("http://evil.example:4000", "127.0.0.1:4001"),
            ("http://127.0.0.1:4002", "127.0.0.1:4001"),
            ("http://127.0.0.1", "127.0.0.1:4001"),
            ("http://127.0.0.1.evil.example:4000", "127.0.0.1:4001"),
            ("file://127.0.0.1:4000", "127.0.0.1:4001"),
            ("http://", ""),
            ("null", "null"),
        ] {
            assert!(!is_let_in(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn connections_of_an_address_are_bounded_and_given_back() {
        let admission = admission(2, 100, "10.0.0.0/8", "198.51.100.1");
        let admit = |peer: &str, forwarded: &[_]| admission.admit(peer.parse().unwrap(), &headers(forwarded)).unwrap();
        let mut held: Vec<_> = (0..2).map(|_| admit("192.0.2.1", &[])).collect();
        assert!(held.iter().all(|admitted| !admitted.is_one_too_many));
        assert!(admit("192.0.2.1", &[]).is_one_too_many);
        assert!(!admit("192.0.2.2", &[]).is_one_too_many, "another address");
        let behind = [("x-forwarded-for", "192.0.2.1")];
        assert!(admit("10.0.0.1", &behind).is_one_too_many, "the same, behind a proxy that is trusted");
        assert!(!admit("192.0.2.9", &behind).is_one_too_many, "a claim of nobody that is trusted");
        held.pop();
        assert!(!admit("192.0.2.1", &[]).is_one_too_many);
        let trusted: Vec<_> = (0..5).map(|_| admit("198.51.100.1", &[])).collect();
        assert!(trusted.iter().all(|admitted| !admitted.is_one_too_many));
        drop((held, trusted));
        assert_eq!((admission.count.load(Ordering::Relaxed), admission.addresses.addresses()), (0, 0));
    }

    #[test]
    fn connections_of_the_process_are_bounded_and_who_finds_no_room_is_told_when_to_come_again() {
        let admission = admission(10, 3, "", "0.0.0.0/0");
        let admit = || admission.admit([192, 0, 2, 1].into(), &HeaderMap::new());
        let mut held: Vec<_> = (0..3).map(|_| admit().unwrap()).collect();
        let error = admit().unwrap_err();
        assert_eq!((error.code, error.retry_after_seconds), (ErrorCode::Unavailable, Some(RETRY_AFTER_SECONDS)));
        held.pop();
        assert!(admit().is_ok());
    }
}
