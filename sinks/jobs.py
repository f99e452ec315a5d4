"""A few threads for blocking work, which never hold up the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Jobs:
    """Like a thread pool, but with daemon threads: the interpreter waits for a pool's threads at
    its end, and one that waits for a server that is away would keep the process."""

    def __init__(self, threads: int, name: str) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """What `work` returns or raises, some time later."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._queue.put(run)
        return future

    def close(self) -> None:
        """Threads end after the work that is queued; nothing is waited for."""
        for _ in self._threads:
            self._queue.put(None)

    def _work(self) -> None:
        while True:
            run = self._queue.get()
            if run is None:
                return
            run()
