//! The webhook's gate: who may deliver, how much at once, and what is refused with which word.
//!
//! Owns authentication and every bound on a delivery before it is kept; [`intake`] keeps it. Nothing is fetched here, and nothing
//! of a delivery is believed: whoever has the header may say anything, and only makes us look at the chain.
//!
//! - Whoever shows the header is known before a byte of the body is read, and has a rate and room of its own. Of whoever shows a
//!   signature instead the body has to be read first: strangers who make one up have little room, and their own rate.
//! - Malformed JSON is refused (400) and not kept: a sender that is told 400 knows that nothing was taken, and what is no JSON
//!   names no transaction. All that is JSON is kept, whatever it says: if the sender's format changes, nothing is lost that a
//!   later version could read.

mod intake;

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap},
    web::{self, Bytes},
};
use futures_util::StreamExt;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::intake::Kept;
use self::intake::{Intake, NotKept};
use super::{
    error::{ApiError, ErrorCode},
    limits::{WorkerLimits, class::Class, client::Subject},
    pool::ReadPool,
};
use crate::{chain::helius::delivery, config::SecretText, telemetry::metrics::Metrics};

/// Largest delivery, in bytes; what is larger is refused before it is read through.
pub const MAX_DELIVERY_BYTES: usize = 5 * 1024 * 1024;
/// A delivery must have come within so long.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// Bodies that may be in memory at once, in KiB: of senders that have shown the header, and of others.
const ROOM_KIB: usize = 64 * 1024;
const ROOM_OF_STRANGERS_KIB: usize = 16 * 1024;

/// Whose deliveries are taken, and how many may wait.
#[derive(Debug, Clone, Default)]
pub struct WebhookSettings {
    /// What `Authorization` must be.
    pub auth_header: Option<SecretText>,
    /// What signs a body.
    pub secret: Option<SecretText>,
    /// Deliveries that may wait to be worked off.
    pub waiting_max: u64,
}

/// Why a delivery is not taken.
#[derive(Debug)]
enum Refused {
    /// Nobody's are: no secret is set.
    Off,
    /// It is nobody's whom we know.
    Unauthorized,
    /// Too many came.
    Limited(ApiError),
    /// It is too large.
    TooLarge,
    /// It came too slowly.
    Late,
    /// Its connection ended.
    CutOff,
    /// It is encoded.
    Encoded,
    /// It is no JSON array or object.
    Malformed(String),
    /// Too much is being read just now.
    Busy,
    /// Too many wait.
    Full,
    /// The database does not answer.
    NotKept,
}

impl Refused {
    /// For the count.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Unauthorized => "unauthorized",
            Self::Limited(_) => "limited",
            Self::TooLarge => "too_large",
            Self::Late => "late",
            Self::CutOff => "cut_off",
            Self::Encoded => "encoded",
            Self::Malformed(_) => "malformed",
            Self::Busy => "busy",
            Self::Full => "full",
            Self::NotKept => "not_kept",
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Off => Self::unavailable(
                "Deliveries are not taken here: neither HELIUS_AUTH_HEADER nor HELIUS_WEBHOOK_SECRET is set.",
            ),
            Refused::Unauthorized => {
                Self::new(ErrorCode::Unauthorized, "Authorization or X-Helius-Signature is not what it has to be.")
            }
            Refused::Limited(error) => error,
            Refused::TooLarge => {
                Self::new(ErrorCode::PayloadTooLarge, format!("A delivery has {MAX_DELIVERY_BYTES} bytes at most."))
            }
            Refused::Late => Self::new(ErrorCode::Timeout, "The delivery did not come in time."),
            Refused::CutOff => Self::new(ErrorCode::ValidationError, "The delivery was cut off."),
            Refused::Encoded => Self::new(ErrorCode::UnsupportedMediaType, "A delivery comes without an encoding."),
            Refused::Malformed(reason) => Self::invalid_field("body", reason),
            Refused::Busy => Self::unavailable("Too much is being delivered at this moment."),
            Refused::Full => Self { retry_after_seconds: Some(10), ..Self::unavailable("Too many deliveries wait.") },
            Refused::NotKept => Self::unavailable("The database does not answer now."),
        }
    }
}

/// See the module; one a worker.
#[derive(Debug)]
pub struct Gate {
    settings: WebhookSettings,
    intake: Intake,
    limits: WorkerLimits,
    room: Arc<Semaphore>,
    room_of_strangers: Arc<Semaphore>,
    metrics: Metrics,
}

/// How a request shows whose it is.
enum Shown {
    /// By the header, which is right.
    Header,
    /// By a signature of the body, which is to be read.
    Signature(Vec<u8>),
}

impl Gate {
    /// A gate of the worker that this is called on.
    pub fn new(settings: WebhookSettings, pool: ReadPool, limits: WorkerLimits, metrics: Metrics) -> Self {
        let intake = Intake::new(pool, settings.waiting_max);
        let (room, room_of_strangers) = (Semaphore::new(ROOM_KIB), Semaphore::new(ROOM_OF_STRANGERS_KIB));
        Self { settings, intake, limits, room: room.into(), room_of_strangers: room_of_strangers.into(), metrics }
    }

