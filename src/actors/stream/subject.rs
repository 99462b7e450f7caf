//! What a stream is about: a market, or the program's config. The actor is the same for both.

use std::sync::{Arc, PoisonError, RwLock};

use super::life::Beside;
use crate::{
    chain::anchor::accounts::decode_account,
    domain::{
        account::{GlobalConfigAccount, MarketAccount},
        config::ProgramConfig,
        entry::{Entry, EntryBody, FeeSchedule},
        event::{ChainEvent, ProgramEvent},
        fee_timeline::FeeTimeline,
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Slot},
        market::Market,
        metadata::MarketMetadata,
        misfit::Misfit,
        phase::Phase,
        tally::{Counts, VoteKind},
        user_write::{UserWrite, WriteRefused},
    },
    journal::{
        JournalError, open,
        rows::{ConfigRow, MarketRow, RowHead},
        write::HeadRow,
    },
    view::frame::Channel,
};

/// An account of the program as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAccount {
    /// All its bytes.
    pub data: Vec<u8>,
    /// Its balance.
    pub lamports: u64,
    /// The slot that the node named; it may be older than the content.
    pub slot: Slot,
}

/// A stream as it was stored, whatever it is about.
#[derive(Debug, Clone)]
pub struct Stored<S> {
    /// Where its row stands.
    pub head: RowHead,
    /// The state at the head.
    pub state: S,
    /// The state at the finalized point, if there is one.
    pub finalized: Option<S>,
    /// As in [`open::StoredStream`].
    pub ring: Vec<Entry>,
    /// As in [`open::StoredStream`].
    pub tail: Vec<Entry>,
    /// As in [`open::StoredStream`].
    pub slot_high_before_ring: Slot,
    /// As in [`open::StoredStream`].
    pub finalized_slot: Slot,
    /// As in [`open::StoredStream`].
    pub rolled_back: std::collections::BTreeSet<Seq>,
    /// What it has beside its state.
    pub beside: Beside,
}

/// What a stream is about.
pub trait Subject: Clone + std::fmt::Debug + PartialEq + Unpin + Send + Sync + 'static {
    /// For people and metrics.
    const KIND: &'static str;

    /// The channel of its frames.
    fn channel(address: AccountAddress) -> Channel;

    /// The entry that an event makes of a state, or why it does not fit.
    fn plan(
        current: Option<&Self>,
        address: AccountAddress,
        event: &ChainEvent,
        schedule: FeeSchedule,
    ) -> Result<EntryBody, Misfit>;

    /// What the chain did where only the instruction is known (`event` is a draft); `None` where that can't be told.
    fn complete(current: Option<&Self>, event: &ProgramEvent, schedule: FeeSchedule) -> Option<ProgramEvent>;

    /// The state after an entry.
    fn advance(current: Option<Self>, body: &EntryBody) -> Result<Self, Misfit>;

    /// The entry of an event that the state already contains.
    fn contained(current: &Self, event: &ChainEvent, schedule: FeeSchedule) -> EntryBody;

    /// The account holds exactly this state; the differences, for people, where it does not.
    fn differences(&self, account: &ReadAccount) -> Result<Vec<String>, String>;

    /// The entry that adopts the account's state.
    fn adopt(
        current: Option<&Self>,
        address: AccountAddress,
        account: &ReadAccount,
        reason: String,
    ) -> Result<EntryBody, String>;

    /// The entry that takes `reverted` back; `rebuilt` is what the others make.
    fn plan_rollback(current: &Self, rebuilt: Option<Self>, reverted: Vec<Seq>, slot: Slot) -> EntryBody;

    /// The entry that a user's write becomes. `tally` is what a vote leaves counted, `slot` the stream's.
    fn plan_written(
        current: Option<&Self>,
        write: UserWrite,
        tally: Counts,
        slot: Slot,
    ) -> Result<EntryBody, WriteRefused>;

    /// Only a market is about something that a document tells.
    const HAS_DOCUMENT: bool;

    /// This is the document that it is about.
    fn is_described_by(&self, document: &MarketMetadata) -> bool;

    /// The entry that tells this very state once more.
    fn plan_again(&self, reason: String, slot: Slot) -> EntryBody;

    /// What is voted on just now.
    fn takes_votes(&self) -> Option<VoteKind>;

    /// False where its beginning was rolled back: then the chain has no such account.
    fn exists(&self) -> bool;

    /// Entries are durable: tells the engine's fee timeline what they change in it.
    fn note(fees: &RwLock<FeeTimeline>, entries: &[Entry]);

    /// Entries were taken back: tells the fee timeline what is left since the finalized slot, in order.
    fn correct(fees: &RwLock<FeeTimeline>, finalized: Slot, standing: &[EntryBody]);

    /// The row at a head.
    fn row(head: RowHead, address: AccountAddress, state: &Self, finalized: Option<&Self>) -> HeadRow;

    /// The stream as the journal holds it.
    fn load(
        pool: &deadpool_postgres::Pool,
        address: AccountAddress,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Option<Stored<Self>>, JournalError>>;
}

