"""The cases of a rule's test file, and what each expects; no case is run here.

    rule: medication_safety.fluoroquinolone_minor
    base: {event: prescription.signed, patient: {age: 30 a}, items: [{drug: levofloxacin}]}
    cases:
      - {name: seventeen fires, given: {patient: {age: 17 a}}, expect: {alert: {result: suspected}}}
      - {name: eighteen is silent, given: {patient: {age: 18 a}}, expect: silent}
      - {name: unknown age, given: {patient: {age: null}}, expect: {not_evaluable: patient.age}}

`expect` is one of

    silent, exempt, does_not_apply     the outcome of the event as a whole
    waiting                            the rule decides later: another event is expected
    alert                              exactly one alert, whatever it says
    {alert: {part: value}}             exactly one; any part of the finding, messages as rendered
    {alerts: [{…}, {…}]}               exactly these, in the order of the elements
    {not_evaluable: fact}              one fact or a list: these are named as missing
    {undetermined: fact}               likewise
    {elements: {"1": alert, "2": {not_evaluable: item.dose}}}   element by element

`with: [house.other]` puts other rules of those that are tested beside it, all of them active, to
show whose finding its own gives way to: `{alert: {overridden_by: house.other}}`.

The event is written in the shorthand of rules.authoring.shorthand. Beside `cases:`, or in its
place, stands `timeline:` (rules.authoring.timelines), for history and deadlines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from knowledge_base.strict_yaml import Node, Problem, read
from rules import words
from rules.authoring.shorthand import ShorthandError, merge
from rules.authoring.timelines import Timeline, read_timelines
from rules.model import Rule
from rules.pack import TEST_SUFFIX, Pack
from rules.reading.fields import Fields

TIMELINE: Final = "timeline"
"""The outcome of a case whose steps say what each expects."""
PLAIN: Final = ("silent", "exempt", "does_not_apply", "waiting", "alert")
NAMED: Final = ("not_evaluable", "undetermined")
DETAILED: Final = ("alert", "alerts", *NAMED, "elements")
_SYNONYMS: Final = {"not_applicable": "does_not_apply"}


@dataclass(frozen=True)
class Expected:
    """What is expected of an event, or of one element."""

    outcome: str
    """One of PLAIN or NAMED; "" where only the elements matter."""
    alerts: tuple[dict[str, Any], ...] = ()
    """Parts of each alert; of the alerts `{}` says that there is one."""
    facts: tuple[str, ...] = ()
    """What must be among the missing facts."""
    elements: dict[str, Expected] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.elements:
            return ", ".join(f"element {name}: {e}" for name, e in self.elements.items())
        if self.facts:
            return f"{self.outcome}: {', '.join(self.facts)}"
        said = [parts for parts in self.alerts if parts]
        many = f"{len(self.alerts)} × " if len(self.alerts) > 1 else ""
        return f"{many}{self.outcome}" + (f": {said}" if said else "")


@dataclass(frozen=True)
class Case:
    """One case of a test file, merged with its base."""

    rule: str
    name: str
    path: Path
    line: int
    event: dict[str, Any]
    """In shorthand; of a timeline its base."""
    expect: Expected
    beside: tuple[Rule, ...] = ()
    """Rules that are in force as well."""
    timeline: Timeline | None = None
    """Events one after the other instead of the one, see rules.authoring.timelines."""


def test_files(paths: Sequence[Path]) -> list[Path]:
    """The test files of files and folders; a rule's file stands for its sibling test."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(path.rglob(f"*{TEST_SUFFIX}"))))
        elif path.name.endswith(TEST_SUFFIX):
            found[path] = None
        else:
            sibling = path.with_name(f"{path.stem}{TEST_SUFFIX}")
            if sibling.exists():
                found[sibling] = None
    return list(found)


test_files.__test__ = False  # type: ignore[attr-defined]


