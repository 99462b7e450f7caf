//! What is forged is refused, over HTTP, and leaves nothing behind: messages that were not issued or not signed so, and
//! tokens that are none of ours although they are signed with our secret. The same rules are tested one by one beside
//! `http::auth`; here the parts are together.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use solana_sdk::{signature::Keypair, signer::Signer};
use uuid::Uuid;
use zmart::{
    domain::ids::Wallet,
    http::auth::{
        siws::{Moment, SignInMessage},
        user_of,
    },
    journal::sessions::{UsedNonce, use_up},
};
use zmart_testkit::{
    engine::JWT_SECRET,
    http::Response,
    signed_in::{SignedInClient, begin, post, send, wallet_of},
    stage::Stage,
};

type Change<'a> = &'a dyn Fn(&mut SignInMessage);

async fn login(api: &str, message: &str, wallet: Wallet, signature: &str) -> Response {
    let body = json!({"message": message, "wallet": wallet, "signature": signature});
    post(api, "/api/auth/login", None, &body, &[]).await
}

async fn issued(api: &str, key: &Keypair) -> SignInMessage {
    begin(api, wallet_of(key)).await["message"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_issued_or_not_signed_so_opens_no_session() {
    let stage = Stage::set().await;
    let api = &stage.engine.api;
    let (key, other) = (Keypair::new(), Keypair::new());
    let moment = |minutes| Moment::at(Utc::now() + TimeDelta::minutes(minutes));
    // Each is signed by the wallet itself: a site in the middle can have any text signed.
    let forgeries: [(&str, Change<'_>); 14] = [
        ("another domain", &|m| m.domain = "evil.example".into()),
        ("another nonce", &|m| m.nonce = Some("0123456789abcdef0123456789abcdef".into())),
        ("no nonce", &|m| m.nonce = None),
        ("expired", &|m| m.expiration_time = Some(moment(-1))),
        ("a longer life", &|m| m.expiration_time = Some(moment(60))),
        ("no end", &|m| m.expiration_time = None),
        ("issued in the future", &|m| m.issued_at = Some(moment(2))),
        ("issued at another time", &|m| m.issued_at = Some(moment(-1))),
        ("not valid yet", &|m| m.not_before = Some(moment(2))),
        ("another address", &|m| m.address = Wallet(Keypair::new().pubkey().to_bytes())),
        ("another chain", &|m| m.chain_id = Some("mainnet".into())),
        ("another address of the site", &|m| m.uri = Some("https://evil.example".into())),
        ("another statement", &|m| m.statement = Some("Hand everything over".into())),
        ("resources", &|m| m.resources = vec!["https://evil.example".into()]),
    ];
    for (what, change) in forgeries {
        let mut message = issued(api, &key).await;
        change(&mut message);
        let text = message.to_string();
        let answer = login(api, &text, wallet_of(&key), &key.sign_message(text.as_bytes()).to_string()).await;
        assert_eq!(answer.status, 401, "{what}: {}", String::from_utf8_lossy(&answer.body));
    }

    let text = issued(api, &key).await.to_string();
    let signature = key.sign_message(text.as_bytes());
    let mut altered = <[u8; 64]>::from(signature);
    altered[40] ^= 1;
    for (what, wallet, signed) in [
        ("signed by another", wallet_of(&key), other.sign_message(text.as_bytes()).to_string()),
        ("for another wallet", wallet_of(&other), signature.to_string()),
        ("one byte altered", wallet_of(&key), bs58::encode(altered).into_string()),
        ("of another text", wallet_of(&key), key.sign_message(b"hello").to_string()),
    ] {
        assert_eq!(login(api, &text, wallet, &signed).await.status, 401, "{what}");
    }
    for altered in [text.replacen("Sign in", "sign in", 1), text.replacen("\n\n", "\n \n", 1), format!("{text} ")] {
        let status = login(api, &altered, wallet_of(&key), &signature.to_string()).await.status;
        assert!(matches!(status, 400 | 401), "an altered text: {status}");
    }
    // A key of small order has signatures that fit every message, for who is not strict.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let message = begin(api, Wallet(neutral)).await["message"].as_str().unwrap().to_owned();
    let mut universal = [0; 64];
    universal[0] = 1;
    let answer = login(api, &message, Wallet(neutral), &bs58::encode(universal).into_string()).await;
    assert_eq!(answer.status, 401, "a key of small order");

    let database = stage.database.connect().await;
    let opened = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM users)";
    assert_eq!(database.query_one(opened, &[]).await.unwrap().get::<_, i64>(0), 0);

    // The message itself is good, once, however many come with it at the same time.
    let signed = signature.to_string();
    let at_once = (0..6).map(|_| login(api, &text, wallet_of(&key), &signed));
    let statuses: Vec<u16> = futures_util::future::join_all(at_once).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert_eq!(database.query_one(opened, &[]).await.unwrap().get::<_, i64>(0), 2);

    // By the database's clock, too.
    let now = Utc::now();
    for (seconds, is_good) in [(60, true), (60, false), (-1, false)] {
        let nonce = if seconds > 0 { "good-for-once" } else { "has-expired" };
        let expires_at = now + TimeDelta::seconds(seconds);
        let used = UsedNonce { nonce, wallet: wallet_of(&key), issued_at: now, expires_at };
        assert_eq!(use_up(&database, &used).await.unwrap(), is_good, "{used:?}");
    }
}

fn sign(alg: &str, claims: &Value, secret: &str) -> String {
    let header = json!({"alg": alg, "typ": "JWT"});
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_none_of_ours_names_nobody() {
    let stage = Stage::set().await;
    let api = &stage.engine.api;
    let client = SignedInClient::new(api).await;
    let claims = claims_of(&client.token);
    // What Supabase needs is there.
    assert_eq!((claims["role"].clone(), claims["aud"].clone()), (json!("authenticated"), json!("authenticated")));
    assert_eq!(claims["sub"], json!(user_of(client.wallet())));
    let me = async |token: &str| send("GET", api, "/api/users/me", Some(token), None, &[]).await.status;
    assert_eq!(me(&sign("HS256", &claims, JWT_SECRET)).await, 200, "the forger's bench works");

    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign("HS256", &claims, JWT_SECRET)
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        sign("HS256", &claims, JWT_SECRET)
    };
    let now = DateTime::timestamp(&Utc::now());
    let key = |role: &str| {
        let claims = json!({"iss": "supabase", "ref": "abcdef", "role": role, "iat": now, "exp": now + 315_360_000});
        sign("HS256", &claims, JWT_SECRET)
    };
    let unsigned = format!("{}.", sign("none", &claims, JWT_SECRET).rsplit_once('.').unwrap().0);
    for (what, token) in [
        ("alg none", sign("none", &claims, JWT_SECRET)),
        ("alg none, no signature", unsigned),
        ("RS256 signed with the secret as if it were the public key", sign("RS256", &claims, JWT_SECRET)),
        ("another secret", sign("HS256", &claims, &JWT_SECRET.replace('0', "1"))),
        ("another issuer", with("iss", json!("https://evil.example"))),
        ("another audience", with("aud", json!("evil"))),
        ("another type", with("typ", json!("refresh"))),
        ("another user", with("sub", json!(Uuid::from_u128(1)))),
        ("another wallet", with("wallet", json!(Wallet([7; 32])))),
        ("another session", with("sid", json!(Uuid::from_u128(1)))),
        ("the engine's role", with("role", json!("zmart_engine"))),
        ("no end", without("exp")),
        ("expired", with("exp", json!(now - 60))),
        ("not valid yet", with("nbf", json!(now + 60))),
        ("Supabase's anon key", key("anon")),
        ("Supabase's service key", key("service_role")),
        ("a refresh token", client.refresh_token.clone()),
        ("nothing", String::new()),
    ] {
        assert_eq!(me(&token).await, 401, "{what}");
    }
    // A session that is another wallet's.
    let other = SignedInClient::new(api).await;
    let mut mixed = claims.clone();
    mixed["sid"] = claims_of(&other.token)["sid"].clone();
    assert_eq!(me(&sign("HS256", &mixed, JWT_SECRET)).await, 401, "a session of another wallet");
    assert_eq!(client.get("/api/users/me").await.status, 200);
}
