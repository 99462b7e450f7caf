//! What a market is about: the document whose content id stands on the chain.
//!
//! Owns the document's fields and their bounds, its one canonical text (RFC 8785), and that text's CIDv0, which is the
//! chain's `ipfs_question_hash`. A document is exactly its fields: a text that is not the canonical form of what it says is
//! refused, so that what is shown and what was hashed can't differ. Never decides whose document counts: the market's
//! actor does, by creator and hash.

use serde::{Deserialize, Serialize};

use super::{amount::UnixSeconds, cid, event::IpfsHash};

/// The form of documents that is written; readers refuse others.
const VERSION: u32 = 1;
/// The longest canonical text, in bytes of UTF-8.
pub const DOCUMENT_BYTES_MAX: usize = 16_384;
/// Most tags of a market.
pub const TAGS_MAX: usize = 10;

/// The fields of a document. Texts have no white space at their ends and no control characters (but line breaks and
/// tabs in the two long ones); lengths are in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketMetadata {
    /// 10 to 200.
    pub question: String,
    /// 0 to 2,000.
    #[serde(default)]
    pub description: String,
    /// 1 to 50.
    pub category: String,
    /// At most [`TAGS_MAX`] different ones of 1 to 30.
    #[serde(default)]
    pub tags: Vec<String>,
    /// By what it will be resolved: 1 to 2,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_criteria: Option<String>,
    /// When its creator means trading to end; the program knows no such moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<UnixSeconds>,
}

/// Why metadata are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A text is too short or too long.
    #[error("Must have {min} to {max} characters, has {found}.")]
    Length {
        /// Which.
        field: &'static str,
        /// At least.
        min: usize,
        /// At most.
        max: usize,
        /// Found.
        found: usize,
    },
    /// A text begins or ends with white space.
    #[error("Must not begin or end with white space.")]
    Untrimmed {
        /// Which.
        field: &'static str,
    },
    /// A text holds a control character.
    #[error("Must not hold control characters.")]
    Control {
        /// Which.
        field: &'static str,
    },
    /// Too many tags, or the same one twice.
    #[error("Must be at most {TAGS_MAX} different tags.")]
    Tags,
    /// A moment before 1970, or one that a calendar can't show.
    #[error("Must be a moment after 1970 and before the year 10000.")]
    ClosesAt,
    /// All texts are within their bounds, the document is not.
    #[error("The metadata are too long: {0} bytes as canonical JSON, at most {DOCUMENT_BYTES_MAX} are kept.")]
    TooLong(usize),
    /// It is no document of this form.
    #[error("The document can't be read: {0}")]
    Unreadable(String),
    /// It says the same as its canonical form, but in other bytes, so it hashes to something else.
    #[error("The document is not canonical JSON (RFC 8785).")]
    NotCanonical,
}

impl MetadataError {
    /// The field that is refused; `None` if it is the whole.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Length { field, .. } | Self::Untrimmed { field } | Self::Control { field } => Some(field),
            Self::Tags => Some("tags"),
            Self::ClosesAt => Some("closes_at"),
            Self::TooLong(_) | Self::Unreadable(_) | Self::NotCanonical => None,
        }
    }
}

/// The document: its fields, its canonical text, and the hash of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataDocument {
    metadata: MarketMetadata,
    json: String,
    question_hash: IpfsHash,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    #[serde(flatten)]
    metadata: &'a MarketMetadata,
}

impl MetadataDocument {
    /// The document of these fields.
    ///
    /// # Errors
    /// A field is out of its bounds, or the whole is.
    pub fn new(metadata: MarketMetadata) -> Result<Self, MetadataError> {
        metadata.check()?;
        let written = Written { version: VERSION, metadata: &metadata };
        let unreadable = |error: serde_json::Error| MetadataError::Unreadable(error.to_string());
        let json = serde_json_canonicalizer::to_string(&written).map_err(unreadable)?;
        if json.len() > DOCUMENT_BYTES_MAX {
            return Err(MetadataError::TooLong(json.len()));
        }
        let question_hash = cid::of_file(json.as_bytes());
        Ok(Self { metadata, json, question_hash })
    }

