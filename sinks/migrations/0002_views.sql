-- What is current, right whatever was merged so far and across table partitions.

-- A delivery that the worker refused although it could be read is no event.
CREATE OR REPLACE VIEW refused_deliveries AS
SELECT DISTINCT topic AS of_topic, toUInt32(partition) AS of_partition, toUInt64(offset) AS of_offset
FROM dead_letters
WHERE reason IN ('id_reused', 'too_large') AND partition >= 0 AND offset >= 0;

CREATE OR REPLACE VIEW events_current AS
SELECT *
FROM events
WHERE (topic, partition, offset) NOT IN
    (
        SELECT of_topic, of_partition, of_offset FROM refused_deliveries
    )
ORDER BY version DESC, appended_at DESC, topic DESC, partition DESC
LIMIT 1 BY source, id;

-- The latest revision of each act; drafts are no acts. A Nullable stands in a tuple because
-- argMax passes over rows whose value is NULL.
CREATE OR REPLACE VIEW acts_current AS
SELECT
    e.institution AS institution,
    e.family AS family,
    e.act_id AS act_id,
    max(e.revision) AS revision,
    min(e.time) AS first_time,
    argMax(e.source, e.place) AS source,
    argMax(e.id, e.place) AS id,
    argMax(e.verb, e.place) AS verb,
    argMax(e.voided, e.place) AS voided,
    argMax(e.time, e.place) AS time,
    argMax(e.subject, e.place) AS subject,
    argMax(e.department, e.place) AS department,
    argMax(e.encounter_id, e.place) AS encounter_id,
    argMax(e.encounter_kind, e.place) AS encounter_kind,
    argMax(tuple(e.started_at), e.place).1 AS started_at,
    argMax(tuple(e.ended_at), e.place).1 AS ended_at,
    argMax(tuple(e.charged_at), e.place).1 AS charged_at,
    argMax(e.lines.category, e.place) AS categories,
    argMax(e.lines.amount, e.place) AS amounts,
    argMax(e.lines.refunded, e.place) AS refunds
FROM
(
    SELECT *, (revision, time, version, topic, partition) AS place
    FROM events
    WHERE verb != 'draft'
        AND (topic, partition, offset) NOT IN
    (
        SELECT of_topic, of_partition, of_offset FROM refused_deliveries
    )
) AS e
GROUP BY e.institution, e.family, e.act_id;

CREATE OR REPLACE VIEW decisions_current AS
SELECT *
FROM decisions
ORDER BY version DESC, partition DESC, digest
LIMIT 1 BY decision_id;

-- Alerts of the latest run of each decision: a run that finds less withdraws what it left out.
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

CREATE OR REPLACE VIEW dead_letters_current AS
SELECT *
FROM dead_letters
ORDER BY version DESC, letter_partition DESC
LIMIT 1 BY topic, partition, offset;
