//! ChainReader: reads what a stream needs to heal, and what else is asked of the chain now and then: balances, the time.
//!
//! Owns nothing but its RPC client and the newest reading of the chain's clock; an actor of its own because a client lives on the runtime of the arbiter that made it,
//! and because a slow node must not hold up the listener. Reads that can't be answered are errors; who asks asks again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use super::{
    chain_clock::CachedClock,
    pauses,
    stream::subject::ReadAccount,
    supervision::{Crash, DeathGuard},
};
use crate::{
    chain::{
        anchor::{
            decode::{Decoded, FailureEvidence, decode},
            drafts::drafts,
        },
        model::{Commitment, RawTransaction},
        program::pda::ProgramAddresses,
        rpc::{ChainReadError, ChainRpc},
    },
    domain::{
        amount::UnixSeconds,
        event::{ChainEvent, EventSubject},
        ids::{AccountAddress, EventId, ProgramId, Slot, TxSignature, Wallet},
    },
};

/// Transactions that one history may have; older ones are left to the account.
const TRANSACTIONS_MAX: usize = 5_000;
/// Signatures a page.
const PAGE: usize = 1_000;
/// Transactions of one history that are fetched at the same time.
const FETCHES: usize = 8;
/// Readings of a transaction that is listed, before it is left out.
const READ_ATTEMPTS: u32 = 6;
/// Accounts that are read at once.
const ACCOUNTS_MAX: usize = 100;
/// Histories that are read at the same time.
const READS_MAX: usize = 8;

/// Places of transactions in blocks.
type Blocks = HashMap<Slot, HashMap<TxSignature, u32>>;

/// The events of a stream since a slot (exclusive), and its account.
#[derive(Debug, Clone)]
pub struct History {
    /// In the chain's order. What can't be decoded is left out: the account tells.
    pub events: Vec<ChainEvent>,
    /// Read before the events, so that they contain all that it contains; `None` if it does not exist.
    pub account: Option<ReadAccount>,
    /// Of these events only the instruction is known: what was logged of them was cut.
    pub drafts: HashSet<EventId>,
    /// It was read from a node by whose word something may be taken back or adopted.
    pub decides: bool,
    /// There are older events, and they were not read since nobody wants them ([`ChainReader::from_slot`]).
    pub is_cut: bool,
}

/// Read a stream's history.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<History, ChainReadError>")]
pub struct ReadHistory {
    /// A market, or the config.
    pub address: AccountAddress,
    /// Everything at or below this slot is known.
    pub since: Slot,
    /// From this slot on, order within a slot is the block's own: it was read before, and what the journal lacks, of which
    /// this is the oldest, did not fit in the order of the node's list.
    pub by_blocks: Option<Slot>,
}

/// What each of these wallets holds now, in lamports and in their order; 0 where the chain knows no such account. Their
/// number is whoever asks's affair.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<u64>, ChainReadError>")]
pub struct ReadBalances(pub Vec<Wallet>);

/// What time it is on the chain at least, by a confirmed reading of the last seconds; `None` where it can't be known now.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<UnixSeconds>")]
pub struct ReadTime;

/// The same, but nothing where the last reading failed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<UnixSeconds>")]
pub struct ReadFreshTime;

/// See the module.
pub struct ChainReader {
    rpc: ChainRpc,
    program: ProgramId,
    reads: Arc<Semaphore>,
    clock: Arc<CachedClock>,
    from_slot: Slot,
    _guard: DeathGuard,
}

impl ChainReader {
    /// A reader of one program's transactions.
    pub fn new(rpc: ChainRpc, program: ProgramId, guard: DeathGuard) -> Self {
        let (reads, clock) = (Arc::new(Semaphore::new(READS_MAX)), Arc::default());
        Self { rpc, program, reads, clock, from_slot: Slot(0), _guard: guard }
    }

    /// Histories are read from that slot on, and what is older counts as gone.
    pub fn from_slot(self, from_slot: Slot) -> Self {
        Self { from_slot, ..self }
    }
}

impl Actor for ChainReader {
    type Context = Context<Self>;
}

impl Handler<ReadHistory> for ChainReader {
    type Result = ResponseFuture<Result<History, ChainReadError>>;

    fn handle(&mut self, message: ReadHistory, _: &mut Self::Context) -> Self::Result {
        let (rpc, program, reads, from) = (self.rpc.clone(), self.program, Arc::clone(&self.reads), self.from_slot);
        Box::pin(async move {
            let _turn = reads.acquire().await;
            read(&rpc, program, message, from).await
        })
    }
}

impl Handler<ReadBalances> for ChainReader {
    type Result = ResponseFuture<Result<Vec<u64>, ChainReadError>>;

