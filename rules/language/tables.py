"""Reading the tables: what each row gives, and what it expects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import knowledge_base
from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem, read
from rules.authoring.shorthand import merge
from rules.errors import PackError
from rules.reading.fields import Fields, day_of

HERE: Final = Path(__file__).parent
WORLD: Final = HERE / "world.yaml"
TRUTHS: Final = {"true": "alert", "false": "silent", "unknown": "not_evaluable"}
"""What the truth of `when` alone makes of a rule."""

_PARTS: Final = ("scope", "when", "unless", "each")
_ROW: Final = (
    "name",
    "past",
    "known_since",
    "given",
    "rule",
    *_PARTS,
    "is",
    "missing",
    "expect",
    "also",
)


class Bare(str):
    """Text that stands without quotes in a table, so that it does in the rule: a date is one."""

    __slots__ = ()


@dataclass(frozen=True)
class Row:
    """One sentence of the language: a rule, an event, and what becomes of it."""

    table: str
    name: str
    line: int
    rule: dict[str, Any]
    """Parts of a rule file; what is left out is as in `rules.language.rows.RULE`."""
    event: dict[str, Any]
    """In the shorthand of rules.authoring.shorthand."""
    given: dict[str, Any]
    """What of the event is the row's own."""
    parts: dict[str, Any]
    """What of the rule is the row's own."""
    outcome: str
    """silent, exempt, not_applicable, alert, not_evaluable or undetermined; refused for a rule
    that the loader must refuse."""
    truth: str = ""
    """true, false or unknown, where the row is about one condition."""
    missing: dict[str, str] = field(default_factory=dict)
    """Exactly the missing facts and why, of a not_evaluable or undetermined outcome."""
    details: tuple[dict[str, Any], ...] = ()
    """Parts of each finding, in order; empty where only the outcome is asked."""
    decision: dict[str, Any] = field(default_factory=dict)
    """Parts of the decision as a whole."""
    past: tuple[dict[str, Any], ...] = ()
    """The events before the row's, each as it differs from the table's event."""
    earlier: tuple[dict[str, Any], ...] = ()
    """The same whole, with ids of their own: `past-1` and the act `act-past-1` …"""
    known_since: str = ""
    """From when on the past is known; "" where all of it is."""


@dataclass(frozen=True)
class Table:
    """Rows about one matter, with the words that introduce them."""

    topic: str
    """The file's name."""
    title: Names
    explanation: Names
    base: dict[str, Any]
    rule: dict[str, Any]
    rows: tuple[Row, ...]


def world() -> KnowledgeBase:
    """The invented knowledge that all tables refer to."""
    return knowledge_base.load([WORLD])


def tables(folder: Path = HERE) -> tuple[Table, ...]:
    """Every table, by file name and place. Raises PackError where a file is wrong."""
    problems: list[Problem] = []
    found: list[Table] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name == WORLD.name:
            continue
        node = read(path, problems)
        f = Fields(node, "a file of tables", problems) if node is not None else None
        if f is None or not f.expect(("tables",)):
            continue
        listed = f.get("tables")
        for child in listed if listed is not None and listed.is_list else ():
            found.append(_table(child, path.stem, problems))
    if problems:
        raise PackError(problems)
    return tuple(found)


def _table(node: Node, topic: str, problems: list[Problem]) -> Table:
    f = Fields(node, "a table", problems)
    if not f.expect(("title", "explanation", "base", "rows"), ("rule",)):
        return Table(topic, Names("", ""), Names("", ""), {}, {}, ())
    title = f.names("title")
    base, rule = _plain(f.get("base")), _plain(f.get("rule"))
    rows = tuple(_row(child, title.en, base, rule, problems) for child in f.get("rows") or ())
    return Table(topic, title, f.names("explanation"), base, rule, rows)


def _row(
    node: Node, table: str, base: dict[str, Any], common: dict[str, Any], problems: list[Problem]
) -> Row:
    f = Fields(node, "a row", problems)
    if f.get("is") is None:
        f.expect(("name", "expect"), _ROW)
    given = _plain(f.get("given"))
    past = tuple(_plain(child) for child in f.get("past") or ())
    own = _plain(f.get("rule"))
    own.update({part: _plain(f.get(part)) for part in _PARTS if f.get(part) is not None})
    truth = _truth(f.get("is"))
    outcome, missing, details = _expected(f, problems)
    if truth:
        f.expect(("when", "is"), _ROW)
        outcome, missing = TRUTHS.get(truth, ""), _plain(f.get("missing"))
    if not outcome:
        f.report(node, "the row's `is` or `expect` is not understood", "is: true, false or unknown")
    name = f.text("name")
    return Row(
        table, name, node.line, _merged(common, own), merge(base, given), given, own, outcome,
        truth, missing, details, _plain(f.get("also")), past, _earlier(base, past),
        f.text("known_since"),
    )  # fmt: skip


def _earlier(base: dict[str, Any], past: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Past events, each merged with the table's event."""
    return tuple(
        {"id": f"past-{number}", "act_id": f"act-past-{number}", **merge(base, event)}
        for number, event in enumerate(past, 1)
    )


def _truth(node: Node | None) -> str:
    """true, false or unknown; "" where the row does not say."""
    if node is None:
        return ""
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return str(node.value)


def _expected(
    f: Fields, problems: list[Problem]
) -> tuple[str, dict[str, str], tuple[dict[str, Any], ...]]:
    """(outcome, missing, details of the findings) that `expect` asks for."""
    node = f.get("expect")
    if node is None:
        return "", {}, ()
    if not node.is_mapping:
        return f.text("expect"), {}, ()
    entries = list(node.items())
    if len(entries) != 1:
        problems.append(node.problem("`expect` says several things", "write one outcome"))
        return "", {}, ()
    ((outcome, _, value),) = entries
    if outcome == "alerts":
        return "alert", {}, tuple(_plain(child) for child in value)
    if outcome == "alert":
        return "alert", {}, (_plain(value),)
    if outcome == "refused":
        return "refused", {}, ({"message": value.plain()},)
    if value.is_mapping:
        return outcome, _plain(value), ()
    problems.append(value.problem("what is missing stands with why", "{fact: not_reported}"))
    return outcome, {}, ()


def _merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The row's parts over the table's; of a finding, part by part."""
    merged = {**common, **own}
    if "finding" in common and "finding" in own:
        merged["finding"] = {**common["finding"], **own["finding"]}
    return merged


def _plain(node: Node | None) -> Any:
    """Plain values of a mapping or text, in which text without quotes stays known as such."""
    if node is None:
        return {}
    if isinstance(node.value, dict):
        return {name: _plain(value) for name, (_, value) in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(child) for child in node.value]
    if isinstance(node.value, str) and not node.quoted and day_of(node.value) is not None:
        return Bare(node.value)
    return node.value
