-- What is current, right whatever was merged so far and across table partitions.

-- A delivery that the worker refused although it could be read is no event.
CREATE OR REPLACE VIEW refused_deliveries AS
SELECT DISTINCT topic AS of_topic, toUInt32(partition) AS of_partition, toUInt64(offset) AS of_offset
FROM dead_letters
WHERE reason IN ('id_reused', 'too_large') AND partition >= 0 AND offset >= 0;

-- An event is what was first said under its key: appended first, then by topic, partition, offset.
-- Another content under the same key never happened (see events_reused), and no redelivery of
-- either moves the first one.
CREATE OR REPLACE VIEW events_current AS
SELECT *
FROM events
WHERE (topic, partition, offset) NOT IN
    (
        SELECT of_topic, of_partition, of_offset FROM refused_deliveries
    )
ORDER BY appended_at, topic, partition, offset
LIMIT 1 BY source, id;

-- Keys under which a source said different things, whatever became of them.
CREATE OR REPLACE VIEW events_reused AS
SELECT source, id, uniqExact(digest) AS contents
FROM events
GROUP BY source, id
HAVING contents > 1
COMMENT 'Keys under which a source sent more than one content, and how many; only the first content is in events_current and acts_current.';

-- The latest revision of each act; drafts are no acts. An act is named by its source, family and
-- act id, because two systems of one institution may count alike; it belongs to the institution
-- that its latest revision names, so that a corrected institution counts once.
-- What a revision does not report was not withdrawn: the kind and the instants are those of the
-- latest revision that reports them, and only one that states their absence takes them back. A
-- stay that was said to be over after the last report of its end ended when that was said.
-- Equal revisions and times are told apart by id, which no redelivery changes. A Nullable stands in
-- a tuple because argMax passes over rows whose value is NULL.
CREATE OR REPLACE VIEW acts_current AS
SELECT
    e.source AS source,
    e.family AS family,
    e.act_id AS act_id,
    max(e.revision) AS revision,
    min(e.time) AS first_time,
    argMax(e.institution, e.place) AS institution,
    argMax(e.id, e.place) AS id,
    argMax(e.verb, e.place) AS verb,
    argMax(e.voided, e.place) AS voided,
    argMax(e.time, e.place) AS time,
    argMax(e.subject, e.place) AS subject,
    argMax(e.department, e.place) AS department,
    argMax(e.encounter_id, e.place) AS encounter_id,
    argMaxIf(e.encounter_kind, e.place, e.encounter_kind_reported) AS encounter_kind,
    argMaxIf(tuple(e.started_at), e.place, e.started_at_reported).1 AS started_at,
    argMaxIf(tuple(e.charged_at), e.place, e.charged_at_reported).1 AS charged_at,
    ifNull(
        argMaxIf(tuple(e.ended_at), e.place, e.ended_at_reported).1,
        if(
            maxIf(e.place, e.is_end) > maxIf(e.place, e.ended_at_reported),
            argMaxIf(tuple(toNullable(e.time)), e.place, e.is_end).1,
            NULL
        )
    ) AS ended_at,
    argMax(e.lines.category, e.place) AS categories,
    argMax(e.lines.amount, e.place) AS amounts,
    argMax(e.lines.refunded, e.place) AS refunds
FROM
(
    SELECT *, (revision, time, id) AS place, verb IN ('discharged', 'ended') AS is_end
    FROM events_current
    WHERE verb != 'draft'
) AS e
GROUP BY e.source, e.family, e.act_id
COMMENT 'One row an act, named by (source, family, act_id): two systems of one institution may count alike. Institution, department and lines are those of the latest revision; kind and instants those of the latest revision that reports them.';

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
