//! Transactions that act for somebody: every request's statements run in one of these, and in nothing else.
//!
//! The login that serves requests may do nothing by itself ([`super::gateway_login`]); a transaction takes a role with
//! `SET LOCAL`, and with it what policies ask for: the claims. Both end with the transaction, however it ends: a request
//! that is dropped anywhere rolls back, so no role and no claim is ever left on a connection of the pool. Never a `SET` of
//! the session, never a hand-written BEGIN.

use std::{fmt::Write as _, pin::pin, task::Poll, time::Duration};

use deadpool_postgres::{ClientWrapper, Transaction};
use futures_util::future::join;
use tokio_postgres::{Error, IsolationLevel};
use uuid::Uuid;

use crate::{domain::ids::Wallet, telemetry::request};

/// Longest that one statement of a request may take; past it 57014. Shorter than a request's patience.
pub const STATEMENT_TIME: Duration = Duration::from_secs(8);
/// A transaction whose client fell silent ends after so long, and with it its locks.
pub const SILENT_TIME: Duration = Duration::from_secs(15);

/// The role that no token can reach: it writes the journal and all that users may not.
pub const ENGINE_ROLE: &str = "zmart_engine";
/// The role of requests without a token.
pub const ANYONE_ROLE: &str = "anon";
/// The role of signed-in wallets.
pub const USER_ROLE: &str = "authenticated";

/// Whom a token names, as policies see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// UUIDv5 of the wallet.
    pub user: Uuid,
    /// The wallet.
    pub wallet: Wallet,
    /// The session.
    pub session: Uuid,
}

/// For whom a transaction acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acting {
    /// For anybody.
    Anyone,
    /// For a signed-in wallet.
    User(Claims),
    /// For the engine itself.
    Engine,
}

/// What a transaction may do to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read, all of it as it was at one moment.
    Read,
    /// Read and write.
    Write,
}

impl Acting {
    fn role(self) -> &'static str {
        match self {
            Self::Anyone => ANYONE_ROLE,
            Self::User(_) => USER_ROLE,
            Self::Engine => ENGINE_ROLE,
        }
    }

    /// The statements that make a transaction act so; until it ends, or acts for another.
    fn statements(self) -> String {
        // Values of our own types only: base58, UUIDs and constants need no quoting.
        let claims = match self {
            Self::User(Claims { user, wallet, session }) => {
                format!(r#"{{"sub":"{user}","wallet":"{wallet}","role":"{USER_ROLE}","sid":"{session}"}}"#)
            }
            Self::Anyone | Self::Engine => String::new(),
        };
        format!("SET LOCAL ROLE {}; SET LOCAL \"request.jwt.claims\" = '{claims}'", self.role())
    }

    fn first_statements(self) -> String {
        let mut statements = format!(
            "{}; SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}",
            self.statements(),
            STATEMENT_TIME.as_millis(),
            SILENT_TIME.as_millis(),
        );
        // What is written for a request names it: a default of the columns that keep it.
        if let Some(id) = request::current() {
            // Writing to a text can't fail.
            let _ = write!(statements, "; SET LOCAL \"zmart.request_id\" = '{id}'");
        }
        statements
    }
}

/// From here on the transaction acts for another: what a user does and what the engine notes of it are committed together.
///
/// # Errors
/// Those of the statement.
pub async fn act(transaction: &Transaction<'_>, acting: Acting) -> Result<(), Error> {
    transaction.batch_execute(&acting.statements()).await
}

/// Runs `work` in one transaction that acts for somebody, and commits it if it may write and the answer is `Ok`. Dropped
/// anywhere, or answered with an error, it is rolled back; so `work` has no effects but in the transaction.
///
/// # Errors
/// What `work` answers, or those of the transaction: then nothing was written, except that a COMMIT without an answer
/// may have worked.
pub async fn run<T, E: From<Error>>(
    client: &mut ClientWrapper,
    acting: Acting,
    access: Access,
    work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = begin(client, access).await?;
    let answer = {
        // Sent when first polled; the work's own statements follow without waiting for its answer. The server takes them
        // in this order, and where this failed it does nothing more in the transaction.
        let statements = acting.first_statements();
        let mut set_up = pin!(transaction.batch_execute(&statements));
        let early = match futures_util::poll!(&mut set_up) {
            Poll::Ready(early) => Some(early),
            Poll::Pending => None,
        };
        let set_up = async {
            match early {
                Some(early) => early,
                None => set_up.await,
            }
        };
        let (set_up, answer) = join(set_up, work(&transaction)).await;
        set_up?;
        answer?
    };
    match access {
        // Nothing to commit: dropped, it is rolled back without waiting for the answer.
        Access::Read => drop(transaction),
        Access::Write => commit(transaction).await?,
    }
    Ok(answer)
}

/// As [`run`] for writing, where `work` opens transactions within (savepoints).
///
/// # Errors
/// As [`run`].
pub async fn run_nested<T, E: From<Error>>(
    client: &mut ClientWrapper,
    acting: Acting,
    work: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut transaction = begin(client, Access::Write).await?;
    transaction.batch_execute(&acting.first_statements()).await?;
    let answer = work(&mut transaction).await?;
    commit(transaction).await?;
    Ok(answer)
}

async fn begin(client: &mut ClientWrapper, access: Access) -> Result<Transaction<'_>, Error> {
    let builder = client.build_transaction();
    match access {
        Access::Read => builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await,
        Access::Write => builder.start().await,
    }
}

async fn commit(transaction: Transaction<'_>) -> Result<(), Error> {
    // COMMIT of a transaction in which a statement failed is answered as if it had worked. This is refused there.
    transaction.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_takes_its_role_and_its_claims_or_takes_them_away() {
        let session = Uuid::from_u128(7);
        let claims = Claims { user: Uuid::nil(), wallet: Wallet([1; 32]), session };
        let text = Acting::User(claims).statements();
        let json = text.split('\'').nth(1).unwrap();
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(json["wallet"], claims.wallet.to_string());
        assert_eq!(json["role"], "authenticated");
        assert_eq!(json["sid"], session.to_string());
        assert!(text.starts_with("SET LOCAL ROLE authenticated; "));
        for acting in [Acting::Anyone, Acting::Engine] {
            assert!(acting.statements().ends_with("\"request.jwt.claims\" = ''"), "{acting:?}");
        }
    }
}
