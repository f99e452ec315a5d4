"""A broadcast topic followed in a thread: whoever asks waits until it is read to its end.

That is the end which the topic has when they ask. What is read takes effect once everything there
is has been read; where reading fails, what was read goes on to count and it is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from typing import Final, Protocol

from streams.bundles.topic import Entry

_READ_S: Final = 0.1
_RETRY_S: Final = 2.0
_STOP_S: Final = 5.0


class Reader(Protocol):
    """A topic, read on where it stopped."""

    @property
    def caught_up(self) -> bool: ...

    def ask_end(self) -> None: ...

    def read(self, timeout_s: float) -> Iterator[Entry]: ...

    def fetch(self, offset: int) -> Entry | None: ...

    def close(self) -> None: ...


class Follower(Protocol):
    """What is made of the topic; everything in the thread, but for `asked`."""

    def take(self, entry: Entry) -> None:
        """Note a record."""

    def settle(self, reader: Reader) -> None:
        """Everything there is has been read: let it take effect."""

    def in_trouble(self, error: Exception) -> None:
        """Reading, or what is made of it, failed; it is tried again."""

    def asked(self) -> None:
        """Somebody waits."""


class CatchingUp:
    """The thread, and those who wait for it."""

    def __init__(self, follower: Follower, name: str) -> None:
        self._follower = follower
        self._lock = threading.Lock()
        self._waiting: list[Future[None]] = []
        self._asked: list[Future[None]] = []
        """Of those, the ones for whom the topic's end was looked up."""
        self._changed = True
        self._failed = False
        self._epoch = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, reader: Reader, within_s: float) -> None:
        """Read the topic to its end, then follow it. Raises TimeoutError."""
        self._reader = reader
        reached = self._ask()
        self._thread.start()
        reached.result(within_s)

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    async def current_for(self, epoch: int) -> None:
        """Wait until the topic is read to the end that it has now, once an epoch."""
        if epoch != self._epoch:
            await asyncio.wrap_future(self._ask())
            self._epoch = epoch

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits."""
        with self._lock:
            return bool(self._waiting or self._asked)

    def _ask(self) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            self._waiting.append(future)
        self._follower.asked()
        return future

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn(self._reader)
            except Exception as error:  # whatever it is, what was read goes on to count
                self._failed = True
                self._follower.in_trouble(error)
                self._stopping.wait(_RETRY_S)
        self._reader.close()

    def _turn(self, reader: Reader) -> None:
        """Read what has come, and let it take effect once there is nothing more."""
        with self._lock:
            new, self._waiting = self._waiting, []
            self._asked += new
        if new or self._failed:
            reader.ask_end()
            self._changed = True
        for entry in reader.read(_READ_S):
            self._changed = True
            self._follower.take(entry)
        if self._changed and reader.caught_up:
            self._follower.settle(reader)
            self._changed = self._failed = False
            asked, self._asked = self._asked, []
            for future in asked:
                with contextlib.suppress(InvalidStateError):  # whoever asked has gone
                    future.set_result(None)
