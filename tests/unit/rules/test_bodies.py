"""Older bodies, amounts, suggestions and words of later: what the loader takes and refuses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rules.later import LATER
from rules.model import Rule
from spec.rules.world import make_rule, try_rule
from unit.rules.pair_world import FINDING, knowledge, pair_rule

BASE = knowledge()
FOUND = {"result": "violation", "severity": "warning", "action": "remind", "audience": ["insurer"],
         "message": {"zh": "有", "en": "found"}}  # fmt: skip
ON = ["billing.charged", "billing.refunded"]


def older(number: int, start: str, end: str | None, **parts: Any) -> dict[str, Any]:
    days = {"from": f"<{start}>", **({"to": f"<{end}>"} if end else {})}
    return {
        "version": number,
        "effective": days,
        "on": ["prescription.signed"],
        "when": {"event.item_count": {"above": 0}},
        "finding": FOUND,
        "evidence": [{"source": "law", "locator": "article 0"}],
        **parts,
    }


def versioned(*versions: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "effective": {"from": "<2020-01-01>"}, "versions": list(versions)}


def problem_of(**parts: Any) -> str:
    rule, problems = try_rule(BASE, **parts)
    assert rule is None
    assert len(problems) == 1, "\n".join(map(str, problems))
    assert problems[0].line >= 1
    return str(problems[0])


def test_bodies_stand_from_the_latest_days_to_the_earliest() -> None:
    first, second = older(1, "2010-01-01", "2015-01-01"), older(2, "2015-01-01", "2020-01-01")
    made = make_rule(BASE, **versioned(first, second))
    assert [body.version for body in made.bodies] == [3, 2, 1]
    assert made.versions[0].id == made.id
    body = made.on_day(date(2012, 5, 1))
    assert body is not None
    assert body.version == 1
    assert made.on_day(date(2009, 12, 31)) is None


def test_an_older_body_may_have_another_title_and_other_events() -> None:
    title = {"zh": "旧规则", "en": "old rule"}
    body = older(1, "2010-01-01", "2020-01-01", title=title, on=["order.signed"], each="items")
    made = make_rule(BASE, **versioned(body))
    (old,) = made.versions
    assert (old.title.en, old.on, old.each) == ("old rule", ("order.signed",), "items")
    assert (made.title.en, made.each) == ("rule", "")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (older(1, "2010-01-01", "2019-12-31"), "from 2019-12-31 on until 2020-01-01 no version"),
        (older(1, "2010-01-01", "2020-01-02"), "versions 1 and 3 overlap"),
        (older(1, "2010-01-01", None), "version 1 has no end"),
        (older(1, "2020-01-01", "2021-01-01"), "does not begin before version 3"),
        (older(3, "2010-01-01", "2020-01-01"), "two bodies are version 3"),
        (older(1, "2010-01-01", "2020-01-01", when=None), "an older version has no `when`"),
        (older(1, "2010-01-01", "2020-01-01", status="shadow"), "has no `status`"),
        (older(1, "2010-01-01", "2020-01-01", indicator="x"), "`indicator` is not built yet"),
        (
            older(1, "2010-01-01", "2020-01-01", when={"patient.aeg": {"is": 1}}),
            "there is no fact `patient.aeg`",
        ),
    ],
)
def test_days_of_a_rule_have_neither_gaps_nor_two_laws(body: dict[str, Any], said: str) -> None:
    body = {name: value for name, value in body.items() if value is not None}
    assert said in problem_of(**versioned(body))


def test_two_older_bodies_that_leave_a_gap_are_refused() -> None:
    first, second = older(1, "2010-01-01", "2014-01-01"), older(2, "2015-01-01", "2020-01-01")
    assert "no version governs" in problem_of(**versioned(first, second))


def test_a_rule_cannot_be_made_with_a_gap_either() -> None:
    made = make_rule(BASE, **versioned(older(1, "2010-01-01", "2020-01-01")))
    late = make_rule(BASE, **{**versioned(), "versions": None, "effective": {"from": "2021-01-01"}})
    with pytest.raises(ValueError, match="ends on the day"):
        Rule(**{**{f: getattr(late, f) for f in Rule.__slots__}, "versions": made.versions})


def charged(amount: Any, **parts: Any) -> dict[str, Any]:
    return {"on": ON, "each": "items", "finding": {**FOUND, "amount": amount}, **parts}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (charged("whole", on=["billing.charged"]), "a refund would not reduce the amount"),
        (charged("whole", on=["order.signed"]), "only charges have an amount"),
        (charged("half"), "expected whole, cheaper_of_pair or later_of_pair"),
        (charged("cheaper_of_pair"), "needs a pair"),
        (charged("whole", each="diagnoses"), "an element of diagnoses has no charge"),
        (charged({"excess": "quantity"}), "has no `over`"),
        (charged({"excess": "hours", "over": 1}), "expected quantity, days or price"),
        (
            charged({"excess": "quantity", "over": {"parameter": "own.hour"}}),
            "did you mean own.hours",
        ),
        (charged({"excess": "price", "over": {"parameter": "own.hours"}}), "hours"),
        (charged({"excess": "quantity", "over": 24}), "the number 24 stands in a rule"),
        (
            charged({"excess": "quantity", "over": {"parameter": "own.hours"}}, each=None),
            "an excess is of one line",
        ),
    ],
)
def test_an_amount_that_means_nothing_is_refused(parts: dict[str, Any], said: str) -> None:
    assert said in problem_of(**parts)


@pytest.mark.parametrize(
    ("suggest", "said"),
    [
        ({"remove": "item", "reduce": "item.dose"}, "one thing to do"),
        ({"to": {"parameter": "days.limit"}}, "one thing to do"),
        ({"remove": "partner"}, "only a pair has a partner"),
        ({"reduce": "item.days_suply"}, "did you mean item.days_supply"),
        ({"reduce": "item.days_supply", "to": {"parameter": "dose.limit"}}, "dose.limit"),
        ({"reduce": "item.days_supply", "with": {"codeset": "heart"}}, "`reduce` has no `with`"),
        ({"replace": "item", "with": {"codeset": "hart"}}, "did you mean heart"),
        ({"replace": "item.drug.ingredients", "with": {"codeset": "heart"}}, "codes of kind icd10"),
        ({"ask": "colleague", "zh": "问"}, "a label needs both languages"),
    ],
)
def test_a_suggestion_that_means_nothing_is_refused(suggest: dict[str, Any], said: str) -> None:
    parts = {"each": "items", "finding": {**FOUND, "suggest": [suggest]}}
    assert said in problem_of(**parts)


def test_a_map_of_severities_names_every_word_that_can_occur() -> None:
    severity = {"from": "pair.severity", "map": {"major": "warning"}}
    finding = {**FINDING, "severity": severity}
    made = pair_rule(scope={"pair.severity": {"is": "major"}}, finding=finding)
    assert made.finding.severity == "warning"
    _, problems = try_rule(
        BASE, each="item.interactions", when={"pair.id": {"exists": True}}, finding=finding
    )
    assert {"`map` has no `contraindicated`", "`map` has no `minor`"} <= {
        problem.message for problem in problems
    }


PLACES: dict[str, dict[str, Any]] = {
    "indicator": {"indicator": "x"},
    "state": {"when": {"state.active_drugs": {"any_in": ["x"]}}},
}


@pytest.mark.parametrize("entry", LATER)
def test_each_word_of_later_is_refused_with_its_own_reason_and_what_to_do(entry: Any) -> None:
    _, problems = try_rule(BASE, **PLACES[entry.word])
    said = [problem for problem in problems if entry.message in problem.message]
    assert len(said) == 1
    assert said[0].fix == entry.instead
    assert said[0].line == 1


def test_every_word_of_later_says_something_of_its_own() -> None:
    assert len({entry.message for entry in LATER}) == len({e.instead for e in LATER}) == len(LATER)


def test_a_rule_about_pairs_asks_for_their_context_by_itself() -> None:
    made = pair_rule(scope={"pair.table": {"is": "act_pairs"}})
    assert made.facts()[:2] == ("pair.table", "pair.in_context")
