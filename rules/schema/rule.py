"""The schema of rule files."""

from __future__ import annotations

from typing import Final

from rules import words
from rules.facts import LIST_NAMES
from rules.later import LATER
from rules.reading.body import EVENT_NAMES
from rules.schema.conditions import definitions
from rules.schema.expect import expect_schema
from rules.schema.parts import (
    DAY,
    DIALECT,
    NAMES,
    TEXT,
    Schema,
    list_of,
    mapping,
    one_of,
    ref,
    refused,
    said,
    word,
)

_EITHER: Final[list[Schema]] = [{"required": ["when"]}, {"required": [words.EXPECT]}]
_POSITIVE: Final[Schema] = {"type": "integer", "minimum": 1}


def rule_schema() -> Schema:
    """What a rule file may hold."""
    required = list(words.RULE_REQUIRED)
    known = {name: _key(name) for name in (*required, *words.RULE_OPTIONAL)}
    return {
        "$schema": DIALECT,
        "$id": "urn:yijian:schema:rule",
        "title": "医监规则 · A rule of Yijian",
        **mapping(_needed(required), {**known, **_later("rule")}, anyOf=_EITHER),
        "$defs": {"finding": _finding(), "version": _version(), **definitions()},
    }


def _later(where: str) -> dict[str, Schema]:
    return {
        entry.word: refused(entry.word, entry.needs, entry.instead)
        for entry in LATER
        if where in entry.where
    }


def _key(name: str) -> Schema:
    shapes: dict[str, Schema] = {
        "id": {"type": "string", "pattern": r"^[^.]+\.[^.]+$"},
        "version": _POSITIVE,
        "title": NAMES,
        "status": one_of(words.STATUSES),
        "effective": mapping(["from"], {"from": DAY, "to": DAY}),
        "on": list_of(one_of(EVENT_NAMES)),
        "each": one_of([*LIST_NAMES, words.INTERACTIONS]),
        "scope": ref("conditions"),
        "when": ref("conditions"),
        "unless": ref("conditions"),
        "finding": ref("finding"),
        "evidence": list_of(mapping(["source", "locator"], {"source": TEXT, "locator": TEXT})),
        "taxonomy": {"type": "object", "additionalProperties": TEXT},
        "if_unknown": one_of(words.IF_UNKNOWN),
        "limits": TEXT,
        "authored_by": TEXT,
        "checked_by": TEXT,
        "reviewed_on": DAY,
        "next_review": DAY,
        "retired_because": TEXT,
        "versions": list_of(ref("version")),
        "group_by": list_of(ref("fact_name")),
        "expect": expect_schema(),
    }
    return word(name, shapes[name])


def _version() -> Schema:
    required = list(words.VERSION_REQUIRED)
    known = {name: _key(name) for name in (*required, *words.VERSION_OPTIONAL)}
    return mapping(_needed(required), known, anyOf=_EITHER)


def _needed(required: list[str]) -> list[str]:
    """Without `when`, which a rule that expects an event can leave out."""
    return [name for name in required if name != "when"]


def _finding() -> Schema:
    required = list(words.FINDING_REQUIRED)
    known = {name: _part(name) for name in (*required, *words.FINDING_OPTIONAL)}
    return mapping(required, known)


def _part(name: str) -> Schema:
    shapes: dict[str, Schema] = {
        "result": one_of(words.RESULTS),
        "severity": {"anyOf": [one_of(words.SEVERITIES), _severity_map()]},
        "action": one_of(words.ACTIONS),
        "audience": list_of(one_of(words.AUDIENCES)),
        "message": NAMES,
        "key": list_of(ref("fact_name")),
        "suggest": list_of(_suggestion()),
        "once_within": ref("span"),
        "overrides": list_of({"type": "string", "pattern": r"^[^.]+\.[^.]+$"}),
        "amount": {"anyOf": [one_of(words.AMOUNTS), _excess()]},
    }
    if name == "by_phase":
        return word(name, mapping([], {phase: _change(phase) for phase in words.PHASES}))
    return word(name, shapes[name])


def _change(phase: str) -> Schema:
    parts = {name: _part(name) for name in words.BY_PHASE}
    if phase == "pre":
        parts["result"] = said(
            one_of([words.PRE_RESULT]), "事前只是提示", "a finding on a draft is a reminder"
        )
    return mapping([], parts)


def _severity_map() -> Schema:
    table = {"type": "object", "additionalProperties": one_of(words.SEVERITIES), "minProperties": 1}
    return mapping(["from", "map"], {"from": ref("fact_name"), "map": table})


def _excess() -> Schema:
    over = {"anyOf": [ref("parameter"), ref("fact"), ref("number"), ref("quantity")]}
    return mapping([words.EXCESS, "over"], {words.EXCESS: one_of(words.EXCESSES), "over": over})


def _suggestion() -> Schema:
    value = {"anyOf": [ref("parameter"), ref("fact"), ref("codeset"), ref("number"), TEXT]}
    verbs = dict.fromkeys(words.SUGGESTIONS, TEXT)
    values = dict.fromkeys(words.SUGGESTED_VALUES.values(), value)
    return mapping([], {**verbs, **values, "zh": TEXT, "en": TEXT}, minProperties=1)
