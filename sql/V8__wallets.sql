-- What wallets gained and lost, kept by the keeper of ledgers (src/actors/ledger_keeper.rs) from trades, claims and
-- verdicts: so that no question about a wallet, and no ranking, grows with all that ever happened.
--
-- The journal's writer only leaves a note which position it moved. The keeper takes notes away in the transaction that
-- brings all of this up to date, so after any death a note that is left is work that is left.

-- The function below keeps this path, as those of V4 do.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Positions to be looked at. Without a unique key, so that the writer never waits for the keeper. `wallet` NULL: all
-- positions of the market that come after `after_wallet`. `from_*`: a roll-back took back entries from there on.
CREATE TABLE position_changes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market       text NOT NULL,
    wallet       text,
    after_wallet text,
    from_epoch   integer,
    from_seq     bigint
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 10000);

-- When a claim was paid, on the chain's clock; NULL also where an engine of the version before recorded it.
ALTER TABLE positions ADD COLUMN claimed_at_unix bigint;
UPDATE positions p SET claimed_at_unix = e.block_time_unix
FROM chain_events e JOIN journal j USING (stream, epoch, seq)
WHERE e.event = 'WinningsClaimed' AND NOT e.orphaned
  AND p.market = e.stream AND p.wallet = j.payload -> 'event' ->> 'user' AND p.has_claimed;

-- A position's trades, in the journal's order.
CREATE INDEX trades_of_position ON trades (market, user_wallet, epoch, seq);

-- An hour of a position: what its trades moved, and the ledger after the newest of them. Hours (whole, since 1970) follow
-- the journal: a trade that was recorded late counts in the hour that its position had reached.
CREATE TABLE position_hours (
    market     text NOT NULL,
    wallet     text NOT NULL,
    hour       bigint NOT NULL,
    trades     bigint NOT NULL,
    volume     numeric(39, 0) NOT NULL,
    realised   numeric(39, 0) NOT NULL,
    last_epoch integer NOT NULL,
    last_seq   bigint NOT NULL,
    -- The ledger at its end: shares, what they cost, and what all sells up to here realised.
    shares_yes numeric(20, 0) NOT NULL,
    cost_yes   numeric(20, 0) NOT NULL,
    shares_no  numeric(20, 0) NOT NULL,
    cost_no    numeric(20, 0) NOT NULL,
    realised_so_far numeric(39, 0) NOT NULL,
    PRIMARY KEY (market, wallet, hour)
);

-- A position's ledger now.
CREATE TABLE position_ledgers (
    market           text NOT NULL,
    wallet           text NOT NULL,
    -- Of its newest trade.
    last_hour        bigint NOT NULL,
    cost_yes         numeric(20, 0) NOT NULL,
    cost_no          numeric(20, 0) NOT NULL,
    -- By sells; then by the verdict (what lost is written off) and by the claim, each with its hour.
    realised         numeric(39, 0) NOT NULL,
    verdict_hour     bigint,
    verdict_realised numeric(39, 0) NOT NULL,
    -- NULL: the verdict is no question of right or wrong here.
    was_right        boolean,
    claim_hour       bigint,
    claim_realised   numeric(39, 0) NOT NULL,
    PRIMARY KEY (market, wallet)
);
CREATE INDEX position_ledgers_by_wallet ON position_ledgers (wallet, last_hour DESC, market);

-- A wallet's hours, over all markets.
CREATE TABLE wallet_hours (
    wallet   text NOT NULL,
    hour     bigint NOT NULL,
    trades   bigint NOT NULL,
    volume   numeric(39, 0) NOT NULL,
    realised numeric(39, 0) NOT NULL,
    -- Markets that were decided in this hour: those where the wallet's larger holding could be right, and was.
    decided  bigint NOT NULL,
    correct  bigint NOT NULL,
    PRIMARY KEY (wallet, hour)
);
CREATE INDEX wallet_hours_by_hour ON wallet_hours (hour, wallet);

CREATE TABLE wallet_totals (
    wallet         text PRIMARY KEY,
    markets_traded bigint NOT NULL
);

-- The windows of the leaderboard: a wallet's row is the sum of its hours from `from_hour` on, at every moment.
CREATE TABLE leaderboard_windows (
    name      text PRIMARY KEY,
    -- NULL: all.
    hours     bigint,
    from_hour bigint NOT NULL
);
INSERT INTO leaderboard_windows (name, hours, from_hour)
SELECT name, hours, coalesce(floor(extract(epoch FROM now()) / 3600)::bigint - hours, -9223372036854775808)
FROM (VALUES ('24h', 24::bigint), ('7d', 168), ('30d', 720), ('all', NULL)) AS windows (name, hours);

CREATE TABLE leaderboard (
    period   text NOT NULL,
    wallet   text NOT NULL,
    trades   bigint NOT NULL,
    volume   numeric(39, 0) NOT NULL,
    realised numeric(39, 0) NOT NULL,
    decided  bigint NOT NULL,
    correct  bigint NOT NULL,
    -- Basis points, rounded down; -1 where nothing was decided.
    accuracy_bps bigint GENERATED ALWAYS AS (CASE WHEN decided > 0 THEN correct * 10000 / decided ELSE -1 END) STORED,
    PRIMARY KEY (period, wallet)
);
CREATE INDEX leaderboard_by_profit ON leaderboard (period, realised DESC, wallet DESC);
CREATE INDEX leaderboard_by_volume ON leaderboard (period, volume DESC, wallet DESC);
CREATE INDEX leaderboard_by_accuracy ON leaderboard (period, accuracy_bps DESC, decided DESC, wallet DESC) WHERE decided > 0;

-- Votes on the chain, by who cast them; those that were cast here are found by `proposal_votes_by_wallet` and its twin.
CREATE INDEX journal_chain_votes_by_wallet ON journal ((payload -> 'event' ->> 'user'), recorded_at DESC, stream)
    WHERE kind IN ('event', 'contained')
      AND payload -> 'event' ->> 'event' IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted');

-- A verdict, or its roll-back, changes every position of its market.
CREATE FUNCTION note_verdict() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO position_changes (market) VALUES (NEW.address);
    RETURN NULL;
END $$;

CREATE TRIGGER note_verdict AFTER UPDATE ON markets FOR EACH ROW
WHEN ((OLD.phase = 5) <> (NEW.phase = 5) OR OLD.final_outcome IS DISTINCT FROM NEW.final_outcome
      OR OLD.finalized_at_unix <> NEW.finalized_at_unix)
EXECUTE FUNCTION note_verdict();

-- What is there already.
INSERT INTO position_changes (market, wallet) SELECT market, wallet FROM positions ORDER BY market, wallet;

-- ---- rights

DO $rights$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['position_changes', 'position_hours', 'position_ledgers', 'wallet_hours', 'wallet_totals',
                                'leaderboard_windows', 'leaderboard'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO zmart_engine', name);
        EXECUTE format('CREATE POLICY engine ON %I TO zmart_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO service_role', name);
        EXECUTE format('CREATE POLICY service_read ON %I FOR SELECT TO service_role USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['position_hours', 'position_ledgers', 'wallet_hours', 'wallet_totals',
                                'leaderboard_windows', 'leaderboard'] LOOP
        EXECUTE format('GRANT SELECT ON %I TO anon, authenticated', name);
        EXECUTE format('CREATE POLICY public_read ON %I FOR SELECT TO anon, authenticated USING (true)', name);
    END LOOP;
END
$rights$;
