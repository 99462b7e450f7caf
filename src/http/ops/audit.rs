//! Who did what on this port: written down when it is done, and told by GET /audit.
//!
//! What this process does by itself (restarts, stops, intake, log levels) is done first, whatever PostgreSQL does: an operator
//! must be able to act while it is down. It is written down right after, within a bounded time; what could not be is logged whole,
//! as a warning. What is done in the database is written down in the same transaction (`journal::operating`).

use std::{fmt, future::Future, time::Duration};

use actix_web::{HttpRequest, HttpResponse, web};
use deadpool_postgres::Pool;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::OpsParts;
use crate::{
    http::{body::MaybeChecked, error::ApiError, pool::PoolFailure},
    journal::operator_actions::{self, Action, Noted, Operator, Outcome, PAGE_MAX, words_of},
};

/// Writing it down takes so long at most; who ordered waits meanwhile.
const NOTE_PATIENCE: Duration = Duration::from_secs(5);

/// Words of an operator: on one line, and no longer than a row takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Words<const MAX: usize>(pub String);

/// Why.
pub(super) type Reason = Words<{ operator_actions::TEXT_MAX }>;
/// Who, as they name themselves.
pub(super) type Name = Words<{ operator_actions::NAME_MAX }>;

impl<const MAX: usize> TryFrom<String> for Words<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_fit = !text.trim().is_empty() && !text.contains(char::is_control) && text.chars().count() <= MAX;
        if is_fit { Ok(Self(text)) } else { Err(format!("words, on one line, of at most {MAX} characters")) }
    }
}

/// Who says so, and why; both may be left out.
#[derive(Debug, Default, Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyBody {
    #[garde(skip)]
    reason: Option<Reason>,
    #[garde(skip)]
    by: Option<Name>,
}

impl MaybeChecked<WhyBody> {
    /// With the address that the request came from.
    pub(super) fn of(self, request: &HttpRequest) -> Operator {
        let WhyBody { reason, by } = self.0.unwrap_or_default();
        operator(request, by, reason)
    }
}

/// Who asks, by the connection: what a proxy says of others is not asked.
pub(super) fn operator(request: &HttpRequest, by: Option<Name>, reason: Option<Reason>) -> Operator {
    Operator {
        by: by.map(|Words(by)| by),
        reason: reason.map(|Words(reason)| reason),
        peer: request.peer_addr().map(|peer| peer.ip().to_string()),
    }
}

/// Does it, and writes down what came of it. In a task of its own: who orders and hangs up is written down all the same.
///
/// # Errors
/// Those of what is done; INTERNAL if it panicked.
pub(super) async fn audited<T: 'static>(
    parts: web::Data<OpsParts>,
    operator: Operator,
    action: Action,
    subject: String,
    done: impl Future<Output = Result<T, ApiError>> + 'static,
    told: impl FnOnce(&T) -> Option<String> + 'static,
) -> Result<T, ApiError> {
    let task = actix::spawn(async move {
        let came = done.await;
        let outcome = match &came {
            Ok(it) => Outcome::Done(told(it)),
            Err(error) => Outcome::Refused(error.message.to_string()),
        };
        if let Err(why) = note(&parts, &operator, action, &subject, &outcome).await {
            let who = operator.by.as_deref().or(operator.peer.as_deref()).unwrap_or("somebody");
            let reason = operator.reason.as_deref().unwrap_or("no reason given");
            let action = action.as_str();
            log::warn!("not written down ({why}): {action} {subject:?} by {who:?}, {reason:?}: {outcome:?}");
        }
        came
    });
    task.await.map_err(ApiError::internal)?
}

/// Why it is not written down, as far as is known.
#[derive(Debug)]
enum Unnoted {
    Pool(PoolFailure),
    Database(tokio_postgres::Error),
    Late,
}

impl fmt::Display for Unnoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(failure) => write!(f, "{failure}"),
            Self::Database(error) => f.write_str(&words_of(error)),
            Self::Late => write!(f, "the database did not answer in {} s", NOTE_PATIENCE.as_secs()),
        }
    }
}

async fn note(
    parts: &OpsParts,
    operator: &Operator,
    action: Action,
    subject: &str,
    outcome: &Outcome,
) -> Result<(), Unnoted> {
    let noted = timeout(NOTE_PATIENCE, async {
        let client = parts.pool.get().await.map_err(|error| Unnoted::Pool(error.into()))?;
        let noted = operator_actions::note(&**client, &parts.node, operator, action, subject, outcome).await;
        noted.map_err(Unnoted::Database)
    });
    noted.await.unwrap_or(Err(Unnoted::Late))
}

/// How many, and before which number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    limit: Option<i64>,
    before: Option<i64>,
}

#[derive(Serialize)]
struct Actions {
    actions: Vec<Noted>,
}

/// What operators did on all nodes of this database, the newest first.
///
/// # Errors
/// VALIDATION_ERROR; UNAVAILABLE, TIMEOUT.
pub async fn list(query: web::Query<AuditQuery>, pool: web::Data<Pool>) -> Result<HttpResponse, ApiError> {
    let most = query.limit.unwrap_or(100);
    if !(1..=PAGE_MAX).contains(&most) {
        return Err(ApiError::invalid_field("limit", format!("1 to {PAGE_MAX}.")));
    }
    let client = pool.get().await.map_err(PoolFailure::from)?;
    let actions = operator_actions::page(&**client, query.before, most).await?;
    Ok(HttpResponse::Ok().json(Actions { actions }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read;

    #[test]
    fn who_orders_may_say_who_they_are_and_why_in_words_on_one_line() {
        let fields = |body: &str| match read::<WhyBody>(body.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(error) => error.details.into_iter().map(|detail| detail.field.into_owned()).collect(),
        };
        assert_eq!(fields("{}"), [""; 0]);
        assert_eq!(fields(r#"{"by": "ann", "reason": "it hangs"}"#), [""; 0]);
        assert_eq!(fields(r#"{"by": " "}"#), ["by"]);
        assert_eq!(fields("{\"reason\": \"a\\nb\"}"), ["reason"]);
        assert_eq!(fields(&format!(r#"{{"by": "{}"}}"#, "é".repeat(operator_actions::NAME_MAX))), [""; 0]);
        assert_eq!(fields(&format!(r#"{{"by": "{}"}}"#, "é".repeat(operator_actions::NAME_MAX + 1))), ["by"]);
    }
}
