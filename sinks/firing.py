"""How often a rule fires: what its promotion from shadow to active is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class Firing:
    """One version of a rule over the decisions that are stored."""

    version: int
    status: str
    """`shadow` or `active`, as its alerts were made; "" where there is none."""
    decisions: int
    """Decisions in which the rule applied, or might have."""
    alerting: int
    """Decisions with an alert of it."""
    alerts: int
    first: datetime
    last: datetime
    """Of the events' times."""

    @property
    def rate(self) -> float:
        """The share of decisions with an alert."""
        return self.alerting / self.decisions if self.decisions else 0.0


def firing(client: Client, rule_id: str) -> list[Firing]:
    """The figures of each version of a rule, oldest first; empty where it was never looked at."""
    values: dict[str, Any] = {"rule": rule_id, "needle": f'"{rule_id}":'}
    applied = client.query(
        "SELECT JSONExtractUInt(payload, 'rules', {rule:String}) AS rule_version, count(), "
        "min(time), max(time) FROM decisions_current WHERE position(payload, {needle:String}) > 0 "
        "GROUP BY rule_version HAVING rule_version > 0 ORDER BY rule_version",
        values,
    )
    alerted = client.query(
        "SELECT rule_version, max(rule_status), uniqExact(decision_id), count() "
        "FROM alerts_current WHERE rule_id = {rule:String} GROUP BY rule_version",
        values,
    )
    alerts = {int(row[0]): row[1:] for row in alerted.result_rows}
    found = []
    for version, decisions, first, last in applied.result_rows:
        status, alerting, count = alerts.get(int(version), ("", 0, 0))
        found.append(
            Firing(
                int(version), str(status), int(decisions), int(alerting), int(count), first, last
            )
        )
    return found
