"""The page about writing tests: the shorthand of events, by example, and what it can name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from knowledge_base import KnowledgeBase
from rules.authoring import shorthand, timelines
from rules.docs.markdown import code, codes, table

EXAMPLES: Final = (
    ("患者年龄(按服务日)", "age, counted on the service date", "patient: {age: 30 a}"),
    ("月龄、日龄、出生日期", "in months; or `20 d`, or a birth date", "patient: {age: 6 mo}"),
    ("性别、体重", "sex and weight", "patient: {sex: female, weight: 60 kg}"),
    ("检验值(事件前一小时)", "a measured value, an hour before the event",
     "patient: {potassium: 6.1 mmol/L}"),
    ("eGFR", "the eGFR; its unit in quotes", 'patient: {egfr: "25 mL/min/{1.73_m2}"}'),
    ("检验值及其时间", "a value with its time, for `fresh_within`",
     "patient: {observations: [{code: potassium, value: 6.1 mmol/L, "
     'at: "2026-03-01T08:00+08:00"}]}'),
    ("无法换算的单位", "a value in a unit that cannot be converted",
     "patient: {egfr: 25 mL/min}"),
    ("明确无过敏", "no allergy, and that is known", "patient: {allergies: none_known}"),
    ("过敏原(成分)", "allergies: ingredients", "patient: {allergies: [amoxicillin]}"),
    ("可能不全的名单", "a list that may hold more",
     "patient: {allergies: {partial: [amoxicillin]}}"),
    ("既往疾病", "conditions of the patient", "patient: {conditions: [I10]}"),
    ("未报告", "a field that was not sent", "patient: {weight: not_reported}"),
    ("明确没有", "a field of which the source says that there is none",
     "patient: {weight: null}"),
    ("没有观察列表", "no list of observations at all",
     "patient: {observations: not_reported}"),
    ("诊断", "diagnoses: ICD-10", "diagnoses: [J18.9]"),
    ("主要诊断", "with their role", "diagnoses: [{code: I10, role: principal}]"),
    ("没有编码的诊断", "a diagnosis without a code",
     "diagnoses: [{code: not_reported, role: principal}]"),
    ("就诊", "the visit", "encounter: {kind: outpatient}"),
    ("药品(成分名)", "an item: a drug by its ingredient",
     "items: [{drug: levofloxacin, days_supply: 5}]"),
    ("剂量、途径", "with dose and route",
     "items: [{drug: levofloxacin, dose: 500 mg, days_supply: 5, route: oral}]"),
    ("目录外的药品", "a drug that is not in the catalogue",
     'items: [{drug: "urn:example|unknown"}]'),
    ("就诊方式未知", "a visit of unknown kind", "encounter: {kind: not_reported}"),
)  # fmt: skip
"""What one may want to say, in Chinese and English, and how it is written for a prescription."""


def tests_page(knowledge: KnowledgeBase) -> str:
    """How events are written in tests, and the drugs, items and analytes that they can name."""
    head, *rest = (shorthand.__doc__ or "").split("\n\n")
    indented = [part for part in rest if part.startswith("    ")]
    words = [part for part in rest if not part.startswith("    ")]
    lines = [
        "# Tests 测试",
        "",
        head.strip(),
        "",
        "```yaml",
        *(_commented(line) for part in indented for line in part.splitlines()),
        "```",
        "",
        *"\n\n".join(words).strip().splitlines(),
        "",
        "## By example 示例",
        "",
        "Each stands in `base:` or in the `given:` of a case.",
        "",
        *table(["要表达", "to say", "write"], ((zh, en, code(text)) for zh, en, text in EXAMPLES)),
        "",
        "A time in quotes or not is the same; a text with a comma, a colon or braces needs quotes.",
        "",
        *_timelines(),
        *_named(knowledge),
    ]
    return "\n".join(lines)


def _timelines() -> Iterator[str]:
    """How the past and the passing of time are written."""
    head, *rest = (timelines.__doc__ or "").strip().split("\n\n")
    yield from ("## Timelines 时间线", "", head)
    for part in rest:
        lines = part.splitlines()
        yield ""
        if part.startswith("    "):
            yield from ("```yaml", *(line.removeprefix("    ") for line in lines), "```")
        else:
            yield from lines


def _commented(line: str) -> str:
    """A line of the example; what explains it becomes a comment."""
    return re.sub(r"(?<=\S)( {3,})(?=\S)", r"\1# ", line.removeprefix("    "))


def _named(knowledge: KnowledgeBase) -> Iterator[str]:
    drugs, items = knowledge.drugs(), knowledge.items()
    yield from ("", "## Drugs 药品", "")
    yield (
        "What `drug:` can name: a code, or the ingredient of the first drug that holds it alone. "
        "The shipped catalogue is invented, for demonstrations and tests."
    )
    yield ""
    yield from table(
        ["code", "药品", "drug", "ingredients"],
        ([code(d.code), d.name.zh, d.name.en, codes(d.ingredients)] for d in drugs),
    )
    yield from ("", "## Items 项目", "", "What `item:` and `code:` can name.", "")
    yield from table(
        ["code", "项目", "item"], ([code(i.code), i.name.zh, i.name.en] for i in items)
    )
    yield from ("", "## Analytes 检验指标", "")
    yield "What `code:` of an observation or a result can name; values in these units, or others."
    yield ""
    yield from table(
        ["name", "指标", "analyte", "unit", "converted from"],
        ([code(a.id), a.title.zh, a.title.en, code(a.unit), codes(a.factors)]
         for a in knowledge.analytes()),
    )  # fmt: skip
