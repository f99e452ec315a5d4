-- The signed bundle that rules and knowledge came in; '' for files, and for what was decided before.

ALTER TABLE decisions ADD COLUMN IF NOT EXISTS bundle LowCardinality(String) AFTER profile;

-- The star of a view is resolved when the view is made: it must learn the new column.
CREATE OR REPLACE VIEW decisions_current AS
SELECT *
FROM decisions
ORDER BY version DESC, partition DESC, digest
LIMIT 1 BY decision_id;
