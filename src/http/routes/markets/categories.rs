//! GET /api/markets/categories: what markets are about; in the shape that old front ends know.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        query::MAX_LIMIT,
        views::Views,
    },
    journal::read::listing::{self, CategoryRow},
};

struct ListCategories;

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryView {
    /// What `category=` of the list takes.
    id: String,
    name: String,
    /// Its markets.
    count: u64,
    emoji: &'static str,
    /// `up`, `down` or `flat`: its volume of 24 hours beside that of the 24 before.
    trend: &'static str,
}

impl From<&CategoryRow> for CategoryView {
    fn from(row: &CategoryRow) -> Self {
        let mut letters = row.category.chars();
        let name = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        Self {
            id: row.category.clone(),
            name,
            count: row.markets,
            emoji: emoji(&row.category),
            trend: match row.volume_24h.cmp(&row.volume_before) {
                std::cmp::Ordering::Greater => "up",
                std::cmp::Ordering::Less => "down",
                std::cmp::Ordering::Equal => "flat",
            },
        }
    }
}

fn emoji(category: &str) -> &'static str {
    match category.to_ascii_lowercase().as_str() {
        "crypto" => "🪙",
        "politics" => "🏛️",
        "sports" => "⚽",
        "economy" | "economics" | "finance" => "📈",
        "science" => "🔬",
        "technology" | "tech" => "💻",
        "entertainment" | "culture" => "🎬",
        "weather" | "climate" => "🌦️",
        "world" => "🌍",
        _ => "❓",
    }
}

/// The largest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoriesView {
    categories: Vec<CategoryView>,
}

/// The handler.
///
/// # Errors
/// What the gateway answers.
#[utoipa::path(get, path = "/api/markets/categories", tag = "markets", summary = "What markets are about",
    responses((status = 200, body = CategoriesView), (status = 304, description = "Not modified"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    views.kept(&request, gateway.ask(ListCategories)).await
}

impl Question for ListCategories {
    type Answer = CategoriesView;

    async fn answer(self, reads: Arc<Reads>) -> Result<CategoriesView, ApiError> {
        let rows = reads.read(async |tx| Ok(listing::categories(tx, MAX_LIMIT).await?)).await?;
        Ok(CategoriesView { categories: rows.iter().map(CategoryView::from).collect() })
    }
}
