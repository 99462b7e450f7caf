//! DELETE /api/discussions/{id}: the author takes a comment back. It stays in the journal, whose frames tell both.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use uuid::Uuid;

use crate::{
    http::{
        auth::caller::{Caller, SignedIn},
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
    },
    journal::social,
};

struct Delete {
    caller: Caller,
    id: Uuid,
}

/// Others' comments are not found, and neither are deleted ones.
///
/// # Errors
/// UNAUTHORIZED, NOT_FOUND; what the gateway answers.
#[utoipa::path(delete, path = "/api/discussions/{market}", tag = "discussions", summary = "The author takes a comment back", security(("bearer" = [])),
    params(("market" = Uuid, Path, description = "Here the comment's id: the path is shared with a market's comments.")),
    responses(
        (status = 204, description = "It is deleted."), (status = 401, description = "Not signed in."),
        (status = 404, description = "The caller has no such comment."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn handle(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    // The path is shared with a market's comments, and so is the name of its part.
    let text = request.match_info().get("market").unwrap_or_default();
    let id = text.parse().map_err(|_| nothing())?;
    gateway.ask(Delete { caller, id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn nothing() -> ApiError {
    ApiError::not_found("You have no such comment.")
}

impl Question for Delete {
    type Answer = ();

    async fn answer(self, reads: Arc<Reads>) -> Result<(), ApiError> {
        let id = self.id;
        let deleted = reads.write(&self.caller, async |tx| Ok(social::delete_comment(&**tx, id).await?)).await?;
        if deleted { Ok(()) } else { Err(nothing()) }
    }
}
