-- What the verifier found of a record of the decisions topic; the record is the row's identity. Of
-- two rows the one with the higher version stays: a look that could not be
-- taken (another pack was loaded) gives way to one that was.

CREATE TABLE IF NOT EXISTS verifications
(
    decision_id UUID,
    time DateTime64(3, 'UTC'),
    result LowCardinality(String),
    reason LowCardinality(String),
    pack LowCardinality(String),
    knowledge LowCardinality(String),
    engine LowCardinality(String),
    verifier LowCardinality(String),
    rules Nested
    (
        id LowCardinality(String),
        version UInt32,
        agreed UInt32,
        disagreed UInt32,
        skipped UInt32
    ),
    unchecked Map(LowCardinality(String), UInt32),
    derived UInt32,
    disagreements String,
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    version UInt8,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (topic, partition, offset, decision_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE OR REPLACE VIEW verifications_current AS
SELECT * EXCEPT (version, written_at)
FROM verifications
ORDER BY version DESC, written_at DESC
LIMIT 1 BY topic, partition, offset, decision_id;
