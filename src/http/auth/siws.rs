//! The message that a wallet signs to sign in: written, read, and compared with what was issued.
//!
//! Its form is that of Sign In With Solana (the grammar of EIP-4361). Reading is strict: what is read must be, written
//! again, the same text, so nothing can hide between the fields. Wallets compose the text themselves from our input, so
//! fields are compared, never texts. Never looks at signatures or at the database.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::Wallet;

/// Longest message, in bytes; a longer one is refused unread.
pub const MESSAGE_BYTES_MAX: usize = 2_048;
/// What every message of ours says.
pub const STATEMENT: &str = "Sign in to zmart. This does not send a transaction and costs nothing.";
/// The only version of the form.
pub const VERSION: &str = "1";
/// Clocks may differ so much, in seconds.
pub const SKEW_SECONDS: i64 = 30;

const WANTS: &str = " wants you to sign in with your Solana account:";

/// The site that is signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// `host` or `host:port`.
    pub domain: String,
    /// Its address.
    pub uri: String,
    /// `mainnet`, `devnet`, `testnet` or `localnet`.
    pub chain: String,
}

/// A moment as it is written in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    text: String,
    /// The same moment.
    pub at: DateTime<Utc>,
}

/// A message's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInMessage {
    /// Who asks for the signature.
    pub domain: String,
    /// Who signs.
    pub address: Wallet,
    /// For people.
    pub statement: Option<String>,
    /// The site's address.
    pub uri: Option<String>,
    /// Of the form.
    pub version: Option<String>,
    /// The chain.
    pub chain_id: Option<String>,
    /// Ours.
    pub nonce: Option<String>,
    /// When it was issued.
    pub issued_at: Option<Moment>,
    /// From when on it is of no use.
    pub expiration_time: Option<Moment>,
    /// Before that it is of no use.
    pub not_before: Option<Moment>,
    /// Never ours.
    pub request_id: Option<String>,
    /// Never ours.
    pub resources: Vec<String>,
}

/// It is no such message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Longer than any.
    #[error("is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// The first line.
    #[error("does not begin with \"<domain>{WANTS}\"")]
    Opening,
    /// The second line.
    #[error("does not name a wallet in its second line")]
    Address,
    /// A moment.
    #[error("has a moment that is not RFC 3339")]
    Moment,
    /// Anything else.
    #[error("is not in the form of Sign In With Solana: unknown lines, or fields that are twice there or out of order")]
    Form,
}

/// It is such a message, but not the one that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Names a field.
    #[error("its {0} is not the one that was issued")]
    Field(&'static str),
    /// Issued in the future, or `Not Before` a moment that is still to come.
    #[error("it is not valid yet")]
    NotYet,
    /// Past its expiration.
    #[error("it has expired")]
    Expired,
}

impl Moment {
    /// In the API's form: UTC, milliseconds.
    pub fn at(at: DateTime<Utc>) -> Self {
        Self { text: at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true), at }
    }

    fn read(text: &str) -> Result<Self, BadMessage> {
        // The library takes a space for the T as well.
        if text.len() > 40 || text.as_bytes().get(10) != Some(&b'T') {
            return Err(BadMessage::Moment);
        }
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| BadMessage::Moment)?;
        Ok(Self { text: text.to_owned(), at: at.with_timezone(&Utc) })
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl SignInMessage {
    /// The message of a sign-in that begins now.
    pub fn issued(site: &Site, wallet: Wallet, nonce: &str, at: DateTime<Utc>, expires_at: DateTime<Utc>) -> Self {
        Self {
            domain: site.domain.clone(),
            address: wallet,
            statement: Some(STATEMENT.to_owned()),
            uri: Some(site.uri.clone()),
            version: Some(VERSION.to_owned()),
            chain_id: Some(site.chain.clone()),
            nonce: Some(nonce.to_owned()),
            issued_at: Some(Moment::at(at)),
            expiration_time: Some(Moment::at(expires_at)),
            not_before: None,
            request_id: None,
            resources: Vec::new(),
        }
    }

    /// Compares all that is known without the database. Gives what was issued with it: nonce, and both moments.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn check(
        &self,
        site: &Site,
        wallet: Wallet,
        now: DateTime<Utc>,
    ) -> Result<(&str, DateTime<Utc>, DateTime<Utc>), Mismatch> {
        let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
        // Wallets know chains by both names.
        let chain = self.chain_id.as_deref().map(|chain| chain.strip_prefix("solana:").unwrap_or(chain));
        let fields = [
            ("domain", self.domain == site.domain),
            ("address", self.address == wallet),
            ("statement", is(&self.statement, STATEMENT)),
            ("URI", is(&self.uri, &site.uri)),
            ("Version", is(&self.version, VERSION)),
            ("Chain ID", chain == Some(site.chain.as_str())),
            ("Request ID", self.request_id.is_none()),
            ("Resources", self.resources.is_empty()),
        ];
        if let Some((name, _)) = fields.into_iter().find(|(_, fits)| !fits) {
            return Err(Mismatch::Field(name));
        }
        let skew = TimeDelta::seconds(SKEW_SECONDS);
        let nonce = self.nonce.as_deref().ok_or(Mismatch::Field("Nonce"))?;
        let issued_at = self.issued_at.as_ref().ok_or(Mismatch::Field("Issued At"))?.at;
        let expires_at = self.expiration_time.as_ref().ok_or(Mismatch::Field("Expiration Time"))?.at;
        let begins = self.not_before.as_ref().map_or(issued_at, |moment| moment.at.max(issued_at));
        if begins > now + skew {
            return Err(Mismatch::NotYet);
        }
        if expires_at <= now {
            return Err(Mismatch::Expired);
        }
        Ok((nonce, issued_at, expires_at))
    }
}

