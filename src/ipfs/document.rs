//! Making documents: the next one of a market, and the very same one again.
//!
//! Owns which entries go into a document, in terms of what the journal is asked; what becomes of them is the domain's. Both
//! ways end in the same function of immutable entries, so a document that is made again, anywhere and at any time, has the
//! bytes that it had. Never writes.

use crate::{
    domain::{
        entry::EntryBody,
        ids::{MarketAddress, Seq},
        snapshot::{ENTRIES_MAX, Heading, Place, Point, Snapshot, SnapshotError, VERSION, Written},
    },
    journal::read::{
        ReadFailure,
        anchors::{self, Anchor},
        ask::Ask,
    },
};

/// A document can't be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The journal can't be read.
    #[error(transparent)]
    Read(#[from] ReadFailure),
    /// It can't be written down.
    #[error(transparent)]
    Write(#[from] SnapshotError),
    /// The journal does not have an entry that it had: it was changed by another hand.
    #[error("the journal lacks entry {}/{} of it", .0.epoch, .0.seq.0)]
    Gone(Place),
}

/// A document and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What it says.
    pub snapshot: Snapshot,
    /// How.
    pub written: Written,
}

/// The next document of a market: after its last one, of entries up to a place. `None`: there is nothing new.
///
/// # Errors
/// [`MakeError`].
pub async fn next<C: Ask>(
    client: &C,
    market: MarketAddress,
    last: Option<&Anchor>,
    until: Place,
) -> Result<Option<Made>, MakeError> {
    let entries = anchors::entries(client, market, last.map(|last| last.to), until, ENTRIES_MAX).await?;
    // What is deleted by now is not told, also where its deletion belongs to a later document.
    let Some(as_of) = anchors::newest(client, market).await? else { return Ok(None) };
    let number = last.map_or(1, |last| last.number + 1);
    let heading = Heading { version: VERSION, market, number, previous: last.map(|last| last.cid), as_of };
    make(client, heading, &entries).await
}

/// A document as it was made.
///
/// # Errors
/// [`MakeError`].
pub async fn again<C: Ask>(client: &C, anchor: &Anchor) -> Result<Made, MakeError> {
    let as_of = anchors::point_at(client, anchor.market, anchor.as_of).await?.ok_or(MakeError::Gone(anchor.as_of))?;
    as_of_then(client, anchor, as_of).await
}

/// A document of the same entries, as of now: without the words of comments that were deleted meanwhile.
///
/// # Errors
/// [`MakeError`].
pub async fn anew<C: Ask>(client: &C, anchor: &Anchor) -> Result<Made, MakeError> {
    let as_of = anchors::newest(client, anchor.market).await?.ok_or(MakeError::Gone(anchor.to))?;
    as_of_then(client, anchor, as_of).await
}

/// A comment whose words a document holds was deleted after it was made, as far as the journal knows.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn holds_deleted<C: Ask>(client: &C, snapshot: &Snapshot) -> Result<bool, ReadFailure> {
    let Some(newest) = anchors::newest(client, snapshot.market).await? else { return Ok(false) };
    let (market, as_of) = (snapshot.market, snapshot.as_of.place());
    Ok(!anchors::deleted(client, market, as_of, newest.place(), &snapshot.holds_words_of()).await?.is_empty())
}

async fn as_of_then<C: Ask>(client: &C, anchor: &Anchor, as_of: Point) -> Result<Made, MakeError> {
    let market = anchor.market;
    // What comes before the first of its entries is another document's.
    let before = Place { seq: Seq(anchor.from.seq.0.saturating_sub(1)), ..anchor.from };
    let entries = anchors::entries(client, market, Some(before), anchor.to, ENTRIES_MAX + 1).await?;
    let (version, number, previous) = (anchor.version, anchor.number, anchor.previous_cid);
    let heading = Heading { version, market, number, previous, as_of };
    make(client, heading, &entries).await?.ok_or(MakeError::Gone(anchor.from))
}

async fn make<C: Ask>(client: &C, heading: Heading, entries: &[(Point, EntryBody)]) -> Result<Option<Made>, MakeError> {
    let Some((first, _)) = entries.first() else { return Ok(None) };
    let comments: Vec<_> = entries
        .iter()
        .filter_map(|(_, body)| match body {
            EntryBody::Comment { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let deleted = anchors::deleted(client, heading.market, first.place(), heading.as_of.place(), &comments).await?;
    let Some(snapshot) = Snapshot::new(heading, entries, &deleted) else { return Ok(None) };
    let written = snapshot.write()?;
    Ok(Some(Made { snapshot, written }))
}
