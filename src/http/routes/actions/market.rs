//! GET and POST /api/actions/markets/{market}: a market as an Action, and a purchase of it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{ok, origin, refused};
use crate::{
    domain::{
        amount::Lamports,
        event::Outcome,
        ids::{MarketAddress, Wallet},
        metadata::MarketMetadata,
        phase::Phase,
    },
    http::{
        auth::AuthSettings,
        body::Checked,
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        query::QueryReader,
        routes::{
            markets::market_of,
            trades::{
                args::{MarketId, OutcomeArg},
                buy::{Buy, BuyBody},
            },
        },
    },
};

/// 1 SOL.
const SOL: u64 = 1_000_000_000;
/// Amounts that are offered as buttons, in hundredths of a SOL.
const OFFERED: [u64; 2] = [10, 100];

/// An Action as its standard has it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the names are the standard's
pub struct ActionView {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub icon: String,
    pub title: String,
    pub description: String,
    pub label: &'static str,
    pub disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<ActionLinks>,
}

/// What can be done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the names are the standard's
pub struct ActionLinks {
    pub actions: Vec<LinkedAction>,
}

/// One thing that can be done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the names are the standard's
pub struct LinkedAction {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub label: String,
    pub href: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ActionParameter>,
}

/// What the user fills in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the names are the standard's
pub struct ActionParameter {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: &'static str,
    pub label: &'static str,
    pub required: bool,
}

/// Whose transaction it is to be.
#[derive(Debug, Clone, Deserialize, garde::Validate, utoipa::ToSchema)]
#[garde(allow_unvalidated)]
pub struct ActionBody {
    /// The wallet that will sign.
    pub account: Wallet,
}

/// A transaction to sign.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the names are the standard's
pub struct ActionReply {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub transaction: String,
    pub message: String,
}

struct Describe {
    market: MarketRef,
    origin: String,
}

struct Trade {
    market: MarketRef,
    outcome: Outcome,
    spend: Lamports,
    wallet: Wallet,
}

/// Lamports of an amount in SOL: digits, and up to nine more behind a point.
fn lamports(text: &str) -> Option<Lamports> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 10 || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(SOL)?.checked_add(fraction).filter(|lamports| *lamports > 0).map(Lamports)
}

/// The handler of GET.
///
/// # Errors
/// None of its own: refusals are replies too, so that any site may read them.
#[utoipa::path(
    get,
    path = "/api/actions/markets/{market}",
    tag = "actions", summary = "A market as an Action",
    params(("market" = String, Path, description = "The market's address or seed.")),
    responses(
        (status = 200, description = "The market as an Action.", body = ActionView),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    )
)]
pub async fn show(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    settings: web::Data<AuthSettings>,
) -> HttpResponse {
    let asked = market_of(&request).map(|market| Describe { market, origin: origin(&settings) });
    let answer = match asked {
        Ok(asked) => gateway.ask(asked).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok((view, chain)) => ok(&view, chain.as_deref()),
        Err(error) => refused(error, None),
    }
}

/// The handler of POST.
///
/// # Errors
/// As [`show`].
#[utoipa::path(
    post,
    path = "/api/actions/markets/{market}",
    tag = "actions", summary = "A purchase, as an Action's transaction",
    params(
        ("market" = String, Path, description = "The market's address or seed."),
        ("outcome" = String, Query, description = "YES, NO, true or false."),
        ("amount" = String, Query, description = "SOL to spend, fees included: digits with up to nine more behind a point."),
    ),
    request_body = ActionBody,
    responses(
        (status = 200, description = "A transaction to sign.", body = ActionReply),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 404, description = "NOT_FOUND"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "CHAIN_REFUSED: the program would refuse it"),
        (status = 429, description = "RATE_LIMITED"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    )
)]
pub async fn trade(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    body: Result<Checked<ActionBody>, ApiError>,
) -> HttpResponse {
    let asked = body.and_then(|Checked(body)| Trade::parse(&request, body.account));
    let answer = match asked {
        Ok(asked) => gateway.ask(asked).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok((reply, chain)) => ok(&reply, Some(&chain)),
        Err(error) => refused(error, None),
    }
}

