"""What can go wrong around the worker.

StreamsError
├── ConfigurationError      the worker was told something that cannot work
├── PositionOutsideLog      a committed position that the log does not hold (any more, or yet)
├── ReadFailed              records that cannot be read: deleted meanwhile, or an unknown codec
├── DeliveryFailed          an output was not confirmed by the broker, or the producer is broken
├── FlushTimedOut           outputs were not confirmed in time before partitions had to be given up
├── BundlesUnreadable       the bundles topic could not be read before the first event
├── RegistryUnreadable      the registry topic could not be read before the first event
├── StateUnreadable         what was remembered could not be read back
├── StuckError              there is work to do and nothing is committed, for too long
└── AgentFailed             an exception left the evaluation of a batch: a bug
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class StreamsError(Exception):
    """Base of the errors of this package."""


class ConfigurationError(StreamsError):
    """The worker was told something that cannot work."""


class LostPosition(NamedTuple):
    """One partition whose committed position lies outside its log [earliest, latest]."""

    topic: str
    partition: int
    committed: int
    earliest: int
    latest: int

    def __str__(self) -> str:
        where = (
            f"{self.earliest - self.committed} records are gone"
            if self.committed < self.earliest
            else "the log ends before it"
        )
        return (
            f"{self.topic}[{self.partition}]: committed {self.committed}, the log holds "
            f"{self.earliest} to {self.latest} ({where})"
        )


class PositionOutsideLog(StreamsError):
    """The group would silently skip or repeat records; somebody has to decide."""

    def __init__(self, group: str, lost: Sequence[LostPosition]) -> None:
        self.lost = tuple(lost)
        super().__init__(
            f"consumer group {group} stands outside the log: "
            + "; ".join(map(str, lost))
            + ". Records may be lost, or the topic was deleted and created again. Nothing was "
            "read. To accept the loss, set the group's offsets on purpose "
            "(kafka-consumer-groups --reset-offsets --to-earliest) and start again"
        )


class ReadFailed(StreamsError):
    """Records of an intake topic cannot be read."""


class DeliveryFailed(StreamsError):
    """An output is not known to be stored; only a new process may write it again."""


class FlushTimedOut(StreamsError):
    """Outputs were not confirmed in time before partitions had to be given up."""


class BundlesUnreadable(StreamsError):
    """The bundles topic could not be read: it is not known which rules are in force."""


class RegistryUnreadable(StreamsError):
    """The registry topic could not be read before the first event."""


class StateUnreadable(StreamsError):
    """What was remembered could not be read back: nothing can be decided without it."""


class StuckError(StreamsError):
    """There is work to do and nothing is committed, for too long."""


class AgentFailed(StreamsError):
    """An exception left the evaluation of a batch: a bug, and the batch is not acknowledged."""
