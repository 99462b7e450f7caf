//! Finality: proof that what was recorded is on the finalized chain, before it is called final.
//!
//! A confirmed transaction may vanish with its fork. So at the end of every coverage pass, what the journal recorded in
//! slots that have become final is compared with the finalized chain, and only what is found there becomes final. The
//! list of the pass answers for nearly all of it, without a call. What is not in it where it was recorded is asked of the
//! node by its signature; and if the node does not know it there in two passes, [`APART`] at least, and the block of that
//! slot does not hold it, its streams are told that it has vanished.
//!
//! A node that is behind, or has forgotten, or fails, proves nothing: it counts only if its own finalized slot, before and
//! after the question, has passed the transaction's, if it answered at a slot that late, if it still knows a transaction
//! that is known to be final, and if it shows the block, or says that the slot was skipped (which a node says only of
//! slots below its own root). Where the proof is missing, finality (and the cursor) wait, and nothing falls.
//!
//! Of two nodes (`chain::rpc`), nothing falls without the first one's word, nor without the second one's if that is fit, or
//! may have told of the transaction itself: what only one of them lacks is reported, and finality waits until they agree.
//!
//! What is looked at is read from the journal, page by page from [`Cursor::finalized_slot`] on, so a death at any point
//! forgets nothing but doubts, and those are raised again.
//!
//! - More listed than [`LISTED_MAX`]: the older ones are asked for by signature.
//! - More of a page of [`RECORDED_PAGE`] in doubt than [`ASKED_MAX`]: the oldest first, the others by the next pass. So after
//!   an outage that let more than was listed pass by, finality catches up at that many a pass.
//!
//! [`Cursor::finalized_slot`]: crate::journal::staging::Cursor::finalized_slot

mod other;

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    time::{Duration, Instant},
};

use actix::prelude::*;
use futures_util::StreamExt;

use self::other::Other;
use super::{Listener, StreamAddr, ask_stream, coverage::Pass, retry, window::Lane};
use crate::{
    actors::{registry::Registry, stream::Vanished, supervision::Link},
    chain::{
        model::Commitment,
        rpc::{ChainReadError, ChainRpc, MAX_STATUSES, SignaturePage, SignatureStatus},
    },
    domain::ids::{AccountAddress, MarketAddress, Slot, TxSignature},
    journal::{
        finality::{Recorded, recorded_between, taken_back_after},
        lease::Leased,
        staging::{self, DeadLetter},
    },
};

/// Between the two readings that prove that a transaction has vanished.
const APART: Duration = Duration::from_secs(2);
/// Listed transactions that are kept during a pass: 65 s of 2,000 a second.
const LISTED_MAX: usize = 131_072;
/// Recorded transactions that are compared in one go.
const RECORDED_PAGE: usize = 16_384;
/// Transactions that are asked for by their signature, of each page of recorded ones.
const ASKED_MAX: usize = 4_096;
/// Streams that roll back at the same time.
const STREAMS_AT_ONCE: usize = 8;
/// How often a stream is told of a transaction before it is believed that its own reading is right.
const TOLD_MAX: u32 = 3;

/// A transaction in a slot: the same one may be recorded in two.
type Place = (TxSignature, Slot);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Finality {
    /// What the list of this pass has in final slots, newest first come.
    listed: HashMap<TxSignature, Slot>,
    /// Not found where they were recorded, and when that was first seen.
    doubts: HashMap<Place, Instant>,
    /// Their streams were told, so often, and spared them.
    told: HashMap<Place, u32>,
    other: Other,
    stage: Stage,
    /// Which pass this is about: a look of an earlier one says nothing about it.
    pass: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Due,
    Running,
    Done,
}

/// What a look found.
struct Look {
    /// Everything recorded at or below it is on the finalized chain.
    finalized: Slot,
    doubts: HashMap<Place, Instant>,
    told: HashMap<Place, u32>,
    other: Other,
    /// They may come again.
    taken_back: Vec<TxSignature>,
}

impl Finality {
    /// A pass begins.
    pub fn begin(&mut self) {
        self.listed.clear();
        self.stage = Stage::Due;
        self.pass += 1;
    }

    /// A page of the pass's list.
    pub fn note(&mut self, page: &SignaturePage, finalized_before: Slot, pass: &Pass) {
        let new = finalized_before.0 + 1..=pass.finalized_slot.0;
        for entry in page.found.iter().filter(|entry| !entry.failed && new.contains(&entry.slot.0)) {
            if self.listed.len() < LISTED_MAX {
                self.listed.insert(entry.signature, entry.slot);
            }
        }
    }

