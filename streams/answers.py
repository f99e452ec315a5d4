"""What a record led to: answers with the bytes of their decisions and alerts, and dead letters."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import msgspec

from contracts.decision import DeadLetterHeaders, Decision
from contracts.event import Event
from contracts.intake import Reason
from contracts.tie import Tie
from rules.memory.taken import Activity
from rules.memory.ties import Mail

Headers: TypeAlias = list[tuple[str, bytes]]


class Issued(msgspec.Struct, frozen=True, gc=False):
    """A decision with its bytes and those of its alerts, one a finding."""

    decision: Decision
    decision_bytes: bytes
    alerts: tuple[bytes, ...]
    generation: int = 0
    """Of the memory that it was made with (contracts.decision.KindHeaders)."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The decision about an event with its bytes and those of its alerts, one a finding."""

    event: Event
    decision: Decision
    decision_bytes: bytes
    alerts: tuple[bytes, ...]
    unknown_fields: tuple[str, ...]
    further: tuple[Issued, ...] = ()
    """Decisions about earlier events that this one replaces."""
    activities: tuple[Activity, ...] = ()
    """The groups that are to be told of the event."""
    mails: tuple[Mail, ...] = ()
    """What is to be told to other subjects."""
    generation: int = 0
    """Of the memory that it was made with."""


class Forwarded(msgspec.Struct, frozen=True, gc=False):
    """An event that is answered where its subject is remembered: the record that says so, and the
    event for there."""

    event: Event
    record: bytes
    mail: Mail


class Tied(msgspec.Struct, frozen=True, gc=False):
    """What a message of a subject's identities led to: the record that says so."""

    tie: Tie
    record: bytes
    mails: tuple[Mail, ...]


class Joined(msgspec.Struct, frozen=True, gc=False):
    """What an event led to in one group: a decision about it first; nothing where no rule of the
    pack groups acts like that."""

    event: Event
    issued: tuple[Issued, ...]


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """An event that was answered before: the record that says so."""

    event: Event
    record: bytes


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A record that was not evaluated: its bytes as they came, and why."""

    value: bytes | None
    reason: Reason
    path: str
    detail: str

    def headers(self, topic: str, partition: int, offset: int, received_ms: int) -> Headers:
        """The headers of the record in the dead-letter topic, for the place it came from."""
        names = DeadLetterHeaders
        return [
            (names.TOPIC, topic.encode()),
            (names.PARTITION, b"%d" % partition),
            (names.OFFSET, b"%d" % offset),
            (names.REASON, self.reason.value.encode()),
            (names.PATH, self.path.encode("utf-8", "backslashreplace")),
            (names.DETAIL, self.detail.encode("utf-8", "backslashreplace")),
            (names.RECEIVED_MS, b"%d" % received_ms),
        ]


class Lapsed(NamedTuple):
    """A timer that fired with nothing to say: the record that says so."""

    record: bytes


class TimerFailed(NamedTuple):
    """A timer that could not be evaluated: a bug. It waits until its subject is heard of again."""

    detail: str


Fired: TypeAlias = tuple[Issued, ...] | Lapsed | TimerFailed
"""What a timer led to; () where it was not due any more."""
Result: TypeAlias = Answer | Repeated | Forwarded | DeadLetter
Shared: TypeAlias = Joined | Repeated | DeadLetter
"""What an event led to in a group."""
