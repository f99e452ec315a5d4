"""The schema of test files: the event in the authors' shorthand, and what each case expects."""

from __future__ import annotations

from typing import Final

from rules.authoring.cases import NAMED, PLAIN
from rules.authoring.timelines import NOTHING_SAID, SAID
from rules.reading.body import EVENT_NAMES
from rules.schema.parts import DIALECT, TEXT, Schema, list_of, mapping, one_of, ref, said

_ANYTHING: Final[Schema] = {}


def case_schema() -> Schema:
    """What a test file may hold."""
    keys: dict[str, Schema] = {
        "rule": said(TEXT, "被测规则的编号", "the id of the rule: folder.file"),
        "base": said(ref("event"), "各例共有的事件", "the event that all cases share"),
        "cases": said(list_of(ref("case")), "各例", "each shows only its difference from base"),
        "timeline": said(
            {"anyOf": [_list(ref("step")), list_of(ref("timeline"))]},
            "时间线:依次发生的事件,虚拟时间", "events one after the other, in virtual time",
        ),
    }  # fmt: skip
    return {
        "$schema": DIALECT,
        "$id": "urn:yijian:schema:test",
        "title": "医监规则的测试 · Tests of a rule of Yijian",
        **mapping(
            ["rule", "base"], keys, anyOf=[{"required": ["cases"]}, {"required": ["timeline"]}]
        ),
        "$defs": {
            "case": _case(),
            "event": _event(),
            "expect": _expect(),
            "alert": _alert(),
            "timeline": mapping(["name", "steps"], {"name": TEXT, "steps": _list(ref("step"))}),
            "step": _step(),
            "said": _said(),
        },
    }


def _list(items: Schema) -> Schema:
    """Steps may be alike: time passes, and the same comes again."""
    return {"type": "array", "items": items, "minItems": 1}


def _step() -> Schema:
    at = said(TEXT, "到达时间:8 h 11 min,或日历时间", "when: 8 h 11 min, or a calendar time")
    return mapping(
        ["at"],
        {
            "at": at,
            "event": said(ref("event"), "与 base 的不同", "what differs from base"),
            "expect": said(
                {"anyOf": [ref("said"), _list(ref("said"))]},
                "此时说什么;不写则须无报警", "what is said then; without it no alert may come",
            ),
        },
        anyOf=[{"required": ["event"]}, {"required": ["expect"]}],
    )  # fmt: skip


def _said() -> Schema:
    named = {"anyOf": [TEXT, list_of(TEXT)]}
    parts = {"anyOf": [TEXT, ref("alert")]}
    found: dict[str, Schema] = {
        "alert": ref("alert"), "retracted": parts, "waiting": parts,
        **dict.fromkeys(NAMED, named),
    }  # fmt: skip
    return {"anyOf": [one_of((*NOTHING_SAID, *SAID)),
                      mapping([], found, minProperties=1, maxProperties=1)]}  # fmt: skip


def _case() -> Schema:
    return mapping(
        ["name", "expect"],
        {
            "name": said(TEXT, "这一例说明什么", "what the case shows"),
            "given": said(ref("event"), "与 base 的不同", "what differs from base"),
            "with": said(
                list_of(TEXT), "同时生效的其他规则", "other rules in force, to show what gives way"
            ),
            "expect": ref("expect"),
        },
    )


def _event() -> Schema:
    parts: dict[str, Schema] = {
        "event": said(one_of(EVENT_NAMES), "事件类型", "the type of the event"),
        "at": said(TEXT, "事件时间", "its time, e.g. 2026-03-02T10:00+08:00"),
        "patient": said(
            _ANYTHING, "患者:age、sex、allergies 等;null 为明确没有,not_reported 为未报",
            "age, sex, allergies …; null is stated absent, not_reported leaves it out",
        ),
        "encounter": said(_ANYTHING, "就诊", "the visit: kind, is_rescue, started_at …"),
        "diagnoses": said(_ANYTHING, "诊断", "[J18.9, {code: I10, role: principal}]"),
        "practitioner": said(_ANYTHING, "医务人员编号", "who signed, an id of the registry"),
        "items": said(_ANYTHING, "明细", "the lines of the act"),
        "item": said(_ANYTHING, "改变 base 中唯一的明细", "changes the only line of base"),
    }  # fmt: skip
    return {"type": "object", "properties": parts, "additionalProperties": True}


def _expect() -> Schema:
    named = {"anyOf": [TEXT, list_of(TEXT)]}
    plain = one_of([*PLAIN, "not_applicable"])
    detailed = {
        "alert": ref("alert"),
        "alerts": {"type": "array", "items": ref("alert")},
        **dict.fromkeys(NAMED, named),
        "elements": {"type": "object", "additionalProperties": _ANYTHING},
    }
    return said(
        {"anyOf": [plain, mapping([], detailed, minProperties=1, maxProperties=1)]},
        "结局,或报警的内容,或缺失的事实",
        "the outcome, or parts of the alert, or the missing facts",
    )


def _alert() -> Schema:
    return said(
        {"type": ["object", "null"]},
        "发现中的任何部分;文字按显示的样子",
        "any part of the finding; messages as people read them",
    )
