"""Past events through two packs, on all processors: `yijian rules replay`.

Where no changed rule looks back, the file is cut at line ends into pieces; each process loads both
sides once and compares the events of a piece. Otherwise each process takes all events of some
patients, then of some groups, see yijian.replay_shares. The report does not depend on how many
processes there were: what they found adds up in the order of the file, and an event that comes
again (by its key) is looked at once, where it stands first.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final

from rules.replay import Change, ChangedRule, Kind, Side, Tally
from yijian.replay_pieces import KEY_BYTES, Counts, Part, Piece, Plan, Worker
from yijian.replay_shares import Wish, shares
from yijian.replay_subjects import Share

__all__ = ["Counts", "Outcome", "Plan", "replay"]

PIECE_BYTES: Final = 8 * 1024 * 1024


@dataclass
class Outcome:
    """A whole replay."""

    changed: tuple[ChangedRule, ...]
    unchanged: int
    """How many rules are equal on both sides: their alerts are the same."""
    basis: tuple[tuple[str, str], tuple[str, str]]
    """Digests of rules and knowledge, of baseline and candidate."""
    has_past: bool = False
    """Whether patients were remembered from event to event."""
    of_groups: tuple[str, ...] = ()
    """Changed rules about groups where nothing is remembered: what they find is not compared."""
    tally: Tally = field(default_factory=Tally)
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[tuple[str, Kind], list[Change]] = field(default_factory=dict)


def replay(
    events: Path,
    plan: Plan,
    *,
    workers: int | None = None,
    examples: int = 3,
    out: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    piece_bytes: int = PIECE_BYTES,
) -> Outcome:
    """What the candidate changes about the events of an NDJSON file.

    `out` receives every single change, NDJSON. `progress` is told bytes done and in all. Raises
    OSError, PackError or KnowledgeError.
    """
    sides = plan.sides()
    changed = plan.changed(sides)
    ids = {rule.id for side in sides for rule in side.pack.rules if rule.is_evaluated}
    basis = tuple((side.pack.digest, side.knowledge.digest) for side in sides)
    needs_past = plan.needs_past(sides, changed)
    outcome = Outcome(changed, len(ids) - len(changed), (basis[0], basis[1]), needs_past)
    if needs_past:
        wish = Wish(events, plan, examples, workers or _processors())
        with out.open("wb") if out else nullcontext() as target:
            _take_all(outcome, shares(wish, sides, changed, progress), examples, target)
        return outcome
    outcome.of_groups = _about_groups(sides, changed)
    pieces = list(_pieces(events.stat().st_size, piece_bytes))
    count = min(workers or _processors(), max(1, len(pieces)))
    seen: set[bytes] = set()
    with (
        out.open("wb") if out else nullcontext() as target,
        _runner(events, plan, sides, changed, examples, count) as run,
    ):
        for piece, first in zip(pieces, run.all(pieces), strict=True):
            part = first
            again = _repeated(part.keys, seen)
            if again:
                part = run.one(piece, again)
            _take(outcome, part, examples)
            if target is not None:
                target.write(part.changes)
            progress(piece.end, pieces[-1].end)
    return outcome


def _processors() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _about_groups(sides: Sequence[Side], changed: Sequence[ChangedRule]) -> tuple[str, ...]:
    names = {one.rule_id for one in changed}
    rules = [rule for side in sides for rule in side.pack.rules if rule.id in names]
    return tuple(sorted({r.id for r in rules if any(body.group_by for body in r.bodies)}))


def _pieces(size: int, piece_bytes: int) -> Iterator[Piece]:
    for start in range(0, size, piece_bytes):
        yield Piece(start, min(start + piece_bytes, size))


def _repeated(keys: bytes, seen: set[bytes]) -> frozenset[bytes]:
    """The keys that earlier pieces have already; all others are added to what was seen."""
    found = {keys[i : i + KEY_BYTES] for i in range(0, len(keys), KEY_BYTES)}
    again = found & seen
    seen |= found
    return frozenset(again)


def _take(outcome: Outcome, part: Part, examples: int) -> None:
    outcome.tally.add(part.tally)
    outcome.counts = outcome.counts.plus(part.counts)
    outcome.reasons.update(part.reasons)
    for change in part.examples:
        kept = outcome.examples.setdefault((change.rule, change.change), [])
        if len(kept) < examples:
            kept.append(change)


def _take_all(
    outcome: Outcome, found: Sequence[Share], examples: int, target: BinaryIO | None
) -> None:
    """What all processes found, in the order of the file."""
    for share in found:
        outcome.tally.add(share.tally)
        outcome.counts = outcome.counts.plus(share.counts)
        outcome.reasons.update(share.reasons)
    outcome.tally.affected = len({told.line for share in found for told in share.changes})
    shown = [(bool(c.cause), line, n, c) for share in found for line, n, c in share.examples]
    for _, _, _, change in sorted(shown, key=itemgetter(0, 1, 2)):
        kept = outcome.examples.setdefault((change.rule, change.change), [])
        if len(kept) < examples:
            kept.append(change)
    if target is not None:
        for told in sorted(told for share in found for told in share.changes):
            target.write(told.text)


class _Here:
    """Every piece in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def all(self, pieces: list[Piece]) -> Iterator[Part]:
        return map(self._worker.piece, pieces)

    def one(self, piece: Piece, skip: frozenset[bytes]) -> Part:
        return self._worker.piece(piece, skip)


class _There:
    """Pieces in other processes, answered in order."""

    def __init__(self, pool: multiprocessing.pool.Pool) -> None:
        self._pool = pool

    def all(self, pieces: list[Piece]) -> Iterator[Part]:
        return self._pool.imap(_piece, pieces)

    def one(self, piece: Piece, skip: frozenset[bytes]) -> Part:
        return self._pool.apply(_piece, (piece, skip))


@contextmanager
def _runner(
    events: Path,
    plan: Plan,
    sides: tuple[Side, Side],
    changed: tuple[ChangedRule, ...],
    examples: int,
    count: int,
) -> Iterator[_Here | _There]:
    if count == 1:
        yield _Here(Worker(events, plan, sides, changed, examples))
        return
    # Processes are spawned: a forked one would inherit the parent's threads and locks.
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(count, _start, (events, plan, examples)) as pool:
        yield _There(pool)


_worker: Worker | None = None


def _start(events: Path, plan: Plan, examples: int) -> None:
    """Make this process ready: both sides are loaded once."""
    global _worker
    sides = plan.sides()
    _worker = Worker(events, plan, sides, plan.changed(sides), examples)


def _piece(piece: Piece, skip: frozenset[bytes] = frozenset()) -> Part:
    if _worker is None:
        raise RuntimeError("the process was not made ready")
    return _worker.piece(piece, skip)