    /// A look is under way.
    pub fn is_running(&self) -> bool {
        self.stage == Stage::Running
    }

    /// The pass may end.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }
}

impl Listener {
    /// Looks at what has become final; the pass ends when that is done.
    pub(super) fn look_at_finality(&mut self, pass: Pass, ctx: &mut Context<Self>) {
        let Some(cursor) = self.cursor else { return };
        if self.finality.stage != Stage::Due {
            return;
        }
        self.finality.stage = Stage::Running;
        let look = Looking {
            rpc: self.pass_rpc.clone(),
            pool: self.parts.pool.clone(),
            registry: self.parts.registry.clone(),
            config: self.parts.config_address,
            target: pass.finalized_slot.min(pass.confirmed_slot),
            listed: std::mem::take(&mut self.finality.listed),
            known_final: cursor.signature,
            doubts: std::mem::take(&mut self.finality.doubts),
            told: std::mem::take(&mut self.finality.told),
            other: std::mem::take(&mut self.finality.other),
        };
        let (from, number) = (cursor.finalized_slot.unwrap_or_default(), self.finality.pass);
        ctx.spawn(look.run(from).into_actor(self).map(move |look, actor, ctx| {
            for signature in &look.taken_back {
                actor.window.forget(signature);
            }
            // Wherever they landed again is taken up by a list that is made after they were forgotten.
            actor.pass_spoiled |= !look.taken_back.is_empty();
            if actor.finality.pass != number {
                return;
            }
            actor.finality.stage = Stage::Done;
            actor.finality.doubts = look.doubts;
            actor.finality.told = look.told;
            actor.finality.other = look.other;
            if let Some(cursor) = &mut actor.cursor {
                cursor.finalized_slot = Some(look.finalized.max(cursor.finalized_slot.unwrap_or_default()));
            }
            actor.finish_pass(ctx);
        }));
    }

    /// Something is in doubt: the second reading follows as soon as it may.
    pub(super) fn doubts_wait(&self) -> Option<Duration> {
        (!self.finality.doubts.is_empty()).then_some(APART)
    }
}

/// What a look needs.
struct Looking {
    rpc: ChainRpc,
    pool: Leased,
    registry: Link<Registry>,
    config: AccountAddress,
    target: Slot,
    listed: HashMap<TxSignature, Slot>,
    known_final: Option<TxSignature>,
    doubts: HashMap<Place, Instant>,
    told: HashMap<Place, u32>,
    other: Other,
}

/// What the node says of a transaction in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is there, and final.
    Stands,
    /// It is not there, and the node is in a position to know.
    NotThere,
    /// It is there, and failed.
    Failed,
    /// Nothing can be concluded.
    Unclear,
}

impl Looking {
    async fn run(mut self, mut from: Slot) -> Look {
        let (mut taken_back, mut rolled_back) = (Vec::new(), false);
        let mut doubts = HashMap::new();
        while from < self.target {
            let (recorded, upto) = retry("what has become final can't be read", || {
                recorded_between(self.pool.pool(), from, self.target, RECORDED_PAGE)
            })
            .await;
            let missing: Vec<Recorded> =
                recorded.into_iter().filter(|it| self.listed.get(&it.signature) != Some(&it.slot)).collect();
            let verdicts = self.ask(&missing).await;
            let open = |it: &&Recorded| verdicts.get(&(it.signature, it.slot)) != Some(&Verdict::Stands);
            let open: Vec<Recorded> = missing.iter().filter(open).copied().collect();
            let Some(oldest) = open.first() else {
                from = upto;
                continue;
            };
            let mut proved = Vec::new();
            let (mut blocks, mut other_blocks) = (HashMap::new(), HashMap::new());
            for it in &open {
                let place = (it.signature, it.slot);
                let is_there = match verdicts.get(&place) {
                    Some(Verdict::NotThere) => false,
                    Some(Verdict::Failed) => true,
                    _ => continue,
                };
                let since = *self.doubts.get(&place).unwrap_or(&Instant::now());
                if since.elapsed() < APART || rolled_back {
                    doubts.insert(place, since);
                } else if (is_there || block_lacks(&self.rpc, it, &mut blocks).await)
                    && self.other_agrees(it, &mut other_blocks).await
                {
                    proved.push(*it);
                }
            }
            if proved.is_empty() {
                log::info!(
                    "finality waits for {} in slot {}, and {} others",
                    oldest.signature,
                    oldest.slot,
                    open.len() - 1
                );
                from = from.max(Slot(oldest.slot.0.saturating_sub(1)));
                break;
            }
            // What is left of it is looked at once more, and no second time by this pass.
            rolled_back = true;
            taken_back.extend(self.tell(&proved, from).await);
            doubts.clear();
        }
        self.told.retain(|(_, slot), _| *slot > from);
        self.other.forget_up_to(from);
        Look { finalized: from, doubts, told: self.told, other: self.other, taken_back }
    }

