//! The error body around handlers of every kind, and the bounds of a gateway.

use std::sync::Arc;

use actix_web::{App, HttpResponse, error::ErrorInternalServerError, http::StatusCode, middleware::from_fn, test, web};
use serde_json::Value;
use tokio::sync::Notify;

use crate::{
    actors::registry::RegistryHandle,
    http::{
        body::{Checked, bounded},
        bounds::MAX_BODY_BYTES,
        envelope::envelope,
        error::{ApiError, ErrorCode},
        gateway::{GatewayHandle, MAX_IN_FLIGHT, Question, Reads},
        pool::ReadPool,
    },
};

const SECRET: &str = "postgres://user:password@inside";

#[derive(serde::Deserialize, garde::Validate)]
#[serde(transparent)]
struct Numbers(#[garde(skip)] Vec<u64>);

async fn takes_json(Checked(Numbers(numbers)): Checked<Numbers>) -> HttpResponse {
    HttpResponse::Ok().json(numbers)
}

async fn fails() -> Result<HttpResponse, ApiError> {
    Err(ApiError::internal(SECRET))
}

async fn fails_by_itself() -> Result<HttpResponse, actix_web::Error> {
    Err(ErrorInternalServerError(SECRET))
}

#[actix_web::test]
async fn bodies_are_refused_with_a_reason_and_failures_tell_nothing_of_the_inside() {
    let app = App::new()
        .app_data(bounded())
        .route("/json", web::post().to(takes_json))
        .route("/fails", web::post().to(fails))
        .route("/fails-by-itself", web::post().to(fails_by_itself))
        .wrap(from_fn(envelope));
    let app = test::init_service(app).await;
    let json = "application/json";
    let large = format!("[{}1]", "1,".repeat(MAX_BODY_BYTES / 2));
    for (path, kind, body, code, status) in [
        ("/json", json, "[1", "VALIDATION_ERROR", 400),
        ("/json", json, "", "VALIDATION_ERROR", 400),
        ("/json", json, r#"[1,"x"]"#, "VALIDATION_ERROR", 400),
        ("/json", "text/plain", "[1]", "UNSUPPORTED_MEDIA_TYPE", 415),
        ("/json", json, large.as_str(), "PAYLOAD_TOO_LARGE", 413),
        ("/fails", json, "", "INTERNAL", 500),
        ("/fails-by-itself", json, "", "INTERNAL", 500),
    ] {
        let request = test::TestRequest::post().uri(path).insert_header(("Content-Type", kind));
        let response = test::call_service(&app, request.set_payload(body.to_owned()).to_request()).await;
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap(), "{path} {body:.20}");
        let id = response.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned();
        let text = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
        assert!(!text.contains("password"), "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&body["error"], &body["path"], &body["request_id"]), (&code.into(), &path.into(), &id.into()));
        assert_eq!(code == "VALIDATION_ERROR", body["details"][0]["field"].is_string(), "{text}");
    }
}

/// Waits until it is told to go on.
struct Waits(Arc<Notify>);

impl Question for Waits {
    type Answer = ();

    async fn answer(self, _: Arc<Reads>) -> Result<(), ApiError> {
        self.0.notified().await;
        Ok(())
    }
}

struct Panics;

impl Question for Panics {
    type Answer = ();

    async fn answer(self, _: Arc<Reads>) -> Result<(), ApiError> {
        panic!("on purpose")
    }
}

fn gateway() -> GatewayHandle {
    let nobody = "host=127.0.0.1 port=1 user=nobody".parse().unwrap();
    GatewayHandle::start(Reads::new(RegistryHandle::new(|| None, || None), ReadPool::new(nobody, 1)))
}

#[actix_web::test]
async fn a_gateway_takes_so_many_requests_and_no_more() {
    let gateway = std::rc::Rc::new(gateway());
    let gate = Arc::new(Notify::new());
    let asks: Vec<_> = (0..MAX_IN_FLIGHT)
        .map(|_| {
            let (gateway, gate) = (gateway.clone(), gate.clone());
            actix::spawn(async move { gateway.ask(Waits(gate)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    // One that is not waited for any more still holds its place until it is answered.
    asks[0].abort();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let refused = gateway.ask(Waits(gate.clone())).await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after_seconds), (ErrorCode::Unavailable, Some(1)));
    gate.notify_waiters();
    for ask in asks.into_iter().skip(1) {
        assert_eq!(ask.await.unwrap(), Ok(()));
    }
    gate.notify_one();
    assert_eq!(gateway.ask(Waits(gate)).await, Ok(()));
}

#[actix_web::test]
async fn a_gateway_that_died_is_replaced() {
    let gateway = gateway();
    assert_eq!(gateway.ask(Panics).await.unwrap_err().code, ErrorCode::Unavailable);
    let gate = Arc::new(Notify::new());
    gate.notify_one();
    assert_eq!(gateway.ask(Waits(gate)).await, Ok(()));
}
