-- Roll-back: a confirmed transaction may vanish with its fork. Its entries stay, and are named by a roll-back entry.

-- A trade whose entry was taken back: kept, and left out wherever trades are listed, counted or summed.
ALTER TABLE trades ADD COLUMN orphaned boolean NOT NULL DEFAULT false;

-- A market whose creation was taken back: the row stays (its seqs are never used twice), and may be created again.
ALTER TABLE markets ADD COLUMN vanished boolean NOT NULL DEFAULT false;

-- Lists leave vanished markets out, and find their pages in these indexes alone.
DROP INDEX markets_by_creation, markets_by_phase;
CREATE INDEX markets_by_creation ON markets (created_at_unix DESC, address DESC) WHERE NOT vanished;
CREATE INDEX markets_by_phase ON markets (phase, created_at_unix DESC, address DESC) WHERE NOT vanished;

-- Every entry at or below it was found on the finalized chain. NULL: written by an engine that did not look.
ALTER TABLE chain_cursor ADD COLUMN finalized_slot bigint CHECK (finalized_slot >= 0);

-- What was recorded in the slots that became final since the last look: the newest pages, so that summaries of page
-- ranges do, at next to no cost for an insert.
CREATE INDEX chain_events_by_slot ON chain_events USING brin (slot) WITH (pages_per_range = 32, autosummarize = on);

-- A sale that an adopted state contained has no row in trades; its wallet's newest trade is looked for here, too.
CREATE INDEX journal_contained ON journal (stream, epoch, seq) WHERE kind = 'contained';
