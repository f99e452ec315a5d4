"""Labels: what supervision must answer to a simulated event, kept beside the events.

An event never carries its own label. The sidecar is NDJSON, one line a label:
`{"source": …, "id": …, "rule": …, "element": …, "expected": …}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal

import msgspec

from contracts.identity import EventKey
from simulation.errors import SidecarError

if TYPE_CHECKING:
    from simulation.simulator import SimulatedEvent

Expected = Literal["alert", "silent", "not_evaluable", "undetermined"]
"""What the rule must answer: `silent` is a near miss (the rule is silent, exempt or out of
scope); the last two say that the rule cannot be decided, so that the decision is not clean."""


class Label(msgspec.Struct, frozen=True, gc=False):
    """The answer expected of one rule for one element of one event."""

    rule_id: str
    element: str
    """The line id of the element judged, or "" for the event as a whole."""
    expected: Expected


class LabelLine(msgspec.Struct, frozen=True, gc=False):
    """A label as the sidecar carries it: with the key of its event."""

    source: str
    id: str
    rule: str
    element: str
    expected: Expected

    @property
    def key(self) -> EventKey:
        return EventKey(self.source, self.id)

    @property
    def label(self) -> Label:
        return Label(self.rule, self.element, self.expected)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(LabelLine).decode


def label_lines(event: SimulatedEvent) -> Iterator[LabelLine]:
    """The labels of one event, each with the event's key."""
    source, identifier = event.event.source, event.event.id
    for label in event.labels:
        yield LabelLine(source, identifier, label.rule_id, label.element, label.expected)


def recording_labels(events: Iterable[SimulatedEvent], out: BinaryIO) -> Iterator[SimulatedEvent]:
    """The same events; the labels of each are written to `out` as it passes."""
    for event in events:
        for line in label_lines(event):
            out.write(_encode(line) + b"\n")
        yield event


def read_labels(lines: Iterable[bytes]) -> Iterator[LabelLine]:
    """The labels of a sidecar. Raises SidecarError at the first line that is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _decode(line)
        except msgspec.MsgspecError as e:
            raise SidecarError(
                f"labels line {number}: {e}; expected an object with source, id, rule, element "
                "and expected; write the sidecar again with `yijian simulate --labels FILE`"
            ) from e
