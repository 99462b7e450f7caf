//! Discussions: comments on a market, as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::journal::{rows::timestamp, social::Comment};

pub mod delete;
pub mod list;
pub mod post;

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommentView {
    /// The comment.
    pub id: Uuid,
    /// The market.
    pub market_id: String,
    /// Its author.
    pub user_wallet: String,
    /// What was said.
    pub content: String,
    /// When.
    pub created_at: String,
}

impl From<Comment> for CommentView {
    fn from(comment: Comment) -> Self {
        Self {
            id: comment.id,
            market_id: comment.market,
            user_wallet: comment.wallet,
            content: comment.content,
            created_at: timestamp(comment.created_at.timestamp_millis()),
        }
    }
}
