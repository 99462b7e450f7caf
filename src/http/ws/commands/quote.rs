//! `quote`: what a trade would do now, as GET /api/trades/estimate tells it; with `stream` again at each change.

use serde_json::Value;

use super::{Fields, Outcome, Services};
use crate::http::{
    error::ApiError,
    gateway::Observed,
    query::QueryReader,
    routes::trades::estimate::{Asked, Estimate, EstimateAt, Quoted},
};

/// A quote stream that may begin, with its first quote.
#[derive(Debug)]
pub(in crate::http) struct Opened {
    /// What is quoted.
    pub trade: Asked,
    /// The first one.
    pub quoted: Quoted,
    /// Tells whether the market still shows the same.
    pub seen: Observed,
}

/// Answers it.
///
/// # Errors
/// As the route. Where the market is known and only the program refuses, a stream begins all the same: what is impossible
/// now may be possible after the next trade.
pub(super) async fn answer(services: &Services, mut fields: Fields) -> Result<Outcome, ApiError> {
    let is_stream = match fields.remove("stream") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_stream)) => is_stream,
        Some(_) => return Err(ApiError::invalid_field("stream", "Must be true or false.")),
    };
    let estimate = Estimate::read(QueryReader::of_fields(&fields))?;
    let (quoted, seen) = services.gateway.answer(EstimateAt(estimate)).await?;
    if is_stream {
        return Ok(Outcome::Stream(Box::new(Opened { trade: estimate.trade, quoted, seen })));
    }
    Ok(Outcome::Quote(Box::new(quoted)))
}
