"""What decisions are about: an event, by the words that a comparison tells of it."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event
from rules.replay.money import Act


class About(NamedTuple):
    """The event that decisions are about."""

    source: str
    id: str
    type: str
    time: str
    institution: str
    department: str
    act: Act
    revision: int

    @classmethod
    def event(cls, event: Event) -> About:
        data = event.data
        department = data.department if isinstance(data.department, str) else ""
        return cls(
            event.source, event.id, event.type, event.time.isoformat(), data.institution,
            department, act_of(event), data.revision,
        )  # fmt: skip

    @classmethod
    def decision(cls, decision: Decision) -> About:
        ref = decision.event
        family = EVENT_TYPES[ref.type].family
        return cls(
            ref.source, ref.id, ref.type, datetime.fromisoformat(ref.time).isoformat(),
            ref.institution, ref.department, _act(ref.source, family, ref.act_id), ref.revision,
        )  # fmt: skip


def act_of(event: Event) -> Act:
    """A digest of what names the act that an event is about."""
    return _act(event.source, EVENT_TYPES[event.type].family, event.data.act_id)


def _act(source: str, family: str, act_id: str) -> Act:
    name = "\x1f".join((source, family, act_id))
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
