-- The journal of the chain's program: what it is and why it has this shape is told in ARCHITECTURE.md ("The journal").
-- u64 amounts are numeric(20,0): a bigint would overflow. Moments of the chain's clock are unix seconds (`*_unix`,
-- 0 = not yet), exact for any i64; moments of the engine's clock are timestamptz.

CREATE DOMAIN u64 AS numeric(20, 0) CHECK (VALUE >= 0 AND VALUE <= 18446744073709551615);
CREATE DOMAIN account_address AS text CHECK (VALUE ~ '^[1-9A-HJ-NP-Za-km-z]{32,44}$');
CREATE DOMAIN transaction_signature AS text CHECK (VALUE ~ '^[1-9A-HJ-NP-Za-km-z]{64,88}$');

-- Which chain this journal is of. Another chain under it is refused.
CREATE TABLE chain_identity (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    genesis_hash text NOT NULL,
    program_id   account_address NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- The lives of the journal: a new one begins only when the database is another one.
CREATE TABLE journal_epochs (
    epoch             integer PRIMARY KEY CHECK (epoch > 0),
    system_identifier text NOT NULL,
    database_oid      bigint NOT NULL,
    timeline          bigint NOT NULL,
    started_at        timestamptz NOT NULL DEFAULT now()
);

-- One row a writer's life: a COMMIT whose answer was lost is looked up here by the batch's number.
CREATE TABLE journal_writers (
    instance   uuid PRIMARY KEY,
    last_batch bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    -- Of the newest batch; a life that has been idle for long is forgotten.
    active_at  timestamptz NOT NULL DEFAULT now()
);

-- Markets at their head, and (finalized_*) as stored at their last finalized entry.
CREATE TABLE markets (
    address                   account_address PRIMARY KEY,
    market_seed               text NOT NULL UNIQUE CHECK (market_seed ~ '^[0-9a-f]{64}$'),
    epoch                     integer NOT NULL REFERENCES journal_epochs,
    last_seq                  bigint NOT NULL CHECK (last_seq >= 0),
    -- The highest slot of any entry so far.
    slot_high                 bigint NOT NULL CHECK (slot_high >= 0),
    finalized_seq             bigint NOT NULL DEFAULT 0 CHECK (finalized_seq >= 0 AND finalized_seq <= last_seq),
    finalized_state           jsonb,
    creator_wallet            account_address NOT NULL,
    phase                     smallint NOT NULL CHECK (phase BETWEEN 0 AND 6),
    b_parameter               u64 NOT NULL,
    initial_liquidity         u64 NOT NULL,
    current_liquidity         u64 NOT NULL,
    shares_yes                u64 NOT NULL,
    shares_no                 u64 NOT NULL,
    total_volume              u64 NOT NULL,
    created_at_unix           bigint NOT NULL,
    approved_at_unix          bigint NOT NULL,
    activated_at_unix         bigint NOT NULL,
    resolution_proposed_at_unix bigint NOT NULL,
    resolved_at_unix          bigint NOT NULL,
    finalized_at_unix         bigint NOT NULL,
    cancelled_at_unix         bigint,
    resolver_wallet           account_address NOT NULL,
    proposed_outcome          text CHECK (proposed_outcome IN ('YES', 'NO')),
    final_outcome             text CHECK (final_outcome IN ('YES', 'NO')),
    question_hash             text NOT NULL CHECK (question_hash ~ '^[0-9a-f]{92}$'),
    evidence_hash             text NOT NULL CHECK (evidence_hash ~ '^[0-9a-f]{92}$'),
    dispute_initiated_at_unix bigint NOT NULL,
    dispute_initiator_wallet  account_address NOT NULL,
    accumulated_resolver_fees u64 NOT NULL,
    accumulated_lp_fees       u64 NOT NULL,
    proposal_likes            bigint NOT NULL,
    proposal_dislikes         bigint NOT NULL,
    proposal_total_votes      bigint NOT NULL,
    dispute_agree             bigint NOT NULL,
    dispute_disagree          bigint NOT NULL,
    dispute_total_votes       bigint NOT NULL,
    was_disputed              boolean NOT NULL,
    lamports                  u64 NOT NULL,
    trades_count              bigint NOT NULL CHECK (trades_count >= 0),
    traders_count             bigint NOT NULL DEFAULT 0 CHECK (traders_count >= 0),
    price_yes                 bigint CHECK (price_yes BETWEEN 0 AND 1000000000)
);
CREATE INDEX markets_by_creation ON markets (created_at_unix DESC, address DESC);
CREATE INDEX markets_by_phase ON markets (phase, created_at_unix DESC, address DESC);

-- The config account: a stream like a market.
CREATE TABLE program_config (
    address         account_address PRIMARY KEY,
    epoch           integer NOT NULL REFERENCES journal_epochs,
    last_seq        bigint NOT NULL CHECK (last_seq >= 0),
    slot_high       bigint NOT NULL CHECK (slot_high >= 0),
    finalized_seq   bigint NOT NULL DEFAULT 0 CHECK (finalized_seq >= 0 AND finalized_seq <= last_seq),
    finalized_state jsonb,
    state           jsonb NOT NULL
);

-- One row for everything that changes what a client sees of a stream (a market, or the config account).
CREATE TABLE journal (
    stream      account_address NOT NULL,
    epoch       integer NOT NULL REFERENCES journal_epochs,
    seq         bigint NOT NULL CHECK (seq > 0),
    kind        text NOT NULL CHECK (kind IN ('trade', 'event', 'contained', 'resync', 'config', 'config_resync',
                                              'rollback', 'vote', 'comment', 'metadata')),
    slot        bigint NOT NULL CHECK (slot >= 0),
    slot_high   bigint NOT NULL CHECK (slot_high >= slot),
    recorded_at timestamptz NOT NULL,
    payload     jsonb NOT NULL,
    PRIMARY KEY (stream, epoch, seq)
);

-- Chain events by identity; each points to its entry.
CREATE TABLE chain_events (
    signature         transaction_signature NOT NULL,
    n                 integer NOT NULL CHECK (n >= 0),
    stream            account_address NOT NULL,
    epoch             integer NOT NULL,
    seq               bigint NOT NULL,
    event             text NOT NULL,
    slot              bigint NOT NULL CHECK (slot >= 0),
    transaction_index bigint,
    block_time_unix   bigint NOT NULL,
    orphaned          boolean NOT NULL DEFAULT false,
    PRIMARY KEY (stream, epoch, seq),
    FOREIGN KEY (stream, epoch, seq) REFERENCES journal
);
CREATE UNIQUE INDEX chain_events_identity ON chain_events (signature, n) WHERE NOT orphaned;

CREATE TABLE trades (
    market             account_address NOT NULL REFERENCES markets,
    epoch              integer NOT NULL,
    seq                bigint NOT NULL,
    signature          transaction_signature NOT NULL,
    n                  integer NOT NULL,
    user_wallet        account_address NOT NULL,
    trade_type         text NOT NULL CHECK (trade_type IN ('buy', 'sell')),
    outcome            text NOT NULL CHECK (outcome IN ('YES', 'NO')),
    shares             u64 NOT NULL,
    -- Paid in all (buy) or received net (sell).
    cost               u64 NOT NULL,
    amount_before_fees u64 NOT NULL,
    protocol_fee       u64 NOT NULL,
    resolver_fee       u64 NOT NULL,
    lp_fee             u64 NOT NULL,
    protocol_fee_bps   integer NOT NULL,
    resolver_fee_bps   integer NOT NULL,
    lp_fee_bps         integer NOT NULL,
    price_yes_before   bigint NOT NULL,
    price_yes          bigint NOT NULL,
    slot               bigint NOT NULL,
    block_time_unix    bigint NOT NULL,
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (market, epoch, seq),
    FOREIGN KEY (market, epoch, seq) REFERENCES journal (stream, epoch, seq)
);
CREATE INDEX trades_by_wallet ON trades (user_wallet, slot DESC, market, seq DESC);

CREATE TABLE positions (
    market             account_address NOT NULL REFERENCES markets,
    wallet             account_address NOT NULL,
    shares_yes         u64 NOT NULL,
    shares_no          u64 NOT NULL,
    total_invested     u64 NOT NULL,
    trades_count       bigint NOT NULL CHECK (trades_count >= 0),
    last_trade_at_unix bigint NOT NULL,
    has_claimed        boolean NOT NULL,
    claimed_amount     u64 NOT NULL,
    PRIMARY KEY (market, wallet)
);
CREATE INDEX positions_by_wallet ON positions (wallet, market);

-- How far the chain is covered. `signature` is the newest finalized transaction at or below which all is durable: it may
-- trail, it may not lead. `covered_slot` is what clients are told.
CREATE TABLE chain_cursor (
    program_id   account_address PRIMARY KEY,
    signature    transaction_signature,
    slot         bigint NOT NULL CHECK (slot >= 0),
    covered_slot bigint NOT NULL CHECK (covered_slot >= 0),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- Signatures that coverage found missing: found newest first, applied oldest first.
CREATE TABLE staged_signatures (
    signature transaction_signature PRIMARY KEY,
    slot      bigint NOT NULL CHECK (slot >= 0),
    -- Within a slot, a larger number is older (the chain lists newest first).
    found     bigint GENERATED ALWAYS AS IDENTITY,
    found_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX staged_signatures_oldest_first ON staged_signatures (slot, found DESC);

-- What could not be used, with the reason; nothing is skipped silently.
CREATE TABLE dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    signature   text,
    n           integer,
    stream      text,
    reason      text NOT NULL,
    detail      text NOT NULL,
    raw         jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
CREATE UNIQUE INDEX dead_letters_once ON dead_letters (source, coalesce(signature, ''), coalesce(n, -1), reason)
    WHERE resolved_at IS NULL;
