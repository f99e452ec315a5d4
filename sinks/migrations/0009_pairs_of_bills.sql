-- Money of pairs between two bills. A finding names the line of the other bill ACT/LINE: its money is
-- that of the other bill, where other findings about the line count with it. Both bills may find the
-- pair, each when it was decided; the later decision knew of both, so the finding of the earlier one
-- counts no more, also where the pair is gone since.
CREATE OR REPLACE VIEW charges_found AS
WITH argMax(
    tuple(total, fund_part),
    tuple(rule_status = 'active', overridden_by = '', total, isNotNull(fund_part), ifNull(fund_part, 0))
) AS counted
SELECT
    f.source AS source,
    f.of_act AS act_id,
    f.of_line AS line_id,
    any(f.currency) AS currency,
    any(f.institution) AS institution,
    any(f.department) AS department,
    any(f.time) AS time,
    counted.1 AS amount,
    counted.2 AS fund,
    groupUniqArray(f.rule_id) AS rules,
    max(f.rule_status = 'active') AS shown
FROM
(
    SELECT a.*, d.source AS source, d.act_id AS act_id,
        p.act_id != '' AND p.act_id != d.act_id AS is_between,
        if(is_between AND a.line_id = a.partner, p.act_id, d.act_id) AS of_act,
        if(is_between AND a.line_id = a.partner, extract(a.partner, '[^/]*$'), a.line_id) AS of_line
    FROM
    (
        SELECT decision_id, decision_version, institution, department, time, currency, rule_id,
            rule_status, overridden_by, partner, extract(partner, '^(.*)/[^/]*$') AS other,
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
    LEFT JOIN
    (
        SELECT source, act_id, argMax(version, (revision, version)) AS decided
        FROM decisions_current
        WHERE startsWith(type, 'billing.') AND phase != 'pre' AND cause = 'event'
        GROUP BY source, act_id
    ) AS p ON p.source = d.source AND p.act_id = a.other
    WHERE NOT is_between OR p.decided < a.decision_version
) AS f
WHERE (f.source, f.act_id) NOT IN
(
    SELECT source, act_id FROM acts_current WHERE family = 'billing' AND voided
)
GROUP BY f.source, f.of_act, f.of_line
COMMENT 'Money of findings, one row a charge line: the greatest of its shown findings that stand, else of the others; of the last revision of its bill, less what was refunded. Of a pair between two bills the later decision counts, and each line stands with its own bill.';
