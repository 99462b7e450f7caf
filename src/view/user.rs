//! A user, as the API shows one.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::ids::Wallet,
    journal::{rows::timestamp, users::UserRow},
};

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserView {
    /// UUIDv5 of the wallet.
    pub id: Uuid,
    /// The wallet.
    pub wallet: Wallet,
    /// As the user wishes to be called.
    pub display_name: Option<String>,
    /// What the user says of himself or herself.
    pub bio: Option<String>,
    /// A picture's address.
    pub avatar_url: Option<String>,
    /// Of the first sign-in.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Of the last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            wallet: row.wallet,
            display_name: row.display_name,
            bio: row.bio,
            avatar_url: row.avatar_url,
            created_at: timestamp(row.created_at.timestamp_millis()),
            updated_at: timestamp(row.updated_at.timestamp_millis()),
        }
    }
}
