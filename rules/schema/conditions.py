"""The schema of conditions: every fact with the operators of its type, every operand."""

from __future__ import annotations

from typing import Final

from rules import words
from rules.facts import CATALOGUE, ELEMENT_VALUE, LIST_NAMES, Fact, Type
from rules.later import LATER
from rules.reading.checks import FITTING
from rules.schema.history import THIS, history_schema
from rules.schema.parts import DAY, TEXT, Schema, list_of, mapping, one_of, ref, refused, word

_MEASURED: Final = (Type.NUMBER, Type.MONEY, Type.AMOUNT, Type.DURATION)


def definitions() -> dict[str, Schema]:
    """What conditions are made of."""
    return {
        "parameter": mapping(
            ["parameter"],
            {"parameter": word("parameter", TEXT), "by": word("by", list_of(ref("fact_name")))},
        ),
        "codeset": mapping(["codeset"], {"codeset": word("codeset", TEXT)}),
        "fact": mapping(["fact"], {"fact": word("fact", ref("fact_name"))}),
        "fact_name": {"anyOf": [one_of([*CATALOGUE, ELEMENT_VALUE]), THIS]},
        "list_name": one_of(LIST_NAMES),
        "number": {"enum": [0, 1]},
        "quantity": {"type": "string", "pattern": r"^[01] \S.*$", "examples": ["1 g", "1 h"]},
        "calendar": mapping(
            [],
            {unit: word(unit, {"anyOf": [ref("number"), ref("parameter")]})
             for unit in words.CALENDAR},
            minProperties=1, maxProperties=1,
        ),
        "codes": {"anyOf": [list_of(TEXT), ref("codeset"), ref("fact")]},
        "span": {"anyOf": [ref("parameter"), ref("quantity"), ref("calendar")]},
        "bound": {"anyOf": [DAY, TEXT, ref("fact"), {"type": "null"}]},
        "interval": {
            "anyOf": [ref("fact"),
                      {"type": "array", "items": ref("bound"), "minItems": 2, "maxItems": 2}]
        },
        **{f"of_{kind}": _values(kind) for kind in Type if kind not in (Type.LIST, Type.NOTE)},
        **{f"test_{kind}": _test(kind) for kind in Type},
        "conditions": _conditions(),
        "past": _past(),
        words.HISTORY: history_schema(),
    }  # fmt: skip


def _values(kind: Type) -> Schema:
    """What a fact of a type can be compared with."""
    choices = [ref("parameter"), ref("fact")]
    if kind in _MEASURED:
        choices += [ref("number"), ref("quantity")]
    if kind in (Type.NUMBER, Type.DURATION):
        choices.append(ref("calendar"))
    if kind is Type.BOOLEAN:
        choices.append({"type": "boolean"})
    if kind in (Type.TEXT, Type.DATE, Type.TIME):
        choices.append(TEXT)
    return {"anyOf": choices}


def _test(kind: Type, fact: Fact | None = None) -> Schema:
    """The operators of a type; with the words of a fact where its vocabulary is closed."""
    value = ref("codes") if kind in (Type.LIST, Type.NOTE) else ref(f"of_{kind}")
    codes = ref("codes")
    if fact is not None and fact.words:
        word_of = one_of(fact.words)
        value = {"anyOf": [word_of, ref("parameter"), ref("fact")]}
        codes = {"anyOf": [list_of(word_of), ref("codeset"), ref("fact")]}
    found: dict[str, Schema] = {}
    for operator in FITTING[kind]:
        if operator == "exists":
            operand: Schema = {"type": "boolean"}
        elif operator == "overlaps":
            operand = ref("interval")
        elif operator == "between":
            operand = {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
        elif operator in (*words.MEMBERSHIP, *words.LIST_MEMBERSHIP):
            operand = codes
        else:
            operand = value
        found[operator] = word(operator, operand)
    fresh = {words.FRESH_WITHIN: word(words.FRESH_WITHIN, ref("span"))}
    return mapping([], {**found, **fresh}, minProperties=1, maxProperties=2)


def _conditions() -> Schema:
    some = mapping(words.SOME, {"in": ref("list_name"), "where": ref("conditions")})
    return _tree(
        "conditions",
        {
            "some": word("some", some),
            words.HISTORY: word(words.HISTORY, ref(words.HISTORY)),
            **{name: _fact(fact) for name, fact in CATALOGUE.items()},
            ELEMENT_VALUE: {
                "description": "each 所指列表的元素 · the element of the list that `each` names",
                **ref("test_text"),
            },
            **_later(),
        },
    )


def _past() -> Schema:
    """Conditions inside `history`: on a past act, or its lines, and on the present."""
    facts = {name: ref(f"conditions/properties/{name}") for name in CATALOGUE}
    present = {f"{words.THIS}{name}": shape for name, shape in facts.items()}
    return _tree("past", {**facts, **present})


def _tree(name: str, more: dict[str, Schema]) -> Schema:
    several = {"anyOf": [ref(name), {"type": "array", "items": ref(name), "minItems": 1}]}
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "all": word("all", several),
            "any": word("any", several),
            "not": word("not", ref(name)),
            **more,
        },
    }


def _later() -> dict[str, Schema]:
    return {
        entry.word: refused(entry.word, entry.needs, entry.instead)
        for entry in LATER
        if "conditions" in entry.where
    }


def _fact(fact: Fact) -> Schema:
    unit = f", {fact.unit}" if fact.unit else ""
    of = f", each: {fact.of}" if fact.of else ""
    events = ", ".join(fact.families)
    told = f"{fact.zh} · {fact.en} ({fact.type}{unit}{of}; {events})"
    shape = _test(fact.type, fact) if fact.words else ref(f"test_{fact.type}")
    return {"description": told, **shape}
