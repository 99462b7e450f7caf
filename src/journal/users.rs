//! Users' profiles. Made by sign-in, as the engine; changed by the user, under the user's own rights.

use chrono::{DateTime, Utc};
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::read::ReadFailure;
use crate::{domain::ids::Wallet, journal::rows::BadRow};

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// UUIDv5 of the wallet.
    pub id: Uuid,
    /// The wallet.
    pub wallet: Wallet,
    /// 1 to 50 characters.
    pub display_name: Option<String>,
    /// 1 to 500 characters.
    pub bio: Option<String>,
    /// `https://…`, at most 500 characters.
    pub avatar_url: Option<String>,
    /// Of the first sign-in.
    pub created_at: DateTime<Utc>,
    /// Of the last change.
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, wallet::text, display_name, bio, avatar_url, created_at, updated_at";

fn user(row: &Row) -> Result<UserRow, ReadFailure> {
    let wallet: &str = row.try_get(1)?;
    let bad = |_| BadRow { table: "users", reason: format!("{wallet} is no wallet") };
    Ok(UserRow {
        id: row.try_get(0)?,
        wallet: wallet.parse().map_err(bad)?,
        display_name: row.try_get(2)?,
        bio: row.try_get(3)?,
        avatar_url: row.try_get(4)?,
        created_at: row.try_get(5)?,
        updated_at: row.try_get(6)?,
    })
}

/// The user of a wallet, made now if it is the first time.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn ensure<C: GenericClient + Sync>(client: &C, id: Uuid, wallet: Wallet) -> Result<UserRow, ReadFailure> {
    const SQL: &str = "INSERT INTO users (id, wallet) VALUES ($1, $2::text) ON CONFLICT DO NOTHING";
    client.execute(SQL, &[&id, &wallet.to_string()]).await?;
    let row = client.query_one(&format!("SELECT {COLUMNS} FROM users WHERE id = $1"), &[&id]).await?;
    user(&row)
}

/// The profile of a wallet; `None` if it never signed in.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn of_wallet<C: GenericClient + Sync>(client: &C, wallet: Wallet) -> Result<Option<UserRow>, ReadFailure> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE wallet = $1::text");
    client.query_opt(&sql, &[&wallet.to_string()]).await?.as_ref().map(user).transpose()
}

/// What is to be changed: `None` is left as it is, `Some(None)` is taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// See [`UserRow`].
    pub display_name: Option<Option<String>>,
    /// See [`UserRow`].
    pub bio: Option<Option<String>>,
    /// See [`UserRow`].
    pub avatar_url: Option<Option<String>>,
}

/// Changes the profile of who asks; `None` if there is none.
///
/// # Errors
/// See [`ReadFailure`]; a value that breaks a rule is refused by the database.
pub async fn change<C: GenericClient + Sync>(
    client: &C,
    wallet: Wallet,
    change: &ProfileChange,
) -> Result<Option<UserRow>, ReadFailure> {
    let sql = format!(
        "UPDATE users SET display_name = CASE WHEN $2 THEN $3 ELSE display_name END, \
                          bio = CASE WHEN $4 THEN $5 ELSE bio END, \
                          avatar_url = CASE WHEN $6 THEN $7 ELSE avatar_url END \
         WHERE wallet = $1::text RETURNING {COLUMNS}"
    );
    let ProfileChange { display_name, bio, avatar_url } = change;
    let parts = |part: &Option<Option<String>>| (part.is_some(), part.clone().flatten());
    let ((name_given, name), (bio_given, bio), (avatar_given, avatar)) =
        (parts(display_name), parts(bio), parts(avatar_url));
    let row = client
        .query_opt(&sql, &[&wallet.to_string(), &name_given, &name, &bio_given, &bio, &avatar_given, &avatar])
        .await?;
    row.as_ref().map(user).transpose()
}
