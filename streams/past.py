"""What the step asks of what is remembered, and of the rules that look back at it.

The attendant is `rules.memory`'s; the memories of a partition are `streams.state`'s. The step knows
both by these words only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from contracts.backfill import Backfill
from contracts.decision import ActivityHeaders, Decision, Repeat
from contracts.event import Event
from rules.memory.coverage import Coverage
from rules.memory.model import Memory
from rules.memory.taken import Activity
from rules.memory.ties import Mail, Told
from rules.memory.uncovered import Uncovered


class Taken(Protocol):
    """What an event, or a timer, leads to."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The event's own first, then those that replace earlier ones."""

    @property
    def repeat(self) -> Repeat | None:
        """The record that names the first decision, where the event came before."""

    @property
    def reused(self) -> bool:
        """Whether the event's key came before with other content."""

    @property
    def changed(self) -> bool:
        """Whether the memory is another now."""

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The groups that are to be told of the event."""

    @property
    def mails(self) -> tuple[Mail, ...]:
        """What is to be told to other subjects."""

    @property
    def forwarded(self) -> str:
        """Where the event is answered instead; "" where it was answered."""


class Attendant(Protocol):
    """The rules together with what is remembered, as the worker sees them."""

    def take(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, own: str
    ) -> Taken:
        """What an event leads to; `memory`, which is that of `own`, is changed in place."""

    def hear(
        self, kind: str, value: bytes, mark: str, memory: Memory, coverage: Coverage, own: str, *,
        is_written: bool,
    ) -> Told | None:  # fmt: skip
        """What a message of identities leads to; None where it was heard before."""

    def join(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, activity: Activity
    ) -> Taken:
        """What an event leads to in a group; `memory` is the group's."""

    def fire(self, memory: Memory, coverage: Coverage, timer_id: str, clock_us: int) -> Taken:
        """What a timer leads to when its source's clock shows `clock_us`."""

    def uncovered(self, coverage: Coverage) -> Sequence[Uncovered]:
        """The rules that look back further than is known."""

    def step(self, coverage: Coverage, step: Backfill) -> bool:
        """Whether a step of a backfill is the next one, and to be done."""

    def bring(self, event: Event, digest: str, memory: Memory, coverage: Coverage) -> bool:
        """Bring a past event into `memory`; whether that is changed."""


class Past(Protocol):
    """What is remembered of the subjects of one partition number."""

    @property
    def coverage(self) -> Coverage: ...

    def recall(self, subject: bytes) -> Memory:
        """What is remembered of a subject, to be changed in place."""

    def keep(self, subject: bytes) -> None:
        """What was recalled last has changed."""

    def undo(self, subject: bytes) -> None:
        """What was recalled last is to be again as it was then."""

    def is_written(self, subject: bytes) -> bool:
        """Whether nothing of a subject has changed since it was written."""

    def heard(self, event: Event, received_ms: int | None) -> None:
        """An event was looked at: its source's clock goes on."""


class Due(NamedTuple):
    """A timer that is to fire."""

    subject: bytes
    timer: str
    clock_us: int
    """What the clock of its source shows."""


def activity_of(key: bytes, headers: Mapping[str, Any]) -> Activity:
    """What a record of the activities topic tells a group of. Raises UnicodeDecodeError."""
    group = key.decode("utf-8", "surrogatepass")
    return Activity(group, ActivityHeaders.SUPERSEDED not in headers)


class Message(NamedTuple):
    """A message of a subject's identities, as it came."""

    kind: str
    subject: bytes
    value: bytes
    mark: str
    """Names it: where it stands."""


def message_of(
    kind: bytes, subject: bytes, value: bytes | None, partition: int, offset: int
) -> Message:
    """A record of the activities topic as a message."""
    return Message(kind.decode(), subject, value or b"", f"\x1f{partition}\x1f{offset}")


class Brought(NamedTuple):
    """An intake record that is read again."""

    value: bytes | None
    key: bytes | None
    received_ms: int | None
