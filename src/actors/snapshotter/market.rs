//! One market's documents, one after the other, until all of its discussion is pinned.
//!
//! Owns the steps of one, each of which may be the last of a process: made, kept as pending, made again from its row, sent,
//! noted. There is one way for all: also a document that was kept a moment ago is read back and made again from the journal,
//! as the next life does it, and it is sent only if that gives the content id of its row. Before it is sent, it is asked
//! whether a comment in it was deleted meanwhile. If the journal says so, the service has to forget it, and it is made anew,
//! without those words; if so far only `discussions` says so, it waits for the journal. What the service calls the file must
//! be what we do, or the service has to forget it, and it does not count as pinned.

use std::time::Duration;

use super::SnapshotterParts;
use crate::{
    domain::{
        ids::MarketAddress,
        snapshot::{AnchorStatus, Place},
    },
    faults,
    ipfs::{
        document::{self, Made, MakeError},
        provider::{AddError, Added},
    },
    journal::{
        JournalError,
        anchors::{self, Attempt},
        read::{self, ReadFailure, anchors::Anchor},
    },
};

/// Steps that one pass makes for a market, two a document: fifty million comments. The rest is the next pass's.
const STEPS_MAX: u32 = 100_000;
/// Characters of a foreign content id that are told.
const FOREIGN_MAX: usize = 100;

/// The service takes nothing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// For people.
    pub reason: String,
    /// It asks to be left alone for so long.
    pub retry_after: Option<Duration>,
}

/// How far a market came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// All of its discussion is pinned, as of when it was asked.
    Through,
    /// A document can't be made, or is refused: why.
    Stuck(String),
    /// A document is on its way.
    Waits(Away),
    /// A document holds words that were taken back, and the journal does not have that yet.
    Behind,
}

/// What came of a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Documents that were pinned.
    pub pinned: u32,
    /// How far it came.
    pub came: Came,
}

/// What a step of a document came to.
enum Step {
    /// It is pinned.
    Pinned,
    /// It is another one now: to be looked at again.
    Changed,
    /// No further.
    Ends(Came),
}

/// Has all of a market's discussion pinned, as far as it goes now.
///
/// # Errors
/// The database does not answer, or the lease is over.
pub async fn bring(parts: &SnapshotterParts, market: MarketAddress) -> Result<Brought, JournalError> {
    let mut pinned = 0;
    let until = {
        let client = parts.pool.get().await?;
        let Some(newest) = read::anchors::newest(&**client, market).await? else {
            return Ok(Brought { pinned, came: Came::Through });
        };
        newest.place()
    };
    for _ in 0..STEPS_MAX {
        let step = match anchors::last(parts.pool.pool(), market).await? {
            Some(last) if last.status != AnchorStatus::Pinned => send(parts, &last).await?,
            last => begin(parts, market, last.as_ref(), until).await?,
        };
        match step {
            Step::Pinned => pinned += 1,
            Step::Changed => {}
            Step::Ends(came) => return Ok(Brought { pinned, came }),
        }
    }
    Ok(Brought { pinned, came: Came::Through })
}

/// Keeps the next document.
async fn begin(
    parts: &SnapshotterParts,
    market: MarketAddress,
    last: Option<&Anchor>,
    until: Place,
) -> Result<Step, JournalError> {
    if last.is_some_and(|last| last.to >= until) {
        return Ok(Step::Ends(Came::Through));
    }
    let made = {
        let client = parts.pool.get().await?;
        document::next(&**client, market, last, until).await
    };
    let made = match made {
        Ok(Some(made)) => made,
        Ok(None) => return Ok(Step::Ends(Came::Through)),
        Err(error) => return stuck(parts, None, error).await,
    };
    faults::reached("snapshots:made");
    anchors::begin(&parts.pool, &made.snapshot, &made.written, parts.provider.name()).await?;
    faults::reached("snapshots:kept");
    // Whoever kept it: its row is read, and goes the way of all.
    Ok(Step::Changed)
}

