"""Building blocks of the schemas: small shapes, and what the words of the language mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DAY: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}$",
    "examples": ["2026-01-01"],
}
TEXT: Final[Schema] = {"type": "string", "minLength": 1}
NAMES: Final[Schema] = {
    "type": "object",
    "required": ["zh", "en"],
    "additionalProperties": False,
    "properties": {"zh": TEXT, "en": TEXT},
}


def said(schema: Schema, zh: str, en: str) -> Schema:
    """A schema with its explanation in both languages."""
    return {**schema, "description": f"{zh} · {en}"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def one_of(words: Iterable[str]) -> Schema:
    return {"enum": list(words)}


def list_of(items: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": True}


def mapping(required: Iterable[str], properties: dict[str, Schema], **more: Any) -> Schema:
    """A mapping with exactly these keys."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
        **more,
    }


def refused(word: str, needs: str, instead: str) -> Schema:
    """A word that comes in a later version: editors explain it and refuse it."""
    return {
        "description": f"以后的版本才有 · comes later: `{word}`: {needs}. Until then: {instead}.",
        "deprecated": True,
        "not": {},
    }


MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "id": ("编号:文件夹.文件名", "folder.file, e.g. medication_safety.fluoroquinolone_minor"),
    "version": ("版本;内容改变须升版本", "raised with every change of content"),
    "title": ("名称", "what the rule is called"),
    "status": (
        "状态:草稿、影子、生效、停用",
        "draft, shadow (stored, shown to nobody), active or retired",
    ),
    "effective": ("适用的服务日期,含起日不含止日", "the service dates it governs, [from, to)"),
    "on": ("针对的事件", "the events it is about"),
    "each": ("对该列表的每个元素各评估一次", "one evaluation an element of this list"),
    "scope": ("适用范围:为假则不适用", "where the rule applies; false: it does not"),
    "when": ("发现的条件", "what is found"),
    "unless": ("豁免", "what exempts from it"),
    "finding": ("发现的内容", "what is told"),
    "evidence": ("依据:出处与位置", "where the law or the label says it"),
    "taxonomy": ("其他目录中的编码", "its codes in other catalogues"),
    "if_unknown": (
        "不能评估时:只计数,或提示",
        "when it cannot be evaluated: count it, or remind too",
    ),
    "limits": ("本规则看不到什么", "what the rule cannot see, in one sentence"),
    "authored_by": ("作者姓名", "the named author"),
    "checked_by": ("复核人姓名,非作者", "the named reviewer, somebody else"),
    "reviewed_on": ("最近复核日期", "day of the last review"),
    "next_review": ("下次复核日期", "day of the next review"),
    "retired_because": ("停用理由", "why it was retired"),
    "versions": ("旧的文本,各有日期", "older bodies, each with its dates"),
    "result": ("结论:明确违规、可疑、提示", "violation, suspected or reminder"),
    "severity": ("严重程度", "critical, warning or info; or read from a fact"),
    "action": ("要求:阻断、双签、说明理由、提示", "what is asked of the reader"),
    "audience": ("告知谁", "who is told"),
    "message": (
        "文字,可用 {事实}、{threshold}、{threshold:参数} 与 {history}",
        "words, with {fact}, {threshold}, {threshold:PARAMETER} and {history}",
    ),
    "by_phase": ("各阶段的不同之处", "what differs before, during and after the act"),
    "key": ("分组用的事实,不作标识", "facts that group findings; never identifies them"),
    "suggest": ("建议", "what to do about it"),
    "amount": ("涉及金额", "the money that the finding is about"),
    "is": ("等于", "equals"),
    "is_not": ("不等于", "differs"),
    "in": ("在名单或代码集中", "stands in a list or code set"),
    "not_in": ("不在名单或代码集中", "does not stand in it"),
    "any_in": ("列表中有一个在其中", "one element of the list stands in it"),
    "none_in": ("列表中没有一个在其中", "no element of the list stands in it"),
    "all_in": ("列表非空且全部在其中", "the list has elements, and all stand in it"),
    "below": ("小于", "less than"),
    "at_most": ("小于或等于", "less than or equal"),
    "above": ("大于", "greater than"),
    "at_least": ("大于或等于", "greater than or equal"),
    "between": ("介于两者之间,含两端", "between two bounds, both included"),
    "overlaps": ("与该期间重叠", "shares time with this interval"),
    "exists": ("有值(真)或明确没有(假)", "is there (true), or is stated absent (false)"),
    "fresh_within": ("值须在此时间内观察到", "the value must have been observed within this time"),
    "all": ("全部为真", "all of these"),
    "any": ("至少一个为真", "at least one of these"),
    "not": ("不为真", "not this"),
    "some": ("列表中有一个元素同时满足", "one element of a list fulfils all of `where`"),
    "history": ("患者过去的行为", "the patient's past acts, in a window of time"),
    "expect": ("应随后发生的事件", "an event that must follow within a limit"),
    "group_by": ("按组:这些事实相同的行为", "acts that share these facts, instead of a patient's"),
    "once_within": ("此时间内不重复提示", "for how long the same is not told again"),
    "overrides": ("取代这些规则的发现", "rules whose findings give way to this one"),
    "parameter": ("知识库的参数,有单位、日期和出处", "a dated value of the knowledge base"),
    "codeset": ("知识库的代码集", "a dated list of the knowledge base"),
    "fact": ("另一个事实", "another fact"),
    "by": ("查表所用的事实", "the facts that name the row of a table"),
    "days": ("日历天", "calendar days"),
    "months": ("日历月", "calendar months"),
    "years": ("日历年", "calendar years"),
}
"""What each word means, in Chinese and English."""


def word(name: str, schema: Schema) -> Schema:
    """A schema with what its word means."""
    return said(schema, *MEANINGS[name])
