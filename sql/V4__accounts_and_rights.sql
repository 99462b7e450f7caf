-- Who may write what: roles, row level security on every table, and what users own (profiles, votes, comments, metadata).
-- ARCHITECTURE.md ("Rights") tells why it has this shape.
--
-- A user's own write is one transaction under the role `authenticated`, through the engine or through Supabase's API: the
-- same policies, triggers and column grants hold for both. What it changes for others leaves a row in `outbox`, which the
-- market's actor turns into a journal entry.

-- Functions below keep this path: nobody's temporary table or schema can take the place of a table that they name.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- ---- roles: of the whole cluster, made only where they are missing; other databases may be making them just now

DO $roles$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES
        ('anon', 'NOLOGIN NOINHERIT'),
        ('authenticated', 'NOLOGIN NOINHERIT'),
        ('service_role', 'NOLOGIN NOINHERIT'),
        ('zmart_engine', 'NOLOGIN NOINHERIT')) AS roles (name, options)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.options);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
    -- COPY does not work under row level security. Where this may not be given, the journal's writer inserts instead.
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'zmart_engine') THEN
        BEGIN
            ALTER ROLE zmart_engine BYPASSRLS;
        EXCEPTION WHEN insufficient_privilege OR internal_error THEN
            NULL;
        END;
    END IF;
    -- Whoever migrates gives the engine's functions to this role, below. To have made a role is not yet to be able to act
    -- as it (PostgreSQL 16 and newer).
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER) THEN
        BEGIN
            EXECUTE format('GRANT zmart_engine TO %I', CURRENT_USER);
        EXCEPTION WHEN unique_violation OR internal_error THEN
            NULL;
        END;
    END IF;
END
$roles$;

-- Supabase gives everything in `public` to its API roles; what they need is granted below, by table and column. Only what
-- is ours: others may keep theirs in the same schema.
DO $closed$
DECLARE
    ours  regclass;
    roles CONSTANT text := 'PUBLIC, anon, authenticated, service_role';
BEGIN
    FOR ours IN SELECT oid FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace
                   AND relkind IN ('r', 'p', 'v', 'm')
                   AND relowner IN (quote_ident(CURRENT_USER)::regrole, (SELECT relowner FROM pg_class WHERE oid = 'journal'::regclass))
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM %s', ours, roles);
    END LOOP;
    FOR ours IN SELECT oid FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace
                   AND relkind = 'S'
                   AND relowner IN (quote_ident(CURRENT_USER)::regrole, (SELECT relowner FROM pg_class WHERE oid = 'journal'::regclass))
    LOOP
        EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM %s', ours, roles);
    END LOOP;
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON TABLES FROM %s', current_schema(), roles);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON SEQUENCES FROM %s', current_schema(), roles);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON FUNCTIONS FROM %s', current_schema(), roles);
    -- That PUBLIC may call what is made from now on can't be taken back for one schema only.
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO anon, authenticated, service_role, zmart_engine', current_schema());
END
$closed$;

-- ---- who asks

-- The wallet of the token that a request came with; NULL without one. Never `auth.uid()`: plain PostgreSQL has none.
CREATE FUNCTION request_wallet() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'wallet' $$;
GRANT EXECUTE ON FUNCTION request_wallet() TO anon, authenticated, service_role, zmart_engine;

-- ---- what sign-in keeps: only the engine reads and writes it

