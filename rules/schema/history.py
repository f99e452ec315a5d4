"""The schema of `history`: past acts, their window, and what is asked of them."""

from __future__ import annotations

from typing import Final

from rules import words
from rules.facts import CATALOGUE
from rules.reading.history import DISTINGUISHED, PAST, SUMMED
from rules.schema.parts import Schema, mapping, one_of, ref, said, word

_PREFIX: Final = words.THIS.replace(".", r"\.")
THIS: Final[Schema] = {
    "type": "string",
    "pattern": f"^{_PREFIX}",
    "description": "history 中本次的事实 · a fact of the present, inside `history`",
    "examples": ["this.event.time"],
}


def history_schema() -> Schema:
    """What `history` may hold."""
    limit = {"anyOf": [ref("number"), ref("quantity"), ref("parameter"), ref("fact")]}
    limits: dict[str, Schema] = {name: word(name, limit) for name in words.ORDER}
    pair = {"type": "array", "items": limit, "minItems": 2, "maxItems": 2}
    limits["between"] = word("between", pair)
    measured = {"minProperties": 1, "maxProperties": 1}
    true: Schema = {"const": True}
    keys: dict[str, Schema] = {
        "of": said(one_of(PAST), "过去的何种行为", "what the past acts went through"),
        "where": said(ref("past"), "过去的行为须满足", "what must hold of the past act or line"),
        "within": said(ref("span"), "窗口长度 (t − w, t]", "how long the window (t - w, t] is"),
        "same": said(one_of(words.SAME), "同日、同次就诊等", "the same day, visit, month …"),
        "before": said(THIS, "窗口的终点", "where the window ends; else the time of service"),
        "including": said(
            one_of(words.INCLUDING), "本次是否计入", "whether the present act counts"
        ),
        "count": said(mapping([], limits, **measured), "次数", "how many there are"),
        "sum": said(_of_fact(SUMMED, limits), "合计", "what a fact of them comes to together"),
        "distinct": said(
            _of_fact(DISTINGUISHED, limits), "不同值的个数", "how many values a fact has"
        ),
        "exists": said(true, "有一次即真", "there is one"),
        "none": said(true, "一次也没有", "there is none"),
        "last": said(ref("past"), "最近一次须满足", "what holds of the latest one"),
    }
    bounds = [{"required": [name]} for name in ("within", "same")]
    asked = [{"required": [name]} for name in words.AGGREGATES]
    return mapping(["of"], keys, allOf=[{"oneOf": bounds}, {"oneOf": asked}])


def _of_fact(types: tuple[str, ...], limits: dict[str, Schema]) -> Schema:
    fitting = [name for name, fact in CATALOGUE.items() if fact.type in types]
    of = said(one_of(fitting), "何种事实", "which fact of the past act or line")
    return mapping(["of"], {"of": of, **limits}, minProperties=2, maxProperties=2)
