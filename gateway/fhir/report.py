"""What an import did, counted: resources in, events out, what was skipped and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from contracts.decision import Words
from gateway.fhir.outcome import NOTES, REASONS, Imported, Note, Outcome, Skip

HEADINGS: Final = (
    Words(zh="资源类型", en="resource type"),
    Words(zh="资源", en="resources"),
    Words(zh="已导入", en="imported"),
    Words(zh="事件", en="events"),
    Words(zh="跳过", en="skipped"),
)
"""Titles of the columns of `ImportReport.table`."""


class ReportRow(NamedTuple):
    """One resource type. `events` by event type, `skipped` by reason, most frequent first."""

    resource_type: str
    resources: int
    imported: int
    events: dict[str, int]
    skipped: dict[Skip, int]


@dataclass(slots=True)
class ImportReport:
    """Counts over the outcomes it was shown. Holds no content of any resource."""

    imported: Counter[str] = field(default_factory=Counter)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: Counter[tuple[str, Skip]] = field(default_factory=Counter)
    notes: Counter[Note] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome. A resource with several events counts as one resource."""
        if isinstance(outcome, Imported):
            self.events[outcome.resource_type, outcome.event.type] += 1
            if outcome.part == 1:
                self.imported[outcome.resource_type] += 1
                self.notes.update(outcome.notes)
        else:
            self.skipped[outcome.resource_type, outcome.reason] += 1

    @property
    def event_count(self) -> int:
        return self.events.total()

    @property
    def resource_count(self) -> int:
        return self.imported.total() + self.skipped.total()

    def table(self) -> list[ReportRow]:
        """One row a resource type, by name; "" is what was no resource at all."""
        names = sorted({*self.imported, *(name for name, _ in self.skipped)})
        return [self._row(name) for name in names]

    def notes_table(self) -> list[tuple[Note, Words, int]]:
        """What was assumed or lost on the way, with how many resources it touched."""
        return [(note, NOTES[note], count) for note, count in self.notes.most_common()]

    def reasons_table(self) -> list[tuple[Skip, Words, int]]:
        """Why resources gave no event, over all types."""
        totals: Counter[Skip] = Counter()
        for (_, reason), count in self.skipped.items():
            totals[reason] += count
        return [(reason, REASONS[reason], count) for reason, count in totals.most_common()]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON data, for scripts."""
        return {
            "resources": self.resource_count,
            "events": self.event_count,
            "types": {
                row.resource_type or "-": {
                    "resources": row.resources,
                    "imported": row.imported,
                    "events": row.events,
                    "skipped": {reason.value: n for reason, n in row.skipped.items()},
                }
                for row in self.table()
            },
            "notes": {note.value: count for note, count in self.notes.most_common()},
        }

    def _row(self, name: str) -> ReportRow:
        events = Counter({k[1]: n for k, n in self.events.items() if k[0] == name})
        skipped = Counter({k[1]: n for k, n in self.skipped.items() if k[0] == name})
        imported = self.imported[name]
        return ReportRow(
            name,
            imported + skipped.total(),
            imported,
            dict(sorted(events.items())),
            dict(skipped.most_common()),
        )
