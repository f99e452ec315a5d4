-- What is answered to alerts, and what became of them. The words are those of contracts.alert_states.

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
    SELECT source, id, act_id, revision, time, institution, department,
        JSONExtractRaw(payload, 'data') AS data
    FROM events
    WHERE family = 'feedback' AND (topic, partition, offset) NOT IN
    (
        SELECT of_topic, of_partition, of_offset FROM refused_deliveries
    )
    ORDER BY appended_at, topic, partition, offset
    LIMIT 1 BY source, id
)
COMMENT 'Answers to alerts, one row an event: nothing that was answered is left out.';

-- What is odd about an answer. An alert is known while a decision that was ever made had it; one that
-- was withdrawn since is not current. A reason is known that stands in the knowledge base.
CREATE OR REPLACE VIEW feedback_quality AS
WITH
    ['accepted', 'overridden', 'false_positive'] AS responses,
    ['appeal_opened', 'appeal_first_review', 'appeal_lodged', 'appeal_second_review', 'appeal_closed'] AS steps,
    ['upheld', 'withdrawn', 'partly_upheld'] AS outcomes
SELECT
    source, id, act_id, revision, time, institution, department, alert_id, response, reason, outcome,
    arrayFilter(
        problem -> problem != '',
        [
            if(alert_id NOT IN (SELECT toString(alert_id) FROM alerts), 'unknown_alert', ''),
            if(
                alert_id IN (SELECT toString(alert_id) FROM alerts)
                    AND alert_id NOT IN (SELECT toString(alert_id) FROM alerts_current),
                'withdrawn_alert', ''
            ),
            if(NOT has(arrayConcat(responses, steps), response), 'unknown_response', ''),
            if(
                reason != '' AND reason NOT IN (SELECT concat(system, '|', code) FROM override_reasons),
                'unknown_reason', ''
            ),
            if(response = 'overridden' AND reason = '', 'no_reason', ''),
            if(outcome != '' AND NOT has(outcomes, outcome), 'unknown_outcome', ''),
            if(response = 'appeal_closed' AND outcome = '', 'no_outcome', '')
        ]
    ) AS problems
FROM feedback
COMMENT 'Answers to alerts with what is odd about each: unknown alerts, responses, reasons and outcomes.';

-- The state of every current alert, by its answers in the order of their times. Where there is an
-- appeal it says the state; the answer of whoever was told says nothing of an appeal.
CREATE OR REPLACE VIEW alert_states AS
SELECT
    a.alert_id AS alert_id,
    a.decision_id AS decision_id,
    a.source AS source,
    a.id AS id,
    a.time AS time,
    a.institution AS institution,
    a.department AS department,
    a.phase AS phase,
    a.cause AS cause,
    a.rule_id AS rule_id,
    a.rule_version AS rule_version,
    a.rule_status AS rule_status,
    a.severity AS severity,
    a.overridden_by AS overridden_by,
    a.suppressed AS suppressed,
    a.rule_status = 'active' AND a.overridden_by = '' AND NOT a.suppressed AS delivered,
    multiIf(
        f.step = 'appeal_closed' AND f.ruling IN ('upheld', 'withdrawn', 'partly_upheld'), f.ruling,
        f.step != '', f.step,
        f.said != '', f.said,
        'open'
    ) AS state,
    multiIf(f.step != '', f.stepped_at, f.said != '', f.said_at, NULL) AS since,
    f.said AS response,
    f.why AS reason,
    f.answers AS answers
FROM alerts_current AS a
LEFT JOIN
(
    SELECT
        alert_id,
        count() AS answers,
        argMaxIf(response, place, is_response) AS said,
        argMaxIf(tuple(toNullable(time)), place, is_response).1 AS said_at,
        argMaxIf(response, place, is_step) AS step,
        argMaxIf(outcome, place, is_step) AS ruling,
        argMaxIf(tuple(toNullable(time)), place, is_step).1 AS stepped_at,
        argMaxIf(reason, place, response = 'overridden' AND reason != '') AS why
    FROM
    (
        SELECT
            alert_id, response, outcome, reason, time,
            (time, revision, source, id) AS place,
            response IN ('accepted', 'overridden', 'false_positive') AS is_response,
            response IN
            (
                'appeal_opened', 'appeal_first_review', 'appeal_lodged', 'appeal_second_review',
                'appeal_closed'
            ) AS is_step
        FROM feedback
    )
    GROUP BY alert_id
) AS f ON toString(a.alert_id) = f.alert_id
COMMENT 'Every current alert with the state that its answers bring it to: open, accepted, overridden, false_positive, a step of an appeal, or what it found.';

