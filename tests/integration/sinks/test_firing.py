"""How often a rule fires, from the decisions that are stored."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from contracts.decision import encode_record
from integration.sinks.filled_tables import Tables, _record
from integration.sinks.world import decision_of, event
from sinks.firing import firing
from sinks.rows import decision_rows

pytestmark = pytest.mark.integration


def decide(tables: Tables, n: int, offset: int, rules: Mapping[str, int], *found: str) -> None:
    decision = msgspec.structs.replace(decision_of(event(n), found), rules=dict(rules))
    tables.put(_record("decisions", offset, b"k", encode_record(decision)), decision_rows)


def test_the_rate_is_of_decisions_in_which_the_rule_applied(tables: Tables) -> None:
    for n in range(8):
        found = ["house.rule", "house.other"] if n < 2 else ["house.other"]
        decide(tables, n, n, {"house.rule": 1, "house.other": 3}, *found)
    decide(tables, 20, 20, {"house.other": 3}, "house.other")
    decide(tables, 21, 21, {"house.ruler": 1})
    (found,) = firing(tables.client, "house.rule")
    assert (found.version, found.status) == (1, "shadow")
    assert (found.decisions, found.alerting, found.alerts) == (8, 2, 2)
    assert found.rate == 0.25


def test_each_version_has_its_own_figures(tables: Tables) -> None:
    decide(tables, 1, 1, {"house.rule": 1}, "house.rule")
    decide(tables, 2, 2, {"house.rule": 2})
    first, second = firing(tables.client, "house.rule")
    assert (first.version, first.rate) == (1, 1.0)
    assert (second.version, second.rate, second.status) == (2, 0.0, "")


def test_a_decision_that_was_made_again_counts_once(tables: Tables) -> None:
    decide(tables, 1, 1, {"house.rule": 1}, "house.rule")
    decide(tables, 1, 5, {"house.rule": 1})
    (found,) = firing(tables.client, "house.rule")
    assert (found.decisions, found.alerting) == (1, 0)


def test_a_rule_that_was_never_looked_at_has_no_figures(tables: Tables) -> None:
    decide(tables, 1, 1, {"house.rule": 1})
    assert firing(tables.client, "house.none") == []
