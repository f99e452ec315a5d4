"""The compiled engine and the naive reference say the same of generated rules and events."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.decision import Decision, encode_record
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from spec.rules import reference
from spec.rules.examples import usual
from spec.rules.world import PROMISING, knowledge, make_rule

BASE = knowledge()
OUT = "not_reported"
INGREDIENTS = ["amoxicillin", "levofloxacin", "ginseng", "clavulanic-acid", "other"]
ICD = ["O80.1", "O26", "Z34.01", "I10", "J18.9", "E11.9", "感冒", "urn:tcm|I10.01"]
TIMES = ["2026-03-02T10:00+08:00", "2026-12-31T23:30+08:00", "2026-12-31T16:30+00:00",
         "2027-05-01T00:00+08:00", "2030-01-01T00:10+08:00", "1999-06-01T08:00+08:00"]  # fmt: skip

reported = st.sampled_from


def listing(values: list[str]) -> Any:
    some = st.lists(st.sampled_from(values), max_size=3, unique=True)
    return st.one_of(
        reported([OUT, None, "none_known"]), some, st.builds(lambda v: {"partial": v}, some)
    )


PATIENTS = st.one_of(
    st.just(OUT),
    st.fixed_dictionaries(
        {},
        optional={
            "birth_date": reported(["2008-03-02", "2008-03-03", "2012-02-29", "1950-01-01",
                                    "2031-01-01", None]),
            "pregnant": reported([True, False, None]),
            "allergies": listing(INGREDIENTS),
            "conditions": listing(ICD),
        },
    ),
)  # fmt: skip
ENCOUNTERS = st.one_of(
    st.just(OUT),
    st.fixed_dictionaries(
        {},
        optional={
            "kind": reported(["outpatient", "emergency", "inpatient", "elsewhere", None]),
            "is_rescue": reported([True, False, None]),
        },
    ),
)
ITEMS = st.fixed_dictionaries(
    {"drug": reported(["D1", "D2", "D3", "H1", "urn:x|9", "urn:yijian:demo:drug|D9"])},
    optional={
        "skin_test": reported(["positive", "negative", "阳性", "", None]),
        "days_supply": reported([0, 3, 7, 8, None]),
        "dose": reported(["500 mg", "0.6 g", "50 mg", "2 mL", None]),
        "trace_codes": reported([[], ["a"], None]),
        "service_time": reported(TIMES),
    },
)
EVENTS = st.fixed_dictionaries(
    {
        "event": reported(["prescription.signed"]),
        "at": reported(TIMES),
        "items": st.lists(ITEMS, max_size=3),
        "patient": PATIENTS,
        "encounter": ENCOUNTERS,
    },
    optional={
        "diagnoses": st.one_of(reported([None, OUT]), st.lists(st.sampled_from(ICD), max_size=3)),
        "extended_days": reported([0, 7, None]),
        "service_time": reported(TIMES),
        "source": reported([PROMISING]),
    },
)

TEXTS: Any = {
    "encounter.kind": (["outpatient", "emergency", "inpatient"], None),
    "item.drug.kind": (["western", "patent", "herbal"], None),
    "item.drug": (["urn:yijian:demo:drug|D1", "urn:x|9"], "listed_drugs"),
    "item.skin_test": (["positive", "negative"], None),
    "diagnosis.code": (["I10", "O80.1", "J18.9"], "pregnancy"),
}
LISTS: Any = {
    "patient.allergies": (INGREDIENTS, ["penicillins", "quinolones", "future_ingredients"]),
    "item.drug.ingredients": (INGREDIENTS, ["penicillins", "quinolones", "future_ingredients"]),
    "patient.conditions": (["I10", "J18.9"], ["pregnancy", "heart"]),
    "event.diagnoses": (["I10", "J18.9"], ["pregnancy", "heart"]),
    "item.trace_codes": (["a"], ["vague"]),
}
NUMBERS: Any = {
    "patient.age": [{"parameter": "age.limit"}, {"parameter": "age.low"}, 1],
    "event.item_count": [{"parameter": "count.limit"}, 0, 1],
    "item.days_supply": [
        {"parameter": "days.limit"},
        {"parameter": "future.days"},
        {"parameter": "days.by_kind", "by": ["encounter.kind"]},
        {"parameter": "days.by_rescue", "by": ["encounter.is_rescue"]},
        {"fact": "event.extended_days"},
        0,
    ],
    "event.extended_days": [{"parameter": "days.limit"}, 0],
    "item.dose": [{"parameter": "dose.limit"}, {"parameter": "dose.low"}],
    "event.service_date": ["<2027-01-01>", "<2026-03-02>"],
}
BOOLEANS = ["patient.pregnant", "encounter.is_rescue"]
ORDER = ["below", "at_most", "above", "at_least"]


NARROW = {"encounter.kind", "patient.allergies", "event.extended_days", "item.drug.ingredients"}
"""Few facts, so that several rules and branches read the same one."""


def conditions(each: str, narrow: bool = False) -> Any:
    def here(name: str) -> bool:
        prefix = name.split(".")[0]
        return (
            prefix not in ("item", "diagnosis")
            or {"item": "items", "diagnosis": "diagnoses"}[prefix] == each
        )

    def chosen(table: Any) -> list[str]:
        return [name for name in table if here(name) and (not narrow or name in NARROW)]

    texts, lists, numbers = chosen(TEXTS), chosen(LISTS), chosen(NUMBERS)

    def text(name: str) -> Any:
        words, codeset = TEXTS[name]
        one = st.sampled_from(words)
        options = [
            st.builds(lambda op, v: {name: {op: v}}, reported(["is", "is_not"]), one),
            st.builds(
                lambda op, v: {name: {op: v}},
                reported(["in", "not_in"]),
                st.lists(one, min_size=1, max_size=2, unique=True),
            ),
        ]
        if codeset:
            options.append(
                st.builds(lambda op: {name: {op: {"codeset": codeset}}}, reported(["in", "not_in"]))
            )
        return st.one_of(options)

    def listed(name: str) -> Any:
        words, codesets = LISTS[name]
        operator = reported(["any_in", "none_in", "all_in"])
        operands: list[Any] = [
            st.lists(st.sampled_from(words), min_size=1, max_size=2, unique=True)
        ]
        operands.append(st.sampled_from(codesets).map(lambda c: {"codeset": c}))
        if name == "item.drug.ingredients":
            operands.append(st.just({"fact": "patient.allergies"}))
        return st.builds(lambda op, v: {name: {op: v}}, operator, st.one_of(operands))

    def number(name: str) -> Any:
        operand = st.sampled_from(NUMBERS[name])
        operators = [*ORDER] if name == "item.dose" else [*ORDER, "is", "is_not"]
        one = st.builds(lambda op, v: {name: {op: v}}, st.sampled_from(operators), operand)
        two = st.builds(lambda a, b: {name: {"between": [a, b]}}, operand, operand)
        return st.one_of(one, two)

    def boolean(name: str) -> Any:
        others = [{"fact": other} for other in BOOLEANS if other != name]
        operand = st.sampled_from([True, False, *others])
        return st.builds(lambda op, v: {name: {op: v}}, reported(["is", "is_not"]), operand)

    existing = st.builds(
        lambda name, value: {name: {"exists": value}},
        st.sampled_from([*texts, *lists, *numbers, *BOOLEANS]),
        st.booleans(),
    )
    leaves = [
        st.sampled_from(texts).flatmap(text),
        st.sampled_from(lists).flatmap(listed),
        st.sampled_from(numbers).flatmap(number),
        existing,
        st.sampled_from(BOOLEANS).flatmap(boolean),
    ]
    if each not in ("", "items", "diagnoses"):
        value = st.builds(
            lambda op, v: {"element.value": {op: v}},
            reported(["in", "not_in"]),
            reported(ELEMENTS[each]),
        )
        leaves.append(value)
    return st.recursive(
        st.one_of(leaves),
        lambda inner: st.one_of(
            st.builds(lambda v: {"all": v}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda v: {"any": v}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda v: {"not": v}, inner),
        ),
        max_leaves=6 if narrow else 4,
    )


ELEMENTS = {
    "patient.allergies": [["amoxicillin", "morphine"], ["levofloxacin"]],
    "event.diagnoses": [["I10", "J18.9"], ["E11.9"]],
}
"""What elements of the lists are compared with: codes of their kind."""
TREES = {
    (each, narrow): conditions(each, narrow)
    for each in ("", "items", "diagnoses", "patient.allergies", "event.diagnoses")
    for narrow in (False, True)
}


@st.composite
def rules(draw: Any, narrow: bool = False) -> list[dict[str, Any]]:
    made = []
    lists = ["", "items", "items", "diagnoses", "patient.allergies", "event.diagnoses"]
    common = draw(reported(["", "items"]))
    for number in range(draw(st.integers(2 if narrow else 1, 5))):
        each = common if narrow else draw(reported(lists))
        tree = TREES[each, narrow]
        rule: dict[str, Any] = {
            "id": f"spec.rule_{number}",
            "effective": draw(
                reported([{"from": "1990-01-01"}, {"from": "2026-12-31"},
                          {"from": "1990-01-01", "to": "2027-01-01"}])
            ),
            "when": draw(tree),
            "finding": {
                "result": draw(reported(["violation", "suspected", "reminder"])),
                "severity": "warning",
                "action": draw(reported(["block", "require_reason", "remind"])),
                "audience": ["prescriber"],
                "message": {"zh": "有", "en": "found"},
            },
        }  # fmt: skip
        if each:
            rule["each"] = each
        if draw(st.booleans()):
            rule["scope"] = {
                name: value for part in draw(st.lists(tree, min_size=1, max_size=2))
                for name, value in part.items()
            }  # fmt: skip
        if draw(st.booleans()):
            rule["unless"] = draw(tree)
        made.append(rule)
    return made


ANCHORED: Any = {
    "diagnosis.code": ("diagnoses", ["J18.9", "I10", "E11", "Z34.01"], ["heart", "pregnancy"]),
    "event.diagnoses": ("", ["J18.9", "I10", "E11", "Z34.01"], ["heart", "pregnancy"]),
    "item.drug": ("items", ["urn:yijian:demo:drug|D1", "urn:x|9"], ["listed_drugs"]),
}
"""A fact with what its rules stand under: whole codes and code sets, mixed."""


@st.composite
def anchored_rules(draw: Any) -> list[dict[str, Any]]:
    """Several rules that ask the same fact in their scopes, each in its own way."""
    name = draw(reported([*ANCHORED]))
    each, codes, codesets = ANCHORED[name]
    some = "any_in" if name == "event.diagnoses" else "in"
    asked: list[Any] = [{some: [code]} for code in codes]
    asked += [{some: {"codeset": codeset}} for codeset in codesets]
    if some == "in":
        asked += [{"is": code} for code in codes]
    return [
        {
            "id": f"spec.rule_{number}",
            "effective": {"from": "1990-01-01"},
            "when": {"event.item_count": {"above": 0}},
            "scope": {name: condition},
            "finding": {
                "result": "violation", "severity": "warning", "action": "block",
                "audience": ["prescriber"], "message": {"zh": "有", "en": "found"},
            },
            **({"each": each} if each else {}),
        }
        for number, condition in enumerate(
            draw(st.lists(st.sampled_from(asked), min_size=2, max_size=6)), 1
        )
    ]  # fmt: skip


def said(decision: Decision) -> reference.Answer:
    counted = decision.coverage
    return reference.Answer(
        findings={
            (f.rule_id, f.element, f.result, f.action, frozenset(f.exemption_unverified))
            for f in decision.findings
        },
        not_evaluable={
            (n.rule_id, n.element, frozenset((m.fact, m.why) for m in n.missing))
            for n in decision.not_evaluable
        },
        undetermined={
            (u.element, u.fact, u.why, rule) for u in decision.undetermined for rule in u.rules
        },
        counts={
            "alerts": counted.alerts,
            "silent": counted.silent,
            "exempt": counted.exempt,
            "not_evaluable": counted.not_evaluable,
            "undetermined": counted.undetermined,
        },
        rules=set(decision.rules),
    )


def check_agreement(made: list[dict[str, Any]], short: dict[str, Any]) -> None:
    pack = Pack.of([make_rule(BASE, **rule) for rule in made])
    event = event_of(short, BASE)
    expected = reference.answer(made, short)
    assert said(Evaluator(pack, BASE).decide(event)) == expected
    assert said(Evaluator(pack, BASE, index="always").decide(event)) == expected
    assert said(Evaluator(pack, BASE, index="never").decide(event)) == expected


@usual(200)
@given(rules(), EVENTS)
def test_the_engine_agrees_with_the_reference(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    check_agreement(made, short)


@usual(200)
@given(rules(narrow=True), EVENTS)
def test_rules_that_share_their_facts_do_not_disturb_each_other(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    check_agreement(made, short)


@usual(200)
@given(anchored_rules(), EVENTS)
def test_rules_that_are_looked_up_by_one_fact_are_all_found(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    check_agreement(made, short)


@usual(50)
@given(rules(), EVENTS)
def test_a_decision_is_the_same_every_time_to_the_byte(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    pack = Pack.of([make_rule(BASE, **rule) for rule in made])
    event = event_of(short, BASE)
    evaluator = Evaluator(pack, BASE)
    first = encode_record(evaluator.decide(event))
    assert encode_record(evaluator.decide(event)) == first
    assert encode_record(Evaluator(pack, BASE).decide(event)) == first
