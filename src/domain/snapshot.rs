//! A snapshot of a market's discussion: the document that is pinned to IPFS.
//!
//! Owns the document's fields and its one text (RFC 8785), so that the same entries give the same bytes on any node, at any
//! time. A document tells of the entries about comments from one to another, oldest first, of [`ENTRIES_MAX`] at most, and
//! names the document before it by its content id: a market's documents are a chain without gaps.
//!
//! **Deleted comments.** What is pinned can't be taken back, so a comment that its author has deleted by the moment that the
//! document is made as of is in it without its words: who, when, and that it was deleted. (Left out altogether, a reader could
//! not tell a deletion from a gap.) A comment that is deleted after it was pinned stays where it was pinned; the next document
//! says that it was deleted, so that whoever shows it can obey. There are no edits: a comment is written once.
//!
//! Never decides when a document is made, nor talks to anybody.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::{
    cid,
    entry::EntryBody,
    event::IpfsHash,
    ids::{Epoch, MarketAddress, Seq, Wallet},
};

/// The form of new documents, and the only one so far. A document that is kept is made again in the form of its row, so with
/// another form, or other bytes of this one, [`Snapshot::write`] and [`Snapshot::parse`] have to know both.
pub const VERSION: u32 = 1;
/// Most entries that a document tells of; what there is more of goes into the next one. A comment has 1,000 characters at
/// most, so a document has no more than about 6 MB.
pub const ENTRIES_MAX: usize = 1_000;
/// No document is longer, in bytes: a character is six bytes of JSON at most, and all around a comment fits 1 KiB.
pub const DOCUMENT_BYTES_MAX: u64 = ENTRIES_MAX as u64 * (6 * 1_000 + 1_024) + 4_096;

/// A moment, in milliseconds since 1970; RFC 3339 with milliseconds in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment: DateTime<Utc> = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        serializer.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(Self(moment.timestamp_millis()))
    }
}

/// An entry of a market's journal, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The journal's life.
    pub epoch: Epoch,
    /// The entry's number in it.
    pub seq: Seq,
}

/// An entry, and when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The journal's life.
    pub epoch: Epoch,
    /// The entry's number in it.
    pub seq: Seq,
    /// When it was recorded.
    pub time: Moment,
}

impl Point {
    /// The entry.
    pub fn place(self) -> Place {
        Place { epoch: self.epoch, seq: self.seq }
    }
}

/// Of what entries a document tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first of them.
    pub from: Point,
    /// The last of them.
    pub to: Point,
}

/// A comment, as a document tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The comment.
    pub id: Uuid,
    /// Its author.
    pub author: Wallet,
    /// When it was written.
    pub created_at: Moment,
    /// The journal's entry of it.
    pub entry: Place,
    /// What was said; none where it was deleted.
    pub content: Option<String>,
    /// When its deletion was recorded.
    pub deleted_at: Option<Moment>,
}

/// The deletion of a comment that an earlier document tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenBack {
    /// The comment.
    pub id: Uuid,
    /// Its author, who deleted it.
    pub author: Wallet,
    /// When the deletion was recorded.
    pub deleted_at: Moment,
    /// The journal's entry of the deletion.
    pub entry: Place,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Its form, [`VERSION`] if it is new.
    pub version: u32,
    /// Whose discussion it is.
    pub market: MarketAddress,
    /// Its number among the market's documents, from 1.
    pub number: u32,
    /// The content id of the one before it; the first has none.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub previous: Option<IpfsHash>,
    /// Of what it tells.
    pub period: Period,
    /// The newest entry about a comment when it was made: what was deleted by then is not told.
    pub as_of: Point,
    /// Comments, oldest first.
    pub discussions: Vec<Said>,
    /// Deletions of comments from before the period, oldest first.
    pub deletions: Vec<TakenBack>,
}

/// How far a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorStatus {
    /// It is kept, and not known to be pinned.
    Pending,
    /// The service has it, under our content id.
    Pinned,
    /// The service refuses it for what it is, or answered with another content id; or it can't be made again.
    Failed,
}

impl AnchorStatus {
    /// As stored and told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Pinned => "pinned",
            Self::Failed => "failed",
        }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Pinned, Self::Failed].into_iter().find(|status| status.as_str() == text)
    }
}