    /// The document that a text is.
    ///
    /// # Errors
    /// It is none, or not in its canonical form.
    pub fn parse(json: &str) -> Result<Self, MetadataError> {
        if json.len() > DOCUMENT_BYTES_MAX {
            return Err(MetadataError::TooLong(json.len()));
        }
        let unreadable = |error: serde_json::Error| MetadataError::Unreadable(error.to_string());
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).map_err(unreadable)?;
        if fields.remove("version") != Some(VERSION.into()) {
            return Err(MetadataError::Unreadable(format!("its version is not {VERSION}")));
        }
        let document = Self::new(serde_json::from_value(fields.into()).map_err(unreadable)?)?;
        if document.json == json { Ok(document) } else { Err(MetadataError::NotCanonical) }
    }

    /// The canonical text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The CIDv0 of the text: what the chain's `ipfs_question_hash` has to be.
    pub fn question_hash(&self) -> IpfsHash {
        self.question_hash
    }

    /// The fields.
    pub fn metadata(&self) -> &MarketMetadata {
        &self.metadata
    }

    /// The fields, without the text.
    pub fn into_metadata(self) -> MarketMetadata {
        self.metadata
    }
}

/// The first second of the year 10000.
const YEAR_10000: i64 = 253_402_300_800;

impl MarketMetadata {
    fn check(&self) -> Result<(), MetadataError> {
        const LINES: &[char] = &['\n', '\r', '\t'];
        text("question", &self.question, 10, 200, &[])?;
        text("description", &self.description, 0, 2_000, LINES)?;
        text("category", &self.category, 1, 50, &[])?;
        self.tags.iter().try_for_each(|tag| text("tags", tag, 1, 30, &[]))?;
        let different: std::collections::BTreeSet<&String> = self.tags.iter().collect();
        if self.tags.len() > TAGS_MAX || different.len() < self.tags.len() {
            return Err(MetadataError::Tags);
        }
        if let Some(criteria) = &self.resolution_criteria {
            text("resolution_criteria", criteria, 1, 2_000, LINES)?;
        }
        match self.closes_at {
            Some(UnixSeconds(at)) if !(1..YEAR_10000).contains(&at) => Err(MetadataError::ClosesAt),
            _ => Ok(()),
        }
    }
}

