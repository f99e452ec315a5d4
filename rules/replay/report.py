"""The impact of a candidate as a document: stable names, for machines and for the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rules.replay.compare import Change, Kind
from rules.replay.money import Act, summed
from rules.replay.tally import COUNTS, Row, Tally

SCHEMA: Final = 1


def figures(row: Row, revisions: Mapping[Act, int]) -> dict[str, Any]:
    """Counts of a row, with acts that a finding blocks and with money."""
    before, after = row.blocked
    old, new = (summed(amounts, revisions) for amounts in row.money)
    return {
        **{name: getattr(row, name) for name in COUNTS},
        "severity_changes": [
            {"before": was, "after": is_now, "alerts": n}
            for (was, is_now), n in sorted(row.severities.items())
        ],
        "blocked_acts": {
            "baseline": len(before),
            "candidate": len(after),
            "newly": len(after - before),
            "no_longer": len(before - after),
        },
        "money": {
            "baseline": str(old.total),
            "candidate": str(new.total),
            "change": str(new.total - old.total),
            "fund_change": str(new.fund - old.fund),
        },
    }


def grouped(tally: Tally, *names: str) -> list[dict[str, Any]]:
    """The figures by some of rule, institution and department."""
    return [
        {**dict(zip(names, key, strict=True)), **figures(row, tally.revisions)}
        for key, row in tally.by(*names).items()
    ]


def total(tally: Tally) -> dict[str, Any]:
    """The figures of everything together."""
    return figures(tally.by().get((), Row()), tally.revisions)


def shown_examples(examples: Mapping[tuple[str, Kind], list[Change]]) -> list[Change]:
    """Examples by rule and kind of change."""
    return [change for key in sorted(examples) for change in examples[key]]
