//! Replies that are kept, so that a request that is sent again has its effect once.
//!
//! Owns the rows of `idempotency_keys` and who may work on a key now: a lock of the transaction, so it goes with it. All
//! of it runs as the engine, inside the effect's own transaction: the effect and its reply are committed together or not
//! at all. Never decides what is kept.

use deadpool_postgres::Transaction;
use futures_util::future::try_join;
use sha2::{Digest, Sha256};
use tokio_postgres::{Error, Row, types::ToSql};

use crate::domain::ids::Wallet;

/// How long a reply is kept, in hours.
pub const KEPT_HOURS: i32 = 24;
const KEPT: &str = "SELECT body_hash, status, reply FROM idempotency_keys \
                    WHERE wallet = $1::text AND route = $2 AND key = $3 \
                      AND created_at > now() - make_interval(hours => $4)";

/// Which request: whose, to which route, by which key, with what in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Whose.
    pub wallet: Wallet,
    /// Method and pattern of the route.
    pub route: String,
    /// The client's own name for the request, 1 to 128 characters.
    pub key: String,
    /// SHA-256 of the path and the body.
    pub body_hash: [u8; 32],
}

/// A reply, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReply {
    /// 200 to 499.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: from here to the end of the transaction nobody else works on it.
    New,
    /// It is being worked on by another transaction.
    InFlight,
    /// It was answered.
    Answered(KeptReply),
    /// The key was used for another request.
    OtherBody,
}

impl RequestKey {
    /// One number for a key. Two keys with the same number can't be worked on at once; nothing else comes of it.
    fn lock(&self) -> i64 {
        let mut hash = Sha256::new();
        for part in [&self.wallet.to_string(), &self.route, &self.key] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let mut number = [0; 8];
        number.copy_from_slice(&hash.finalize()[..8]);
        i64::from_be_bytes(number)
    }

    /// What is known of the request without taking it: never that it is being worked on.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn look_up(&self, tx: &Transaction<'_>) -> Result<Known, Error> {
        let looking = tx.prepare_cached(KEPT).await?;
        let kept = tx.query_opt(&looking, &[&self.wallet.to_string(), &self.route, &self.key, &KEPT_HOURS]).await?;
        self.known(kept)
    }

    /// Takes the request for this transaction, unless it is known.
    ///
    /// # Errors
    /// Those of the statements.
    pub async fn take(&self, tx: &Transaction<'_>) -> Result<Known, Error> {
        let (lock, wallet) = (self.lock(), self.wallet.to_string());
        // Two statements: the second begins when the lock is there, and sees what its last holder committed. They are sent
        // together.
        let locking = tx.prepare_cached("SELECT pg_try_advisory_xact_lock($1)").await?;
        let looking = tx.prepare_cached(KEPT).await?;
        let which: [&(dyn ToSql + Sync); 4] = [&wallet, &self.route, &self.key, &KEPT_HOURS];
        let (locked, kept) = try_join(tx.query_one(&locking, &[&lock]), tx.query_opt(&looking, &which)).await?;
        if !locked.try_get::<_, bool>(0)? {
            return Ok(Known::InFlight);
        }
        self.known(kept)
    }

    fn known(&self, kept: Option<Row>) -> Result<Known, Error> {
        let Some(kept) = kept else { return Ok(Known::New) };
        if kept.try_get::<_, &[u8]>(0)? != self.body_hash {
            return Ok(Known::OtherBody);
        }
        let status: i16 = kept.try_get(1)?;
        Ok(Known::Answered(KeptReply { status: status.unsigned_abs(), body: kept.try_get(2)? }))
    }

    /// Keeps the reply to a request that was taken.
    ///
    /// # Errors
    /// Those of the statement.
    pub async fn keep(&self, tx: &Transaction<'_>, reply: &KeptReply) -> Result<(), Error> {
        // What is there under the key has been there for longer than it is kept, or it would have been answered.
        const SQL: &str = "INSERT INTO idempotency_keys (wallet, route, key, body_hash, status, reply) \
                           VALUES ($1::text, $2, $3, $4, $5, $6) \
                           ON CONFLICT (wallet, route, key) DO UPDATE SET \
                               body_hash = excluded.body_hash, status = excluded.status, reply = excluded.reply, \
                               created_at = now()";
        let status = i16::try_from(reply.status).unwrap_or(i16::MAX);
        let wallet = self.wallet.to_string();
        let statement = tx.prepare_cached(SQL).await?;
        let hash: &[u8] = &self.body_hash;
        tx.execute(&statement, &[&wallet, &self.route, &self.key, &hash, &status, &reply.body]).await?;
        Ok(())
    }
}
