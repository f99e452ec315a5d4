"""What a worker says of rules that look back further than is known."""

from __future__ import annotations

from rules.memory.coverage import Coverage
from rules.memory.horizon import Horizon
from rules.memory.instants import instant_of, us_of
from streams.supervision import Supervisor
from streams.waiting_rules import report, waiting_rules
from support.fake_attendant import FakeAttendant
from support.past import BASE, SITE, START, again, core_of, note
from support.streams_fakes import FakeEvaluator
from yijian.composition import supervisor_of

HOUR_US = 3_600_000_000
T0 = us_of(START)


def known(*families: str, at_h: int = 0, latest_h: int = 0) -> Coverage:
    coverage = Coverage()
    coverage.keep(Horizon.of((again(), note()), BASE))
    for family in families:
        coverage.hears("s", family, T0 + at_h * HOUR_US)
    coverage.passes(T0 + latest_h * HOUR_US)
    return coverage


def test_a_rule_waits_for_the_partition_that_knows_least() -> None:
    supervisor = supervisor_of(SITE, core_of(again(), note()))
    coverages = [
        (0, known("prescription", "document")),
        (1, known("prescription", "document", at_h=5)),
        (2, known("prescription", "document", latest_h=100)),
    ]
    (one,) = waiting_rules(supervisor, coverages)
    assert (one.rule, one.families, one.partitions) == ("spec.again", ("prescription",), (0, 1))
    assert one.until_us == T0 + (5 + 72) * HOUR_US


def test_a_rule_that_nobody_knows_an_end_for_comes_first_and_says_so() -> None:
    supervisor = supervisor_of(SITE, core_of(again(), note()))
    found = waiting_rules(supervisor, [(0, known("prescription")), (1, Coverage())])
    told = report(found)
    assert told["count"] == 2
    assert [(one["rule"], one["until"]) for one in told["rules"]] == [
        ("spec.again", None), ("spec.note", None),
    ]  # fmt: skip
    (first, *_) = waiting_rules(supervisor, [(0, known("prescription", "document"))])
    assert first.until_us is not None
    told = report([first])
    assert told["rules"][0]["until"] == instant_of(first.until_us).isoformat()


def test_where_nothing_is_remembered_no_rule_waits() -> None:
    assert waiting_rules(Supervisor(FakeEvaluator()), [(0, Coverage())]) == []
    assert waiting_rules(Supervisor(FakeEvaluator(), FakeAttendant()), [(0, Coverage())]) == []
