"""Checks of knowledge against the rules that read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from knowledge_base.classes import uncovered
from knowledge_base.model import History, Names, Parameter
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.facts import CATALOGUE
from rules.facts.promises import can_be_promised
from rules.lint.base import Check, Material, Subject
from rules.model import Effective, ParameterOperand, Rule


class Promises(Check):
    id = "YJ408"
    title = Names("承诺报送的事实存在", "Promised facts can be sent")
    doc = (
        "The profile of a source (`source_profiles`) may promise facts that events of the family "
        "have, and may lack: not one that is always known, and not one that a catalogue or a "
        "registry says. A misspelt promise would promise nothing, and a rule that asks `exists` "
        "would stay unknown. `yijian rules facts --family NAME` lists the facts of a family."
    )

    def together(self, material: Material) -> Iterable[Problem]:
        for family, node in _promised(material.entries.get("source_profiles", ())):
            name = str(node.value)
            fact = CATALOGUE.get(name)
            if fact is None:
                known = [n for n, f in CATALOGUE.items() if can_be_promised(f, family)]
                fix = words.nearest(name, known)
                yield self.at(node, f"there is no fact `{name}`", fix)
            elif not can_be_promised(fact, family):
                message = f"`{name}` is nothing that events of {family} send or leave out"
                yield self.at(node, message, "promise the field that it is read of, or remove it")


def _promised(profiles: Iterable[Node]) -> Iterator[tuple[str, Node]]:
    """Each promised fact with its family."""
    for profile in profiles:
        intervals = profile.get("intervals")
        for interval in intervals if intervals is not None and intervals.is_list else ():
            promises = interval.get("promises") if interval.is_mapping else None
            if promises is None or not promises.is_mapping:
                continue
            for family, _, listed in promises.items():
                yield from ((family, node) for node in (listed if listed.is_list else ()))


class Gaps(Check):
    id = "YJ207"
    title = Names("参数在规则的每一天都有值", "Parameters have a value on each of the rule's days")
    doc = (
        "A parameter must have a value on every day that the rule governs: where its dates leave a "
        "gap, begin later or end earlier, the rule is not evaluable on those days, or its scope "
        "undetermined. Of a parameter with rows each row must be without gaps, and on each day "
        "there must be one. Windows, limits of `expect` and `once_within` count too. Give it a "
        "value for those days, or correct `effective`."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        told: set[tuple[str, date]] = set()
        for body in subject.rule.bodies:
            for operand in body.operands:
                if not isinstance(operand, ParameterOperand):
                    continue
                name = operand.parameter
                parameter = subject.knowledge.parameter(name)
                gap = _gap(parameter, body.effective) if parameter is not None else None
                if gap is not None and (name, gap) not in told:
                    told.add((name, gap))
                    message = f"the parameter `{name}` has no value on {gap}"
                    fix = "give it a value for that day, or correct `effective`"
                    place = _named(subject, body, name)
                    yield self.at(place, f"{message}, which the rule governs", fix)


def _named(subject: Subject, body: Rule, parameter: str) -> Node:
    """Where a body names a parameter first."""
    found = (
        value
        for key, _, value in subject.entries(body)
        if key == "parameter" and value.value == parameter
    )
    return next(found, subject.node)


def _gap(parameter: Parameter, days: Effective) -> date | None:
    """The first of the rule's days of which the parameter says nothing; None: it always does."""
    everything = History(entry for row in parameter.rows.values() for entry in row)
    gaps = [uncovered(everything, days.start, days.end)]
    for row in parameter.rows.values():
        first, last = row.entries[0].valid_from, row.entries[-1].valid_to
        start, end = max(first, days.start), min(last or date.max, days.end or date.max)
        gaps.append(uncovered(row, start, end))
    found = [gap for gap in gaps if gap is not None]
    return min(found, default=None)


KNOWLEDGE_CHECKS: Final = (Gaps, Promises)
