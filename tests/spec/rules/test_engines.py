"""The engines say the same of generated rules and events, to the last byte but their names.

Usually 1,000 examples; `--hypothesis-profile nightly` tries 20,000 others.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.decision import Decision, encode_record
from rules.authoring.shorthand import event_of
from rules.engine.engines import ENGINES, make_evaluator
from rules.errors import EngineError
from rules.model import Rule
from rules.pack import Pack
from spec.rules import test_reference as core
from spec.rules.examples import usual
from spec.rules.world import knowledge, make_rule

BASE = knowledge()


def missing_engine() -> str:
    for engine in ENGINES:
        try:
            make_evaluator(engine, Pack.of([]), BASE)
        except EngineError as e:
            return str(e)
    return ""


pytestmark = pytest.mark.skipif(bool(missing_engine()), reason=missing_engine() or "all engines")


def nameless(decision: Decision) -> bytes:
    """The decision without the name of the engine that made it."""
    basis = msgspec.structs.replace(decision.basis, engine="")
    return encode_record(msgspec.structs.replace(decision, basis=basis))


def check_agreement(rules: list[Rule], short: dict[str, Any]) -> None:
    pack, event = Pack.of(rules), event_of(short, BASE)
    decisions = [make_evaluator(e, pack, BASE, "demo").decide(event) for e in ENGINES]
    first = nameless(decisions[0])
    for decision in decisions[1:]:
        assert nameless(decision) == first
    why = {m.why for entry in decisions[0].not_evaluable for m in entry.missing}
    assert "rule_error" not in why


chosen = st.sampled_from
DAYS = ["2026-03-02T10:00+08:00", "2026-12-31T23:30+08:00", "2027-05-01T00:00+08:00"]
REPORTED = st.fixed_dictionaries(
    {
        "event": chosen(["prescription.signed"]),
        "at": chosen(DAYS),
        "items": st.lists(
            st.fixed_dictionaries(
                {
                    "drug": chosen(["D1", "D2", "D3", "D4", "H1"]),
                    "skin_test": chosen(["positive", "negative"]),
                    "days_supply": chosen([0, 3, 7, 8]),
                    "dose": chosen(["500 mg", "0.6 g", "50 mg"]),
                    "doses_per_day": chosen([1, 2]),
                    "trace_codes": chosen([[], ["a"]]),
                    "service_time": chosen(DAYS),
                }
            ),
            min_size=1,
            max_size=3,
        ),
        "patient": st.fixed_dictionaries(
            {
                "birth_date": chosen(["2008-03-02", "2012-02-29", "1950-01-01"]),
                "pregnant": st.booleans(),
                "allergies": st.lists(chosen(core.INGREDIENTS), max_size=3, unique=True),
                "conditions": st.lists(chosen(core.ICD[:6]), max_size=3, unique=True),
            }
        ),
        "encounter": st.fixed_dictionaries(
            {"kind": chosen(["outpatient", "emergency", "inpatient"]), "is_rescue": st.booleans()}
        ),
        "diagnoses": st.lists(chosen(core.ICD[:6]), max_size=3),
        "extended_days": chosen([0, 1, 7]),
    }
)
"""Events that report everything: rules come to an end on them more often than not."""
EVENTS = st.one_of(core.EVENTS, REPORTED, REPORTED)


@usual(500)
@given(core.rules(), EVENTS)
def test_the_engines_agree(made: list[dict[str, Any]], short: dict[str, Any]) -> None:
    check_agreement([make_rule(BASE, **rule) for rule in made], short)


@usual(150)
@given(core.rules(narrow=True), EVENTS)
def test_the_engines_agree_on_rules_that_share_their_facts(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    check_agreement([make_rule(BASE, **rule) for rule in made], short)


@usual(50)
@given(core.anchored_rules(), EVENTS)
def test_the_engines_agree_on_rules_that_are_looked_up(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    check_agreement([make_rule(BASE, **rule) for rule in made], short)


PAIR_TESTS = chosen(
    [
        {"pair.severity": {"in": ["contraindicated", "major"]}},
        {"pair.severity": {"is_not": "minor"}},
        {"pair.kind": {"is": "interaction"}},
        {"pair.context": {"in": ["prescription", "bag"]}},
        {"pair.partner": {"exists": True}},
        {"item.drug.kind": {"is": "western"}},
        {"item.drug.ingredients": {"any_in": {"codeset": "antimicrobials"}}},
        {"item.days_supply": {"above": {"parameter": "days.limit"}}},
        {"patient.age": {"below": {"parameter": "age.limit"}}},
        {"encounter.is_rescue": {"is": True}},
        {"not": {"pair.severity": {"is": "major"}}},
    ]
)
SEVERITY: dict[str, Any] = {
    "from": "pair.severity",
    "map": {"contraindicated": "critical", "major": "critical", "moderate": "warning",
            "minor": "info"},
}  # fmt: skip
BY_PHASE = chosen(
    [{}, {"during": {"severity": "critical"}},
     {"pre": {"action": "remind", "audience": ["insurer"]}},
     {"post": {"result": "violation", "key": ["patient.id"]},
      "during": {"message": {"zh": "事中", "en": "during"}}}]
)  # fmt: skip
RX = [
    "prescription.draft",
    "prescription.signed",
    "prescription.dispensed",
    "prescription.returned",
]


def finding(draw: Any, **more: Any) -> dict[str, Any]:
    return {
        "result": draw(chosen(["violation", "suspected", "reminder"])),
        "severity": draw(chosen(["critical", "warning", "info"])),
        "action": draw(chosen(["block", "require_reason", "remind"])),
        "audience": draw(chosen([["prescriber"], ["pharmacist", "department"]])),
        "message": {"zh": "有", "en": "found"},
        **{name: part for name, part in more.items() if part},
    }


@st.composite
def pair_rules(draw: Any) -> list[dict[str, Any]]:
    """Rules about pairs, with severities from the table and changes by phase."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        severity = {"severity": SEVERITY} if draw(st.booleans()) else {}
        rule: dict[str, Any] = {
            "id": f"spec.pair_{number}",
            "on": RX,
            "each": "item.interactions",
            "when": draw(PAIR_TESTS),
            "finding": finding(draw, by_phase=draw(BY_PHASE), **severity),
        }
        if draw(chosen([True, False, False])):
            rule["scope"] = draw(PAIR_TESTS)
        if draw(st.booleans()):
            rule["unless"] = draw(PAIR_TESTS)
        made.append(rule)
    return made


