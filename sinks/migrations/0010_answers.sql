-- An answer to an alert is an act: of its revisions the latest counts, by revision, time and id as of
-- any act, and one that was entered in error was never given. The other views read this one.
CREATE OR REPLACE VIEW feedback AS
SELECT
    source, id, act_id, revision, time, institution, department,
    JSONExtractString(data, 'alert_id') AS alert_id,
    JSONExtractString(data, 'response') AS response,
    JSONExtractString(data, 'outcome') AS outcome,
    if(
        JSONHas(data, 'reason', 'code'),
        concat(JSONExtractString(data, 'reason', 'system'), '|', JSONExtractString(data, 'reason', 'code')),
        ''
    ) AS reason,
    JSONExtractString(data, 'rule_id') AS rule_id,
    JSONExtractUInt(data, 'rule_version') AS rule_version,
    JSONExtractString(data, 'decision_id') AS decision_id
FROM
(
    SELECT *
    FROM
    (
        SELECT source, id, act_id, revision, time, institution, department, voided,
            JSONExtractRaw(payload, 'data') AS data
        FROM events
        WHERE family = 'feedback' AND (topic, partition, offset) NOT IN
        (
            SELECT of_topic, of_partition, of_offset FROM refused_deliveries
        )
        ORDER BY appended_at, topic, partition, offset
        LIMIT 1 BY source, id
    )
    ORDER BY revision DESC, time DESC, id DESC
    LIMIT 1 BY source, act_id
)
WHERE NOT voided
COMMENT 'Answers to alerts, one row an act: what its latest revision says. What was entered in error is no answer; every revision is in events.';