    fn handle(&mut self, ReadBalances(wallets): ReadBalances, _: &mut Self::Context) -> Self::Result {
        let (rpc, reads) = (self.rpc.clone(), Arc::clone(&self.reads));
        Box::pin(async move {
            let _turn = reads.acquire().await;
            balances(&rpc, &wallets).await
        })
    }
}

impl Handler<ReadTime> for ChainReader {
    type Result = ResponseFuture<Option<UnixSeconds>>;

    fn handle(&mut self, _: ReadTime, _: &mut Self::Context) -> Self::Result {
        let (rpc, clock) = (self.rpc.clone(), Arc::clone(&self.clock));
        // Takes no turn: one reading serves all who ask.
        Box::pin(async move {
            let ask = async move { rpc.clock(Commitment::Confirmed).await };
            clock.at_least(Instant::now(), ask).await
        })
    }
}

impl Handler<ReadFreshTime> for ChainReader {
    type Result = ResponseFuture<Option<UnixSeconds>>;

    fn handle(&mut self, _: ReadFreshTime, _: &mut Self::Context) -> Self::Result {
        let (rpc, clock) = (self.rpc.clone(), Arc::clone(&self.clock));
        Box::pin(async move {
            let ask = async move { rpc.clock(Commitment::Confirmed).await };
            clock.fresh(Instant::now(), ask).await
        })
    }
}

impl Handler<Crash> for ChainReader {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the chain reader was asked to crash");
    }
}

async fn balances(rpc: &ChainRpc, wallets: &[Wallet]) -> Result<Vec<u64>, ChainReadError> {
    let mut held = Vec::with_capacity(wallets.len());
    for wallets in wallets.chunks(ACCOUNTS_MAX) {
        let addresses: Vec<_> = wallets.iter().map(|wallet| AccountAddress(wallet.0)).collect();
        let accounts = rpc.accounts(&addresses).await?.accounts;
        held.extend(accounts.into_iter().map(|account| account.map_or(0, |account| account.lamports)));
    }
    Ok(held)
}

async fn read(
    rpc: &ChainRpc,
    program: ProgramId,
    ReadHistory { address, since: known, by_blocks }: ReadHistory,
    from: Slot,
) -> Result<History, ChainReadError> {
    // Of two nodes one is asked for all of it: they may know different things.
    let rpc = &rpc.pinned();
    let since = known.max(Slot(from.0.saturating_sub(1)));
    let mut is_cut = false;
    let read = rpc.accounts(&[address]).await?;
    let account = read.accounts.into_iter().flatten().find(|account| account.owner == program);
    let account =
        account.map(|account| ReadAccount { data: account.data, lamports: account.lamports, slot: read.slot });
    // Newest first, as the chain lists them.
    let mut found = Vec::new();
    let mut before = None;
    while found.len() < TRANSACTIONS_MAX {
        let page = rpc.signatures_before(address, before, PAGE).await?;
        let Some(oldest) = page.oldest else { break };
        let reached = page.found.iter().any(|entry| entry.slot <= since);
        is_cut |= page.found.iter().any(|entry| entry.slot <= since && entry.slot > known && !entry.failed);
        found.extend(page.found.into_iter().filter(|entry| entry.slot > since && !entry.failed));
        if reached {
            break;
        }
        before = Some(oldest);
    }
    let addresses = ProgramAddresses::new(program);
    let (mut events, mut drafted) = (Vec::new(), HashSet::new());
    let reads = found.iter().rev().map(|entry| async move { (entry.signature, listed(rpc, entry.signature).await) });
    let mut reads = futures_util::stream::iter(reads).buffered(FETCHES);
    while let Some((signature, read)) = reads.next().await {
        let transaction = match read {
            Ok(Some(transaction)) => transaction,
            Ok(None) => continue,
            // What can't be read can't be decoded either.
            Err(ChainReadError::BadAnswer { detail, .. }) => {
                log::warn!("{signature} is left out: {detail}");
                continue;
            }
            Err(error) => return Err(error),
        };
        match decode(program, &transaction) {
            Decoded::Events(decoded) => {
                events.extend(decoded.into_iter().filter(|event| is_about(event, address, &addresses)));
            }
            Decoded::Truncated { .. } | Decoded::Failed(FailureEvidence::StackNotClosed) => {
                let drafts = drafts(program, &transaction).unwrap_or_default().into_iter();
                for draft in drafts.filter(|draft| draft.market.account() == address) {
                    drafted.insert(draft.event.id);
                    events.push(draft.event);
                }
            }
            Decoded::Failed(_) | Decoded::Garbage { .. } => {}
        }
    }
    let blocks = match by_blocks {
        Some(from) => blocks_of(rpc, events.iter().filter(|event| event.position.slot >= from)).await?,
        None => HashMap::new(),
    };
    order_within_slots(&mut events, &blocks);
    Ok(History { events, account, drafts: drafted, decides: rpc.decides(), is_cut })
}

