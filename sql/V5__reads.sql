-- What lists, charts and rankings are read from, so that no question grows with all that ever happened.
--
-- `candles` are written by the batch that writes the trades, exactly once with them; `market_stats` by a keeper, a moment
-- later, so that the row of `markets` that every trade moves has no more indexes than before. Times are those of the
-- chain: a trade that is heard of late stands in the bucket in which it happened.

-- ---- candles: of 60 s and of 3,600 s; longer ones are made of these when they are asked for

CREATE TABLE candles (
    -- Without a foreign key: the row is written by the statement after the one that wrote its trades.
    market      text NOT NULL,
    -- Seconds.
    step        integer NOT NULL CHECK (step IN (60, 3600)),
    bucket_unix bigint NOT NULL CHECK (bucket_unix % step = 0),
    -- Prices of YES after a trade.
    open        bigint NOT NULL,
    high        bigint NOT NULL CHECK (high >= open AND high >= close),
    low         bigint NOT NULL CHECK (low <= open AND low <= close),
    close       bigint NOT NULL,
    -- The places of the trades that opened and closed it: what comes late may be older than what is there.
    first_slot  bigint NOT NULL,
    first_seq   bigint NOT NULL,
    last_slot   bigint NOT NULL,
    last_seq    bigint NOT NULL,
    -- All its trades are at or after this entry of their market.
    low_epoch   integer NOT NULL,
    low_seq     bigint NOT NULL,
    -- Buys: paid in all; sells: gross. As `markets.total_volume` counts it.
    volume      numeric(30, 0) NOT NULL CHECK (volume >= 0),
    trades      bigint NOT NULL CHECK (trades > 0),
    PRIMARY KEY (market, step, bucket_unix)
) WITH (fillfactor = 80);

INSERT INTO candles
SELECT t.market, step, t.block_time_unix - mod(mod(t.block_time_unix, step) + step, step) AS bucket,
       (array_agg(t.price_yes ORDER BY t.slot, t.seq))[1], max(t.price_yes), min(t.price_yes),
       (array_agg(t.price_yes ORDER BY t.slot DESC, t.seq DESC))[1],
       min(t.slot), (array_agg(t.seq ORDER BY t.slot, t.seq))[1],
       max(t.slot), (array_agg(t.seq ORDER BY t.slot DESC, t.seq DESC))[1],
       (array_agg(t.epoch ORDER BY t.epoch, t.seq))[1], (array_agg(t.seq ORDER BY t.epoch, t.seq))[1],
       sum(CASE t.trade_type WHEN 'buy' THEN t.cost ELSE t.amount_before_fees END), count(*)
FROM trades t CROSS JOIN (VALUES (60), (3600)) AS steps (step)
WHERE NOT t.orphaned
GROUP BY t.market, step, bucket;

-- ---- figures of a market

CREATE TABLE market_stats (
    market           text PRIMARY KEY,
    -- The market's entry that these figures were taken at.
    seq              bigint NOT NULL,
    creator_wallet   text NOT NULL,
    phase            smallint NOT NULL,
    category         text,
    created_at_unix  bigint NOT NULL,
    -- When its question is to be decided, if its metadata says so.
    ends_at_unix     bigint,
    -- Of YES; -1 where the curve has none.
    price_yes        bigint NOT NULL,
    price_yes_before bigint NOT NULL,
    volume           numeric(20, 0) NOT NULL,
    liquidity        numeric(20, 0) NOT NULL,
    traders          bigint NOT NULL,
    -- Of the newest 1,440 minutes of the chain's clock, the running one included.
    volume_24h       numeric(30, 0) NOT NULL,
    trades_24h       bigint NOT NULL,
    traders_24h      bigint NOT NULL,
    -- Of the 24 whole hours before that.
    volume_before    numeric(30, 0) NOT NULL,
    -- 0.6 x volume_24h in SOL + 0.4 x traders_24h, in units of 1e-10: a whole number.
    score            numeric(40, 0) GENERATED ALWAYS AS (6 * volume_24h + 4000000000::numeric * traders_24h) STORED,
    -- When the wallets of `traders_24h` were counted.
    counted_at_unix  bigint NOT NULL,
    -- When the window next loses something; NULL: it is empty.
    due_at_unix      bigint
);

