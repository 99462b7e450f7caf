//! Which of the engine's kinds root may end, because what they do belongs to a role, or a life of the journal, that is over.

use crate::actors::{
    chain_reader::ChainReader, clock::Clock, dirty_marker::DirtyMarker, feeds::Feeds, follower::Follower,
    herald::Herald, journal_writer::JournalWriter, lease_keeper::LeaseKeeper, ledger_keeper::LedgerKeeper,
    listener::Listener, lookout::Lookout, outbox::OutboxReader, registry::Registry, stats_keeper::StatsKeeper,
    submissions::Submissions, supervision::retires, sweeper::Sweeper,
};

retires!(
    JournalWriter,
    ChainReader,
    Registry,
    Listener,
    StatsKeeper,
    OutboxReader,
    LedgerKeeper,
    Submissions,
    Clock,
    Sweeper,
    LeaseKeeper,
    Herald,
    DirtyMarker,
    Feeds,
    Follower,
    Lookout,
);
