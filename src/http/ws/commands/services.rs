//! What a worker answers commands with: its gateway, the process's limits, and who judges tokens.

use std::net::IpAddr;

use actix_web::web;

use super::{
    super::identity::{Door, Identity},
    Asker,
};
use crate::http::{
    auth::caller::Caller,
    error::{ApiError, ErrorCode},
    gateway::GatewayHandle,
    limits::{WorkerLimits, class::Class, client::Subject},
    routes::votes::VoteRules,
};

/// See the module. One a worker.
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

    /// Takes one out of the asker's buckets: those of REST.
    ///
    /// # Errors
    /// RATE_LIMITED.
    pub(super) async fn charge(&self, asker: &Asker, class: Option<Class>) -> Result<(), ApiError> {
        if asker.is_trusted {
            return Ok(());
        }
        self.limits.charge(asker.subject(), class).await.admitted()
    }

    /// The caller, as REST would find it: signed in, and the session still is.
    ///
    /// # Errors
    /// UNAUTHORIZED; UNAVAILABLE or TIMEOUT if the session can't be looked up now.
    pub(super) async fn caller(&self, asker: &Asker) -> Result<Caller, ApiError> {
        let missing = || ApiError::new(ErrorCode::Unauthorized, "Sign in first: auth.");
        let identity = asker.identity.ok_or_else(missing)?;
        if identity.has_run_out(chrono::Utc::now().timestamp()) {
            return Err(ApiError::new(ErrorCode::Unauthorized, "The token has expired."));
        }
        self.door.sessions().require(self.gateway.reads(), identity.caller()).await?;
        Ok(*identity.caller())
    }
}
