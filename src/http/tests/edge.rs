//! What surrounds every route: limits, CORS, security headers, compression, bounds, over real sockets.

use std::time::Duration;

use actix_web::{App, HttpResponse, middleware::from_fn, test, web};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::fakes::{World, edge, limits, market};
use crate::{
    http::{
        body::{Checked, MaybeChecked, bounded},
        bounds::{MAX_HEADERS, bounds},
        compression::MIN_BYTES,
        envelope::envelope,
    },
    telemetry::health::Part,
};

const PAGE: &str = "https://app.example";

/// Three requests a minute, and nobody is trusted.
async fn narrow(more: &[(&str, &str)]) -> World {
    let mut settings = vec![("RATE_LIMIT_ANONYMOUS", "3/h"), ("TRUSTED_CLIENTS", "none"), ("CORS_ORIGINS", PAGE)];
    settings.extend(more);
    World::behind(limits(), edge(&settings)).await
}

fn header(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.map(str::to_owned)
}

#[actix_web::test]
async fn so_many_requests_are_answered_and_the_next_is_told_when_to_come_again() {
    let world = narrow(&[]).await;
    let target = format!("/api/markets/{}", market(1));
    for remaining in ["2", "1", "0"] {
        let (status, head, _) = world.request("GET", &target, "").await;
        assert_eq!(status, 200);
        for name in ["ratelimit", "x-ratelimit"] {
            assert_eq!(header(&head, &format!("{name}-limit")).as_deref(), Some("3"), "{head}");
            assert_eq!(header(&head, &format!("{name}-remaining")).as_deref(), Some(remaining), "{head}");
            assert!(header(&head, &format!("{name}-reset")).unwrap().parse::<u64>().unwrap() <= 3_600, "{head}");
        }
    }
    let (status, head, body) = world.request("GET", &target, "").await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["error"], &body["status"]), (429, &json!("RATE_LIMITED"), &json!(429)), "{body}");
    assert_eq!(header(&head, "ratelimit-remaining").as_deref(), Some("0"), "{head}");
    let retry: u64 = header(&head, "retry-after").unwrap().parse().unwrap();
    assert!((1_000..=1_200).contains(&retry), "{head}");
    // Whatever the path: what is not there is counted too.
    assert_eq!(world.request("GET", "/nothing", "").await.0, 429);
    // What must always answer does, and a browser may still ask whether it may ask.
    for path in ["/health", "/openapi.json", "/docs/", "/docs/swagger-ui.css"] {
        let (status, head, _) = world.request("GET", path, "").await;
        assert_eq!((status, header(&head, "ratelimit-limit").as_deref()), (200, Some("3")), "{path}");
    }
    let ask = format!("Origin: {PAGE}\r\nAccess-Control-Request-Method: GET\r\n");
    assert_eq!(world.request("OPTIONS", &target, &ask).await.0, 200);
    assert_eq!(world.request("OPTIONS", &target, "").await.0, 204);
}

#[actix_web::test]
async fn who_is_not_trusted_can_not_speak_for_others() {
    let world = narrow(&[]).await;
    let claim = |n: usize| format!("X-Forwarded-For: 198.51.100.{n}\r\n");
    for n in 0..3 {
        assert_eq!(world.request("GET", "/nothing", &claim(n)).await.0, 404);
    }
    assert_eq!(world.request("GET", "/nothing", &claim(3)).await.0, 429, "one address, whatever it claims");

    let world = narrow(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    for n in 0..10 {
        assert_eq!(world.request("GET", "/nothing", &claim(n)).await.0, 404, "a proxy speaks for many");
    }
    for _ in 0..2 {
        assert_eq!(world.request("GET", "/nothing", &claim(1)).await.0, 404);
    }
    assert_eq!(world.request("GET", "/nothing", &claim(1)).await.0, 429);
    let many = "X-Forwarded-For: 9.9.9.9, 198.51.100.1\r\n";
    assert_eq!(
        world.request("GET", "/nothing", many).await.0,
        429,
        "what stands left of a client's address is its own claim"
    );
}

#[actix_web::test]
async fn a_token_that_is_no_good_is_counted_by_address() {
    let world = narrow(&[]).await;
    let bad = "Authorization: Bearer of.no.good\r\n";
    let target = format!("/api/markets/{}", market(1));
    for left in ["2", "1", "0"] {
        let (status, head, _) = world.request("GET", &target, bad).await;
        assert_eq!((status, header(&head, "ratelimit-remaining").as_deref()), (401, Some(left)), "{head}");
    }
    for more in [bad, ""] {
        let (status, head, body) = world.request("GET", &target, more).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["error"]), (429, &json!("RATE_LIMITED")), "{body}");
        assert!(header(&head, "retry-after").is_some(), "{head}");
    }
}

