//! Which tokens are taken: ours, unaltered, within their time, and no others, whoever signed them with the same secret.

use actix_web::test::TestRequest;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use super::*;
use crate::http::auth::siws::Site;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn tokens() -> Tokens {
    let site = Site { domain: "x".into(), uri: "https://x".into(), chain: "devnet".into() };
    Tokens::new(&AuthSettings { secret: SECRET.parse().unwrap(), site }).unwrap()
}

fn sign(header: &Value, claims: &str, secret: &[u8]) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let text = format!("{}.{}", part(&header.to_string()), part(claims));
    let signature = if header["alg"] == "HS512" {
        let mut mac = Hmac::<Sha512>::new_from_slice(secret).unwrap();
        mac.update(text.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    } else {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(text.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    };
    format!("{text}.{signature}")
}

fn claims() -> Value {
    let wallet = Wallet([7; 32]);
    let now = Utc::now().timestamp();
    json!({
        "sub": user_of(wallet), "wallet": wallet, "sid": Uuid::from_u128(5), "role": "authenticated",
        "aud": "authenticated", "iss": "https://x", "jti": Uuid::from_u128(6), "typ": "zmart-access",
        "iat": now, "nbf": now, "exp": now + 3_600,
    })
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

async fn caller(authorization: &str) -> Result<Option<Caller>, ApiError> {
    let request = TestRequest::get().insert_header((header::AUTHORIZATION, authorization));
    tokens().caller(&mut request.to_srv_request()).await
}

/// By a request and by a message alike: both ways know the same tokens.
async fn is_taken(token: &str) -> bool {
    let by_request = caller(&format!("Bearer {token}")).await.ok().flatten();
    assert_eq!(tokens().presented(token).ok(), by_request, "{token}");
    by_request.is_some()
}

#[actix_web::test]
async fn our_own_token_names_its_caller() {
    let (wallet, session) = (Wallet([7; 32]), Uuid::from_u128(5));
    let token = tokens().access(wallet, session).unwrap();
    for scheme in ["Bearer", "bearer"] {
        let caller = caller(&format!("{scheme} {}", token.text)).await.unwrap().unwrap();
        assert_eq!((caller.wallet, caller.session, caller.user), (wallet, session, user_of(wallet)));
        assert_eq!(caller.expires_at_unix, token.expires_at.timestamp());
    }
    assert!(is_taken(&sign(&header(), &claims().to_string(), SECRET.as_bytes())).await, "the forger's bench works");
}

#[actix_web::test]
async fn a_claim_that_is_not_ours_is_refused() {
    let now = Utc::now().timestamp();
    let cases = [
        ("typ", json!("refresh")),
        ("typ", Value::Null),
        ("iss", json!("https://y")),
        ("iss", json!("supabase")),
        ("aud", json!("y")),
        ("aud", json!(["authenticated"])),
        ("role", json!("service_role")),
        ("role", json!("anon")),
        ("role", json!("zmart_engine")),
        ("sub", json!(Uuid::from_u128(1))),
        ("wallet", json!(Wallet([8; 32]))),
        ("wallet", json!("x'; DROP TABLE users; --")),
        ("sid", json!("x")),
        ("jti", Value::Null),
        ("exp", json!(now - SKEW_SECONDS - 1)),
        ("exp", Value::Null),
        ("exp", json!(now + 3_601)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(1e300)),
        ("nbf", json!(now + SKEW_SECONDS + 2)),
        ("nbf", json!(i64::MIN)),
        ("iat", json!(now + SKEW_SECONDS + 2)),
        ("iat", json!(i64::MIN)),
        ("iat", Value::Null),
    ];
    for (name, value) in cases {
        let mut claims = claims();
        claims[name] = value.clone();
        assert!(!is_taken(&sign(&header(), &claims.to_string(), SECRET.as_bytes())).await, "{name} = {value}");
        claims.as_object_mut().unwrap().remove(name);
        assert!(!is_taken(&sign(&header(), &claims.to_string(), SECRET.as_bytes())).await, "no {name}");
    }
    let twice = claims().to_string().replacen('{', &format!("{{\"exp\":{},", now + 10), 1);
    assert!(!is_taken(&sign(&header(), &twice, SECRET.as_bytes())).await, "a claim that is there twice");
}

#[actix_web::test]
async fn supabases_own_tokens_of_the_same_secret_are_refused() {
    let now = Utc::now().timestamp();
    for role in ["anon", "service_role"] {
        let key = json!({"role": role, "iss": "supabase", "ref": "abcdef", "iat": now, "exp": now + 3_600});
        assert!(!is_taken(&sign(&header(), &key.to_string(), SECRET.as_bytes())).await, "{role}");
    }
    let user = json!({
        "sub": Uuid::from_u128(1), "role": "authenticated", "aud": "authenticated", "email": "x@example.com",
        "iss": "https://abcdef.supabase.co/auth/v1", "session_id": Uuid::from_u128(2), "iat": now, "exp": now + 3_600,
    });
    assert!(!is_taken(&sign(&header(), &user.to_string(), SECRET.as_bytes())).await);
}

#[actix_web::test]
async fn only_one_algorithm_and_one_secret_are_taken() {
    let text = claims().to_string();
    for alg in ["none", "None", "HS512", "RS256", "ES256", "EdDSA", "hs256", ""] {
        let header = json!({"alg": alg, "typ": "JWT"});
        assert!(!is_taken(&sign(&header, &text, SECRET.as_bytes())).await, "{alg}");
    }
    for header in [
        json!({"alg": "HS256"}),
        json!({"alg": "HS256", "typ": "at+jwt"}),
        json!({"alg": "HS256", "typ": "JWT", "crit": ["exp"]}),
        json!({"alg": "HS256", "typ": "JWT", "cty": "JWT"}),
        json!({"alg": "HS256", "typ": "JWT", "kid": "../../dev/null"}),
        json!({"alg": "HS256", "typ": "JWT", "jku": "https://evil.example"}),
    ] {
        assert!(!is_taken(&sign(&header, &text, SECRET.as_bytes())).await, "{header}");
    }
    for secret in ["", "0123456789abcdef0123456789abcdee"] {
        assert!(!is_taken(&sign(&header(), &text, secret.as_bytes())).await);
    }
}

#[actix_web::test]
async fn every_altered_character_is_noticed() {
    let token = sign(&header(), &claims().to_string(), SECRET.as_bytes());
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(!is_taken(std::str::from_utf8(&altered).unwrap()).await, "character {at}");
        assert!(!is_taken(&token[..at]).await, "{at} characters");
    }
    let unsigned = token.rsplit_once('.').unwrap().0;
    for text in [unsigned, &format!("{unsigned}."), &format!("{token}."), &format!("{token}.x"), &format!("{token}=")] {
        assert!(!is_taken(text).await, "{text}");
    }
}

#[actix_web::test]
async fn a_token_comes_by_the_one_header_only() {
    let token = tokens().access(Wallet([7; 32]), Uuid::from_u128(5)).unwrap().text;
    for value in ["", "Bearer", "Bearer ", &format!("Basic {token}"), &format!("Bearer  {token}"), &token, "Bearer x y"]
    {
        assert!(caller(value).await.is_err(), "{value:?}");
    }
    let elsewhere = [
        TestRequest::get().insert_header((INTERNAL, token.as_str())),
        TestRequest::get().cookie(actix_web::cookie::Cookie::new("access_token", token.as_str())),
        TestRequest::with_uri(&format!("/?access_token={token}&{INTERNAL}={token}")),
    ];
    for request in elsewhere {
        assert_eq!(tokens().caller(&mut request.to_srv_request()).await, Ok(None));
    }
    let twice = TestRequest::get()
        .append_header((header::AUTHORIZATION, format!("Bearer {token}")))
        .append_header((header::AUTHORIZATION, "Bearer x"));
    assert!(tokens().caller(&mut twice.to_srv_request()).await.is_err());
}
