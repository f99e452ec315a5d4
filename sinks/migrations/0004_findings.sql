-- What a finding says of money and pairs. amount and fund are NULL where the rule is not about money,
-- or where a part is not known; money.* has one element a charge line that the finding covers.

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS pair LowCardinality(String) AFTER action;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS partner String AFTER pair;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS currency LowCardinality(String) AFTER partner;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS amount Nullable(Decimal(38, 6)) AFTER currency;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS fund Nullable(Decimal(38, 6)) AFTER amount;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS `money.line_id` Array(String) AFTER fund;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS `money.total` Array(Decimal(38, 6)) AFTER `money.line_id`;

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS `money.fund` Array(Nullable(Decimal(38, 6))) AFTER `money.total`;

-- The star of a view is resolved when the view is made: it must learn the new columns.
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

-- Money found, a charge counted once: of the findings on one charge line the greatest counts, and of
-- the revisions of a bill only the last one, so that a refund reduces it. A finding that is shown to
-- nobody counts only where no other covers the line. Bills that were voided, and drafts, count
-- nothing.
CREATE OR REPLACE VIEW charges_found AS
WITH argMax(
    tuple(total, fund_part),
    tuple(a.rule_status = 'active', total, isNotNull(fund_part), ifNull(fund_part, 0))
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
    SELECT decision_id, institution, department, time, currency, rule_id, rule_status,
        line_id, total, fund_part
    FROM alerts_current
    ARRAY JOIN money.line_id AS line_id, money.total AS total, money.fund AS fund_part
) AS a
INNER JOIN
(
    SELECT decision_id, source, act_id
    FROM decisions_current
    WHERE startsWith(type, 'billing.') AND phase != 'pre'
    ORDER BY revision DESC, version DESC
    LIMIT 1 BY source, act_id
) AS d ON a.decision_id = d.decision_id
WHERE (d.source, d.act_id) NOT IN
(
    SELECT source, act_id FROM acts_current WHERE family = 'billing' AND voided
)
GROUP BY d.source, d.act_id, line_id
COMMENT 'Money of findings, one row a charge line: the greatest of its shown findings, else of the others; of the last revision of its bill, less what was refunded.';
