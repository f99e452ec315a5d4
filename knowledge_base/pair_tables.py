"""Reader of pair tables, and the check of what their rows name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from knowledge_base.classes import uncovered
from knowledge_base.fields import Context, Defaults, Fields, did_you_mean, is_code, text_of
from knowledge_base.histories import Rows
from knowledge_base.model import CodeSet, Dated, Parameter
from knowledge_base.pairs import (
    MEMBER_KINDS,
    PAIR_CONTEXTS,
    PAIR_KINDS,
    PAIR_SEVERITIES,
    SECONDS,
    Gap,
    Member,
    PairRow,
    PairTable,
)
from knowledge_base.strict_yaml import Node

_TABLE_KEYS: Final = ("id", "title", "kind", "context", "pairs")
_ROW_KEYS: Final = (
    "id", "a", "b", "severity", "mechanism", "context", "gap_after_a", "gap_after_b",
    "from", "to", "source", "locator",
)  # fmt: skip
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?) (\w+)")
_CLASSES: Final = ("ingredient", "drug", "item")


def pair_table(node: Node, context: Context, defaults: Defaults) -> PairTable:
    """One table. Its `context` is that of its rows which name none."""
    f = Fields(node, context, _TABLE_KEYS, defaults)
    table_id = f.identifier()
    usual = f.choice("context", PAIR_CONTEXTS) if f.get("context") is not None else ""
    rows: Rows[str, PairRow] = Rows()
    for child in f.elements("pairs", required=True):
        entry = _row(Fields(child, context, _ROW_KEYS, defaults), usual)
        rows.add(entry.value.id, entry, child)
        context.pairs.append((entry, child))
    return PairTable(
        id=table_id,
        title=f.names("title"),
        kind=f.choice("kind", PAIR_KINDS),
        rows=dict(rows.histories(context, f"{table_id}, pair")),
    )


def _row(f: Fields, usual: str) -> Dated[PairRow]:
    start, end = f.interval()
    a, b = _member(f, "a"), _member(f, "b")
    where = f.choice("context", PAIR_CONTEXTS, usual or None)
    gaps = _gap(f, "gap_after_a"), _gap(f, "gap_after_b")
    if a == b and a.kind != "codeset" and a.name:
        f.context.report(f.node, f"`{a.name}` is paired with itself", "name another partner")
    if where != "validity" and gaps != (None, None):
        text = f"a gap has no meaning in the context `{where}`"
        f.context.report(f.node, text, "write `context: validity`, or remove the gap")
    row = PairRow(
        id=f.identifier(),
        a=a,
        b=b,
        severity=f.choice("severity", PAIR_SEVERITIES),
        mechanism=f.names("mechanism"),
        context=where,
        gap_after_a=gaps[0],
        gap_after_b=gaps[1],
        basis=f.basis(),
    )
    return Dated(row, start, end)


def _member(f: Fields, name: str) -> Member:
    node = f.get(name)
    if node is None:
        f.context.report(f.node, f"`{name}` is missing", "e.g. a: {ingredient: warfarin}")
        return Member("", "")
    inner = Fields(node, f.context, MEMBER_KINDS)
    named = [kind for kind in MEMBER_KINDS if inner.get(kind) is not None]
    if len(named) != 1:
        if node.is_mapping:
            f.context.report(node, f"`{name}` is one thing", "e.g. {ingredient: warfarin}")
        return Member("", "")
    text = inner.text(named[0])
    if text:
        is_code(text, named[0], inner.get(named[0]) or node, f.context)
    return Member(named[0], text)


def _gap(f: Fields, name: str) -> Gap | None:
    """A gap: `14 d`, or {parameter: id}."""
    node = f.get(name)
    if node is None:
        return None
    if node.is_mapping:
        return Gap(parameter=Fields(node, f.context, ("parameter",)).text("parameter"))
    text = text_of(node, f.context, f"`{name}`")
    match = _DURATION.fullmatch(text)
    if match is None or match[2] not in SECONDS:
        if text:
            fix = f"write a number and one of {', '.join(SECONDS)}: 14 d"
            f.context.report(node, f"`{text}` is no duration", fix)
        return None
    return Gap(seconds=float(match[1]) * SECONDS[match[2]])


def check(
    context: Context, codesets: Mapping[str, CodeSet], parameters: Mapping[str, Parameter]
) -> None:
    """Report rows that name classes or parameters which are not there on all of their days."""
    for entry, node in context.pairs:
        row: PairRow = entry.value
        for name, member in (("a", row.a), ("b", row.b)):
            if member.kind == "codeset" and member.name:
                where = node.get(name) or node
                _check_class(member, codesets, entry, where, context)
        for name, gap in (("gap_after_a", row.gap_after_a), ("gap_after_b", row.gap_after_b)):
            if gap is not None and gap.parameter:
                _check_gap(gap, parameters, entry, node.get(name) or node, context)


def _check_class(
    member: Member,
    codesets: Mapping[str, CodeSet],
    entry: Dated[PairRow],
    node: Node,
    context: Context,
) -> None:
    codeset = codesets.get(member.name)
    if codeset is None:
        fix = did_you_mean(member.name, codesets, "add it to a `codesets:` list")
        context.report(node, f"there is no code set `{member.name}`", fix)
    elif codeset.of not in _CLASSES:
        text = f"the code set `{codeset.id}` holds codes of kind {codeset.of}"
        context.report(node, text, f"a pair is of {', '.join(_CLASSES)}")
    else:
        day = uncovered(codeset.history, entry.valid_from, entry.valid_to)
        if day is not None:
            text = f"the code set `{codeset.id}` says nothing of {day}"
            context.report(node, text, "let the pair begin when its class does")


def _check_gap(
    gap: Gap,
    parameters: Mapping[str, Parameter],
    entry: Dated[PairRow],
    node: Node,
    context: Context,
) -> None:
    parameter = parameters.get(gap.parameter)
    if parameter is None:
        fix = did_you_mean(gap.parameter, parameters, "add it to a `parameters:` list")
        context.report(node, f"there is no parameter `{gap.parameter}`", fix)
        return
    values = [e.value.value for row in parameter.rows.values() for e in row]
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if parameter.by or parameter.unit not in SECONDS or not is_number:
        text = f"`{parameter.id}` is no duration"
        context.report(node, text, f"name a plain parameter in one of {', '.join(SECONDS)}")
        return
    day = (
        uncovered(parameter.rows[()], entry.valid_from, entry.valid_to) if parameter.rows else None
    )
    if day is not None:
        text = f"the parameter `{parameter.id}` says nothing of {day}"
        context.report(node, text, "let the pair begin when its parameter does")
