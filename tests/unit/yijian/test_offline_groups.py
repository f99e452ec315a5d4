"""Offline evaluation remembers groups beside patients."""

from __future__ import annotations

import msgspec

from streams.supervision import Supervisor
from support import group_rules
from yijian.offline import evaluate


def test_a_line_is_decided_for_its_groups_as_well() -> None:
    evaluator = group_rules.evaluator()
    supervisor = Supervisor(evaluator, group_rules.attendants(evaluator), check_key=False)
    lines = [
        group_rules.signed(1, 1, "d1"),
        group_rules.signed(2, 2, "d1", "h2"),
        group_rules.signed(3, 3, "d2", "h2"),
    ]
    found = [msgspec.json.decode(answer.line) for answer in evaluate(lines, supervisor)]
    scoped = [(one["event"]["id"][-1], one["scope"], len(one["findings"])) for one in found]
    one, two = "group:practitioner.id=d1", "group:practitioner.id=d2"
    assert scoped == [
        ("1", "patient", 0), ("1", one, 0), ("2", "patient", 0), ("2", one, 1),
        ("3", "patient", 0), ("3", two, 0),
    ]  # fmt: skip
