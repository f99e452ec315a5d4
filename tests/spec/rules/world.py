"""A small invented world for specification tests: knowledge whose every value a test can name."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from knowledge_base import KnowledgeBase
from knowledge_base.model import (
    Analyte,
    Basis,
    CodeSet,
    Dated,
    Drug,
    History,
    Institution,
    Members,
    Names,
    Parameter,
    ParameterValue,
    Practitioner,
    ServiceItem,
    Source,
)
from knowledge_base.strict_yaml import Problem
from rules.loader import read_rule_text
from rules.model import Rule

START = date(1900, 1, 1)
CHANGE = date(2027, 1, 1)
"""The day on which some parameters and code sets change."""
LATER = date(2030, 1, 1)
"""The first day of what is not yet in force before."""

DRUGS = "urn:yijian:demo:drug"
ITEMS = "urn:yijian:demo:item"


def _parameter(name: str, unit: str, *values: tuple[Any, date], by: tuple[str, ...] = (),
               rows: dict[tuple[str, ...], Any] | None = None) -> Parameter:  # fmt: skip
    def history(entries: tuple[tuple[Any, date], ...]) -> History[ParameterValue]:
        ends = [start for _, start in entries[1:]] + [None]
        return History(
            Dated(ParameterValue(v, unit, "law", f"article {name}", start, end), start, end)
            for (v, start), end in zip(entries, ends, strict=True)
        )

    keyed = {key: history(((value, START),)) for key, value in (rows or {}).items()}
    return Parameter(name, Names(name, name), unit, by, keyed or {(): history(values)})


def _codeset(name: str, of: str, *intervals: tuple[tuple[str, ...], date]) -> CodeSet:
    ends = [start for _, start in intervals[1:]] + [None]
    return CodeSet(
        name,
        Names(name, name),
        of,
        History(
            Dated(
                Members(
                    frozenset(codes),
                    tuple(sorted({len(code) for code in codes})) if of == "icd10" else (),
                    Basis("law", name),
                ),
                start,
                end,
            )
            for (codes, start), end in zip(intervals, ends, strict=True)
        ),
    )


def _drug(code: str, ingredients: tuple[str, ...], **more: Any) -> Drug:
    values: dict[str, Any] = {
        "kind": "western", "form": "other", "control": "none", "antimicrobial_grade": "none",
        "requires_skin_test": False, "usual": None,
    }  # fmt: skip
    names = Names(f"药{code}", f"drug {code}")
    return Drug(f"{DRUGS}|{code}", DRUGS, code, names, ingredients, **{**values, **more})


def _item(code: str, category: str, **more: Any) -> ServiceItem:
    values: dict[str, Any] = {
        "unit": "1", "price": None, "drug": None, "orderable": True, "requires_udi": None,
        "requires_trace_code": None,
    }  # fmt: skip
    names = Names(f"项目{code}", f"item {code}")
    return ServiceItem(f"{ITEMS}|{code}", ITEMS, code, names, category, **{**values, **more})


def _always(value: Any) -> History[Any]:
    return History([Dated(value, START, None)])


PARAMETERS = (
    _parameter("age.limit", "a", (18, START), (14, CHANGE)),
    _parameter("age.low", "a", (6, START)),
    _parameter("days.limit", "d", (7, START)),
    _parameter("dose.limit", "mg", (500, START)),
    _parameter("dose.low", "mg", (100, START)),
    _parameter("price.limit", "CNY", (100.5, START)),
    _parameter("count.limit", "1", (2, START)),
    _parameter("potassium.limit", "mmol/L", (5.5, START)),
    _parameter("kind.special", "1", ("emergency", START)),
    _parameter("flag", "1", (True, START)),
    _parameter("future.days", "d", (3, LATER)),
    _parameter("days.by_kind", "d", by=("kind",), rows={("outpatient",): 7, ("emergency",): 3}),
    _parameter(
        "days.by_rescue", "d", by=("is_rescue",), rows={("true",): 30, ("false",): 7}
    ),
)  # fmt: skip

CODESETS = (
    _codeset("quinolones", "ingredient", (("levofloxacin", "moxifloxacin"), START)),
    _codeset("penicillins", "ingredient", (("amoxicillin",), START),
             (("amoxicillin", "ampicillin"), CHANGE)),
    _codeset("pregnancy", "icd10", (("O26", "O80", "Z34.0"), START)),
    _codeset("heart", "icd10", (("I10", "I11"), START)),
    _codeset("vague", "text", (("遵医嘱", "自用"), START)),
    _codeset("listed_drugs", "drug", ((f"{DRUGS}|D1", f"{DRUGS}|D9"), START)),
    _codeset("listed_items", "item", ((f"{ITEMS}|S1",), START)),
    _codeset("future_ingredients", "ingredient", (("amoxicillin",), LATER)),
)  # fmt: skip

DRUG_LIST = (
    _drug("D1", ("amoxicillin",), antimicrobial_grade="unrestricted", requires_skin_test=True),
    _drug("D2", ("levofloxacin",), antimicrobial_grade="restricted"),
    _drug("D3", ("amoxicillin", "clavulanic-acid"), kind="patent"),
    _drug("D4", ("morphine",), control="narcotic", form="injection"),
    _drug("H1", ("ginseng",), kind="herbal"),
)

ITEM_LIST = (
    _item("S1", "service", requires_udi=False, requires_trace_code=False),
    _item("C1", "consumable", requires_udi=True),
    _item("M1", "drug", drug=f"{DRUGS}|D1", requires_trace_code=True),
)


def _person(name: str, **more: Any) -> Practitioner:
    values: dict[str, Any] = {
        "department": "ward", "title": "attending", "grants": frozenset({"restricted", "basic"}),
        "licensed": True, "active_payment": True,
    }  # fmt: skip
    return Practitioner("demo-h1", name, Names(name, name), **{**values, **more})


def knowledge() -> KnowledgeBase:
    """The whole of it."""
    people = (_person("P1"), _person("P2", licensed=False, active_payment=None, title="resident"))
    places = (
        Institution("demo-h1", Names("一", "one"), "tertiary", "hospital", "Asia/Shanghai", ()),
        Institution("west", Names("西", "west"), "primary", "clinic", "America/Los_Angeles", ()),
    )
    potassium = Analyte(
        "potassium", Names("钾", "potassium"), "mmol/L", (("urn:lab", "K"),), {"meq/L": 1.0},
        Basis("law", "lab"),
    )  # fmt: skip
    law = Source("law", Names("法", "law"), "issuer", "1", None, "", "public")
    return KnowledgeBase(
        "0123456789abcdef",
        {"law": law},
        {parameter.id: parameter for parameter in PARAMETERS},
        {codeset.id: codeset for codeset in CODESETS},
        {("urn:lab", "K"): potassium},
        {(drug.system, drug.code): _always(drug) for drug in DRUG_LIST},
        {(item.system, item.code): _always(item) for item in ITEM_LIST},
        {(person.institution, person.id): _always(person) for person in people},
        {place.id: _always(place) for place in places},
    )


def rule_text(**parts: Any) -> str:
    """A rule file: a small valid rule, with these parts changed (None leaves one out)."""
    rule: dict[str, Any] = {
        "id": "spec.rule",
        "version": 1,
        "title": {"zh": "规则", "en": "rule"},
        "status": "shadow",
        "effective": {"from": "2000-01-01"},
        "on": ["prescription.signed"],
        "when": {"event.item_count": {"above": 0}},
        "finding": {
            "result": "violation",
            "severity": "warning",
            "action": "block",
            "audience": ["prescriber"],
            "message": {"zh": "有", "en": "found"},
        },
        "evidence": [{"source": "law", "locator": "article 1"}],
    }
    rule.update(parts)
    return _unquoted_dates(
        msgspec.json.encode({k: v for k, v in rule.items() if v is not None}).decode()
    )


def _unquoted_dates(text: str) -> str:
    """JSON is YAML, but a date in quotes is text there: dates are marked and unwrapped."""
    return text.replace('"<', "").replace('>"', "")


def try_rule(base: KnowledgeBase, **parts: Any) -> tuple[Rule | None, list[Problem]]:
    """The rule of these parts, and what is wrong with it."""
    problems: list[Problem] = []
    name = str(parts.get("id", "spec.rule"))
    folder, _, stem = (name if name.count(".") == 1 else "spec.rule").partition(".")
    rule = read_rule_text(rule_text(**parts), Path(folder) / f"{stem}.yaml", base, problems)
    return rule, problems


def make_rule(base: KnowledgeBase, **parts: Any) -> Rule:
    """The same where nothing may be wrong."""
    rule, problems = try_rule(base, **parts)
    assert rule is not None, "\n".join(map(str, problems))
    return rule
