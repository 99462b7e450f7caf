//! GET and PATCH /api/users/me: the caller's profile.

use std::sync::Arc;

use actix_web::{HttpResponse, Resource, http::header, web};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        routes::takes,
    },
    journal::{
        read::wallets,
        rows::wallets::WalletTotals,
        users::{self, ProfileChange, UserRow},
    },
    view::{user::UserView, wallet::TotalsView},
};

/// The path with its methods.
pub fn resource() -> Resource {
    takes("/api/users/me", "GET, HEAD, PATCH, OPTIONS")
        .route(web::get().to(show))
        .route(web::head().to(show))
        .route(web::patch().to(change))
}

/// What is to be changed: a field that is not there is left as it is, `null` takes it away.
#[derive(Debug, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    /// 1 to 50 characters, none of them a control character.
    #[serde(default, deserialize_with = "given")]
    #[garde(custom(is_name))]
    #[schema(min_length = 1, max_length = 50, value_type = Option<String>)]
    display_name: Option<Option<String>>,
    /// 1 to 500 characters.
    #[serde(default, deserialize_with = "given")]
    #[garde(custom(is_text))]
    #[schema(min_length = 1, max_length = 500, value_type = Option<String>)]
    bio: Option<Option<String>>,
    /// An address that begins with `https://`, at most 500 characters.
    #[serde(default, deserialize_with = "given")]
    #[garde(custom(is_picture))]
    #[schema(max_length = 500, value_type = Option<String>, pattern = "^https://")]
    avatar_url: Option<Option<String>>,
}

/// Tells `null` from a field that is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|value| Some(value.map(|text| text.trim().to_owned())))
}

fn is_within(value: &Option<Option<String>>, max: usize, fits: impl Fn(&str) -> bool, rule: &str) -> garde::Result {
    match value {
        Some(Some(text)) if !(1..=max).contains(&text.chars().count()) || !fits(text) => Err(garde::Error::new(rule)),
        _ => Ok(()),
    }
}

fn is_name(value: &Option<Option<String>>, (): &()) -> garde::Result {
    let fits = |text: &str| !text.chars().any(char::is_control);
    is_within(value, 50, fits, "Must be 1 to 50 characters, no control characters.")
}

fn is_text(value: &Option<Option<String>>, (): &()) -> garde::Result {
    is_within(value, 500, |text| !text.contains('\0'), "Must be 1 to 500 characters.")
}

fn is_picture(value: &Option<Option<String>>, (): &()) -> garde::Result {
    let fits = |text: &str| text.starts_with("https://") && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    is_within(value, 500, fits, "Must be an address that begins with https://, at most 500 characters.")
}

struct ShowProfile(Caller);
struct ChangeProfile(Caller, ProfileChange);

/// The caller's profile, and what the caller did in all.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnProfileView {
    #[serde(flatten)]
    user: UserView,
    totals: TotalsView,
}

fn private((user, totals): (UserRow, WalletTotals)) -> HttpResponse {
    let profile = OwnProfileView { user: UserView::from(user), totals: TotalsView::of(&totals) };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(profile)
}

/// The handler of GET.
///
/// # Errors
/// UNAUTHORIZED; what the gateway answers.
#[utoipa::path(
    get, path = "/api/users/me", tag = "users", summary = "The caller's profile", security(("bearer" = [])),
    responses(
        (status = 200, body = OwnProfileView),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
)]
pub async fn show(SignedIn(caller): SignedIn, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    Ok(private(gateway.ask(ShowProfile(caller)).await?))
}

/// The handler of PATCH.
///
/// # Errors
/// UNAUTHORIZED, VALIDATION_ERROR; what the gateway answers.
#[utoipa::path(
    patch, path = "/api/users/me", tag = "users", summary = "The caller's profile, changed", security(("bearer" = [])), request_body = ProfileBody,
    responses(
        (status = 200, body = OwnProfileView),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
)]
pub async fn change(
    SignedIn(caller): SignedIn,
    Checked(body): Checked<ProfileBody>,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    let ProfileBody { display_name, bio, avatar_url } = body;
    Ok(private(gateway.ask(ChangeProfile(caller, ProfileChange { display_name, bio, avatar_url })).await?))
}

/// Sign-in has made it.
fn missing() -> ApiError {
    ApiError::not_found("There is no such user.")
}

impl Question for ShowProfile {
    type Answer = (UserRow, WalletTotals);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Self(caller) = self;
        reads
            .read_for(Some(&caller), async |tx| {
                let found = users::of_wallet(&**tx, caller.wallet).await?.ok_or_else(missing)?;
                Ok((found, wallets::totals(tx, caller.wallet).await?))
            })
            .await
    }
}

impl Question for ChangeProfile {
    type Answer = (UserRow, WalletTotals);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Self(caller, change) = self;
        let changed = async |tx: &deadpool_postgres::Transaction<'_>| {
            let changed = users::change(&**tx, caller.wallet, &change).await?.ok_or_else(missing)?;
            Ok((changed, wallets::totals(tx, caller.wallet).await?))
        };
        reads.write(&caller, changed).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read;

    #[test]
    fn what_is_not_there_is_left_and_null_takes_away() {
        let body: ProfileBody = read(br#"{"display_name": " Ada ", "bio": null}"#).unwrap();
        assert_eq!(body.display_name, Some(Some("Ada".into())));
        assert_eq!(body.bio, Some(None));
        assert_eq!(body.avatar_url, None);
    }

    #[test]
    fn each_field_has_its_rule() {
        let (long, longer) = ("x".repeat(51), "x".repeat(501));
        for (field, value, taken) in [
            ("display_name", "é".repeat(50).as_str(), true),
            ("display_name", &long, false),
            ("display_name", "  ", false),
            ("display_name", "a\u{7}b", false),
            ("bio", "two\nlines", true),
            ("bio", &longer, false),
            ("bio", "a\0b", false),
            ("avatar_url", "https://example.com/a.png", true),
            ("avatar_url", "http://example.com/a.png", false),
            ("avatar_url", "javascript:alert(1)", false),
            ("avatar_url", "https://example.com/a b", false),
            ("email", "x", false),
        ] {
            let body = serde_json::json!({ field: value }).to_string();
            let outcome = read::<ProfileBody>(body.as_bytes());
            assert_eq!(outcome.is_ok(), taken, "{field} = {value:?}");
        }
    }
}
