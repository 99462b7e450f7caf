-- Snapshots of discussions: what was pinned to IPFS, document after document.
--
-- A row is one document of a market. It is committed, with the content id of bytes that anybody can make again from the
-- journal, before anything is sent: whatever dies, the next life sends the very same bytes. A document names the one before
-- it, so a market's are a chain; the next one is begun when the last is pinned.

CREATE TABLE ipfs_anchors (
    market            account_address NOT NULL REFERENCES markets,
    number            integer NOT NULL CHECK (number > 0),
    cid               text NOT NULL CHECK (cid ~ '^Qm[1-9A-HJ-NP-Za-km-z]{44}$'),
    previous_cid      text,
    previous_number   integer GENERATED ALWAYS AS (nullif(number - 1, 0)) STORED,
    -- Entries about comments that it tells of: the first and the last. What is deleted of them is as of a third entry.
    from_epoch        integer NOT NULL,
    from_seq          bigint NOT NULL,
    to_epoch          integer NOT NULL,
    to_seq            bigint NOT NULL,
    as_of_epoch       integer NOT NULL,
    as_of_seq         bigint NOT NULL,
    -- What it holds: comments (deleted ones too), and the moments of its first and its last entry.
    comments          integer NOT NULL CHECK (comments >= 0),
    from_time         timestamptz NOT NULL,
    to_time           timestamptz NOT NULL,
    size_bytes        bigint NOT NULL CHECK (size_bytes > 0),
    -- Its form: it is made again in that one, whatever is written by then.
    version           integer NOT NULL CHECK (version > 0),
    -- failed: refused for what it is, answered with another content id, or it can't be made again. Tried again by the schedule
    -- and by hand only.
    status            text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'pinned', 'failed')),
    provider          text NOT NULL CHECK (char_length(provider) BETWEEN 1 AND 64),
    -- What the service said last, or why it said nothing: in our words, for anybody to read.
    answer            text CHECK (char_length(answer) <= 2000),
    attempts          integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at        timestamptz NOT NULL DEFAULT now(),
    attempted_at      timestamptz,
    pinned_at         timestamptz,
    PRIMARY KEY (market, number),
    UNIQUE (market, number, cid),
    CHECK ((number = 1) = (previous_cid IS NULL)),
    CHECK ((from_epoch, from_seq) <= (to_epoch, to_seq)),
    CHECK ((to_epoch, to_seq) <= (as_of_epoch, as_of_seq)),
    CHECK ((status = 'pinned') = (pinned_at IS NOT NULL)),
    FOREIGN KEY (market, previous_number, previous_cid) REFERENCES ipfs_anchors (market, number, cid),
    FOREIGN KEY (market, from_epoch, from_seq) REFERENCES journal (stream, epoch, seq),
    FOREIGN KEY (market, to_epoch, to_seq) REFERENCES journal (stream, epoch, seq),
    FOREIGN KEY (market, as_of_epoch, as_of_seq) REFERENCES journal (stream, epoch, seq)
);
-- One on its way at a time.
CREATE UNIQUE INDEX ipfs_anchors_one_open ON ipfs_anchors (market) WHERE status <> 'pinned';

-- What is pinned is out of our hands, so its row is never another. (It goes where all go: for a table that is emptied.)
CREATE FUNCTION refuse_change_of_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'document % of % is pinned', OLD.number, OLD.market USING ERRCODE = 'integrity_constraint_violation';
END $$;
REVOKE ALL ON FUNCTION refuse_change_of_pinned() FROM PUBLIC, anon, authenticated, service_role;
CREATE TRIGGER pinned BEFORE UPDATE ON ipfs_anchors FOR EACH ROW WHEN (OLD.status = 'pinned')
    EXECUTE FUNCTION refuse_change_of_pinned();

-- A market's comments in their order, and which of them were deleted: its documents are made from these.
CREATE INDEX journal_comments ON journal (stream, epoch, seq) WHERE kind = 'comment';
CREATE INDEX journal_comments_deleted ON journal (stream, epoch, seq)
    WHERE kind = 'comment' AND payload ->> 'kind' = 'comment_deleted';

ALTER TABLE ipfs_anchors ENABLE ROW LEVEL SECURITY;
ALTER TABLE ipfs_anchors FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON ipfs_anchors TO zmart_engine;
CREATE POLICY engine ON ipfs_anchors TO zmart_engine USING (true) WITH CHECK (true);
-- What is pinned is public.
GRANT SELECT ON ipfs_anchors TO anon, authenticated, service_role;
CREATE POLICY anyone ON ipfs_anchors FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY service_read ON ipfs_anchors FOR SELECT TO service_role USING (true);
