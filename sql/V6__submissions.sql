-- Users' signed transactions on their way to the chain, and the evidence that resolvers write.
--
-- A row is committed before its transaction is sent for the first time: whatever dies, who asks for the signature later
-- finds it, and the engine goes on with it. Statuses follow the chain, also back again where it rolls back.

CREATE TABLE submissions (
    signature               transaction_signature PRIMARY KEY,
    wallet                  account_address NOT NULL,
    -- The client's name for what it wants.
    client_ref              text CHECK (char_length(client_ref) BETWEEN 1 AND 64),
    market                  account_address NOT NULL,
    -- The program's instruction.
    purpose                 text NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 64),
    -- The bytes that travel.
    transaction             bytea NOT NULL CHECK (length(transaction) BETWEEN 1 AND 1232),
    -- Past this block height, finalized, it can't land any more.
    last_valid_block_height bigint NOT NULL CHECK (last_valid_block_height >= 0),
    status                  text NOT NULL DEFAULT 'received'
                            CHECK (status IN ('received', 'processed', 'confirmed', 'finalized', 'failed', 'expired')),
    -- Nothing can change it any more: finalized, failed and finalized, or expired.
    settled                 boolean NOT NULL DEFAULT false,
    slot                    bigint CHECK (slot >= 0),
    -- Why it failed: {"code", "name"}.
    reason                  jsonb,
    received_at             timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    CHECK ((status IN ('finalized', 'expired')) <= settled),
    CHECK (settled <= (status IN ('finalized', 'failed', 'expired')))
);
-- One intent: while a transaction of it may land or has landed, there is no other.
CREATE UNIQUE INDEX submissions_one_intent ON submissions (wallet, client_ref)
    WHERE client_ref IS NOT NULL AND (NOT settled OR status = 'finalized');
-- What is on its way, in the order in which it is looked at.
CREATE INDEX submissions_unsettled ON submissions (received_at, signature) WHERE NOT settled;
CREATE INDEX submissions_unsettled_by_wallet ON submissions (wallet) WHERE NOT settled;

-- Evidence of resolutions: `document` is the RFC 8785 JSON whose CIDv0 is on the chain. Anybody may write any; what counts
-- is which hash the market names.
CREATE TABLE market_evidence (
    market          account_address NOT NULL,
    -- A CIDv0.
    evidence_hash   text NOT NULL CHECK (evidence_hash ~ '^Qm[1-9A-HJ-NP-Za-km-z]{44}$'),
    resolver_wallet account_address NOT NULL DEFAULT request_wallet(),
    document        text NOT NULL CHECK (octet_length(document) BETWEEN 2 AND 16384),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (market, evidence_hash, resolver_wallet)
);
CREATE INDEX market_evidence_by_age ON market_evidence (created_at);

DO $rights$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['submissions', 'market_evidence']
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

-- A wallet sees its own transactions, and writes none of them: the engine does, after it has looked at them.
GRANT SELECT ON submissions TO authenticated;
CREATE POLICY own ON submissions FOR SELECT TO authenticated USING (wallet = (SELECT request_wallet()));

GRANT SELECT, INSERT (market, evidence_hash, document) ON market_evidence TO authenticated;
CREATE POLICY own ON market_evidence TO authenticated
    USING (resolver_wallet = (SELECT request_wallet())) WITH CHECK (resolver_wallet = (SELECT request_wallet()));
