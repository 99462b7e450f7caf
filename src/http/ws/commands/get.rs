//! `get`: what GET answers of the things that a trading client needs. The fields are those of the route's path and query.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Asker, Fields, Services, data, take_market, take_wallet, take_word};
use crate::{
    domain::ids::Wallet,
    http::{
        error::ApiError,
        query::QueryReader,
        routes::{
            config::show::ShowConfig,
            markets::{list::ListMarkets, show::DetailOf},
            trades::history::OwnTrades,
            transactions::show::ShowTransaction,
            users::{portfolio::ShowPortfolio, positions::ListPositions, trades::WalletTrades},
            votes::show::ShowVotes,
        },
    },
    view::wallet::PositionView,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Market,
    Markets,
    Config,
    Votes,
    Positions,
    Portfolio,
    Trades,
    Transaction,
}

const WHAT: [(&str, What); 8] = [
    ("market", What::Market),
    ("markets", What::Markets),
    ("config", What::Config),
    ("votes", What::Votes),
    ("positions", What::Positions),
    ("portfolio", What::Portfolio),
    ("trades", What::Trades),
    ("transaction", What::Transaction),
];

/// A page of positions: by REST a bare array, whose next page is named by a header.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the names are those of the protocol
pub struct PositionPage {
    pub positions: Vec<PositionView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// Answers it.
///
/// # Errors
/// As the route; UNAUTHORIZED for what is the caller's own.
pub(super) async fn answer(services: &Services, asker: &Asker, mut fields: Fields) -> Result<Box<RawValue>, ApiError> {
    let gateway = &services.gateway;
    match take_word(&mut fields, "what", &WHAT)? {
        What::Market => {
            let (detail, _) = gateway.answer(DetailOf(take_market(&mut fields)?)).await?;
            data(&detail)
        }
        What::Markets => data(&gateway.answer(ListMarkets::read(QueryReader::of_fields(&fields))?).await?),
        What::Config => data(&gateway.answer(ShowConfig).await?),
        What::Votes => {
            let caller = match asker.identity {
                Some(_) => Some(services.caller(asker).await?),
                None => None,
            };
            let market = take_market(&mut fields)?;
            data(&gateway.answer(ShowVotes { market, caller, rules: services.votes.clone() }).await?)
        }
        What::Positions => {
            let wallet = wallet(services, asker, &mut fields).await?;
            let asked = ListPositions::read(wallet, QueryReader::of_fields(&fields))?;
            let (positions, next_cursor) = gateway.answer(asked).await?;
            data(&PositionPage { positions, next_cursor })
        }
        What::Portfolio => {
            let wallet = wallet(services, asker, &mut fields).await?;
            data(&gateway.answer(ShowPortfolio::read(wallet, QueryReader::of_fields(&fields))?).await?)
        }
        What::Trades => {
            let caller = services.caller(asker).await?;
            let trades = WalletTrades::read(caller.wallet, QueryReader::of_fields(&fields))?;
            data(&gateway.answer(OwnTrades { caller, trades }).await?)
        }
        What::Transaction => {
            let caller = services.caller(asker).await?;
            let signature = QueryReader::of_fields(&fields).text("signature").and_then(|text| text.parse().ok());
            let signature = signature.ok_or_else(|| {
                ApiError::invalid_field("signature", "Must be a transaction's signature (base58 of 64 bytes).")
            })?;
            data(&gateway.answer(ShowTransaction { caller, signature }).await?)
        }
    }
}

/// The wallet that is asked about: whoever asks, if none is named. What a wallet holds is public.
async fn wallet(services: &Services, asker: &Asker, fields: &mut Fields) -> Result<Wallet, ApiError> {
    match take_wallet(fields)? {
        Some(wallet) => Ok(wallet),
        None => Ok(services.caller(asker).await?.wallet),
    }
}
