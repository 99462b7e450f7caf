//! Why a resolver says what he says: the document whose content id the resolution puts on the chain.
//!
//! Owns its form, its canonical text (RFC 8785) and that text's CIDv0, as `metadata` does for a market's question.

use serde::Serialize;

use super::{
    cid,
    event::{IpfsHash, Outcome},
    ids::MarketAddress,
};

/// The form of documents that is written.
const VERSION: u32 = 1;
/// Longest text, in characters.
pub const EVIDENCE_MAX: usize = 2_000;
/// The longest canonical text, in bytes of UTF-8.
pub const DOCUMENT_BYTES_MAX: usize = 16_384;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceDocument {
    json: String,
    hash: IpfsHash,
}

/// Why evidence is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Nothing, or too much.
    #[error("Must have 1 to {EVIDENCE_MAX} characters after trimming.")]
    Length,
    /// A character that no text needs.
    #[error("Must not hold control characters but line breaks and tabs.")]
    Control,
    /// Too long as it is written.
    #[error("Is too long as canonical JSON: at most {DOCUMENT_BYTES_MAX} bytes are kept.")]
    TooLong,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    market: MarketAddress,
    outcome: Outcome,
    evidence: &'a str,
}

impl EvidenceDocument {
    /// The document of a text, which is trimmed.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub fn new(market: MarketAddress, outcome: Outcome, evidence: &str) -> Result<Self, EvidenceError> {
        let evidence = evidence.trim();
        if !(1..=EVIDENCE_MAX).contains(&evidence.chars().count()) {
            return Err(EvidenceError::Length);
        }
        if evidence.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(EvidenceError::Control);
        }
        let written = Written { version: VERSION, market, outcome, evidence };
        let json = serde_json_canonicalizer::to_string(&written).map_err(|_| EvidenceError::TooLong)?;
        if json.len() > DOCUMENT_BYTES_MAX {
            return Err(EvidenceError::TooLong);
        }
        let hash = cid::of_file(json.as_bytes());
        Ok(Self { json, hash })
    }

    /// Its canonical text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The CIDv0 of that.
    pub fn hash(&self) -> IpfsHash {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_its_canonical_text_and_the_hash_of_that() {
        let market = MarketAddress([1; 32]);
        let document = EvidenceDocument::new(market, Outcome::No, "  seen\n").unwrap();
        assert_eq!(document.json(), format!(r#"{{"evidence":"seen","market":"{market}","outcome":"NO","version":1}}"#));
        assert_eq!(document.hash(), cid::of_file(document.json().as_bytes()));
        assert!(document.hash().text().is_some_and(|text| text.starts_with("Qm")));
        for (text, error) in [
            (" ".to_owned(), EvidenceError::Length),
            ("x".repeat(EVIDENCE_MAX + 1), EvidenceError::Length),
            ("a\u{0}b".to_owned(), EvidenceError::Control),
        ] {
            assert_eq!(EvidenceDocument::new(market, Outcome::Yes, &text), Err(error));
        }
    }
}
