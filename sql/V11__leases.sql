-- Who may write the journal and all that only one node does: whoever holds the lease, in a term that nobody held before.
--
-- Every transaction of a singleton locks the row FOR KEY SHARE, with its term, before it writes. A renewal changes no key,
-- so it never waits for them; a takeover locks the row FOR UPDATE, so it waits until all of them have ended, and those
-- that come after it find another term.

CREATE TABLE leases (
    name       text PRIMARY KEY CHECK (char_length(name) BETWEEN 1 AND 64),
    -- Who holds it, or held it last.
    node       text NOT NULL CHECK (char_length(node) <= 255),
    -- One more at each takeover: it never comes again.
    term       bigint NOT NULL CHECK (term >= 0),
    -- By this server's clock.
    expires_at timestamptz NOT NULL
);
INSERT INTO leases (name, node, term, expires_at) VALUES ('engine', '', 0, '-infinity');

ALTER TABLE leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE leases FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO zmart_engine;
CREATE POLICY engine ON leases TO zmart_engine USING (true) WITH CHECK (true);
GRANT SELECT ON leases TO service_role;
CREATE POLICY service_read ON leases FOR SELECT TO service_role USING (true);

-- A node that hears nothing of the leader asks what has become of users' transactions since it last asked.
CREATE INDEX submissions_by_change ON submissions (updated_at);