-- `id` is the UUIDv5 of the wallet: `sub` of its tokens.
CREATE TABLE users (
    id           uuid PRIMARY KEY,
    wallet       account_address NOT NULL UNIQUE,
    display_name text CHECK (char_length(display_name) BETWEEN 1 AND 50 AND display_name = btrim(display_name)
                             AND display_name !~ '[[:cntrl:]]'),
    bio          text CHECK (char_length(bio) BETWEEN 1 AND 500),
    avatar_url   text CHECK (char_length(avatar_url) BETWEEN 1 AND 500 AND avatar_url ~ '^https://'),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- A nonce that was used, until it has expired: inserted before the session is made, so a message is good for one.
CREATE TABLE nonces (
    nonce      text PRIMARY KEY CHECK (char_length(nonce) BETWEEN 8 AND 64),
    wallet     account_address NOT NULL,
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);

CREATE TABLE sessions (
    sid        uuid PRIMARY KEY,
    wallet     account_address NOT NULL REFERENCES users (wallet),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_by_wallet ON sessions (wallet, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_end ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- Refresh tokens by their SHA-256; never the token. One that was replaced is kept, so that its reuse is noticed.
CREATE TABLE refresh_tokens (
    token_hash  bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    sid         uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    replaced_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (sid);

-- Replies to requests that must not have their effect twice, written in the effect's own transaction.
CREATE TABLE idempotency_keys (
    wallet     account_address NOT NULL,
    route      text NOT NULL,
    key        text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 128),
    body_hash  bytea NOT NULL CHECK (length(body_hash) = 32),
    status     smallint NOT NULL CHECK (status BETWEEN 200 AND 499),
    reply      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (wallet, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- ---- what users own

CREATE TABLE proposal_votes (
    market     account_address NOT NULL REFERENCES markets,
    wallet     account_address NOT NULL DEFAULT request_wallet(),
    -- True = the market should be approved.
    vote       boolean NOT NULL,
    -- The wallet's signature over the vote's message, base58: optional, published.
    signature  transaction_signature,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (market, wallet)
);
CREATE INDEX proposal_votes_by_wallet ON proposal_votes (wallet, created_at DESC, market);
CREATE INDEX proposal_votes_by_age ON proposal_votes (market, created_at DESC, wallet);

CREATE TABLE dispute_votes (
    market     account_address NOT NULL REFERENCES markets,
    wallet     account_address NOT NULL DEFAULT request_wallet(),
    -- True = the proposed outcome is wrong.
    vote       boolean NOT NULL,
    signature  transaction_signature,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (market, wallet)
);
CREATE INDEX dispute_votes_by_wallet ON dispute_votes (wallet, created_at DESC, market);
CREATE INDEX dispute_votes_by_age ON dispute_votes (market, created_at DESC, wallet);

CREATE TABLE discussions (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    market     account_address NOT NULL REFERENCES markets,
    wallet     account_address NOT NULL DEFAULT request_wallet(),
    content    text NOT NULL CHECK (content = btrim(content, E' \t\r\n') AND char_length(content) BETWEEN 1 AND 1000),
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX discussions_by_market ON discussions (market, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX discussions_by_wallet ON discussions (wallet, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- What a market is about, as its creator wrote it; `document` is the RFC 8785 JSON whose CIDv0 is on the chain. Anybody
-- may write a row of his own for any market, so none of it is shown before the market's actor has found that creator and
-- hash are the chain's.
CREATE TABLE market_metadata (
    market         account_address NOT NULL,
    market_seed    text NOT NULL CHECK (length(market_seed) = 64 AND market_seed !~ '[^0-9a-f]'),
    creator_wallet account_address NOT NULL DEFAULT request_wallet(),
    document       text NOT NULL CHECK (octet_length(document) BETWEEN 2 AND 16384),
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (market, creator_wallet)
);
CREATE INDEX market_metadata_by_age ON market_metadata (created_at);

-- What users' writes change for others, until it is in the journal: deleted by the batch that writes the entry.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market     account_address NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('proposal_vote', 'dispute_vote', 'comment', 'comment_deleted', 'metadata')),
    payload    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_by_market ON outbox (market, id);

-- ---- rules of users' writes. SQLSTATE ZM001: not in this phase; ZM002: no such change.

CREATE FUNCTION vote_in_phase() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    wanted smallint := TG_ARGV[0];
    found  smallint;
BEGIN
    SELECT phase INTO found FROM markets WHERE address = NEW.market AND NOT vanished;
    IF found IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'votes are not taken in this phase of the market' USING ERRCODE = 'ZM001';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER in_phase BEFORE INSERT ON proposal_votes FOR EACH ROW EXECUTE FUNCTION vote_in_phase('0');
CREATE TRIGGER in_phase BEFORE INSERT ON dispute_votes FOR EACH ROW EXECUTE FUNCTION vote_in_phase('4');

CREATE FUNCTION comment_rules() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.content := btrim(NEW.content, E' \t\r\n');
        NEW.deleted_at := NULL;
    ELSIF OLD.deleted_at IS NOT NULL OR NEW.deleted_at IS NULL THEN
        RAISE EXCEPTION 'a comment is deleted once, and stays deleted' USING ERRCODE = 'ZM002';
    ELSE
        NEW.deleted_at := now();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON discussions FOR EACH ROW EXECUTE FUNCTION comment_rules();

CREATE FUNCTION profile_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER rules BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION profile_rules();

-- ---- the outbox: filled by triggers that run as the engine's role, since no user may write it (and an owner is bound by
-- forced policies as everybody else)

CREATE FUNCTION tell_market(market text, kind text, payload jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    INSERT INTO outbox (market, kind, payload) VALUES (market, kind, payload);
    SELECT pg_notify('zmart_outbox', market);
$$;

CREATE FUNCTION tell_vote() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM tell_market(NEW.market, TG_ARGV[0], jsonb_build_object('wallet', NEW.wallet, 'vote', NEW.vote));
    RETURN NULL;
END $$;

CREATE TRIGGER tell AFTER INSERT ON proposal_votes FOR EACH ROW EXECUTE FUNCTION tell_vote('proposal_vote');
CREATE TRIGGER tell AFTER INSERT ON dispute_votes FOR EACH ROW EXECUTE FUNCTION tell_vote('dispute_vote');

CREATE FUNCTION tell_comment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM tell_market(NEW.market, 'comment', jsonb_build_object(
            'id', NEW.id, 'wallet', NEW.wallet, 'content', NEW.content,
            'created_at_ms', floor(extract(epoch FROM NEW.created_at) * 1000)::bigint));
    ELSE
        PERFORM tell_market(NEW.market, 'comment_deleted', jsonb_build_object('id', NEW.id, 'wallet', NEW.wallet));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tell AFTER INSERT OR UPDATE ON discussions FOR EACH ROW EXECUTE FUNCTION tell_comment();

-- Metadata that comes after its market, and metadata that was there before it.
CREATE FUNCTION tell_metadata() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM markets WHERE address = NEW.market AND creator_wallet = NEW.creator_wallet) THEN
        PERFORM tell_market(NEW.market, 'metadata',
                            jsonb_build_object('wallet', NEW.creator_wallet, 'document', NEW.document));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tell AFTER INSERT ON market_metadata FOR EACH ROW EXECUTE FUNCTION tell_metadata();
-- What changes nothing tells nothing: else its author could fill the journal with one document.
CREATE TRIGGER tell_again AFTER UPDATE ON market_metadata FOR EACH ROW
    WHEN (OLD.document IS DISTINCT FROM NEW.document) EXECUTE FUNCTION tell_metadata();

CREATE FUNCTION find_metadata() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM tell_market(NEW.address, 'metadata', jsonb_build_object('wallet', creator_wallet, 'document', document))
    FROM market_metadata WHERE market = NEW.address AND creator_wallet = NEW.creator_wallet;
    RETURN NULL;
END $$;

CREATE TRIGGER find_metadata AFTER INSERT ON markets FOR EACH ROW EXECUTE FUNCTION find_metadata();

DO $owners$
DECLARE
    name text;
BEGIN
    -- A function's owner must be able to make it, for as long as it takes to become the owner.
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO zmart_engine', current_schema());
    FOREACH name IN ARRAY ARRAY['tell_market(text, text, jsonb)', 'tell_vote()', 'tell_comment()', 'tell_metadata()']
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO zmart_engine', name);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM zmart_engine', current_schema());
END
$owners$;

-- ---- rights, table by table. What has no policy for a role is closed to it.

DO $rights$
DECLARE
    name text;
BEGIN
    -- refinery keeps its own history, as the owner: closed to everybody else, not forced.
    ALTER TABLE refinery_schema_history ENABLE ROW LEVEL SECURITY;
    FOR name IN SELECT tablename FROM pg_tables
                WHERE schemaname = current_schema() AND tablename <> 'refinery_schema_history' AND tableowner IN
                  (CURRENT_USER, (SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'journal'))
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO zmart_engine', name);
        EXECUTE format('CREATE POLICY engine ON %I TO zmart_engine USING (true) WITH CHECK (true)', name);
    END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences
                WHERE schemaname = current_schema() AND sequenceowner IN
                  (CURRENT_USER, (SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'journal'))
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %I TO zmart_engine', name);
    END LOOP;
    -- What the chain made public, and what users say in public.
    FOREACH name IN ARRAY ARRAY['markets', 'program_config', 'journal', 'chain_events', 'trades', 'positions', 'chain_cursor',
                                'journal_epochs', 'users', 'proposal_votes', 'dispute_votes', 'discussions']
    LOOP
        EXECUTE format('GRANT SELECT ON %I TO anon, authenticated', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['markets', 'program_config', 'journal', 'chain_events', 'trades', 'positions', 'chain_cursor',
                                'journal_epochs', 'users', 'proposal_votes', 'dispute_votes']
    LOOP
        EXECUTE format('CREATE POLICY public_read ON %I FOR SELECT TO anon, authenticated USING (true)', name);
    END LOOP;
END
$rights$;

CREATE POLICY public_read ON discussions FOR SELECT TO anon USING (deleted_at IS NULL);
CREATE POLICY read ON discussions FOR SELECT TO authenticated
    USING (deleted_at IS NULL OR wallet = (SELECT request_wallet()));

GRANT UPDATE (display_name, bio, avatar_url) ON users TO authenticated;
CREATE POLICY own ON users FOR UPDATE TO authenticated
    USING (wallet = (SELECT request_wallet())) WITH CHECK (wallet = (SELECT request_wallet()));

GRANT INSERT (market, vote, signature) ON proposal_votes, dispute_votes TO authenticated;
CREATE POLICY own ON proposal_votes FOR INSERT TO authenticated WITH CHECK (wallet = (SELECT request_wallet()));
CREATE POLICY own ON dispute_votes FOR INSERT TO authenticated WITH CHECK (wallet = (SELECT request_wallet()));

GRANT INSERT (market, content), UPDATE (deleted_at) ON discussions TO authenticated;
CREATE POLICY own_insert ON discussions FOR INSERT TO authenticated WITH CHECK (wallet = (SELECT request_wallet()));
CREATE POLICY own_update ON discussions FOR UPDATE TO authenticated
    USING (wallet = (SELECT request_wallet())) WITH CHECK (wallet = (SELECT request_wallet()));

GRANT SELECT, INSERT (market, market_seed, document), UPDATE (document) ON market_metadata TO authenticated;
CREATE POLICY own ON market_metadata TO authenticated
    USING (creator_wallet = (SELECT request_wallet())) WITH CHECK (creator_wallet = (SELECT request_wallet()));

-- Supabase's service key is its administrator; the engine takes no token of that role.
DO $service$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables
                WHERE schemaname = current_schema() AND tablename <> 'refinery_schema_history' AND tableowner IN
                  (CURRENT_USER, (SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'journal'))
    LOOP
        EXECUTE format('GRANT SELECT ON %I TO service_role', name);
        EXECUTE format('CREATE POLICY service_read ON %I FOR SELECT TO service_role USING (true)', name);
    END LOOP;
END
$service$;
REVOKE SELECT ON nonces, sessions, refresh_tokens, idempotency_keys FROM service_role;