    /// The nodes disagree about what is final, or one is away for long whose word is needed: people have to say which one is
    /// right. Once.
    async fn report(&mut self, it: &Recorded, reason: &'static str, other: &str) {
        if !self.other.is_new(it, reason) {
            return;
        }
        let detail = format!(
            "{} does not know it in slot {}, and {other}: nothing is taken back, and finality waits",
            self.rpc.endpoint(),
            it.slot,
        );
        log::error!("{}: {detail}", it.signature);
        let letter = DeadLetter {
            source: "finality",
            signature: Some(it.signature),
            n: None,
            stream: Some(it.stream),
            reason,
            detail,
            raw: None,
        };
        retry("a dead letter can't be kept", || staging::bury(&self.pool, std::slice::from_ref(&letter))).await;
    }

    /// What the node says of each; those that it was not asked about are left out.
    async fn ask(&mut self, missing: &[Recorded]) -> HashMap<Place, Verdict> {
        let mut verdicts = HashMap::new();
        if missing.is_empty() {
            return verdicts;
        }
        let mut signatures: Vec<TxSignature> = missing.iter().map(|it| it.signature).take(ASKED_MAX).collect();
        signatures.sort_unstable();
        signatures.dedup();
        let newest_listed = self.listed.iter().max_by_key(|(_, slot)| **slot).map(|(signature, _)| *signature);
        let known_final = newest_listed.or(self.known_final);
        for asked in signatures.chunks(MAX_STATUSES - 1) {
            match statuses(&self.rpc, asked, known_final).await {
                Ok(answer) => {
                    let asked: HashSet<&TxSignature> = asked.iter().collect();
                    for it in missing.iter().filter(|it| asked.contains(&it.signature)) {
                        let spared = self.told.get(&(it.signature, it.slot)).is_some_and(|told| *told >= TOLD_MAX);
                        let verdict = if spared { Verdict::Stands } else { answer.verdict(it) };
                        verdicts.insert((it.signature, it.slot), verdict);
                    }
                }
                Err(error) => {
                    log::warn!("what has become final can't be asked for: {error}");
                    break;
                }
            }
        }
        verdicts
    }

    /// Tells the streams; answers with the transactions that may come again, when all streams have healed.
    async fn tell(&mut self, proved: &[Recorded], from: Slot) -> Vec<TxSignature> {
        let mut by_stream: BTreeMap<AccountAddress, Vec<TxSignature>> = BTreeMap::new();
        for it in proved {
            log::warn!("{} is not on the finalized chain in slot {}, where it was recorded", it.signature, it.slot);
            by_stream.entry(it.stream).or_default().push(it.signature);
        }
        let (registry, config, proved_at) = (&self.registry, self.config, self.target);
        let tell = by_stream.iter().map(|(stream, signatures)| async move {
            let lane = if *stream == config { Lane::Config } else { Lane::Market(MarketAddress(stream.0)) };
            ask_stream(registry, lane, |addr| {
                let vanished = Vanished { signatures: signatures.clone(), proved_at };
                async move {
                    match addr {
                        StreamAddr::Market(addr) => addr.send(vanished).await,
                        StreamAddr::Config(addr) => addr.send(vanished).await,
                    }
                }
            })
            .await;
        });
        futures_util::stream::iter(tell).buffer_unordered(STREAMS_AT_ONCE).collect::<Vec<()>>().await;
        let streams: Vec<AccountAddress> = by_stream.keys().copied().collect();
        let taken_back =
            retry("what was taken back can't be read", || taken_back_after(self.pool.pool(), &streams, from)).await;
        self.spared(proved, &taken_back).await;
        taken_back
    }

    /// A stream that was told and took nothing back has seen the transaction where it was recorded: two answers against
    /// one. They are asked for again; in the end the stream is believed, and what was seen is kept for people.
    async fn spared(&mut self, proved: &[Recorded], taken_back: &[TxSignature]) {
        let taken_back: HashSet<&TxSignature> = taken_back.iter().collect();
        for it in proved {
            let place = (it.signature, it.slot);
            if taken_back.contains(&it.signature) {
                self.told.remove(&place);
                continue;
            }
            let told = self.told.entry(place).or_default();
            *told += 1;
            self.doubts.remove(&place);
            if *told == TOLD_MAX {
                let letter = DeadLetter {
                    source: "finality",
                    signature: Some(it.signature),
                    n: None,
                    stream: Some(it.stream),
                    reason: "not taken back",
                    detail: format!(
                        "the node does not know it in slot {}, and its stream did not take it back",
                        it.slot
                    ),
                    raw: None,
                };
                retry("a dead letter can't be kept", || staging::bury(&self.pool, std::slice::from_ref(&letter))).await;
            }
        }
    }
}

