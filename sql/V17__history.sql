-- History that stays: candles in partitions by their time, and bytes of transactions that nobody sends any more go.
--
-- A quarter of a year is a partition; what no partition is for (a chain whose clock is far ahead, an old past) goes to the
-- default one, and the sweeper moves it out (src/journal/partitions.rs). Rows that are there already move here, in this
-- transaction: docs/operating.md says how long that takes.

-- The functions below keep this path, as those of V4 do.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

ALTER TABLE candles RENAME TO candles_before;
-- Its owner is to read all of it.
ALTER TABLE candles_before NO FORCE ROW LEVEL SECURITY;
ALTER TABLE candles_before DISABLE ROW LEVEL SECURITY;
ALTER INDEX candles_pkey RENAME TO candles_before_pkey;

CREATE TABLE candles (
    LIKE candles_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    CONSTRAINT candles_pkey PRIMARY KEY (market, step, bucket_unix)
) PARTITION BY RANGE (bucket_unix);

-- A partition is a table of its own: nobody but the engine comes to it except through `candles`.
CREATE FUNCTION close_candles_partition(name text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, anon, authenticated, service_role', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO zmart_engine', name);
    EXECUTE format('CREATE POLICY engine ON %I TO zmart_engine USING (true) WITH CHECK (true)', name);
END $$;

-- The quarter of a moment: its table's name, its first second, and the first after it.
CREATE FUNCTION candles_partition(at_unix bigint, OUT name text, OUT from_unix bigint, OUT to_unix bigint)
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
DECLARE
    quarter timestamp := date_trunc('quarter', to_timestamp(at_unix) AT TIME ZONE 'UTC');
BEGIN
    name := 'candles_' || to_char(quarter, 'YYYY"_q"Q');
    from_unix := extract(epoch FROM quarter);
    to_unix := extract(epoch FROM quarter + interval '3 months');
END $$;

-- Makes the table of a moment's quarter, beside `candles`, and holds the default partition still until the transaction ends.
-- NULL: there is one, or there may be none: before 1970, from 2200 on, or after 400 of them.
CREATE FUNCTION make_candles_partition(at_unix bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    made record;
BEGIN
    IF at_unix < 0 OR at_unix >= 7258118400 THEN
        RETURN NULL;
    END IF;
    made := candles_partition(at_unix);
    IF to_regclass(quote_ident(made.name)) IS NOT NULL
       OR (SELECT count(*) FROM pg_inherits WHERE inhparent = 'candles'::regclass) >= 400 THEN
        RETURN NULL;
    END IF;
    LOCK TABLE candles_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE candles INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
                                     PRIMARY KEY (market, step, bucket_unix)) WITH (fillfactor = 80)', made.name);
    PERFORM close_candles_partition(made.name);
    RETURN made.name;
END $$;

-- What was made becomes a partition; the default one has no row of its time any more.
CREATE FUNCTION attach_candles_partition(at_unix bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    made record := candles_partition(at_unix);
BEGIN
    EXECUTE format('ALTER TABLE candles ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                   made.name, made.from_unix, made.to_unix);
END $$;

REVOKE ALL ON FUNCTION close_candles_partition(text), candles_partition(bigint), make_candles_partition(bigint),
    attach_candles_partition(bigint) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION candles_partition(bigint), make_candles_partition(bigint), attach_candles_partition(bigint)
    TO zmart_engine;

CREATE TABLE candles_default (
    LIKE candles INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (market, step, bucket_unix)
) WITH (fillfactor = 80);
-- The rows of a quarter, for whoever moves them out.
CREATE INDEX candles_default_bucket ON candles_default (bucket_unix);
SELECT close_candles_partition('candles_default');
ALTER TABLE candles ATTACH PARTITION candles_default DEFAULT;

-- The quarters of what is there (the newest forty), this one and the next two.
DO $quarters$
DECLARE
    at_unix bigint;
BEGIN
    FOR at_unix IN
        SELECT DISTINCT (candles_partition(bucket_unix)).from_unix AS quarter
        FROM (
            SELECT DISTINCT bucket_unix - mod(bucket_unix, 86400) AS bucket_unix FROM candles_before
            WHERE step = 3600 AND bucket_unix >= 0 AND bucket_unix < 7258118400
            UNION ALL
            SELECT extract(epoch FROM now() + make_interval(days => 31 * ahead))::bigint FROM generate_series(0, 6) ahead
        ) days
        ORDER BY quarter DESC LIMIT 43
    LOOP
        IF make_candles_partition(at_unix) IS NOT NULL THEN
            PERFORM attach_candles_partition(at_unix);
        END IF;
    END LOOP;
END
$quarters$;

INSERT INTO candles SELECT * FROM candles_before;
DROP TABLE candles_before;

ALTER TABLE candles ENABLE ROW LEVEL SECURITY;
ALTER TABLE candles FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON candles TO zmart_engine;
CREATE POLICY engine ON candles TO zmart_engine USING (true) WITH CHECK (true);
GRANT SELECT ON candles TO anon, authenticated, service_role;
CREATE POLICY public_read ON candles FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY service_read ON candles FOR SELECT TO service_role USING (true);

-- ---- room

-- Every batch writes the rows anew of the markets that it tells of. Where the page has room for the new version, no index gets an
-- entry of it.
ALTER TABLE markets SET (fillfactor = 50);

-- ---- retention

-- A user's order stays for good; the bytes that were sent go when nothing can change it any more and some days are over.
ALTER TABLE submissions ALTER COLUMN transaction DROP NOT NULL;
ALTER TABLE submissions ADD CONSTRAINT submissions_bytes_until_settled CHECK (settled OR transaction IS NOT NULL) NOT VALID;
CREATE INDEX submissions_with_bytes ON submissions (updated_at) WHERE settled AND transaction IS NOT NULL;
