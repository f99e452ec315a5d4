"""The verifier finds what was falsified, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

import msgspec
import pytest

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

import knowledge_base
from contracts.decision import Coverage, Decision, Reader, Retraction, encode_record
from contracts.intake import Accepted, decode
from knowledge_base.strict_yaml import Problem
from rules import Evaluator, language
from rules.authoring.shorthand import event_of
from rules.durable import Durable
from rules.pack import PACKS, Pack, load_pack
from simulation.simulator import Simulator
from spec.rules.world import knowledge, make_rule
from yijian.verify.model import COVERAGE, Check
from yijian.verify.recheck import Rechecker

KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths(demo=True))
SHIPPED = load_pack([PACKS], KNOWLEDGE)
PACK = Pack.of([rule for rule in SHIPPED.rules if not rule.needs_memory])
"""Rules that look back or wait ask a memory, which a decision alone does not hold."""
EVALUATOR = Evaluator(PACK, KNOWLEDGE)
VERIFIER = Rechecker(EVALUATOR, Durable(KNOWLEDGE))
BASE = knowledge()
change = msgspec.structs.replace
read = Reader(Decision)


@cache
def day() -> tuple[Decision, ...]:
    """Decisions of a simulated day, as a reader of the topic gets them."""
    found = []
    for made in Simulator(KNOWLEDGE, 11, 100, date(2026, 3, 2), fault_rate=0.5).events(600):
        taken = decode(made.bytes, check_key=False)
        assert isinstance(taken, Accepted)
        found.append(read(encode_record(EVALUATOR.decide(taken.event))))
    return tuple(found)


def moved(c: Coverage, one: str, other: str) -> Coverage:
    return change(c, **{one: getattr(c, one) - 1, other: getattr(c, other) + 1})


def without_finding(d: Decision) -> Decision | None:
    if not d.findings:
        return None
    return change(d, findings=d.findings[1:], coverage=moved(d.coverage, "alerts", "silent"))


def other_element(d: Decision) -> Decision | None:
    if not d.findings:
        return None
    return change(d, findings=(change(d.findings[0], element="99"), *d.findings[1:]))


def other_version(d: Decision) -> Decision | None:
    if not d.findings:
        return None
    return change(d, findings=(change(d.findings[0], rule_version=9), *d.findings[1:]))


def exempt_for_silent(d: Decision) -> Decision | None:
    return change(d, coverage=moved(d.coverage, "silent", "exempt")) if d.coverage.silent else None


def evaluable(d: Decision) -> Decision | None:
    if not d.not_evaluable:
        return None
    counted = moved(d.coverage, "not_evaluable", "silent")
    return change(d, not_evaluable=d.not_evaluable[1:], coverage=counted)


def without_rule(d: Decision) -> Decision | None:
    return change(d, rules=dict(list(d.rules.items())[1:])) if d.rules else None


def with_rule(d: Decision) -> Decision | None:
    other = next((r.id for r in PACK.rules if r.id not in d.rules), None)
    return change(d, rules={**d.rules, other: 1}) if other is not None else None


FALSIFIED: tuple[Callable[[Decision], Decision | None], ...] = (
    without_finding, other_element, other_version, exempt_for_silent, evaluable, without_rule,
    with_rule,
)  # fmt: skip


def test_decisions_of_the_compiled_engine_are_confirmed() -> None:
    checks = [VERIFIER.check(decision) for decision in day()]
    assert {check.result for check in checks} == {"agreed"}
    assert {reason for check in checks for reason in check.unchecked} <= {"pairs_not_recorded"}
    pairs = sum(tally.agreed for check in checks for tally in check.rules.values())
    assert pairs > 2_000


@pytest.mark.parametrize("falsify", FALSIFIED, ids=lambda f: f.__name__)
def test_a_falsified_decision_is_always_found(
    falsify: Callable[[Decision], Decision | None],
) -> None:
    planted = [wrong for decision in day() if (wrong := falsify(decision)) is not None]
    assert planted
    for decision in planted:
        assert VERIFIER.check(decision).result == "disagreed"


def levofloxacin(age: str) -> Decision:
    base = {"event": "prescription.signed", "patient": {"age": age}}
    event = event_of({**base, "items": [{"drug": "levofloxacin", "route": "oral"}]}, KNOWLEDGE)
    return read(encode_record(EVALUATOR.decide(event)))


def test_a_disagreement_names_rule_element_record_and_finding_but_no_person() -> None:
    decision = levofloxacin("12 a")
    wrong = without_finding(decision)
    assert wrong is not None
    check = VERIFIER.check(wrong)
    (one,) = check.disagreements
    assert (one.rule, one.element) == ("medication_safety.fluoroquinolone_minor", "1")
    assert (one.recorded, one.found) == ("silent, exempt or not applicable", "alert")
    assert decision.subject not in repr(check)


def test_an_outcome_that_does_not_follow_from_the_recorded_facts_is_found() -> None:
    decision = levofloxacin("30 a")
    assert VERIFIER.check(decision).result == "agreed"
    wrong = change(decision, facts={**decision.facts, "patient.age": 12})
    (one,) = VERIFIER.check(wrong).disagreements
    # `unless` was not read for an adult, so that its exemption is open now.
    assert (one.rule, one.found) == ("medication_safety.fluoroquinolone_minor", "unverified")


def test_counts_that_no_pair_explains_are_told_under_their_own_name() -> None:
    decision = next(d for d in day() if d.coverage.silent)
    wrong = exempt_for_silent(decision)
    assert wrong is not None
    (one,) = VERIFIER.check(wrong).disagreements
    assert one.rule == COVERAGE
    assert one.recorded.startswith("silent ")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (lambda d: change(d, basis=change(d.basis, pack="0")), "other_pack"),
        (lambda d: change(d, basis=change(d.basis, knowledge="0")), "other_knowledge"),
        (lambda d: change(d, cut="too_large"), "cut"),
        (lambda d: change(d, cause="timer"), "other_cause"),
        (lambda d: change(d, scope="group:x"), "other_scope"),
        (lambda d: change(d, cause="late"), "other_lateness"),
        (lambda d: change(d, retracted=Retraction(why="in_time")), "retracted"),
        (lambda d: change(d, event=change(d.event, type="x.y.v1")), "other_type"),
        (lambda d: change(d, as_of="yesterday"), "unreadable"),
    ],
)
def test_what_it_cannot_judge_is_skipped_and_never_an_agreement(
    other: Callable[[Decision], Decision], reason: str
) -> None:
    check = VERIFIER.check(other(day()[0]))
    assert (check.result, check.reason, check.rules) == ("skipped", reason, {})


def rows() -> Iterator[language.Row]:
    for table in language.tables():
        yield from (row for row in table.rows if row.outcome != "refused")


@pytest.mark.slow
def test_every_row_of_the_language_tables_is_confirmed_or_left_open() -> None:
    checks: list[Check] = []
    for row in rows():
        problems: list[Problem] = []
        rule = language.rule_of_row(row, BASE, problems)
        assert rule is not None
        evaluator = Evaluator(Pack.of([rule]), BASE)
        decision = evaluator.decide(language.event_of_row(row, BASE))
        check = Rechecker(evaluator, Durable(BASE)).check(read(encode_record(decision)))
        assert check.result == "agreed", (row.table, row.name, check.disagreements)
        checks.append(check)
    confirmed = sum(t.agreed for c in checks for t in c.rules.values())
    left_open = sum(t.skipped for c in checks for t in c.rules.values())
    assert left_open < confirmed / 5


def test_an_item_of_another_date_is_judged_by_the_rules_of_that_date() -> None:
    rule = make_rule(
        BASE,
        each="items",
        effective={"from": "<2027-01-01>"},
        when={"item.drug": {"exists": True}},
    )
    evaluator = Evaluator(Pack.of([rule]), BASE)
    lines = [{"code": "S1"}, {"code": "S1", "service_time": "2027-02-01T10:00+08:00"}]
    short = {"event": "order.signed", "at": "2026-12-01T10:00+08:00", "items": lines}
    decision = read(encode_record(evaluator.decide(event_of(short, BASE))))
    check = Rechecker(evaluator, Durable(BASE)).check(decision)
    assert check.result == "agreed"
    assert "item_of_unknown_day" not in check.unchecked


def test_a_rule_that_durable_rules_cannot_hold_is_left_out_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rules.durable.program.MAX_CONDITIONS", 2)
    checks = [Rechecker(EVALUATOR, Durable(KNOWLEDGE)).check(d) for d in day()[:50]]
    assert "disagreed" not in {check.result for check in checks}
    assert sum(check.unchecked.get("over_limits", 0) for check in checks) > 0
    left_out = {name for c in checks for name, tally in c.rules.items() if tally.skipped}
    assert left_out
