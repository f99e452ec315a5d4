"""Decisions of timers that were made by a run that ended before it was remembered.

Their timers stand as if they had not fired, and may fire otherwise now, or not at all. So each is
withdrawn before anything else is decided: an empty decision of the same name follows it. That a
timer had nothing to say is taken back likewise. What an interrupted run decided about events needs
none of this, for the events come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from contracts.decision import (
    Coverage,
    Decision,
    KindHeaders,
    OriginHeaders,
    Reader,
    Retraction,
    encode_record,
)
from contracts.lapse import Lapse

Headers = list[tuple[str, bytes]]

_read: Final = Reader(Decision)
_read_lapse: Final = Reader(Lapse)
_KEPT: Final = (
    OriginHeaders.TOPIC,
    OriginHeaders.PARTITION,
    OriginHeaders.OFFSET,
    OriginHeaders.RECEIVED_MS,
    KindHeaders.TIMER,
    KindHeaders.CLOCK_US,
    KindHeaders.GENERATION,
)


class Interrupted(NamedTuple):
    """What a timer led to in an interrupted run: its last decision, or a lapse."""

    key: bytes
    value: bytes
    headers: Mapping[str, bytes]


class Withdrawal(NamedTuple):
    """A record of the decisions topic that takes one back."""

    key: bytes
    value: bytes
    headers: Headers


class Tail:
    """Looks through the decisions that the state topic does not cover."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, str], Interrupted] = {}
        self._lapsed: dict[tuple[bytes, str], list[Interrupted]] = {}

    def take(self, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """A decision that is not remembered, in the order of the topic."""
        if headers.get(KindHeaders.KIND) == KindHeaders.LAPSE:
            self._lapse(key, value, headers)
            return
        if KindHeaders.TIMER not in headers:
            return
        name = (key, _read(value).decision_id)
        if headers.get(KindHeaders.KIND) == KindHeaders.INTERRUPTED:
            self._found.pop(name, None)  # it was withdrawn by a run that was interrupted as well
        else:
            self._found[name] = Interrupted(key, value, headers)

    def _lapse(self, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """A timer may lapse, wait again and lapse once more: each time is taken back."""
        told = _read_lapse(value)
        found = self._lapsed.setdefault((key, told.timer), [])
        if not told.interrupted:
            found.append(Interrupted(key, value, headers))
        elif found:
            found.pop()

    def withdrawals(self) -> list[Withdrawal]:
        """What is to be written first of all."""
        lapses = [one for found in self._lapsed.values() for one in found]
        return [*map(withdrawal, self._found.values()), *map(taken_back, lapses)]


def withdrawal(found: Interrupted) -> Withdrawal:
    """The decision of the same name that finds nothing."""
    value = encode_record(emptied(_read(found.value)))
    headers = [(name, found.headers[name]) for name in _KEPT if name in found.headers]
    headers.append((KindHeaders.KIND, KindHeaders.INTERRUPTED))
    return Withdrawal(found.key, value, headers)


def taken_back(lapse: Interrupted) -> Withdrawal:
    """The record that takes a lapse back."""
    told = msgspec.structs.replace(_read_lapse(lapse.value), interrupted=True)
    kept = (*_KEPT, KindHeaders.KIND)
    headers = [(name, lapse.headers[name]) for name in kept if name in lapse.headers]
    return Withdrawal(lapse.key, encode_record(told), headers)


def emptied(decision: Decision) -> Decision:
    """The decision without anything that it found, withdrawn as interrupted."""
    return msgspec.structs.replace(
        decision,
        verdict="retracted",
        coverage=Coverage(applicable=0),
        findings=(),
        not_evaluable=(),
        undetermined=(),
        facts={},
        elements={},
        rules={},
        versions={},
        waiting=(),
        remembered=(),
        cut="",
        retracted=Retraction(why="interrupted"),
    )


def as_headers(headers: Iterable[tuple[str, Any]] | None) -> dict[str, bytes]:
    """The headers of a record by name; the last of a name counts."""
    return {n: v.encode() if isinstance(v, str) else v or b"" for n, v in headers or ()}