/// A node's answer about signatures, and how far the node was.
struct Answer {
    statuses: HashMap<TxSignature, Option<SignatureStatus>>,
    /// Up to here the node is in a position to know.
    knows_up_to: Slot,
}

impl Answer {
    fn verdict(&self, it: &Recorded) -> Verdict {
        if it.slot > self.knows_up_to {
            return Verdict::Unclear;
        }
        match self.statuses.get(&it.signature) {
            // It was not asked for.
            None => Verdict::Unclear,
            Some(None) => Verdict::NotThere,
            Some(Some(status)) if status.slot != it.slot => Verdict::NotThere,
            Some(Some(status)) if status.commitment != Commitment::Finalized => Verdict::Unclear,
            Some(Some(status)) if status.failure.is_some() => Verdict::Failed,
            Some(Some(_)) => Verdict::Stands,
        }
    }
}

/// Blocks that were read; `None` for one that can't be.
type Blocks = HashMap<Slot, Option<HashSet<TxSignature>>>;

/// True if the block of its slot is known to the node and does not hold it. Each block is read once.
async fn block_lacks(rpc: &ChainRpc, it: &Recorded, blocks: &mut Blocks) -> bool {
    if let Entry::Vacant(vacant) = blocks.entry(it.slot) {
        let block = match rpc.block_signatures(it.slot).await {
            Ok(signatures) => Some(signatures.into_iter().flatten().collect()),
            Err(ChainReadError::HistoryGone { message, .. }) if message.contains("was skipped") => Some(HashSet::new()),
            Err(error) => {
                log::warn!("the block of slot {} can't be read: {error}", it.slot);
                None
            }
        };
        vacant.insert(block);
    }
    blocks.get(&it.slot).is_some_and(|block| block.as_ref().is_some_and(|block| !block.contains(&it.signature)))
}

/// Asks for statuses, and in the same breath how far the node is: its finalized slot before and after, the slot that it
/// answered at, and whether it remembers what is known to be final.
async fn statuses(
    rpc: &ChainRpc,
    asked: &[TxSignature],
    known_final: Option<TxSignature>,
) -> Result<Answer, ChainReadError> {
    let before = rpc.slot(Commitment::Finalized).await?;
    let with_control: Vec<TxSignature> = known_final.iter().chain(asked).copied().collect();
    let (seen_at, answers) = rpc.signature_statuses_at(&with_control, true).await?;
    let after = rpc.slot(Commitment::Finalized).await?;
    let mut answers = answers.into_iter();
    let is_final = |status: SignatureStatus| status.commitment == Commitment::Finalized;
    let remembers = known_final.is_none() || answers.next().flatten().is_some_and(is_final);
    let knows_up_to = if remembers { before.min(after).min(seen_at) } else { Slot(0) };
    Ok(Answer { statuses: asked.iter().copied().zip(answers).collect(), knows_up_to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(n: u8, slot: u64) -> Recorded {
        Recorded { slot: Slot(slot), signature: TxSignature([n; 64]), stream: AccountAddress([1; 32]) }
    }

    #[test]
    fn only_a_node_that_is_in_a_position_to_know_proves_anything() {
        let status = |slot, commitment| Some(SignatureStatus { slot: Slot(slot), commitment, failure: None });
        let answer =
            |status| Answer { statuses: HashMap::from([(TxSignature([1; 64]), status)]), knows_up_to: Slot(100) };
        let rows = [
            (status(50, Commitment::Finalized), 50, Verdict::Stands),
            (status(50, Commitment::Confirmed), 50, Verdict::Unclear),
            (status(51, Commitment::Finalized), 50, Verdict::NotThere),
            (None, 50, Verdict::NotThere),
            (None, 100, Verdict::NotThere),
            // It is behind.
            (None, 101, Verdict::Unclear),
            (status(50, Commitment::Finalized), 101, Verdict::Unclear),
        ];
        for (row, (status, slot, expected)) in rows.into_iter().enumerate() {
            assert_eq!(answer(status).verdict(&recorded(1, slot)), expected, "row {row}");
        }
        assert_eq!(answer(None).verdict(&recorded(2, 50)), Verdict::Unclear, "not asked for");
    }
}
