//! GET /ready: whether the process is fit for work, and which part is not, and why.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::ids::Slot,
    http::envelope::OwnBody,
    telemetry::health::{Health, LeaseStanding, Part, PartState},
};

#[derive(Serialize, ToSchema)]
struct ReadyView {
    status: &'static str,
    #[schema(value_type = BTreeMap<String, PartState>)]
    parts: BTreeMap<Part, PartState>,
    covered_slot: Slot,
    head_slot: Slot,
    lag_slots: u64,
    /// Which node leads, and what this one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseStanding>,
    /// Which node governs, and whether this one does. Absent where this node never asks for it (ROLES).
    #[serde(skip_serializing_if = "Option::is_none")]
    governance: Option<LeaseStanding>,
    /// Markets in use, and the config: the others rest in the journal.
    streams: usize,
}

/// The handler: 200 if no part is down, else 503.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "operations",
    summary = "Whether it is fit for work, and which part is not and why",
    responses((status = 200, body = ReadyView), (status = 503, body = ReadyView, description = "A part is not fit."))
)]
pub async fn handle(health: web::Data<Health>) -> HttpResponse {
    let parts = health.parts();
    let (covered_slot, head_slot) = health.coverage();
    let ready = parts.values().all(PartState::is_fit);
    let view = ReadyView {
        status: if ready { "ready" } else { "not_ready" },
        parts,
        covered_slot,
        head_slot,
        lag_slots: head_slot.0.saturating_sub(covered_slot.0),
        lease: health.lease(),
        governance: health.governance(),
        streams: health.streams(),
    };
    if ready {
        return HttpResponse::Ok().json(view);
    }
    let mut reply = HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "1")).json(view);
    reply.extensions_mut().insert(OwnBody);
    reply
}
