//! Commands: what a client asks for beside channels, answered by the same questions as REST asks.
//!
//! A command is read into the same typed bodies as its route takes, asked as the same
//! [`Question`](crate::http::gateway::Question) of the worker's gateway, and draws on the same buckets of rate limits;
//! what REST would refuse is refused with the same code, message and fields. Nothing here knows sockets: the hub runs a
//! command beside itself and passes its answer on.

pub mod build;
pub mod get;
pub mod quote;
pub mod services;
pub mod submit;
pub mod vote;

use std::{fmt, net::IpAddr};

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use self::quote::Opened;
pub use self::services::Services;
use super::identity::Identity;
use crate::{
    domain::ids::Wallet,
    http::{
        error::ApiError,
        gateway::{BadMarketRef, MarketRef},
        limits::{class::Class, client::Subject},
        routes::trades::estimate::Quoted,
    },
};

/// A message's fields, without its id and action.
pub type Fields = Map<String, Value>;

/// Actions that are answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are those of the protocol
pub enum CommandName {
    Auth,
    Quote,
    Build,
    Submit,
    Vote,
    Get,
}

impl CommandName {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Auth, Self::Quote, Self::Build, Self::Submit, Self::Vote, Self::Get];

    /// The one of this name.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Quote => "quote",
            Self::Build => "build",
            Self::Submit => "submit",
            Self::Vote => "vote",
            Self::Get => "get",
        }
    }

    /// It is to be done also if the connection ends before it is answered.
    pub fn is_effect(self) -> bool {
        matches!(self, Self::Submit | Self::Vote)
    }
}

/// An action that is answered here; its fields were not looked at yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Which.
    pub name: CommandName,
    /// With what.
    pub fields: Fields,
}

impl Command {
    /// It asks for a quote stream.
    pub fn begins_quotes(&self) -> bool {
        self.name == CommandName::Quote && self.fields.get("stream") == Some(&Value::Bool(true))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A token may be among the fields.
        f.debug_struct("Command").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// The client's address.
    pub address: IpAddr,
    /// Not limited.
    pub is_trusted: bool,
    /// If it is signed in.
    pub identity: Option<Identity>,
}

impl Asker {
    /// Whose bucket is drawn on.
    fn subject(&self) -> Subject {
        self.identity.map_or(Subject::address(self.address), |identity| Subject::Wallet(identity.wallet()))
    }
}

/// What a command was answered with.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The connection is this wallet's, if it is nobody else's.
    SignedIn(Identity),
    /// What REST answers to the same.
    Data(Box<RawValue>),
    /// A quote.
    Quote(Box<Quoted>),
    /// A quote, and more of them as the market moves.
    Stream(Box<Opened>),
}

impl Services {
    /// Answers a command.
    ///
    /// # Errors
    /// As its route; RATE_LIMITED.
    pub(super) async fn perform(&self, asker: &Asker, command: Command) -> Result<Outcome, ApiError> {
        let Command { name, fields } = command;
        match name {
            // Counted by the token that it presents.
            CommandName::Auth => {
                let Asker { address, is_trusted, .. } = *asker;
                self.admit(address, is_trusted, token_of(&fields)?).await.map(Outcome::SignedIn)
            }
            CommandName::Quote => {
                self.charge(asker, None).await?;
                quote::answer(self, fields).await
            }
            CommandName::Build => build::answer(self, asker, fields).await.map(Outcome::Data),
            CommandName::Submit => {
                self.charge(asker, Some(Class::Submits)).await?;
                submit::answer(self, asker, fields).await.map(Outcome::Data)
            }
            CommandName::Vote => {
                self.charge(asker, Some(Class::Votes)).await?;
                vote::answer(self, asker, fields).await.map(Outcome::Data)
            }
            CommandName::Get => {
                self.charge(asker, None).await?;
                get::answer(self, asker, fields).await.map(Outcome::Data)
            }
        }
    }
}

fn token_of(fields: &Fields) -> Result<&str, ApiError> {
    let token = fields.get("token").and_then(Value::as_str);
    token.ok_or_else(|| ApiError::invalid_field("token", "Must be an access token."))
}

/// A value as it goes into a message.
///
/// # Errors
/// INTERNAL if it can't be written as JSON, which none of ours should.
pub fn data<T: Serialize>(value: &T) -> Result<Box<RawValue>, ApiError> {
    serde_json::value::to_raw_value(value).map_err(ApiError::internal)
}

/// The market that a message names, taken out of its fields.
fn take_market(fields: &mut Fields) -> Result<MarketRef, ApiError> {
    let named = match fields.remove("market_id") {
        Some(Value::String(text)) => text.parse(),
        _ => Err(BadMarketRef),
    };
    named.map_err(|error| ApiError::invalid_field("market_id", error.to_string()))
}

/// One of a few words, taken out of a message's fields.
fn take_word<T: Copy>(fields: &mut Fields, field: &'static str, words: &[(&str, T)]) -> Result<T, ApiError> {
    let text = fields.remove(field);
    let text = text.as_ref().and_then(Value::as_str);
    let found = words.iter().find(|(word, _)| Some(*word) == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        ApiError::invalid_field(field, format!("Must be one of {}.", words.join(", ")))
    })
}

/// The wallet that a message names, taken out of its fields; `None` if it names none.
fn take_wallet(fields: &mut Fields) -> Result<Option<Wallet>, ApiError> {
    match fields.remove("wallet") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match text.parse() {
            Ok(wallet) => Ok(Some(wallet)),
            Err(_) => Err(bad_wallet()),
        },
        Some(_) => Err(bad_wallet()),
    }
}

fn bad_wallet() -> ApiError {
    ApiError::invalid_field("wallet", "Must be a wallet's address (base58 of 32 bytes).")
}