/// Sends a document that is kept.
async fn send(parts: &SnapshotterParts, anchor: &Anchor) -> Result<Step, JournalError> {
    let made = {
        let client = parts.pool.get().await?;
        match document::again(&**client, anchor).await {
            Ok(Made { written, .. }) if written.cid != anchor.cid => {
                drop(client);
                let found = written.cid.text().unwrap_or_default().to_owned();
                let why = format!("the journal gives another document now: {found}");
                return end(parts, anchor, AnchorStatus::Failed, &why, 0).await.map(|()| Step::Ends(Came::Stuck(why)));
            }
            Ok(made) if document::holds_deleted(&**client, &made.snapshot).await? => {
                let anew = document::anew(&**client, anchor).await;
                drop(client);
                return match anew {
                    Ok(made) => make_anew(parts, anchor, &made).await,
                    Err(error) => stuck(parts, Some(anchor), error).await,
                };
            }
            Ok(made) => made,
            Err(error) => {
                drop(client);
                return stuck(parts, Some(anchor), error).await;
            }
        }
    };
    if anchors::were_deleted(&parts.pool, anchor.market, &made.snapshot.holds_words_of()).await? {
        let why = "words of it were deleted, and the journal does not have that yet";
        return end(parts, anchor, anchor.status, why, 0).await.map(|()| Step::Ends(Came::Behind));
    }
    warn_of_another_service(parts, anchor);
    let name = format!("{}-{}.json", anchor.market, anchor.number);
    let (added, sent) = parts.provider.add(&name, &made.written.json).await;
    faults::reached("snapshots:sent");
    let step = match added {
        Ok(Added { cid, is_duplicate }) if anchor.cid.text() == Some(cid.as_str()) => {
            let answer = if is_duplicate { "it was there already" } else { "taken" };
            end(parts, anchor, AnchorStatus::Pinned, answer, sent).await?;
            log::info!("discussion of {} is pinned: document {}, {cid}", anchor.market, anchor.number);
            Step::Pinned
        }
        Ok(Added { cid, .. }) => {
            let cid: String = cid.chars().filter(char::is_ascii_alphanumeric).take(FOREIGN_MAX).collect();
            let why = format!("the service calls it {cid}: it is not pinned as ours");
            forget_foreign(parts, anchor, &cid).await?;
            end(parts, anchor, AnchorStatus::Failed, &why, sent).await?;
            Step::Ends(Came::Stuck(why))
        }
        Err(AddError::Away { reason, retry_after }) => {
            end(parts, anchor, AnchorStatus::Pending, &reason, sent).await?;
            Step::Ends(Came::Waits(Away { reason, retry_after }))
        }
        Err(error @ AddError::Closed(_)) => {
            let reason = error.to_string();
            end(parts, anchor, AnchorStatus::Pending, &reason, sent).await?;
            Step::Ends(Came::Waits(Away { reason, retry_after: None }))
        }
        Err(error @ AddError::Refused(_)) => {
            let why = error.to_string();
            end(parts, anchor, AnchorStatus::Failed, &why, sent).await?;
            Step::Ends(Came::Stuck(why))
        }
    };
    faults::reached("snapshots:noted");
    Ok(step)
}

/// A document that holds what was deleted since gives way to one without it. It may have been taken already, and nobody was
/// told: so the service has to forget it first, and the row names it until it has.
async fn make_anew(parts: &SnapshotterParts, before: &Anchor, made: &Made) -> Result<Step, JournalError> {
    if let Some(away) = forget(parts, before).await {
        end(parts, before, before.status, &away.reason, 0).await?;
        return Ok(Step::Ends(Came::Waits(away)));
    }
    anchors::make_anew(&parts.pool, before, &made.snapshot, &made.written).await?;
    Ok(Step::Changed)
}

/// Gives up a market's failed document, so that another is made in its place. False: none has failed.
///
/// # Errors
/// The database does not answer, or the lease is over. `Ok(Err(_))`: the service can't be told now to forget it.
pub async fn give_up(parts: &SnapshotterParts, market: MarketAddress) -> Result<Result<bool, Away>, JournalError> {
    let last = anchors::last(parts.pool.pool(), market).await?;
    let Some(failed) = last.filter(|last| last.status == AnchorStatus::Failed) else { return Ok(Ok(false)) };
    match forget(parts, &failed).await {
        Some(away) => Ok(Err(away)),
        None => anchors::give_up(&parts.pool, &failed).await.map(Ok),
    }
}

/// Has the service forget a document that it may have taken; `Some`: it takes nothing now.
async fn forget(parts: &SnapshotterParts, document: &Anchor) -> Option<Away> {
    warn_of_another_service(parts, document);
    match parts.provider.remove(document.cid.text().unwrap_or_default()).await {
        Ok(()) => None,
        Err(AddError::Away { reason, retry_after }) => Some(Away { reason, retry_after }),
        // Keys may be for pinning alone.
        Err(error) => {
            log::warn!("document {} of {} may stay at the service: {error}", document.number, document.market);
            None
        }
    }
}

/// What was sent to a service that is not configured any more stays there, if it was taken: others can't forget it.
fn warn_of_another_service(parts: &SnapshotterParts, document: &Anchor) {
    if document.attempts > 0 && document.provider != parts.provider.name() {
        let Anchor { market, number, provider, .. } = document;
        let cid = document.cid.text().unwrap_or_default();
        log::warn!("document {number} of {market} was sent to {provider}, too, and {cid} may stay there");
    }
}

/// Has the service forget a document that it took under a content id which no row of ours names, so nobody would later.
async fn forget_foreign(parts: &SnapshotterParts, document: &Anchor, cid: &str) -> Result<(), JournalError> {
    // It may have mixed up two of ours.
    if cid.is_empty() || anchors::is_ours(parts.pool.pool(), cid).await? {
        return Ok(());
    }
    if let Err(error) = parts.provider.remove(cid).await {
        let Anchor { market, number, .. } = document;
        log::warn!("document {number} of {market} may stay at the service, which calls it {cid}: {error}");
    }
    Ok(())
}

/// Notes what came of a document. That it was noted by another hand meanwhile is seen at the next look.
async fn end(
    parts: &SnapshotterParts,
    anchor: &Anchor,
    status: AnchorStatus,
    answer: &str,
    sent: u32,
) -> Result<(), JournalError> {
    let attempt = Attempt { status, provider: parts.provider.name(), answer, sent };
    anchors::note(&parts.pool, anchor, attempt).await.map(drop)
}

/// A database that is away is everybody's trouble; what else keeps a document from being made is this market's.
async fn stuck(parts: &SnapshotterParts, anchor: Option<&Anchor>, error: MakeError) -> Result<Step, JournalError> {
    if let MakeError::Read(error @ ReadFailure::Transient(_)) = error {
        return Err(error.into());
    }
    let why = error.to_string();
    if let Some(anchor) = anchor {
        end(parts, anchor, AnchorStatus::Failed, &why, 0).await?;
    }
    Ok(Step::Ends(Came::Stuck(why)))
}
