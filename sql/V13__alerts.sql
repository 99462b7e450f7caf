-- Alerts: what an operator should know, and scheduled work that must not be missed.
--
-- A condition has one open row, found by what it is (`kind`) and whom it concerns (`subject`), however often it is seen.
-- Who sees that it is gone resolves the row; if it comes again, that is another row. Only who holds the lease of governance
-- writes here.

CREATE TABLE alerts (
    id                     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind                   text NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 64),
    -- A market, a transaction, a wallet; '*' where it concerns more than have a row of their own.
    subject                text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 128),
    severity               text NOT NULL CHECK (severity IN ('warning', 'critical')),
    message                text NOT NULL CHECK (char_length(message) <= 2000),
    raised_at              timestamptz NOT NULL DEFAULT now(),
    last_seen_at           timestamptz NOT NULL DEFAULT now(),
    -- How often it was seen.
    times                  bigint NOT NULL DEFAULT 1 CHECK (times > 0),
    resolved_at            timestamptz,
    -- By a person. Nothing depends on it.
    acknowledged_at        timestamptz,
    -- When the webhook took the news of it, and of its end.
    notified_at            timestamptz,
    resolution_notified_at timestamptz,
    CHECK (resolved_at >= raised_at),
    CHECK (resolved_at IS NOT NULL OR resolution_notified_at IS NULL)
);
CREATE UNIQUE INDEX alerts_one_open ON alerts (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_age ON alerts (raised_at DESC, id DESC);
-- What the webhook has not taken yet.
CREATE INDEX alerts_raised_untold ON alerts (id) WHERE resolved_at IS NULL AND notified_at IS NULL;
CREATE INDEX alerts_resolved_untold ON alerts (resolved_at, id)
    WHERE resolved_at IS NOT NULL AND resolution_notified_at IS NULL;

-- When something that happens by a schedule last did, by this server's clock.
CREATE TABLE scheduled_runs (
    name        text PRIMARY KEY CHECK (char_length(name) BETWEEN 1 AND 64),
    last_run_at timestamptz NOT NULL
);

DO $rights$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['alerts', 'scheduled_runs']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO zmart_engine', name);
        EXECUTE format('CREATE POLICY engine ON %I TO zmart_engine USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO service_role', name);
        EXECUTE format('CREATE POLICY service_read ON %I FOR SELECT TO service_role USING (true)', name);
    END LOOP;
END
$rights$;

-- An operator says that they know, from a dashboard of theirs.
GRANT UPDATE (acknowledged_at) ON alerts TO service_role;
CREATE POLICY service_acknowledge ON alerts FOR UPDATE TO service_role USING (true) WITH CHECK (true);

-- Markets in the phases that end by a deadline, in the order of what the deadline hangs on. Proposed ones are found by
-- `markets_by_phase`, active ones by `market_stats_by_end`.
CREATE INDEX markets_by_approval ON markets (approved_at_unix, address) WHERE phase = 1 AND NOT vanished;
CREATE INDEX markets_by_resolution ON markets (resolution_proposed_at_unix, address) WHERE phase = 3 AND NOT vanished;
CREATE INDEX markets_by_dispute ON markets (dispute_initiated_at_unix, address) WHERE phase = 4 AND NOT vanished;
