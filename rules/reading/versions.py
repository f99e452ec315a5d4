"""The older bodies of a rule: `versions:`.

    version: 3
    effective: {from: 2026-01-01}
    …
    versions:
      - version: 1
        effective: {from: 2020-01-01, to: 2026-01-01}
        on: [prescription.signed]
        when: …
        finding: …
        evidence: …

Each is whole, has a number that no other body has, and ends on the day on which the next begins:
the days of a rule have neither gaps nor two laws. The service date chooses, element by element.
"""

from __future__ import annotations

from dataclasses import replace

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Node
from rules import words
from rules.reading.body import Body, read_body, required_of
from rules.reading.fields import Fields


def read_versions(
    fields: Fields, current: Body | None, knowledge: KnowledgeBase
) -> tuple[Body, ...]:
    """The older bodies, later days first; every mistake is reported.

    `current` is the body of the rule itself, None where it has mistakes of its own.
    """
    node = fields.get("versions")
    if node is None:
        return ()
    if not node.is_list or not list(node):
        fields.report(node, "`versions` lists no older body", "remove it, or write - version: …")
        return ()
    read = [(body, child) for child in node if (body := _older(child, fields, knowledge))]
    read.sort(key=lambda entry: entry[0].effective.start, reverse=True)
    if current is not None:
        _check(current, read, fields)
    return tuple(body for body, _ in read)


def _older(node: Node, fields: Fields, knowledge: KnowledgeBase) -> Body | None:
    f = Fields(node, "an older version", fields.problems)
    required = required_of(f, words.VERSION_REQUIRED)
    if not f.expect(required, (*words.VERSION_OPTIONAL, "when"), words.NOT_BUILT["rule"]):
        return None
    title = f.names("title") if f.get("title") is not None else None
    body = read_body(f, knowledge)
    return replace(body, title=title) if body is not None else None


def _check(current: Body, older: list[tuple[Body, Node]], fields: Fields) -> None:
    numbers = {current.version}
    later = current
    for body, node in older:
        if body.version in numbers:
            where = node.get("version") or node
            fields.report(where, f"two bodies are version {body.version}", "number each once")
        numbers.add(body.version)
        _follows(body, later, node.get("effective") or node, fields)
        later = body


def _follows(body: Body, later: Body, node: Node, fields: Fields) -> None:
    """Report days between two bodies that both govern, or neither."""
    start, end = later.effective.start, body.effective.end
    fix = f"write `to: {start}`: the first day of version {later.version}"
    if body.effective.start >= start:
        text = f"version {body.version} does not begin before version {later.version} ({start})"
        fields.report(node, text, "the body at the top of the file is the one of the latest days")
    elif end is None:
        fields.report(node, f"version {body.version} has no end", fix)
    elif end > start:
        fields.report(node, f"versions {body.version} and {later.version} overlap", fix)
    elif end < start:
        text = f"from {end} on until {start} no version governs"
        fields.report(node, text, fix)
