"""Rates of rules: of what was answered, and of which something can be known."""

from __future__ import annotations

from typing import Any

import pytest

from rules.model import Rule
from rules.pack import Pack
from sinks.feedback import RuleFeedback
from spec.rules.world import knowledge, make_rule
from yijian.cli.feedback_cmd import figures_of

ZERO = dict.fromkeys(
    ("fired", "delivered", "suppressed", "gave_way", "answered", "accepted", "overridden",
     "false_positive", "in_appeal", "upheld", "withdrawn", "heeded", "kept", "unheard",
     "not_signed"), 0,
)  # fmt: skip


def figures(**counts: int) -> RuleFeedback:
    return RuleFeedback("spec.rule", 1, **{**ZERO, **counts})


def asked_of(*events: str) -> Rule:
    return make_rule(knowledge(), on=list(events))


def test_rates_are_of_answered_alerts_and_none_where_nobody_answered() -> None:
    nobody = figures(fired=9, delivered=9)
    assert (nobody.override_rate, nobody.false_positive_rate) == (None, None)
    some = figures(fired=9, delivered=9, answered=4, overridden=1, false_positive=2)
    assert (some.override_rate, some.false_positive_rate) == (0.25, 0.5)


def test_the_heed_rate_is_of_reminders_of_which_it_is_known() -> None:
    assert figures(unheard=3, not_signed=2).heed_rate is None
    assert figures(heeded=3, kept=1, unheard=3, not_signed=2).heed_rate == 0.75


@pytest.mark.parametrize(
    ("events", "rate"),
    [
        (["prescription.draft"], None),
        (["prescription.draft", "prescription.signed"], 0.5),
        (["prescription.signed"], 0.5),
    ],
)
def test_a_rule_that_is_asked_of_drafts_alone_has_no_heed_rate(
    events: list[str], rate: float | None
) -> None:
    found: dict[str, Any] = figures_of(figures(heeded=1, kept=1), Pack.of([asked_of(*events)]))
    assert (found["heeded"], found["heed_rate"]) == (1, rate)


def test_of_a_rule_that_is_not_there_any_more_the_tables_are_believed() -> None:
    assert figures_of(figures(heeded=1, kept=1), Pack.of([]))["heed_rate"] == 0.5