#[actix_web::test]
async fn trusted_clients_are_not_limited() {
    let world =
        World::behind(limits(), edge(&[("RATE_LIMIT_ANONYMOUS", "1/h"), ("TRUSTED_CLIENTS", "127.0.0.0/8")])).await;
    for _ in 0..5 {
        assert_eq!(world.request("GET", "/nothing", "").await.0, 404);
    }
}

#[actix_web::test]
async fn who_hides_behind_a_trusted_proxy_is_not_trusted_for_it() {
    let own = "127.0.0.0/8";
    let settings = [("RATE_LIMIT_ANONYMOUS", "1/h"), ("TRUSTED_CLIENTS", own), ("TRUSTED_PROXIES", own)];
    let world = World::behind(limits(), edge(&settings)).await;
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(world.request("GET", "/nothing", "X-Forwarded-For: \u{e9}\r\n").await.0);
    }
    assert_eq!(statuses, [404, 429]);
}

#[actix_web::test]
async fn every_reply_has_an_id_and_the_headers_of_limits_security_and_cors() {
    let world = World::behind(limits(), edge(&[("CORS_ORIGINS", PAGE), ("BEHIND_TLS", "true")])).await;
    let target = format!("/api/markets/{}", market(1));
    let many: String = (0..=MAX_HEADERS).map(|n| format!("X-{n}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(20_000));
    let exhausted = narrow(&[("BEHIND_TLS", "true")]).await;
    for _ in 0..3 {
        exhausted.request("GET", "/nothing", "").await;
    }
    for (world, method, path, more, status, code) in [
        (&world, "GET", target.as_str(), "", 200, None),
        (&world, "HEAD", &target, "", 200, None),
        (&world, "GET", "/docs/", "", 200, None),
        (&world, "GET", "/docs", "", 308, None),
        (&world, "GET", "/ready", "", 503, None),
        (&world, "GET", "/api/markets/x", "", 400, Some("VALIDATION_ERROR")),
        (&world, "GET", &target, many.as_str(), 400, Some("VALIDATION_ERROR")),
        (&world, "GET", &target, large.as_str(), 400, Some("VALIDATION_ERROR")),
        (&world, "GET", "/nothing", "", 404, Some("NOT_FOUND")),
        (&world, "GET", "/docs/nothing", "", 404, Some("NOT_FOUND")),
        (&world, "DELETE", &target, "", 405, Some("METHOD_NOT_ALLOWED")),
        (&world, "GET", "/health", "Content-Length: 70000\r\n", 413, Some("PAYLOAD_TOO_LARGE")),
        (&world, "GET", "/api/markets", "", 503, Some("UNAVAILABLE")),
        (&exhausted, "GET", &target, "", 429, Some("RATE_LIMITED")),
    ] {
        let (answered, head, body) = world.request(method, path, &format!("Origin: {PAGE}\r\n{more}")).await;
        assert_eq!(answered, status, "{method} {path}: {head}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
            ("access-control-allow-origin", PAGE),
        ] {
            assert_eq!(header(&head, name).as_deref(), Some(value), "{method} {path}: {head}");
        }
        assert!(header(&head, "content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{head}");
        assert!(header(&head, "ratelimit-limit").is_some() && header(&head, "x-request-id").is_some(), "{head}");
        let exposed = header(&head, "access-control-expose-headers").unwrap();
        for name in ["ratelimit-remaining", "x-ratelimit-reset", "x-request-id", "etag", "link", "retry-after"] {
            assert!(exposed.split(',').any(|own| own.trim() == name), "{name} in {exposed}");
        }
        if let Some(code) = code {
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&body["error"], &body["status"]), (&json!(code), &json!(status)), "{method} {path}: {body}");
        }
    }
}

#[actix_web::test]
async fn other_pages_are_not_let_in_and_actions_are_for_all() {
    let world = World::behind(limits(), edge(&[("CORS_ORIGINS", PAGE)])).await;
    let other = "Origin: https://other.example\r\n";
    let (status, head, _) = world.request("GET", "/nothing", other).await;
    assert_eq!((status, header(&head, "access-control-allow-origin")), (404, None), "{head}");
    let ask = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type, authorization\r\n";
    let (status, head, body) = world.request("OPTIONS", "/api/markets", &format!("{other}{ask}")).await;
    assert_eq!((status, header(&head, "access-control-allow-origin")), (400, None), "{head}");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["error"], "VALIDATION_ERROR");
    let (status, head, _) = world.request("OPTIONS", "/api/markets", &format!("Origin: {PAGE}\r\n{ask}")).await;
    assert_eq!((status, header(&head, "access-control-allow-origin").as_deref()), (200, Some(PAGE)), "{head}");
    assert!(header(&head, "access-control-allow-headers").unwrap().contains("authorization"), "{head}");
    for path in ["/actions.json", "/api/actions/markets/x"] {
        for origin in [other, ""] {
            let (_, head, _) = world.request("GET", path, origin).await;
            assert_eq!(header(&head, "access-control-allow-origin").as_deref(), Some("*"), "{path}: {head}");
        }
        let (status, head, _) = world.request("OPTIONS", path, &format!("{other}{ask}")).await;
        assert_eq!((status, header(&head, "access-control-allow-origin").as_deref()), (200, Some("*")), "{head}");
    }
}