impl Subject for Market {
    const KIND: &'static str = "market";

    fn channel(address: AccountAddress) -> Channel {
        Channel::Market(MarketAddress(address.0))
    }

    fn plan(
        current: Option<&Self>,
        address: AccountAddress,
        event: &ChainEvent,
        schedule: FeeSchedule,
    ) -> Result<EntryBody, Misfit> {
        Market::plan(current, MarketAddress(address.0), event, schedule)
    }

    fn complete(current: Option<&Self>, event: &ProgramEvent, schedule: FeeSchedule) -> Option<ProgramEvent> {
        Self::complete(current, event, schedule)
    }

    fn advance(current: Option<Self>, body: &EntryBody) -> Result<Self, Misfit> {
        Market::advance(current, body)
    }

    fn contained(current: &Self, event: &ChainEvent, schedule: FeeSchedule) -> EntryBody {
        current.plan_contained(event, schedule)
    }

    fn differences(&self, account: &ReadAccount) -> Result<Vec<String>, String> {
        let account: MarketAccount = decode_account(&account.data).map_err(|error| error.to_string())?;
        Ok(Market::differences(self, &account).iter().map(ToString::to_string).collect())
    }

    fn adopt(
        current: Option<&Self>,
        address: AccountAddress,
        account: &ReadAccount,
        reason: String,
    ) -> Result<EntryBody, String> {
        let decoded: MarketAccount = decode_account(&account.data).map_err(|error| error.to_string())?;
        let lamports = crate::domain::amount::Lamports(account.lamports);
        let market = Market::from_account(MarketAddress(address.0), &decoded, lamports, current)
            .map_err(|error| error.to_string())?;
        Ok(Market::plan_resync(current, market, reason, account.slot))
    }

    fn plan_rollback(current: &Self, rebuilt: Option<Self>, reverted: Vec<Seq>, slot: Slot) -> EntryBody {
        current.plan_rollback(rebuilt, reverted, slot)
    }

    fn plan_written(
        current: Option<&Self>,
        write: UserWrite,
        tally: Counts,
        slot: Slot,
    ) -> Result<EntryBody, WriteRefused> {
        Market::plan_written(current, write, tally, slot)
    }

    const HAS_DOCUMENT: bool = true;

    fn is_described_by(&self, document: &MarketMetadata) -> bool {
        Market::is_described_by(self, document)
    }

    fn plan_again(&self, reason: String, slot: Slot) -> EntryBody {
        Market::plan_resync(Some(self), self.clone(), reason, slot)
    }

    fn takes_votes(&self) -> Option<VoteKind> {
        match self.phase {
            Phase::Proposed => Some(VoteKind::Proposal),
            Phase::Disputed => Some(VoteKind::Dispute),
            _ => None,
        }
    }

    fn exists(&self) -> bool {
        !self.vanished
    }

    /// A market tells no rates.
    fn note(_: &RwLock<FeeTimeline>, _: &[Entry]) {}

    fn correct(_: &RwLock<FeeTimeline>, _: Slot, _: &[EntryBody]) {}

    fn row(head: RowHead, _: AccountAddress, state: &Self, finalized: Option<&Self>) -> HeadRow {
        HeadRow::Market(Box::new(MarketRow::new(head, state, finalized.cloned())))
    }

    async fn load(
        pool: &deadpool_postgres::Pool,
        address: AccountAddress,
        epoch: Epoch,
    ) -> Result<Option<Stored<Self>>, JournalError> {
        let Some(stored) = open::load_market(pool, address, epoch).await? else { return Ok(None) };
        Ok(Some(Stored {
            head: stored.row.head(),
            state: stored.row.market()?,
            beside: Beside {
                counts: stored.row.tallies.unwrap_or_default(),
                document: stored.row.metadata.map(Arc::new),
            },
            finalized: stored.row.finalized_state,
            ring: stored.ring,
            tail: stored.tail,
            slot_high_before_ring: stored.slot_high_before_ring,
            finalized_slot: stored.finalized_slot,
            rolled_back: stored.rolled_back,
        }))
    }
}

