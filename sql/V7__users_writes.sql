-- What users write becomes part of markets: documents, tallies, and the ways to read both.

-- The function below keeps this path, as those of V4 do.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- What a market is about: written by the entry that tells it and by no other, so no trade rewrites it. What depends on it
-- alone is computed when it is written.
ALTER TABLE markets
    ADD COLUMN metadata jsonb,
    ADD COLUMN category text GENERATED ALWAYS AS (metadata ->> 'category') STORED,
    ADD COLUMN search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, coalesce(metadata ->> 'question', '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(metadata ->> 'category', '')), 'B')
        || setweight(to_tsvector('simple'::regconfig, coalesce(metadata -> 'tags', '[]')), 'B')
        || setweight(to_tsvector('simple'::regconfig, coalesce(metadata ->> 'description', '')), 'C')) STORED;
CREATE INDEX markets_by_category ON markets (category, created_at_unix DESC, address DESC)
    WHERE NOT vanished AND category IS NOT NULL;
CREATE INDEX markets_by_text ON markets USING gin (search) WHERE metadata IS NOT NULL;

-- Votes as counted by each market's actor after its newest vote: each wallet once. A copy of what the entries say.
CREATE TABLE vote_tallies (
    market    account_address NOT NULL REFERENCES markets,
    kind      text NOT NULL CHECK (kind IN ('proposal', 'dispute')),
    in_favour bigint NOT NULL CHECK (in_favour >= 0),
    against   bigint NOT NULL CHECK (against >= 0),
    -- The entry that it is of.
    epoch     integer NOT NULL,
    seq       bigint NOT NULL,
    PRIMARY KEY (market, kind),
    FOREIGN KEY (market, epoch, seq) REFERENCES journal (stream, epoch, seq)
);

-- From these a market's ballots are read again, and its votes listed.
CREATE INDEX journal_votes ON journal (stream, epoch, seq) WHERE kind = 'vote';
CREATE INDEX chain_events_votes ON chain_events (stream, epoch, seq)
    WHERE event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted') AND NOT orphaned;-- How a wallet voted on the chain.
CREATE INDEX journal_chain_voters ON journal (stream, (payload -> 'event' ->> 'user'))
    WHERE kind IN ('event', 'contained')
      AND payload -> 'event' ->> 'event' IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted');

ALTER TABLE vote_tallies ENABLE ROW LEVEL SECURITY;
ALTER TABLE vote_tallies FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON vote_tallies TO zmart_engine;
GRANT SELECT ON vote_tallies TO anon, authenticated, service_role;
CREATE POLICY engine ON vote_tallies TO zmart_engine USING (true) WITH CHECK (true);
CREATE POLICY public_read ON vote_tallies FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY service_read ON vote_tallies FOR SELECT TO service_role USING (true);

-- A vote's signature and time go with it; who counts it checks the signature.
DO $$ BEGIN EXECUTE format('GRANT CREATE ON SCHEMA %I TO zmart_engine', current_schema()); END $$;
CREATE OR REPLACE FUNCTION tell_vote() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM tell_market(NEW.market, TG_ARGV[0], jsonb_build_object(
        'wallet', NEW.wallet, 'vote', NEW.vote, 'signature', NEW.signature,
        'voted_at_ms', floor(extract(epoch FROM NEW.created_at) * 1000)::bigint));
    RETURN NULL;
END $$;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM zmart_engine', current_schema()); END $$;

-- A market that was created again after its creation had vanished may have been waiting for its document.
CREATE TRIGGER find_metadata_again AFTER UPDATE OF vanished ON markets FOR EACH ROW
    WHEN (OLD.vanished AND NOT NEW.vanished) EXECUTE FUNCTION find_metadata();