    /// Takes a delivery: it is committed.
    ///
    /// # Errors
    /// It is not taken, and (but where the database gave no answer) not kept.
    pub async fn take(&self, request: &HttpRequest, payload: web::Payload) -> Result<Kept, ApiError> {
        let taken = self.try_take(request, payload).await;
        let outcome = match &taken {
            Ok(Kept::New) => "taken",
            Ok(Kept::Known) => "known",
            Err(refused) => refused.as_str(),
        };
        self.metrics.note(|counts| counts.deliveries.with_label_values(&[outcome]).inc());
        taken.map_err(ApiError::from)
    }

    async fn try_take(&self, request: &HttpRequest, payload: web::Payload) -> Result<Kept, Refused> {
        if self.settings.auth_header.is_none() && self.settings.secret.is_none() {
            return Err(Refused::Off);
        }
        let shown = match self.shown(request.headers()) {
            Some(shown) => shown,
            None => return Err(self.stranger(request).await),
        };
        self.charge(request, Class::Webhooks).await?;
        let announced = announced(request)?;
        let room = match shown {
            Shown::Header => &self.room,
            Shown::Signature(_) => &self.room_of_strangers,
        };
        let place = place(room, announced)?;
        let body = tokio::time::timeout(BODY_PATIENCE, read(payload)).await.map_err(|_| Refused::Late)??;
        if let Shown::Signature(signature) = &shown
            && !self.has_signed(&body, signature)
        {
            return Err(self.stranger(request).await);
        }
        delivery::check(&body).map_err(|error| Refused::Malformed(error.to_string()))?;
        self.intake.keep(body, place).await.map_err(|error| match error {
            NotKept::Full => Refused::Full,
            NotKept::NoAnswer => Refused::NotKept,
        })
    }

    /// Where both are set, either is enough.
    fn shown(&self, headers: &HeaderMap) -> Option<Shown> {
        let header = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let is_header = self.settings.auth_header.as_ref().zip(header).is_some_and(|(expected, header)| {
            // Of what came nothing is told by how long it takes, its length neither.
            Sha256::digest(expected.reveal()).ct_eq(&Sha256::digest(header)).into()
        });
        if is_header {
            return Some(Shown::Header);
        }
        self.settings.secret.as_ref()?;
        let signature = headers.get("x-helius-signature")?.as_bytes();
        unhex(signature).map(Shown::Signature)
    }

    fn has_signed(&self, body: &[u8], signature: &[u8]) -> bool {
        let Some(secret) = &self.settings.secret else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else { return false };
        mac.update(body);
        // In constant time; a signature of another length is none.
        mac.verify_slice(signature).is_ok()
    }

    /// Somebody whom we don't know: counted by address, with all that strangers ask.
    async fn stranger(&self, request: &HttpRequest) -> Refused {
        match self.charge(request, Class::Anonymous).await {
            Err(limited) => limited,
            Ok(()) => Refused::Unauthorized,
        }
    }

    async fn charge(&self, request: &HttpRequest, class: Class) -> Result<(), Refused> {
        let (address, is_trusted) = self.limits.origin(request);
        if is_trusted {
            return Ok(());
        }
        let standing = self.limits.charge_alone(Subject::address(address), class).await;
        standing.refusal().map_or(Ok(()), |error| Err(Refused::Limited(error)))
    }
}

/// Bytes that are announced; the most there may be where none are.
fn announced(request: &HttpRequest) -> Result<usize, Refused> {
    let value = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    // The signature is of the body as it travels, and so are the bounds.
    if value(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Refused::Encoded);
    }
    match value(header::CONTENT_LENGTH).map(str::parse) {
        Some(Ok(bytes)) if bytes <= MAX_DELIVERY_BYTES => Ok(bytes),
        Some(_) => Err(Refused::TooLarge),
        None => Ok(MAX_DELIVERY_BYTES),
    }
}

fn place(room: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
    let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
    Arc::clone(room).try_acquire_many_owned(kib).map_err(|_| Refused::Busy)
}

async fn read(mut payload: web::Payload) -> Result<Bytes, Refused> {
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refused::CutOff)?;
        if body.len() + chunk.len() > MAX_DELIVERY_BYTES {
            return Err(Refused::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What these hexadecimal digits stand for.
fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 128 {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_in_memory_are_bounded_and_room_comes_back() {
        let room = Arc::new(Semaphore::new(ROOM_OF_STRANGERS_KIB));
        let held: Vec<_> = (0..3).map_while(|_| place(&room, MAX_DELIVERY_BYTES).ok()).collect();
        assert_eq!(held.len(), 3);
        assert!(matches!(place(&room, MAX_DELIVERY_BYTES), Err(Refused::Busy)));
        assert!(place(&room, 1_000).is_ok(), "a small one fits still");
        drop(held);
        assert!(place(&room, MAX_DELIVERY_BYTES).is_ok());
    }

    #[test]
    fn digits_are_read_in_either_case_and_nothing_else_is() {
        assert_eq!(unhex(b"00ffAb"), Some(vec![0, 255, 171]));
        for wrong in [&b""[..], b"0", b"0g", b"0x00", b" 00", "é".as_bytes(), &[b'0'; 130]] {
            assert_eq!(unhex(wrong), None, "{wrong:?}");
        }
    }
}
