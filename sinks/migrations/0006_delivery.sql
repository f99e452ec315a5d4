-- What a regulator needs of decisions that time led to: which cause, what waits, what was taken back;
-- and of findings: which gave way to another, and which were not told again. What was decided before
-- has none of it.

ALTER TABLE decisions ADD COLUMN IF NOT EXISTS retracted LowCardinality(String) AFTER verdict;

ALTER TABLE decisions ADD COLUMN IF NOT EXISTS waiting UInt32 AFTER undetermined;

ALTER TABLE decisions ADD COLUMN IF NOT EXISTS overridden UInt32 AFTER waiting;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS cause LowCardinality(String) DEFAULT 'event' AFTER phase;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS key String AFTER action;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS overridden_by String AFTER key;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS suppressed Bool AFTER overridden_by;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS suppressed_by String AFTER suppressed;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS told_again_at Nullable(DateTime64(3, 'UTC')) AFTER suppressed_by;

-- The coded reasons of the knowledge base, as of the last time that the tables were brought up to date.
CREATE TABLE IF NOT EXISTS override_reasons
(
    system String,
    code String,
    group String,
    zh String,
    en String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (system, code)
SETTINGS non_replicated_deduplication_window = 1000;

-- The star of a view is resolved when the view is made: it must learn the new columns.
CREATE OR REPLACE VIEW decisions_current AS
SELECT *
FROM decisions
ORDER BY version DESC, partition DESC, digest
LIMIT 1 BY decision_id;

CREATE OR REPLACE VIEW alerts_current AS
SELECT *
FROM alerts
WHERE (decision_id, decision_version, partition) IN
(
    SELECT decision_id, (max((version, partition)) AS latest).1, latest.2
    FROM decisions
    GROUP BY decision_id
)
LIMIT 1 BY decision_id, alert_id;

-- What is decided later: rules that wait for late data, and duties. decided says whether a decision
-- of it stands; a duty that was fulfilled in time never has one.
CREATE OR REPLACE VIEW waiting_current AS
SELECT
    w.decision_id AS decision_id,
    w.source AS source,
    w.id AS id,
    w.type AS type,
    w.time AS time,
    w.scope AS scope,
    w.institution AS institution,
    w.department AS department,
    JSONExtractString(w.one, 'rule_id') AS rule_id,
    toUInt32(JSONExtractUInt(w.one, 'rule_version')) AS rule_version,
    JSONExtractString(w.one, 'element') AS element,
    JSONExtractString(w.one, 'why') AS why,
    parseDateTime64BestEffortOrNull(JSONExtractString(w.one, 'until'), 3, 'UTC') AS until,
    if(why = 'late_data', 'late', concat('timer:', rule_id, ':', element, ':due')) AS later,
    has(l.causes, later) AS decided
FROM
(
    SELECT decision_id, source, id, type, time, scope, institution, department,
        arrayJoin(JSONExtractArrayRaw(payload, 'waiting')) AS one
    FROM decisions_current
    WHERE waiting > 0
) AS w
LEFT JOIN
(
    SELECT source, id, scope, groupUniqArray(toString(cause)) AS causes
    FROM decisions_current
    WHERE cause != 'event' AND retracted = ''
    GROUP BY source, id, scope
) AS l ON w.source = l.source AND w.id = l.id AND w.scope = l.scope
COMMENT 'Rules that decide later, one row a rule and element: why, until when (event time), and whether that decision stands.';

-- Money found, a charge counted once: of the findings on one charge line one counts, and of the
-- revisions of a bill only the last one, with everything that was decided about it, at once or later.
-- A finding that is shown to nobody counts only where no other covers the line, and one that gave way
-- to another only where none that stands does. Bills that were voided, and drafts, count nothing.
CREATE OR REPLACE VIEW charges_found AS
WITH argMax(
    tuple(total, fund_part),
    tuple(
        a.rule_status = 'active', a.overridden_by = '', total, isNotNull(fund_part), ifNull(fund_part, 0)
    )
) AS counted
SELECT
    d.source AS source,
    d.act_id AS act_id,
    line_id,
    any(a.currency) AS currency,
    any(a.institution) AS institution,
    any(a.department) AS department,
    any(a.time) AS time,
    counted.1 AS amount,
    counted.2 AS fund,
    groupUniqArray(a.rule_id) AS rules,
    max(a.rule_status = 'active') AS shown
FROM
(
    SELECT decision_id, institution, department, time, currency, rule_id, rule_status, overridden_by,
        line_id, total, fund_part
    FROM alerts_current
    ARRAY JOIN money.line_id AS line_id, money.total AS total, money.fund AS fund_part
) AS a
INNER JOIN
(
    SELECT decision_id, source, act_id
    FROM decisions_current
    WHERE startsWith(type, 'billing.') AND phase != 'pre' AND (source, act_id, id) IN
    (
        SELECT source, act_id, argMax(id, (revision, version))
        FROM decisions_current
        WHERE startsWith(type, 'billing.') AND phase != 'pre' AND cause = 'event'
        GROUP BY source, act_id
    )
) AS d ON a.decision_id = d.decision_id
WHERE (d.source, d.act_id) NOT IN
(
    SELECT source, act_id FROM acts_current WHERE family = 'billing' AND voided
)
GROUP BY d.source, d.act_id, line_id
COMMENT 'Money of findings, one row a charge line: the greatest of its shown findings that stand, else of the others; of the last revision of its bill, less what was refunded.';
