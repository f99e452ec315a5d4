"""Memories of one partition with the shared step around them, and the topic they are read from."""

from __future__ import annotations

from streams.answers import Answer
from streams.state.framing import framed
from streams.state.memories import Memories, Sealed
from streams.supervision import Supervisor
from support.fake_attendant import FakeAttendant
from support.streams_fakes import FakeEvaluator, prescription, subject


def sealed(memories: Memories, topic: str, position: int, *, is_tick: bool = False) -> Sealed:
    """What a cut of one batch leads to, which is done up to `position`."""
    memories.reached(topic, position, is_tick=is_tick)
    return memories.seal()


def stored(sealed: Sealed, covered: int = -1) -> list[tuple[bytes, bytes | None]]:
    """The records of the state topic that a batch leads to."""
    return [
        (c.key, None if c.body is None else framed(c.due_us, covered, c.body))
        for c in sealed.changes
    ]


def read_back(records: list[tuple[bytes, bytes | None]]) -> Memories:
    memories = Memories()
    for key, value in records:
        memories.restore(key, value)
    return memories


class Step:
    """The shared step with memories of one partition."""

    def __init__(self, memories: Memories | None = None) -> None:
        self.attendant = FakeAttendant()
        self.supervisor = Supervisor(FakeEvaluator(), self.attendant)
        self.memories = Memories() if memories is None else memories

    def take(self, number: int, patient: int = 1, items: int = 2, **changes: object) -> object:
        value = prescription(number, patient, items, **changes)
        return self.supervisor.supervise(value, subject(patient).encode(), None, self.memories)

    def earlier(self, number: int, patient: int = 1) -> int:
        answer = self.take(number, patient)
        assert isinstance(answer, Answer)
        return int(answer.decision.facts["earlier"])