#[actix_web::test]
async fn larger_json_is_compressed_where_the_client_takes_it() {
    let world = World::new(limits()).await;
    let (_, plain, document) = world.request("GET", "/openapi.json", "").await;
    assert!(header(&plain, "content-encoding").is_none() && document.len() as u64 > MIN_BYTES, "{plain}");
    let (status, head, body) = world.request("GET", "/openapi.json", "Accept-Encoding: gzip, br\r\n").await;
    assert_eq!((status, header(&head, "content-encoding").as_deref()), (200, Some("gzip")), "{head}");
    assert!(body.len() < document.len() / 2, "{}", body.len());
    let tag = header(&head, "etag").unwrap();
    assert!(tag.starts_with("w/") && head.contains("vary: accept-encoding"), "{head}");
    let again = format!("Accept-Encoding: gzip\r\nIf-None-Match: {}\r\n", tag.replacen("w/", "W/", 1));
    assert_eq!(world.request("GET", "/openapi.json", &again).await.0, 304);
    for refused in ["gzip;q=0", "identity", "br"] {
        let (_, head, body) = world.request("GET", "/openapi.json", &format!("Accept-Encoding: {refused}\r\n")).await;
        assert!(header(&head, "content-encoding").is_none() && body == document, "{refused}: {head}");
    }
    let (_, head, _) = world.request("GET", "/health", "Accept-Encoding: gzip\r\n").await;
    assert!(header(&head, "content-encoding").is_none(), "{head}");
}

#[derive(serde::Deserialize, garde::Validate)]
#[serde(transparent)]
struct Anything(#[garde(skip)] Value);

async fn takes(Checked(Anything(value)): Checked<Anything>) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

async fn may_take(MaybeChecked(body): MaybeChecked<Anything>) -> HttpResponse {
    HttpResponse::Ok().json(body.map(|Anything(value)| value))
}

async fn panics() -> HttpResponse {
    panic!("on purpose: postgres://user:password@inside")
}

#[actix_web::test]
async fn a_handler_that_panics_is_an_internal_error_and_nobody_else_notices() {
    let server = actix_test_server();
    let (at, handle) = server;
    let ask = |path: &'static str| super::fakes::request(at, "GET", path, "");
    let (mut waits, panic) = (Box::pin(ask("/waits")), ask("/panics"));
    // One that is being answered on the same thread goes on.
    let began = tokio::time::timeout(Duration::from_millis(100), &mut waits).await;
    assert!(began.is_err());
    let (status, head, body) = panic.await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("INTERNAL") && !text.contains("password") && head.contains("x-request-id"), "{text}");
    assert_eq!(waits.await.0, 200);
    assert_eq!(ask("/waits").await.0, 200);
    handle.stop(false).await;
}

