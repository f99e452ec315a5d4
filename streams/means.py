"""What an agent works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faust.types import TP

from contracts.topics import Topics
from streams.figures import Figures
from streams.lanes import Lanes
from streams.lease import Lease
from streams.offsets import Work
from streams.placement import Placement
from streams.producer import OutputProducer
from streams.state import State
from streams.state.rereading import Ranges
from streams.supervision import Supervisor


@dataclass(frozen=True)
class Means:
    """What an agent works with."""

    supervisor: Callable[[], Supervisor]
    """Asked once a batch: all records of a batch are answered by one supervisor."""
    producer: OutputProducer
    lanes: Lanes
    lease: Lease
    topics: Topics
    placement: Placement
    figures: Figures
    is_current: Callable[[int], bool]
    """Whether batches of an epoch are still ours."""
    max_record_bytes: int = 4 * 1_048_576 - 16_384
    state: State | None = None
    """What is remembered; None where nothing is."""
    positions: Callable[[int], Mapping[str, int]] = lambda partition: {}
    """Where reading of each intake topic began or was committed, of a partition number."""
    work: Callable[[int], Mapping[str, Work]] = lambda partition: {}
    """How much of each intake topic was looked at, of a partition number."""
    look_at: Callable[[TP, int, int], object] = lambda tp, last, epoch: None
    """Told of each batch that was answered: where it is, its last offset, its epoch."""
    ranges: Ranges | None = None
    """Reads intake records again; None where nothing is remembered."""
