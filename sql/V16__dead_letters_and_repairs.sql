-- Dead letters that can be tried again or dropped, and repairs that are asked of the leading engine.

-- A letter is open until `resolved_at`: its transaction's event arrived, its row of the outbox became an entry, or somebody
-- dropped it and said why. One that is tried again stays open while it is tried, and where that fails.
ALTER TABLE dead_letters
    ADD COLUMN tries          bigint NOT NULL DEFAULT 0 CHECK (tries >= 0),
    ADD COLUMN tried_at       timestamptz,
    -- It was put back (into staged_signatures, or the outbox) and has not been answered yet.
    ADD COLUMN trying         boolean NOT NULL DEFAULT false,
    -- Of a row of the outbox: what it was, and when its user wrote it.
    ADD COLUMN kind           text,
    ADD COLUMN written_at     timestamptz,
    ADD COLUMN dropped_at     timestamptz,
    ADD COLUMN dropped_reason text CHECK (char_length(dropped_reason) BETWEEN 1 AND 2000),
    ADD CONSTRAINT dead_letters_dropped_with_a_reason CHECK ((dropped_at IS NULL) = (dropped_reason IS NULL)),
    ADD CONSTRAINT dead_letters_dropped_are_closed CHECK (dropped_at IS NULL OR resolved_at IS NOT NULL),
    ADD CONSTRAINT dead_letters_tried_are_open CHECK (NOT trying OR resolved_at IS NULL);
CREATE INDEX dead_letters_open ON dead_letters (id) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_trying ON dead_letters (id) WHERE trying;

-- Somebody's retry alone put it there: no node lists it now, so none is waited for to have it.
ALTER TABLE staged_signatures ADD COLUMN retried boolean NOT NULL DEFAULT false;

-- What differs from the chain and is to be healed. Anybody who may compare asks; the leading engine takes the row, heals what
-- it names by the ways it has, compares again, and answers here.
CREATE TABLE repairs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- `row`: a market's row is made anew from its entries, whatever a comparison says.
    what         text NOT NULL CHECK (what IN ('config', 'market', 'row', 'position', 'vote', 'tally')),
    -- The market, or the config.
    stream       account_address NOT NULL,
    -- Of a position or a vote.
    wallet       account_address,
    -- Of a vote or a tally.
    vote_kind    text CHECK (vote_kind IN ('proposal', 'dispute')),
    difference   text NOT NULL CHECK (char_length(difference) <= 2000),
    -- How many wait for the answer: the last of them takes it back.
    asked        integer NOT NULL DEFAULT 1 CHECK (asked >= 0),
    requested_at timestamptz NOT NULL DEFAULT now(),
    -- When an engine began with it; another one begins anew.
    taken_at     timestamptz,
    answered_at  timestamptz,
    outcome      text CHECK (outcome IN ('agreed', 'repaired', 'impossible')),
    detail       text CHECK (char_length(detail) <= 2000),
    CHECK ((answered_at IS NULL) = (outcome IS NULL)),
    CHECK ((what IN ('position', 'vote')) = (wallet IS NOT NULL)),
    CHECK ((what IN ('vote', 'tally')) = (vote_kind IS NOT NULL))
);
CREATE UNIQUE INDEX repairs_one_open ON repairs (what, stream, coalesce(wallet::text, ''), coalesce(vote_kind, ''))
    WHERE answered_at IS NULL;
CREATE INDEX repairs_open ON repairs (id) WHERE answered_at IS NULL;

-- What a stream is folded without: a stream has few roll-backs among its entries, and they are wanted first.
CREATE INDEX journal_rollbacks ON journal (stream, epoch, seq) WHERE kind = 'rollback';

ALTER TABLE repairs ENABLE ROW LEVEL SECURITY;
ALTER TABLE repairs FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON repairs TO zmart_engine;
CREATE POLICY engine ON repairs TO zmart_engine USING (true) WITH CHECK (true);
GRANT SELECT ON repairs TO service_role;
CREATE POLICY service_read ON repairs FOR SELECT TO service_role USING (true);