/// What a document is made of, but for its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    /// See [`Snapshot`].
    pub version: u32,
    /// See [`Snapshot`].
    pub market: MarketAddress,
    /// See [`Snapshot`].
    pub number: u32,
    /// See [`Snapshot`].
    pub previous: Option<IpfsHash>,
    /// See [`Snapshot`].
    pub as_of: Point,
}

/// A text is no document, or not as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It is no document of this form.
    #[error("it is no snapshot: {0}")]
    Unreadable(String),
    /// It is of a form that this engine does not know: a later one does.
    #[error("form {0} of a snapshot is not known here")]
    Unknown(u32),
    /// It says the same as its one text, in other bytes.
    #[error("it is not canonical JSON (RFC 8785)")]
    NotCanonical,
}

/// The bytes of a document, and their content id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Canonical JSON.
    pub json: String,
    /// The CIDv0 of that.
    pub cid: IpfsHash,
}

impl Snapshot {
    /// Of these entries, oldest first: those about comments count. `deleted` says when the deletion of which comments was
    /// recorded, up to `heading.as_of`; that of others is no matter. `None`: there is nothing to tell.
    pub fn new(heading: Heading, entries: &[(Point, EntryBody)], deleted: &HashMap<Uuid, Moment>) -> Option<Self> {
        let (mut discussions, mut deletions) = (Vec::new(), Vec::new());
        let mut told: Option<Period> = None;
        for (point, body) in entries {
            match body {
                EntryBody::Comment { id, wallet, content, created_at_ms, .. } => {
                    let deleted_at = deleted.get(id).copied();
                    discussions.push(Said {
                        id: *id,
                        author: *wallet,
                        created_at: Moment(*created_at_ms),
                        entry: point.place(),
                        content: deleted_at.is_none().then(|| content.clone()),
                        deleted_at,
                    });
                }
                EntryBody::CommentDeleted { id, wallet, .. } => {
                    deletions.push(TakenBack {
                        id: *id,
                        author: *wallet,
                        deleted_at: point.time,
                        entry: point.place(),
                    });
                }
                _ => continue,
            }
            told = Some(Period { from: told.map_or(*point, |told| told.from), to: *point });
        }
        // That of a comment of this document is told with it.
        let own: HashSet<Uuid> = discussions.iter().map(|said| said.id).collect();
        deletions.retain(|gone| !own.contains(&gone.id));
        let Heading { version, market, number, previous, as_of } = heading;
        Some(Self { version, market, number, previous, period: told?, as_of, discussions, deletions })
    }

    /// Its bytes.
    ///
    /// # Errors
    /// Its form is not known; not for what it may hold.
    pub fn write(&self) -> Result<Written, SnapshotError> {
        if self.version != VERSION {
            return Err(SnapshotError::Unknown(self.version));
        }
        let unreadable = |error: serde_json::Error| SnapshotError::Unreadable(error.to_string());
        let json = serde_json_canonicalizer::to_string(self).map_err(unreadable)?;
        let cid = cid::of_file(json.as_bytes());
        Ok(Written { json, cid })
    }

    /// The document that these bytes are.
    ///
    /// # Errors
    /// They are none, or not in the one form.
    pub fn parse(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let unreadable = |error: serde_json::Error| SnapshotError::Unreadable(error.to_string());
        let snapshot: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        if snapshot.write()?.json.as_bytes() == bytes { Ok(snapshot) } else { Err(SnapshotError::NotCanonical) }
    }

    /// The comments whose words it holds.
    pub fn holds_words_of(&self) -> Vec<Uuid> {
        self.discussions.iter().filter(|said| said.content.is_some()).map(|said| said.id).collect()
    }
}

