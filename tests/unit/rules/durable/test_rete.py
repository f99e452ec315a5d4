"""The traps of durable_rules that the adapter avoids: wrong answers, endless loops, crashes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from rules.durable import rete
from rules.durable.rete import Literal, Ruleset

ONE = Literal("a", "", 1)


def test_every_conjunction_that_holds_is_named_not_only_one() -> None:
    rules = {f"r{n}": (Literal("a", "$gt", n),) for n in range(5)}
    assert Ruleset(rules).fired({"a": 3}) == {"r0", "r1", "r2"}


def test_no_match_is_an_answer_and_the_next_fact_is_asked_afresh() -> None:
    ruleset = Ruleset({"r": (ONE,)})
    assert [ruleset.fired({"a": n}) for n in (0, 1, 0, 1, 1)] == [set(), {"r"}, set(), {"r"}, {"r"}]


@pytest.mark.parametrize("operator", ["", "$neq", "$lt", "$lte", "$gt", "$gte"])
def test_a_property_that_is_left_out_makes_every_operator_false(operator: str) -> None:
    assert Ruleset({"r": (Literal("a", operator, 1),)}).fired({"b": 1}) == set()


def test_integers_of_62_bits_are_compared_exactly() -> None:
    big = 2**61
    ruleset = Ruleset({"less": (Literal("a", "$lt", big),), "same": (Literal("a", "", big),)})
    assert ruleset.fired({"a": big - 1}) == {"less"}
    assert ruleset.fired({"a": big}) == {"same"}
    assert ruleset.fired({"a": -big}) == {"less"}


def test_true_and_false_are_no_numbers_of_the_rules() -> None:
    ruleset = Ruleset({"yes": (Literal("a", "", True),), "no": (Literal("a", "", False),)})
    assert (ruleset.fired({"a": True}), ruleset.fired({"a": False})) == ({"yes"}, {"no"})


def test_many_conditions_that_hold_at_once_are_all_reported() -> None:
    rules = {f"r{n}": (Literal(f"p{n}", "", True),) for n in range(60)}
    assert len(Ruleset(rules).fired({f"p{n}": True for n in range(60)})) == 60


def test_an_error_leaves_nothing_behind_that_answers_for_the_next_fact() -> None:
    rules = {f"r{n}": (Literal(f"p{n}", "", True),) for n in range(66)}
    ruleset = Ruleset(rules)
    with pytest.raises(Exception, match="303"):  # more than 64 at once: the trap itself
        ruleset.fired({f"p{n}": True for n in range(66)})
    assert ruleset.fired({"p3": True}) == {"r3"}


def test_no_threads_are_started() -> None:
    before = threading.active_count()
    Ruleset({"r": (ONE,)}).fired({"a": 1})
    assert threading.active_count() == before


def test_many_facts_in_one_session_use_no_more_memory() -> None:
    # In a process of its own: more than 1,024 sessions end it, and its memory is its own.
    code = (
        "import resource, sys\n"
        "from rules.durable.rete import Literal, Ruleset\n"
        "r = Ruleset({'r': (Literal('a', '$gt', 1),)})\n"
        "for n in range(2000): r.fired({'a': n})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for n in range(20000): r.fired({'a': n})\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2_000  # KB


def test_rulesets_that_nobody_holds_are_given_back() -> None:
    code = (
        "import gc, resource\n"
        "from rules.durable.rete import Literal, Ruleset\n"
        "def use(n):\n"
        "    for m in range(n): Ruleset({'r': (Literal('a', '', m),)}).fired({'a': m})\n"
        "use(200); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "use(2000); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20_000  # KB; 2,000 rulesets held would be 280,000


def test_a_machine_without_durable_rules_gets_one_clear_line() -> None:
    code = (
        "import sys; sys.modules['durable_rules_engine'] = None\n"
        "from rules.engine.engines import make_evaluator\n"
        "from rules.errors import EngineError\n"
        "try: make_evaluator('durable', None, None)\n"
        "except EngineError as e: print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "durable_rules is not installed" in done.stdout
    assert "C compiler" in done.stdout
    assert "YIJIAN_RULES_ENGINE" in done.stdout
    assert done.stdout.count("\n") == 1


def test_definitions_are_plain_ascii_json() -> None:
    literal = Literal("p1", "$lt", -5)
    assert json.dumps(literal.definition()) == '{"$lt": {"p1": -5}}'


def test_more_rulesets_than_memory_allows_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rete, "MAX_OPEN_KB", 1_000)
    held = [Ruleset({"r": (Literal("a", "", n),)}) for n in range(30)]
    for _ in range(2):
        assert all(ruleset.fired({"a": n}) == {"r"} for n, ruleset in enumerate(held))
    assert len(rete._open) <= 7
