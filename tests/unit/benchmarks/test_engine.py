"""The engine benchmark: equal seeds give equal workloads, and every engine finds the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.engine import table
from benchmarks.engine.cell import Found, measure
from benchmarks.engine.neutral import Firing, rows
from benchmarks.engine.peers import PEERS
from benchmarks.engine.wish import QUICK, Cell, Wish, parse
from benchmarks.engine.workload import Workload, generate
from benchmarks.errors import FiringsDiffer
from rules.model import Rule

VISITS = 60


@pytest.fixture(scope="module")
def workload() -> Workload:
    return generate(150, 2.0, VISITS, seed=5)


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def found_by(engine: str, workload: Workload) -> Sequence[set[Firing]]:
    return PEERS[engine].make(workload).found(VISITS, 60.0)


def test_equal_seeds_give_equal_workloads(workload: Workload) -> None:
    assert generate(150, 2.0, VISITS, seed=5) == workload
    assert generate(150, 2.0, VISITS, seed=6).visits != workload.visits


@pytest.mark.parametrize("size", [100, 700])
@pytest.mark.parametrize("firings", [0.2, 3.0])
def test_a_workload_has_the_rules_and_about_the_firings_that_were_asked_for(
    size: int, firings: float
) -> None:
    made = generate(size, firings, 300, seed=2)
    assert len(made.rules) == size
    assert len({rule.id for rule in made.rules}) == size
    assert made.firings == pytest.approx(firings, rel=0.3)


def test_every_topic_fires_somewhere() -> None:
    made = generate(400, 15.0, 1_000, seed=1)
    fired = {one.rule for answer in found_by_hand(made) for one in answer}
    assert {rule.topic for rule in made.rules if rule.id in fired} == {
        rule.topic for rule in made.rules
    }


def found_by_hand(workload: Workload) -> Sequence[set[Firing]]:
    return PEERS["hand"].make(workload).found(len(workload.visits), 60.0)


@pytest.mark.parametrize("engine", ["compiled", "conditions", "matching"])
def test_our_engine_finds_what_the_loop_by_hand_finds(engine: str, workload: Workload) -> None:
    assert found_by(engine, workload) == found_by_hand(workload)


def test_facts_are_put_into_memory_with_few_looks_at_each_rule(
    workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    facts_of = Rule.facts

    def counted(rule: Rule) -> Any:
        looks.append(rule.id)
        return facts_of(rule)

    monkeypatch.setattr(Rule, "facts", counted)
    PEERS["matching"].make(workload)
    assert 0 < len(looks) <= 4 * len(workload.rules)


@pytest.mark.skipif(not is_installed("zen"), reason="zen-engine is not installed")
def test_zen_finds_the_same(workload: Workload) -> None:
    assert found_by("zen", workload) == found_by_hand(workload)


def test_a_visit_has_a_fact_for_itself_each_line_and_each_diagnosis(workload: Workload) -> None:
    visit = workload.visits[0]
    names = [name for name, _ in rows(visit)]
    assert names == ["", *(line.id for line in visit.lines), *visit.diagnoses]


@pytest.mark.skipif(not is_installed("drools"), reason="drools_jpy is not installed")
def test_engines_in_processes_of_their_own_are_compared_and_timed() -> None:
    wish = Wish(
        engines=("compiled", "drools_jpy", "hand"),
        runs=1, seconds=0.05, warm_up_s=0.1, events=40,
    )  # fmt: skip
    found = measure(Cell(100, 1.0), wish, lambda line: None)
    assert not found.missing
    assert {one.compared for one in found.figures.values()} == {40}
    assert len({one.firings for one in found.figures.values()}) == 1
    assert all(one.events_per_s > 0 for one in found.figures.values())


def test_an_engine_that_differs_gives_no_figures() -> None:
    from benchmarks.engine.cell import check_equal

    one, other = {Firing("a", "1")}, {Firing("a", "2")}
    check_equal({"compiled": [one, one], "hand": [one]})
    with pytest.raises(FiringsDiffer, match="event 1: only hand"):
        check_equal({"hand": [one, other], "compiled": [one, one, one]})


def test_an_engine_that_is_asked_too_much_is_left_out() -> None:
    found = measure(Cell(9_000_000, 1.0), Wish(engines=("durable",)), lambda line: None)
    assert "at most" in found.missing["durable"]
    assert table.answer([found])["missing"]["9000000/1"] == found.missing


def test_ratios_are_named_after_what_they_compare() -> None:
    found = [Found(Cell(size, 1.0), {}, {}) for size in (100, 2_000)]
    assert table.answer(found)["ratios"] == {}


def test_an_unknown_engine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--engines", "clips"])
    assert "clips" in capsys.readouterr().err
    assert parse([]).cells[0] == Cell(100, 0.02)


def test_a_quick_look_takes_few_workloads_and_can_be_told_others() -> None:
    assert parse(["--quick"]) == QUICK
    assert len(parse(["--quick"]).cells) < len(parse([]).cells) / 3
    told = parse(["--quick", "--sizes", "10000", "--runs", "1"])
    assert (told.sizes, told.runs, told.seconds) == ((10_000,), 1, QUICK.seconds)
