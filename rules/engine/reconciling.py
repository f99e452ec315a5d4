"""The findings of one decision beside each other: which of them stand, and whose money counts.

A finding that another one overrides stays in the decision, marked, and is no violation of its
own. Money is marked line by line: of all findings about a charge line one counts, and the others
name it. Nothing here depends on the order of findings, rules or lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from contracts.decision import Finding, FoundLine
from rules import words

ACTIVE: Final = "active"
_NOTHING: Final = Decimal(0)
_Above = dict[int, set[int]]
"""By the place of a finding: the places of those that override it."""


class Claim(NamedTuple):
    """What a rule's findings are about, and whose findings they stand for."""

    each: str
    """The list of its elements: an item and a diagnosis may have one name."""
    overrides: tuple[str, ...]


def reconciled(findings: Sequence[Finding], claims: Sequence[Claim]) -> list[Finding]:
    """The findings in their order, each saying what it gave way to. `claims` are their rules'.

    They are of one event and cause, and so of one phase.
    """
    found = list(findings)
    if any(claim.overrides for claim in claims):
        for place, stands in _giving_way(found, claims).items():
            by = findings[stands].alert_id
            found[place] = msgspec.structs.replace(found[place], overridden_by=by)
    if sum(1 for one in found if one.amount is not None) > 1:
        _count_once(found)
    return found


def _giving_way(findings: Sequence[Finding], claims: Sequence[Claim]) -> dict[int, int]:
    """The places of overridden findings, each with the place of the one that stands for it."""
    above = _without_cycles(_above(findings, claims))
    return {
        place: min(
            (one for one in _reached(place, above) if one not in above),
            key=lambda one: _strength(findings[one]),
        )
        for place in above
    }


def _above(findings: Sequence[Finding], claims: Sequence[Claim]) -> _Above:
    """Who overrides whom. A shadow finding is shown to nobody: it stands for no other."""
    places = {
        (claim.each, found.element, found.rule_id): place
        for place, (found, claim) in enumerate(zip(findings, claims, strict=True))
    }
    above: _Above = {}
    for place, (found, claim) in enumerate(zip(findings, claims, strict=True)):
        if found.rule_status != ACTIVE:
            continue
        for name in claim.overrides:
            other = places.get((claim.each, found.element, name))
            if other is not None and other != place:
                above.setdefault(other, set()).add(place)
    return above


def _without_cycles(above: _Above) -> _Above:
    """What is left where findings that override each other override nothing of that round.

    Lint refuses such rules; where one came through, no alert may be lost by it.
    """
    left: _Above = {}
    for place, over in above.items():
        kept = {one for one in over if place not in _reached(one, above)}
        if kept:
            left[place] = kept
    return left


def _reached(place: int, above: Mapping[int, set[int]]) -> set[int]:
    """Everything that overrides a finding, directly or through others."""
    found: set[int] = set()
    waiting = list(above.get(place, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += above.get(one, ())
    return found


def _strength(found: Finding) -> tuple[int, int, int, str, str]:
    """The strongest first; what is equally strong by name."""
    return (
        words.SEVERITIES.index(found.severity),
        words.ACTIONS.index(found.action),
        words.RESULTS.index(found.result),
        found.rule_id,
        found.alert_id,
    )


def _count_once(findings: list[Finding]) -> None:
    """Mark the lines whose money another finding counts."""
    counted: dict[str, tuple[tuple[object, ...], str]] = {}
    for found in findings:
        for line in found.amount.lines if found.amount is not None else ():
            mine = (_precedence(found, line), found.alert_id)
            counted[line.line] = min(mine, counted.get(line.line, mine))
    for place, found in enumerate(findings):
        if found.amount is None:
            continue
        lines = tuple(_marked(line, found, counted[line.line][1]) for line in found.amount.lines)
        if lines != found.amount.lines:
            amount = msgspec.structs.replace(found.amount, lines=lines)
            findings[place] = msgspec.structs.replace(found, amount=amount)


def _precedence(found: Finding, line: FoundLine) -> tuple[object, ...]:
    """The least is counted: shown before shadow, standing before overridden, then the greatest.

    An overridden finding's money is counted only where no finding that stands is about the line:
    it is neither counted twice nor lost.
    """
    fund = line.fund
    return (
        found.rule_status != ACTIVE,
        found.overridden_by != "",
        -line.total,
        fund is None,
        -(fund if fund is not None else _NOTHING),
        found.rule_id,
    )


def _marked(line: FoundLine, found: Finding, primary: str) -> FoundLine:
    if primary == found.alert_id:
        return line
    return msgspec.structs.replace(line, covered_by=primary)
