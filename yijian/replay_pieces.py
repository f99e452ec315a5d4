"""What one process does of a replay: it compares the events of a file, piece after piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from contracts.event import Event
from contracts.intake import DEFAULT_MAX_AHEAD_S, Rejected, decode
from rules.replay import (
    Change,
    ChangedRule,
    Comparer,
    Kind,
    Side,
    Tally,
    changed_rules,
    needs_past,
)
from simulation.ndjson import read
from yijian.sides import Source

KEY_BYTES: Final = 16


@dataclass(frozen=True)
class Plan:
    """What is compared. Drafts of the candidate count as if they were in shadow."""

    baseline: Source
    candidate: Source
    engine: str = "compiled"
    profile: str = "site"
    max_ahead_s: float = DEFAULT_MAX_AHEAD_S
    rules: frozenset[str] = frozenset()
    """Only these; empty for all that changed."""
    remembers: bool = True
    """Whether patients are remembered from event to event, where a changed rule asks for it."""
    lateness_s: float = 0.0
    """How long post-event rules that look back wait for late events."""

    def sides(self) -> tuple[Side, Side]:
        """Baseline and candidate, loaded. Raises PackError or KnowledgeError."""
        return self.baseline.load(), self.candidate.load().with_drafts()

    def comparer(self, sides: tuple[Side, Side], changed: Iterable[ChangedRule]) -> Comparer:
        """What compares the changed rules of both sides."""
        waits = self.remembers and self.lateness_s > 0
        return Comparer(*sides, changed, self.engine, self.profile, waits_for_late=waits)

    def needs_past(self, sides: tuple[Side, Side], changed: Iterable[ChangedRule]) -> bool:
        """Whether events have to be taken in order, with what is remembered of their patients."""
        ids = frozenset(rule.rule_id for rule in changed)
        packs = [side.only(ids) for side in sides]
        return self.remembers and any(needs_past(pack.rules) for pack in packs)

    def changed(self, sides: tuple[Side, Side]) -> tuple[ChangedRule, ...]:
        found = changed_rules(*sides)
        return tuple(c for c in found if not self.rules or c.rule_id in self.rules)


class Counts(NamedTuple):
    """What became of the lines of a file."""

    lines: int = 0
    compared: int = 0
    other_types: int = 0
    """Not looked at: no changed rule is about any event type that they name."""
    refused: int = 0
    """No events, as intake would refuse them; of those that were looked at."""
    repeated: int = 0
    """The event stood in an earlier line already."""

    def plus(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


class Piece(NamedTuple):
    start: int
    end: int


class Part(NamedTuple):
    """What one piece came to."""

    tally: Tally
    counts: Counts
    reasons: Counter[str]
    keys: bytes
    """The keys of its events, 16 bytes each."""
    changes: bytes
    """NDJSON, one `Change` a line."""
    examples: list[Change]


class Worker:
    """Compares pieces of one file."""

    def __init__(
        self,
        events: Path,
        plan: Plan,
        sides: tuple[Side, Side],
        changed: tuple[ChangedRule, ...],
        examples: int,
    ) -> None:
        self._events = events
        self._plan = plan
        self._comparer = plan.comparer(sides, changed)
        self._types = [f'"{name}"'.encode() for name in self._comparer.types]
        self._examples = examples
        self._encode = msgspec.json.Encoder().encode

    def piece(self, piece: Piece, skip: frozenset[bytes] = frozenset()) -> Part:
        """The part of a piece; events with a key of `skip` are counted as repeated."""
        compare = self._comparer.compare
        tally = self._comparer.tally = Tally()
        reasons: Counter[str] = Counter()
        shown: Counter[tuple[str, Kind]] = Counter()
        examples: list[Change] = []
        lines: list[bytes] = []
        seen = set(skip)
        keys: list[bytes] = []
        total = others = repeated = 0
        compared = 0
        wanted = []
        for raw in _lines(self._events, piece):
            total += 1
            if self._may_matter(raw):
                wanted.append(raw)
            else:
                others += 1
        for line in read(wanted):
            at = line.position
            taken = decode(
                line.value,
                received_ms=at.arrival_ms if at is not None else None,
                max_ahead_s=self._plan.max_ahead_s,
            )
            if isinstance(taken, Rejected):
                reasons[taken.reason.value] += 1
                continue
            event = taken.event
            key = _key_of(event)
            if key in seen:
                repeated += 1
                continue
            seen.add(key)
            keys.append(key)
            if event.type not in self._comparer.types:
                others += 1
                continue
            compared += 1
            for change in compare(event):
                lines.append(self._encode(change))
                lines.append(b"\n")
                kind = (change.rule, change.change)
                if shown[kind] < self._examples:
                    shown[kind] += 1
                    examples.append(change)
        counts = Counts(total, compared, others, sum(reasons.values()), repeated)
        return Part(tally, counts, reasons, b"".join(keys), b"".join(lines), examples)

    def _may_matter(self, line: bytes) -> bool:
        """Whether the line can be an event of a type that a changed rule is about.

        A type's name stands in such a line as it is, unless JSON escapes hide it.
        """
        return any(name in line for name in self._types) or b"\\u" in line


def _lines(events: Path, piece: Piece) -> Iterator[bytes]:
    """The lines that begin in a piece, without blank ones."""
    with events.open("rb") as file:
        if piece.start:
            file.seek(piece.start - 1)
            file.readline()  # the rest of a line that begins before
        start = file.tell()
        if start >= piece.end:
            return
        text = file.read(piece.end - start)
        if not text.endswith(b"\n"):
            text += file.readline()
    for line in text.split(b"\n"):
        if line.strip(b"\r \t"):
            yield line


def _key_of(event: Event) -> bytes:
    text = f"{event.source}\x1f{event.id}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=KEY_BYTES).digest()
