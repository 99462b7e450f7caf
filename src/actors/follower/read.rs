//! What a follower reads from PostgreSQL because it did not hear it, and what of it is news to this process.
//!
//! Owns how far this process has been told: numbers on channels over many markets, finalized points of the streams in use,
//! changes of users' transactions. So what is both heard and read is told once, but for entries without a number
//! (comments, the config), which nobody tells from here: streams read their own.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::{Committed, CommittedEntry, FollowerParts};
use crate::{
    actors::{
        registry::{HearHeads, StreamsInUse},
        stream::Finalized,
        submissions::SubmissionNews,
    },
    domain::{
        counted::Counted,
        ids::{AccountAddress, Seq, Slot, TxSignature},
    },
    journal::{
        JournalError,
        follow::{self, StreamHead},
        read::channels::{self, NumberedEntry},
        staging,
        submissions::SubmissionRow,
    },
};

/// Entries of one question, and of one batch that is told.
const PAGE: u32 = 1_024;
/// Changes of users' transactions in one question.
const CHANGES: usize = 1_024;
/// A transaction that was begun before another may be committed after it: changes are asked for again for so long.
const OVERLAP: Duration = Duration::from_secs(5);
/// Changes that are remembered to be told once; past it some may be told again.
const TOLD_MAX: usize = 16_384;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The newest number that was told, of each channel; `None` before the first reading: what was before is no news.
    pub(super) numbers: BTreeMap<Counted, Seq>,
    finalized: HashMap<AccountAddress, Seq>,
    /// Changes of users' transactions: since when they are asked for, and the newest that was read.
    changes: Option<(DateTime<Utc>, DateTime<Utc>)>,
    told: HashMap<TxSignature, SubmissionRow>,
}

impl Reader {
    /// Tells a batch that was heard, without what was told before.
    pub fn tell(&mut self, parts: &FollowerParts, mut batch: Committed) {
        batch.entries.retain(|one| self.is_news(one, None));
        for one in &batch.entries {
            Counted::ALL.into_iter().for_each(|channel| self.note(channel, one));
        }
        send(parts, batch);
    }

    /// It has no number on any channel but this one that was told.
    fn is_news(&self, one: &CommittedEntry, read_on: Option<Counted>) -> bool {
        let was_told = |channel: &Counted| {
            let told = self.numbers.get(channel).copied();
            one.numbers.on(*channel).is_some_and(|seq| told.is_some_and(|told| seq <= told))
        };
        !Counted::ALL.iter().filter(|channel| Some(**channel) != read_on).any(was_told)
    }

    fn note(&mut self, channel: Counted, one: &CommittedEntry) {
        if let Some(seq) = one.numbers.on(channel) {
            let told = self.numbers.entry(channel).or_default();
            *told = seq.max(*told);
        }
    }

    /// Tells what became of a transaction, once.
    pub fn news(&mut self, parts: &FollowerParts, row: SubmissionRow) {
        let is_news =
            |told: &SubmissionRow| (told.status, told.settled, told.slot) != (row.status, row.settled, row.slot);
        if !self.told.get(&row.signature).is_none_or(is_news) {
            return;
        }
        if self.told.len() >= TOLD_MAX {
            self.told.clear();
        }
        self.told.insert(row.signature, row.clone());
        // Nobody need be listening.
        let _ = parts.news.send(SubmissionNews { row });
    }

    /// Reads all that was missed. What was read before an error was told, and is read no more.
    pub async fn read(&mut self, parts: &FollowerParts) -> Result<(), JournalError> {
        self.read_slots(parts).await?;
        self.read_heads(parts).await?;
        self.read_entries(parts).await?;
        self.read_changes(parts).await
    }

    async fn read_slots(&mut self, parts: &FollowerParts) -> Result<(), JournalError> {
        let cursor = staging::load_cursor(&parts.pool, parts.program).await?;
        parts.health.covered(cursor.covered_slot, cursor.covered_slot);
        tell_final(parts, cursor.final_slot());
        Ok(())
    }

    async fn read_heads(&mut self, parts: &FollowerParts) -> Result<(), JournalError> {
        let Some(registry) = parts.registry.get() else { return Ok(()) };
        let Ok(streams) = registry.send(StreamsInUse).await else { return Ok(()) };
        let heads = follow::heads(&parts.pool, parts.epoch, &streams).await?;
        // Of a stream that came into use since, nobody was told anything.
        let moved = |head: &&StreamHead| self.finalized.get(&head.stream).is_none_or(|known| *known < head.finalized);
        let finalized: Vec<_> = heads.iter().filter(moved).map(|head| (head.stream, head.finalized)).collect();
        self.finalized = heads.iter().map(|head| (head.stream, head.finalized)).collect();
        let heads = heads.into_iter().map(|head| (head.stream, head.seq)).collect();
        let _ = registry.send(HearHeads { epoch: parts.epoch, heads }).await;
        send(parts, Committed { epoch: parts.epoch, entries: Vec::new(), finalized });
        Ok(())
    }

    async fn read_entries(&mut self, parts: &FollowerParts) -> Result<(), JournalError> {
        for channel in Counted::ALL {
            let Some(told) = self.numbers.get(&channel).copied() else {
                let head = channels::head(&**parts.pool.get().await?, channel, parts.epoch).await?;
                self.numbers.insert(channel, head);
                continue;
            };
            let mut after = told;
            loop {
                let client = parts.pool.get().await?;
                let page = channels::entries_after(&**client, channel, parts.epoch, after, PAGE).await?;
                drop(client);
                let is_last = page.len() < PAGE as usize;
                let committed = |NumberedEntry { stream, entry, numbers }| CommittedEntry {
                    stream,
                    entry: Arc::new(entry),
                    numbers,
                };
                let mut entries: Vec<_> = page.into_iter().map(committed).collect();
                let newest = entries.last().and_then(|one| one.numbers.on(channel));
                // Only this channel's numbers have been read so far; one that is on both was told with the first.
                entries.iter().for_each(|one| self.note(channel, one));
                entries.retain(|one| self.is_news(one, Some(channel)));
                send(parts, Committed { epoch: parts.epoch, entries, finalized: Vec::new() });
                match newest {
                    Some(newest) if !is_last => after = newest,
                    _ => break,
                }
            }
        }
        Ok(())
    }

    async fn read_changes(&mut self, parts: &FollowerParts) -> Result<(), JournalError> {
        let Some((since, newest)) = self.changes else {
            let now = follow::now(&parts.pool).await?;
            self.changes = Some((now, now));
            return Ok(());
        };
        // What was changed before this process listened is no news.
        let mut after = (since.max(newest - OVERLAP), String::new());
        loop {
            let page = follow::changed_submissions(&parts.pool, &after, CHANGES).await?;
            let is_last = page.len() < CHANGES;
            for (at, row) in page {
                after = at;
                self.news(parts, row);
            }
            self.changes = Some((since, newest.max(after.0)));
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Everything at or below this slot is final: the streams in use move on.
pub(super) fn tell_final(parts: &FollowerParts, slot: Slot) {
    parts.health.finalized(slot);
    if let Some(registry) = parts.registry.get() {
        // One that is too busy hears of the next.
        let _ = registry.try_send(Finalized(slot));
    }
}

fn send(parts: &FollowerParts, batch: Committed) {
    if !batch.is_untold() {
        // Nobody need be listening.
        let _ = parts.committed.send(Arc::new(batch));
    }
}
