"""Readers of reference knowledge: sources, parameters, code sets and analytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge_base.fields import Context, Defaults, Fields, is_code, text_of
from knowledge_base.histories import Rows, build
from knowledge_base.model import (
    CODESET_KINDS,
    Analyte,
    CodeSet,
    Dated,
    Key,
    Members,
    Parameter,
    ParameterValue,
    Source,
)
from knowledge_base.strict_yaml import Node

_CATEGORY = re.compile(r"([A-Z])(\d\d)")
_CODE = re.compile(r"[A-Z]\d\d(?:\.[0-9A-Za-z]+)?")

_VALUE_KEYS = ("key", "from", "to", "value", "source", "locator")
_SET_KEYS = ("from", "to", "members", "includes", "source", "locator")


def source(node: Node, context: Context, defaults: Defaults) -> Source:
    f = Fields(
        node,
        context,
        ("id", "title", "issuer", "number", "published", "url", "licence"),
        defaults,
    )
    return Source(
        id=f.identifier(),
        title=f.names("title"),
        issuer=f.text("issuer"),
        number=f.text("number", required=False),
        published=f.day("published"),
        url=f.text("url", required=False),
        licence=f.text("licence"),
    )


def parameter(node: Node, context: Context, defaults: Defaults) -> Parameter:
    f = Fields(node, context, ("id", "title", "unit", "by", "values"), defaults)
    parameter_id, unit, by = f.identifier(), f.text("unit"), f.texts("by")
    rows: Rows[Key, ParameterValue] = Rows()
    for child in f.elements("values", required=True):
        v = Fields(child, context, _VALUE_KEYS, defaults)
        key = v.texts("key")
        if len(key) != len(by):
            if by:
                text = f"the key has {len(key)} words, expected one each for {', '.join(by)}"
                fix = f"write key: [{', '.join(by)}], each with its word"
            else:
                text = "the value has a key, but the parameter names no key columns"
                fix = "write by: [kind] beside `unit`, one name a word of the keys"
            context.report(child, text, fix)
        start, end = v.interval()
        basis = v.basis()
        value = ParameterValue(v.scalar("value"), unit, basis.source, basis.locator, start, end)
        rows.add(key, Dated(value, start, end), child)
    return Parameter(
        id=parameter_id,
        title=f.names("title"),
        unit=unit,
        by=by,
        rows=dict(rows.histories(context, parameter_id)),
    )


def codeset(node: Node, context: Context, defaults: Defaults) -> CodeSet:
    f = Fields(node, context, ("id", "title", "of", "intervals"), defaults)
    codeset_id, of = f.identifier(), f.choice("of", CODESET_KINDS)
    rows = []
    for child in f.elements("intervals", required=True):
        i = Fields(child, context, _SET_KEYS, defaults)
        codes: set[str] = set()
        includes = tuple(_included(i.elements("includes"), codeset_id, context))
        for member in i.elements("members", required=not includes):
            expanded = tuple(_expand(member, of, context))
            if codes.issuperset(expanded) and expanded:
                context.report(member, f"`{member.raw}` is a member already", "remove it")
            codes.update(expanded)
        start, end = i.interval()
        lengths = tuple(sorted({len(code) for code in codes}))
        members = Members(frozenset(codes), lengths, i.basis(), includes)
        rows.append((Dated(members, start, end), child))
    return CodeSet(codeset_id, f.names("title"), of, build(rows, context, codeset_id))


def _included(nodes: Iterator[Node], codeset_id: str, context: Context) -> Iterator[str]:
    """The ids of the included sets; where each stands is noted for `classes.resolve`."""
    seen: set[str] = set()
    for node in nodes:
        name = text_of(node, context, "an included set")
        if name in seen:
            context.report(node, f"`{name}` is included already", "remove it")
        elif name:
            seen.add(name)
            context.included.setdefault((codeset_id, name), node)
            yield name


def _expand(member: Node, of: str, context: Context) -> Iterator[str]:
    """A member as it is; a range of ICD-10 categories (`O00-O99`) as each of them."""
    text = text_of(member, context, "a member")
    if of != "icd10" or not text:
        if text and is_code(text, of, member, context):
            yield text
        return
    first, dash, last = text.partition("-")
    low, high = _CATEGORY.fullmatch(first), _CATEGORY.fullmatch(last)
    if not dash and _CODE.fullmatch(text):
        yield text.upper()  # as codes of events are compared: I10.x00 is I10.X00
    elif dash and low and high and low[1] == high[1] and int(low[2]) <= int(high[2]):
        for number in range(int(low[2]), int(high[2]) + 1):
            yield f"{low[1]}{number:02d}"
    else:
        fix = "write a category (C61), a subcategory (D07.4) or a range in one letter (O00-O99)"
        context.report(member, f"`{text}` is not a code or range of ICD-10", fix)


def analyte(node: Node, context: Context, defaults: Defaults) -> Analyte:
    keys = ("id", "title", "unit", "codes", "factors", "source", "locator")
    f = Fields(node, context, keys, defaults)
    codes = []
    for child in f.elements("codes", required=True):
        c = Fields(child, context, ("system", "code"))
        codes.append((c.text("system"), c.text("code")))
    factors: dict[str, float] = {}
    for child in f.elements("factors"):
        c = Fields(child, context, ("unit", "factor"))
        factors[c.text("unit")] = c.number("factor")
    return Analyte(
        id=f.identifier(),
        title=f.names("title"),
        unit=f.text("unit"),
        codes=tuple(codes),
        factors=factors,
        basis=f.basis(),
    )