/// The places in their blocks of transactions that share a slot, where the node did not tell them. Two of a history at least
/// for each block: their number is bounded by that of its transactions.
async fn blocks_of(rpc: &ChainRpc, events: impl Iterator<Item = &ChainEvent>) -> Result<Blocks, ChainReadError> {
    let mut slots: BTreeMap<Slot, Vec<&ChainEvent>> = BTreeMap::new();
    events.for_each(|event| slots.entry(event.position.slot).or_default().push(event));
    slots.retain(|_, events| {
        let is_told = events.iter().all(|event| event.position.transaction_index.is_some());
        let is_shared = events.windows(2).any(|two| matches!(two, [a, b] if a.id.signature != b.id.signature));
        is_shared && !is_told
    });
    let reads = slots.into_keys().map(|slot| async move { (slot, rpc.block_signatures(slot).await) });
    let mut reads = futures_util::stream::iter(reads).buffer_unordered(FETCHES);
    let mut blocks = HashMap::new();
    while let Some((slot, read)) = reads.next().await {
        match read {
            Ok(signatures) => {
                blocks.insert(slot, signatures.unwrap_or_default().into_iter().zip(0..).collect());
            }
            // The order of the list is all there is.
            Err(ChainReadError::HistoryGone { .. } | ChainReadError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(blocks)
}

/// Within a slot the block's order, where all of it is known; else the order of the list.
fn order_within_slots(events: &mut [ChainEvent], blocks: &Blocks) {
    for slot in events.chunk_by_mut(|a, b| a.position.slot == b.position.slot) {
        let block = slot.first().and_then(|event| blocks.get(&event.position.slot));
        let place =
            |event: &ChainEvent| event.position.transaction_index.or_else(|| block?.get(&event.id.signature).copied());
        if slot.iter().all(|event| place(event).is_some()) {
            slot.sort_by_key(|event| (place(event), event.id.n));
        }
    }
}

/// A transaction that the node lists. One that it does not have yet, or that came garbled, is asked for again: a history
/// that lacks it leads to no account, and would have the account adopted for nothing.
async fn listed(rpc: &ChainRpc, signature: TxSignature) -> Result<Option<RawTransaction>, ChainReadError> {
    let mut pauses = pauses(Duration::from_millis(50), Duration::from_secs(1));
    for _ in 1..READ_ATTEMPTS {
        match rpc.transaction(signature).await {
            Ok(None) | Err(ChainReadError::BadAnswer { .. }) => {}
            answer => return answer,
        }
        tokio::time::sleep(pauses.next().unwrap_or_default()).await;
    }
    rpc.transaction(signature).await
}

/// The transaction names the account, but its event may be another stream's: several of ours may share a transaction.
fn is_about(event: &ChainEvent, address: AccountAddress, addresses: &ProgramAddresses) -> bool {
    match event.event.subject() {
        EventSubject::Config => address == addresses.config().0,
        EventSubject::MarketAccount(market) => market.account() == address,
        EventSubject::Market(seed) => addresses.market(seed).0.account() == address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::market::sample;

    fn event(slot: u64, tx: u8, n: u16, index: Option<u32>) -> ChainEvent {
        let mut event = sample::creation(1_000_000_000_000);
        event.id = crate::domain::ids::EventId { signature: TxSignature([tx; 64]), n };
        event.position.slot = Slot(slot);
        event.position.transaction_index = index;
        event
    }

    fn told(events: &[ChainEvent]) -> Vec<(u64, u8, u16)> {
        events.iter().map(|event| (event.position.slot.0, event.id.signature.0[0], event.id.n)).collect()
    }

    #[test]
    fn within_a_slot_the_block_tells_the_order_and_where_it_is_not_known_the_list() {
        let mut events = [
            event(5, 9, 0, None),
            event(7, 1, 0, Some(8)),
            event(7, 2, 0, Some(3)),
            event(7, 2, 1, Some(3)),
            event(8, 3, 0, None),
            event(8, 4, 0, None),
            event(9, 6, 0, None),
            event(9, 5, 0, None),
        ];
        let block = HashMap::from([(TxSignature([4; 64]), 0), (TxSignature([3; 64]), 1)]);
        let half = HashMap::from([(TxSignature([5; 64]), 0)]);
        order_within_slots(&mut events, &HashMap::from([(Slot(8), block), (Slot(9), half)]));
        let expected = [(5, 9, 0), (7, 2, 0), (7, 2, 1), (7, 1, 0), (8, 4, 0), (8, 3, 0), (9, 6, 0), (9, 5, 0)];
        assert_eq!(told(&events), expected);
    }
}
