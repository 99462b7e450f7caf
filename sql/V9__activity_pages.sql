-- A page of what happened of late is found without touching the tables, however much is skipped. By the second alone, all
-- rows of it had to be read and sorted, and each row that a page skips.
DROP INDEX trades_by_time;
CREATE INDEX trades_by_time ON trades (block_time_unix, market, seq) INCLUDE (epoch) WHERE NOT orphaned;
DROP INDEX chain_events_of_lives;
CREATE INDEX chain_events_of_lives ON chain_events (block_time_unix, stream, seq) INCLUDE (epoch)
    WHERE event IN ('MarketCreated', 'MarketResolved') AND NOT orphaned;
