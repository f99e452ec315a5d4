"""The same evaluation without Kafka: lines in, decisions out, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from simulation.ndjson import read
from streams.supervision import DeadLetter, Supervisor


class Answer(NamedTuple):
    """One line of output, and whether it stands for a refusal."""

    line: bytes
    refused: bool


def evaluate(lines: Iterable[bytes], supervisor: Supervisor) -> Iterator[Answer]:
    """A decision for every event of the lines; a refusal in the place of a line that is none."""
    for line in read(lines):
        received_ms = line.position.arrival_ms if line.position is not None else None
        answer = supervisor.supervise(line.value, received_ms=received_ms)
        if isinstance(answer, DeadLetter):
            refusal = {
                "line": line.number,
                "reason": answer.reason,
                "path": answer.path,
                "detail": answer.detail,
            }
            yield Answer(msgspec.json.encode({"dead_letter": refusal}), refused=True)
        else:
            yield Answer(answer.decision_bytes, refused=False)