-- Whether reminders about drafts were heeded: whether the act still had the finding as it first went on
-- after the last such draft. Findings are followed by their key, as lines may change their names.
CREATE OR REPLACE VIEW reminders_heeded AS
SELECT
    p.source AS source,
    p.family AS family,
    p.act_id AS act_id,
    p.rule_id AS rule_id,
    p.rule_version AS rule_version,
    p.key AS key,
    p.institution AS institution,
    p.department AS department,
    p.last AS last_reminded_at,
    multiIf(
        n.reached = 0, 'not_signed',
        (n.decision_id, rule_id, key) IN
        (
            SELECT decision_id, toString(rule_id), key FROM alerts_current WHERE phase != 'pre'
        ), 'kept',
        has(n.undecided, rule_id), 'unknown',
        'heeded'
    ) AS became
FROM
(
    SELECT
        source, family, act_id, rule_id, key,
        argMax(version, drafted) AS rule_version,
        argMax(hospital, drafted) AS institution,
        argMax(ward, drafted) AS department,
        max(drafted) AS last
    FROM
    (
        SELECT
            d.source AS source, splitByChar('.', toString(d.type))[1] AS family, d.act_id AS act_id,
            toString(a.rule_id) AS rule_id, a.key AS key, a.rule_version AS version,
            d.institution AS hospital, d.department AS ward, d.time AS drafted
        FROM alerts_current AS a
        INNER JOIN decisions_current AS d ON a.decision_id = d.decision_id
        WHERE a.phase = 'pre' AND a.overridden_by = ''
    )
    GROUP BY source, family, act_id, rule_id, key
) AS p
ASOF LEFT JOIN
(
    SELECT
        source, splitByChar('.', toString(type))[1] AS family, act_id, time, decision_id, 1 AS reached,
        arrayConcat(
            arrayMap(one -> JSONExtractString(one, 'rule_id'), JSONExtractArrayRaw(payload, 'not_evaluable')),
            arrayFlatten(
                arrayMap(
                    one -> JSONExtract(one, 'rules', 'Array(String)'),
                    JSONExtractArrayRaw(payload, 'undetermined')
                )
            )
        ) AS undecided
    FROM decisions_current
    WHERE phase != 'pre' AND cause = 'event' AND scope = 'patient'
        AND splitByChar('.', toString(type))[2] NOT IN ('cancelled', 'entered_in_error')
        AND (source, act_id) IN
        (
            SELECT source, act_id FROM decisions_current WHERE phase = 'pre' AND findings > 0
        )
    ORDER BY revision
    LIMIT 1 BY source, family, act_id, time
) AS n ON p.source = n.source AND p.family = n.family AND p.act_id = n.act_id AND p.last <= n.time
COMMENT 'Reminders about drafts, one row an act, rule and key, and what became of each: heeded, kept, not_signed (the act never went on), unknown (the rule could not be decided about it).';

-- How each version of a rule does: what it found, whom it told, and what was answered.
CREATE OR REPLACE VIEW rule_feedback AS
SELECT
    rule_id,
    rule_version,
    sum(fired_) AS fired,
    sum(delivered_) AS delivered,
    sum(suppressed_) AS suppressed,
    sum(gave_way_) AS gave_way,
    sum(answered_) AS answered,
    sum(accepted_) AS accepted,
    sum(overridden_) AS overridden,
    sum(false_positive_) AS false_positive,
    sum(in_appeal_) AS in_appeal,
    sum(upheld_) AS upheld,
    sum(withdrawn_) AS withdrawn,
    sum(heeded_) AS heeded,
    sum(kept_) AS kept,
    sum(unknown_) AS unheard,
    sum(not_signed_) AS not_signed
FROM
(
    SELECT
        toString(rule_id) AS rule_id, rule_version,
        1 AS fired_, toUInt64(delivered) AS delivered_, toUInt64(suppressed) AS suppressed_,
        toUInt64(overridden_by != '') AS gave_way_,
        toUInt64(response != '') AS answered_,
        toUInt64(response = 'accepted') AS accepted_,
        toUInt64(response = 'overridden') AS overridden_,
        toUInt64(response = 'false_positive') AS false_positive_,
        toUInt64(startsWith(state, 'appeal_')) AS in_appeal_,
        toUInt64(state IN ('upheld', 'partly_upheld')) AS upheld_,
        toUInt64(state = 'withdrawn') AS withdrawn_,
        0 AS heeded_, 0 AS kept_, 0 AS unknown_, 0 AS not_signed_
    FROM alert_states
    UNION ALL
    SELECT
        rule_id, rule_version, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        toUInt64(became = 'heeded'), toUInt64(became = 'kept'), toUInt64(became = 'unknown'),
        toUInt64(became = 'not_signed')
    FROM reminders_heeded
)
GROUP BY rule_id, rule_version
COMMENT 'Each version of a rule: alerts fired, told (delivered), left out (suppressed) and given way (gave_way); answers; appeals and what they found; and what became of reminders about drafts.';