def read_cases(path: Path, pack: Pack, problems: list[Problem]) -> list[Case]:
    """The cases of a test file; whatever is wrong is appended to `problems`."""
    node = read(path, problems)
    if node is None:
        return []
    f = Fields(node, "a test file", problems)
    if not f.expect(("rule", "base"), ("cases", "timeline")):
        return []
    rule_id = f.text("rule")
    rule_node = f.get("rule") or node
    expected = f"{path.parent.name}.{path.name.removesuffix(TEST_SUFFIX)}"
    if rule_id and rule_id != expected:
        f.report(rule_node, f"the test is for {rule_id}", f"expected folder.file: {expected}")
        return []
    if pack.rule(rule_id) is None:
        f.report(rule_node, f"there is no rule {rule_id}", "the rule's own file says why")
        return []
    base, cases, timeline = f.get("base"), f.get("cases"), f.get("timeline")
    if cases is None and timeline is None:
        f.report(node, "a test file has no `cases`", "add `cases: …`, or `timeline: …`")
    if base is None or (cases is None and timeline is None):
        return []
    if not base.is_mapping or not (cases is None or cases.is_list):
        f.report(node, "`base` is a mapping and `cases` is a list", "see the shorthand")
        return []
    found = [
        case
        for child in cases or ()
        if (case := _case(child, rule_id, base.plain(), pack, problems)) is not None
    ]
    if timeline is not None:
        found += _timelines(timeline, rule_id, base.plain(), problems)
    _unique(found, problems)
    return found


def _timelines(
    node: Node, rule_id: str, base: dict[str, Any], problems: list[Problem]
) -> Iterator[Case]:
    for one in read_timelines(node, base, problems):
        expect = Expected(TIMELINE)
        yield Case(rule_id, one.name, node.path, one.line, base, expect, timeline=one)


def _unique(cases: Sequence[Case], problems: list[Problem]) -> None:
    lines: dict[str, int] = {}
    for case in cases:
        first = lines.setdefault(case.name, case.line)
        if first != case.line:
            message = f"two cases are called `{case.name}` (the other in line {first})"
            problems.append(Problem(case.path, case.line, 1, message, "name what is special of it"))


def _case(
    node: Node, rule_id: str, base: dict[str, Any], pack: Pack, problems: list[Problem]
) -> Case | None:
    f = Fields(node, "a case", problems)
    if not f.expect(("name", "expect"), ("given", "with")):
        return None
    name, expect = f.text("name"), f.get("expect")
    given = f.get("given")
    if expect is None:
        return None
    expected = _expected(expect)
    if expected is None:
        known = f"{words.listing(PLAIN)}, or {{alert: {{…}}}}, {{not_evaluable: fact}}"
        near = words.nearest(_word(expect), (*PLAIN, *DETAILED))
        f.report(expect, "`expect` is not understood", near or f"expected {known}")
        return None
    try:
        event = merge(base, given.plain() if given is not None else {})
    except ShorthandError as e:
        f.report(given or node, str(e))
        return None
    return Case(rule_id, name, node.path, node.line, event, expected, tuple(_beside(f, pack)))


def _beside(f: Fields, pack: Pack) -> Iterator[Rule]:
    for name in f.texts("with"):
        rule = pack.rule(name)
        if rule is None:
            near = words.nearest(name, [one.id for one in pack.rules])
            fix = near or "test its folder too: yijian rules test rules/packs mine/rules"
            f.report(f.get("with") or f.node, f"{name} is none of the rules that are tested", fix)
        else:
            yield rule


def _word(expect: Node) -> str:
    """The word that says what is expected; "" where there is none."""
    return next((name for name, _, _ in expect.items()), "") if expect.is_mapping else expect.raw


def _expected(node: Node, *, is_element: bool = False) -> Expected | None:
    """What a node expects; None where it is not understood."""
    if isinstance(node.value, str):
        word = _SYNONYMS.get(node.value, node.value)
        if word in NAMED and is_element:
            return Expected(word)
        if word not in PLAIN:
            return None
        return Expected(word, ({},)) if word == "alert" else Expected(word)
    if not node.is_mapping:
        return None
    entries = list(node.items())
    if len(entries) != 1 or entries[0][0] not in DETAILED:
        return None
    word, _, value = entries[0]
    if word in NAMED:
        facts = [value] if isinstance(value.value, str) else value if value.is_list else []
        named = tuple(fact.value for fact in facts if isinstance(fact.value, str))
        return Expected(word, facts=named) if named else None
    if word == "elements":
        return None if is_element else _elements(value)
    alerts = [value] if word == "alert" else list(value) if value.is_list else []
    if not alerts or not all(a.is_mapping or a.is_null for a in alerts):
        return None
    return Expected("alert", tuple(a.plain() or {} for a in alerts))


def _elements(node: Node) -> Expected | None:
    if not node.is_mapping:
        return None
    found = {name: _expected(value, is_element=True) for name, _, value in node.items()}
    known = {name: expected for name, expected in found.items() if expected is not None}
    return Expected("", elements=known) if known and len(known) == len(found) else None
