//! Sign-in's rows: used nonces, sessions, refresh tokens. Only the engine's role reads and writes them.
//!
//! Every function is a part of one transaction of the caller's. Never sees a token: only hashes come here. Sessions
//! are bounded by wallet: past the bound the oldest ends. Used nonces are bounded by the rate of sign-ins.

use chrono::{DateTime, Utc};
use tokio_postgres::{Error, GenericClient};
use uuid::Uuid;

use crate::domain::ids::Wallet;

/// Sessions of a wallet; who signs in once more ends the oldest.
pub const SESSIONS_MAX: i64 = 32;
/// For so long the refresh token that was just replaced is answered with the same successor.
pub const GRACE_SECONDS: f64 = 10.0;

/// A nonce of ours that came back in a signed message.
#[derive(Debug, Clone)]
pub struct UsedNonce<'a> {
    /// As it was issued.
    pub nonce: &'a str,
    /// To whom.
    pub wallet: Wallet,
    /// As in the message.
    pub issued_at: DateTime<Utc>,
    /// As in the message.
    pub expires_at: DateTime<Utc>,
}

/// Uses a nonce up: true if it has not expired and was not used before. Whether it was issued so is for the caller to know.
///
/// # Errors
/// Those of the statement.
pub async fn use_up<C: GenericClient + Sync>(client: &C, nonce: &UsedNonce<'_>) -> Result<bool, Error> {
    // It is kept until it has expired, by the same clock: there is no moment in which it is forgotten and good.
    const SQL: &str = "INSERT INTO nonces (nonce, wallet, issued_at, expires_at) \
                       SELECT $1, $2::text, $3, $4 WHERE $4 > now() ON CONFLICT DO NOTHING";
    let wallet = nonce.wallet.to_string();
    Ok(client.execute(SQL, &[&nonce.nonce, &wallet, &nonce.issued_at, &nonce.expires_at]).await? == 1)
}

/// A session that begins.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id, in every token of it.
    pub sid: Uuid,
    /// Whose; the user is there already.
    pub wallet: Wallet,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// SHA-256 of its first refresh token.
    pub refresh_hash: [u8; 32],
}

/// Opens a session, and answers with those that had to end for it.
///
/// # Errors
/// Those of the statements.
pub async fn open<C: GenericClient + Sync>(client: &C, new: &NewSession) -> Result<Vec<Uuid>, Error> {
    const END_OLDEST: &str = "UPDATE sessions SET revoked_at = now() WHERE sid IN
            (SELECT sid FROM sessions WHERE wallet = $1::text AND revoked_at IS NULL AND expires_at > now()
             ORDER BY created_at DESC OFFSET $2)
        RETURNING sid";
    const OPEN: &str = "WITH opened AS (
            INSERT INTO sessions (sid, wallet, expires_at) VALUES ($1, $2::text, $3) RETURNING sid)
        INSERT INTO refresh_tokens (token_hash, sid) SELECT $4, sid FROM opened";
    let wallet = new.wallet.to_string();
    let ended = client.query(END_OLDEST, &[&wallet, &(SESSIONS_MAX - 1)]).await?;
    let hash: &[u8] = &new.refresh_hash;
    client.execute(OPEN, &[&new.sid, &wallet, &new.expires_at, &hash]).await?;
    ended.iter().map(|row| row.try_get(0)).collect()
}

/// Is this session of this wallet, and still open?
///
/// # Errors
/// Those of the statement.
pub async fn is_live<C: GenericClient + Sync>(client: &C, sid: Uuid, wallet: Wallet) -> Result<bool, Error> {
    const SQL: &str = "SELECT FROM sessions \
                       WHERE sid = $1 AND wallet = $2::text AND revoked_at IS NULL AND expires_at > now()";
    Ok(client.query_opt(SQL, &[&sid, &wallet.to_string()]).await?.is_some())
}

/// Which of these are still open, each with the wallet that it is of.
///
/// # Errors
/// Those of the statement.
pub async fn live_among<C: GenericClient + Sync>(client: &C, sids: &[Uuid]) -> Result<Vec<(Uuid, String)>, Error> {
    const SQL: &str =
        "SELECT sid, wallet FROM sessions WHERE sid = ANY($1) AND revoked_at IS NULL AND expires_at > now()";
    client.query(SQL, &[&sids]).await?.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Ends a session.
///
/// # Errors
/// Those of the statement.
pub async fn end<C: GenericClient + Sync>(client: &C, sid: Uuid) -> Result<(), Error> {
    client.execute("UPDATE sessions SET revoked_at = now() WHERE sid = $1 AND revoked_at IS NULL", &[&sid]).await?;
    Ok(())
}

/// What became of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// The successor is the session's token now (or was just before, and is answered again).
    Rotated {
        /// The session.
        sid: Uuid,
        /// Whose.
        wallet: Wallet,
    },
    /// It was used before: somebody has a copy. The session has ended.
    Reused {
        /// The session.
        sid: Uuid,
    },
    /// No such token, or its session has ended.
    Unknown,
}

/// Replaces a refresh token by its successor. The outcome is to be committed, whichever it is.
///
/// # Errors
/// Those of the statements.
pub async fn rotate<C: GenericClient + Sync>(
    client: &C,
    token_hash: [u8; 32],
    successor_hash: [u8; 32],
) -> Result<Refreshed, Error> {
    // The session's row is locked: refreshes of one session go one after the other, and see each other's outcome.
    const SESSION: &str = "SELECT s.sid, s.wallet::text FROM sessions s \
                           WHERE s.sid = (SELECT sid FROM refresh_tokens WHERE token_hash = $1) \
                             AND s.revoked_at IS NULL AND s.expires_at > now() FOR UPDATE";
    // Just replaced: a moment ago, and by a successor that was not used yet.
    const TOKEN: &str = "SELECT replaced_at IS NOT NULL, \
                                replaced_at > clock_timestamp() - make_interval(secs => $3) AND EXISTS \
                                    (SELECT FROM refresh_tokens WHERE token_hash = $2 AND replaced_at IS NULL) \
                         FROM refresh_tokens WHERE token_hash = $1";
    const ROTATE: &str = "WITH replaced AS (
            UPDATE refresh_tokens SET replaced_at = clock_timestamp() WHERE token_hash = $1 RETURNING sid)
        INSERT INTO refresh_tokens (token_hash, sid) SELECT $2, sid FROM replaced";
    let (token, successor): (&[u8], &[u8]) = (&token_hash, &successor_hash);
    let Some(session) = client.query_opt(SESSION, &[&token]).await? else { return Ok(Refreshed::Unknown) };
    let sid: Uuid = session.try_get(0)?;
    let Ok(wallet) = session.try_get::<_, &str>(1)?.parse() else { return Ok(Refreshed::Unknown) };
    let row = client.query_one(TOKEN, &[&token, &successor, &GRACE_SECONDS]).await?;
    let (is_replaced, just_now): (bool, Option<bool>) = (row.try_get(0)?, row.try_get(1)?);
    match (is_replaced, just_now) {
        (false, _) => {
            client.execute(ROTATE, &[&token, &successor]).await?;
            Ok(Refreshed::Rotated { sid, wallet })
        }
        (true, Some(true)) => Ok(Refreshed::Rotated { sid, wallet }),
        (true, _) => {
            end(client, sid).await?;
            Ok(Refreshed::Reused { sid })
        }
    }
}