-- A page of a list is found in one of these alone: a walk a phase, merged.
CREATE INDEX market_stats_by_creation ON market_stats (phase, created_at_unix DESC, market DESC);
CREATE INDEX market_stats_by_volume ON market_stats (phase, volume DESC, market DESC);
CREATE INDEX market_stats_by_volume_24h ON market_stats (phase, volume_24h DESC, market DESC);
CREATE INDEX market_stats_by_liquidity ON market_stats (phase, liquidity DESC, market DESC);
CREATE INDEX market_stats_by_price ON market_stats (phase, price_yes DESC, market DESC);
CREATE INDEX market_stats_by_end ON market_stats (phase, ends_at_unix DESC, market DESC) WHERE ends_at_unix IS NOT NULL;
CREATE INDEX market_stats_category_by_creation ON market_stats (category, phase, created_at_unix DESC, market DESC)
    WHERE category IS NOT NULL;
CREATE INDEX market_stats_category_by_volume ON market_stats (category, phase, volume DESC, market DESC)
    WHERE category IS NOT NULL;
CREATE INDEX market_stats_category_by_volume_24h ON market_stats (category, phase, volume_24h DESC, market DESC)
    WHERE category IS NOT NULL;
CREATE INDEX market_stats_category_by_liquidity ON market_stats (category, phase, liquidity DESC, market DESC)
    WHERE category IS NOT NULL;
CREATE INDEX market_stats_category_by_price ON market_stats (category, phase, price_yes DESC, market DESC)
    WHERE category IS NOT NULL;
CREATE INDEX market_stats_category_by_end ON market_stats (category, phase, ends_at_unix DESC, market DESC)
    WHERE category IS NOT NULL AND ends_at_unix IS NOT NULL;
CREATE INDEX market_stats_by_creator ON market_stats (creator_wallet, created_at_unix DESC, market DESC);
CREATE INDEX market_stats_by_score ON market_stats (score DESC, market DESC) WHERE score > 0;
CREATE INDEX market_stats_by_due ON market_stats (due_at_unix) WHERE due_at_unix IS NOT NULL;

-- Markets whose figures are to be taken again: a row a batch and market, taken away by the keeper that did it. Without a
-- unique key, so that the writer never waits for the keeper.
CREATE TABLE stats_due (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market text NOT NULL
);

-- The keeper fills the figures of what is there; until then a market has none.
INSERT INTO stats_due (market) SELECT address FROM markets ORDER BY created_at_unix;

-- What is known of a category without counting its markets: kept by the keeper with the figures.
CREATE TABLE category_stats (
    category      text PRIMARY KEY,
    markets       bigint NOT NULL,
    volume_24h    numeric(30, 0) NOT NULL,
    volume_before numeric(30, 0) NOT NULL
);

-- ---- activity of the whole program, newest first

-- Of the second alone: many rows share one, and its few are sorted when they are asked for.
CREATE INDEX trades_by_time ON trades (block_time_unix);
CREATE INDEX chain_events_of_lives ON chain_events (block_time_unix) WHERE event IN ('MarketCreated', 'MarketResolved');
CREATE INDEX journal_by_moment ON journal (recorded_at);

-- Who holds most. By a class of size (doublings), which few trades change: an index on the shares themselves would take
-- from each trade that its position's row is moved in place, which costs more than all else that a position does.
ALTER TABLE positions ADD COLUMN size_class smallint NOT NULL
    GENERATED ALWAYS AS (floor(log((shares_yes + shares_no)::float8 + 1) * 3.3219)) STORED;
CREATE INDEX positions_by_size ON positions (market, size_class DESC);

-- ---- rights

DO $rights$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['candles', 'market_stats', 'category_stats', 'stats_due'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO zmart_engine', name);
        EXECUTE format('CREATE POLICY engine ON %I TO zmart_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO service_role', name);
        EXECUTE format('CREATE POLICY service_read ON %I FOR SELECT TO service_role USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['candles', 'market_stats', 'category_stats'] LOOP
        EXECUTE format('GRANT SELECT ON %I TO anon, authenticated', name);
        EXECUTE format('CREATE POLICY public_read ON %I FOR SELECT TO anon, authenticated USING (true)', name);
    END LOOP;
END
$rights$;

-- Which chain and which program: `GET /api/config` tells.
GRANT SELECT ON chain_identity TO anon, authenticated;
CREATE POLICY public_read ON chain_identity FOR SELECT TO anon, authenticated USING (true);
