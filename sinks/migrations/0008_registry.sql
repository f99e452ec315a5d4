-- The registry that lay over the knowledge; '' for none, and for what was decided before.

ALTER TABLE decisions ADD COLUMN IF NOT EXISTS registry LowCardinality(String) AFTER bundle;

-- The star of a view is resolved when the view is made: it must learn the new column.
CREATE OR REPLACE VIEW decisions_current AS
SELECT *
FROM decisions
ORDER BY version DESC, partition DESC, digest
LIMIT 1 BY decision_id;
