-- Channels over many markets (`markets`, `trades`) count their entries: the writer gives each its number in the batch that
-- writes it. Without holes and never used twice: a batch moves the head of a channel from exactly where the writer's life
-- left it, and its entries take the numbers between. Entries from before this have none: a channel begins here.

ALTER TABLE journal
    ADD COLUMN markets_seq bigint CHECK (markets_seq > 0),
    ADD COLUMN trades_seq  bigint CHECK (trades_seq > 0);
CREATE UNIQUE INDEX journal_markets_seq ON journal (epoch, markets_seq) WHERE markets_seq IS NOT NULL;
CREATE UNIQUE INDEX journal_trades_seq ON journal (epoch, trades_seq) WHERE trades_seq IS NOT NULL;

CREATE TABLE channel_heads (
    epoch    integer NOT NULL REFERENCES journal_epochs,
    channel  text NOT NULL CHECK (channel IN ('markets', 'trades')),
    last_seq bigint NOT NULL CHECK (last_seq > 0),
    PRIMARY KEY (epoch, channel)
-- Moved by every batch: the new version of its row finds room beside the old one.
) WITH (fillfactor = 50);

ALTER TABLE channel_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_heads FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON channel_heads TO zmart_engine;
CREATE POLICY engine ON channel_heads TO zmart_engine USING (true) WITH CHECK (true);
GRANT SELECT ON channel_heads TO service_role;
CREATE POLICY service_read ON channel_heads FOR SELECT TO service_role USING (true);
