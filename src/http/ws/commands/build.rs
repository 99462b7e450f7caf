//! `build`: an unsigned transaction, as the route of the same operation builds it.

use serde_json::value::RawValue;

use super::{Asker, Fields, Services, data, take_market, take_word};
use crate::{
    domain::ids::Wallet,
    http::{
        body::read_fields,
        error::ApiError,
        idempotency::key_of_message,
        limits::class::Class,
        routes::{
            markets::{
                activate::Activate,
                claim::Claim,
                create::Create,
                dispute::Dispute,
                resolve::Resolve,
                steps::{Step, Take},
                withdraw::Withdraw,
            },
            trades::{buy::Buy, sell::Sell},
        },
    },
};

/// What is to be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Built {
    Buy,
    Sell,
    CreateMarket,
    Resolve,
    Dispute,
    Claim,
    Activate,
    Withdraw,
}

const OPERATIONS: [(&str, Built); 8] = [
    ("buy", Built::Buy),
    ("sell", Built::Sell),
    ("create_market", Built::CreateMarket),
    ("resolve", Built::Resolve),
    ("dispute", Built::Dispute),
    ("claim", Built::Claim),
    ("activate", Built::Activate),
    ("withdraw", Built::Withdraw),
];

/// Builds it. It is counted in the class of its operation; what is none is counted all the same.
///
/// # Errors
/// VALIDATION_ERROR with `op`; RATE_LIMITED; as the operation's route.
pub(super) async fn answer(services: &Services, asker: &Asker, mut fields: Fields) -> Result<Box<RawValue>, ApiError> {
    let built = take_word(&mut fields, "op", &OPERATIONS);
    services.charge(asker, built.as_ref().ok().map(|built| built.class())).await?;
    built?.answer(services, asker, fields).await
}

impl Built {
    /// Whose bucket it draws on besides the general one.
    fn class(self) -> Class {
        if self == Self::CreateMarket { Class::Markets } else { Class::Trades }
    }

    /// The other fields are the body of its route, with the market of a path beside them.
    ///
    /// # Errors
    /// As the route.
    async fn answer(self, services: &Services, asker: &Asker, mut fields: Fields) -> Result<Box<RawValue>, ApiError> {
        let caller = services.caller(asker).await?;
        let wallet = caller.wallet;
        match self {
            Self::Buy => {
                let question = Buy { wallet, body: read_fields(fields)? };
                data(&services.gateway.answer(question).await?)
            }
            Self::Sell => {
                let question = Sell { wallet, body: read_fields(fields)? };
                data(&services.gateway.answer(question).await?)
            }
            Self::CreateMarket => {
                let key = key_of_message(&caller, "build create_market", &mut fields)?;
                let question = Create::parse(caller, key, read_fields(fields)?)?;
                services.gateway.answer(question).await?.into_data()
            }
            Self::Resolve => {
                let question = Resolve::new(take_market(&mut fields)?, caller, read_fields(fields)?);
                data(&services.gateway.answer(question).await?)
            }
            Self::Dispute => step::<Dispute>(services, wallet, fields).await,
            Self::Claim => step::<Claim>(services, wallet, fields).await,
            Self::Activate => step::<Activate>(services, wallet, fields).await,
            Self::Withdraw => step::<Withdraw>(services, wallet, fields).await,
        }
    }
}

async fn step<S: Step>(services: &Services, wallet: Wallet, mut fields: Fields) -> Result<Box<RawValue>, ApiError> {
    let question = Take::<S>::new(take_market(&mut fields)?, wallet, read_fields(fields)?);
    data(&services.gateway.answer(question).await?)
}
