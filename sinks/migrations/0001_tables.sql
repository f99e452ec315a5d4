-- Every table is a ReplacingMergeTree. The sorting key of decisions names a row's identity together
-- with its content digest: a repetition merges away, two contents under one identity never do, so
-- that the evidence stays. Views, not merges, decide what is current.
-- written_at alone is of the clock; nothing depends on which of two equal rows is kept.
-- Months are of event time, which no redelivery moves. DateTime64 and Date32 only: DateTime wraps.

CREATE TABLE IF NOT EXISTS meta
(
    name String,
    value String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 1000;

-- A row is one delivery, and only the same delivery written twice merges away: which delivery of a
-- key came first must not depend on merges. started_at, ended_at, charged_at and encounter_kind
-- have three states: known, stated absent (reported, and NULL or empty), and not reported.
CREATE TABLE IF NOT EXISTS events
(
    source String,
    id String,
    type LowCardinality(String),
    family LowCardinality(String),
    verb LowCardinality(String),
    voided Bool,
    time DateTime64(3, 'UTC'),
    subject String,
    institution LowCardinality(String),
    act_id String,
    revision UInt32,
    department LowCardinality(String),
    encounter_id String,
    encounter_kind LowCardinality(String),
    encounter_kind_reported Bool,
    started_at Nullable(DateTime64(3, 'UTC')),
    started_at_reported Bool,
    ended_at Nullable(DateTime64(3, 'UTC')),
    ended_at_reported Bool,
    charged_at Nullable(DateTime64(3, 'UTC')),
    charged_at_reported Bool,
    service_time Nullable(DateTime64(3, 'UTC')),
    lines Nested
    (
        line_id String,
        system LowCardinality(String),
        code String,
        category LowCardinality(String),
        amount Decimal(38, 6),
        refunded Decimal(38, 6)
    ),
    digest FixedString(32),
    payload String CODEC(ZSTD(1)),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    appended_at DateTime64(3, 'UTC'),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (family, source, act_id, revision, id, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS decisions
(
    decision_id UUID,
    scope LowCardinality(String),
    cause LowCardinality(String),
    source String,
    id String,
    type LowCardinality(String),
    time DateTime64(3, 'UTC'),
    event_digest String,
    subject String,
    institution LowCardinality(String),
    department LowCardinality(String),
    act_id String,
    revision UInt32,
    phase LowCardinality(String),
    as_of String,
    verdict LowCardinality(String),
    applicable UInt32,
    alerts UInt32,
    silent UInt32,
    exempt UInt32,
    not_evaluable UInt32,
    undetermined UInt32,
    findings UInt32,
    pack LowCardinality(String),
    knowledge LowCardinality(String),
    engine LowCardinality(String),
    profile LowCardinality(String),
    cut LowCardinality(String),
    digest FixedString(32),
    payload String CODEC(ZSTD(1)),
    origin_topic LowCardinality(String),
    origin_partition Int32,
    origin_offset Int64,
    received_at Nullable(DateTime64(3, 'UTC')),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    appended_at DateTime64(3, 'UTC'),
    version UInt64,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (decision_id, digest)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS alerts
(
    decision_id UUID,
    decision_version UInt64,
    alert_id UUID,
    source String,
    id String,
    type LowCardinality(String),
    time DateTime64(3, 'UTC'),
    subject String,
    institution LowCardinality(String),
    department LowCardinality(String),
    phase LowCardinality(String),
    rule_id LowCardinality(String),
    rule_version UInt32,
    rule_status LowCardinality(String),
    element String,
    result LowCardinality(String),
    severity LowCardinality(String),
    action LowCardinality(String),
    finding String CODEC(ZSTD(1)),
    topic LowCardinality(String),
    partition UInt32,
    appended_at DateTime64(3, 'UTC'),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (decision_id, alert_id, partition, decision_version)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    reason LowCardinality(String),
    path String,
    detail String,
    received_at DateTime64(3, 'UTC'),
    key Nullable(String),
    value Nullable(String) CODEC(ZSTD(1)),
    letter_topic LowCardinality(String),
    letter_partition UInt32,
    letter_offset UInt64,
    appended_at DateTime64(3, 'UTC'),
    version UInt64,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(received_at)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS sink_positions
(
    epoch UInt64,
    cluster String,
    topic_id String,
    topic String,
    partition UInt32,
    first Int64,
    last Int64,
    count UInt64,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(last)
ORDER BY (epoch, cluster, topic, topic_id, partition)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS institutions
(
    id String,
    time_zone LowCardinality(String),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000;