fn text(field: &'static str, text: &str, min: usize, max: usize, allowed: &[char]) -> Result<(), MetadataError> {
    // A text with more bytes than the whole may have is not counted.
    let found = if text.len() > DOCUMENT_BYTES_MAX { text.len() } else { text.chars().count() };
    if !(min..=max).contains(&found) {
        return Err(MetadataError::Length { field, min, max, found });
    }
    if text.trim() != text {
        return Err(MetadataError::Untrimmed { field });
    }
    if text.chars().any(|c| c.is_control() && !allowed.contains(&c)) {
        return Err(MetadataError::Control { field });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata() -> MarketMetadata {
        MarketMetadata {
            question: "Will it rain in Zürich tomorrow?".to_owned(),
            description: "Any rain counts.\nSnow does not.".to_owned(),
            category: "weather".to_owned(),
            tags: vec!["rain".to_owned(), "zürich".to_owned()],
            resolution_criteria: Some("MeteoSwiss, station Fluntern".to_owned()),
            closes_at: Some(UnixSeconds(1_800_000_000)),
        }
    }

    #[test]
    fn a_document_is_canonical_json_and_hashes_to_its_cid() {
        let document = MetadataDocument::new(metadata()).unwrap();
        assert_eq!(
            document.json(),
            "{\"category\":\"weather\",\"closes_at\":\"2027-01-15T08:00:00.000Z\",\
             \"description\":\"Any rain counts.\\nSnow does not.\",\"question\":\"Will it rain in Zürich tomorrow?\",\
             \"resolution_criteria\":\"MeteoSwiss, station Fluntern\",\"tags\":[\"rain\",\"zürich\"],\"version\":1}"
        );
        assert_eq!(document.question_hash(), cid::of_file(document.json().as_bytes()));
        assert_eq!(MetadataDocument::parse(document.json()), Ok(document.clone()));
        // What is not there is left out.
        let bare = MarketMetadata { tags: vec![], resolution_criteria: None, closes_at: None, ..metadata() };
        let bare = MetadataDocument::new(bare).unwrap();
        assert!(!bare.json().contains("null") && !bare.json().contains("closes_at"), "{}", bare.json());
        assert_eq!(MetadataDocument::parse(bare.json()), Ok(bare.clone()));
        assert_ne!(bare.question_hash(), document.question_hash());
    }

    type Change = fn(&mut MarketMetadata);

    #[test]
    fn fields_have_bounds() {
        let rows: &[(Change, Option<&str>)] = &[
            (|_| (), None),
            (|m| m.question = "0123456789".to_owned(), None),
            (|m| m.question = "012345678".to_owned(), Some("question")),
            (|m| m.question = "ü".repeat(200), None),
            (|m| m.question = "ü".repeat(201), Some("question")),
            (|m| m.question = " 0123456789".to_owned(), Some("question")),
            (|m| m.question = "01234\n56789".to_owned(), Some("question")),
            (|m| m.description = String::new(), None),
            (|m| m.description = "x".repeat(2_001), Some("description")),
            (|m| m.description = "a\0b".to_owned(), Some("description")),
            (|m| m.category = String::new(), Some("category")),
            (|m| m.category = "x".repeat(51), Some("category")),
            (|m| m.tags = vec!["x".to_owned(); 2], Some("tags")),
            (|m| m.tags = (0..=TAGS_MAX).map(|n| n.to_string()).collect(), Some("tags")),
            (|m| m.tags = (0..TAGS_MAX).map(|n| n.to_string()).collect(), None),
            (|m| m.tags = vec![String::new()], Some("tags")),
            (|m| m.resolution_criteria = Some(String::new()), Some("resolution_criteria")),
            (|m| m.closes_at = Some(UnixSeconds(0)), Some("closes_at")),
            (|m| m.closes_at = Some(UnixSeconds(YEAR_10000)), Some("closes_at")),
            (|m| m.closes_at = Some(UnixSeconds(YEAR_10000 - 1)), None),
        ];
        for (index, (change, refused)) in rows.iter().enumerate() {
            let mut changed = metadata();
            change(&mut changed);
            match (MetadataDocument::new(changed), refused) {
                (Ok(_), None) => {}
                (Err(error), Some(field)) => assert_eq!(error.field(), Some(*field), "row {index}"),
                (outcome, _) => panic!("row {index}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn the_longest_texts_together_may_still_be_too_long() {
        let long = |count| "\u{1f327}".repeat(count);
        let mut metadata = MarketMetadata { question: long(200), description: long(2_000), ..metadata() };
        metadata.resolution_criteria = Some(long(2_000));
        assert!(matches!(MetadataDocument::new(metadata), Err(MetadataError::TooLong(_))));
    }

    #[test]
    fn another_text_of_the_same_fields_is_refused() {
        let document = MetadataDocument::new(metadata()).unwrap();
        let json = document.json();
        for (text, canonical) in [
            (json.replace("{\"category", "{ \"category"), true),
            (json.replace("ü", "\\u00fc"), true),
            (json.replace("\"version\":1", "\"version\":2"), false),
            (json.replace(",\"version\":1", ""), false),
            (json.replace("\"version\":1", "\"version\":1,\"z\":1"), true),
            (json.replace('}', ",\"category\":\"other\"}"), true),
            (json.replace("2027-01-15T08:00:00.000Z", "2027-01-15T08:00:00Z"), true),
            (json.replace("2027-01-15T08:00:00.000Z", "1800000000"), true),
            (String::new(), false),
            ("[]".to_owned(), false),
        ] {
            match MetadataDocument::parse(&text) {
                Err(MetadataError::NotCanonical) => assert!(canonical, "{text}"),
                Err(MetadataError::Unreadable(_)) => assert!(!canonical, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_document_is_read_back_as_it_was_written(
            question in "[a-z\u{e9}\u{1f600}\"\\\\/]{10,200}",
            description in "[a-z]{0,20}([\n\t]+[<>&'\u{2028}])?",
            category in "[A-Z]{1,50}",
            tags in proptest::collection::btree_set("[a-z]{1,30}", 0..=TAGS_MAX),
            closes_at in proptest::option::of(1i64..YEAR_10000),
        ) {
            let metadata = MarketMetadata {
                question,
                description: description.trim().to_owned(),
                category,
                tags: tags.into_iter().collect(),
                resolution_criteria: None,
                closes_at: closes_at.map(UnixSeconds),
            };
            let document = MetadataDocument::new(metadata.clone()).unwrap();
            prop_assert_eq!(document.metadata(), &metadata);
            prop_assert_eq!(MetadataDocument::parse(document.json()), Ok(document.clone()));
            // Canonical text of canonical text is the same text.
            let value: serde_json::Value = serde_json::from_str(document.json()).unwrap();
            prop_assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), document.json());
        }
    }
}
