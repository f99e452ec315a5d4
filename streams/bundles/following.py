"""Signed bundles while the worker works: followed, compiled beside, swapped between two batches.

The agent asks for the supervisor once a batch and keeps it for all of the batch, so replacing it
is one assignment. Before the first batch of partitions that were just assigned it waits until
this worker has read the topic to the end that it has then: whoever had them before cannot have
decided by a newer bundle. So the digest of a partition's decisions only goes forward.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from confluent_kafka import KafkaException

from contracts.bundle import Activation, Refusal, Why, content_key
from contracts.decision import Basis
from streams.bundles.catching_up import CatchingUp, Reader
from streams.bundles.log import BundleLog
from streams.bundles.pace import Pace
from streams.bundles.standing import Refused, Standing
from streams.bundles.topic import Entry
from streams.errors import BundlesUnreadable
from streams.supervision import Supervisor

log = logging.getLogger(__name__)

_WARM_UP_RECORDS: Final = 1000
_WARM_UP_BATCHES: Final = 8


class Judge(Protocol):
    """What the composition root decides about bundles: whom to trust, and how to load."""

    def activation(self, key: bytes, value: bytes) -> Activation | Refusal:
        """What a trusted key signed, if it stands where it belongs."""

    def load(self, raw: bytes) -> Supervisor | Refusal:
        """Rules ready to decide, with `basis.bundle` set.

        Raises OSError where this machine cannot load it now, which is not the bundle's fault.
        """


@dataclass(frozen=True)
class BundleSource:
    """Which bundles, and how long a start may wait for them."""

    open: Callable[[], Reader]
    """The topic from its start, e.g. `TopicAddress.open`."""
    channel: str
    start_s: float = 120.0


class BundledRules:
    """The rules of the channel's bundle in force; of `files` until there is one."""

    def __init__(self, source: BundleSource, judge: Judge, files: Callable[[], Supervisor]) -> None:
        self._source = source
        self._judge = judge
        self._files = files
        self._log = BundleLog(source.channel, judge.activation)
        self._supervisor: Supervisor | None = None
        self._standing = Standing("bundles", source.channel)
        self._pace = Pace()
        self._lock = threading.Lock()
        self._recent: deque[list[Any]] = deque(maxlen=_WARM_UP_BATCHES)
        self._last_content: tuple[str, bytes] = ("", b"")
        self._catching_up = CatchingUp(self, "yijian-bundles")

    @property
    def supervisor(self) -> Supervisor:
        """The rules in force. Raises BundlesUnreadable before `start` has returned."""
        if self._supervisor is None:
            raise BundlesUnreadable("the bundles topic has not been read yet")
        return self._supervisor

    @property
    def in_use(self) -> Supervisor:
        """The same: another bundle is put in force by `current_for` alone."""
        return self.supervisor

    @property
    def basis(self) -> Basis | None:
        return self.supervisor.basis

    @property
    def standing(self) -> Standing:
        return self._standing

    def start(self) -> None:
        """Read the topic to its end and load what is in force; then follow it in a thread.

        Raises BundlesUnreadable where that cannot be done in time, or a bundle not be unpacked;
        what `files` raises where no bundle is in force, and what opening the topic raises.
        """
        reader = self._source.open()
        try:
            self._catching_up.start(reader, self._source.start_s)
        except TimeoutError:
            raise BundlesUnreadable(
                f"the bundles topic was not read within {self._source.start_s:.0f} s: "
                f"{self._standing.trouble or 'the broker did not answer'}"
            ) from None
        if self._supervisor is None:
            log.warning("No bundle of %s is in force: rules of files", self._source.channel)
            files = self._files()
            with self._lock:  # a bundle may have come into force meanwhile: it stays
                self._supervisor = self._supervisor or files

    def stop(self) -> None:
        self._catching_up.stop()

    async def current_for(self, epoch: int) -> None:
        """Wait until the topic is read to the end that it has now, once an epoch."""
        await self._catching_up.current_for(epoch)

    def seen(self, records: list[Any]) -> None:
        self._recent.append(records)

    # What is made of the topic (streams.bundles.catching_up.Follower).

    def asked(self) -> None:
        with self._lock:
            self._pace.hurry()

    def in_trouble(self, error: Exception) -> None:
        match error:
            case KafkaException():
                what = str(error.args[0].str())
            case OSError():
                what = f"a bundle cannot be unpacked: {error.strerror}"
            case _:
                what = f"{type(error).__name__}; report this as a bug"
        if what != self._standing.trouble:
            log.warning("Bundles: %s; the rules stay as they are, trying again", what)
        self._update(trouble=what, loading="")

    def take(self, entry: Entry) -> None:
        offset, key, value = entry
        refused = self._log.take(offset, key, value)
        if refused is not None:
            self._say_refused(refused)
        elif key is not None and value is not None and key.startswith(b"content/"):
            self._last_content = (key.decode("ascii", "replace"), value)

    def settle(self, reader: Reader) -> None:
        """Bring the latest activation that can be followed into force."""
        for activation in self._log.candidates(self._standing.sequence, self._standing.digest):
            if activation.digest == self._standing.digest:
                self._adopt(activation, None)
                break
            loaded = self._load(reader, activation)
            if isinstance(loaded, Refusal):
                refused = self._log.refuse(activation.sequence, activation.digest, loaded)
                self._say_refused(refused)
                continue
            self._adopt(activation, loaded)
            break
        self._update(loading="", trouble="")

    def _load(self, reader: Reader, activation: Activation) -> Supervisor | Refusal:
        digest = activation.digest
        self._update(loading=digest)
        raw = self._content(reader, digest)
        if raw is None:
            return Refusal(Why.MISSING_CONTENT, "the topic does not hold its content (any more)")
        try:
            with self._paced():
                loaded = self._judge.load(raw)
                if isinstance(loaded, Supervisor):
                    if loaded.basis is None or loaded.basis.bundle != digest:
                        return Refusal(Why.WRONG_PLACE, "another bundle stands under this digest")
                    self._warm_up(loaded)
                return loaded
        except (OSError, MemoryError):
            raise  # this machine's, and passing: it is tried again
        except Exception as error:
            log.exception("A bundle could not be loaded: this is a bug")
            return Refusal(
                Why.FAILED, f"{type(error).__name__} while loading; report this as a bug"
            )

    def _paced(self) -> Pace:
        """Gently while events are supervised, at once where somebody waits."""
        with self._lock:
            self._pace = Pace()
            if self._catching_up.is_awaited:
                self._pace.hurry()
        return self._pace

    def _content(self, reader: Reader, digest: str) -> bytes | None:
        key = content_key(digest)
        if self._last_content[0] == key.decode():
            return self._last_content[1]
        offset = self._log.offset(digest)
        entry = reader.fetch(offset) if offset is not None else None
        return entry.value if entry is not None and entry.key == key else None

    def _warm_up(self, supervisor: Supervisor) -> None:
        """Let it decide what was just decided, so that its first real batch is not slow."""
        batches = list(self._recent)
        for records in batches:
            for record in records[: _WARM_UP_RECORDS // len(batches)]:
                supervisor.supervise(record.value, record.key, record.timestamp)

    def _adopt(self, activation: Activation, supervisor: Supervisor | None) -> None:
        swaps = self._standing.swaps
        is_swap = self._supervisor is not None
        if supervisor is not None:
            with self._lock:
                swaps += self._supervisor is not None
                self._supervisor = supervisor
            self._last_content = ("", b"")
        self._update(
            digest=activation.digest,
            sequence=activation.sequence,
            activated_at=activation.at,
            author=activation.author,
            swaps=swaps,
        )
        log.info("Bundle %s is in force (activation %d)", activation.digest, activation.sequence)
        if supervisor is not None:
            _tidy(is_swap)

    def _update(self, **changed: Any) -> None:
        sequence = changed.get("sequence", self._standing.sequence)
        self._standing = replace(
            self._standing,
            refused=self._log.refused(sequence),
            refusals=dict(self._log.refusals),
            **changed,
        )

    def _say_refused(self, refused: Refused) -> None:
        log.warning(
            "Bundle %s (activation %d) was refused, the rules stay as they are: %s",
            refused.digest or "?",
            refused.sequence,
            refused.refusal,
        )


def _tidy(is_swap: bool) -> None:
    """Keep the collector away from the new rules.

    The rules before need no collector: no cycle holds them (see rules.engine.bunches.later). A
    look through the whole heap would stop every thread, for a second with 10,000 rules; only
    before the first event there is time for one.
    """
    gc.collect(1 if is_swap else 2)
    gc.freeze()
