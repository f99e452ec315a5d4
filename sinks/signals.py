"""SIGTERM and SIGINT as an event."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final

_NUMBERS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, where this is the main thread.

    A handler runs in the main thread between any two of its steps. While that thread holds the
    lock of `stop`, on its way into `stop.wait()`, a handler that called `stop.set()` would wait
    for itself for ever. So it only leaves a word (`SimpleQueue.put` is reentrant) and a thread
    sets `stop`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    words: SimpleQueue[bool] = SimpleQueue()

    def listen() -> None:
        if words.get():
            stop.set()

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    before = [signal.signal(number, lambda *_: words.put(True)) for number in _NUMBERS]
    try:
        yield
    finally:
        for number, handler in zip(_NUMBERS, before, strict=True):
            signal.signal(number, handler)
        words.put(False)
        listener.join()
