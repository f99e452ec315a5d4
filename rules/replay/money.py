"""The money of findings, by charge line, so that a charge is counted once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from contracts.decision import Finding

Act = bytes
"""A digest that names an act."""
Line = tuple[Act, str]

_NOTHING = Decimal(0)


class Amount(NamedTuple):
    """What a finding says of a charge line in one revision of its bill."""

    revision: int
    total: Decimal
    fund: Decimal
    """What the fund paid of it; 0 where the event does not say."""


class Sum(NamedTuple):
    total: Decimal
    fund: Decimal


def amounts_of(finding: Finding, act: Act, revision: int) -> dict[Line, Amount]:
    """What a finding says of each charge line that it covers; empty where it says nothing."""
    found = finding.amount
    if found is None:
        return {}
    return {
        (act, line.line): Amount(revision, line.total, line.fund or _NOTHING)
        for line in found.lines
    }


def is_unknown(finding: Finding) -> bool:
    """Whether it is about money that could not be computed."""
    return finding.amount is not None and finding.amount.total is None


def merge(known: dict[Line, Amount], more: Mapping[Line, Amount]) -> None:
    """Take in further amounts. A later revision replaces; of one revision the largest counts."""
    for line, amount in more.items():
        other = known.get(line)
        if other is None or amount[:2] > other[:2]:
            known[line] = amount


def summed(amounts: Mapping[Line, Amount], latest: Mapping[Act, int]) -> Sum:
    """What the last revisions of the bills come to: what an earlier one said is withdrawn."""
    counted = [
        amount for (act, _), amount in amounts.items() if amount.revision >= latest.get(act, 0)
    ]
    return Sum(sum((a.total for a in counted), _NOTHING), sum((a.fund for a in counted), _NOTHING))
