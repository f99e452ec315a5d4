-- How many findings of a decision are not told again; what was decided before does not count them.

ALTER TABLE decisions ADD COLUMN IF NOT EXISTS suppressed UInt32 AFTER overridden;

-- The star of a view is resolved when the view is made: it must learn the new column.
CREATE OR REPLACE VIEW decisions_current AS
SELECT *
FROM decisions
ORDER BY version DESC, partition DESC, digest
LIMIT 1 BY decision_id;
