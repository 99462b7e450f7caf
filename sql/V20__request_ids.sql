-- Which request wrote it: a vote, a comment, a document, a transaction names the request of the API that it came by, all the way
-- to its entry and its frame.

-- The request that this transaction serves; NULL where it serves none. Set by the engine with the transaction's role.
CREATE FUNCTION request_id() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('zmart.request_id', true), '')::uuid $$;
GRANT EXECUTE ON FUNCTION request_id() TO anon, authenticated, service_role, zmart_engine;

ALTER TABLE outbox ADD COLUMN request_id uuid DEFAULT request_id();
ALTER TABLE submissions ADD COLUMN request_id uuid DEFAULT request_id();
