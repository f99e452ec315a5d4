"""Engine and reference agree on quantities, times, intervals, lists of records and freshness."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from spec.rules import reference
from spec.rules.examples import usual
from spec.rules.test_reference import said
from spec.rules.world import PROMISING, knowledge, make_rule

BASE = knowledge()
one_of = st.sampled_from
AT = ["2026-03-02T10:00+08:00", "2026-03-02T10:00:01+08:00", "2026-02-27T10:00+08:00",
      "2026-02-27T02:00+00:00", "2026-03-01T09:30+08:00", "2026-01-31T10:00+08:00",
      "2026-03-09T00:00+08:00", "2026-03-02T00:00+08:00"]  # fmt: skip

OBSERVED = st.fixed_dictionaries(
    {
        "code": one_of(["urn:lab|K", "urn:lab|K", "urn:lab|Na"]),
        "value": one_of(["5 mmol/L", "5.5 mmol/L", "5.6 mmol/L", "6 mg/dL"]),
        "at": one_of([*AT, None]),
    }
)
ITEMS = st.fixed_dictionaries(
    {"drug": one_of(["D1", "D2", "D3", "urn:x|9"])},
    optional={
        "days_supply": one_of([0, 0.5, 1, 7, 8, None]),
        "dose": one_of(["500 mg", "0.5 g", "0.07 g", "1 g", "1001 mg", "2 mL", None]),
        "doses_per_day": one_of([0, 1, 3, 4, 5, None]),
        "service_time": one_of(AT),
    },
)
EVENTS = st.fixed_dictionaries(
    {
        "event": st.just("prescription.signed"),
        "at": one_of(AT),
        "items": st.lists(ITEMS, max_size=3),
        "patient": st.one_of(
            st.just("not_reported"),
            st.fixed_dictionaries(
                {},
                optional={
                    "observations": st.one_of(
                        st.none(), st.lists(OBSERVED, min_size=1, max_size=3)
                    ),
                    "birth_date": one_of(["2026-01-31", "2024-02-29", "2026-03-05", None]),
                },
            ),
        ),
        "encounter": st.one_of(
            st.just("not_reported"),
            st.fixed_dictionaries(
                {},
                optional={
                    "started_at": one_of([*AT, None]),
                    "ended_at": one_of([*AT, None]),
                    "kind": one_of(["inpatient", "outpatient", None]),
                },
            ),
        ),
    },
    optional={"service_time": one_of(AT), "source": one_of([PROMISING])},
)

ORDER = ["below", "at_most", "above", "at_least"]
DOSES: list[Any] = [{"parameter": "dose.limit"}, {"parameter": "dose.low"}, "1 g", "1 mg", 0]
DAILY: list[Any] = [{"parameter": "daily.limit"}, "1 g/d", "1 mg/d", 0]
SPANS: list[Any] = [
    {"parameter": "stay.hours"},
    {"parameter": "stay.limit"},
    {"parameter": "stay.calendar"},
    {"days": {"parameter": "stay.calendar"}},
    {"parameter": "stay.by_kind", "by": ["encounter.kind"]},
    {"days": 1},
    "1 h",
    0,
]
AGES: list[Any] = [
    {"parameter": "potassium.validity"},
    {"parameter": "potassium.days"},
    {"days": 1},
    "1 h",
]
ENDS = ["<2026-03-02>", "<2026-03-09>", "<2026-02-27>", None]


def compared(name: str, operands: list[Any]) -> Any:
    one = st.builds(lambda op, v: {name: {op: v}}, one_of(ORDER), one_of(operands))
    two = st.builds(lambda a, b: {name: {"between": [a, b]}}, one_of(operands), one_of(operands))
    return st.one_of(one, one, two)


def later(start: str | None, end: str | None) -> bool:
    return (start or end) is not None and (start is None or end is None or start < end)


INTERVALS = st.tuples(one_of(ENDS), one_of(ENDS)).filter(lambda ends: later(*ends)).map(list)
POTASSIUM = compared("patient.potassium", [{"parameter": "potassium.limit"}, 1])
FRESH = st.builds(
    lambda test, span: {"patient.potassium": {**test["patient.potassium"], "fresh_within": span}},
    st.one_of(POTASSIUM, st.booleans().map(lambda v: {"patient.potassium": {"exists": v}})),
    one_of(AGES),
)
OF_ITEMS = st.one_of(
    compared("item.dose", DOSES),
    compared("item.daily_dose", DAILY),
    compared("item.days_supply", [{"parameter": "days.limit"}, "1 d", 1]),
    st.builds(lambda v: {"item.period": {"overlaps": v}}, INTERVALS),
    st.just({"item.period": {"overlaps": {"fact": "encounter.period"}}}),
    one_of([{"item.drug.kind": {"is": "patent"}}, {"item.drug.kind": {"is": "western"}}]),
)
OF_OBSERVATIONS = st.one_of(
    st.just({"observation.analyte": {"is": "potassium"}}),
    compared("observation.value", [{"parameter": "potassium.limit"}]),
)


def together(leaf: Any, most: int = 2) -> Any:
    return st.lists(leaf, min_size=1, max_size=most).map(lambda parts: {"all": parts})


SOME = st.one_of(
    together(OF_ITEMS).map(lambda where: {"some": {"in": "items", "where": where}}),
    together(OF_OBSERVATIONS).map(lambda where: {"some": {"in": "observations", "where": where}}),
)
OF_EVENT = st.one_of(
    compared("encounter.duration", SPANS),
    st.builds(lambda v: {"encounter.period": {"overlaps": v}}, INTERVALS),
    st.booleans().map(lambda v: {"encounter.period": {"exists": v}}),
    compared("event.time", [{"fact": "encounter.started_at"}, "2026-03-02T10:00+08:00"]),
    compared("patient.age_months", [0, 1]),
    POTASSIUM,
    FRESH,
    FRESH,
    SOME,
    SOME,
)


def trees(each: str) -> Any:
    leaf = st.one_of(OF_EVENT, OF_ITEMS) if each else OF_EVENT
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda v: {"all": v}),
            st.lists(inner, min_size=1, max_size=3).map(lambda v: {"any": v}),
            inner.map(lambda v: {"not": v}),
        ),
        max_leaves=4,
    )


TREES = {each: trees(each) for each in ("", "items")}


@st.composite
def rules(draw: Any) -> list[dict[str, Any]]:
    made = []
    for number in range(draw(st.integers(1, 3))):
        each = draw(one_of(["", "items"]))
        rule: dict[str, Any] = {
            "id": f"spec.rule_{number}",
            "effective": {"from": "1990-01-01"},
            "when": draw(TREES[each]),
            "finding": {
                "result": "violation", "severity": "warning", "action": "block",
                "audience": ["prescriber"], "message": {"zh": "有", "en": "found"},
            },
        }  # fmt: skip
        if each:
            rule["each"] = each
        for part in ("scope", "unless"):
            if draw(st.booleans()):
                rule[part] = draw(TREES[each])
        made.append(rule)
    return made


@usual(300)
@given(rules(), EVENTS)
def test_the_engine_agrees_with_the_reference(
    made: list[dict[str, Any]], short: dict[str, Any]
) -> None:
    pack = Pack.of([make_rule(BASE, **rule) for rule in made])
    event = event_of(short, BASE)
    expected = reference.answer(made, short)
    for index in ("auto", "always", "never"):
        assert said(Evaluator(pack, BASE, index=index).decide(event)) == expected