/// One worker with a handler that panics and one that takes its time.
fn actix_test_server() -> (std::net::SocketAddr, actix_web::dev::ServerHandle) {
    let server = actix_web::HttpServer::new(|| {
        App::new()
            .app_data(bounded())
            .route("/panics", web::get().to(panics))
            .route("/takes", web::post().to(takes))
            .route("/may", web::post().to(may_take))
            .route(
                "/waits",
                web::get().to(|| async {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    HttpResponse::Ok().finish()
                }),
            )
            .wrap(from_fn(bounds))
            .wrap(from_fn(envelope))
    })
    .workers(1)
    .client_request_timeout(Duration::from_millis(500))
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let at = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (at, handle)
}

async fn answer(at: std::net::SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.expect("the connection to be closed in time").unwrap();
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn who_sends_too_slowly_is_answered_and_closed() {
    let (at, handle) = actix_test_server();
    let head = "POST /takes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let slow_body = format!("{head}Content-Length: 10\r\n\r\n[1,");
    let slow_at_leisure = slow_body.replacen("/takes", "/may", 1);
    let (part_of_head, part_of_body, part_of_what_may_be, unread) = tokio::join!(
        answer(at, "POST /takes HTTP/1.1\r\nHost:"),
        answer(at, &slow_body),
        answer(at, &slow_at_leisure),
        // A body that no handler wants.
        answer(at, "GET /waits HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n[1,"),
    );
    assert!(part_of_head.starts_with("HTTP/1.1 408"), "{part_of_head}");
    assert!(part_of_body.starts_with("HTTP/1.1 504") && part_of_body.contains("TIMEOUT"), "{part_of_body}");
    assert!(part_of_what_may_be.starts_with("HTTP/1.1 504"), "{part_of_what_may_be}");
    assert!(unread.starts_with("HTTP/1.1 200"), "{unread}");
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_body_that_may_be_left_out_is_read_as_any_other_where_there_is_one() {
    let app = App::new().app_data(bounded()).route("/may", web::post().to(may_take)).wrap(from_fn(envelope));
    let app = test::init_service(app).await;
    for (kind, body, status) in [
        ("text/plain", "", 200),
        ("application/json", "", 200),
        ("application/json", "[1]", 200),
        ("application/json", "[1", 400),
        ("text/plain", "[1]", 415),
    ] {
        let request = test::TestRequest::post().uri("/may").insert_header(("Content-Type", kind)).set_payload(body);
        assert_eq!(test::call_service(&app, request.to_request()).await.status(), status, "{kind}, {body:?}");
    }
}

#[actix_web::test]
async fn a_body_of_unknown_length_is_bounded_too() {
    let app = App::new().app_data(bounded()).route("/takes", web::post().to(takes)).wrap(from_fn(envelope));
    let app = test::init_service(app).await;
    let body = format!("\"{}\"", "x".repeat(70_000));
    let request = test::TestRequest::post().uri("/takes").insert_header(("Content-Type", "application/json"));
    let response = test::call_service(&app, request.set_payload(body).to_request()).await;
    assert_eq!(response.status(), 413);
}

#[actix_web::test]
async fn readiness_names_redis_and_does_not_turn_down_without_it() {
    let world = World::new(limits()).await;
    world.all_up();
    let (status, body) = world.get("/ready").await;
    assert_eq!((status, &body["parts"]["redis"]["status"]), (200, &json!("off")), "{body}");
    world.health.degraded(Part::Redis, "away");
    let (status, body) = world.get("/ready").await;
    assert_eq!((status, &body["parts"]["redis"]), (200, &json!({"status": "degraded", "reason": "away"})), "{body}");
}
