//! `vote`: on a proposal or a dispute, as the routes of votes take it.

use serde_json::value::RawValue;

use super::{Asker, Fields, Services, take_word};
use crate::{
    domain::tally::VoteKind,
    http::{body::read_fields, error::ApiError, idempotency::key_of_message, routes::votes::cast::Cast},
};

/// Named as `vote_update` names it.
const KINDS: [(&str, VoteKind); 2] = [("proposal", VoteKind::Proposal), ("dispute", VoteKind::Dispute)];

/// Casts it.
///
/// # Errors
/// As POST /api/votes/proposal and /api/votes/dispute.
pub(super) async fn answer(services: &Services, asker: &Asker, mut fields: Fields) -> Result<Box<RawValue>, ApiError> {
    let caller = services.caller(asker).await?;
    let key = key_of_message(&caller, "vote", &mut fields)?;
    let kind = take_word(&mut fields, "vote_type", &KINDS)?;
    let question = Cast::parse(caller, kind, read_fields(fields)?, key, services.votes.clone())?;
    services.gateway.answer(question).await?.into_data()
}
