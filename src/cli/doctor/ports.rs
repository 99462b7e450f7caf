//! The ports: free, or held by the engine that runs here already?
//!
//! Binds each for a moment, and asks who holds those that can't be bound. Beside a running engine all are its own, and well.

use std::{
    io,
    net::{IpAddr, TcpListener},
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::redirect::Policy;
use serde::Deserialize;
use tokio::time::timeout;

use super::finding::Finding;
use crate::config::Config;

/// Who holds a port answers `/health` within so long: it does at once, whatever else it is busy with.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// A port of the engine.
struct Port<'a> {
    check: &'static str,
    /// Who answers there.
    service: &'static str,
    host: &'a str,
    port: u16,
    /// How another one is chosen.
    setting: &'static str,
}

/// Those that this node has.
pub async fn look(config: &Config) -> Vec<Finding> {
    let (server, roles) = (&config.server, &config.node.roles);
    let own = [
        (roles.api, "api port", "api-gateway", &server.host, server.api_port, "API_PORT"),
        (roles.ws, "ws port", "websocket-server", &server.host, server.ws_port, "WS_PORT"),
        (roles.indexer, "indexer port", "event-indexer", &server.host, server.indexer_port, "INDEXER_PORT"),
        (config.ops.is_served, "ops port", "ops", &config.ops.bind, config.ops.port, "OPS_PORT"),
    ];
    let own = own.into_iter().filter(|(is_here, ..)| *is_here);
    join_all(own.map(|(_, check, service, host, port, setting)| one(Port { check, service, host, port, setting })))
        .await
}

async fn one(port: Port<'_>) -> Finding {
    let Port { check, host, port: number, setting, .. } = port;
    if number == 0 {
        return Finding::ok(check, "any that is free");
    }
    let place = format!("{host}:{number}");
    match TcpListener::bind((host, number)).map_err(|error| error.kind()) {
        Ok(_) => Finding::ok(check, format!("{place} is free")),
        Err(io::ErrorKind::AddrInUse) => held(&port, &place).await,
        Err(io::ErrorKind::PermissionDenied) => {
            let advice = format!("choose another ({setting}), and lead that port to it (deploy/nginx)");
            Finding::failed(check, format!("{place} may not be bound by this user"), advice)
        }
        Err(kind) => {
            let advice = format!("name an address of this machine (API_HOST, OPS_BIND), or another port ({setting})");
            Finding::failed(check, format!("{place} can't be bound: {kind}"), advice)
        }
    }
}

/// What `/health` tells.
#[derive(Deserialize)]
struct Health {
    service: String,
    version: String,
    uptime: u64,
}

async fn held(port: &Port<'_>, place: &str) -> Finding {
    let Port { check, service, host, port: number, setting } = port;
    let elsewhere =
        format!("end what listens there (ss -ltnp 'sport = :{number}' names it), or choose another ({setting})");
    match timeout(ANSWERS_WITHIN, ask(&url(host, *number))).await.ok().flatten() {
        Some(told) if told.service == *service => {
            let Health { version, uptime, .. } = told;
            Finding::ok(check, format!("{place} is held by the zmart that runs here ({version}, up {uptime} s)"))
        }
        Some(told) => Finding::failed(check, format!("{place} is held by a zmart's {}", told.service), elsewhere),
        None => Finding::failed(check, format!("{place} is held by something else than zmart"), elsewhere),
    }
}

/// Where who is bound to that host is asked: all addresses are also this machine's own.
fn url(host: &str, port: u16) -> String {
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    };
    format!("http://{host}:{port}/health")
}

/// `None`: it is no answer of ours.
async fn ask(url: &str) -> Option<Health> {
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().ok()?;
    let mut answer = client.get(url).send().await.ok()?;
    if !answer.status().is_success() || answer.content_length().is_some_and(|length| length > ANSWER_BYTES_MAX) {
        return None;
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > ANSWER_BYTES_MAX {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{super::finding::State, *};

    /// Answers once with that body, or hangs up.
    fn holder(body: Option<&'static str>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let Some(body) = body else { return };
            let _ = stream.read(&mut [0; 1_024]);
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        });
        port
    }

    async fn found(port: u16) -> Finding {
        one(Port { check: "api port", service: "api-gateway", host: "127.0.0.1", port, setting: "API_PORT" }).await
    }

    #[tokio::test]
    async fn a_port_that_is_free_or_the_engines_own_is_well_and_one_that_others_hold_is_not() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!((found(0).await.state, found(free).await.state), (State::Ok, State::Ok));
        for (body, state, words) in [
            (
                Some(r#"{"service":"api-gateway","version":"1","uptime":7}"#),
                State::Ok,
                "zmart that runs here (1, up 7 s)",
            ),
            (Some(r#"{"service":"ops","version":"1","uptime":7}"#), State::Failed, "a zmart's ops"),
            (Some("<html>"), State::Failed, "something else"),
            (None, State::Failed, "something else"),
        ] {
            let finding = found(holder(body)).await;
            assert!(finding.state == state && finding.detail.contains(words), "{body:?}: {finding}");
            assert_eq!(finding.advice.is_some_and(|advice| advice.contains("API_PORT")), state == State::Failed);
        }
    }

    #[tokio::test]
    async fn an_address_of_another_machine_can_not_be_bound() {
        let port = Port { check: "ops port", service: "ops", host: "192.0.2.1", port: 4_003, setting: "OPS_PORT" };
        let finding = one(port).await;
        assert!(finding.state == State::Failed && finding.detail.contains("can't be bound"), "{finding}");
    }

    #[test]
    fn who_is_bound_to_all_addresses_is_asked_at_this_machines_own() {
        assert_eq!(url("0.0.0.0", 4_000), "http://127.0.0.1:4000/health");
        assert_eq!(url("::", 4_000), "http://[::1]:4000/health");
        assert_eq!(url("fd00::1", 4_000), "http://[fd00::1]:4000/health");
        assert_eq!(url("localhost", 4_000), "http://localhost:4000/health");
    }
}
