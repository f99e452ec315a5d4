"""What an event, or a timer, led to for its subject, and who is told of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from contracts.decision import Decision, Repeat
from rules.memory.ties import Mail


class Activity(NamedTuple):
    """A group that is told of an event."""

    key: str
    stands: bool = True
    """Whether the act is known to belong to it; False: a later revision, which came before this
    one, does not name the group."""

    @property
    def subject(self) -> bytes:
        """Under what the group is remembered, and the key of its records."""
        return self.key.encode("utf-8", "surrogatepass")


class Taken(msgspec.Struct, gc=False):
    """What an event, or a timer, led to."""

    decisions: tuple[Decision, ...] = ()
    """The event's own first; then those that stand in place of earlier ones."""
    repeat: Repeat | None = None
    """The same event came before: this names its decision, and nothing else happened."""
    reused: bool = False
    """The key came before with other content; nothing happened."""
    changed: bool = True
    """Whether the memory is another one now."""
    activities: tuple[Activity, ...] = ()
    """The groups that are told of the event."""
    mails: tuple[Mail, ...] = ()
    """What other subjects are told because of it."""
    forwarded: str = ""
    """Where the event is answered instead; nothing happened here."""
