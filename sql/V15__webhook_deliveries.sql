-- Deliveries of the webhook: hints that transactions have landed, as they came.
--
-- A sender is told 200 when its row is committed, on whatever node it came to; the leader works rows off, oldest first. What a
-- row says is never believed: only its signatures are taken, and the chain is asked. So a row may be worked on twice, and may
-- be forgotten once it is settled.

CREATE TABLE webhook_deliveries (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of the body: who sends the same once more adds nothing.
    sha256        bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    -- Byte for byte, until it is settled; 5 MiB at most.
    body          bytea CHECK (length(body) BETWEEN 1 AND 5242880),
    bytes         integer NOT NULL GENERATED ALWAYS AS (coalesce(length(body), 0)) STORED,
    received_at   timestamptz NOT NULL DEFAULT now(),
    -- It is worked on from then on. Moved before the work begins, so that a row that nobody survives lets the others pass.
    due_at        timestamptz NOT NULL DEFAULT now(),
    attempts      integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- The chain's newest slot when the chain was first asked about it.
    asked_at_slot bigint CHECK (asked_at_slot >= 0),
    -- Of so many of its transactions, the first ones, all is known: a large one is worked off in parts.
    decided       integer NOT NULL DEFAULT 0 CHECK (decided >= 0),
    settled_at    timestamptz,
    -- How many of those came to what.
    outcome       jsonb,
    CHECK (settled_at IS NULL OR outcome IS NOT NULL),
    CHECK (settled_at IS NOT NULL OR body IS NOT NULL)
);
-- What is to be done, in the order in which it is done; and how much that is.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at, id) INCLUDE (bytes) WHERE settled_at IS NULL;
-- What may be forgotten, the oldest first.
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;

ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO zmart_engine;
CREATE POLICY engine ON webhook_deliveries TO zmart_engine USING (true) WITH CHECK (true);
GRANT SELECT ON webhook_deliveries TO service_role;
CREATE POLICY service_read ON webhook_deliveries FOR SELECT TO service_role USING (true);
