"""The same evaluation without Kafka: lines in, decisions out, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from simulation.ndjson import Line, read
from streams.state import Memories
from streams.supervision import Answer as Supervised
from streams.supervision import DeadLetter, Repeated, Supervisor, TimerFailed

_SEAL_EVERY: Final = 1000
_LINES: Final = "lines"


class Answer(NamedTuple):
    """One line of output, and whether it stands for a refusal."""

    line: bytes
    refused: bool


def evaluate(lines: Iterable[bytes], supervisor: Supervisor) -> Iterator[Answer]:
    """The decisions about every event of the lines; a refusal in the place of a line that is none.

    Where the rules remember, a line may be answered by several decisions, and time passes with
    the lines: what an event brings due is decided behind it.
    """
    past = Memories() if supervisor.remembers else None
    for line in read(lines):
        yield from _answers(line, supervisor, past)
        if past is not None:
            yield from _fired(line, supervisor, past)
            if line.number % _SEAL_EVERY == 0:
                past.seal(_LINES, line.number)


def _answers(line: Line, supervisor: Supervisor, past: Memories | None) -> Iterator[Answer]:
    answer = supervisor.supervise(line.value, received_ms=_arrival_ms(line), past=past)
    if isinstance(answer, DeadLetter):
        yield _refused(line, answer)
    elif isinstance(answer, Repeated):
        yield Answer(answer.record, refused=False)
    else:
        yield Answer(answer.decision_bytes, refused=False)
        for issued in answer.further:
            yield Answer(issued.decision_bytes, refused=False)
        if past is not None:
            yield from _shared(line, answer, supervisor, past)


def _shared(
    line: Line, answer: Supervised, supervisor: Supervisor, past: Memories
) -> Iterator[Answer]:
    """What the event leads to in its groups, which are remembered here as well."""
    for shared in supervisor.tell_groups(answer, line.value, past):
        if isinstance(shared, DeadLetter):
            yield _refused(line, shared)
        elif isinstance(shared, Repeated):
            yield Answer(shared.record, refused=False)
        else:
            for issued in shared.issued:
                yield Answer(issued.decision_bytes, refused=False)


def _refused(line: Line, letter: DeadLetter) -> Answer:
    refusal = {
        "line": line.number,
        "reason": letter.reason,
        "path": letter.path,
        "detail": letter.detail,
    }
    return Answer(msgspec.json.encode({"dead_letter": refusal}), refused=True)


def _fired(line: Line, supervisor: Supervisor, past: Memories) -> Iterator[Answer]:
    arrival_ms = _arrival_ms(line)
    latest_us = max((c.latest_us for c in past.clocks.sources.values()), default=0)
    past.clocks.advance(latest_us if arrival_ms is None else arrival_ms * 1000)
    while dues := past.due():
        for due in dues:
            fired = supervisor.fire(due, past)
            if isinstance(fired, TimerFailed):
                told = {"line": line.number, "timer": due.timer, "detail": fired.detail}
                yield Answer(msgspec.json.encode({"timer_failed": told}), refused=True)
                continue
            for issued in fired:
                yield Answer(issued.decision_bytes, refused=False)


def _arrival_ms(line: Line) -> int | None:
    return line.position.arrival_ms if line.position is not None else None