fn as_text<S: Serializer>(cid: &Option<IpfsHash>, serializer: S) -> Result<S::Ok, S::Error> {
    cid.as_ref().and_then(IpfsHash::text).serialize(serializer)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpfsHash>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let bytes = text.into_bytes().try_into().map_err(|_| de::Error::custom("a CIDv0 has 46 characters"))?;
    Ok(Some(IpfsHash(bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::ids::Slot;

    const AUTHOR: Wallet = Wallet([7; 32]);

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn at(seq: u64) -> Point {
        Point { epoch: Epoch(1), seq: Seq(seq), time: Moment(1_700_000_000_000 + seq as i64) }
    }

    fn comment(number: u128, content: &str) -> EntryBody {
        let created_at_ms = 1_699_999_999_000 + number as i64;
        EntryBody::Comment {
            id: id(number),
            wallet: AUTHOR,
            content: content.into(),
            created_at_ms,
            slot: Slot(5),
            request_id: None,
        }
    }

    fn deletion(number: u128) -> EntryBody {
        EntryBody::CommentDeleted { id: id(number), wallet: AUTHOR, slot: Slot(5), request_id: None }
    }

    fn heading(as_of: u64) -> Heading {
        let previous = Some(cid::of_file(b""));
        Heading { version: VERSION, market: MarketAddress([1; 32]), number: 2, previous, as_of: at(as_of) }
    }

    fn snapshot(entries: &[(Point, EntryBody)], deleted: &[(u128, u64)], as_of: u64) -> Option<Snapshot> {
        let deleted = deleted.iter().map(|(number, seq)| (id(*number), at(*seq).time)).collect();
        Snapshot::new(heading(as_of), entries, &deleted)
    }

    #[test]
    fn a_document_is_canonical_json_to_the_byte() {
        let entries = [(at(3), comment(1, "\u{20ac} \"1\"\n")), (at(5), comment(2, "gone")), (at(9), deletion(0))];
        let document = snapshot(&entries, &[(2, 11)], 12).unwrap();
        let (market, author) = (MarketAddress([1; 32]), AUTHOR);
        let expected = format!(
            r#"{{"as_of":{{"epoch":1,"seq":12,"time":"2023-11-14T22:13:20.012Z"}},"deletions":[{{"author":"{author}","deleted_at":"2023-11-14T22:13:20.009Z","entry":{{"epoch":1,"seq":9}},"id":"00000000-0000-0000-0000-000000000000"}}],"discussions":[{{"author":"{author}","content":"€ \"1\"\n","created_at":"2023-11-14T22:13:19.001Z","deleted_at":null,"entry":{{"epoch":1,"seq":3}},"id":"00000000-0000-0000-0000-000000000001"}},{{"author":"{author}","content":null,"created_at":"2023-11-14T22:13:19.002Z","deleted_at":"2023-11-14T22:13:20.011Z","entry":{{"epoch":1,"seq":5}},"id":"00000000-0000-0000-0000-000000000002"}}],"market":"{market}","number":2,"period":{{"from":{{"epoch":1,"seq":3,"time":"2023-11-14T22:13:20.003Z"}},"to":{{"epoch":1,"seq":9,"time":"2023-11-14T22:13:20.009Z"}}}},"previous":"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH","version":1}}"#
        );
        let written = document.write().unwrap();
        assert_eq!(written.json, expected.replace("\n", "\\n"));
        assert_eq!(written.cid, cid::of_file(written.json.as_bytes()));
        assert_eq!(Snapshot::parse(written.json.as_bytes()), Ok(document));
    }

    #[test]
    fn a_deletion_in_the_period_is_told_with_its_comment_and_another_by_itself() {
        let entries = [(at(1), comment(1, "a")), (at(2), deletion(1)), (at(4), deletion(9))];
        let document = snapshot(&entries, &[(1, 2), (9, 4)], 4).unwrap();
        assert_eq!(document.discussions.len(), 1);
        assert_eq!(
            (document.discussions[0].content.as_ref(), document.discussions[0].deleted_at),
            (None, Some(at(2).time))
        );
        assert_eq!(document.deletions.iter().map(|gone| gone.id).collect::<Vec<_>>(), [id(9)]);
        assert_eq!((document.period.from, document.period.to), (at(1), at(4)));
        assert!(document.holds_words_of().is_empty());
    }

    #[test]
    fn entries_of_other_kinds_are_no_part_of_it_and_without_any_there_is_none() {
        let vote = EntryBody::Vote {
            vote_kind: crate::domain::tally::VoteKind::Proposal,
            wallet: AUTHOR,
            vote: true,
            signature: None,
            voted_at_ms: 1,
            tally: Default::default(),
            slot: Slot(1),
            request_id: None,
        };
        assert_eq!(snapshot(&[(at(1), vote.clone())], &[], 1), None);
        let document = snapshot(&[(at(1), vote.clone()), (at(2), comment(1, "a")), (at(3), vote)], &[], 2).unwrap();
        assert_eq!((document.period.from, document.period.to), (at(2), at(2)));
    }

    #[test]
    fn what_is_not_in_the_one_form_is_no_document() {
        let document = snapshot(&[(at(1), comment(1, "a"))], &[], 1).unwrap();
        let json = document.write().unwrap().json;
        let changed = |key: &str, value: Value| {
            let mut fields: Value = serde_json::from_str(&json).unwrap();
            fields[key] = value;
            serde_json_canonicalizer::to_vec(&fields).unwrap()
        };
        assert_eq!(Snapshot::parse(format!(" {json}").as_bytes()), Err(SnapshotError::NotCanonical));
        let later = changed("as_of", json!({"epoch": 1, "seq": 1, "time": "2023-11-14T22:13:20.001+00:00"}));
        assert_eq!(Snapshot::parse(&later), Err(SnapshotError::NotCanonical));
        assert_eq!(Snapshot::parse(&changed("version", json!(2))), Err(SnapshotError::Unknown(2)));
        for (key, value) in
            [("more", json!(1)), ("previous", json!("Qm")), ("market", json!("x")), ("number", json!(1.5))]
        {
            assert!(matches!(Snapshot::parse(&changed(key, value)), Err(SnapshotError::Unreadable(_))), "{key}");
        }
        assert!(Snapshot::parse(b"").is_err() && Snapshot::parse(&json.as_bytes()[1..]).is_err());
    }

    /// RFC 8785, sections 3.2.2 and 3.2.3 and appendix B, as far as a document may hold it: texts, integers, nulls, the
    /// order of keys (by UTF-16 units).
    #[test]
    fn texts_integers_and_keys_are_written_as_rfc_8785_has_them() {
        let canonical =
            |text: &str| serde_json_canonicalizer::to_string(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
        let sample = r#"{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        assert_eq!(
            canonical(sample),
            "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        let keys = r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
                       "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}"#;
        let sorted: Vec<String> = ["\\r", "1", "\u{80}", "ö", "€", "\u{1f600}", "\u{fb33}"].map(String::from).into();
        let written = canonical(keys);
        let places: Vec<usize> = sorted.iter().map(|key| written.find(&format!("\"{key}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{written}");
        for integer in ["0", "9007199254740992", "-9007199254740992", "295147905179352830000"] {
            assert_eq!(canonical(integer), integer);
        }
        assert_eq!(canonical(r#""\u0000\b\t\f\u001f\u007f\u2028""#), "\"\\u0000\\b\\t\\f\\u001f\u{7f}\u{2028}\"");
    }

    proptest! {
        /// Whatever was said, the document can be read again, fits its bound, and says it.
        #[test]
        fn any_words_are_told_and_fit(
            texts in proptest::collection::vec("\\PC{1,40}|[\\x00-\\x1f\"\\\\]{1,1000}", 1..20),
            gone in any::<u32>(),
        ) {
            let entries: Vec<_> = texts.iter().zip(1u64..).map(|(text, n)| (at(n), comment(n.into(), text))).collect();
            let deleted: Vec<_> = (1..=texts.len() as u64).filter(|n| gone >> n & 1 == 1).map(|n| (n.into(), 50 + n)).collect();
            let document = snapshot(&entries, &deleted, 100).unwrap();
            let written = document.write().unwrap();
            prop_assert!((written.json.len() as u64) < texts.len() as u64 * (6 * 1_000 + 1_024) + 4_096);
            let read = Snapshot::parse(written.json.as_bytes()).unwrap();
            for ((said, text), n) in read.discussions.iter().zip(&texts).zip(1u64..) {
                let is_gone = gone >> n & 1 == 1;
                prop_assert_eq!(said.content.as_ref(), (!is_gone).then_some(text));
            }
        }
    }
}
