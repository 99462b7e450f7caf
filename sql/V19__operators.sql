-- What operators did to what users wrote: who, what, to what, why. Nothing here is ever changed or taken back.

CREATE TABLE operator_actions (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action   text NOT NULL CHECK (action IN ('hide_comment')),
    -- The comment's id.
    subject  text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 128),
    reason   text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    -- As the operator names themselves: whoever has the token may be several.
    by_whom  text NOT NULL CHECK (char_length(by_whom) BETWEEN 1 AND 128),
    node     text NOT NULL CHECK (char_length(node) BETWEEN 1 AND 255),
    done_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (action, subject)
);

-- The engine writes it down and reads it; not even the engine changes it.
ALTER TABLE operator_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE operator_actions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON operator_actions TO zmart_engine;
CREATE POLICY engine ON operator_actions TO zmart_engine USING (true) WITH CHECK (true);
GRANT SELECT ON operator_actions TO service_role;
CREATE POLICY service_read ON operator_actions FOR SELECT TO service_role USING (true);