impl Trade {
    fn parse(request: &HttpRequest, wallet: Wallet) -> Result<Self, ApiError> {
        let market = market_of(request)?;
        let mut query = QueryReader::new(request.query_string())?;
        let outcome = query.text("outcome").and_then(|text| text.parse::<OutcomeArg>().ok());
        if outcome.is_none() {
            query.refuse("outcome", "Must be YES, NO, true or false.");
        }
        let spend = query.text("amount").and_then(|text| lamports(&text));
        if spend.is_none() {
            query.refuse("amount", "Must be an amount in SOL above 0, as 0.25.");
        }
        query.finish()?;
        match (outcome, spend) {
            (Some(OutcomeArg(outcome)), Some(spend)) => Ok(Self { market, outcome, spend, wallet }),
            // Refused above.
            _ => Err(ApiError::invalid_field("query", "Something is missing.")),
        }
    }
}

impl Question for Describe {
    type Answer = (ActionView, Option<Arc<str>>);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Self { market, origin } = self;
        let released = reads.released(market).await?;
        // A wallet can do without it here; where something is signed it is told.
        let chain = match reads.desk() {
            Ok(desk) => desk.cluster().await.ok(),
            Err(_) => None,
        };
        let market = &released.market;
        let open = market.phase == Phase::Active;
        let path = format!("/api/actions/markets/{}", market.address);
        let price = |outcome: Outcome| {
            let yes = market.price_yes?;
            Some(if outcome == Outcome::Yes { yes } else { yes.complement() })
        };
        let actions = [Outcome::Yes, Outcome::No].into_iter().flat_map(|outcome| {
            let name = outcome.as_str();
            let link = |label: String, amount: &str, parameters| LinkedAction {
                kind: "transaction",
                label,
                href: format!("{path}?outcome={name}&amount={amount}"),
                parameters,
            };
            let buttons = OFFERED.map(|hundredths| {
                let amount = format!("{}.{:02}", hundredths / 100, hundredths % 100);
                link(format!("{name} for {amount} SOL"), &amount, Vec::new())
            });
            let amount = ActionParameter { kind: "number", name: "amount", label: "SOL to spend", required: true };
            buttons.into_iter().chain([link(format!("Buy {name}"), "{amount}", vec![amount])])
        });
        let links = open.then(|| ActionLinks { actions: actions.collect() });
        let prices = match (price(Outcome::Yes), price(Outcome::No)) {
            (Some(yes), Some(no)) => format!("YES {yes} SOL, NO {no} SOL a share."),
            _ => "It has no price.".to_owned(),
        };
        let view = ActionView {
            kind: "action",
            icon: format!("{origin}/api/actions/icon.svg"),
            title: title(market.address, released.beside.document.as_deref()),
            description: format!("Market {}. {prices}", market.address),
            label: if open { "Buy shares" } else { "Not open for trading" },
            disabled: !open,
            links,
        };
        Ok((view, chain))
    }
}

/// The question; where it is not known here, the market's name.
fn title(market: MarketAddress, document: Option<&MarketMetadata>) -> String {
    let address = market.to_string();
    let unnamed = || format!("Prediction market {}", address.get(..8).unwrap_or(&address));
    document.map_or_else(unnamed, |document| document.question.clone())
}

impl Question for Trade {
    type Answer = (ActionReply, Arc<str>);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Self { market, outcome, spend, wallet } = self;
        let chain = reads.desk()?.cluster().await?;
        let body = BuyBody {
            market_id: MarketId(market),
            outcome: OutcomeArg(outcome),
            shares: None,
            spend: Some(spend),
            max_cost: None,
            min_shares: None,
            priority_fee: Default::default(),
            version: Default::default(),
            client_ref: None,
            accept_unsound: false,
        };
        let bought = Buy { wallet, body }.answer(reads).await?;
        let (shares, total) = (bought.rehearsed.shares, bought.rehearsed.total);
        let message = format!(
            "Buys {}.{:09} {} shares for {}.{:09} SOL, fees included.",
            shares.0 / SOL,
            shares.0 % SOL,
            outcome.as_str(),
            total.0 / SOL,
            total.0 % SOL
        );
        Ok((ActionReply { kind: "transaction", transaction: bought.transaction.transaction, message }, chain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_sol_to_the_lamport() {
        let rows = [
            ("1", Some(SOL)),
            ("0.25", Some(SOL / 4)),
            ("0.000000001", Some(1)),
            ("10.5", Some(10 * SOL + SOL / 2)),
            ("0", None),
            ("0.0000000001", None),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("-1", None),
            ("1.2.3", None),
            ("99999999999", None),
        ];
        for (text, expected) in rows {
            assert_eq!(lamports(text).map(|lamports| lamports.0), expected, "{text:?}");
        }
        assert_eq!(lamports("9999999999").map(|l| l.0), Some(9_999_999_999 * SOL));
    }
}
