//! A request that is sent again has its effect once, whatever its outcome was.

use actix_web::http::StatusCode;
use deadpool_postgres::Transaction;
use zmart::{
    http::{
        error::{ApiError, ErrorCode},
        gateway::Reads,
        idempotency::Reply,
    },
    journal::idempotency::RequestKey,
};

use super::{caller, market, prepared, reads};

fn key(wallet: u8, key: &str, body: u8) -> RequestKey {
    RequestKey { wallet: caller(wallet).wallet, route: "POST /api/x".into(), key: key.into(), body_hash: [body; 32] }
}

/// Says something in a market, and answers `outcome`.
async fn comment(
    reads: &Reads,
    key: &RequestKey,
    wallet: u8,
    market: &str,
    outcome: Result<&str, ErrorCode>,
) -> Result<Reply, ApiError> {
    let effect = async |tx: &Transaction<'_>| {
        tx.execute("INSERT INTO discussions (market, content) VALUES ($1::text, 'x')", &[&market]).await?;
        match outcome {
            Ok(body) => Reply::json(StatusCode::CREATED, &body),
            Err(code) => Err(ApiError::new(code, "refused")),
        }
    };
    reads.write_once(&caller(wallet), Some(key), effect).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_has_its_effect_once_and_gets_the_first_reply() {
    let (database, pool) = prepared(2).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    let said = async || -> i64 {
        database.connect().await.query_one("SELECT count(*) FROM discussions", &[]).await.unwrap().get(0)
    };
    let first = comment(&reads, &key(1, "a", 0), 1, &market, Ok("first")).await.unwrap();
    assert_eq!((first.status, first.body.as_str(), first.is_replayed), (StatusCode::CREATED, "\"first\"", false));
    // Also before anything else is looked at.
    let early = reads.replayed(Some(&key(1, "a", 0))).await.unwrap().unwrap();
    assert_eq!((early.status, early.body.as_str(), early.is_replayed), (StatusCode::CREATED, "\"first\"", true));
    assert_eq!(reads.replayed(Some(&key(1, "a", 1))).await.unwrap_err().code, ErrorCode::IdempotencyMismatch);
    assert_eq!(reads.replayed(Some(&key(1, "b", 0))).await.unwrap(), None);
    assert_eq!(reads.replayed(None).await.unwrap(), None);
    let again = comment(&reads, &key(1, "a", 0), 1, &market, Ok("second")).await.unwrap();
    assert_eq!((again.status, again.body.as_str(), again.is_replayed), (StatusCode::CREATED, "\"first\"", true));
    assert_eq!(said().await, 1);

    let other = comment(&reads, &key(1, "a", 1), 1, &market, Ok("x")).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::IdempotencyMismatch);
    assert_eq!(said().await, 1);

    // Another wallet's key of the same name is another key.
    comment(&reads, &key(2, "a", 1), 2, &market, Ok("x")).await.unwrap();
    assert_eq!(said().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_kept_without_its_effect_and_a_failure_is_not_kept() {
    let (database, pool) = prepared(2).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    for code in [ErrorCode::Conflict, ErrorCode::ChainRefused] {
        let key = key(1, &format!("{code:?}"), 0);
        assert_eq!(comment(&reads, &key, 1, &market, Err(code)).await.unwrap_err().code, code);
        let again = comment(&reads, &key, 1, &market, Ok("x")).await.unwrap_err();
        assert_eq!((again.code, again.message.as_ref()), (code, "refused"));
    }
    // So is what the database itself refuses, in the middle of the effect.
    let refused = key(1, "b", 0);
    let effect = async |tx: &Transaction<'_>| {
        tx.execute("DELETE FROM trades", &[]).await?;
        Reply::json(StatusCode::OK, &"x")
    };
    let error = reads.write_once(&caller(1), Some(&refused), effect).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Forbidden);
    assert_eq!(comment(&reads, &refused, 1, &market, Ok("x")).await.unwrap_err().code, ErrorCode::Forbidden);
    let count = "SELECT count(*) FROM discussions";
    assert_eq!(database.connect().await.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);

    for code in [ErrorCode::Unauthorized, ErrorCode::RateLimited, ErrorCode::Internal, ErrorCode::Unavailable] {
        let key = key(1, &format!("{code:?}"), 0);
        assert_eq!(comment(&reads, &key, 1, &market, Err(code)).await.unwrap_err().code, code);
        comment(&reads, &key, 1, &market, Ok("x")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_first_request_is_worked_on_the_second_is_told_so_at_once() {
    let (database, pool) = prepared(2).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    let (begun, wait) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let key = key(1, "a", 0);
    let slow = async |_: &Transaction<'_>| {
        begun.send(()).unwrap();
        ended.await.unwrap();
        Reply::json(StatusCode::OK, &"first")
    };
    let one = caller(1);
    let second = async {
        wait.await.unwrap();
        let told = comment(&reads, &key, 1, &market, Ok("second")).await;
        end.send(()).unwrap();
        told
    };
    let (first, second) = tokio::join!(reads.write_once(&one, Some(&key), slow), second);
    assert_eq!(first.unwrap().body, "\"first\"");
    assert_eq!(second.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(comment(&reads, &key, 1, &market, Ok("third")).await.unwrap().body, "\"first\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_kept_for_a_day() {
    let (database, pool) = prepared(1).await;
    let (reads, market) = (reads(&pool), market(&database, 9, 0).await.to_string());
    let key = key(1, "a", 0);
    comment(&reads, &key, 1, &market, Ok("first")).await.unwrap();
    let older = "UPDATE idempotency_keys SET created_at = created_at - interval '24 hours 1 second'";
    database.connect().await.batch_execute(older).await.unwrap();
    assert_eq!(comment(&reads, &key, 1, &market, Ok("second")).await.unwrap().body, "\"second\"");
    assert_eq!(comment(&reads, &key, 1, &market, Ok("third")).await.unwrap().body, "\"second\"");
}
