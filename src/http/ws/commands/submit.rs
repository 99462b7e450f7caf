//! `submit`: a signed transaction, to be brought to the chain. One `client_ref` is one intent, and the same bytes are the
//! same transaction: a client that did not hear the answer says the same again.

use serde_json::value::RawValue;

use super::{Asker, Fields, Services};
use crate::http::{
    body::read_fields, error::ApiError, idempotency::key_of_message, routes::transactions::submit::Submit,
};

/// Takes it.
///
/// # Errors
/// As POST /api/transactions.
pub(super) async fn answer(services: &Services, asker: &Asker, mut fields: Fields) -> Result<Box<RawValue>, ApiError> {
    let caller = services.caller(asker).await?;
    let key = key_of_message(&caller, "submit", &mut fields)?;
    let question = Submit { caller, key, body: read_fields(fields)? };
    services.gateway.answer(question).await?.into_data()
}
