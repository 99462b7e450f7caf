-- What operators order is written down beside the comments that they hide: restarts, stops, starts, the pause of intake, log levels,
-- alerts that somebody knows of. As before, a row is never changed or taken back.

ALTER TABLE operator_actions
    DROP CONSTRAINT operator_actions_action_check,
    DROP CONSTRAINT operator_actions_action_subject_key,
    -- Why, and by whose word, is said where somebody says it; of a hidden comment always.
    ALTER COLUMN reason DROP NOT NULL,
    ALTER COLUMN by_whom DROP NOT NULL,
    -- The address that the order came from.
    ADD COLUMN peer text CHECK (char_length(peer) BETWEEN 1 AND 64),
    ADD COLUMN outcome text NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'refused')),
    -- What it is since, or why it was refused.
    ADD COLUMN detail text CHECK (char_length(detail) BETWEEN 1 AND 500),
    ADD CONSTRAINT operator_actions_action_check CHECK (action IN (
        'hide_comment', 'restart', 'stop', 'start', 'pause_intake', 'resume_intake', 'set_log_levels', 'acknowledge_alert')),
    ADD CONSTRAINT operator_actions_hidden_check CHECK (
        action <> 'hide_comment' OR (reason IS NOT NULL AND by_whom IS NOT NULL));

CREATE UNIQUE INDEX operator_actions_hidden ON operator_actions (subject) WHERE action = 'hide_comment';
