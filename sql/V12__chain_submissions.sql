-- Governance's own transactions: what was decided, on what grounds, what was signed for it, and what became of it.
--
-- One row is one attempt. Its row is committed, with the bytes that travel, before the first of them is sent: whatever
-- dies, the next life sends these very bytes again, which land once at most. A new attempt is a new row, and only when the
-- last one is settled. What a rehearsal refused was never signed: it has a row without a transaction, so that its reason
-- and the pause that follows it outlive a restart.

CREATE TABLE chain_submissions (
    id                      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose                 text NOT NULL CHECK (purpose IN ('aggregate_proposal', 'approve_proposal', 'finalize_dispute',
                                                             'finalize_undisputed')),
    market                  account_address NOT NULL,
    -- What was decided, in 32 bytes: the same decision on the same votes has the same.
    intent_hash             bytea NOT NULL CHECK (length(intent_hash) = 32),
    -- The tally that is sent, where one is.
    in_favour               bigint CHECK (in_favour BETWEEN 0 AND 4294967295),
    against                 bigint CHECK (against BETWEEN 0 AND 4294967295),
    -- What the decision was made from.
    grounds                 jsonb NOT NULL,
    -- In which term of governance it was made.
    term                    bigint NOT NULL CHECK (term > 0),
    signature               transaction_signature UNIQUE,
    -- The bytes that travel.
    transaction             bytea CHECK (length(transaction) BETWEEN 1 AND 1232),
    -- Past this block height, finalized, it can't land any more.
    last_valid_block_height bigint CHECK (last_valid_block_height >= 0),
    status                  text NOT NULL CHECK (status IN ('signed', 'sent', 'processed', 'confirmed', 'finalized', 'failed',
                                                            'expired')),
    -- Nothing can change it any more.
    settled                 boolean NOT NULL DEFAULT false,
    slot                    bigint CHECK (slot >= 0),
    -- Why it failed: {"why", "code", "name"}.
    reason                  jsonb,
    -- The journal's entry of the event that came back.
    entry_epoch             integer,
    entry_seq               bigint,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    CHECK ((in_favour IS NULL) = (against IS NULL)),
    -- Refused before it was signed, or a whole transaction.
    CHECK ((signature IS NULL) = (transaction IS NULL) AND (signature IS NULL) = (last_valid_block_height IS NULL)),
    CHECK (signature IS NOT NULL OR (status = 'failed' AND settled)),
    CHECK ((status IN ('finalized', 'expired')) <= settled),
    CHECK (settled <= (status IN ('finalized', 'failed', 'expired'))),
    -- Done is what the chain says and the journal has: its status alone is not enough.
    CHECK ((status = 'finalized') = (entry_epoch IS NOT NULL) AND (entry_epoch IS NULL) = (entry_seq IS NULL)),
    FOREIGN KEY (market, entry_epoch, entry_seq) REFERENCES journal (stream, epoch, seq)
);
-- One attempt at a time.
CREATE UNIQUE INDEX chain_submissions_one_open ON chain_submissions (purpose, market) WHERE NOT settled;
-- What is on its way, in the order in which it is looked at.
CREATE INDEX chain_submissions_open ON chain_submissions (id) WHERE NOT settled;
-- What became of the last attempts, and what a market's history shows.
CREATE INDEX chain_submissions_by_market ON chain_submissions (market, purpose, id DESC);
-- Old refusals are forgotten.
CREATE INDEX chain_submissions_refused ON chain_submissions (created_at) WHERE signature IS NULL;

ALTER TABLE chain_submissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE chain_submissions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON chain_submissions TO zmart_engine;
CREATE POLICY engine ON chain_submissions TO zmart_engine USING (true) WITH CHECK (true);
-- What governance does is for everybody to see; the bytes are on the chain anyway, or on their way there.
GRANT SELECT ON chain_submissions TO anon, authenticated, service_role;
CREATE POLICY anyone ON chain_submissions FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY service_read ON chain_submissions FOR SELECT TO service_role USING (true);
