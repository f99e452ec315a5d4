"""Elements of an act are told apart, whatever their source calls them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from contracts.acts import Result
from contracts.event import Event
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.naming import distinct
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
NAMES = st.one_of(st.sampled_from([None, UNSET, "", "1", "2", "#1", "#2", "1#2", "1#3", "#1#2"]))


@given(st.lists(NAMES, max_size=8))
def test_names_are_distinct_and_a_given_one_stays_with_its_first_element(names: list[Any]) -> None:
    found = distinct(names)
    assert len(set(found)) == len(found) == len(names)
    for place, name in enumerate(names):
        if isinstance(name, str) and name and name not in names[:place]:
            assert found[place] == name
        assert isinstance(found[place], str)
        assert found[place]
    assert distinct(names) == found


def test_a_nameless_element_is_named_by_its_place_and_a_repeated_one_is_numbered() -> None:
    assert distinct(["a", UNSET, "a", None, "a"]) == ["a", "#2", "a#2", "#4", "a#3"]


def results(*lines: Any) -> Event:
    items = [{"code": "urn:lab|K", "critical": True} for _ in lines]
    event = event_of({"event": "result.reported", "items": items}, BASE)
    assert isinstance(event.data, Result)
    named = tuple(replace(item, line_id=n) for item, n in zip(event.data.items, lines, strict=True))
    return replace(event, data=replace(event.data, items=named))


def test_two_critical_results_without_a_line_id_are_two_alerts() -> None:
    critical = {"item.critical": {"is": True}}
    rule = make_rule(BASE, on=["result.reported"], each="items", when=critical)
    event = results(UNSET, None, "7")
    for _ in range(2):
        decision = Evaluator(Pack.of([rule]), BASE).decide(event)
        assert [finding.element for finding in decision.findings] == ["#1", "#2", "7"]
        assert len({finding.alert_id for finding in decision.findings}) == 3
        assert set(decision.elements) == {"#1", "#2", "7"}
    (finding,) = Evaluator(Pack.of([rule]), BASE).decide(results(UNSET)).findings
    assert finding.element == "#1"


def test_an_item_and_a_diagnosis_of_one_name_both_record_their_facts() -> None:
    rules = [
        make_rule(BASE, id="spec.a", each="items", when={"item.days_supply": {"above": 0}}),
        make_rule(BASE, id="spec.b", each="diagnoses", when={"diagnosis.code": {"is": "I10"}}),
    ]
    short = {
        "event": "prescription.signed",
        "diagnoses": [{"code": "I10", "line_id": "1"}],
        "items": [{"drug": "D1", "days_supply": 3}],
    }
    decision = Evaluator(Pack.of(rules), BASE).decide(event_of(short, BASE))
    assert decision.elements == {"1": {"item.days_supply": 3, "diagnosis.code": "I10"}}
