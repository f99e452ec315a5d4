"""How rules do: what they found, whom they told, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class RuleFeedback:
    """One version of a rule, by its current alerts."""

    rule_id: str
    rule_version: int
    fired: int
    delivered: int
    """Told to their audience; a shadow rule tells nobody."""
    suppressed: int
    """Left out, because the same was told before."""
    gave_way: int
    """Alerts that another one on the same element stands for."""
    answered: int
    accepted: int
    overridden: int
    false_positive: int
    in_appeal: int
    upheld: int
    """Appeals after which the alert stands, wholly or in part."""
    withdrawn: int
    heeded: int
    """Reminders about drafts after which the act went on without the finding."""
    kept: int
    """The same with the finding."""
    unheard: int
    """The same, where the rule could not be decided about the act as it went on."""
    not_signed: int
    """Reminders about drafts that never went on."""

    @property
    def override_rate(self) -> float | None:
        """The share of answered alerts that were overridden; None where nobody answered."""
        return _share(self.overridden, self.answered)

    @property
    def false_positive_rate(self) -> float | None:
        """The share of answered alerts that were marked as false."""
        return _share(self.false_positive, self.answered)

    @property
    def heed_rate(self) -> float | None:
        """The share of reminders that were heeded, of those of which it is known."""
        return _share(self.heeded, self.heeded + self.kept)


@dataclass(frozen=True)
class Quality:
    """One kind of oddity about answers, and how many answers have it."""

    problem: str
    """`unknown_alert`, `withdrawn_alert`, `unknown_response`, `unknown_reason`, `no_reason`,
    `unknown_outcome` or `no_outcome`."""
    answers: int
    example: str
    """The key of one such event: source and id."""


@dataclass(frozen=True)
class ReasonCount:
    """How often alerts of a rule were overridden for a reason; "" where none was given."""

    reason: str
    alerts: int


_COLUMNS: Final = (
    "rule_id", "rule_version", "fired", "delivered", "suppressed", "gave_way", "answered",
    "accepted", "overridden", "false_positive", "in_appeal", "upheld", "withdrawn", "heeded",
    "kept", "unheard", "not_signed",
)  # fmt: skip


def rule_feedback(client: Client, rule_id: str = "") -> list[RuleFeedback]:
    """The figures of each version of a rule, or of all rules, by id and version."""
    found = client.query(
        f"SELECT {', '.join(_COLUMNS)} FROM rule_feedback "
        "WHERE {rule:String} = '' OR rule_id = {rule:String} ORDER BY rule_id, rule_version",
        {"rule": rule_id},
    )
    return [RuleFeedback(str(row[0]), *(int(n) for n in row[1:])) for row in found.result_rows]


def reasons(client: Client, rule_id: str = "") -> list[ReasonCount]:
    """Why alerts were overridden, the most frequent reason first."""
    found = client.query(
        "SELECT reason, count() AS n FROM alert_states WHERE response = 'overridden' "
        "AND ({rule:String} = '' OR rule_id = {rule:String}) "
        "GROUP BY reason ORDER BY n DESC, reason",
        {"rule": rule_id},
    )
    return [ReasonCount(str(reason), int(n)) for reason, n in found.result_rows]


def quality(client: Client) -> list[Quality]:
    """What is odd about the answers of all rules, the most frequent first."""
    found = client.query(
        "SELECT arrayJoin(problems) AS problem, count() AS n, min(concat(source, ' ', id)) "
        "FROM feedback_quality GROUP BY problem ORDER BY n DESC, problem"
    )
    return [
        Quality(str(problem), int(n), str(example)) for problem, n, example in found.result_rows
    ]


def sync_reasons(client: Client, rows: Iterable[tuple[str, str, str, str, str]]) -> int:
    """Tell the tables which reasons are known: (system, code, group, zh, en). How many were new."""
    known = {
        tuple(row[:5]): int(row[5])
        for row in client.query(
            "SELECT system, code, argMax(group, version), argMax(zh, version), "
            "argMax(en, version), max(version) FROM override_reasons GROUP BY system, code"
        ).result_rows
    }
    version = max(known.values(), default=0) + 1
    new: list[list[Any]] = [[*row, version] for row in rows if tuple(row) not in known]
    if new:
        columns = ["system", "code", "group", "zh", "en", "version"]
        client.insert("override_reasons", new, column_names=columns)
    return len(new)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
