"""The memories of this process: read back when partitions come, dropped when they leave.

Faust's tables are not used for this. Their recovery goes record by record through Python, and
their changelog knows nothing of lanes; here a memory belongs to a lane, which already puts the
writes in order, and librdkafka reads a million of them back in well under a minute.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from rules.memory.coverage import Coverage
from streams.errors import StreamsError
from streams.state.interrupted import Withdrawal
from streams.state.memories import Memories
from streams.state.recovery import Reading, Recovery, Restored, failure_of

log = logging.getLogger(__name__)

_RETRY_S: Final = 0.01


class MemoryFigures(NamedTuple):
    """How the memory of this process stands."""

    subjects: int
    bytes: int
    timers: int
    recovering: tuple[int, ...]
    """Partition numbers that are being read back."""
    recovered_records: int
    expected_records: int
    recovery_s: float
    """How long reading back took the last time."""
    ticks_failed: int = 0


class State:
    """The memories of every partition number this process has.

    For the event loop, but for `recovering` and `figures`, which any thread may ask.
    """

    def __init__(self, recovery: Recovery, on_failure: Callable[[StreamsError], None]) -> None:
        self._recovery = recovery
        self._on_failure = on_failure
        self._held: dict[int, Restored] = {}
        self._begun: set[int] = set()
        self._stop = threading.Event()
        self._serial = 0
        self.reading: Reading | None = None
        """The reading that goes on, or the last one that ended."""
        self.recovering = False

    def assigned(self, partitions: Iterable[int]) -> None:
        """Read these partitions back; `ready` waits for it."""
        self.revoked()
        wanted = tuple(sorted(set(partitions)))
        if not wanted:
            return
        self._stop = stop = threading.Event()
        self._serial += 1
        self.reading = reading = Reading(wanted)
        self.recovering = True
        loop, serial = asyncio.get_running_loop(), self._serial

        def work() -> None:
            try:
                found = self._recovery.read(reading, stop)
            except Exception as error:
                if not stop.is_set():
                    self._on_failure(failure_of(error))
                return
            try:
                loop.call_soon_threadsafe(self._arrived, serial, found)
            except RuntimeError:  # the loop is closed: the process is ending
                return

        threading.Thread(target=work, name="yijian-state", daemon=True).start()

    def revoked(self) -> None:
        """Drop everything: the partitions are given up."""
        self._stop.set()
        self._serial += 1
        _close(self._held)
        self._held = {}
        self._begun = set()
        self.recovering = False

    async def ready(self, partition: int, is_current: Callable[[], bool]) -> bool:
        """Wait until a partition number is read back; False where it is not ours any more."""
        while is_current():
            if partition in self._held:
                return True
            await asyncio.sleep(_RETRY_S)
        return False

    def begin(
        self, partition: int, positions: Callable[[int], Mapping[str, int]]
    ) -> tuple[Memories, list[Withdrawal]]:
        """The memories, and what is to be withdrawn first, which only the first call tells.

        `positions` says where reading of the intake topics began in this epoch; it is asked once.
        """
        held = self._held[partition]
        if partition in self._begun:
            return held.memories, []
        self._begun.add(partition)
        if not held.memories.begin(positions(partition)):
            log.warning(
                "Partition %d: records went by that are not remembered; its timelines begin anew",
                partition,
            )
        if held.withdrawals:
            log.warning(
                "Partition %d: %d decisions of timers of an interrupted run are withdrawn",
                partition,
                len(held.withdrawals),
            )
        return held.memories, held.withdrawals

    def figures(self) -> MemoryFigures:
        """How much is remembered, and how far reading back is; from any thread."""
        held, reading = list(self._held.values()), self.reading
        is_on = reading is not None and self.recovering
        return MemoryFigures(
            subjects=sum(len(h.memories) for h in held),
            bytes=sum(h.memories.stored_bytes for h in held),
            timers=sum(len(h.memories.timers) for h in held),
            recovering=reading.partitions if reading and is_on else (),
            recovered_records=reading.records if reading else 0,
            expected_records=reading.expected if reading else 0,
            recovery_s=round(reading.took_s, 3) if reading else 0.0,
        )

    def coverages(self) -> list[tuple[int, Coverage]]:
        """Since when the past is known, by partition number; from any thread."""
        return [(number, held.memories.coverage) for number, held in list(self._held.items())]

    def _arrived(self, serial: int, found: dict[int, Restored]) -> None:
        if serial != self._serial:
            _close(found)
            return
        self._held = found
        self.recovering = False
        reading = self.reading
        assert reading is not None
        log.info(
            "State of partitions %s read back: %d records, %d bytes in %.2f s",
            list(reading.partitions), reading.records, reading.bytes, reading.took_s,
        )  # fmt: skip


def _close(held: Mapping[int, Restored]) -> None:
    for one in held.values():
        one.memories.close()
