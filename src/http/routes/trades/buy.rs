//! POST /api/trades/buy: a purchase as a transaction for the caller's wallet to sign.
//!
//! The budget that it offers is the one found, never `max_cost`: the program pays out whatever a larger budget buys. The
//! program has no minimum of shares, so `min_shares` is held against the rehearsal, and the reply says that this is all.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    Form, Place, Size, TransactionView,
    args::{ClientRef, MarketId, OutcomeArg, PriorityFee, VersionArg},
    bound_broken, consented,
};
use crate::{
    domain::{
        amount::{Lamports, ShareUnits},
        event::ProgramEvent,
        ids::Wallet,
    },
    http::{
        auth::caller::SignedIn,
        body::Checked,
        desk::{Order, Prepared},
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
    },
    view::quote::QuoteView,
};

/// What is wanted.
#[derive(Debug, Clone, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct BuyBody {
    /// The market.
    pub market_id: MarketId,
    /// What to buy.
    pub outcome: OutcomeArg,
    /// At least so many; or `spend`.
    pub shares: Option<ShareUnits>,
    /// For at most so much, fees included; or `shares`.
    pub spend: Option<Lamports>,
    /// The most to pay, fees included; may be left out with `spend`.
    pub max_cost: Option<Lamports>,
    /// The rehearsal must bring at least so many.
    pub min_shares: Option<ShareUnits>,
    /// By default none.
    #[serde(default)]
    pub priority_fee: PriorityFee,
    /// By default 0.
    #[serde(default)]
    pub version: VersionArg,
    /// By default a new one.
    pub client_ref: Option<ClientRef>,
    /// The price can't be trusted and is accepted all the same.
    #[serde(default)]
    pub accept_unsound: bool,
}

/// What is signed, and what it will do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BuyReply {
    /// What the trade does, by the market as this process knows it.
    pub quote: QuoteView,
    /// What it did in the rehearsal on the chain's newest state.
    pub rehearsed: Rehearsed,
    /// `simulation`: `min_shares` was held against the rehearsal only, since the program knows no such bound; `null`:
    /// none was given.
    pub guard: Option<&'static str>,
    /// The transaction.
    #[serde(flatten)]
    pub transaction: TransactionView,
}

/// A trade in its rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Rehearsed {
    /// Shares bought or sold.
    pub shares: ShareUnits,
    /// Buy: paid in all. Sell: received in the end.
    pub total: Lamports,
}

impl Rehearsed {
    /// What the program told of a trade, if it told one.
    pub fn of(prepared: &Prepared) -> Option<Self> {
        prepared.events.iter().find_map(|event| match &event.event {
            ProgramEvent::SharesBought(bought) => Some(Self { shares: bought.shares, total: bought.cost }),
            ProgramEvent::SharesSold(sold) => Some(Self { shares: sold.shares, total: sold.proceeds }),
            _ => None,
        })
    }
}

/// A purchase by a wallet.
#[derive(Debug, Clone)]
pub struct Buy {
    /// Whose.
    pub wallet: Wallet,
    /// Of what.
    pub body: BuyBody,
}

impl BuyBody {
    fn size(&self) -> Result<Size, ApiError> {
        let above_zero = |field, value: u64| match value {
            0 => Err(ApiError::invalid_field(field, "Must be above 0.")),
            _ => Ok(()),
        };
        match (self.shares, self.spend) {
            (Some(shares), None) => above_zero("shares", shares.0).map(|()| Size::Shares(shares)),
            (None, Some(spend)) => above_zero("spend", spend.0).map(|()| Size::Spend(spend)),
            _ => Err(ApiError::invalid_field("shares", "One of shares and spend is needed.")),
        }
    }

    fn max_cost(&self) -> Result<Lamports, ApiError> {
        let missing = || ApiError::invalid_field("max_cost", "Is needed with shares.");
        self.max_cost.or(self.spend).ok_or_else(missing)
    }
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/trades/buy",
    tag = "trades", summary = "A purchase as a transaction for the caller's wallet to sign",
    request_body = BuyBody,
    responses(
        (status = 200, description = "A transaction to sign.", body = BuyReply),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 404, description = "NOT_FOUND"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "CHAIN_REFUSED: the program would refuse it, or a bound of the caller's is broken"),
        (status = 429, description = "RATE_LIMITED"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
    security(("bearer" = []))
)]
pub async fn handle(
    gateway: web::Data<GatewayHandle>,
    SignedIn(caller): SignedIn,
    Checked(body): Checked<BuyBody>,
) -> Result<HttpResponse, ApiError> {
    let reply = gateway.ask(Buy { wallet: caller.wallet, body }).await?;
    Ok(HttpResponse::Ok().json(reply))
}

impl Question for Buy {
    type Answer = BuyReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<BuyReply, ApiError> {
        reads.takes()?;
        let Self { wallet, body } = self;
        let (size, max_cost, outcome) = (body.size()?, body.max_cost()?, body.outcome.0);
        let place = Place::of(&reads, body.market_id.0).await?;
        let quote = place.buy(&reads, outcome, size)?;
        if quote.target_cost > max_cost {
            let message = format!("{} lamports are needed, more than max_cost.", quote.target_cost);
            return Err(bound_broken("max_cost", message));
        }
        at_least(body.min_shares, quote.shares)?;
        consented(&quote, body.accept_unsound)?;
        let desk = reads.desk()?;
        let fee_wallet = place.config.protocol_fee_wallet;
        let market = place.released.market.address;
        let instruction = desk.build().buy_shares(market, wallet, fee_wallet, outcome, quote.target_cost);
        let form = Form { version: body.version.0, priority: body.priority_fee };
        let prepared =
            desk.prepare(&Order { wallet, instruction, version: form.version, priority: form.priority.0 }).await?;
        // A rehearsal without a readable event proves nothing: then only the quote speaks.
        let unread = || ApiError::unavailable("The chain's node did not tell what the trade would do.");
        let rehearsed = Rehearsed::of(&prepared).ok_or_else(unread)?;
        at_least(body.min_shares, rehearsed.shares)?;
        Ok(BuyReply {
            quote,
            rehearsed,
            guard: body.min_shares.map(|_| "simulation"),
            transaction: TransactionView::new(&prepared, body.client_ref.map(|client_ref| client_ref.0)),
        })
    }
}

fn at_least(wanted: Option<ShareUnits>, found: ShareUnits) -> Result<(), ApiError> {
    match wanted {
        Some(wanted) if found < wanted => {
            Err(bound_broken("min_shares", format!("It brings {found} share units, fewer than min_shares.")))
        }
        _ => Ok(()),
    }
}