impl fmt::Display for SignInMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{WANTS}\n{}", self.domain, self.address)?;
        if let Some(statement) = &self.statement {
            write!(f, "\n\n{statement}")?;
        }
        let moment = |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.text.clone());
        let fields = [
            ("URI", self.uri.clone()),
            ("Version", self.version.clone()),
            ("Chain ID", self.chain_id.clone()),
            ("Nonce", self.nonce.clone()),
            ("Issued At", moment(&self.issued_at)),
            ("Expiration Time", moment(&self.expiration_time)),
            ("Not Before", moment(&self.not_before)),
            ("Request ID", self.request_id.clone()),
        ];
        let mut gap = "\n\n";
        for (name, value) in fields {
            if let Some(value) = value {
                write!(f, "{gap}{name}: {value}")?;
                gap = "\n";
            }
        }
        if !self.resources.is_empty() {
            write!(f, "{gap}Resources:")?;
            self.resources.iter().try_for_each(|resource| write!(f, "\n- {resource}"))?;
        }
        Ok(())
    }
}

impl std::str::FromStr for SignInMessage {
    type Err = BadMessage;

    fn from_str(text: &str) -> Result<Self, BadMessage> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(BadMessage::TooLong);
        }
        let mut lines = text.split('\n').peekable();
        let domain = lines.next().and_then(|line| line.strip_suffix(WANTS)).ok_or(BadMessage::Opening)?;
        let address = lines.next().and_then(|line| line.parse().ok()).ok_or(BadMessage::Address)?;
        let mut message = Self {
            domain: domain.to_owned(),
            address,
            statement: None,
            uri: None,
            version: None,
            chain_id: None,
            nonce: None,
            issued_at: None,
            expiration_time: None,
            not_before: None,
            request_id: None,
            resources: Vec::new(),
        };
        lines.next_if_eq(&"").ok_or(BadMessage::Form)?;
        if let Some(statement) = lines.next_if(|line| !line.starts_with("URI: ")) {
            message.statement = Some(statement.to_owned());
            lines.next_if_eq(&"").ok_or(BadMessage::Form)?;
        }
        let mut field = |name: &str| {
            let value = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "));
            lines.next_if(value).and_then(|line| line.get(name.len() + 2..)).map(str::to_owned)
        };
        message.uri = field("URI");
        message.version = field("Version");
        message.chain_id = field("Chain ID");
        message.nonce = field("Nonce");
        let mut moment = |name| field(name).map(|text| Moment::read(&text)).transpose();
        message.issued_at = moment("Issued At")?;
        message.expiration_time = moment("Expiration Time")?;
        message.not_before = moment("Not Before")?;
        message.request_id = field("Request ID");
        if lines.next_if_eq(&"Resources:").is_some() {
            while let Some(resource) = lines.next_if(|line| line.starts_with("- ")) {
                message.resources.extend(resource.strip_prefix("- ").map(str::to_owned));
            }
        }
        // Whatever was not understood is missing now.
        let is_whole = lines.next().is_none() && message.to_string() == text;
        if is_whole { Ok(message) } else { Err(BadMessage::Form) }
    }
}

#[cfg(test)]
#[path = "siws_tests.rs"]
mod tests;
