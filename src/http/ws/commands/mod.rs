//! Commands: what a client asks for beside channels, answered by the same questions as REST asks.
//!
//! A command is read into the same typed bodies as its route takes, asked as the same
//! [`Question`](crate::http::gateway::Question) of the worker's gateway, and draws on the same buckets of rate limits;
//! what REST would refuse is refused with the same code, message and fields. Nothing here knows sockets: the hub runs a
//! command beside itself and passes its answer on.

use std::{fmt, net::IpAddr};

use actix_web::web;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::identity::{Door, Identity, SignedInView};
use crate::http::{
    error::ApiError,
    gateway::GatewayHandle,
    limits::{WorkerLimits, client::Subject},
    routes::votes::VoteRules,
};

/// A message's fields, without its id and action.
pub type Fields = Map<String, Value>;

/// Actions that are answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandName {
    /// Sign in.
    Auth,
}

impl CommandName {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Auth];

    /// The one of this name.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
        }
    }

    /// It is to be done also if the connection ends before it is answered.
    pub fn is_effect(self) -> bool {
        match self {
            Self::Auth => false,
        }
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

/// What a command was answered with.
#[derive(Debug)]
pub enum Outcome {
    /// The connection is this wallet's, if it is nobody else's.
    SignedIn(Identity),
    /// What REST answers to the same.
    Data(Box<RawValue>),
}

/// What a worker of the WebSocket port answers commands with.
#[derive(Debug)]
pub struct Services {
    /// Answers questions.
    pub gateway: GatewayHandle,
    /// Counts them.
    pub limits: WorkerLimits,
    /// Judges tokens.
    pub door: Door,
    /// How votes are taken.
    pub votes: web::Data<VoteRules>,
}

impl Services {
    /// Answers a command.
    ///
    /// # Errors
    /// As its route; RATE_LIMITED.
    pub async fn perform(&self, asker: &Asker, command: Command) -> Result<Outcome, ApiError> {
        let Command { name, fields } = command;
        match name {
            CommandName::Auth => self.sign_in(asker, &fields).await.map(Outcome::SignedIn),
        }
    }

    async fn sign_in(&self, asker: &Asker, fields: &Fields) -> Result<Identity, ApiError> {
        let token = match fields.get("token") {
            Some(Value::String(token)) => token,
            _ => return Err(ApiError::invalid_field("token", "Must be an access token.")),
        };
        self.admit(asker.address, asker.is_trusted, token).await
    }

    /// Whom a token names. Counted as REST counts a request that presents it: a good one by wallet, another by address.
    ///
    /// # Errors
    /// UNAUTHORIZED, RATE_LIMITED; UNAVAILABLE or TIMEOUT if the session can't be looked up now.
    pub async fn admit(&self, address: IpAddr, is_trusted: bool, token: &str) -> Result<Identity, ApiError> {
        let identified = self.door.identify(self.gateway.reads(), token).await;
        let subject = match &identified {
            Ok(identity) => Subject::Wallet(identity.wallet()),
            Err(_) => Subject::address(address),
        };
        if !is_trusted {
            self.limits.charge(subject, None).await.admitted()?;
        }
        identified
    }
}

/// A value as it goes into a message.
///
/// # Errors
/// INTERNAL if it can't be written as JSON, which none of ours should.
pub fn data<T: Serialize>(value: &T) -> Result<Box<RawValue>, ApiError> {
    serde_json::value::to_raw_value(value).map_err(ApiError::internal)
}

/// What is answered to `auth`.
///
/// # Errors
/// As [`data`].
pub fn signed_in(identity: &Identity) -> Result<Box<RawValue>, ApiError> {
    data(&SignedInView::from(identity))
}