impl Subject for ProgramConfig {
    const KIND: &'static str = "config";

    fn channel(address: AccountAddress) -> Channel {
        Channel::Config(address)
    }

    fn plan(
        current: Option<&Self>,
        _: AccountAddress,
        event: &ChainEvent,
        _: FeeSchedule,
    ) -> Result<EntryBody, Misfit> {
        ProgramConfig::plan(current, event)
    }

    fn complete(_: Option<&Self>, _: &ProgramEvent, _: FeeSchedule) -> Option<ProgramEvent> {
        None
    }

    fn advance(current: Option<Self>, body: &EntryBody) -> Result<Self, Misfit> {
        ProgramConfig::advance(current, body)
    }

    fn contained(_: &Self, event: &ChainEvent, _: FeeSchedule) -> EntryBody {
        ProgramConfig::plan_contained(event)
    }

    fn differences(&self, account: &ReadAccount) -> Result<Vec<String>, String> {
        let account: GlobalConfigAccount = decode_account(&account.data).map_err(|error| error.to_string())?;
        Ok(ProgramConfig::differences(self, &account).iter().map(ToString::to_string).collect())
    }

    fn adopt(
        current: Option<&Self>,
        _: AccountAddress,
        account: &ReadAccount,
        reason: String,
    ) -> Result<EntryBody, String> {
        let decoded: GlobalConfigAccount = decode_account(&account.data).map_err(|error| error.to_string())?;
        Ok(ProgramConfig::plan_resync(ProgramConfig::from_account(&decoded, current), reason, account.slot))
    }

    fn plan_rollback(current: &Self, rebuilt: Option<Self>, reverted: Vec<Seq>, slot: Slot) -> EntryBody {
        current.plan_rollback(rebuilt, reverted, slot)
    }

    fn plan_written(_: Option<&Self>, _: UserWrite, _: Counts, _: Slot) -> Result<EntryBody, WriteRefused> {
        Err(WriteRefused::OtherStream)
    }

    const HAS_DOCUMENT: bool = false;

    fn is_described_by(&self, _: &MarketMetadata) -> bool {
        false
    }

    fn plan_again(&self, reason: String, slot: Slot) -> EntryBody {
        ProgramConfig::plan_resync(self.clone(), reason, slot)
    }

    fn takes_votes(&self) -> Option<VoteKind> {
        None
    }

    fn exists(&self) -> bool {
        !self.vanished
    }

    fn note(fees: &RwLock<FeeTimeline>, entries: &[Entry]) {
        let mut fees = fees.write().unwrap_or_else(PoisonError::into_inner);
        entries.iter().for_each(|entry| fees.note_entry(&entry.body));
    }

    fn correct(fees: &RwLock<FeeTimeline>, finalized: Slot, standing: &[EntryBody]) {
        fees.write().unwrap_or_else(PoisonError::into_inner).roll_back(finalized, standing);
    }

    fn row(head: RowHead, address: AccountAddress, state: &Self, finalized: Option<&Self>) -> HeadRow {
        HeadRow::Config(Box::new(ConfigRow {
            address,
            epoch: head.epoch.0,
            last_seq: head.last_seq.0,
            slot_high: head.slot_high.0,
            finalized_seq: head.finalized_seq.0,
            finalized_state: finalized.cloned(),
            state: state.clone(),
        }))
    }

    async fn load(
        pool: &deadpool_postgres::Pool,
        address: AccountAddress,
        epoch: Epoch,
    ) -> Result<Option<Stored<Self>>, JournalError> {
        let Some(stored) = open::load_config(pool, address, epoch).await? else { return Ok(None) };
        Ok(Some(Stored {
            head: stored.row.head(),
            state: stored.row.state,
            beside: Beside::default(),
            finalized: stored.row.finalized_state,
            ring: stored.ring,
            tail: stored.tail,
            slot_high_before_ring: stored.slot_high_before_ring,
            finalized_slot: stored.finalized_slot,
            rolled_back: stored.rolled_back,
        }))
    }
}