PAIR_ITEMS = st.fixed_dictionaries(
    {"drug": chosen(["D1", "D2", "D2", "D3", "D4", "H1", "W1", "F1", "urn:x|9"])},
    optional={
        "days_supply": chosen([3, 7, 8]),
        "infusion_group": chosen(["A", "A", "B", None]),
        "service_time": chosen([core.TIMES[0], "2026-03-12T10:00+08:00"]),
    },
)
PAIR_EVENTS = st.fixed_dictionaries(
    {
        "event": chosen(RX),
        "at": chosen(core.TIMES[:4]),
        "items": st.lists(PAIR_ITEMS, min_size=1, max_size=4),
        "patient": core.PATIENTS,
        "encounter": core.ENCOUNTERS,
    }
)


@usual(100)
@given(pair_rules(), PAIR_EVENTS)
def test_the_engines_agree_on_pairs(made: list[dict[str, Any]], short: dict[str, Any]) -> None:
    check_agreement([make_rule(BASE, **rule) for rule in made], short)


BILL = ["billing.charged", "billing.amended", "billing.refunded"]
MONEY_TESTS = chosen(
    [
        {"item.amount": {"above": {"parameter": "price.limit"}}},
        {"item.unit_price": {"at_least": {"parameter": "price.limit"}}},
        {"item.refunded": {"is": 0}},
        {"item.refunded": {"below": {"fact": "item.amount"}}},
        {"item.category": {"in": ["drug", "service"]}},
        {"item.code": {"in": {"codeset": "listed_items"}}},
        {"item.quantity": {"above": {"parameter": "stay.hours"}}},
        {"item.unit_price": {"exists": False}},
    ]
)
AMOUNTS = chosen([None, "whole", {"excess": "price", "over": {"parameter": "price.limit"}},
                  {"excess": "quantity", "over": {"parameter": "stay.hours"}}])  # fmt: skip


@st.composite
def money_rules(draw: Any) -> list[dict[str, Any]]:
    """Rules about charges, with the amounts that they are about."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        rule: dict[str, Any] = {
            "id": f"spec.money_{number}",
            "on": BILL,
            "each": "items",
            "when": draw(MONEY_TESTS),
            "finding": finding(
                draw, amount=draw(AMOUNTS), by_phase=draw(BY_PHASE.filter(lambda p: "pre" not in p))
            ),
        }
        if draw(st.booleans()):
            rule["scope"] = {"any": [draw(MONEY_TESTS), draw(MONEY_TESTS)]}
        if draw(st.booleans()):
            rule["unless"] = draw(MONEY_TESTS)
        made.append(rule)
    return made


CHARGES = st.fixed_dictionaries(
    {"item": chosen(["S1", "C1", "M1", "urn:x|9"]), "amount": chosen(["0.10", "100.50", "201.00"])},
    optional={
        "unit_price": chosen(["100.50", "100.51", "0.1", None]),
        "quantity": chosen(["2 h", "80 h", "4800 min", "1 box"]),
        "refunded": chosen(["0", "0.10"]),
        "fund_paid": chosen(["0.05", None]),
        "service_time": chosen(core.TIMES[:4]),
    },
)
CHARGE_EVENTS = st.fixed_dictionaries(
    {"event": chosen(BILL), "at": chosen(core.TIMES[:4]), "items": st.lists(CHARGES, max_size=3)}
)


@usual(100)
@given(money_rules(), CHARGE_EVENTS)
def test_the_engines_agree_on_money(made: list[dict[str, Any]], short: dict[str, Any]) -> None:
    check_agreement([make_rule(BASE, **rule) for rule in made], short)


@st.composite
def versioned_rules(draw: Any) -> list[dict[str, Any]]:
    """Rules with an older body, which change between two of the events' days."""
    newer = draw(core.rules())[:2]
    older = draw(core.rules())[: len(newer)]
    made = []
    for number, (now, then) in enumerate(zip(newer, older, strict=False)):
        changed = draw(chosen(["2026-12-31", "2027-01-01"]))
        body = {name: part for name, part in then.items() if name not in ("id", "effective")}
        body |= {
            "version": 1,
            "effective": {"from": "1990-01-01", "to": changed},
            "on": ["prescription.signed"],
            "evidence": [{"source": "law", "locator": "article 0"}],
        }
        body.setdefault("each", None)
        made.append(
            {
                **now,
                "id": f"spec.versioned_{number}",
                "version": 2,
                "effective": {"from": changed},
                "versions": [{k: v for k, v in body.items() if v is not None}],
            }
        )
    return made


@usual(100)
@given(versioned_rules(), EVENTS)
def test_the_engines_agree_on_versions(made: list[dict[str, Any]], short: dict[str, Any]) -> None:
    check_agreement([make_rule(BASE, **rule) for rule in made], short)
